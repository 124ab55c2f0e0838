"""Projects that have lists of mappings, with what their issue types reach: kept per process, since every page about
many projects needs it, and thousands of projects share few workflows.

What a project reaches is stored by `reachable.store_reachable` alone, which dates it in the same transaction
(`Project.read_at`). So it is kept under that time: what was read anew, by whatever process, is asked for again, and
nobody has to say so. What was never dated is not kept.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from threading import Lock
from typing import NamedTuple

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from connectors.catalogue.upserting import batches
from connectors.models import Connector, Project, ReachableStatus, has_lists

# Key of an issue type -> Jira's ids of the statuses that it can have, as pairs in the order of the keys.
Reach = tuple[tuple[int, frozenset[int]], ...]
# Of a process, before all are forgotten: a project takes about 0.2 kB, a workflow of its own about 2 kB.
MOST_PROJECTS, MOST_WORKFLOWS = 100_000, 10_000


class ProjectWorkflow:
    """What the issue types of a project reach. Projects that reach the same have one object, which stands for itself
    wherever something is worked out once for all of them: to compare what it holds takes longer.
    """

    __slots__ = ("reach",)

    def __init__(self, reach: Reach) -> None:
        self.reach = reach


class ListedProject(NamedTuple):
    """A project that has lists of mappings in Align."""

    pk: int
    key: str
    name: str
    team_managed: bool
    programme_id: int | None
    align_key: str
    workflow: ProjectWorkflow


def listed_projects(connector: Connector, only: Collection[int] | None = None) -> list[ListedProject]:
    """By key. `only`: keys of the rows that are asked for."""
    found = Project.objects.filter(has_lists(), connector=connector)
    return list(_with_workflows(found if only is None else found.filter(pk__in=only)))


def read_as_text() -> Cast:
    """When a project was read, for `workflows_of`: to make thousands of times of it takes longer than all else."""
    return Cast("read_at", TextField())


def _with_workflows(projects: QuerySet[Project]) -> Iterator[ListedProject]:
    columns = ("pk", "key", "name", "team_managed", "programme_id", "align_key", "read")
    rows = list(projects.annotate(read=read_as_text()).values_list(*columns))
    workflows = workflows_of({row[0]: row[-1] for row in rows})
    return (ListedProject._make((*row[:-1], workflows[row[0]])) for row in rows)


class _KeptWorkflows:
    """Of the projects that this process was asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.forget()

    def forget(self) -> None:
        self._of: dict[int, tuple[str, ProjectWorkflow]] = {}
        self._shared: dict[Reach, ProjectWorkflow] = {}
        self._statuses: dict[frozenset[int], frozenset[int]] = {}

    def of(self, read: Mapping[int, str | None]) -> dict[int, ProjectWorkflow]:
        """By keys of projects, of which it is told when they were read."""
        found: dict[int, ProjectWorkflow] = {}
        missing = []
        kept = self._of
        for pk, at in read.items():
            known = kept.get(pk)
            if known is not None and known[0] == at:
                found[pk] = known[1]
            else:
                missing.append(pk)
        for some in batches(missing):
            found |= self._keep(_stored(some), some, read)
        return found

    def _keep(
        self, stored: Mapping[int, Reach], projects: Iterable[int], read: Mapping[int, str | None]
    ) -> dict[int, ProjectWorkflow]:
        found: dict[int, ProjectWorkflow] = {}
        with self._lock:
            if len(self._of) > MOST_PROJECTS or len(self._shared) > MOST_WORKFLOWS:
                self.forget()
            for pk in projects:
                workflow = self._as_one(stored.get(pk, ()))
                found[pk] = workflow
                if at := read[pk]:
                    self._of[pk] = sys.intern(at), workflow
        return found

    def _as_one(self, reach: Reach) -> ProjectWorkflow:
        """The same object for equal ones."""
        if (known := self._shared.get(reach)) is not None:
            return known
        found = tuple((type_, self._statuses.setdefault(statuses, statuses)) for type_, statuses in reach)
        return self._shared.setdefault(found, ProjectWorkflow(found))


def _stored(projects: Collection[int]) -> dict[int, Reach]:
    reached: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    rows = ReachableStatus.objects.filter(project_id__in=projects).order_by()
    for project_id, issue_type, status_id in rows.values_list("project_id", "issue_type_id", "status__jira_id"):
        reached[project_id][issue_type].add(status_id)
    return {
        project_id: tuple((type_, frozenset(statuses)) for type_, statuses in sorted(types.items()))
        for project_id, types in reached.items()
    }


_kept = _KeptWorkflows()
forget, workflows_of = _kept.forget, _kept.of
