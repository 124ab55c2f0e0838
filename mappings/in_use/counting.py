"""Counting by a click: how many issues sit in each status of a matrix, a few statuses a request of the browser.

Each count is one request to Jira for each group of projects that are alike, from the people's reserve. What was
counted stays for an hour, with its time, and is seen by everybody who opens the matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.core.cache import cache
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused, SealError
from alignadmin.http.errors import RemoteError
from connectors.credentials import usage
from connectors.credentials.clients import current_credential, jira_client
from connectors.jira import JiraClient, JqlRefused
from connectors.jira.jql import SearchField, is_in
from connectors.models import Connector, System
from mappings.edits.matrix_scope import MatrixScope
from mappings.in_use.groups import ItemGroup, ItemGroups, ProjectTypes, groups_of

MOST_AT_ONCE = 10  # requests for which a page waits
PATIENCE = 10.0  # seconds for a slot of the rate budget, and for all requests after which no more are sent
KEPT = 3600  # seconds


@dataclass(frozen=True, kw_only=True)
class StatusCount:
    number: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class CountStep:
    """What one request of the browser has counted, by status; `trouble` says why it went no further.

    `asked`: of how many of the statuses Jira was asked; of one that is gone by now it knows no number.
    """

    counts: dict[int, StatusCount]
    asked: int
    trouble: str = ""


def counted_before(connector: Connector, shown: MatrixScope) -> dict[int, StatusCount]:
    """What was counted of this matrix within the hour, by status."""
    found = cache.get(_key(connector, shown))
    oldest = timezone.now() - timedelta(seconds=KEPT)
    return {id_: each for id_, each in found.items() if each.at >= oldest} if isinstance(found, dict) else {}


def count_some(connector: Connector, shown: MatrixScope, status_ids: Sequence[int], *, actor: Person) -> CountStep:
    """The first of these statuses, as many as a page may wait for. Raises Refused where there is nothing to ask."""
    if not connector.is_active:
        raise Refused(f"{connector} is deactivated, so nothing is asked of its Jira.")
    groups = groups_of(_projects(connector, shown))
    if not groups:
        raise Refused(
            f"No Jira issue type here stands for {connector.terminology.name(shown.work_item_type)}, so there is "
            "nothing to count. Refresh the matrix, or choose the issue types on the connector's page."
        )
    counts: dict[int, StatusCount] = {}
    asked, trouble, refused, began = 0, "", "", monotonic()
    try:
        usage.record_counting(current_credential(connector, System.JIRA), actor=actor)
        client = jira_client(connector, interactive=True, tries=1, patience=PATIENCE)
        for status_id in status_ids[: max(1, MOST_AT_ONCE // len(groups))]:
            if monotonic() - began > PATIENCE:
                break
            try:
                counts[status_id] = StatusCount(number=_count(client, groups, status_id), at=timezone.now())
            except JqlRefused as error:  # the status was deleted since the catalogue was read, or a project was
                refused = str(error)
            asked += 1
    except (RemoteError, SealError) as error:
        trouble = str(error)
    if not counts:  # then it is not that status alone
        trouble = trouble or refused
    if counts:
        cache.set(_key(connector, shown), counted_before(connector, shown) | counts, KEPT)
    return CountStep(counts=counts, asked=asked, trouble=trouble)


def _projects(connector: Connector, shown: MatrixScope) -> list[ProjectTypes]:
    """The project's own issues; of the shared matrix, those of all company-managed projects in scope."""
    found = ItemGroups(connector).projects(shown.work_item_type, shown.project, is_ours=shown.is_ours)
    return [each for each in found if shown.project is not None or not each.team_managed]


def _count(client: JiraClient, groups: Sequence[ItemGroup], status_id: int) -> int:
    return sum(client.count(group.jql & is_in(SearchField.STATUS, [status_id])) for group in groups)


def _key(connector: Connector, shown: MatrixScope) -> str:
    """A status has as many issues on the matrix of states as on that of process steps."""
    project = shown.project.pk if shown.project else shown.scope_key
    return f"in-use|{connector.pk}|{connector.jira_site}|{project}|{shown.work_item_type.value}"
