"""Sending changes from a thread pool: first the slot, then the journal's commit, then the request."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from alignadmin.http.budget import Ticket
from alignadmin.http.errors import RateLimited, RemoteError
from alignadmin.http.slot_reservation import Door
from connectors.align.client import AlignClient
from connectors.align.resources import WriteRequest
from connectors.jobs.runner import LeaseLost, Run
from connectors.jobs.threads import DatabaseThreads
from mappings.applying.outcomes import Outcome
from mappings.models import Change

LOOK_EVERY = 0.5  # seconds, while every thread waits for a slot, that a wish to stop may wait to be heard


class Stopped(Exception):
    """Somebody asked to pause or cancel, or the sign-in was refused; what was not sent stays planned."""


@dataclass
class Sender:
    """Sends what the journal lets through. `listen` raises when no further request may leave."""

    run: Run
    door: Door
    listen: Callable[[], None]
    mark: Callable[[Sequence[Change]], list[Change]]  # the journal's commit before a request leaves
    record: Callable[[Sequence[Outcome]], None]
    writer: AlignClient = field(init=False)  # made with `told_to_wait` and `door`
    halted: threading.Event = field(default_factory=threading.Event)

    def told_to_wait(self, what: str) -> None:
        """For the budget: in a thread of the pool that waits for a slot."""
        if self.halted.is_set():
            raise Stopped
        self.run.waits_for(what)

    def send_all(self, changes: Iterable[Change], *, until: float) -> None:
        """Send until that monotonic time; the rest stays planned. What has left is recorded whatever comes up."""
        queue, under_way = deque(changes), dict[Future[Outcome], Change]()
        waiting: dict[Future[Ticket | None], Change] = {}
        self.halted.clear()
        with DatabaseThreads(settings.APPLY_THREADS) as threads:
            while queue or waiting or under_way:
                for _ in range(min(len(queue), threads.width - len(waiting) - len(under_way))):
                    change = queue.popleft()
                    waiting[threads.submit(self._enter, until)] = change
                futures: list[Future[Any]] = [*waiting, *under_way]
                ready, _ = wait(futures, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED)
                self._record([future for future in under_way if future in ready], under_way)
                if not (time.monotonic() < until and self._may_go_on()):
                    queue.clear()
                    self.halted.set()
                admitted = [(waiting.pop(future), future.result()) for future in list(waiting) if future in ready]
                for change, ticket in self._marked(admitted):
                    under_way[threads.submit(self._send, (change, ticket))] = change
        self.listen()

    def _may_go_on(self) -> bool:
        try:
            self.listen()
        except (Stopped, LeaseLost):
            return False
        return True

    def _enter(self, until: float) -> Ticket | None:
        """In a thread of the pool: a slot, or nothing when there was none in time."""
        try:
            return self.door.enter(until=until)
        except (RateLimited, Stopped, LeaseLost):
            return None

    def _marked(self, admitted: Sequence[tuple[Change, Ticket | None]]) -> list[tuple[Change, Ticket]]:
        """The changes that may leave now, each with its slot; other slots are handed back."""
        tickets = {change.pk: ticket for change, ticket in admitted if ticket is not None}
        wanted = [change for change, ticket in admitted if ticket is not None]
        may_leave = {change.pk for change in self.mark(wanted)} if wanted and not self.halted.is_set() else set()
        for pk in tickets.keys() - may_leave:
            self.door.leave(tickets[pk])
        return [(change, tickets[change.pk]) for change in wanted if change.pk in may_leave]

    def _record(self, ready: Sequence[Future[Outcome]], under_way: dict[Future[Outcome], Change]) -> None:
        if ready:
            self.record([future.result() for future in ready])
        for future in ready:
            del under_way[future]

    def _send(self, admitted: tuple[Change, Ticket]) -> Outcome:
        """In a thread of the pool: HTTP only."""
        change, ticket = admitted
        self.door.holding(ticket)
        request = WriteRequest(
            method=change.method,
            path=change.path,
            query=tuple((name, value) for name, value in change.query),
            body=change.body,
        )
        try:
            return Outcome(change=change, answer=self.writer.send(request))
        except RemoteError as error:
            return Outcome(change=change, error=error)
