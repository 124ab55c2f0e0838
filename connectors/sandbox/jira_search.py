"""Search by JQL: with page tokens and a rough count on Cloud, with `startAt` and `total` on Data Center."""

import base64
import datetime as dt
import json
import zlib
from typing import Any

from . import users
from .jira_call import CATEGORIES, JiraCall, Route, priorities
from .jira_issues.jql import JqlQuery, compiled, found
from .jira_issues.jql_tokens import JqlError
from .jira_issues.jql_values import JqlContext
from .jira_issues.records import Issue
from .jira_shapes import IssueShapes
from .messages import ErrorAnswer, Json, Response, answer, jira_error

REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline "
    "is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
DEFAULT, MOST, MOST_BARE = 50, 100, 5000
SERVER_MOST = 1000
BARE = {"id", "key"}


def context(call: JiraCall) -> JqlContext:
    me = call.token["user"] if call.token else None
    return JqlContext(
        projects=call.projects,
        types=[each for each in call.world.issue_types() if _seen(call, each["project"])],
        statuses=[each for each in call.world.statuses() if _seen(call, each["project"])],
        priorities=[(each["id"], each["name"]) for each in priorities(call)],
        categories={key: (each["id"], each["name"]) for key, each in CATEGORIES.items()},
        names={user: frozenset({user, users.email(user), call.identity(user), record["name"]})
               for user, record in call.people.items()},
        me=me,
        zone=call.zone,
        now=dt.datetime.now(dt.UTC),
        named=call.named,
    )  # fmt: skip


def _seen(call: JiraCall, project: str | None) -> bool:
    """Whether what belongs to this project alone, or to all, is known to the caller."""
    return project is None or project in call.project_of


def read(text: str, around: JqlContext) -> JqlQuery:
    try:
        return compiled(text, around)
    except JqlError as error:
        raise ErrorAnswer(answer({"errorMessages": error.messages, "errors": {}}, 400)) from error


def run(call: JiraCall, query: JqlQuery, around: JqlContext) -> list[Issue]:
    """What the caller may see of what matches, by the state that the search knows."""
    lag = 0.0 if call.options.search_lag == "no" else float(call.options.search_lag)
    known = call.world.issues.searchable(lag).values()
    seen = (issue for issue in known if issue["project"] in call.project_of)
    return found(query, seen, around)


def _given(call: JiraCall) -> Json:
    """The parameters, from the address or from the body."""
    if call.request.method != "POST":
        given: Json = {name: call.param(name) for name in ("jql", "nextPageToken", "expand") if call.param(name)}
        given.update((name, call.number(name, 0)) for name in ("maxResults", "startAt") if call.param(name))
        if call.params("fields"):
            given["fields"] = call.params("fields")
        return given
    try:
        body = call.request.json()
    except ValueError as error:
        raise jira_error(400, "There was an error parsing JSON. Check that your request body is valid.") from error
    if not isinstance(body, dict):
        raise jira_error(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    return body


def _text(given: Json) -> str:
    jql = given.get("jql") or ""
    if not isinstance(jql, str):
        raise jira_error(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    return jql


def _whole(given: Json, name: str, default: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise jira_error(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    return value


def _names(given: Json) -> list[str]:
    fields = given.get("fields") or []
    listed = fields.split(",") if isinstance(fields, str) else fields
    return [str(each).strip() for each in listed]


def _search(call: JiraCall) -> Response:
    """Cloud: answers the id alone where no fields are asked for."""
    given = _given(call)
    around = context(call)
    jql = _text(given)
    query = read(jql, around)
    if not query.bounded:
        raise jira_error(400, UNBOUNDED)
    names = _names(given) or ["id"]
    bare = set(names) <= BARE
    most = MOST_BARE if bare else MOST
    size = _whole(given, "maxResults", DEFAULT)
    size = min(size, most) if size > 0 else DEFAULT
    rows = run(call, query, around)
    begin = _begin(given.get("nextPageToken"), jql)
    kept = rows[begin : begin + size]
    shapes = IssueShapes(call)
    last = begin + size >= len(rows)
    payload: Json = {"issues": [_row(shapes, issue, names, bare=bare) for issue in kept], "isLast": last}
    if not last:
        payload["nextPageToken"] = _token(begin + size, jql)
    return answer(payload)


def _row(shapes: IssueShapes, issue: Issue, names: list[str], *, bare: bool) -> Json:
    if not bare:
        return shapes.whole(issue, names)
    return {"id": str(issue["id"])} if "key" not in names else shapes.reference(issue)


def _token(begin: int, jql: str) -> str:
    inner = json.dumps([begin, zlib.crc32(jql.encode())]).encode()
    return base64.urlsafe_b64encode(inner).decode().rstrip("=")


def _begin(token: Any, jql: str) -> int:
    """Where the page begins; a token goes with the query that it was given for."""
    if not token:
        return 0
    try:
        begin, checksum = json.loads(base64.urlsafe_b64decode(f"{token}{'=' * (-len(str(token)) % 4)}"))
    except ValueError as error:
        raise jira_error(400, "The provided next page token is invalid or expired.") from error
    if checksum != zlib.crc32(jql.encode()) or not isinstance(begin, int):
        raise jira_error(400, "The provided next page token is invalid or expired.")
    return begin


def _removed(call: JiraCall) -> Response:
    raise jira_error(410, REMOVED)


def _count(call: JiraCall) -> Response:
    around = context(call)
    query = read(_text(_given(call)), around)
    if not query.bounded:
        raise jira_error(400, UNBOUNDED)
    return answer({"count": len(run(call, query, around))})


def _server_search(call: JiraCall) -> Response:
    """Data Center: maxResults=0 gives the total alone."""
    given = _given(call)
    around = context(call)
    rows = run(call, read(_text(given), around), around)
    start, size = max(_whole(given, "startAt", 0), 0), _whole(given, "maxResults", DEFAULT)
    size = min(size, SERVER_MOST) if size >= 0 else SERVER_MOST
    shapes, names = IssueShapes(call), _names(given)
    payload = {
        "expand": "schema,names",
        "startAt": start,
        "maxResults": size,
        "total": len(rows),
        "issues": [shapes.whole(issue, names) for issue in rows[start : start + size]],
    }
    return answer(payload)


def _route(path: str, view: Any, only: str, *methods: str) -> Route:
    return Route(path=path, methods=dict.fromkeys(methods, view), only=only)


ROUTES: tuple[Route, ...] = (
    _route(r"/search/jql", _search, "cloud", "GET", "POST"),
    _route(r"/search/approximate-count", _count, "cloud", "POST"),
    _route(r"/search", _removed, "cloud", "GET", "POST"),
    _route(r"/search", _server_search, "server", "GET", "POST"),
)
