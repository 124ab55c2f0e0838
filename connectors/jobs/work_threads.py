"""The worker's threads: each waits until it is asked to look for due work, and then does what it finds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import Error as DatabaseFailure
from django.db import close_old_connections

from alignadmin import starting

log = logging.getLogger(__name__)


class WorkThreads:
    """`count` threads that call `look`, as often as they are asked to, until they are asked to end."""

    def __init__(self, count: int, handle: Callable[[], object]) -> None:
        self._handle = handle
        self._asked = 0
        self._is_ending = False
        self._changed = threading.Condition()
        # Daemons, so that a second Ctrl-C ends the process: what they have in hand is then taken over elsewhere.
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True) for number in range(1, count + 1)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Nobody looks any more; returns once each thread has ended what it is at."""
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    @property
    def asked(self) -> int:
        """How many looks nobody has begun."""
        return self._asked

    def ask(self, times: int = 1) -> None:
        """Another look for each wake-up, as they may stand for work that can be done side by side."""
        with self._changed:
            self._asked = min(self._asked + times, len(self._threads))
            self._changed.notify(times)

    def ask_unless_asked(self) -> None:
        if not self._asked:
            self.ask()

    def _work(self) -> None:
        while self._is_asked():
            close_old_connections()
            try:
                self._handle()
            except DatabaseFailure as error:
                log.warning("due work could not be looked for: %s", starting.reason_of(error))
            except Exception:  # the thread's outermost loop: the next look tries again
                log.exception("due work failed")
            finally:
                close_old_connections()

    def _is_asked(self) -> bool:
        """Wait for it; False when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked or self._is_ending)
            if self._is_ending:
                return False
            self._asked -= 1
            return True
