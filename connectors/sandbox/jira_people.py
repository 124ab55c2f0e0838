"""Users, groups and the roles that projects give to people."""

from .jira_call import JiraCall, Route, get, page
from .jira_issues.records import ProjectRecord
from .messages import Json, Response, answer, jira_error

GROUPS = {"jira-administrators": "0b1d2f30", "jira-software-users": "3a5c7e91"}
ROLES = (
    (10002, "Administrators", "Those who administer a project."),
    (10003, "Developers", "Those who work on a project."),
    (10004, "Viewers", "Those who read a project."),
)


def _matching(call: JiraCall) -> list[str]:
    """The users whose name or address contains what is sought, by name. Data Center takes a dot for everybody."""
    call.need_sign_in()
    sought = (call.param("username") if call.server else call.param("query")).lower()
    wanted = call.param("accountId")
    everybody = call.server and sought in (".", "%")
    found = [
        user
        for user, known in call.people.items()
        if (everybody or sought in user.lower() or sought in known["name"].lower())
        and (not wanted or call.identity(user) == wanted)
    ]
    return sorted(found, key=lambda user: call.people[user]["name"])


def _some(call: JiraCall, users: list[str]) -> Response:
    start, size = call.number("startAt", 0), call.number("maxResults", 50)
    return answer([call.person_shape(user) for user in users[start : start + min(size, 1000)]])


def _search(call: JiraCall) -> Response:
    if call.server and not call.param("username"):
        raise jira_error(400, "The username query parameter was not provided")
    if not call.server and not (call.param("query") or call.param("accountId") or call.param("property")):
        raise jira_error(400, "The query parameters 'query', 'accountId' and 'property' are all empty.")
    return _some(call, _matching(call))


def _assignable(call: JiraCall) -> Response:
    """Whoever may be assigned in a project: here everybody."""
    key = call.param("issueKey")
    if key:
        call.find_issue(key)
    else:
        call.find_project(call.param("project"))
    return _some(call, _matching(call))


def _everybody(call: JiraCall) -> Response:
    call.need_sign_in()
    return _some(call, sorted(call.people, key=lambda user: call.people[user]["name"]))


def _user(call: JiraCall) -> Response:
    call.need_sign_in()
    wanted = (call.param("username") or call.param("key")) if call.server else call.param("accountId")
    user = call.find_person(wanted)
    if user is None:
        told = f"The user named '{wanted}' does not exist" if call.server else "Specified user does not exist."
        raise jira_error(404, told)
    return answer({**(call.person_shape(user) or {}), "groups": {"size": 1, "items": []}, "expand": "groups"})


# -- groups and roles ------------------------------------------------------------------------------


def _group_shape(call: JiraCall, name: str) -> Json:
    shape: Json = {"name": name, "self": f"{call.root}/group?groupname={name}"}
    return shape if call.server else {**shape, "groupId": f"{GROUPS[name]}-0000-4000-8000-000000000000"}


def _group_picker(call: JiraCall) -> Response:
    call.need_sign_in()
    found = [name for name in GROUPS if call.param("query").lower() in name]
    rows = [{**_group_shape(call, name), "html": name, "labels": []} for name in found]
    header = f"Showing {len(rows)} of {len(rows)} matching groups"
    return answer({"header": header, "total": len(rows), "groups": rows})


def _group_page(call: JiraCall) -> Response:
    call.need_admin()
    rows = [{"name": name, "groupId": _group_shape(call, name)["groupId"]} for name in GROUPS]
    return page(call, "/group/bulk", rows)


def _members(call: JiraCall) -> Response:
    """Administrators are whoever holds a token with that right; users are all."""
    call.need_admin()
    name = call.param("groupname") or next(
        (each for each in GROUPS if _group_shape(call, each).get("groupId") == call.param("groupId")), ""
    )
    if name not in GROUPS:
        raise jira_error(404, f"Group '{name}' does not exist.")
    admins = {token["user"] for token in call.world.tokens("jira") if token.get("global_admin", True)}
    members = sorted(admins if name == "jira-administrators" else call.people)
    return page(call, "/group/member", [call.person_shape(user) for user in members])


def _role_shape(call: JiraCall, role: tuple[int, str, str], project: ProjectRecord | None = None) -> Json:
    number, name, description = role
    where = f"project/{project['id']}/role" if project else "role"
    group = "jira-administrators" if name == "Administrators" else "jira-software-users"
    actor = {"id": number + 100, "displayName": group, "type": "atlassian-group-role-actor", "name": group}
    return {
        "self": f"{call.root}/{where}/{number}",
        "name": name,
        "id": number,
        "description": description,
        "actors": [{**actor, "actorGroup": {"name": group, "displayName": group}}],
    }


def _roles(call: JiraCall) -> Response:
    call.need_admin()
    return answer([_role_shape(call, role) for role in ROLES])


def _role(call: JiraCall, number: str) -> Response:
    call.need_admin()
    return answer(_role_shape(call, _find_role(number)))


def _find_role(number: str) -> tuple[int, str, str]:
    for role in ROLES:
        if str(role[0]) == number:
            return role
    raise jira_error(404, f"Cannot find project role with id {number}.")


def _administered(call: JiraCall, key: str) -> ProjectRecord:
    project = call.find_project(key)
    if not call.may("ADMINISTER_PROJECTS", project):
        raise jira_error(403, "You cannot edit the configuration of this project.")
    return project


def _project_roles(call: JiraCall, key: str) -> Response:
    project = _administered(call, key)
    return answer({name: f"{call.root}/project/{project['id']}/role/{number}" for number, name, _ in ROLES})


def _project_role(call: JiraCall, key: str, number: str) -> Response:
    project = _administered(call, key)
    return answer(_role_shape(call, _find_role(number), project))


ROUTES: tuple[Route, ...] = (
    get(r"/user", _user),
    get(r"/user/search", _search),
    get(r"/user/assignable/search", _assignable),
    get(r"/users/search", _everybody, "cloud"),
    get(r"/users", _everybody, "cloud"),
    get(r"/groups/picker", _group_picker),
    get(r"/group/bulk", _group_page, "cloud"),
    get(r"/group/member", _members),
    get(r"/role", _roles),
    get(r"/role/(?P<number>\d+)", _role),
    get(r"/project/(?P<key>[^/]+)/role", _project_roles),
    get(r"/project/(?P<key>[^/]+)/role/(?P<number>\d+)", _project_role),
)
