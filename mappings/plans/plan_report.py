"""What became of a plan's changes: one line a state, which together always make the whole plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mappings.models import UNDER_WAY, ChangeState, PlanState

ENDED = (PlanState.FINISHED, PlanState.CANCELLED, PlanState.REPLACED)
NOT_TRIED = "not tried"
ORDER = (
    ChangeState.DONE,
    ChangeState.FAILED,
    ChangeState.STALE,
    ChangeState.UNKNOWN,
    ChangeState.CANCELLED,
    ChangeState.PLANNED,
    ChangeState.SENDING,
)


@dataclass(frozen=True, kw_only=True)
class StateLine:
    """How many changes are in a state, what that means, and what to do about it. `link`: where to do it."""

    state: str
    label: str
    count: int
    means: str
    todo: str = ""
    link: str = ""  # "drift", "draft", or nothing


def label_of(state: str, plan_state: str) -> str:
    """A change that is still `planned` once its plan is over was never tried."""
    if state != ChangeState.PLANNED:
        return str(ChangeState(state).label)
    if plan_state in ENDED:
        return NOT_TRIED
    return "to send" if plan_state in UNDER_WAY else "planned"


def report(counts: Mapping[str, int], plan_state: str, *, can_retry: bool) -> list[StateLine]:
    """The states that occur, in a fixed order; their counts add up to the plan's changes."""
    lines = (_line(state, counts.get(state.value, 0), plan_state, can_retry=can_retry) for state in ORDER)
    return [line for line in lines if line.count]


def _line(state: ChangeState, count: int, plan_state: str, *, can_retry: bool) -> StateLine:
    means, todo, link = _words(state, plan_state, can_retry=can_retry)
    return StateLine(
        state=state.value, label=label_of(state, plan_state), count=count, means=means, todo=todo, link=link
    )


def _words(state: ChangeState, plan_state: str, *, can_retry: bool) -> tuple[str, str, str]:
    """What it means, what to do, and where."""
    match state:
        case ChangeState.DONE:
            return "Align accepted it.", "", ""
        case ChangeState.FAILED:
            again = "Retry once the cause is fixed, or correct" if can_retry else "Correct"
            return (
                "Align refused the request: the mapping is unchanged, and Align's message is shown beside the row.",
                f"{again} the draft and plan it again.",
                "draft",
            )
        case ChangeState.STALE:
            return (
                "The row had changed in Align, or could not be read, right before the write: nothing was sent.",
                "Decide on the change made elsewhere, then plan it again.",
                "drift",
            )
        case ChangeState.CANCELLED:
            if plan_state == PlanState.REPLACED:
                return "Not sent: its plan was replaced.", "", ""
            return "It was cancelled before it was sent.", "Plan it again if it is still wanted.", "draft"
        case ChangeState.PLANNED if plan_state in ENDED:
            return "The apply ended before its turn: nothing was sent.", "Plan it again.", "draft"
        case _:
            return _open_words(state, plan_state)


def _open_words(state: ChangeState, plan_state: str) -> tuple[str, str, str]:
    paused = plan_state == PlanState.PAUSED
    if state == ChangeState.PLANNED:
        return "Nothing was sent for it yet.", "Resume, or cancel the rest." if paused else "", ""
    if state == ChangeState.SENDING and not paused:
        return "Its request is on its way.", "", ""
    todo = "Nothing: Align is read to find out, and it is written again only if it was not applied."
    if paused:
        todo = "Resume: Align is read first, and only what was not applied is written again."
    elif plan_state in ENDED:
        todo = "Refresh its list in the matrix: what Align has now decides."
    return "Its request was sent but not answered, so it is not known yet whether it took effect.", todo, ""
