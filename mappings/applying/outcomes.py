"""What became of one change: what its answer means, whether its row moved, and whether it took effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils import timezone

from alignadmin.http.errors import (
    BadRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    RemoteError,
    SignInRefused,
    Unreachable,
)
from connectors.align.resources import WriteAnswer
from mappings.edits.reconciling import reconcile_mapping
from mappings.edits.unused import why_unused
from mappings.models import Change, ChangeState, Mapping, Plan, Scope

ALREADY_ABSENT = "Already absent in Align."
DELETED = "Align no longer has this record: it was deleted elsewhere."
# Ends the words of a 404, whoever it was about: only the list, which the next batch begins with, says what is gone.
LOOKED_FOR = "Its list is read before it is sent again."

MOST_SENDS = 3  # of one change that never gets through


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one request."""

    change: Change
    answer: WriteAnswer | None = None
    error: RemoteError | None = None


def classify_outcome(outcome: Outcome) -> tuple[ChangeState, str]:
    """The state an answer puts a change in, and the words beside the row."""
    match outcome.error:
        case None:
            return ChangeState.DONE, ""
        case OutcomeUnknown():
            return ChangeState.UNKNOWN, outcome.error.sentence
        case NotFound() if outcome.change.method != "POST" and was_not_found(outcome.change):
            return ChangeState.FAILED, f"{outcome.error.sentence} Its list holds this record all the same."
        case NotFound() if outcome.change.method != "POST":
            return ChangeState.PLANNED, looked_for(outcome.error.sentence)
        case RateLimited() | SignInRefused():
            # It was not executed: the row is as it was, and waits for the next batch.
            return ChangeState.PLANNED, outcome.error.sentence
        case Unreachable() if not outcome.error.permanent and outcome.change.sends < MOST_SENDS:
            # It never left: else its outcome would be unknown.
            return ChangeState.PLANNED, outcome.error.sentence
        case BadRequest():
            return ChangeState.FAILED, outcome.error.detail or outcome.error.sentence
        case _:
            return ChangeState.FAILED, outcome.error.sentence


def looked_for(words: str) -> str:
    return f"{words} {LOOKED_FOR}"


def was_not_found(change: Change) -> bool:
    """Whether the last answer to it was a 404, after which its list was to be read, or has been read since."""
    return change.sends > 0 and change.detail.endswith(LOOKED_FOR)


def stale_reason(change: Change, mapping: Mapping | None, scope: Scope | None) -> str:
    """Why the row is no longer as planned; empty while it is."""
    if mapping is None or scope is None:
        return "This mapping's project is no longer in the catalogue."
    if unused := why_unused(scope):
        return unused
    if scope.error or scope.observed_at is None:
        more = " more" if change.sends else ""
        return f"The list could not be read, so nothing{more} was sent: {scope.error}"
    if change.is_spare:
        held = [change.remote_id, change.before] in mapping.duplicates
        return "" if held else "This further record has changed or is gone in Align."
    if mapping.observed is None and change.before is not None:
        return DELETED
    if mapping.observed != change.before:
        return "Somebody changed this mapping in Align after it was planned."
    if change.remote_id is not None and mapping.remote_id != change.remote_id:
        return "Somebody replaced this mapping's record in Align after it was planned."
    return ""


def took_effect(change: Change, mapping: Mapping) -> bool:
    if change.is_spare:
        return all(remote_id != change.remote_id for remote_id, _ in mapping.duplicates)
    return mapping.observed == change.after


def lock_rows(changes: Iterable[Change]) -> None:
    """Before the first of them is written back: answers come in any order, and entries are written in between."""
    Mapping.objects.filter(pk__in={change.mapping_id for change in changes if change.mapping_id}).lock_in_order()


def write_back(change: Change, remote_id: int | None) -> None:
    """Our write took effect: both sides agree on it, while `wanted` may have moved on."""
    if change.mapping_id is None:
        return
    mapping = Mapping.objects.locked().get(pk=change.mapping_id)
    if change.is_spare:
        mapping.duplicates = [pair for pair in mapping.duplicates if pair[0] != change.remote_id]
        if not mapping.duplicates:
            mapping.keep_remote_id = None
    else:
        mapping.applied = mapping.observed = change.after
        mapping.remote_id = None if change.after is None else remote_id or change.remote_id
    mapping.written_at = timezone.now()
    mapping.version += 1
    reconcile_mapping(mapping)
    mapping.save()


def one_per_key_batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """One request per key at a time: further requests of a key go in later waves, in their order."""
    left = list(changes)
    while left:
        first: dict[int | None, Change] = {}
        for change in left:
            first.setdefault(change.mapping_id, change)
        chosen = {change.pk for change in first.values()}
        yield [change for change in left if change.pk in chosen]
        left = [change for change in left if change.pk not in chosen]


def state_counts(plan: Plan) -> dict[str, int]:
    counts: dict[str, int] = {}
    for state in plan.changes.values_list("state", flat=True):
        counts[state] = counts.get(state, 0) + 1
    return counts


def confirmed_count(plan: Plan) -> int:
    return plan.changes.filter(confirmed=True).count()
