"""What Jira Cloud and Jira Data Center call differently, in one table. Nothing else of the client asks which of the two
a site is.

| | Cloud | Data Center |
|---|---|---|
| projects by id | `project/search`, 50 ids at once | all of `project` |
| projects, priorities | `project/search`, `priority/search`, by pages | `project`, `priority`, whole |
| number of issues | `search/approximate-count` | `search` with maxResults=0: its `total` |
| issues | `search/jql`, on by `nextPageToken` | `search`, on by `startAt` |
| users that fit a text | `query` | `username` |
| a person in a field | `accountId` | `name` |
| text of several lines | a document | text |
| fields of a new issue, in Data Center before 8.4 | | all at once, `issue/createmeta` |
| webhooks | `webhooks/1.0` | from 10 on `jira-webhook/1.0`, before it as on Cloud, but never signed |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Deployment = Literal["cloud", "datacenter"]
AGILE = "/rest/agile/1.0"
JQL_OF_ISSUES = "issue-related-events-section"  # what a webhook's filter is called


@dataclass(frozen=True, kw_only=True)
class ListPath:
    """Where a list is. Without `is_paged` it comes whole; `starts_with` and `size` name what a page is asked by.

    `also`: a name of the array beside the usual ones. `tells_end`: a bare array is all there is.
    """

    path: str
    is_paged: bool = False
    starts_with: str = "startAt"
    size: str = "maxResults"
    also: tuple[str, ...] = ()
    tells_end: bool = True


@dataclass(frozen=True, kw_only=True)
class WebhookWish:
    """What a webhook is registered with. An empty `jql` is met by every issue; `secret` signs what is sent."""

    name: str
    url: str
    events: Sequence[str]
    jql: str = ""
    secret: str = ""


@dataclass(frozen=True, kw_only=True)
class WebhookResource:
    """Where webhooks are, and in which form one is registered. Without `signs` a secret is left out without a word."""

    listed: ListPath
    body: Callable[[WebhookWish], dict[str, Any]]
    signs: bool = True


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One kind of site. Paths are below `api`, or below the site where they begin with a slash."""

    api: str
    projects: ListPath
    project_ids_at_once: int  # that its list can be asked for; 0: it is always whole
    priorities: ListPath
    count: str
    count_field: str
    count_options: Mapping[str, int]
    always_posts_count: bool
    search: str
    pages_by_token: bool
    users_by: str
    person_id: str
    old_create_fields: str  # empty where there is none
    webhooks: tuple[WebhookResource, ...]  # tried in this order; one that a site does not have answers 404
    long_text: Callable[[str], Any]

    def person(self, id_: str) -> dict[str, str]:
        """A person as a field of an issue takes one."""
        return {self.person_id: id_}


def _document(text: str) -> dict[str, Any]:
    """A paragraph for each line, which is all that version 3 takes for a text of several lines."""
    content = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []} for line in text.split("\n")
    ]
    return {"type": "doc", "version": 1, "content": content}


def _filtered_body(wish: WebhookWish) -> dict[str, Any]:
    body: dict[str, Any] = {"name": wish.name, "url": wish.url, "events": [*wish.events], "excludeBody": False}
    if wish.jql:
        body["filters"] = {JQL_OF_ISSUES: wish.jql}
    return {**body, "secret": wish.secret} if wish.secret else body


def _configured_body(wish: WebhookWish) -> dict[str, Any]:
    """A secret beside `configuration` would be left out without a word, and what is sent would not be signed."""
    settings = {"EXCLUDE_BODY": "false"}
    if wish.jql:
        settings["FILTERS"] = wish.jql
    if wish.secret:
        settings["SECRET"] = wish.secret
    body = {"name": wish.name, "url": wish.url, "events": [*wish.events], "configuration": settings}
    return {**body, "active": True, "scopeType": "global"}


_FILTERED = WebhookResource(listed=ListPath(path="/rest/webhooks/1.0/webhook"), body=_filtered_body)
_CONFIGURED = WebhookResource(
    listed=ListPath(
        path="/rest/jira-webhook/1.0/webhooks", is_paged=True, starts_with="start", size="limit", tells_end=False
    ),
    body=_configured_body,
)

CLOUD = Dialect(
    api="/rest/api/3",
    projects=ListPath(path="project/search", is_paged=True),
    project_ids_at_once=50,
    priorities=ListPath(path="priority/search", is_paged=True),
    count="search/approximate-count",
    count_field="count",
    count_options={},
    always_posts_count=True,
    search="search/jql",
    pages_by_token=True,
    users_by="query",
    person_id="accountId",
    old_create_fields="",
    webhooks=(_FILTERED,),
    long_text=_document,
)
DATA_CENTER = Dialect(
    api="/rest/api/2",
    projects=ListPath(path="project"),
    project_ids_at_once=0,
    priorities=ListPath(path="priority"),
    count="search",
    count_field="total",
    count_options={"startAt": 0, "maxResults": 0},
    always_posts_count=False,
    search="search",
    pages_by_token=False,
    users_by="username",
    person_id="name",
    old_create_fields="issue/createmeta",
    webhooks=(_CONFIGURED, replace(_FILTERED, signs=False)),
    long_text=str,
)
DIALECTS: dict[Deployment, Dialect] = {"cloud": CLOUD, "datacenter": DATA_CENTER}
# A question may be too long for an address: these are asked by POST and change nothing, whatever they hold.
READING_POSTS = frozenset(f"{each.api}/{path}" for each in DIALECTS.values() for path in (each.count, each.search))
