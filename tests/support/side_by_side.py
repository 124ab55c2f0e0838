"""Two that do the same thing at the same time, led to the one statement where they must not meet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

from django.db import connection, connections, transaction

LONGEST = 20.0  # seconds until a second one is there or waits for a lock; it takes a few milliseconds
SQLITE_WAITS = 1.0  # SQLite tells nobody who waits


@dataclass
class Meeting:
    """The first stands before the statement, in its transaction, until the second is there, too, or waits for it."""

    act: Callable[[], object]
    is_statement: Callable[[str], bool]
    second: Thread | None = None
    both_there: Event = field(default_factory=Event)
    second_pid: int | None = None
    has_gone_on: bool = False  # the first, so that whoever comes now meets nobody
    outcomes: dict[str, object] = field(default_factory=dict)

    def hold(self) -> bool:
        """Act twice; whether both came to stand before the statement at once."""
        with connection.execute_wrapper(self._first):
            self._act("first")
        assert self.second is not None, "the first never came to the statement"
        self.second.join(LONGEST)
        assert not self.second.is_alive()
        return self.both_there.is_set()

    def _act(self, who: str) -> None:
        try:
            self.outcomes[who] = self.act()
        except Exception as error:  # noqa: BLE001  the test looks at what they ended with
            self.outcomes[who] = error

    def _first(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.second is None and self._is_here(sql):
            self.second = Thread(target=self._go_second)
            self.second.start()
            until = time.monotonic() + (LONGEST if connection.vendor == "postgresql" else SQLITE_WAITS)
            while not self.both_there.wait(0.01) and not self._second_waits():
                if time.monotonic() > until:
                    assert connection.vendor == "sqlite", "the second neither came nor waits"
                    break
            self.has_gone_on = True
        return execute(sql, params, many, context)

    def _go_second(self) -> None:
        try:
            self.second_pid = own_pid()
            with connection.execute_wrapper(self._watch_second):
                self._act("second")
        finally:
            connections.close_all()

    def _watch_second(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not self.has_gone_on and self._is_here(sql):
            self.both_there.set()
        return execute(sql, params, many, context)

    def _is_here(self, sql: str) -> bool:
        return connection.in_atomic_block and self.is_statement(sql)

    def _second_waits(self) -> bool:
        return waits_for_a_lock(self.second_pid)


def do_meet(act: Callable[[], object], is_statement: Callable[[str], bool]) -> tuple[bool, list[object]]:
    """Whether two acts stand before this statement at once, and what each ended with, the one that came first first."""
    meeting = Meeting(act=act, is_statement=is_statement)
    return meeting.hold(), [meeting.outcomes["first"], meeting.outcomes["second"]]


def do_cross(first: Callable[[], object], then: Callable[[], object], act: Callable[[], object]) -> object:
    """What `act` ends with, begun in a thread when a transaction here has done `first`, and before that does `then`.

    Where it holds by then what `then` takes, the two wait for each other for ever, and PostgreSQL ends one of them. On
    SQLite one writes after the other.
    """
    pids: list[int | None] = []
    outcomes: list[object] = []

    def run() -> None:
        try:
            pids.append(own_pid())
            outcomes.append(act())
        except Exception as error:  # noqa: BLE001  the test looks at what it ended with
            outcomes.append(error)
        finally:
            connections.close_all()

    thread = Thread(target=run)
    with transaction.atomic():
        first()
        thread.start()
        until = time.monotonic() + (LONGEST if connection.vendor == "postgresql" else SQLITE_WAITS)
        while thread.is_alive() and time.monotonic() < until and not any(map(waits_for_a_lock, pids)):
            time.sleep(0.01)
        assert thread.is_alive(), outcomes
        then()
    thread.join(LONGEST)
    return outcomes[0]


def own_pid() -> int | None:
    """Of this thread's connection to PostgreSQL."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return int(pid)


def waits_for_a_lock(pid: int | None) -> bool:
    if pid is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", [pid])
        (count,) = cursor.fetchone()
    return bool(count)
