"""What administrators read: permissions and their scheme, workflows and their schemes.

Every company-managed project with the same statuses per type has the same workflows; the sandbox makes one workflow of
each list of statuses, and one scheme of each choice of them.
"""

from collections.abc import Iterator

from . import permissions
from .jira_call import JiraCall, Route, get, page
from .jira_issues.records import ProjectRecord
from .messages import Json, Response, answer, jira_error

SCHEME_ID = 10000
Statuses = tuple[int, ...]


def _permissions(call: JiraCall) -> Response:
    call.need_sign_in()
    shapes = {
        key: {"key": key, "name": name, "type": kind, "description": text}
        for key, (_, name, kind, text) in permissions.KNOWN.items()
    }
    return answer({"permissions": shapes})


def _scheme_shape(call: JiraCall, *, whole: bool) -> Json:
    shape: Json = {
        "expand": "permissions,user,group,projectRole,field,all",
        "id": SCHEME_ID,
        "self": f"{call.root}/permissionscheme/{SCHEME_ID}",
        "name": "Default software scheme",
        "description": "Default scheme for software projects.",
    }
    if not whole:
        return shape
    keys = [key for key, (_, _, kind, _) in permissions.KNOWN.items() if kind == "PROJECT"]
    grants = [
        {
            "id": SCHEME_ID + place,
            "self": f"{call.root}/permissionscheme/{SCHEME_ID}/permission/{SCHEME_ID + place}",
            "holder": {"type": "applicationRole"},
            "permission": key,
        }
        for place, key in enumerate(keys, start=1)
    ]
    return {**shape, "permissions": grants}


def _schemes(call: JiraCall) -> Response:
    call.need_admin()
    return answer({"permissionSchemes": [_scheme_shape(call, whole=bool(call.param("expand")))]})


def _scheme(call: JiraCall, number: str) -> Response:
    call.need_admin()
    if number != str(SCHEME_ID):
        raise jira_error(404, "There is no permission scheme with this id.")
    return answer(_scheme_shape(call, whole=True))


def _project_scheme(call: JiraCall, key: str) -> Response:
    if not call.may("ADMINISTER_PROJECTS", call.find_project(key)):
        raise jira_error(403, "You cannot edit the configuration of this project.")
    return answer(_scheme_shape(call, whole=bool(call.param("expand"))))


# -- workflows -------------------------------------------------------------------------------------


def _workflows(call: JiraCall) -> dict[Statuses, str]:
    """The name of the workflow of each list of statuses."""
    names: dict[Statuses, str] = {}
    for project in sorted(call.projects, key=lambda item: int(item["id"])):
        for flow in project["workflows"]:
            names.setdefault(tuple(flow["statuses"]), f"Software workflow {len(names) + 1}")
    return names


def _workflow_search(call: JiraCall) -> Response:
    call.need_admin()
    sought = call.params("workflowName")
    rows = [
        {"id": {"name": name, "entityId": name.replace(" ", "-").lower()}, "description": "", **_statuses(call, flow)}
        for flow, name in _workflows(call).items()
        if not sought or name in sought
    ]
    return page(call, "/workflow/search", rows)


def _statuses(call: JiraCall, flow: Statuses) -> Json:
    """With `expand=statuses`."""
    if "statuses" not in call.params("expand"):
        return {}
    found = [call.world.status(each) for each in flow]
    return {"statuses": [{"id": str(each["id"]), "name": call.named(each["name"])} for each in found if each]}


def _workflow_list(call: JiraCall) -> Response:
    call.need_admin()
    rows = [
        {"name": name, "description": "", "steps": len(flow), "default": False}
        for flow, name in _workflows(call).items()
    ]
    return answer(rows)


def _workflow_schemes(call: JiraCall) -> list[tuple[Json, list[str]]]:
    """Each scheme with the ids of its projects; team-managed projects have none."""
    names = _workflows(call)
    schemes: dict[tuple[tuple[str, Statuses], ...], list[ProjectRecord]] = {}
    for project in sorted(call.projects, key=lambda item: int(item["id"])):
        if project["style"] == "classic":
            choice = tuple((flow["type"], tuple(flow["statuses"])) for flow in project["workflows"])
            schemes.setdefault(choice, []).append(project)
    return list(_numbered(call, schemes, names))


def _numbered(
    call: JiraCall, schemes: dict[tuple[tuple[str, Statuses], ...], list[ProjectRecord]], names: dict[Statuses, str]
) -> Iterator[tuple[Json, list[str]]]:
    for place, (choice, projects) in enumerate(schemes.items()):
        number = 10100 + place
        shape = {
            "id": number,
            "name": f"{projects[0]['key']}: Software workflow scheme",
            "description": "",
            "defaultWorkflow": "jira",
            "issueTypeMappings": {kind: names[flow] for kind, flow in choice},
            "self": f"{call.root}/workflowscheme/{number}",
        }
        yield shape, [project["id"] for project in projects]


def _scheme_page(call: JiraCall) -> Response:
    call.need_admin()
    return page(call, "/workflowscheme", [shape for shape, _ in _workflow_schemes(call)])


def _workflow_scheme(call: JiraCall, number: str) -> Response:
    call.need_admin()
    for shape, _ in _workflow_schemes(call):
        if str(shape["id"]) == number:
            return answer(shape)
    raise jira_error(404, "The workflow scheme was not found.")


def _schemes_of_projects(call: JiraCall) -> Response:
    call.need_admin()
    wanted = call.params("projectId")
    if not wanted:
        raise jira_error(400, "The projectId parameter is required.")
    rows = []
    for shape, projects in _workflow_schemes(call):
        theirs = [each for each in projects if each in wanted]
        if theirs:
            rows.append({"projectIds": theirs, "workflowScheme": shape})
    return answer({"values": rows, "isLast": True, "maxResults": 100, "startAt": 0, "total": len(rows)})


def _scheme_of_project(call: JiraCall, key: str) -> Response:
    project = call.find_project(key)
    if not call.may("ADMINISTER_PROJECTS", project):
        raise jira_error(403, "You cannot edit the configuration of this project.")
    for shape, projects in _workflow_schemes(call):
        if project["id"] in projects:
            return answer(shape)
    raise jira_error(404, "The workflow scheme was not found.")


ROUTES: tuple[Route, ...] = (
    get(r"/permissions", _permissions),
    get(r"/permissionscheme", _schemes),
    get(r"/permissionscheme/(?P<number>\d+)", _scheme),
    get(r"/project/(?P<key>[^/]+)/permissionscheme", _project_scheme),
    get(r"/workflow/search", _workflow_search, "cloud"),
    get(r"/workflow", _workflow_list, "server"),
    get(r"/workflowscheme", _scheme_page, "cloud"),
    get(r"/workflowscheme/project", _schemes_of_projects, "cloud"),
    get(r"/workflowscheme/(?P<number>\d+)", _workflow_scheme),
    get(r"/project/(?P<key>[^/]+)/workflowscheme", _scheme_of_project, "server"),
)
