"""The sentences of Align's audit log, one per successful write of a mapping.

Head: `CONFIG {Action} - {MappingType} - {Direction} - {WorkItemType} - {source name} ({source id})`, then a
space and the details. Created from Align to Jira has ` - {ProjectKey}` between head and details; no other
sentence names a project. Updated shows changed fields only: two statuses of one name differ in the id alone,
and a write that changes nothing leaves the bare head. The twelve forms, each as one full line:

CONFIG Created - State mapping - Jira To Align - Story - In Review (10013) Id: 41, ConnectorId: 123, WorkItemTypeId: 4, JiraStatusId: 10013, JiraStatusName: In Review, AlignStateId: 3, AlignStateName: Dev complete
CONFIG Updated - State mapping - Jira To Align - Story - In Review (10013) AlignStateId Changed - From [2] To [3], AlignStateName Changed - From [In progress] To [Dev complete]
CONFIG Deleted - State mapping - Jira To Align - Story - In Review (10013) Deleted mapping: [In Review] → [Dev complete]
CONFIG Created - Process Step mapping - Jira To Align - Story - In Review (10013) Id: 41, ConnectorId: 123, WorkItemTypeId: 3, JiraStatusId: 10013, JiraStatusName: In Review, ProcessStepId: 514, ProcessStepName: Reviewing
CONFIG Updated - Process Step mapping - Jira To Align - Story - In Review (10013) ProcessStepId Changed - From [513] To [514], ProcessStepName Changed - From [Developing] To [Reviewing]
CONFIG Deleted - Process Step mapping - Jira To Align - Story - In Review (10013) Deleted mapping: [Jira Status Id 10013] → [Process Step ID 514]
CONFIG Created - State mapping - Align to Jira - Story - Dev complete (3) - PROJ Id: 41, ConnectorId: 123, ProjectKey: PROJ, WorkItemTypeId: 4, AlignStateId: 3, AlignStateName: Dev complete, JiraStatusId: 10015, JiraStateName: QA
CONFIG Updated - State mapping - Align to Jira - Story - Dev complete (3) JiraStatusId Changed - From [10013] To [10015], JiraStateName Changed - From [In Review] To [QA]
CONFIG Deleted - State mapping - Align to Jira - Story - Dev complete (3) Deleted mapping: [Dev complete] → [QA]
CONFIG Created - Process Step mapping - Align to Jira - Story - Reviewing (514) - PROJ Id: 41, ConnectorId: 123, ProjectKey: PROJ, WorkItemTypeId: 4, ProcessStepId: 514, ProcessStepName: Reviewing, JiraStatusId: 10013, JiraStateName: In Review
CONFIG Updated - Process Step mapping - Align to Jira - Story - Reviewing (514) JiraStatusId Changed - From [10013] To [10015], JiraStateName Changed - From [In Review] To [QA]
CONFIG Deleted - Process Step mapping - Align to Jira - Story - Reviewing (514) Deleted mapping: [Reviewing] → [QA]
"""  # noqa: E501

from collections.abc import Mapping
from typing import Any

from .families import RouteFamily

USER = "Jira Align System"
Labels = Mapping[str, str]  # how a site calls work item types, where not as published
PUBLISHED: Labels = {}


def created(family: RouteFamily, record: dict[str, Any], labels: Labels = PUBLISHED, type_ids: str = "table") -> str:
    project = [] if family.to_align else [("ProjectKey", record["projectKey"])]
    fields = [
        ("Id", record["id"]),
        ("ConnectorId", record["connectorId"]),
        *project,
        ("WorkItemTypeId", family.to_wire(record["workItemTypeId"], type_ids)),
        *_end(family, family.source, record),
        *_end(family, family.target, record),
    ]
    suffix = "" if family.to_align else f" - {record['projectKey']}"
    details = ", ".join(f"{label}: {value}" for label, value in fields)
    return f"{_head('Created', family, record, labels)}{suffix} {details}"


def updated(family: RouteFamily, before: dict[str, Any], after: dict[str, Any], labels: Labels = PUBLISHED) -> str:
    pairs = zip(_end(family, family.target, before), _end(family, family.target, after), strict=True)
    changes = [f"{label} Changed - From [{old}] To [{new}]" for (label, old), (_, new) in pairs if old != new]
    head = _head("Updated", family, after, labels)
    return f"{head} {', '.join(changes)}" if changes else head


def deleted(family: RouteFamily, record: dict[str, Any], labels: Labels = PUBLISHED) -> str:
    if family.to_align and family.steps:
        source = f"Jira Status Id {record['jiraStatusId']}"
        target = f"Process Step ID {record['processStepId']}"
    else:
        source, target = record[f"{family.source}Name"], record[f"{family.target}Name"]
    return f"{_head('Deleted', family, record, labels)} Deleted mapping: [{source}] → [{target}]"


def _head(action: str, family: RouteFamily, record: dict[str, Any], labels: Labels) -> str:
    type_name = family.type_name(record["workItemTypeId"])
    parts = (
        f"CONFIG {action}",
        "Process Step mapping" if family.steps else "State mapping",
        "Jira To Align" if family.to_align else "Align to Jira",
        labels.get(type_name, type_name),
        f"{record[f'{family.source}Name']} ({record[family.source_id]})",
    )
    return " - ".join(parts)


def _end(family: RouteFamily, stem: str, record: dict[str, Any]) -> list[tuple[str, Any]]:
    """Id and name of one end. From Align to Jira the log says JiraStateName where the record says jiraStatusName."""
    label = stem[0].upper() + stem[1:]
    renamed = stem == "jiraStatus" and not family.to_align
    name_label = "JiraStateName" if renamed else f"{label}Name"
    return [(f"{label}Id", record[f"{stem}Id"]), (name_label, record[f"{stem}Name"])]
