"""Issues by JQL: how many there are, and which. Cloud and Data Center differ in each of the calls, and only here.

| | Cloud | Data Center |
|---|---|---|
| number | `search/approximate-count` | `search` with maxResults=0: its `total` |
| issues | `search/jql`, on by `nextPageToken` | `search`, on by `startAt` |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from alignadmin.http.errors import BadRequest, Malformed, reading
from alignadmin.http.fields import Fields
from alignadmin.http.listing import Records, refuse_too_many, usable_records
from connectors.jira.errors import JqlRefused
from connectors.jira.jql import Jql
from connectors.jira.resources import JiraIssue

Deployment = Literal["cloud", "datacenter"]
CLOUD, DATA_CENTER = "/rest/api/3", "/rest/api/2"
COUNT, CLOUD_SEARCH, SEARCH = "search/approximate-count", "search/jql", "search"
# A question may be too long for an address: these are asked by POST and change nothing, whatever they hold.
READING_POSTS = frozenset({f"{CLOUD}/{COUNT}", f"{CLOUD}/{CLOUD_SEARCH}", f"{DATA_CENTER}/{SEARCH}"})
LONGEST_IN_ADDRESS = 1500  # characters of JQL; proxies refuse addresses from 2,000 or 4,000 on
PAGE = 100
MOST_ISSUES = 1_000_000_000  # more than any site has


class Ask(Protocol):
    """A request below the API's address, as JSON there and back."""

    def __call__(
        self, path: str, query: Sequence[tuple[str, str]] = (), *, method: str = "GET", body: Any = None
    ) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class IssueSearch:
    """The search of one site."""

    deployment: Deployment
    ask: Ask

    def count(self, jql: Jql) -> int:
        """How many issues meet it that the account sees; on Cloud as of a moment ago. Raises JqlRefused."""
        with reading("Number of issues"):
            if self.deployment == "cloud":
                data, name = self._asked(COUNT, {"jql": str(jql)}, always_post=True), "count"
            else:
                data, name = self._asked(SEARCH, {"jql": str(jql), "startAt": 0, "maxResults": 0}), "total"
            number = Fields(data, what="the number of issues").maybe_integer(name)
            if number is None or not 0 <= number <= MOST_ISSUES:
                raise Malformed(f'The field "{name}" is not a number of issues.')
        return number

    def pages(self, jql: Jql, fields: Sequence[str] = ()) -> Iterator[Records[JiraIssue]]:
        """What meets it, page by page, with these fields and without them the ids alone. Raises JqlRefused."""
        with reading("Issues"):
            if self.deployment == "cloud":
                yield from self._by_token(jql, fields)
            else:
                yield from self._by_start(jql, fields)

    def _by_token(self, jql: Jql, fields: Sequence[str]) -> Iterator[Records[JiraIssue]]:
        asked = {"jql": str(jql), "maxResults": PAGE, "fields": [*fields] or ["id"]}
        seen, token = 0, ""
        used: set[str] = set()
        while True:
            data = self._asked(CLOUD_SEARCH, asked | ({"nextPageToken": token} if token else {}))
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
            data = self._asked(SEARCH, asked | {"startAt": start})
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
                return self.ask(path, method="POST", body=given)
            return self.ask(path, [(name, _in_address(value)) for name, value in given.items()])
        except BadRequest as refused:
            raise JqlRefused.of(refused) from refused


def _in_address(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _issues(data: object) -> list[Any]:
    page = Fields(data, what="a page of issues")
    if not page.has_items("issues"):
        raise Malformed('The field "issues" is not a list.')
    return page.items("issues")
