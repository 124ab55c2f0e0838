"""Jira's catalogue: who am I, the site, projects, statuses, issue types and priorities."""

from typing import TypeVar
from urllib.parse import unquote

from . import permissions, users
from .jira_call import (
    CATEGORIES,
    JiraCall,
    Route,
    avatars,
    category_shape,
    get,
    page,
    priorities,
    project_shape,
    scope,
    status_shape,
    type_shape,
)
from .jira_issues.records import IssueTypeRecord, ProjectRecord, StatusRecord, UserRecord
from .messages import Json, Response, answer, jira_error

Item = TypeVar("Item", StatusRecord, IssueTypeRecord)
VERSIONS = {"cloud": [1001, 0, 0], "server": [10, 3, 4], "server-9": [9, 12, 15]}
STATUS_CATEGORIES = {"new": "TODO", "indeterminate": "IN_PROGRESS", "done": "DONE"}
PROJECT_ORDERS = ("key", "name", "category", "owner", "issueCount", "lastIssueUpdatedDate")


def _myself(call: JiraCall) -> Response:
    token = call.need_sign_in()
    user = token["user"]
    shared = {
        "emailAddress": users.email(user),
        "avatarUrls": avatars(call, "me"),
        "displayName": users.display_name(user),
        "active": True,
        "timeZone": token.get("zone", "Etc/UTC"),
        "locale": {"en": "en_US", "de": "de_DE", "zh": "zh_CN"}[call.language],
    }
    identity = call.identity(user)
    if call.server:
        own = {"self": f"{call.root}/user?username={identity}", "key": identity, "name": identity}
        return answer({**own, **shared})
    own = {"self": f"{call.root}/user?accountId={identity}", "accountId": identity, "accountType": "atlassian"}
    return answer({**own, **shared})


def _my_permissions(call: JiraCall) -> Response:
    keys = permissions.wanted_keys(call.request.query, server=call.server)
    project = call.param("projectKey")
    if call.token is None:
        return permissions.answered(None, keys, [])
    projects = [call.find_project(project)] if project else call.projects
    return permissions.answered(call.token, keys, projects)


def _server_info(call: JiraCall) -> Response:
    version = VERSIONS[call.options.jira]
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


# -- projects --------------------------------------------------------------------------------------


def _project_list(call: JiraCall) -> Response:
    return answer([project_shape(call, project) for project in call.projects])


def _project_search(call: JiraCall) -> Response:
    """Those that meet every parameter. `typeKey` and `status` have one value in the sandbox that finds something."""
    wanted = call.param("query").lower()
    keys, ids = call.params("keys"), call.params("id")
    found = [
        project
        for project in call.projects
        if (wanted in project["key"].lower() or wanted in project["name"].lower())
        and (not keys or project["key"] in keys)
        and (not ids or project["id"] in ids)
    ]
    types, statuses = call.params("typeKey"), call.params("status")
    if (types and "software" not in types) or (statuses and "live" not in statuses):
        found = []
    return page(call, "/project/search", [project_shape(call, project) for project in _sorted(call, found)])


def _sorted(call: JiraCall, found: list[ProjectRecord]) -> list[ProjectRecord]:
    """By key, where `orderBy` says nothing else."""
    order = call.param("orderBy")
    name = order.lstrip("+-") or "key"
    if name not in PROJECT_ORDERS:
        raise jira_error(400, f"The orderBy value '{order}' is not valid.")
    if name == "name":
        found = sorted(found, key=lambda project: project["name"].lower())
    return found[::-1] if order.startswith("-") else found


def _project(call: JiraCall, key: str) -> Response:
    """With what a single project says more than one in a list."""
    project = call.find_project(key)
    reached = [call.world.issue_type(flow["type"]) for flow in project["workflows"]]
    names = (token["user"] for token in call.world.tokens("jira"))
    lead = next((UserRecord(user=user, name=users.display_name(user), active=True) for user in names), None)
    more: Json = {
        "description": "",
        "lead": call.user_shape(lead) if lead else None,
        "issueTypes": [type_shape(call, each) for each in reached if each is not None],
        "assigneeType": "UNASSIGNED",
        "avatarUrls": avatars(call, f"project/{project['id']}"),
        "roles": {},
    }
    return answer({**project_shape(call, project), **more})


def _project_statuses(call: JiraCall, key: str) -> Response:
    """Per issue type: which statuses its workflow can reach in this project."""
    project = call.find_project(key)
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
                "name": call.named(issue_type["name"]),
                "subtask": issue_type["subtask"],
                "statuses": [status_shape(call, status) for status in reachable if status is not None],
            }
        )
    return answer(rows)


def _hierarchy(call: JiraCall, key: str) -> Response:
    """The levels of a project's issue types, the lowest first."""
    project = call.find_project(key)
    reached = [call.world.issue_type(flow["type"]) for flow in project["workflows"]]
    names = {-1: "Subtask", 0: "Base", 1: "Epic"}
    levels = sorted({each["level"] for each in reached if each is not None})
    rows = [
        {
            "level": level,
            "name": names.get(level, f"Level {level}"),
            "issueTypes": [
                {"id": int(each["id"]), "name": call.named(each["name"]), "avatarId": each.get("avatar", 0)}
                for each in reached
                if each is not None and each["level"] == level
            ],
        }
        for level in levels
    ]
    return answer({"projectId": int(project["id"]), "hierarchy": rows})


# -- statuses and issue types ----------------------------------------------------------------------


def _visible(call: JiraCall, items: list[Item]) -> list[Item]:
    if call.token is None:
        return []
    return [item for item in items if item["project"] is None or item["project"] in call.project_of]


def _statuses(call: JiraCall) -> Response:
    return answer([status_shape(call, item) for item in _visible(call, call.world.statuses())])


def _status(call: JiraCall, key: str) -> Response:
    """By id or by name; of several with one name the first."""
    wanted = unquote(key)
    for each in _visible(call, call.world.statuses()):
        if wanted in (str(each["id"]), each["name"], call.named(each["name"])):
            return answer(status_shape(call, each))
    raise jira_error(404, f"The status with id '{wanted}' does not exist")


def _status_search(call: JiraCall) -> Response:
    """`projectId` empty: the statuses that projects share. It needs the right to administer that project."""
    call.need_sign_in()
    number = call.param("projectId")
    if number:
        project = call.find_project(number)
        if not call.may("ADMINISTER_PROJECTS", project):
            raise jira_error(403, "You do not have permission to view the statuses of this project.")
    else:
        call.need_admin()
    sought, category = call.param("searchString").lower(), call.param("statusCategory")
    if category and category not in STATUS_CATEGORIES.values():
        raise jira_error(400, f"The status category '{category}' is not valid.")
    rows = [
        _new_status_shape(call, each)
        for each in call.world.statuses()
        if each["project"] == (number or None)
        and sought in call.named(each["name"]).lower()
        and category in ("", STATUS_CATEGORIES[each["category"]])
    ]
    return page(call, "/statuses/search", rows, most=200)


def _new_status_shape(call: JiraCall, status: StatusRecord) -> Json:
    shape: Json = {
        "id": str(status["id"]),
        "name": call.named(status["name"]),
        "statusCategory": STATUS_CATEGORIES[status["category"]],
        "description": "",
    }
    return shape | (scope(status["project"]) or {"scope": {"type": "GLOBAL"}})


def _categories(call: JiraCall) -> Response:
    return answer([category_shape(call, key) for key in CATEGORIES] if call.token else [])


def _category(call: JiraCall, key: str) -> Response:
    for each, category in CATEGORIES.items():
        if unquote(key) in (each, str(category["id"])):
            return answer(category_shape(call, each))
    raise jira_error(404, f"The status category with id '{unquote(key)}' does not exist")


def _issue_types(call: JiraCall) -> Response:
    return answer([type_shape(call, item) for item in _visible(call, call.world.issue_types())])


def _issue_type(call: JiraCall, key: str) -> Response:
    for each in _visible(call, call.world.issue_types()):
        if each["id"] == key:
            return answer(type_shape(call, each))
    raise jira_error(404, "The issue type with the given id does not exist.")


def _types_of_project(call: JiraCall) -> Response:
    project = call.find_project(call.param("projectId"))
    level = call.param("level")
    reached = [call.world.issue_type(flow["type"]) for flow in project["workflows"]]
    kept = [each for each in reached if each is not None and level in ("", str(each["level"]))]
    return answer([type_shape(call, each) for each in kept])


# -- priorities ------------------------------------------------------------------------------------


def _priorities(call: JiraCall) -> Response:
    return answer(priorities(call))


def _priority(call: JiraCall, key: str) -> Response:
    for each in priorities(call):
        if each["id"] == key:
            return answer(each)
    raise jira_error(404, f"The priority with id '{key}' does not exist")


def _priority_search(call: JiraCall) -> Response:
    rows = [{**row, "isDefault": row["name"] == "Medium"} for row in priorities(call)]
    return page(call, "/priority/search", rows)


ROUTES: tuple[Route, ...] = (
    get(r"/myself", _myself),
    get(r"/mypermissions", _my_permissions),
    get(r"/serverInfo", _server_info),
    get(r"/project/search", _project_search, "cloud"),
    get(r"/project", _project_list),
    get(r"/project/(?P<key>[^/]+)/statuses", _project_statuses),
    get(r"/project/(?P<key>[^/]+)/hierarchy", _hierarchy, "cloud"),
    get(r"/project/(?P<key>[^/]+)", _project),
    get(r"/status", _statuses),
    get(r"/status/(?P<key>[^/]+)", _status),
    get(r"/statuses/search", _status_search, "cloud"),
    get(r"/statuscategory", _categories),
    get(r"/statuscategory/(?P<key>[^/]+)", _category),
    get(r"/issuetype", _issue_types),
    get(r"/issuetype/project", _types_of_project, "cloud"),
    get(r"/issuetype/(?P<key>\d+)", _issue_type),
    get(r"/priority/search", _priority_search, "cloud"),
    get(r"/priority", _priorities),
    get(r"/priority/(?P<key>\d+)", _priority),
)
