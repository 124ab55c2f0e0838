"""What is known here of a project beside its rules: the way back from Align, workflows, statuses and process steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.models import Connector, ProcessStep, Project, ReachableStatus, Status, StatusCategory
from mappings.engine.agreement import BackMappings
from mappings.engine.families import A2J_STATE, A2J_STEP
from mappings.models import Mapping as MappingRow


@dataclass(frozen=True, kw_only=True)
class AgreementFacts:
    """`reached`: ids of issue types to those of the statuses that they can have; one that was not read is not there.

    `steps`: names of process steps by id. `refused_steps`: why Align takes no item of the project into one.
    """

    back: BackMappings
    statuses: Mapping[int, str]
    resolved: frozenset[int]
    reached: Mapping[int, frozenset[int]]
    steps: Mapping[int, str]
    refused_steps: Mapping[int, str]

    def status(self, id_: int) -> str:
        return self.statuses.get(id_, f"status {id_}")


def facts_of(connector: Connector, project: Project) -> AgreementFacts:
    """In four queries, whatever the size of the project."""
    statuses = list(Status.objects.filter(connector=connector).values_list("jira_id", "name", "category"))
    reached: dict[int, set[int]] = defaultdict(set)
    rows = ReachableStatus.objects.filter(project=project).values_list("issue_type__jira_id", "status__jira_id")
    for type_id, status_id in rows:
        reached[type_id].add(status_id)
    steps = list(ProcessStep.objects.filter(connector=connector).select_related("flow"))
    return AgreementFacts(
        back=_back(connector, project),
        statuses={id_: name for id_, name, _ in statuses},
        resolved=frozenset(id_ for id_, _, category in statuses if category == StatusCategory.DONE),
        reached={type_id: frozenset(found) for type_id, found in reached.items()},
        steps={each.align_id: each.name for each in steps},
        refused_steps={each.align_id: why for each in steps if (why := _why_refused(each, project))},
    )


def _back(connector: Connector, project: Project) -> BackMappings:
    """Of a project of ours nothing is carried back."""
    if project.is_ours:
        return BackMappings()
    states: dict[tuple[str, int], int] = {}
    steps: dict[tuple[str, int], int] = {}
    rows = MappingRow.objects.filter(
        scope__connector=connector,
        scope__project=project,
        scope__is_ours=False,
        scope__family__in=(A2J_STATE.code, A2J_STEP.code),
        applied__isnull=False,
    )
    for family, type_, source, target in rows.values_list("scope__family", "work_item_type", "source_id", "applied"):
        if target is not None:
            (states if family == A2J_STATE.code else steps)[type_, source] = target
    return BackMappings(levels=frozenset(each.value for each in A2J_STATE.type_ids), states=states, steps=steps)


def _why_refused(step: ProcessStep, project: Project) -> str:
    flow = step.flow
    if step.vanished_at is not None or flow.vanished_at is not None:
        return f"Process step {step.name} is gone from Jira Align, so the item stays in its step."
    if not flow.is_active:
        return f"Process flow {flow.name} is not active, so the item stays in its step."
    if project.programme_id is not None and project.programme_id not in flow.programme_ids:
        return f"Process flow {flow.name} is not in use in the program of {project.key}, so the item stays in its step."
    return ""
