"""Align's lists: which projects its connector has, and the process flows of the site with their steps.

The projects are needed; the flows are not: an older Align has none, and a token may not see them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.http.errors import RemoteError, SignInRefused
from alignadmin.http.listing import Records, SetAside
from alignadmin.text import first_of
from connectors.align.client import AlignClient
from connectors.align.resources import AlignProcessFlow as AlignFlow
from connectors.align.resources import ConnectorProject
from connectors.catalogue.findings import MOST_KEPT, MOST_NAMED, SiteReading, noticed
from connectors.catalogue.list_states import record_error, record_read, spared
from connectors.catalogue.reported import of_project, store_changes
from connectors.catalogue.upserting import LONGEST_NAME, ROWS_AT_ONCE, batches, mark_vanished, upsert
from connectors.models import (
    AlignOnlyProject,
    Carried,
    Connector,
    FindingKind,
    ProcessFlow,
    ProcessStep,
    Project,
    RemoteList,
    scope_of,
)
from connectors.ports.audited import context_of

LISTED = (FindingKind.PROJECT, FindingKind.FLOW, FindingKind.STEP)
SCOPE = ("carried", "left_align_at", "in_scope", "programme_id", "align_id", "align_key", "align_error")


@dataclass(frozen=True, kw_only=True)
class Projects:
    """`unseen`: Align's own ids of projects that its list does not show and that nobody may call gone."""

    records: Records[ConnectorProject]
    unseen: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Flows:
    """`records` None: they could not be read, and `error` says why."""

    records: Records[AlignFlow] | None
    unseen: frozenset[int] = frozenset()
    error: str = ""

    @property
    def aside(self) -> dict[RemoteList, Sequence[SetAside]]:
        """With the steps of each; nothing where they were not read."""
        if self.records is None:
            return {}
        steps = [aside for flow in self.records for aside in flow.steps.aside]
        return {RemoteList.ALIGN_FLOWS: [*self.records.aside, *steps]}


def read_projects(align: AlignClient, connector: Connector) -> Projects:
    carried = Project.objects.filter(connector=connector, carried=Carried.YES, vanished_at=None)
    known = [id_ for id_ in carried.values_list("align_id", flat=True) if id_ is not None]
    checked = align.checked_projects(align.projects(), known)
    return Projects(records=checked.records, unseen=checked.unseen)


def read_flows(align: AlignClient, connector: Connector) -> Flows:
    known = ProcessFlow.objects.filter(connector=connector, vanished_at=None)
    try:
        checked = align.checked_flows(align.value_streams(), known.values_list("align_id", flat=True))
    except SignInRefused:
        raise
    except RemoteError as error:
        return Flows(records=None, error=error.sentence)
    return Flows(records=checked.records, unseen=checked.unseen)


def store_align_lists(reading: SiteReading, projects: Projects, flows: Flows) -> bool:
    """Both in one transaction, unless a later reading is stored already, or the connector was made anew meanwhile.

    Flows that were not read stay as they are.
    """
    connector = reading.connector
    with transaction.atomic():
        stored = Connector.objects.locked().get(pk=connector.pk)
        if stored.align_lists_at is not None and stored.align_lists_at > reading.began_at:
            return False
        if stored.align_connector_id != connector.align_connector_id:
            return False
        with noticed(reading, *LISTED):
            update_scope(connector, projects, reading.began_at)
            if flows.records is not None:
                upsert_flows(connector, flows.records, flows.unseen)
        record_read(connector, reading.began_at, {RemoteList.ALIGN_PROJECTS: projects.records.aside} | flows.aside)
        if flows.error:
            record_error(connector, RemoteList.ALIGN_FLOWS, flows.error)
        Connector.objects.filter(pk=connector.pk).update(align_lists_at=reading.began_at, align_lists_error="")
    return True


# --- projects ---------------------------------------------------------------------------------------------------------


def update_scope(connector: Connector, align: Projects, at: datetime) -> None:
    """Which of Jira's projects, as they are stored, Align's connector has; one that comes into scope is read first.

    A list without any project does not show that its reader sees those there are: what was not known stays so.
    """
    stored = list(Project.objects.filter(connector=connector))
    found = _matched(stored, align.records)
    changed, said, ended = [], [], []
    moved: set[str] = set()  # of SCOPE: to write what no project has otherwise takes statements of its own
    for project in stored:
        before, was_ours = [getattr(project, name) for name in SCOPE], project.is_ours
        if project.jira_id in found or not _may_be_there(project, align):
            _set_carried(project, found.get(project.jira_id), at, is_seen=bool(align.records))
        if differing := {name for name, was in zip(SCOPE, before, strict=True) if was != getattr(project, name)}:
            moved |= differing
            if project.in_scope and not before[SCOPE.index("in_scope")]:
                project.tried_at = None
            changed.append(project)
            if was_ours and not project.is_ours:
                ended.append(project)
            if project.in_scope and project.carried == Carried.YES:  # of one that left, Align says nothing any more
                said.append(of_project(connector, project, before[SCOPE.index("align_error")], at))
    if ended:  # before they are carried, which nothing of ours is
        Project.objects.filter(pk__in=[each.pk for each in ended]).update(ours_at=None, ours_by=None, ours_reason="")
    Project.objects.bulk_update(changed, [*sorted(moved), "tried_at"], batch_size=ROWS_AT_ONCE)
    store_changes(connector, said)
    _store_unmatched(connector, stored, align.records)
    if ended:
        trail.record(_ended_record(connector, ended))


def _ended_record(connector: Connector, ended: Sequence[Project]) -> AuditRecord:
    keys = [project.key for project in ended]
    one = len(keys) == 1
    return AuditRecord(
        action="projects.ours_ended",
        actor=None,
        context=context_of(connector),
        subject=f"connector {connector.slug}",
        sentence=(
            f"{first_of(keys, MOST_NAMED)} {'is' if one else 'are'} in the list of Align's connector now, and so not "
            f"ours any more: Align moves {'its' if one else 'their'} items. The lists of ours stay, to be looked at."
        ),
        data={"count": len(keys), "projects": keys[:MOST_KEPT]},
        project_key=keys[0] if one else "",
    )


def _store_unmatched(connector: Connector, stored: Sequence[Project], align: Sequence[ConnectorProject]) -> None:
    """Those of Align's list that this Jira shows no project for, and never did; rows that are right are left."""
    ids, keys = {project.jira_id for project in stored}, {key for each in stored for key in (each.key, each.wire_key)}
    wanted = {
        each.id: (each.project_key, each.project_name[:LONGEST_NAME], each.program_id)
        for each in align
        if each.project_key not in keys and each.project_id not in ids
    }
    rows = AlignOnlyProject.objects.filter(connector=connector)
    there = {id_: values for id_, *values in rows.values_list("align_id", "key", "name", "programme_id")}
    wrong = [id_ for id_, values in there.items() if wanted.get(id_) != tuple(values)]
    for some in batches(wrong):
        rows.filter(align_id__in=some).delete()
    new = wanted.keys() - (there.keys() - set(wrong))
    AlignOnlyProject.objects.bulk_create(
        [
            AlignOnlyProject(connector=connector, align_id=id_, key=key, name=name, programme_id=programme)
            for id_ in sorted(new)
            for key, name, programme in [wanted[id_]]
        ],
        batch_size=ROWS_AT_ONCE,
    )


def _may_be_there(project: Project, align: Projects) -> bool:
    """Though no usable record of the list is it: then what was known of it stays."""
    names = (project.key, project.wire_key, project.name, str(project.jira_id))
    return project.align_id in align.unseen or align.records.may_hold(project.align_id, *names)


def _matched(jira: Iterable[Project], align: Sequence[ConnectorProject]) -> dict[int, ConnectorProject]:
    """Align's projects by Jira's id. By key first; one whose key was renamed in Jira is found by its id.

    So is one that is gone from Jira, whose key may be another project's now.
    """
    by_key = {project.key: project.jira_id for project in jira if project.vanished_at is None}
    known = {project.jira_id for project in jira}
    found: dict[int, ConnectorProject] = {}
    for project in align:
        jira_id = by_key.get(project.project_key)
        if jira_id is None and project.project_id in known:
            jira_id = project.project_id
        if jira_id is not None:
            found[jira_id] = project
    return found


def _set_carried(project: Project, align: ConnectorProject | None, at: datetime, *, is_seen: bool) -> None:
    """One that left Align's list is kept as gone from there, also where it is gone from Jira.

    Else it would count as carried for good, and would be taken for carried where it comes back.
    """
    if align is not None:
        project.carried, project.left_align_at = Carried.YES, None
        project.ours_at, project.ours_by, project.ours_reason = None, None, ""  # never both
    elif project.carried == Carried.YES:
        project.carried, project.left_align_at = Carried.NO, at
    elif is_seen:
        project.carried = Carried.NO
    is_renamed = align is not None and align.project_key != project.key
    project.in_scope = scope_of(project.scope_choice, project.carried)
    project.programme_id = align.program_id if align else None
    project.align_id = align.id if align else None
    project.align_key = align.project_key if align and is_renamed else ""
    project.align_error = align.error_message if align else ""


# --- process flows ----------------------------------------------------------------------------------------------------


def upsert_flows(connector: Connector, flows: Records[AlignFlow], unseen: frozenset[int] = frozenset()) -> None:
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
    kept = unseen | spared(ProcessFlow, connector, "align_id", flows, "name")
    mark_vanished(ProcessFlow, connector, "align_id", [*(flow.id for flow in flows), *kept])
    _upsert_steps(connector, flows, kept)


def _upsert_steps(connector: Connector, flows: Records[AlignFlow], kept_flows: set[int] | frozenset[int]) -> None:
    ids = dict(ProcessFlow.objects.filter(connector=connector).values_list("align_id", "pk"))
    rows = [
        ProcessStep(
            connector=connector,
            flow_id=ids[flow.id],
            align_id=step.id,
            name=step.name[:LONGEST_NAME],
            position=step.order,
            map_to_state=step.state,
        )
        for flow in flows
        for step in flow.steps
    ]
    upsert(ProcessStep, connector, rows, key="align_id", fields=["flow", "name", "position", "map_to_state"])
    kept = _steps_that_may_be_there(connector, flows, kept_flows)
    mark_vanished(ProcessStep, connector, "align_id", [*(row.align_id for row in rows), *kept])


def _steps_that_may_be_there(
    connector: Connector, flows: Records[AlignFlow], kept_flows: set[int] | frozenset[int]
) -> set[int]:
    """Those of flows whose steps are not told, and those that may be a step set aside."""
    told = {flow.id: flow for flow in flows if flow.tells_steps}
    silent = {flow.id for flow in flows} - told.keys() | kept_flows
    stored = ProcessStep.objects.filter(connector=connector, vanished_at=None)
    return {
        id_
        for id_, name, flow in stored.values_list("align_id", "name", "flow__align_id")
        if flow in silent or (flow in told and told[flow].steps.may_hold(id_, name))
    }
