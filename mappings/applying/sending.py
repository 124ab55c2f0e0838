"""The threads that send: each waits for a slot of the rate budget, or sends one request with the slot it was given."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from types import TracebackType
from typing import Any, Self

from django.conf import settings

from alignadmin.http.budget import Ticket
from alignadmin.http.errors import RateLimited, RemoteError
from alignadmin.http.slot_reservation import Door
from connectors.align.resources import WriteRequest
from connectors.credentials import clients
from connectors.jobs.runner import LeaseLost, Run
from connectors.jobs.threads import DatabaseThreads
from connectors.models import Connector
from mappings.applying.outcomes import Outcome
from mappings.models import Change


class WaitedLongEnough(Exception):
    """In a thread that waits for a slot: nothing more is to be sent."""


class SendingThreads:
    """Slots and requests of one plan's changes. May be entered again; leaving waits for what is under way.

    These threads know HTTP and the rate budget only. What may be sent, and what its answer means, is decided and
    written by the thread that holds this.
    """

    def __init__(self, run: Run, connector: Connector) -> None:
        self._run = run
        self._door = Door()
        # No patience of its own: a request that was told to wait goes back into the plan.
        self._writer = clients.align_client(
            connector, job=run.job, read_only=False, on_wait=self._on_wait, patience=0.0, door=self._door
        )
        self._no_more = threading.Event()

    def __enter__(self) -> Self:
        self._threads = DatabaseThreads(settings.APPLY_THREADS)
        self._waiting: dict[Future[Ticket | None], Change] = {}
        self._under_way: dict[Future[Outcome], Change] = {}
        self._no_more.clear()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop_waiting()
        self._threads.__exit__(kind, error, at)

    @property
    def are_busy(self) -> bool:
        return bool(self._waiting or self._under_way)

    @property
    def free(self) -> int:
        return self._threads.width - len(self._waiting) - len(self._under_way)

    # --- what is handed in -------------------------------------------------------------------------------------

    def take_slot(self, change: Change, *, until: float) -> None:
        """Wait for a slot, until that monotonic time."""
        self._waiting[self._threads.submit(self._take_slot, until)] = change

    def send(self, change: Change, slot: Ticket) -> None:
        self._under_way[self._threads.submit(self._send, (change, slot))] = change

    def hand_back(self, slot: Ticket) -> None:
        self._door.leave(slot)

    def stop_waiting(self) -> None:
        self._no_more.set()

    # --- what is ready -----------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Until anything is ready, or that long."""
        futures: list[Future[Any]] = [*self._waiting, *self._under_way]
        wait(futures, timeout=seconds, return_when=FIRST_COMPLETED)

    def outcomes(self) -> list[Outcome]:
        """What came back since this was asked last."""
        came_back = [future for future in self._under_way if future.done()]
        outcomes = [future.result() for future in came_back]
        for future in came_back:
            del self._under_way[future]
        return outcomes

    def admitted(self) -> list[tuple[Change, Ticket]]:
        """The changes that were given a slot since this was asked last; those without one in time are left out."""
        over = [future for future in self._waiting if future.done()]
        waited = [(self._waiting.pop(future), future.result()) for future in over]
        return [(change, slot) for change, slot in waited if slot is not None]

    # --- in the threads ----------------------------------------------------------------------------------------

    def _on_wait(self, what: str) -> None:
        if self._no_more.is_set():
            raise WaitedLongEnough
        self._run.waits_for(what)

    def _take_slot(self, until: float) -> Ticket | None:
        try:
            return self._door.enter(until=until)
        except (RateLimited, WaitedLongEnough, LeaseLost):
            return None

    def _send(self, admitted: tuple[Change, Ticket]) -> Outcome:
        change, slot = admitted
        self._door.holding(slot)
        request = WriteRequest(
            method=change.method,
            path=change.path,
            query=tuple((name, value) for name, value in change.request_query),
            body=change.request_body,
        )
        try:
            return Outcome(change=change, answer=self._writer.send(request))
        except RemoteError as error:
            return Outcome(change=change, error=error)
