"""Issues by JQL: how many there are, and which."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from alignadmin.http.errors import BadRequest, Malformed, reading
from alignadmin.http.fields import Fields
from alignadmin.http.listing import Records, refuse_too_many, usable_records
from connectors.jira.connection import JiraConnection, rows_under
from connectors.jira.errors import JqlRefused
from connectors.jira.jql import Jql
from connectors.jira.resources import JiraIssue

LONGEST_IN_ADDRESS = 1500  # characters of JQL; proxies refuse addresses from 2,000 or 4,000 on
PAGE = 100
MOST_ISSUES = 1_000_000_000  # more than any site has


@dataclass(frozen=True, kw_only=True)
class IssueSearch:
    """The search of one site."""

    connection: JiraConnection

    def count(self, jql: Jql) -> int:
        """How many issues meet it that the account sees; on Cloud as of a moment ago. Raises JqlRefused."""
        with reading("Number of issues"):
            spoken = self.connection.dialect
            asked = {"jql": str(jql), **spoken.count_options}
            data = self._asked(spoken.count, asked, always_post=spoken.always_posts_count)
            number = Fields(data, what="the number of issues").maybe_integer(spoken.count_field)
            if number is None or not 0 <= number <= MOST_ISSUES:
                raise Malformed(f'The field "{spoken.count_field}" is not a number of issues.')
        return number

    def first(self, jql: Jql, fields: Sequence[str], *, most: int) -> Records[JiraIssue]:
        """Some of those that meet it, in one request: `most`, and never more than a page has. Raises JqlRefused."""
        with reading("Issues"):
            asked = {"jql": str(jql), "maxResults": min(most, PAGE), "fields": [*fields]}
            return usable_records(_issues(self._asked(self.connection.dialect.search, asked)), JiraIssue.from_json)

    def pages(self, jql: Jql, fields: Sequence[str] = ()) -> Iterator[Records[JiraIssue]]:
        """What meets it, page by page, with these fields and without them the ids alone. Raises JqlRefused."""
        with reading("Issues"):
            if self.connection.dialect.pages_by_token:
                yield from self._by_token(jql, fields)
            else:
                yield from self._by_start(jql, fields)

    def _by_token(self, jql: Jql, fields: Sequence[str]) -> Iterator[Records[JiraIssue]]:
        asked = {"jql": str(jql), "maxResults": PAGE, "fields": [*fields] or ["id"]}
        seen, token = 0, ""
        used: set[str] = set()
        while True:
            data = self._asked(self.connection.dialect.search, asked | ({"nextPageToken": token} if token else {}))
            page, rows = Fields(data, what="a page of issues"), _issues(data)
            seen += len(rows)
            refuse_too_many(seen)
            yield usable_records(rows, JiraIssue.from_json)
            token = page.text("nextPageToken")
            if page.truth("isLast") or (not token and page.truth("isLast") is None):
                return
            if not token or token in used:
                raise Malformed("More issues follow, and the page does not say how they are reached.", permanent=False)
            used.add(token)

    def _by_start(self, jql: Jql, fields: Sequence[str]) -> Iterator[Records[JiraIssue]]:
        """Jira may give smaller pages than asked for, so its `total` says where the end is."""
        asked = {"jql": str(jql), "maxResults": PAGE, "fields": [*fields] or ["id"]}
        start, before = 0, None
        while True:
            data = self._asked(self.connection.dialect.search, asked | {"startAt": start})
            rows, total = _issues(data), Fields(data, what="a page of issues").maybe_integer("total")
            if rows and rows == before:
                raise Malformed("The pages repeat each other, so the list may not be complete.", permanent=False)
            start, before = start + len(rows), rows
            refuse_too_many(start)
            yield usable_records(rows, JiraIssue.from_json)
            if not rows or (total is not None and start >= total):
                if total is not None and start < total:
                    raise Malformed("The list says that more follows, but the page is empty.", permanent=False)
                return

    def _asked(self, path: str, given: dict[str, Any], *, always_post: bool = False) -> Any:
        try:
            if always_post or len(str(given["jql"])) > LONGEST_IN_ADDRESS:
                return self.connection.ask(path, method="POST", body=given)
            return self.connection.ask(path, [(name, _in_address(value)) for name, value in given.items()])
        except BadRequest as refused:
            raise JqlRefused.of(refused) from refused


def _in_address(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _issues(data: object) -> list[Any]:
    return rows_under(data, "issues", what="a page of issues")
