"""A look at issues: Jira is asked, whatever a delivery said of them, and what is otherwise than before is put in words.

Many issues go into one request. One that the search does not show, or shows as it was before what was announced, is
asked for by itself: a search lags behind, and an issue that is gone is in none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from alignadmin.http.errors import BadRequest, Forbidden, Malformed, NotFound
from alignadmin.http.fields import Fields
from connectors.jira.client import JiraClient
from connectors.jira.jql import SearchField, is_in
from connectors.jira.resources import JiraIssue
from connectors.jobs import runner
from connectors.models import Connector, IssueType, JobKind, Project, Status, WatchedIssue
from connectors.ports.looked_at import LookedAtIssue, tell_looked_at

FIELDS = ("status", "issuetype", "project", "updated")
LONGEST_WORDS = 500


@dataclass(frozen=True, kw_only=True)
class IssueNow:
    """What Jira shows of an issue; names are those that it goes by in the account's language."""

    issue_id: int
    key: str
    project_id: int
    status_id: int
    status: str
    issue_type_id: int
    issue_type: str
    updated_at: datetime

    @classmethod
    def of(cls, issue: JiraIssue) -> IssueNow:
        """Raises Malformed."""
        row = Fields(issue.fields, what=f"issue {issue.key or issue.id}")
        status, kind = row.part("status"), row.part("issuetype")
        return cls(
            issue_id=issue.id,
            key=issue.key,
            project_id=row.part("project").integer("id"),
            status_id=status.integer("id"),
            status=status.text("name"),
            issue_type_id=kind.integer("id"),
            issue_type=kind.text("name"),
            updated_at=_moment(row.text("updated")),
        )


def read_issues(jira: JiraClient, wanted: Mapping[int, datetime | None]) -> dict[int, IssueNow | None]:
    """By id; None for one that is gone. `wanted`: the id, and when Jira said last that it changed, where it did.

    One that cannot be read, though it is there, is left out. Raises RemoteError for what is no matter of one issue.
    """
    found: dict[int, IssueNow] = {}
    try:
        for page in jira.search(is_in(SearchField.KEY, wanted), FIELDS):
            found |= {each.issue_id: each for each in readable(page)}
    except BadRequest:  # some sites refuse a query that names an issue which is gone
        found = {}
    now: dict[int, IssueNow | None] = {}
    for issue_id, announced_at in wanted.items():
        seen = found.get(issue_id)
        if seen is not None and (announced_at is None or seen.updated_at >= announced_at):
            now[issue_id] = seen
            continue
        try:
            now[issue_id] = IssueNow.of(jira.issue(issue_id, FIELDS))
        except (NotFound, Forbidden):
            now[issue_id] = None
        except Malformed:
            continue
    return now


def readable(issues: Collection[JiraIssue]) -> list[IssueNow]:
    found = []
    for each in issues:
        try:
            found.append(IssueNow.of(each))
        except Malformed:
            continue
    return found


def store_looks(connector: Connector, now: Mapping[int, IssueNow | None], at: datetime) -> dict[int, str]:
    """In the caller's transaction, with whoever listens. By id: what is otherwise than before, empty for nothing."""
    before = {each.jira_id: each for each in WatchedIssue.objects.filter(connector=connector, jira_id__in=list(now))}
    names = dict(Status.objects.filter(connector=connector).values_list("jira_id", "name"))
    types = dict(IssueType.objects.filter(connector=connector).values_list("jira_id", "name"))
    looked, made, kept = [], [], []
    for issue_id, issue in now.items():
        old = before.get(issue_id)
        what = _what_changed(old, issue, names, types)[:LONGEST_WORDS]
        looked.append(_looked_at(issue_id, issue, old, what))
        if issue is None:
            if old is not None and what:
                old.gone_at = old.looked_at = at
                kept.append(old)
        elif old is None:
            made.append(_put(WatchedIssue(connector=connector, jira_id=issue_id), issue, at))
        elif issue.updated_at >= old.updated_at:
            kept.append(_put(old, issue, at))
    WatchedIssue.objects.bulk_create(made)
    columns = ["key", "project_id", "status_id", "issue_type_id", "updated_at", "looked_at", "gone_at"]
    WatchedIssue.objects.bulk_update(kept, columns)
    _read_what_is_new(connector, [each for each in now.values() if each is not None], names, types)
    tell_looked_at(connector, looked, at)
    return {each.issue_id: each.what for each in looked}


def _put(row: WatchedIssue, issue: IssueNow, at: datetime) -> WatchedIssue:
    row.key, row.project_id, row.status_id = issue.key, issue.project_id, issue.status_id
    row.issue_type_id, row.updated_at, row.looked_at, row.gone_at = issue.issue_type_id, issue.updated_at, at, None
    return row


def _looked_at(issue_id: int, issue: IssueNow | None, old: WatchedIssue | None, what: str) -> LookedAtIssue:
    shown = issue or old
    return LookedAtIssue(
        issue_id=issue_id,
        key=shown.key if shown else "",
        project_id=shown.project_id if shown else None,
        status_id=shown.status_id if shown else None,
        issue_type_id=shown.issue_type_id if shown else None,
        updated_at=shown.updated_at if shown else None,
        is_gone=issue is None,
        what=what,
    )


def _what_changed(
    old: WatchedIssue | None, issue: IssueNow | None, names: Mapping[int, str], types: Mapping[int, str]
) -> str:
    if issue is None:
        return "" if old is None or old.gone_at is not None else "Gone from Jira, or not shown to our account any more"
    if old is None:
        return f"Seen for the first time, in {issue.status}"
    if issue.updated_at < old.updated_at:  # a search that lags behind what was seen already
        return ""
    found = ["There again"] if old.gone_at is not None else []
    if old.key != issue.key:
        found.append(f"Moved: {old.key} is now {issue.key}")
    if old.issue_type_id != issue.issue_type_id:
        found.append(f"Issue type: {types.get(old.issue_type_id, old.issue_type_id)} → {issue.issue_type}")
    if old.status_id != issue.status_id:
        found.append(f"Status: {names.get(old.status_id, old.status_id)} → {issue.status}")
    if not found and old.updated_at != issue.updated_at:
        found.append("Other fields")
    return "; ".join(found)


def _read_what_is_new(
    connector: Connector, issues: Sequence[IssueNow], names: Mapping[int, str], types: Mapping[int, str]
) -> None:
    """A status or type that no reading has shown has its project read; what that finds is told as always."""
    projects = {each.project_id for each in issues if each.status_id not in names or each.issue_type_id not in types}
    if not projects or connector.catalogue_at is None:
        return
    keys = Project.objects.filter(connector=connector, jira_id__in=projects, in_scope=True)
    if found := list(keys.order_by("pk").values_list("pk", flat=True)):
        params = {"lists": True, "projects": found}
        runner.start(connector, JobKind.LISTS, actor=None, subject="jira webhook", params=params)


def _moment(text: str) -> datetime:
    """As Jira writes it: 2026-12-01T09:30:00.000+0545. Raises Malformed."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed('The field "updated" is no time.') from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
