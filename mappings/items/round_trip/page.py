"""What the pages of verifications show: choosing an item, exactly what is written, and what came of it hop by hop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.text import lasting
from connectors.align.terminology import LEVELS
from connectors.models import ACTIVE, Carried, Connector, Job, JobKind, Project, in_scope_here
from mappings.items.importing.rules import why_connector_waits
from mappings.items.round_trip.leftovers import OURS
from mappings.items.round_trip.queries import is_fresh, trips_of
from mappings.models import (
    OPEN_TRIPS,
    HopState,
    RoundTrip,
    TripHop,
    TripPurpose,
    TripSide,
    TripState,
    TripSubject,
    TripWrite,
    TripWriteState,
)
from mappings.planning.second_person import needs_another

TRIP_STYLES = {
    TripState.VERIFIED: "ok",
    TripState.PROVEN: "ok",
    TripState.INCOMPLETE: "warn",
    TripState.FAILED: "warn",
    TripState.LEFT: "bad",
    TripState.DRAFT: "warn",
}
TRIP_SHAPES = {TripState.VERIFIED: "●", TripState.PROVEN: "◐", TripState.INCOMPLETE: "▲", TripState.LEFT: "■"}
HOP_STYLES = {HopState.CAME: "ok", HopState.MISSING: "bad", HopState.IMPOSSIBLE: "warn", HopState.WAITING: "info"}
WRITE_STYLES = {
    TripWriteState.DONE: "ok",
    TripWriteState.FAILED: "bad",
    TripWriteState.UNKNOWN: "warn",
    TripWriteState.SENDING: "info",
}
LEG_TITLES = {1: "Jira to Jira Align", 2: "Jira Align to Jira"}
SHORT = 10.0  # seconds, below which tenths say something


def time_words(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 min" """
    if seconds < SHORT:
        return f"{max(seconds, 0):.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


@dataclass(frozen=True, kw_only=True)
class ShownTrip:
    """A verification in the list. `came`: "6 of 8"."""

    row: RoundTrip
    style: str
    shape: str
    came: str
    reasons: list[str]

    @property
    def item(self) -> str:
        return self.row.issue_key or f"throw-away in {self.row.project.key}"


@dataclass(frozen=True, kw_only=True)
class ShownHop:
    row: TripHop
    style: str
    took: str  # "1.2 s", empty where it has not come


@dataclass(frozen=True, kw_only=True)
class ShownLeg:
    title: str
    hops: list[ShownHop]


@dataclass(frozen=True, kw_only=True)
class ShownWrite:
    """One write in words: `what` is "Title of PAY-2"."""

    row: TripWrite
    side: str
    what: str
    style: str

    @property
    def is_restore(self) -> bool:
        return self.row.purpose == TripPurpose.RESTORE


class VerifyPage:
    """Choosing an item, and what was verified before."""

    def __init__(self, connector: Connector, person: Person, *, typed: Mapping[str, str] | None = None) -> None:
        self.connector, self.person, self.typed = connector, person, typed or {}

    @property
    def may_start(self) -> bool:
        return may(self.person, Right.APPROVE)

    @cached_property
    def why_not(self) -> str:
        """Why none can begin now; empty where one can."""
        if why := why_connector_waits(self.connector):
            return f"{why} Nothing is written meanwhile."
        return "" if self.projects else "No project is in scope here: choose projects in step 4 of the set-up first."

    @cached_property
    def projects(self) -> list[Project]:
        return list(Project.objects.filter(in_scope_here(), connector=self.connector).order_by("key"))

    @property
    def carried(self) -> list[Project]:
        """Those in which a throw-away issue becomes an item."""
        return [each for each in self.projects if each.carried != Carried.NO]

    @property
    def levels(self) -> list[tuple[str, str]]:
        return [(each, self.connector.terminology.name(each)) for each in LEVELS]

    @cached_property
    def open(self) -> RoundTrip | None:
        return next((each for each in self._rows if each.state in OPEN_TRIPS), None)

    @property
    def with_title_back(self) -> bool:
        return self.typed.get("title_back", "on") == "on"

    @cached_property
    def _rows(self) -> list[RoundTrip]:
        return trips_of(self.connector)

    @property
    def trips(self) -> list[ShownTrip]:
        return [
            _shown(each) for each in self._rows if each.state != TripState.DRAFT or each.author_id == self.person.pk
        ]


def _shown(trip: RoundTrip) -> ShownTrip:
    hops = [each for each in trip.hops.all() if each.state != HopState.NOT_REGISTERED]
    came = sum(each.state == HopState.CAME for each in hops)
    return ShownTrip(
        row=trip,
        style=TRIP_STYLES.get(TripState(trip.state), ""),
        shape=TRIP_SHAPES.get(TripState(trip.state), "○"),
        came=f"{came} of {len(hops)}",
        reasons=list(dict.fromkeys(each.reason for each in hops if each.reason)),
    )


class TripPage:
    def __init__(self, trip: RoundTrip, person: Person) -> None:
        self.trip, self.person, self.connector = trip, person, trip.connector

    @cached_property
    def job(self) -> Job | None:
        rows = Job.objects.filter(connector=self.connector, kind=JobKind.ROUND_TRIP, subject=str(self.trip.pk))
        return rows.filter(state__in=ACTIVE).order_by("-id").first()

    @property
    def style(self) -> str:
        return TRIP_STYLES.get(TripState(self.trip.state), "")

    @property
    def shape(self) -> str:
        return TRIP_SHAPES.get(TripState(self.trip.state), "○")

    @cached_property
    def is_stale(self) -> bool:
        """A proof by mappings that are others now."""
        return self.trip.state in (TripState.VERIFIED, TripState.PROVEN) and not is_fresh(self.trip)

    @property
    def title(self) -> str:
        """ "PAY-2 and Story 1" """
        trip = self.trip
        if not trip.issue_key:
            return f"a throw-away {trip.type_name} in {trip.project.key}"
        return f"{trip.issue_key} and {self.item}" if trip.align_id is not None else trip.issue_key

    @property
    def item(self) -> str:
        return f"{self.level} {self.trip.align_id}"

    @property
    def level(self) -> str:
        return self.connector.terminology.name(self.trip.level)

    @property
    def left(self) -> list[Mapping[str, str]]:
        return [each for each in self.trip.left if each["by"] == OURS]

    @property
    def left_by_others(self) -> list[Mapping[str, str]]:
        return [each for each in self.trip.left if each["by"] != OURS]

    @property
    def times(self) -> str:
        """ "Looked at every 5 seconds; usual within 5 minutes, given up after 10 minutes." """
        every, usual, longest = (
            _length(each)
            for each in (settings.ROUND_TRIP_INTERVAL, settings.ROUND_TRIP_USUAL_LAG, settings.ROUND_TRIP_LONGEST)
        )
        return f"Looked at every {every}; usual is within {usual}, and after {longest} it is given up."

    # --- what may be done ---

    @property
    def is_admin(self) -> bool:
        return may(self.person, Right.APPROVE) and self.connector.disconnected_at is None

    @property
    def needs_another(self) -> bool:
        return needs_another(self.connector, self.person, lambda: [self.trip.author_id])

    @property
    def may_approve(self) -> bool:
        return self.trip.state == TripState.DRAFT and self.is_admin and not self.needs_another

    @property
    def may_stop(self) -> bool:
        return self.trip.state == TripState.RUNNING and self.is_admin and not self.trip.control

    @property
    def may_put_back(self) -> bool:
        return self.trip.state == TripState.LEFT and self.is_admin

    @property
    def may_discard(self) -> bool:
        return self.trip.state == TripState.DRAFT and self.is_admin

    @property
    def consent(self) -> str:
        """What is ticked: the names of all that is changed."""
        trip = self.trip
        if trip.is_throw_away:
            return (
                f"I agree that a {trip.type_name} is made in {trip.project.key}, that its title and status are changed "
                "in both systems, and that it is deleted at the end."
            )
        named = [f"{each.what[0].lower()}{each.what[1:]} in {each.side}" for each in self.changes]
        return f"I agree that these are changed, and put back at the end: {'; '.join(named)}."

    # --- rows ---

    @cached_property
    def _writes(self) -> list[ShownWrite]:
        return [
            ShownWrite(
                row=each,
                side=TripSide(each.side).label,
                what=self._what(each),
                style=WRITE_STYLES.get(TripWriteState(each.state), ""),
            )
            for each in self.trip.writes.all()
        ]

    def _what(self, write: TripWrite) -> str:
        if write.what == TripSubject.ISSUE:
            return f"{self.trip.type_name} in {self.trip.project.key}"
        is_jira = write.side == TripSide.JIRA
        called = "Title" if write.what == TripSubject.TITLE else "Status" if is_jira else "State"
        return f"{called} of {self.trip.issue_key if is_jira else self.item}"

    @property
    def changes(self) -> list[ShownWrite]:
        return [each for each in self._writes if not each.is_restore]

    @property
    def restores(self) -> list[ShownWrite]:
        return [each for each in self._writes if each.is_restore]

    @cached_property
    def legs(self) -> list[ShownLeg]:
        hops = [
            ShownHop(
                row=each,
                style=HOP_STYLES.get(HopState(each.state), ""),
                took="" if each.seconds is None else time_words(each.seconds),
            )
            for each in self.trip.hops.all()
        ]
        legs = [
            ShownLeg(title=title, hops=[each for each in hops if each.row.leg == leg])
            for leg, title in LEG_TITLES.items()
        ]
        return [each for each in legs if each.hops]


def _length(seconds: float) -> str:
    return lasting(int(seconds)) if seconds >= 1 and seconds == int(seconds) else f"{seconds:g} s"
