"""Which projects may be imported, asked again before anything leaves: one that Align carries is never written to."""

from __future__ import annotations

from connectors.models import Carried, Connector, Project
from mappings.models import OPEN_TRIPS, RoundTrip

ALIGN_CARRIES = "Align's connector carries {key}, or may carry it: its items are Align's to move, so none is written."


def why_connector_waits(connector: Connector) -> str:
    """By its row as it is now; empty where something may be sent for it."""
    if connector.disconnected_at is not None:
        return "The connector was disconnected."
    if not connector.is_active:
        return "The connector is deactivated."
    if connector.maintenance_since is not None:
        return "The connector is in maintenance."
    if connector.gap_since is not None:
        return "Jira Align's token is being replaced, and the one in use is dead."
    return ""


def why_not_written(project_id: int) -> str:
    """Its row is locked until the commit: a reading that finds it in Align's list comes before, or after."""
    rows = Project.objects.select_for_update(no_key=True, of=("self",))
    project = rows.get(pk=project_id)
    return why_not_imported(project) or why_verified(project)


def why_verified(project: Project) -> str:
    """A verification changes values of its own meanwhile, and puts them back: an import would take them over."""
    if RoundTrip.objects.filter(project=project, state__in=OPEN_TRIPS).exists():
        return f"{project.key} is being verified live: wait for its end, or stop it."
    return ""


def why_not_imported(project: Project) -> str:
    """By the project's row as it is now; empty where it may be."""
    if project.carried != Carried.NO:
        return ALIGN_CARRIES.format(key=project.key)
    if project.ours_at is None:
        first = "" if project.in_scope else "take it into scope and "
        return f"{project.key} is not ours: {first}take it over in step 4 of the set-up first."
    if project.vanished_at is not None:
        return f"Jira does not show {project.key} any more."
    if not project.in_scope:
        return f"{project.key} is out of scope here: take it into scope in step 4 of the set-up first."
    return ""
