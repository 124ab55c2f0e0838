"""The Budget in our database: what keeps all threads and processes together below the remote rate limit.

An answer comes after the arrival of its request, so a slot that is free again one window after the
answer can never put two arrivals into one window, whatever the network does: the site sees at most
as many requests per window as there are slots.
"""

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet

from alignadmin.http.budget import Ticket, out_of_patience, still_blocked
from connectors.models.budget import BudgetGate, BudgetSlot

logger = logging.getLogger(__name__)

System = Literal["align", "jira"]
Reason = Literal["rate limit", "block", "probe"]

LONGEST_NAP = 1.0  # so that a block that another process lifted is noticed
SHORTEST_NAP = 0.005
PROBE_NAP = 0.2
WORTH_REPORTING = 0.5

# SQLite has one writer, and its waiting is a lottery; threads of one process queue up here instead.
_sqlite_turn = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class BudgetLimits:
    """Seconds and counts. A lease lasts `deadline` of the request + `window` + `grace`."""

    slots: int = 540
    reserved: int = 60
    window: float = 60.0
    grace: float = 2.0
    longest_deadline: float = 20.0
    longest_block: float = 960.0

    def __post_init__(self) -> None:
        if not 0 <= self.reserved < self.slots:
            raise ValueError("BUDGET_RESERVED must be smaller than BUDGET_SLOTS")

    @property
    def longest_lease(self) -> timedelta:
        return timedelta(seconds=self.longest_deadline + self.window + self.grace)

    @property
    def longest_believed(self) -> timedelta:
        """Somebody who read the clock a moment later took a lease that ends a moment later: no clock went back."""
        return self.longest_lease + timedelta(seconds=self.grace)

    def for_bulk(self) -> int:
        return self.slots - self.reserved


@dataclass(frozen=True, kw_only=True)
class Wait:
    """What a request waits for, for progress lines."""

    reason: Reason
    seconds: float

    @property
    def sentence(self) -> str:
        if self.reason == "probe":
            return "rate limit: one request is testing whether the block is over"
        what = "rate limit" if self.reason == "rate limit" else "the site blocks requests"
        return f"{what}: resumes in {max(1, round(self.seconds))} s"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """`used` and `free` add up to `total`; `reserved` is how many of the total only people may take.

    `bulk_from`: when the next slot is free for bulk work, where none is now. `blocked_until` may have passed: then
    the next request is the probe, or `is_probing` says that it is under way.
    """

    total: int
    used: int
    reserved: int
    reserved_used: int = 0
    blocked_until: datetime | None = None
    is_probing: bool = False
    bulk_from: datetime | None = None

    @property
    def free(self) -> int:
        return self.total - self.used

    @property
    def reserved_free(self) -> int:
        return self.reserved - self.reserved_used

    @property
    def bulk_free(self) -> int:
        return self.free - self.reserved_free


Observer = Callable[[Wait | None], None]


class DatabaseBudget:
    """Implements alignadmin.http.Budget. May be shared by threads; closing their connections is the caller's matter.

    `observer` is told a Wait when a request has to wait, and None when it goes on.
    """

    def __init__(
        self,
        *,
        system: System,
        origin: str,
        limits: BudgetLimits,
        interactive: bool = False,
        observer: Observer | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._system = system
        self._origin = origin
        self._limits = limits
        self._share = limits.slots if interactive else limits.for_bulk()
        self._observer = observer
        self._pause = pause
        self._gate_id: int | None = None

    def __repr__(self) -> str:
        return f"DatabaseBudget({self._system} {self._origin}, {self._share} slots)"

    def take(self, *, deadline: float, patience: float) -> Ticket:
        if deadline > self._limits.longest_deadline:
            raise ValueError(f"a deadline of {deadline} s is longer than the longest of this budget")
        self._make_rows()
        gives_up_at = time.monotonic() + patience
        was_reported = False
        while isinstance(outcome := self._try(deadline), Wait):
            left = gives_up_at - time.monotonic()
            if left <= 0:
                raise still_blocked(outcome.seconds) if outcome.reason == "block" else out_of_patience(patience)
            if self._observer is not None and outcome.seconds >= WORTH_REPORTING:
                was_reported = True
                self._observer(outcome)
            self._pause(min(_nap(outcome), left))
        if self._observer is not None and was_reported:
            self._observer(None)
        return outcome

    def answered(self, ticket: Ticket) -> None:
        with _errors_logged():
            moment = now()
            self._free_after_window(ticket, moment)
            if ticket.is_probe:
                # Only a block that is over: a straggler's 429 may have begun the next one.
                self._gate().filter(blocked_until__lte=moment).update(blocked_until=None, probe_until=None)

    def blocked(self, ticket: Ticket, seconds: float) -> None:
        with _errors_logged():
            moment = now()
            self._free_after_window(ticket, moment)
            until = moment + timedelta(seconds=min(seconds, self._limits.longest_block))
            values = {"blocked_until": until, "probe_until": None}
            over = Q(blocked_until=None) | Q(blocked_until__lte=moment)
            # All that were under way are refused together; that is one block.
            if not self._gate().filter(over).update(**values, refusals=F("refusals") + 1):
                self._gate().filter(blocked_until__lt=until).update(**values)
            logger.warning("%s %s asked to be left alone: everybody waits %.0f s", self._system, self._origin, seconds)

    def lost(self, ticket: Ticket) -> None:
        if ticket.is_probe:
            with _errors_logged():
                self._gate().update(probe_until=None)

    def usage(self) -> Usage:
        return usage(self._system, self._origin, limits=self._limits)

    def _try(self, deadline: float) -> Ticket | Wait:
        """One short transaction. `durable` refuses to run inside another one: others could not see the taken slot."""
        if (wait := self._glance()) is not None:
            return wait
        with _turn(), transaction.atomic(durable=True):
            started, moment = time.monotonic(), now()
            blocked_until, wait = self._check_gate(moment)
            if wait is not None:
                return wait
            slot_id = self._free_slot(moment)
            if slot_id is None:
                return self._wait_for_slot(moment)
            if blocked_until is not None and not self._claim_probe(moment, blocked_until, deadline):
                return Wait(reason="probe", seconds=PROBE_NAP)
            BudgetSlot.objects.filter(pk=slot_id).update(free_at=moment + self._lease(deadline))
        return Ticket(started=started, slot_id=slot_id, is_probe=blocked_until is not None)

    def _glance(self) -> Wait | None:
        """What there is to wait for, told by reading alone: those who wait must not queue for the right to write.

        None: there may be a slot, or something is stored that only a clock that went back explains.
        """
        if connection.in_atomic_block:
            return None
        moment = now()
        ends = self._gate().aggregate(
            blocked_until=Max("blocked_until"),
            first=Min("slots__free_at", filter=Q(slots__number__lt=self._share)),
            last=Max("slots__free_at"),
        )
        block, first = ends["blocked_until"], ends["first"]
        if block is not None:
            ahead = (block - moment).total_seconds()
            return Wait(reason="block", seconds=ahead) if 0 < ahead <= self._limits.longest_block else None
        if ends["last"] > moment + self._limits.longest_believed or first <= moment:
            return None
        return Wait(reason="rate limit", seconds=(first - moment).total_seconds())

    def _check_gate(self, moment: datetime) -> tuple[datetime | None, Wait | None]:
        """The end of the block whose probe is due (None: the gate is open), and what to wait for first."""
        blocked_until, probe_until = self._gate().values_list("blocked_until", "probe_until").get()
        if blocked_until is None:
            return None, None
        latest = moment + timedelta(seconds=self._limits.longest_block)
        if blocked_until > latest:  # no block is that long: the clock went back
            self._gate().update(blocked_until=latest)
        if blocked_until > moment:
            return blocked_until, Wait(reason="block", seconds=(min(blocked_until, latest) - moment).total_seconds())
        if probe_until is not None and moment < probe_until <= moment + self._limits.longest_lease:
            return blocked_until, Wait(reason="probe", seconds=PROBE_NAP)
        return blocked_until, None

    def _claim_probe(self, moment: datetime, blocked_until: datetime, deadline: float) -> bool:
        """After a block exactly one request goes first, for at most its own lease."""
        latest = moment + self._limits.longest_lease
        nobody = Q(probe_until=None) | Q(probe_until__lte=moment) | Q(probe_until__gt=latest)
        until = moment + timedelta(seconds=deadline + self._limits.grace)
        return self._gate().filter(nobody, blocked_until=blocked_until).update(probe_until=until) == 1

    def _free_slot(self, moment: datetime) -> int | None:
        free = self._slots(self._share).filter(free_at__lte=moment).order_by("free_at")
        return free.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True).first()

    def _wait_for_slot(self, moment: datetime) -> Wait:
        latest = moment + self._limits.longest_lease
        ends = self._slots(self._share).aggregate(first=Min("free_at"), last=Max("free_at"))
        if ends["last"] > moment + self._limits.longest_believed:  # no lease is that long: the clock went back
            self._shorten_leases(latest)
        return Wait(reason="rate limit", seconds=(min(ends["first"], latest) - moment).total_seconds())

    def _shorten_leases(self, latest: datetime) -> None:
        """One at a time, by the gate's row: two that lock the same slots in another order would never end."""
        list(self._gate().select_for_update(no_key=True))
        self._slots(self._limits.slots).filter(free_at__gt=latest).update(free_at=latest)

    def _free_after_window(self, ticket: Ticket, moment: datetime) -> None:
        free_at = moment + timedelta(seconds=self._limits.window)
        BudgetSlot.objects.filter(pk=ticket.slot_id).update(free_at=free_at)

    def _lease(self, deadline: float) -> timedelta:
        return timedelta(seconds=deadline + self._limits.window + self._limits.grace)

    def _gate(self) -> QuerySet[BudgetGate]:
        return BudgetGate.objects.filter(system=self._system, origin=self._origin)

    def _slots(self, share: int) -> QuerySet[BudgetSlot]:
        return BudgetSlot.objects.filter(gate_id=self._gate_id, number__lt=share)

    def _make_rows(self) -> None:
        """On first use; two processes may do it at once. More slots by a changed setting appear here, too."""
        if self._gate_id is not None:
            return
        with _turn():
            if not self._gate().exists():
                BudgetGate.objects.bulk_create(
                    [BudgetGate(system=self._system, origin=self._origin)], ignore_conflicts=True
                )
            gate_id = self._gate().values_list("pk", flat=True).get()
            known = set(BudgetSlot.objects.filter(gate_id=gate_id).values_list("number", flat=True))
            moment = now()
            missing = [
                BudgetSlot(gate_id=gate_id, number=number, free_at=moment)
                for number in range(self._limits.slots)
                if number not in known
            ]
            BudgetSlot.objects.bulk_create(missing, ignore_conflicts=True)
        self._gate_id = gate_id


def database_budget(
    system: System, origin: str, *, interactive: bool = False, observer: Observer | None = None
) -> DatabaseBudget:
    """The budget of an origin (`Site.origin`) with the numbers of the settings; `interactive` for a person's click."""
    return DatabaseBudget(
        system=system, origin=origin, limits=limits_from_settings(), interactive=interactive, observer=observer
    )


def usage(system: System, origin: str, *, limits: BudgetLimits | None = None) -> Usage:
    """As it stands, in one statement. It only looks: an open page writes nothing, not even the rows of a first use."""
    limits = limits or limits_from_settings()
    moment, bulk = now(), limits.for_bulk()
    is_taken = taken(limits, moment)
    found = BudgetGate.objects.filter(system=system, origin=origin).aggregate(
        used=Count("slots", filter=is_taken),
        reserved_used=Count("slots", filter=is_taken & Q(slots__number__gte=bulk)),
        bulk_from=Min("slots__free_at", filter=is_taken & Q(slots__number__lt=bulk)),
        blocked_until=Max("blocked_until"),
        probe_until=Max("probe_until"),
    )
    used, reserved_used, probe_until = found["used"], found["reserved_used"], found["probe_until"]
    return Usage(
        total=limits.slots,
        used=used,
        reserved=limits.reserved,
        reserved_used=reserved_used,
        blocked_until=found["blocked_until"],
        is_probing=bool(found["blocked_until"] and probe_until and probe_until > moment),
        bulk_from=found["bulk_from"] if used - reserved_used == bulk else None,
    )


def taken(limits: BudgetLimits, moment: datetime) -> Q:
    """Which slots of a gate are taken, for a count over gates; those beyond a limit that was lowered count no more."""
    return Q(slots__number__lt=limits.slots, slots__free_at__gt=moment)


def limits_from_settings() -> BudgetLimits:
    return BudgetLimits(
        slots=settings.BUDGET_SLOTS,
        reserved=settings.BUDGET_RESERVED,
        window=settings.BUDGET_WINDOW,
        grace=settings.BUDGET_GRACE,
        longest_deadline=settings.REQUEST_DEADLINE,
    )


def now() -> datetime:
    """The database's clock where there is one for all machines; not the transaction's start, as `Now()` would be.

    In plain SQL, as the ORM asks for nothing but rows, and there may be none yet; by the gate's row it takes 3 times as
    long.
    """
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _nap(wait: Wait) -> float:
    """A little jitter, so that waiting threads do not all wake for the same slot."""
    return min(LONGEST_NAP, max(SHORTEST_NAP, wait.seconds)) + random.uniform(0, SHORTEST_NAP)  # noqa: S311


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    if connection.vendor != "sqlite":
        yield
        return
    with _sqlite_turn:
        yield


@contextlib.contextmanager
def _errors_logged() -> Iterator[None]:
    """The outcome of a request must not be lost because a slot could not be updated: its lease then simply runs out."""
    try:
        with _turn():
            yield
    except DatabaseError:
        logger.warning("a rate budget slot could not be handed back; its lease runs out by itself", exc_info=True)
