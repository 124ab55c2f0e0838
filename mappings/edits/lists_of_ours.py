"""The lists of ours: what projects of ours map to what, kept here alone. Nothing of them is read from Align or sent."""

from __future__ import annotations

from django.utils import timezone

from connectors.models import Connector
from mappings.edits.catalogue_facts import projects_of_ours
from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction
from mappings.models import Scope


def ensure_lists_of_ours(connector: Connector) -> None:
    """Those that its projects of ours have now, empty where they are new: one that was there before keeps its rows.

    Jira to Align all company-managed ones share a list, as they do in Align; every other list is of one project.
    """
    projects = list(projects_of_ours(connector))
    places: set[tuple[str, int | None]] = set()
    for project in projects:
        for code, family in FAMILIES.items():
            is_own = project.team_managed or family.direction is Direction.ALIGN_TO_JIRA
            places.add((code, project.pk if is_own else None))
    if not places:
        return
    there = Scope.objects.filter(connector=connector, is_ours=True).values_list("family", "project_id")
    now = timezone.now()
    Scope.objects.bulk_create(
        [
            Scope(connector=connector, family=code, project_id=project_id, is_ours=True, observed_at=now)
            for code, project_id in sorted(places.difference(there), key=str)
        ],
        ignore_conflicts=True,
    )
