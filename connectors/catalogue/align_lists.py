"""Align's lists: which projects its connector has, and the process flows of the site with their steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from connectors.align.resources import AlignProcessFlow as AlignFlow
from connectors.align.resources import ConnectorProject
from connectors.catalogue.findings import SiteReading, noticed
from connectors.catalogue.upserting import LONGEST_NAME, ROWS_AT_ONCE, mark_vanished, upsert
from connectors.models import Connector, FindingKind, ProcessFlow, ProcessStep, Project

LISTED = (FindingKind.PROJECT, FindingKind.FLOW, FindingKind.STEP)
SCOPE = ("in_scope", "programme_id", "align_key", "align_error")


def store_align_lists(reading: SiteReading, projects: Sequence[ConnectorProject], flows: Sequence[AlignFlow]) -> bool:
    """Both in one transaction, unless a later reading is stored already."""
    connector = reading.connector
    with transaction.atomic():
        stored = Connector.objects.locked().get(pk=connector.pk)
        if stored.align_lists_at is not None and stored.align_lists_at > reading.began_at:
            return False
        with noticed(reading, *LISTED):
            update_scope(connector, projects)
            upsert_flows(connector, flows)
        Connector.objects.filter(pk=connector.pk).update(align_lists_at=reading.began_at, align_lists_error="")
    return True


# --- projects ---------------------------------------------------------------------------------------------------------


def update_scope(connector: Connector, align: Sequence[ConnectorProject]) -> None:
    """Which of Jira's projects, as they are stored, Align's connector has; one that comes into scope is read first."""
    stored = list(Project.objects.filter(connector=connector))
    found = _matched([project for project in stored if project.vanished_at is None], align)
    changed = []
    for project in stored:
        before = [getattr(project, name) for name in SCOPE]
        _set_scope(project, found.get(project.jira_id))
        if before != [getattr(project, name) for name in SCOPE]:
            if project.in_scope and not before[0]:
                project.tried_at = None
            changed.append(project)
    Project.objects.bulk_update(changed, [*SCOPE, "tried_at"], batch_size=ROWS_AT_ONCE)


def _matched(jira: Iterable[Project], align: Sequence[ConnectorProject]) -> dict[int, ConnectorProject]:
    """Align's projects by Jira's id. By key first; one whose key was renamed in Jira is found by its id."""
    by_key = {project.key: project.jira_id for project in jira}
    known = set(by_key.values())
    found: dict[int, ConnectorProject] = {}
    for project in align:
        jira_id = by_key.get(project.project_key)
        if jira_id is None and project.project_id in known:
            jira_id = project.project_id
        if jira_id is not None:
            found[jira_id] = project
    return found


def _set_scope(project: Project, align: ConnectorProject | None) -> None:
    """One that is gone from Jira keeps what was known of it."""
    if align is None and project.vanished_at is not None:
        return
    is_renamed = align is not None and align.project_key != project.key
    project.in_scope = align is not None
    project.programme_id = align.program_id if align else None
    project.align_key = align.project_key if align and is_renamed else ""
    project.align_error = align.error_message if align else ""


# --- process flows ----------------------------------------------------------------------------------------------------


def upsert_flows(connector: Connector, flows: Sequence[AlignFlow]) -> None:
    rows = [
        ProcessFlow(
            connector=connector,
            align_id=flow.id,
            name=flow.name[:LONGEST_NAME],
            level=flow.level.lower()[:20],
            is_active=flow.is_active,
            programme_ids=list(flow.program_ids),
        )
        for flow in flows
    ]
    upsert(ProcessFlow, connector, rows, key="align_id", fields=["name", "level", "is_active", "programme_ids"])
    mark_vanished(ProcessFlow, connector, "align_id", [flow.id for flow in flows])
    _upsert_steps(connector, flows)


def _upsert_steps(connector: Connector, flows: Sequence[AlignFlow]) -> None:
    ids = dict(ProcessFlow.objects.filter(connector=connector).values_list("align_id", "pk"))
    rows = [
        ProcessStep(
            connector=connector,
            flow_id=ids[flow.id],
            align_id=step.id,
            name=step.name[:LONGEST_NAME],
            position=max(0, step.order),
            map_to_state=step.state,
        )
        for flow in flows
        for step in flow.steps
    ]
    upsert(ProcessStep, connector, rows, key="align_id", fields=["flow", "name", "position", "map_to_state"])
    mark_vanished(ProcessStep, connector, "align_id", [row.align_id for row in rows])
