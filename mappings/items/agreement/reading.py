"""Single issues, read anew by their ids: which are there, which are outside of the scope, and which are gone.

A search lags behind what was written, so an issue that it shows older than it was announced is asked for by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from alignadmin.http.errors import Forbidden, Malformed, NotFound
from connectors.models import WatchedIssue
from mappings.engine.items import IssueFacts
from mappings.items.agreement.comparison import UPDATED, ProjectComparison, moment
from mappings.items.prediction.issues import facts_of


@dataclass(kw_only=True)
class ReadIssues:
    """`inside`: of the project and its scope. `elsewhere`: moved to another project. `unread`: nobody knows."""

    inside: list[IssueFacts] = field(default_factory=list)
    outside: list[IssueFacts] = field(default_factory=list)
    elsewhere: list[IssueFacts] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)


def read_issues_of(comparison: ProjectComparison, ids: Collection[int]) -> ReadIssues:
    """At most a hundred of them. Raises RemoteError and Refused.

    1. Those that meet the scope, in one request. 2. Of the others those of the project, in one more: they are outside
    of it. 3. What neither shows, or shows older than it was announced, one by one.
    """
    reading, found = comparison.reading, ReadIssues()
    by_id = {each.id: each for lot in reading.by_keys(ids, comparison.jql) for each in lot}
    lost = [each for each in ids if each not in by_id]
    if lost and comparison.jql != comparison.whole_project:
        found.outside = [each for lot in reading.by_keys(lost, comparison.whole_project) for each in lot]
    shown = {each.id for each in found.outside}
    announced = _announced(comparison, ids)
    for id_ in [each for each in ids if each not in shown]:
        seen = by_id.get(id_)
        if seen is not None and not _is_older(seen, announced.get(id_)):
            found.inside.append(seen)
        else:
            _read_one(comparison, id_, found)
    return found


def _read_one(comparison: ProjectComparison, id_: int, found: ReadIssues) -> None:
    try:
        seen = facts_of(comparison.jira.issue(id_, comparison.reading.fields), comparison.reading.epic_link)
    except (NotFound, Forbidden):
        found.gone.add(id_)
    except Malformed as error:
        comparison.unread.append(f"Issue {id_}: {error.sentence}")
    else:
        (found.inside if seen.project_id == comparison.project.jira_id else found.elsewhere).append(seen)


def _announced(comparison: ProjectComparison, ids: Collection[int]) -> dict[int, datetime]:
    rows = WatchedIssue.objects.filter(connector=comparison.connector, jira_id__in=ids)
    return dict(rows.values_list("jira_id", "updated_at"))


def _is_older(issue: IssueFacts, announced: datetime | None) -> bool:
    updated = moment(issue.values.get(UPDATED))
    return announced is not None and updated is not None and updated < announced
