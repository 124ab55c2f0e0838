"""What tests do with mappings, in the words of the product: edit, plan, approve, apply, through the services."""

from __future__ import annotations

from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import run_due
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState, Project, Status, StatusCategory
from mappings import planning
from mappings.edits import services
from mappings.edits.queries import waiting_edits
from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction, Situation, TypeName
from mappings.models import Mapping, Plan, Scope

STORY = TypeName.STORY


def scope(connector: Connector, family: str, project: str = "") -> Scope:
    """`project`: a key; Jira to Align of a company-managed project is the shared scope."""
    found = Scope.objects.select_related("connector", "project").filter(connector=connector, family=family)
    if not project:
        return found.get(project=None)
    row = Project.objects.get(connector=connector, key=project)
    if FAMILIES[family].direction is Direction.JIRA_TO_ALIGN and not row.team_managed:
        return found.get(project=None)
    return found.get(project=row)


def mapping(connector: Connector, family: str, source: int, project: str = "", type_: TypeName = STORY) -> Mapping:
    """The stored row, or an unsaved one without values where no record is known."""
    at = scope(connector, family, project)
    found = Mapping.objects.filter(scope=at, work_item_type=type_, source_id=source).first()
    return found or Mapping(scope=at, work_item_type=type_, source_id=source)


def edit(
    connector: Connector,
    family: str,
    source: int,
    wanted: int | None,
    *,
    actor: Person,
    project: str = "",
    type_: TypeName = STORY,
) -> Mapping:
    seen = mapping(connector, family, source, project, type_).wanted
    key = services.MatrixKey(scope=scope(connector, family, project), work_item_type=type_, source_id=source)
    return services.set_wanted(services.EditRequest(key=key, wanted=wanted, seen=seen), actor=actor)


def waiting(connector: Connector) -> list[int]:
    return [each.pk for each in waiting_edits(connector)]


def make_plan(connector: Connector, *, actor: Person, rows: list[Mapping] | None = None) -> Plan:
    chosen = waiting(connector) if rows is None else [row.pk for row in rows]
    return planning.make_plan(connector, chosen, actor=actor, reason="QA column added", ticket="CHG-2291")


def approved_plan(connector: Connector, *, actor: Person) -> Plan:
    plan = make_plan(connector, actor=actor)
    return planning.approve(plan, plan.fingerprint, ticked=True, actor=actor)


def apply(plan: Plan, *, actor: Person) -> Plan:
    """Apply to its end in this process; the plan as it is afterwards."""
    planning.start_apply(plan, typed=plan.connector.slug, actor=actor)
    run_due()
    plan.refresh_from_db()
    return plan


def apply_all(connector: Connector, *, actor: Person) -> Plan:
    """Plan everything that waits, approve it and apply it."""
    return apply(approved_plan(connector, actor=actor), actor=actor)


def observe(connector: Connector) -> Job:
    """Read every list again; fails with the job's sentence."""
    job = runner.run_now(runner.start(connector, JobKind.OBSERVE, actor=None))
    assert job.state == JobState.DONE, job.error
    return job


def observe_one(at: Scope) -> None:
    """Read one list again."""
    job = runner.start(at.connector, JobKind.OBSERVE, actor=None, params={"scopes": [at.pk]})
    assert runner.run_now(job).state == JobState.DONE


def states(plan: Plan) -> list[str]:
    return list(plan.changes.order_by("position").values_list("state", flat=True))


def read_log(connector: Connector) -> None:
    """Read Align's log, as the clock does."""
    assert runner.run_now(runner.start(connector, JobKind.INTAKE, actor=None)).state == JobState.DONE


def many_drifted(scope: Scope, count: int, *, first: int = 700_000) -> list[Mapping]:
    """Rows as a check leaves them; statuses that nothing else knows."""
    ids = range(first, first + count)
    Status.objects.bulk_create(
        [
            Status(connector=scope.connector, jira_id=each, name=f"Status {each}", category=StatusCategory.DOING)
            for each in ids
        ]
    )
    return Mapping.objects.bulk_create(
        [
            Mapping(
                scope=scope,
                work_item_type="story",
                source_id=each,
                remote_id=each,
                wanted=2,
                applied=2,
                observed=0,
                situation=Situation.DRIFTED,
                drifted_at=timezone.now(),
            )
            for each in ids
        ]
    )
