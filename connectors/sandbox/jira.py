"""The Jira site: who am I, projects, statuses, issue types and priorities, as Cloud or as Data Center.

Without credentials a caller is anonymous: lists answer 200 and empty, as Jira's do; only /myself says 401. Wrong ones
count as none on Cloud; Data Center refuses them everywhere, and after three wrong passwords wants a CAPTCHA.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote

from . import languages, permissions, users
from .align import credentials
from .jira_issues.records import IssueTypeRecord, ProjectRecord, StatusRecord
from .messages import ErrorAnswer, Json, Response, SandboxRequest, answer, jira_error
from .options import Options
from .world import Token, World

PREFIX = re.compile(r"/rest/api/(2|3|latest)(?=/|$)")
WITH_ISSUES = re.compile(r"/rest/(agile|api/[^/]+/(search|issue(?!type)|jql|user))\b")
SEARCH_DEFAULT, SEARCH_MAXIMUM = 50, 100
Item = TypeVar("Item", StatusRecord, IssueTypeRecord)
CATEGORIES = {
    "new": {"id": 2, "key": "new", "colorName": "blue-gray", "name": "To Do"},
    "indeterminate": {"id": 4, "key": "indeterminate", "colorName": "yellow", "name": "In Progress"},
    "done": {"id": 3, "key": "done", "colorName": "green", "name": "Done"},
}


@dataclass(frozen=True, kw_only=True)
class JiraCall:
    """One read. `token` None: anonymous. `root` is the address up to and with the version."""

    request: SandboxRequest
    world: World
    server: bool
    token: Token | None
    root: str
    language: str

    @property
    def projects(self) -> list[ProjectRecord]:
        """The projects that the caller may see, by key."""
        if self.token is None:
            return []
        keys = self.token.get("projects")
        seen = [item for item in self.world.projects() if keys is None or item["key"] in keys]
        # Data Center has no team-managed projects.
        kept = [item for item in seen if item["style"] == "classic"] if self.server else seen
        kept = permissions.browsable(self.token, kept)
        return sorted(kept, key=lambda item: item["key"])


def serves(path: str) -> bool:
    return PREFIX.match(path) is not None


def needs_issues(path: str) -> bool:
    """Whether an answer may be made of the issues of the data set, which are made when they are first needed."""
    return WITH_ISSUES.match(path) is not None


def handle(request: SandboxRequest, world: World, options: Options) -> Response:
    match = PREFIX.match(request.path)
    server = options.jira == "server"
    if match is None or (server and match[1] == "3"):
        raise jira_error(404, "null for uri: " + request.path)
    token = _sign_in_at_server(request, world) if server else _sign_in(request, world)
    root = f"{request.base}/rest/api/{'2' if server else match[1]}"
    language = token.get("language", options.jira_language) if token else options.jira_language
    call = JiraCall(request=request, world=world, server=server, token=token, root=root, language=language)
    path = request.path[match.end() :].rstrip("/")
    for pattern, view, cloud_only in ROUTES:
        found = re.fullmatch(pattern, path)
        if found is not None and not (cloud_only and server):
            if request.method != "GET":
                raise ErrorAnswer(Response(status=405, headers={"Allow": "GET"}))
            return _marked(view(call, **found.groupdict()), request, token)
    raise jira_error(404, "null for uri: " + request.path)


def _sign_in(request: SandboxRequest, world: World) -> Token | None:
    scheme, user, secret = credentials(request.authorization)
    if scheme != "basic":
        return None
    return _find_token(world, secret, user)


def _find_token(world: World, secret: str, user: str | None = None) -> Token | None:
    """`user` None: whoever it belongs to."""
    for token in world.tokens("jira"):
        if token["token"] == secret and user in (None, token["user"]) and users.is_alive(token):
            return token
    return None


def _sign_in_at_server(request: SandboxRequest, world: World) -> Token | None:
    scheme, user, secret = credentials(request.authorization)
    if scheme == "basic":
        return _password_sign_in(request, world, user, secret)
    if not request.authorization:
        return None
    token = _find_token(world, secret) if scheme == "bearer" else None
    if token is None:
        raise _denied({"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
    return token


def _password_sign_in(request: SandboxRequest, world: World, user: str, secret: str) -> Token:
    if users.is_locked(world, user):
        challenge = f"CAPTCHA_CHALLENGE; login-url={request.base}/login.jsp"
        raise _denied({"X-Seraph-LoginReason": "AUTHENTICATION_DENIED", "X-Authentication-Denied-Reason": challenge})
    token = _find_token(world, secret, user)
    if token is None:
        users.count_refused(world, user)
        raise _denied({"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
    users.forget_refused(world, user)
    return token


def _denied(headers: dict[str, str]) -> ErrorAnswer:
    """Data Center answers this with a page for people."""
    reason = headers["X-Seraph-LoginReason"]
    body = f"<html><body>Basic Authentication Failure - Reason : {reason}</body></html>".encode()
    return ErrorAnswer(Response(status=401, body=body, content_type="text/html;charset=UTF-8", headers=headers))


def _marked(response: Response, request: SandboxRequest, token: Token | None) -> Response:
    """Credentials that are wrong end as anonymous; this header is all that tells."""
    if token is not None or not request.authorization:
        return response
    headers = {**response.headers, "X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    return Response(status=response.status, body=response.body, headers=headers)


# -- views -----------------------------------------------------------------------------------------


def _myself(call: JiraCall) -> Response:
    if call.token is None:
        raise jira_error(401, "You are not authenticated. Authentication required to perform this operation.")
    user = call.token["user"]
    shared = {
        "emailAddress": users.email(user),
        "displayName": users.display_name(user),
        "active": True,
        "timeZone": "Etc/UTC",
    }
    if call.server:
        name = user.partition("@")[0]
        return answer({"self": f"{call.root}/user?username={name}", "key": name, "name": name, **shared})
    account = users.account(user)
    own = {"self": f"{call.root}/user?accountId={account}", "accountId": account, "accountType": "atlassian"}
    return answer({**own, **shared})


def _my_permissions(call: JiraCall) -> Response:
    keys = permissions.wanted_keys(call.request.query, server=call.server)
    project = call.request.query.get("projectkey", "")
    if call.token is None:
        return permissions.answered(None, keys, [])
    projects = [_find_project(call, project)] if project else call.projects
    return permissions.answered(call.token, keys, projects)


def _server_info(call: JiraCall) -> Response:
    version = [10, 3, 4] if call.server else [1001, 0, 0]
    return answer(
        {
            "baseUrl": call.request.base,
            "version": ".".join(map(str, version)) if call.server else "1001.0.0-SNAPSHOT",
            "versionNumbers": version,
            "deploymentType": "Server" if call.server else "Cloud",
            "buildNumber": 100287,
            "serverTitle": "Acme Jira",
            "defaultLocale": {"locale": "en_US"},
        }
    )


def _project_list(call: JiraCall) -> Response:
    return answer([_project_shape(call, project) for project in call.projects])


def _project_search(call: JiraCall) -> Response:
    query = call.request.query
    wanted = query.get("query", "").lower()
    found = [p for p in call.projects if wanted in p["key"].lower() or wanted in p["name"].lower()]
    return _paged(call, "/project/search", [_project_shape(call, project) for project in found])


def _paged(call: JiraCall, path: str, rows: list[Json]) -> Response:
    start, size = _number(call, "startat", 0), _number(call, "maxresults", SEARCH_DEFAULT)
    if not 0 < size <= SEARCH_MAXIMUM:
        size = SEARCH_DEFAULT
    values = rows[start : start + size]
    last = start + size >= len(rows)
    payload: Json = {
        "self": f"{call.root}{path}?startAt={start}&maxResults={size}",
        "maxResults": size,
        "startAt": start,
        "total": len(rows),
        "isLast": last,
        "values": values,
    }
    if not last:
        payload["nextPage"] = f"{call.root}{path}?startAt={start + size}&maxResults={size}"
    return answer(payload)


def _number(call: JiraCall, name: str, default: int) -> int:
    text = call.request.query.get(name, "")
    if text and not (text.isascii() and text.isdigit()):
        raise jira_error(400, f"{name} is not a number: {text}")
    return int(text) if text else default


def _project(call: JiraCall, key: str) -> Response:
    return answer(_project_shape(call, _find_project(call, key)))


def _find_project(call: JiraCall, key: str) -> ProjectRecord:
    wanted = unquote(key)
    for project in call.projects:
        if wanted in (project["key"], project["id"]):
            return project
    raise jira_error(404, f"No project could be found with key '{wanted}'.")


def _project_shape(call: JiraCall, project: ProjectRecord) -> Json:
    shape: Json = {
        "self": f"{call.root}/project/{project['id']}",
        "id": project["id"],
        "key": project["key"],
        "name": project["name"],
        "projectTypeKey": "software",
    }
    if call.server:
        return shape
    team = project["style"] == "next-gen"
    return {**shape, "simplified": team, "style": project["style"], "isPrivate": False}


def _project_statuses(call: JiraCall, key: str) -> Response:
    """Per issue type: which statuses its workflow can reach in this project."""
    project = _find_project(call, key)
    rows = []
    for workflow in project["workflows"]:
        issue_type = call.world.issue_type(workflow["type"])
        if issue_type is None:
            continue
        reachable = [call.world.status(status_id) for status_id in workflow["statuses"]]
        rows.append(
            {
                "self": f"{call.root}/issuetype/{issue_type['id']}",
                "id": issue_type["id"],
                "name": languages.named(issue_type["name"], call.language),
                "subtask": issue_type["subtask"],
                "statuses": [_status_shape(call, status) for status in reachable if status is not None],
            }
        )
    return answer(rows)


def _visible(call: JiraCall, items: list[Item]) -> list[Item]:
    ids = {project["id"] for project in call.projects}
    if call.token is None:
        return []
    return [item for item in items if item["project"] is None or item["project"] in ids]


def _statuses(call: JiraCall) -> Response:
    return answer([_status_shape(call, item) for item in _visible(call, call.world.statuses())])


def _status_shape(call: JiraCall, status: StatusRecord) -> Json:
    category = CATEGORIES[status["category"]]
    shape: Json = {
        "self": f"{call.root}/status/{status['id']}",
        "description": "",
        "iconUrl": f"{call.request.base}/images/icons/statuses/generic.png",
        "name": languages.named(status["name"], call.language),
        "id": str(status["id"]),
        "statusCategory": {"self": f"{call.root}/statuscategory/{category['id']}", **category},
    }
    return shape | _scope(status["project"])


def _scope(project_id: str | None) -> Json:
    if project_id is None:
        return {}
    return {"scope": {"type": "PROJECT", "project": {"id": project_id}}}


def _issue_types(call: JiraCall) -> Response:
    return answer([_type_shape(call, item) for item in _visible(call, call.world.issue_types())])


def _type_shape(call: JiraCall, issue_type: IssueTypeRecord) -> Json:
    shape: Json = {
        "self": f"{call.root}/issuetype/{issue_type['id']}",
        "id": issue_type["id"],
        "description": "",
        "iconUrl": f"{call.request.base}/images/icons/issuetypes/generic.svg",
        "name": languages.named(issue_type["name"], call.language),
        "subtask": issue_type["subtask"],
    }
    if "avatar" in issue_type:
        shape["avatarId"] = issue_type["avatar"]
    if not call.server:
        shape["hierarchyLevel"] = issue_type["level"]
    return shape | _scope(issue_type["project"])


def _priority_rows(call: JiraCall) -> list[Json]:
    if call.token is None:
        return []
    priorities = sorted(call.world.store.all("priority"), key=lambda item: int(item["id"]))
    return [
        {
            "self": f"{call.root}/priority/{item['id']}",
            "id": item["id"],
            "name": item["name"],
            "description": "",
            "statusColor": item["color"],
            "iconUrl": f"{call.request.base}/images/icons/priorities/{item['name'].lower()}.svg",
        }
        for item in priorities
    ]


def _priorities(call: JiraCall) -> Response:
    return answer(_priority_rows(call))


def _priority_search(call: JiraCall) -> Response:
    rows = [{**row, "isDefault": row["name"] == "Medium"} for row in _priority_rows(call)]
    return _paged(call, "/priority/search", rows)


# Pattern, view, only on Cloud.
ROUTES: tuple[tuple[str, Callable[..., Response], bool], ...] = (
    (r"/myself", _myself, False),
    (r"/mypermissions", _my_permissions, False),
    (r"/serverInfo", _server_info, False),
    (r"/project/search", _project_search, True),
    (r"/project", _project_list, False),
    (r"/project/(?P<key>[^/]+)/statuses", _project_statuses, False),
    (r"/project/(?P<key>[^/]+)", _project, False),
    (r"/status", _statuses, False),
    (r"/issuetype", _issue_types, False),
    (r"/priority/search", _priority_search, True),
    (r"/priority", _priorities, False),
)
