"""A thread pool whose threads use the database (for the rate budget) and leave no connection open behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from threading import Barrier, BrokenBarrierError
from types import TracebackType
from typing import Any, Self, TypeVar

from django.db import connection, connections

Item = TypeVar("Item")
Result = TypeVar("Result")


def _do_not_wait_for_the_disk() -> None:
    """These threads write slots and notes, never the journal: a slot lost with the power is no loss.

    On SQLite each of their commits would otherwise wait for the disk, twice a request, one after the other.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:  # the ORM sets nothing of a connection
            cursor.execute("PRAGMA synchronous=NORMAL")


class DatabaseThreads:
    """At most `width` threads at work. Leaving the block waits for what was handed in."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._pool = ThreadPoolExecutor(max_workers=width, initializer=_do_not_wait_for_the_disk)
        self._submitted: list[Future[Any]] = []

    def __enter__(self) -> Self:
        return self

    def submit(self, work: Callable[[Item], Result], item: Item) -> Future[Result]:
        future = self._pool.submit(work, item)
        self._submitted.append(future)
        return future

    def each_done(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results in the order they are ready."""
        for future in as_completed([self.submit(work, item) for item in items]):
            yield future.result()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            for future in self._submitted:
                future.cancel()
        self._close_connections()
        self._pool.shutdown(wait=True)

    def _close_connections(self) -> None:
        """Reach each thread once: nobody leaves the barrier before all have come to it."""
        barrier = Barrier(self.width)

        def close() -> None:
            try:
                barrier.wait(timeout=5)
            except BrokenBarrierError:
                pass
            connections.close_all()

        for _ in range(self.width if self._submitted else 0):
            self._pool.submit(close)
