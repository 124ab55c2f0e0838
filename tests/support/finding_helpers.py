"""Findings, and a status that work items can have and that no mapping knows, as a reading would have stored them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from connectors.models import Connector, Finding, IssueType, Project, ReachableStatus, Status, StatusCategory
from mappings.models import Scope


def found(owner: Connector, number: int, change: str = "new", **values: Any) -> Finding:
    known = {"kind": "status", "name": f"Stage {number}", "found_at": timezone.now(), **values}
    return Finding.objects.create(connector=owner, change=change, remote_id=number, **known)


def reached_story_status(owner: Connector, number: int, key: str = "PROJ") -> Project:
    """A status that stories of a project can have, in a list that was read and has no mapping for it."""
    project, _ = Project.objects.get_or_create(
        connector=owner, key=key, defaults={"jira_id": Project.objects.count() + 1, "name": key, "in_scope": True}
    )
    story, _ = IssueType.objects.get_or_create(
        connector=owner, jira_id=2, defaults={"name": "Story", "hierarchy_level": 0}
    )
    status, _ = Status.objects.get_or_create(
        connector=owner, jira_id=number, defaults={"name": "QA", "category": StatusCategory.DOING}
    )
    ReachableStatus.objects.create(project=project, issue_type=story, status=status)
    Scope.objects.get_or_create(
        connector=owner, family="j2a-state", project=None, defaults={"observed_at": timezone.now()}
    )
    return project
