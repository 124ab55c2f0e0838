"""What is wrong with a set of mappings, or would be after applying them: one small function per check.

Severities and codes are those of the check table; a sentence says what is wrong and what it leads to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from mappings.engine import words
from mappings.engine.families import family_of
from mappings.engine.values import Category, Direction, Kind, Row, Severity, Target, TypeName
from mappings.engine.view import View

J2A, A2J = Direction.JIRA_TO_ALIGN, Direction.ALIGN_TO_JIRA
READY_TO_START, DEV_COMPLETE, ACCEPTED = 1, 3, 5

SEVERITIES: Mapping[str, Severity] = {
    "target-gone": Severity.ERROR,
    "status-gone": Severity.ERROR,
    "wrong-project": Severity.ERROR,
    "type-not-allowed": Severity.ERROR,
    "duplicate-remote": Severity.ERROR,
    "unmapped": Severity.WARNING,
    "unrecognised": Severity.WARNING,
    "bounce": Severity.WARNING,
    "no-way-back": Severity.WARNING,
    "accepted": Severity.WARNING,
    "backward": Severity.WARNING,
    "state-step": Severity.WARNING,
    "leaves-resolved": Severity.WARNING,
    "flow-elsewhere": Severity.WARNING,
    "twin": Severity.INFO,
    "step-fit": Severity.INFO,
    "key-renamed": Severity.INFO,
    "unused": Severity.INFO,
}
RANK = {severity: rank for rank, severity in enumerate(Severity)}


class Problem(NamedTuple):
    """`status_id` and `target_id` name the cell, `direction` whether its dot or its ring; None: the whole scope."""

    code: str
    sentence: str
    status_id: int | None = None
    target_id: int | None = None
    direction: Direction | None = None

    @property
    def severity(self) -> Severity:
        return SEVERITIES[self.code]

    @property
    def source_id(self) -> int | None:
        """The key of the row that this is about."""
        return self.target_id if self.direction is A2J else self.status_id


Check = Callable[[View], Iterator[Problem]]
RowKey = tuple[Direction, int]


def check(view: View, about: Direction | None = None) -> tuple[Problem, ...]:
    """Every problem of a view, the worst first.

    A plan asks only `about` one direction, and for what can stop it or wants a tick: it may look at 1,000 views.
    """
    both, dots, rings, infos = OF_OURS if view.is_ours else (BOTH, DOTS, RINGS, INFOS)
    checks = (*both, *dots, *rings, *infos) if about is None else (*both, *(dots if about is J2A else rings))
    found = [problem for each in checks for problem in each(view)]
    return tuple(sorted(found, key=lambda problem: RANK[SEVERITIES[problem.code]]))


def by_row(problems: Iterable[Problem]) -> dict[RowKey, list[Problem]]:
    """The problems of each row, for planning. Those of the whole scope belong to no row."""
    rows: dict[RowKey, list[Problem]] = {}
    for problem in problems:
        if problem.direction is not None and problem.source_id is not None:
            rows.setdefault((problem.direction, problem.source_id), []).append(problem)
    return rows


def _dot(code: str, sentence: str, status_id: int, target_id: int | None) -> Problem:
    return Problem(code=code, sentence=sentence, status_id=status_id, target_id=target_id, direction=J2A)


def _ring(code: str, sentence: str, status_id: int | None, target_id: int) -> Problem:
    return Problem(code=code, sentence=sentence, status_id=status_id, target_id=target_id, direction=A2J)


# --- errors: these stop a plan of their row --------------------------------------------------------------------


def target_gone(view: View) -> Iterator[Problem]:
    gone = {id_ for id_ in {*view.leads_to.values(), *view.returns_to} if view.target(id_).vanished}
    if not gone:
        return
    for status_id, target_id in view.leads_to.items():
        if target_id in gone:
            text = f"{view.status_words(status_id)} leads to {view.target_words(target_id)} ({target_id})"
            yield _dot("target-gone", f"{text}, which is no longer in Align.", status_id, target_id)
    for target_id, status_id in view.returns_to.items():
        if target_id in gone:
            text = f"{view.target_words(target_id)} ({target_id}) is no longer in Align"
            yield _ring("target-gone", f"{text}: nothing can return to Jira from it.", status_id, target_id)


def status_gone(view: View) -> Iterator[Problem]:
    for status_id, target_id in view.leads_to.items():
        if view.status(status_id).vanished:
            text = f"{view.status_words(status_id)} is no longer in Jira: no issue can reach this mapping."
            yield _dot("status-gone", text, status_id, target_id)
    for target_id, status_id in view.returns_to.items():
        if view.status(status_id).vanished:
            text = f"{view.target_words(target_id)} moves issues to {view.status_words(status_id)}"
            yield _ring("status-gone", f"{text}, which is no longer in Jira: they stay put.", status_id, target_id)


def wrong_project(view: View) -> Iterator[Problem]:
    """Statuses of a team-managed project serve that project alone."""
    home = (None, view.project_key) if view.team_managed else (None,)
    here = view.project_key or "company-managed projects"
    for status_id, target_id in view.leads_to.items():
        owner = view.status(status_id).project_key
        if owner not in home:
            text = f"{view.status_words(status_id)} belongs to {owner}: issues of {here} never reach it."
            yield _dot("wrong-project", text, status_id, target_id)
    for target_id, status_id in view.returns_to.items():
        owner = view.status(status_id).project_key
        if owner not in home:
            text = f"{view.target_words(target_id)} moves issues of {here} to {view.status_words(status_id)}"
            yield _ring("wrong-project", f"{text}, a status of {owner}: they stay put.", status_id, target_id)


def type_not_allowed(view: View) -> Iterator[Problem]:
    what = "states" if view.kind is Kind.STATE else "process steps"
    if not view.allows(J2A):
        text = f"Align takes no {what} for {view.items} from Jira."
        for status_id, target_id in view.leads_to.items():
            yield _dot("type-not-allowed", text, status_id, target_id)
    if not view.allows(A2J):
        text = f"Align does not send {what} of {view.items} to Jira."
        for target_id, status_id in view.returns_to.items():
            yield _ring("type-not-allowed", text, status_id, target_id)


def duplicate_remote(view: View) -> Iterator[Problem]:
    for row in view.j2a:
        if row.has_open_duplicates:
            text = f"{view.status_words(row.source_id)} {_records(row)}"
            yield _dot("duplicate-remote", text, row.source_id, row.wanted)
    for row in view.own_a2j:
        if row.has_open_duplicates:
            text = f"{view.target_words(row.source_id)} {_records(row)}"
            yield _ring("duplicate-remote", text, row.wanted, row.source_id)


def _records(row: Row) -> str:
    return f"has {len(row.duplicates) + 1} records in Align, and it is unclear which counts: choose which to keep."


# --- ways that lead nowhere ------------------------------------------------------------------------------------


def unmapped(view: View) -> Iterator[Problem]:
    """A status without a mapping is not a status mapped to 0, though Align shows 0 for it (facts 3.2)."""
    if not view.j2a_known or not view.allows(J2A):
        return
    if view.is_ours:
        effect = f"has no mapping here: nothing says what {view.items} that reach it count as."
    elif view.kind is Kind.STATE:
        effect = f"has no mapping: {view.items} that reach it fall to {words.FALLS_TO}."
    else:
        effect = f"has no process step: no step is sent to Align for {view.items} that reach it."
    for status_id in (*view.statuses, *sorted(view.reachable - view.statuses.keys())):
        if status_id in view.unmapped:
            yield _dot("unmapped", f"{view.status_words(status_id)} {effect}", status_id, None)


def unrecognised(view: View) -> Iterator[Problem]:
    for status_id in view.statuses:
        if status_id in view.reachable and status_id in view.unrecognised:
            known = f"a record of type {view.unrecognised[status_id]} stands here, which no work item type has."
            text = f"{view.status_words(status_id)}: {known} Choose this connector's type ids."
            yield _dot("unrecognised", text, status_id, None)


def bounce(view: View) -> Iterator[Problem]:
    if not view.j2a_known:
        return
    for (target_id, status_id), number in view.ways_back.items():
        shown = view.leads_to.get(status_id)
        if shown == target_id or view.is_unrecognised(status_id):
            continue
        move = f"{_in_projects(view, number)}{view.target_words(target_id)} moves issues to"
        text = f"{move} {view.status_words(status_id)}, which {_comes_back(view, shown)}"
        yield _ring("bounce", text, status_id, target_id)


def _comes_back(view: View, shown: int | None) -> str:
    if shown is not None:
        return f"shows {view.target_words(shown)}: a change in Align comes back as another one."
    if view.kind is Kind.STATE:
        return f"has no mapping: they fall to {words.FALLS_TO}."
    return "has no process step: the change does not come back."


def no_way_back(view: View) -> Iterator[Problem]:
    if not view.lists_back or not view.allows(A2J):
        return
    returning: Counter[int] = Counter()
    for (target_id, _), number in view.ways_back.items():
        returning[target_id] += number
    for target_id in sorted(set(view.leads_to.values())):
        missing = view.lists_back - returning[target_id]
        if missing > 0 and target_id not in view.unrecognised_back:
            begin = f"{_in_projects(view, missing)}nothing"
            text = f"{begin[0].upper()}{begin[1:]} happens in Jira when Align is set to {view.target_words(target_id)}."
            yield _ring("no-way-back", text, None, target_id)


def _in_projects(view: View, number: int) -> str:
    if view.project_key is not None:
        return ""
    return f"In {number} of {words.counted(view.project_count, 'project')}, "


def leaves_resolved(view: View) -> Iterator[Problem]:
    """Going on to a target from a resolved status before it is a move that Align does not make (facts 3.2).

    Only targets at or after one that a resolved status shows are named: going back from a resolved issue to an
    earlier target never works, in no mapping, so saying it of every row would help nobody.
    """
    order = {target_id: position for position, target_id in enumerate(view.targets)}
    earliest: dict[int | None, tuple[int, int]] = {}
    for status_id, target_id in view.leads_to.items():
        if target_id in order and view.is_resolved(status_id):
            flow, at = view.targets[target_id].flow_id, (order[target_id], status_id)
            earliest[flow] = min(earliest.get(flow, at), at)
    for target_id, status_id in view.returns_to.items():
        position, resolved_id = earliest.get(view.target(target_id).flow_id, (len(order), 0))
        if target_id in order and order[target_id] >= position and not view.is_resolved(status_id):
            text = f"{view.target_words(target_id)} moves issues to {view.status_words(status_id)}, but one that is in"
            why = f"{view.status_words(resolved_id)} stays there: Align does not move issues out of a resolved status."
            yield _ring("leaves-resolved", f"{text} {why}", status_id, target_id)


# --- meanings that disagree ------------------------------------------------------------------------------------


def accepted(view: View) -> Iterator[Problem]:
    if view.kind is not Kind.STATE or view.work_item_type is TypeName.FEATURE:
        return
    reason = f"Align sets Accepted of {view.items} from their accepted date, not from a status"
    if view.work_item_type is not TypeName.STORY:
        reason = f"only {view.terminology.items(TypeName.FEATURE)} are accepted by a status"
    for status_id, target_id in view.leads_to.items():
        if target_id == ACCEPTED:
            text = f"{view.status_words(status_id)} leads {view.items} to {view.target_words(target_id)}: {reason}."
            yield _dot("accepted", text, status_id, target_id)


def backward(view: View) -> Iterator[Problem]:
    for status_id, target_id in view.leads_to.items():
        state = _state_of(view, target_id)
        if state is None:
            continue
        category, why = view.status(status_id).category, ""
        if category is Category.DONE and state < DEV_COMPLETE:
            why = "before Dev complete: done work shows as unfinished."
        if category is Category.TODO and state > READY_TO_START and status_id in view.statuses:
            why = "after Ready to start: work that has not started shows as in progress."
        if why:
            text = f"{view.status_words(status_id)} leads to {view.target_words(target_id)}, {why}"
            yield _dot("backward", text, status_id, target_id)


def _state_of(view: View, target_id: int) -> int | None:
    return target_id if view.kind is Kind.STATE else view.target(target_id).map_to_state


def state_step(view: View) -> Iterator[Problem]:
    steps, states, targets = _steps_and_states(view)
    for status_id, step_id in steps.items():
        step, state_id = targets.get(step_id), states.get(status_id)
        if step is None or step.map_to_state is None or state_id is None or step.map_to_state == state_id:
            continue
        text = f"{view.status_words(status_id)} leads to state {state_id} and to step {step.name}"
        why = f"which Align ties to state {step.map_to_state}: the two disagree."
        yield _dot("state-step", f"{text}, {why}", status_id, view.leads_to[status_id])


def _steps_and_states(view: View) -> tuple[Mapping[int, int], Mapping[int, int], Mapping[int, Target]]:
    sibling = {row.source_id: row.wanted for row in view.sibling_j2a if row.wanted is not None}
    if view.kind is Kind.STEP:
        return view.leads_to, sibling, view.targets
    return sibling, view.leads_to, view.sibling_targets


def flow_elsewhere(view: View) -> Iterator[Problem]:
    if view.kind is not Kind.STEP:
        return
    used = {*view.leads_to.values(), *view.returns_to}
    faults = {target_id: _flow_fault(view, view.target(target_id)) for target_id in used}
    for status_id, target_id in view.leads_to.items():
        if fault := faults.get(target_id):
            text = f"{view.status_words(status_id)} leads to {view.target_words(target_id)}, {fault}"
            yield _dot("flow-elsewhere", text, status_id, target_id)
    for target_id, status_id in view.returns_to.items():
        if fault := faults.get(target_id):
            text = f"{view.status_words(status_id)} is returned to by {view.target_words(target_id)}, {fault}"
            yield _ring("flow-elsewhere", text, status_id, target_id)


def _flow_fault(view: View, step: Target) -> str:
    """What is wrong with a step's flow, or nothing. A flow or project that names no programme says nothing."""
    if step.vanished:
        return ""
    if not step.flow_active:
        return f"a step of {step.flow_name}, which is not active: Align does not show it."
    if not step.programme_ids:
        return ""
    known = [project for project in view.projects if project.programme_ids]
    elsewhere = sum(1 for project in known if step.programme_ids.isdisjoint(project.programme_ids))
    if not elsewhere:
        return ""
    if view.project_key is not None:
        return f"a step of {step.flow_name}, which does not serve the programme of {view.project_key}."
    projects = words.counted(view.project_count, "project")
    return f"a step of {step.flow_name}, which does not serve the programmes of {elsewhere} of {projects}."


# --- good to know ----------------------------------------------------------------------------------------------


def twin(view: View) -> Iterator[Problem]:
    for status_id, ids in view.twins.items():
        other = view.status(ids[1] if ids[0] == status_id else ids[0])
        owner = f" of {other.project_key}" if other.project_key else ""
        more = f" and {len(ids) - 2} more" if len(ids) > 2 else ""
        same = f"{view.status_words(status_id)} has the same name as {other.id}{owner}{more}"
        text = f"{same}: use the id to tell them apart."
        yield Problem(code="twin", sentence=text, status_id=status_id)


def step_fit(view: View) -> Iterator[Problem]:
    if not family_of(Kind.STEP, J2A).knows(view.work_item_type):
        return
    number = len(view.reachable)
    if view.kind is Kind.STATE and number > len(view.targets):
        text = f"{number} statuses share {len(view.targets)} states: process steps could tell them apart."
        yield Problem(code="step-fit", sentence=text)
    names = {words.same_name(view.status(status_id).name) for status_id in view.reachable}
    steps = view.targets if view.kind is Kind.STEP else view.sibling_targets
    flows: dict[tuple[int | None, str], set[str]] = {}
    for step in steps.values():
        if not step.vanished and step.flow_active:
            flows.setdefault((step.flow_id, step.flow_name), set()).add(words.same_name(step.name))
    for (_, flow_name), step_names in flows.items():
        if names and step_names == names and len(names) == number:
            text = f"The steps of {flow_name} match the statuses one to one: steps can follow Jira exactly."
            yield Problem(code="step-fit", sentence=text)


def key_renamed(view: View) -> Iterator[Problem]:
    for project in view.projects:
        if (key := view.renamed.get(project.key)) is not None and key != project.key:
            text = f"{project.key} is called {key} in Jira now, while Align keeps its mappings under {project.key}."
            yield Problem(code="key-renamed", sentence=text)


def unused(view: View) -> Iterator[Problem]:
    for status_id, target_id in view.leads_to.items():
        if status_id not in view.reachable and not view.status(status_id).vanished:
            text = f"{view.status_words(status_id)} has a mapping, but {view.items} here never reach it."
            yield _dot("unused", text, status_id, target_id)
    for target_id, status_id in view.returns_to.items():
        if status_id not in view.reachable and not view.status(status_id).vanished:
            text = f"{view.target_words(target_id)} moves issues to {view.status_words(status_id)}"
            yield _ring("unused", f"{text}, which {view.items} here never reach.", status_id, target_id)


BOTH: tuple[Check, ...] = (
    target_gone,
    status_gone,
    wrong_project,
    type_not_allowed,
    duplicate_remote,
    flow_elsewhere,
)
DOTS: tuple[Check, ...] = (unmapped, unrecognised, accepted, backward, state_step)
RINGS: tuple[Check, ...] = (bounce, no_way_back, leaves_resolved)
INFOS: tuple[Check, ...] = (twin, step_fit, key_renamed, unused)
# Of lists of ours: what does not depend on what Align does with a mapping.
OF_OURS = ((target_gone, status_gone, wrong_project, type_not_allowed), (unmapped, backward), (), (twin,))
