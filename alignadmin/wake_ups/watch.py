"""A worker's ear for wake-ups."""

from __future__ import annotations

from threading import Event

from django.db import Error as DatabaseFailure
from django.db import connection

from alignadmin.wake_ups.counting import CHANNEL, counted

POLL_EVERY = 0.1  # seconds between two readings of the number
POLL_EVERY_THOUGH_NOTIFIED = 0.5  # on PostgreSQL, which notifies


class WakeUpWatch:
    """For one thread: its connection is kept open, and on PostgreSQL it listens.

    The number is read on PostgreSQL, too: behind a pool of connections a notification may reach somebody else's.
    """

    def __init__(self, stopping: Event) -> None:
        self._stopping = stopping
        self._seen: int | None = None
        self._listens = False

    def wait(self) -> int:
        """How many wake-ups came since the last call; after half a second at the latest, or when asked to stop.

        While the database does not answer it is none. The clock tells that, and looks for work once it is over.
        """
        try:
            self._pause()
            now = counted()
        except DatabaseFailure:
            connection.close()
            self._listens = False
            self._stopping.wait(POLL_EVERY)
            return 0
        before, self._seen = self._seen, now
        return 0 if before is None else max(0, now - before)

    def _pause(self) -> None:
        if self._seen is None:  # the first reading is at once: what comes after it counts
            return
        if connection.vendor != "postgresql":
            self._stopping.wait(POLL_EVERY)
            return
        connection.ensure_connection()
        server = connection.connection
        if not self._listens:
            server.execute(f"LISTEN {CHANNEL}")
            self._listens = True
            return  # what came before it was heard by nobody: read the number now
        for _ in server.notifies(timeout=POLL_EVERY_THOUGH_NOTIFIED, stop_after=1):
            pass
