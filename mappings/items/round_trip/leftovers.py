"""What a verification may have left changed, by its journal alone: for an end at which neither system can be asked."""

from __future__ import annotations

from mappings.engine.item_differences import state_words
from mappings.models import (
    RoundTrip,
    TripPurpose,
    TripSide,
    TripSubject,
    TripWrite,
    TripWriteState,
)

OURS, OTHERS = "us", "others"  # who has set what is otherwise than before


def entry_of(side: str, what: str, sentence: str, by: str = OURS) -> dict[str, str]:
    return {"side": side, "what": what, "sentence": sentence, "by": by}


def name_of(trip: RoundTrip, side: str, what: str) -> str:
    """ "The status of PAY-2 in Jira" """
    called = "state" if (side, what) == (TripSide.ALIGN, TripSubject.STATUS) else what
    item = f"{trip.connector.terminology.name(trip.level)} {trip.align_id}"
    return f"The {called} of {trip.issue_key if side == TripSide.JIRA else item} in {TripSide(side).label}"


def left_by_writes(trip: RoundTrip, why: str) -> list[dict[str, str]]:
    """What was sent and not put back since. `why` nobody knows better."""
    open_: dict[tuple[str, str], TripWrite] = {}
    for write in trip.writes.filter(sends__gt=0).order_by("position"):
        key = write.side, write.what
        is_made = write.state != TripWriteState.FAILED
        if write.purpose == TripPurpose.CHANGE and is_made:
            open_[key] = write
        elif write.state == TripWriteState.DONE and _is_back(trip, write):
            open_.pop(key, None)
        elif write.purpose == TripPurpose.RESTORE and is_made and key in open_:
            open_[key] = write  # on the way back, by one transition of several
    if trip.is_throw_away:
        made = open_.get((TripSide.JIRA, TripSubject.ISSUE))
        if made is None:
            return []
        of = trip.issue_key or f"The issue “{made.after_words}”"
        return [entry_of(TripSide.JIRA, TripSubject.ISSUE, f"{of} may still be in Jira. {why}")]
    return [entry_of(side, what, _sentence(trip, write, why)) for (side, what), write in open_.items()]


def _is_back(trip: RoundTrip, write: TripWrite) -> bool:
    """A status may need several transitions, of which the last one leads to that of before."""
    if (write.side, write.what) != (TripSide.JIRA, TripSubject.STATUS):
        return True
    return bool(write.after == trip.found.get("jira", {}).get("status"))


def _sentence(trip: RoundTrip, write: TripWrite, why: str) -> str:
    was = before_words(trip, write.side, write.what)
    return f"{name_of(trip, write.side, write.what)} may still be {write.after_words}; it was {was}. {why}"


def before_words(trip: RoundTrip, side: str, what: str) -> str:
    """What it was before the verification."""
    found = trip.found.get(side, {})
    if what == TripSubject.TITLE:
        return str(found.get("title", ""))
    return str(found.get("status_name", "")) if side == TripSide.JIRA else state_words(found.get("state"))
