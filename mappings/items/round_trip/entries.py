"""The audit entries of a verification. Titles are items' content, so an entry names what is changed and holds digests
of the titles.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from alignadmin.audit.entries import Actor, AuditRecord
from connectors.ports.audited import context_of
from mappings.models import RoundTrip, TripPurpose, TripSide, TripState, TripSubject, TripWrite

REASON = "Live verification"


def trip_record(action: str, trip: RoundTrip, sentence: str, *, actor: Actor | None, **data: object) -> AuditRecord:
    return AuditRecord(
        action=action,
        actor=actor,
        context=context_of(trip.connector),
        subject=f"verification {trip.pk} of {trip.project.key}",
        sentence=sentence,
        data={"verification": trip.pk, "fingerprint": trip.fingerprint, **data},
        project_key=trip.project.key,
        planner=trip.author,
        approver=trip.approver,
        reason=REASON,
    )


def sentence_of(trip: RoundTrip, write: TripWrite) -> str:
    """ "Changes the status of PAY-2 in Jira from To Do to In Progress, for verification 3." """
    does = "Changes" if write.purpose == TripPurpose.CHANGE else "Puts back"
    where = TripSide(write.side).label
    if write.what == TripSubject.ISSUE:
        if write.purpose == TripPurpose.CHANGE:
            return f"Makes a throw-away {trip.type_name} in {trip.project.key}, for verification {trip.pk}."
        return f"Deletes the throw-away issue {trip.issue_key} in Jira, at the end of verification {trip.pk}."
    of = trip.issue_key if write.side == TripSide.JIRA else f"{trip.level} {trip.align_id} ({trip.issue_key})"
    if write.what == TripSubject.TITLE:
        return f"{does} the title of {of} in {where}, for verification {trip.pk}."
    what = _called(write.side, write.what)
    move = f"from {write.before_words} to {write.after_words}"
    return f"{does} the {what} of {of} in {where} {move}, for verification {trip.pk}."


def end_sentence(trip: RoundTrip, state: TripState, left: Sequence[Mapping[str, str]]) -> str:
    """ "Verification 3 of PAY-2 ended: left changed. Not as before: title in Jira, state in Jira Align." """
    said = f"{trip} of {trip.issue_key or trip.project.key} ended: {state.label[0].lower()}{state.label[1:]}."
    names = [f"{_called(each['side'], each['what'])} in {TripSide(each['side']).label}" for each in left]
    return f"{said} Not as before: {', '.join(names)}." if names else said


def told(write: TripWrite) -> dict[str, object]:
    is_title = write.what == TripSubject.TITLE
    return {
        "side": write.side,
        "what": write.what,
        "purpose": write.purpose,
        "before": _digest(write.before) if is_title else write.before,
        "after": _digest(write.after) if is_title else write.after,
        "state": write.state,
        "detail": write.detail,
    }


def fingerprint_of_writes(trip: RoundTrip, writes: list[TripWrite]) -> str:
    """SHA-256 of what is written and where: what a consent is about."""
    what = [[each.side, each.what, each.before, each.after, each.transition] for each in writes]
    of = [trip.project_id, trip.jira_id, trip.level, trip.align_id, trip.type_id, what]
    return hashlib.sha256(json.dumps(of).encode()).hexdigest()


def _called(side: str, what: str) -> str:
    return "state" if (side, what) == (TripSide.ALIGN, TripSubject.STATUS) else what


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
