"""Slots taken ahead of their requests, so that a change is journalled as under way only when it may leave at once.

A request's deadline counts from its slot. Were the slot taken after the journal, a request could leave long after its
row says so, and take effect after somebody has settled that row by reading.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Self

from alignadmin.http.budget import Budget, NoBudget, Ticket


class Door:
    """Stands before a Budget, and is itself one for a Remote. May be shared by threads."""

    def __init__(self) -> None:
        self._budget: Budget = NoBudget()
        self._deadline = 0.0
        self._thread = threading.local()

    def before(self, budget: Budget, *, deadline: float) -> Self:
        self._budget, self._deadline = budget, deadline
        return self

    # --- for whoever sends -------------------------------------------------------------------------------------

    def enter(self, *, until: float) -> Ticket:
        """Wait for a slot until that monotonic time. Raises RateLimited."""
        return self._budget.take(deadline=self._deadline, patience=max(0.0, until - time.monotonic()))

    def leave(self, ticket: Ticket) -> None:
        """Hand back a slot whose request was not sent."""
        self._budget.answered(ticket)

    def holding(self, ticket: Ticket) -> None:
        """The next request of this thread is sent with this slot."""
        self._thread.held, self._thread.first = ticket, ticket

    # --- for the Remote ----------------------------------------------------------------------------------------

    def take(self, *, deadline: float, patience: float) -> Ticket:
        held: Ticket | None = getattr(self._thread, "held", None)
        self._thread.held = None
        if held is not None:
            return held
        # Once more within the same request, as after a switch of the credential: the first deadline still holds.
        again = self._budget.take(deadline=deadline, patience=patience)
        first: Ticket | None = getattr(self._thread, "first", None)
        return replace(again, started=min(again.started, first.started)) if first else again

    def answered(self, ticket: Ticket) -> None:
        self._budget.answered(ticket)

    def blocked(self, ticket: Ticket, seconds: float) -> None:
        self._budget.blocked(ticket, seconds)

    def lost(self, ticket: Ticket) -> None:
        self._budget.lost(ticket)
