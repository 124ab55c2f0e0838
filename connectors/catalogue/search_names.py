"""Projects and statuses as the search finds them. They are written with the catalogue, whatever reading it is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse

from alignadmin.accounts.rights import Right
from alignadmin.search.kinds import FoundPlace, Name, SearchKind
from connectors.models import Carried, Project, Status


def _project_names(chosen: Q) -> Iterable[Name]:
    rows = Project.objects.filter(chosen).order_by().values_list("pk", "connector_id", "key", "name")
    return (Name(target=pk, connector=connector, label=f"{key} {name}".strip()) for pk, connector, key, name in rows)


def _project_places(ids: Sequence[int]) -> Mapping[int, FoundPlace]:
    found = Project.objects.filter(pk__in=ids).select_related("connector")
    return {project.pk: _project_place(project) for project in found}


def _project_place(project: Project) -> FoundPlace:
    """A project that is out of scope, that Align's connector does not have, or that is gone, is on no matrix."""
    slug, scope = project.connector.slug, "" if project.in_scope else "out of scope"
    if project.carried == Carried.NO:
        scope = "ours" if project.is_ours else "not in Align’s connector"
    said = [
        project.connector.name,
        "team-managed" if project.team_managed else "company-managed",
        "gone from Jira" if project.vanished_at else scope,
    ]
    matrix = f"{reverse('matrix', args=[slug])}?{urlencode({'scope': project.key})}"
    table = f"{reverse('connector-projects', args=[slug])}?{urlencode({'q': project.key})}"
    return FoundPlace(
        label=f"{project.key} {project.name}".strip(),
        where=" · ".join(filter(None, said)),
        href=matrix if project.has_matrix else table,
    )


def _status_names(chosen: Q) -> Iterable[Name]:
    rows = Status.objects.filter(chosen).values_list("pk", "connector_id", "name", "jira_id")
    return (
        Name(target=pk, connector=connector, label=name, terms=str(jira_id)) for pk, connector, name, jira_id in rows
    )


def _status_places(ids: Sequence[int]) -> Mapping[int, FoundPlace]:
    found = Status.objects.filter(pk__in=ids).select_related("connector", "project")
    return {status.pk: _status_place(status) for status in found}


def _status_place(status: Status) -> FoundPlace:
    """Names repeat within a site, so the id and a project of its own stand beside it.

    One that is gone, or whose project is out of scope or not in Align's connector, stands on no matrix.
    """
    key = status.project.key if status.project else ""
    said = [
        status.connector.name,
        key,
        status.get_category_display(),
        str(status.jira_id),
        "gone from Jira" if status.vanished_at else "",
    ]
    slug, owner = status.connector.slug, status.project
    is_mapped = status.vanished_at is None and (owner is None or owner.has_matrix)
    query = {"q": status.name} | ({"scope": key} if owner else {})
    matrix = f"{reverse('matrix', args=[slug])}?{urlencode(query)}"
    return FoundPlace(
        label=status.name,
        where=" · ".join(filter(None, said)),
        href=matrix if is_mapped else reverse("connector", args=[slug]),
    )


PROJECTS = SearchKind(
    key="project",
    position=1,
    plural="Projects",
    right=Right.SEE,
    model=Project,
    names=_project_names,
    places=_project_places,
)
STATUSES = SearchKind(
    key="status",
    position=2,
    plural="Statuses",
    right=Right.SEE,
    model=Status,
    names=_status_names,
    places=_status_places,
)
