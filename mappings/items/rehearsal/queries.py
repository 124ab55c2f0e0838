"""The last rehearsals of projects, for pages and for the step of the set-up that asks whether there was one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db.models import Max

from connectors.models import Connector, Project, in_scope_here
from mappings.models import Rehearsal


class LastRehearsal(NamedTuple):
    """Of a project in scope; without a time it was never rehearsed to its end."""

    project_id: int
    key: str
    carried: str
    is_ours: bool
    finished_at: datetime | None


def last_rehearsals(connector: Connector) -> list[LastRehearsal]:
    """Of every project in scope here, by their keys, in one query."""
    projects = Project.objects.filter(in_scope_here(), connector=connector).order_by("key")
    rows = projects.annotate(last=Max("rehearsals__finished_at")).values_list("pk", "key", "carried", "ours_at", "last")
    return [LastRehearsal(pk, key, carried, ours is not None, last) for pk, key, carried, ours, last in rows]


def rehearsals_of(project: Project) -> list[Rehearsal]:
    """The newest first."""
    return list(Rehearsal.objects.filter(project=project).select_related("job", "person").order_by("-id"))


def was_rehearsed(found: Collection[LastRehearsal]) -> bool:
    """The check "The import was rehearsed": each project of ours to its end; without one, any that Align carries."""
    ours = [each for each in found if each.is_ours]
    return all(each.finished_at for each in ours) if ours else any(each.finished_at for each in found)
