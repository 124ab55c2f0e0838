"""The contract between a client and whatever keeps it within the remote system's rate limit."""

import threading
import time
from dataclasses import dataclass
from typing import Protocol

from alignadmin.http.errors import RateLimited


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """The right to send one request. `started` is monotonic: the request's deadline counts from there.

    `slot_id` is 0 where no slots are counted.
    """

    started: float
    slot_id: int = 0
    is_probe: bool = False


class Budget(Protocol):
    """Every attempt takes a ticket before its socket is opened and hands it back in exactly one of three ways.

    A ticket that is never handed back (a killed process) ends by itself: it is a lease.
    """

    def take(self, *, deadline: float, patience: float) -> Ticket:
        """Waits for a slot. Raises RateLimited after `patience` seconds. `deadline`: how long the request may last."""

    def answered(self, ticket: Ticket) -> None:
        """An answer came, so the request arrived before now."""

    def blocked(self, ticket: Ticket, seconds: float) -> None:
        """The answer was 429, or a 503 that says how long to wait: everybody who shares this budget stops so long."""

    def lost(self, ticket: Ticket) -> None:
        """No answer came; the request may still arrive, so the slot stays taken until its lease ends."""


class NoBudget:
    """Unlimited slots; honours blocks, but only within this object. For tests and for systems without a limit."""

    def __init__(self) -> None:
        self._blocked_until = 0.0
        self._lock = threading.Lock()

    def take(self, *, deadline: float, patience: float) -> Ticket:
        wait = self._blocked_until - time.monotonic()
        if wait > patience:
            raise still_blocked(wait)
        time.sleep(max(0.0, wait))
        return Ticket(started=time.monotonic())

    def answered(self, ticket: Ticket) -> None:
        pass

    def blocked(self, ticket: Ticket, seconds: float) -> None:
        with self._lock:
            self._blocked_until = max(self._blocked_until, time.monotonic() + seconds)

    def lost(self, ticket: Ticket) -> None:
        pass


def out_of_patience(patience: float) -> RateLimited:
    return RateLimited(
        f"The rate limit of the site let no request through for {patience:.0f} s. "
        "Something else at this network address may be using it up; try again later."
    )


def still_blocked(seconds: float) -> RateLimited:
    return RateLimited(
        f"The site asked to be left alone for another {max(1, round(seconds))} s. Try again after that.",
        retry_after=seconds,
    )
