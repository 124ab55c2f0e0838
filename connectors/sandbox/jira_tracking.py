"""What issues are sorted by: resolutions, labels, components and versions."""

from .jira_call import JiraCall, Route, get, page
from .jira_issues import tracker
from .jira_issues.records import ProjectRecord
from .jira_issues.tracker import Component, ProjectVersion
from .jira_shapes import component_shape, resolution_shape, version_shape
from .messages import Json, Response, answer, jira_error


def _resolutions(call: JiraCall) -> Response:
    rows = [resolution_shape(call, number) for number, *_ in tracker.RESOLUTIONS]
    return answer(rows if call.token else [])


def _resolution(call: JiraCall, key: str) -> Response:
    found = resolution_shape(call, key)
    if found is None or call.token is None:
        raise jira_error(404, f"The resolution with id '{key}' does not exist")
    return answer(found)


def _resolution_search(call: JiraCall) -> Response:
    call.need_sign_in()
    rows = [{"id": number, "name": name, "description": text} for number, name, text in tracker.RESOLUTIONS]
    return page(call, "/resolution/search", [{**row, "isDefault": row["name"] == "Done"} for row in rows])


def _labels(call: JiraCall) -> Response:
    """All that are in use anywhere, and those that the seeds use."""
    used = {label for issue in call.world.issues.held.values() for label in issue["labels"]} if call.token else set()
    return page(call, "/label", sorted(used), most=1000)


def _full_component(call: JiraCall, component: Component, project: ProjectRecord) -> Json:
    more = {"project": project["key"], "projectId": int(project["id"]), "assigneeType": "PROJECT_DEFAULT"}
    return {**component_shape(call, component), **more, "isAssigneeTypeValid": False}


def _full_version(call: JiraCall, version: ProjectVersion) -> Json:
    return {**version_shape(call, version), "projectId": int(version.project)}


def _components(call: JiraCall, key: str) -> Response:
    project = call.find_project(key)
    return answer([_full_component(call, each, project) for each in tracker.components_of(project)])


def _component_page(call: JiraCall, key: str) -> Response:
    project = call.find_project(key)
    wanted = call.param("query").lower()
    rows = [_full_component(call, each, project) for each in tracker.components_of(project)]
    return page(call, f"/project/{key}/component", [row for row in rows if wanted in row["name"].lower()])


def _component(call: JiraCall, number: str) -> Response:
    for project in call.projects:
        for each in tracker.components_of(project) if number.startswith(project["id"]) else ():
            if each.id == number:
                return answer(_full_component(call, each, project))
    raise jira_error(404, f"The component with id {number} does not exist.")


def _versions(call: JiraCall, key: str) -> Response:
    return answer([_full_version(call, each) for each in tracker.versions_of(call.find_project(key))])


def _version_page(call: JiraCall, key: str) -> Response:
    wanted, states = call.param("query").lower(), call.params("status")
    rows = [
        _full_version(call, each)
        for each in tracker.versions_of(call.find_project(key))
        if wanted in each.name.lower() and (not states or _state(each) in states)
    ]
    return page(call, f"/project/{key}/version", rows)


def _state(version: ProjectVersion) -> str:
    return "archived" if version.archived else "released" if version.released else "unreleased"


def _version(call: JiraCall, number: str) -> Response:
    for project in call.projects:
        for each in tracker.versions_of(project) if number.startswith(project["id"]) else ():
            if each.id == number:
                return answer(_full_version(call, each))
    raise jira_error(404, f"Could not find version for id '{number}'")


ROUTES: tuple[Route, ...] = (
    get(r"/resolution", _resolutions),
    get(r"/resolution/search", _resolution_search, "cloud"),
    get(r"/resolution/(?P<key>\d+)", _resolution),
    get(r"/label", _labels, "cloud"),
    get(r"/project/(?P<key>[^/]+)/components", _components),
    get(r"/project/(?P<key>[^/]+)/component", _component_page, "cloud"),
    get(r"/component/(?P<number>\d+)", _component),
    get(r"/project/(?P<key>[^/]+)/versions", _versions),
    get(r"/project/(?P<key>[^/]+)/version", _version_page),
    get(r"/version/(?P<number>\d+)", _version),
)
