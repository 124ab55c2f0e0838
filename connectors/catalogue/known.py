"""The catalogue as it is stored, in the form in which two readings are compared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

from connectors.models import (
    Carried,
    Connector,
    FindingKind,
    IssueType,
    ProcessFlow,
    ProcessStep,
    Project,
    ReachableStatus,
    Status,
)

SUBTASK_LEVEL = -1
LEVELS = {1: "at the level of epics", 0: "at the base level", SUBTASK_LEVEL: "at the level of sub-tasks"}
OURS = "ours, "  # what is said of such a project begins with it
OWNED = ("jira_id", "name", "vanished_at", "project_id", "project__key", "project__read_at")


class Place(NamedTuple):
    """Where a thing belongs: compared by the key, called by the words. No words: nothing is said of it."""

    key: object
    words: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """A thing as it is stored: its names, and what else of it is told when it changes."""

    names: tuple[str, ...]
    is_gone: bool
    places: Mapping[FindingKind, Place]
    project_id: int | None = None
    is_of_unread: bool = False  # of a project whose statuses were never read: that project is what is new


Things: TypeAlias = "dict[int, Known]"  # by their remote id
Reach: TypeAlias = "set[tuple[int, int]]"  # keys of project and status


def _statuses(connector: Connector) -> Things:
    rows = Status.objects.filter(connector=connector)
    return _owned(FindingKind.STATUS, rows.values_list(*OWNED))


def _issue_types(connector: Connector) -> Things:
    """Of one its place is also its level in Jira's hierarchy, which an admin there may change."""
    rows = IssueType.objects.filter(connector=connector)
    found = _owned(FindingKind.ISSUE_TYPE, rows.values_list(*OWNED))
    for jira_id, level, is_subtask in rows.values_list("jira_id", "hierarchy_level", "subtask"):
        place = found[jira_id].places[FindingKind.ISSUE_TYPE]
        key = (place.key, SUBTASK_LEVEL if level is None and is_subtask else level)
        words = f"{place.words}, {_level_words(level, is_subtask=is_subtask)}"
        found[jira_id] = replace(found[jira_id], places={FindingKind.ISSUE_TYPE: Place(key, words)})
    return found


def _level_words(level: int | None, *, is_subtask: bool) -> str:
    if level is None:
        return "a sub-task" if is_subtask else "no sub-task"  # Data Center tells nothing else
    return LEVELS.get(level, f"at level {level}")


def _owned(kind: FindingKind, rows: Iterable[tuple[Any, ...]]) -> Things:
    return {
        jira_id: Known(
            names=(name,),
            is_gone=vanished_at is not None,
            places={kind: Place(project_id, f"of {key}" if project_id else "of the whole site")},
            project_id=project_id,
            is_of_unread=project_id is not None and read_at is None,
        )
        for jira_id, name, vanished_at, project_id, key, read_at in rows
    }


def _projects(connector: Connector) -> Things:
    rows = Project.objects.filter(connector=connector)
    columns = ("jira_id", "pk", "key", "name", "vanished_at", "team_managed", "carried", "programme_id", "ours_at")
    return {
        jira_id: Known(
            names=(key, name),
            is_gone=vanished_at is not None,
            places={
                FindingKind.PROJECT: Place(
                    is_carried, _carried_words(is_carried=is_carried, is_ours=ours_at is not None)
                ),
                FindingKind.PROJECT_KIND: Place(is_team, "team-managed" if is_team else "company-managed"),
                FindingKind.PROGRAMME: Place(programme, _programme_words([programme]) if is_carried else ""),
            },
            project_id=pk,
        )
        for jira_id, pk, key, name, vanished_at, is_team, carried, programme, ours_at in rows.values_list(*columns)
        for is_carried in [carried == Carried.YES]
    }


NOT_CARRIED = "not in Align's connector"


def _carried_words(*, is_carried: bool, is_ours: bool) -> str:
    return f"{OURS if is_ours else ''}{'' if is_carried else 'not '}in Align's connector"


def _programme_words(ids: Collection[int | None]) -> str:
    known = [str(id_) for id_ in ids if id_ is not None]
    return f"of programme {', '.join(known)}" if known else "of no programme"


def _flows(connector: Connector) -> Things:
    rows = ProcessFlow.objects.filter(connector=connector)
    return {
        align_id: Known(
            names=(name,),
            is_gone=vanished_at is not None,
            places={
                FindingKind.FLOW: Place(is_active, "active" if is_active else "inactive"),
                FindingKind.PROGRAMME: Place(sorted(programmes), _programme_words(sorted(programmes))),
            },
        )
        for align_id, name, vanished_at, is_active, programmes in rows.values_list(
            "align_id", "name", "vanished_at", "is_active", "programme_ids"
        )
    }


def _steps(connector: Connector) -> Things:
    rows = ProcessStep.objects.filter(connector=connector)
    return {
        align_id: Known(
            names=(name,),
            is_gone=vanished_at is not None,
            places={FindingKind.STEP: Place(flow, f"in {flow_name}")},
        )
        for align_id, name, vanished_at, flow, flow_name in rows.values_list(
            "align_id", "name", "vanished_at", "flow__align_id", "flow__name"
        )
    }


KNOWN: dict[FindingKind, Callable[[Connector], Things]] = {
    FindingKind.PROJECT: _projects,
    FindingKind.STATUS: _statuses,
    FindingKind.ISSUE_TYPE: _issue_types,
    FindingKind.FLOW: _flows,
    FindingKind.STEP: _steps,
}


def reached(projects: Collection[int]) -> Reach:
    if not projects:
        return set()
    rows = ReachableStatus.objects.filter(project_id__in=projects).order_by()
    return set(rows.values_list("project_id", "status_id").distinct())
