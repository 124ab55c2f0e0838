"""Single issues, read anew by their ids: which are there, which are outside of the scope, and which are gone.

A search lags behind what was written, so an issue that it shows older than it was announced is asked for by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

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

    1. Those that meet the scope, in one request. 2. The others, and those that were seen younger, one by one. 3. Which
    of these meet no scope, in one request.
    """
    reading, found = comparison.reading, ReadIssues()
    by_id = {each.id: each for lot in reading.by_keys(ids, comparison.jql) for each in lot}
    announced = _announced(comparison, ids)
    for id_ in [each for each in ids if each not in by_id or _is_older(by_id[each], announced.get(each))]:
        try:
            seen = facts_of(comparison.jira.issue(id_, reading.fields), reading.epic_link)
        except (NotFound, Forbidden):
            by_id.pop(id_, None)
            found.gone.add(id_)
            continue
        except Malformed as error:
            comparison.unread.append(f"issue {id_}: {error.sentence}")
            continue
        if id_ in by_id or seen.project_id != comparison.project.jira_id:
            (found.elsewhere if seen.project_id != comparison.project.jira_id else found.inside).append(seen)
            by_id.pop(id_, None)
        else:
            found.outside.append(seen)
    found.inside += by_id.values()
    _divide(comparison, found)
    return found


def _divide(comparison: ProjectComparison, found: ReadIssues) -> None:
    """What the search did not find with the scope, but finds without, is outside of it; else the search lags behind."""
    if not found.outside:
        return
    plain = comparison.whole_project
    if comparison.jql == plain:
        found.inside, found.outside = [*found.inside, *found.outside], []
        return
    asked = [each.id for each in found.outside]
    shown = {each.id for lot in comparison.reading.by_keys(asked, plain) for each in lot}
    found.inside += [each for each in found.outside if each.id not in shown]
    found.outside = [each for each in found.outside if each.id in shown]


def _announced(comparison: ProjectComparison, ids: Collection[int]) -> dict[int, object]:
    rows = WatchedIssue.objects.filter(connector=comparison.connector, jira_id__in=ids)
    return dict(rows.values_list("jira_id", "updated_at"))


def _is_older(issue: IssueFacts, announced: object) -> bool:
    updated = moment(issue.values.get(UPDATED))
    return announced is not None and updated is not None and updated < announced  # type: ignore[operator]
