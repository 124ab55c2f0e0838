"""Which lists of Align are in use, and so are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Q, QuerySet

from connectors.models import Connector, Project, has_lists
from mappings.edits.lists_of_ours import ensure_lists_of_ours
from mappings.engine.families import FAMILIES, Family
from mappings.engine.values import Direction
from mappings.models import Scope


def ensure_scopes(connector: Connector) -> list[Scope]:
    """Every scope of Align that the connector has now: shared ones, and those of each project in scope.

    Those of ours are made along, and are none of these: nobody reads them.
    """
    ensure_lists_of_ours(connector)
    projects = list(Project.objects.filter(has_lists(), connector=connector))
    places = [(code, project) for code, family in FAMILIES.items() for project in _projects_of(family, projects)]
    existing = {(scope.family, scope.project_id) for scope in Scope.objects.filter(connector=connector, is_ours=False)}
    Scope.objects.bulk_create(
        [
            Scope(connector=connector, family=code, project=project)
            for code, project in places
            if (code, project.pk if project else None) not in existing
        ],
        ignore_conflicts=True,
    )
    return list(scopes_in_use(connector).select_related("project", "connector").order_by("pk"))


def scopes_in_use(connector: Connector) -> QuerySet[Scope]:
    return Scope.objects.filter(in_use(), connector=connector)


def in_use(scope: str = "") -> Q:
    """Of scopes, or of what leads to them by `scope` ("scope__"): Align's of projects in scope, and the shared ones."""
    a2j = [code for code, each in FAMILIES.items() if _is_a2j(each)]
    has_list = Q(**{f"{scope}project__team_managed": True}) | Q(**{f"{scope}family__in": a2j})
    of_align = Q(**{f"{scope}is_ours": False})
    return of_align & (Q(**{f"{scope}project": None}) | (has_lists(f"{scope}project__") & has_list))


def _is_a2j(family: Family) -> bool:
    return family.direction is Direction.ALIGN_TO_JIRA


def _projects_of(family: Family, projects: Sequence[Project]) -> Iterator[Project | None]:
    if _is_a2j(family):
        yield from projects
        return
    yield None
    yield from (project for project in projects if project.team_managed)
