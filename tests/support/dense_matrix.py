"""The widest matrix that a page is made for: a project of 300 statuses, one flow of 30 steps."""

from __future__ import annotations

from connectors.models import Connector, ProcessFlow, ProcessStep, Project, ReachableStatus, Status
from mappings.models import Mapping, Scope

KEY = "PROJ"
STATUSES, STEPS, MAPPED = 300, 30, 11
FIRST_STATUS, FIRST_STEP = 40_000, 900


def widen(connector: Connector) -> None:
    """Let this project's stories reach 300 statuses more, of which a few are mapped, and give them a long flow."""
    project = Project.objects.get(connector=connector, key=KEY)
    reached = ReachableStatus.objects.filter(project=project, issue_type__name="Story").first()
    assert reached is not None
    made = [
        Status(connector=connector, jira_id=FIRST_STATUS + n, name=f"Waiting for team {n % 290}", category="doing")
        for n in range(STATUSES)
    ]
    Status.objects.bulk_create(made)
    ReachableStatus.objects.bulk_create(
        ReachableStatus(project=project, issue_type=reached.issue_type, status=each)
        for each in Status.objects.filter(connector=connector, jira_id__gte=FIRST_STATUS)
    )
    flow = ProcessFlow.objects.filter(connector=connector, level="story", is_active=True).first()
    assert flow is not None
    ProcessStep.objects.bulk_create(
        ProcessStep(
            connector=connector, flow=flow, align_id=FIRST_STEP + n, name=f"Development of part {n}", position=100 + n
        )
        for n in range(STEPS)
    )
    scope = Scope.objects.get(connector=connector, family="j2a-step", project=None)
    Mapping.objects.bulk_create(
        Mapping(
            scope=scope,
            work_item_type="story",
            source_id=FIRST_STATUS + n,
            **dict.fromkeys(("wanted", "applied", "observed"), FIRST_STEP + n),
        )
        for n in range(MAPPED)
    )
