"""What one verification writes and waits for, as rows: exactly these are shown before anybody consents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from alignadmin.text import one_line
from mappings.engine.item_differences import state_words
from mappings.engine.items import IssueFacts
from mappings.items.round_trip.mapped import StatusMappings
from mappings.items.round_trip.moves import ChosenMove, chosen_state
from mappings.items.round_trip.sides import SeenItem
from mappings.models import HopCode, HopState, RoundTrip, TripHop, TripSide, TripSubject, TripWrite

LONGEST_TITLE = 255  # of Jira's summary
FIRST_HOPS = (HopCode.JIRA_CHANGED, HopCode.WEBHOOK, HopCode.ALIGN_TITLE, HopCode.ALIGN_STATUS)
BACK_HOPS = (HopCode.ALIGN_CHANGED, HopCode.JIRA_TITLE, HopCode.JIRA_STATUS, HopCode.WEBHOOK_BACK)
OF_CONNECTOR = (HopCode.ALIGN_TITLE, HopCode.ALIGN_STATUS, HopCode.JIRA_TITLE, HopCode.JIRA_STATUS)


@dataclass(frozen=True, kw_only=True)
class TripFacts:
    """What both sides hold before. `ends`: ids of the statuses in which work is done.

    `there`: the transition that is tried; `reachable`: statuses to which the issue can go from its target, None where
    nothing tells.
    """

    issue: IssueFacts
    item: SeenItem
    there: ChosenMove
    mappings: StatusMappings
    ends: Collection[int] = ()
    reachable: Collection[int] | None = None

    @property
    def found(self) -> dict[str, dict[str, object]]:
        """As the verification keeps it."""
        return {
            "jira": {
                "title": self.issue.title,
                "status": self.issue.status_id,
                "status_name": self.issue.status_name,
            },
            "align": {"title": self.item.title, "state": self.item.state, "key": self.item.key},
        }


@dataclass(frozen=True, kw_only=True)
class PlannedTrip:
    """`impossible`: hops that cannot be tried, with the reason."""

    writes: Sequence[TripWrite]
    impossible: Mapping[HopCode, str] = field(default_factory=dict)


def throw_away_title(trip: RoundTrip) -> str:
    """By this one it is found again where no answer comes, so no other has it."""
    return f"AlignAdmin verification {trip.pk}: a throw-away issue, deleted at its end"


def marked_title(title: str, trip: RoundTrip, side: TripSide) -> str:
    mark = f" (verification {trip.pk}, from {side.label})"
    return f"{one_line(title)[: LONGEST_TITLE - len(mark)]}{mark}"


def hops_of(trip: RoundTrip) -> list[TripHop]:
    """All that is waited for; of a project of ours nothing is carried, so both sides only show what was written."""
    codes = [HopCode.ITEM_MADE] if trip.is_throw_away else []
    codes += [each for each in (*FIRST_HOPS, *BACK_HOPS) if trip.is_carried or each not in OF_CONNECTOR]
    if not trip.is_carried:
        codes.remove(HopCode.WEBHOOK_BACK)
    if not trip.with_title_back and HopCode.JIRA_TITLE in codes:
        codes.remove(HopCode.JIRA_TITLE)
    return [
        TripHop(trip=trip, position=position, leg=2 if code in BACK_HOPS else 1, code=code)
        for position, code in enumerate(codes)
    ]


def apply_impossible(hops: Iterable[TripHop], impossible: Mapping[HopCode, str]) -> None:
    for hop in hops:
        if reason := impossible.get(HopCode(hop.code)):
            hop.state, hop.reason = HopState.IMPOSSIBLE, reason


def planned_trip(trip: RoundTrip, facts: TripFacts, *, first: int = 0) -> PlannedTrip:
    """1. In Jira the title and a status, then in Align the title and a state. 2. What of it cannot be tried, and why.

    `first`: position of the first write.
    """
    mappings = facts.mappings
    there = facts.there
    status = facts.issue.status_id if there.target is None else there.target
    back = chosen_state(
        status=status,
        before=facts.issue.status_id,
        state=mappings.to_align.get(status, facts.item.state) if trip.is_carried else facts.item.state,
        shown=facts.item.state,
        to_jira=mappings.to_jira,
        to_align=mappings.to_align,
        is_carried=trip.is_carried,
        ends=facts.ends,
        reachable=facts.reachable,
    )
    writes = list(_writes(trip, facts, there, back))
    for position, write in enumerate(writes, first):
        write.trip, write.position = trip, position
    return PlannedTrip(writes=writes, impossible=_impossible(there, back, writes))


def _impossible(there: ChosenMove, back: ChosenMove, writes: Sequence[TripWrite]) -> dict[HopCode, str]:
    found: dict[HopCode, str] = {}
    if there.reason:
        found[HopCode.ALIGN_STATUS] = there.reason
    if back.reason:
        found[HopCode.JIRA_STATUS] = back.reason
    if not any(each.side == TripSide.ALIGN for each in writes):
        found[HopCode.ALIGN_CHANGED] = found[HopCode.WEBHOOK_BACK] = "Nothing is changed in Jira Align."
    return found


def _writes(trip: RoundTrip, facts: TripFacts, there: ChosenMove, back: ChosenMove) -> Iterator[TripWrite]:
    issue, item = facts.issue, facts.item
    title = marked_title(issue.title, trip, TripSide.JIRA)
    yield _title(TripSide.JIRA, issue.title, title)
    if there.target is not None:
        yield TripWrite(
            side=TripSide.JIRA,
            what=TripSubject.STATUS,
            before=issue.status_id,
            after=there.target,
            before_words=issue.status_name,
            after_words=there.words,
            transition=there.transition,
        )
    if trip.with_title_back:
        shown = title if trip.is_carried else item.title
        yield _title(TripSide.ALIGN, shown, marked_title(item.title, trip, TripSide.ALIGN))
    if back.target is not None:
        state = facts.mappings.to_align.get(there.target, item.state) if there.target is not None else item.state
        shown_state = state if trip.is_carried else item.state
        yield TripWrite(
            side=TripSide.ALIGN,
            what=TripSubject.STATUS,
            before=shown_state,
            after=back.target,
            before_words=state_words(shown_state),
            after_words=back.words,
        )


def _title(side: TripSide, before: str, after: str) -> TripWrite:
    return TripWrite(
        side=side, what=TripSubject.TITLE, before=before, after=after, before_words=before, after_words=after
    )
