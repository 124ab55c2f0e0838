"""Which transition and which state a verification tries: pure, no database and nothing asked.

What is chosen can be seen on the other side: its target is mapped, and shows something else there than now. An end of
the work comes last, since Align moves no issue that is resolved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from connectors.jira.issue_resources import JiraTransition
from mappings.engine.item_differences import state_words

DONE = "done"
PENDING = 0  # what a status without a mapping shows as well


@dataclass(frozen=True, kw_only=True)
class ChosenMove:
    """Of an issue: `transition` leads to the status `target`; of an item: `target` is its new state.

    Without a target `reason` says why none can be tried.
    """

    target: int | None = None
    words: str = ""
    transition: int | None = None
    reason: str = ""


def chosen_transition(
    offered: Iterable[JiraTransition], *, status: int, state: int, to_align: Mapping[int, int], is_carried: bool
) -> ChosenMove:
    """`status`: in which the issue is now; `state`: that its item shows. Of a project that nothing carries any will do.

    A mapped status that shows another state; no end of the work and not 0 - Pending approval where there is another.
    """
    free = [
        each
        for each in offered
        if each.to.id != status
        and each.is_available is not False
        and not any(field.must_be_given for field in each.fields)
    ]
    if not free:
        return ChosenMove(reason="No transition leads on from its status now that needs no further values.")
    mapped = [each for each in free if each.to.id in to_align] if is_carried else free
    if not mapped:
        names = ", ".join(each.to.name for each in free[:3])
        return ChosenMove(reason=f"No status that it can go to now is mapped ({names}), so Align would show nothing.")
    seen = [each for each in mapped if to_align[each.to.id] != state] if is_carried else mapped
    if not seen:
        said = f"Each status that it can go to now shows {state_words(state)} as well, so no change would be seen."
        return ChosenMove(reason=said)
    first = min(seen, key=lambda each: (each.to.category == DONE, to_align.get(each.to.id) == PENDING, each.id))
    return ChosenMove(target=first.to.id, words=first.to.name, transition=first.id)


def chosen_state(
    *,
    status: int,
    before: int,
    state: int,
    shown: int,
    to_jira: Mapping[int, int],
    to_align: Mapping[int, int],
    is_carried: bool,
    ends: Iterable[int] = (),
    reachable: Collection[int] | None = None,
) -> ChosenMove:
    """Of an item that shows `state` once its issue is in `status`; before, they were in `shown` and `before`.

    What stays as it is set goes before what Jira's status sets otherwise again, and what is no end of the work before
    one; then comes what differs from the state of before too, so that it can be seen although nothing came from Jira;
    then what leads back to where the issue was.

    `ends`: statuses in which work is done. `reachable`: where the issue can go from `status`; None: not known.
    """
    if not is_carried:
        return ChosenMove(target=1 if state != 1 else 2, words=state_words(1 if state != 1 else 2))
    if not to_jira:
        return ChosenMove(reason="No state of Align is mapped to a status in this project, so none moves the issue.")
    done = set(ends)
    seen = {each: target for each, target in to_jira.items() if each != state and target != status}
    if not seen:
        return ChosenMove(reason="Each mapped state leads to the status in which the issue is, so nothing would move.")
    if reachable is not None:
        seen = {each: target for each, target in seen.items() if target in reachable}
        if not seen:
            return ChosenMove(reason="No mapped state leads to a status that the issue can go to from there.")
    first = min(
        seen,
        key=lambda each: (
            to_align.get(seen[each]) != each,
            seen[each] in done,
            each == shown,
            seen[each] != before,
            each,
        ),
    )
    return ChosenMove(target=first, words=state_words(first))
