"""What issues are sorted by: resolutions, labels, components and versions, of which the last can be written."""

import datetime as dt
from typing import Any

from .jira_call import JiraCall, Route, body_of, field_errors, get, page
from .jira_issues import tracker
from .jira_issues.records import Issue, ProjectRecord, VersionRecord
from .jira_issues.tracker import Component, ProjectVersion
from .jira_shapes import component_shape, resolution_shape, version_shape
from .messages import Json, Response, answer, jira_error

FIRST_VERSION = 10_000_000  # above all versions of data sets, whose numbers begin with that of their project
# What a write may hold, and how it is kept.
VERSION_FIELDS: dict[str, tuple[str, type]] = {
    "name": ("name", str),
    "description": ("description", str),
    "released": ("released", bool),
    "archived": ("archived", bool),
    "releaseDate": ("date", str),
    "startDate": ("start", str),
}


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


def _find_version(call: JiraCall, number: str) -> tuple[ProjectRecord, ProjectVersion]:
    for project in call.projects:
        for each in tracker.versions_of(project) if number.startswith(project["id"]) or "versions" in project else ():
            if each.id == number:
                return project, each
    raise jira_error(404, f"Could not find version for id '{number}'")


def _version(call: JiraCall, number: str) -> Response:
    return answer(_full_version(call, _find_version(call, number)[1]))


# -- versions are made, changed and deleted --------------------------------------------------------


def _create_version(call: JiraCall) -> Response:
    call.need_sign_in()
    body = body_of(call)
    wanted = str(body.get("projectId") or body.get("project") or "")
    project = next((each for each in call.projects if wanted in (each["id"], each["key"])), None)
    if project is None:
        raise field_errors({"project": "A project is required to create a version."})
    empty = VersionRecord(name="", description="", released=False, archived=False, date=None, start=None)
    number = (call.world.store.get("counter", "version") or FIRST_VERSION) + 1
    record = _checked(call, project, empty, body, str(number))
    call.world.store.put("counter", "version", number)
    made = _kept(call, project, str(number), record)
    return answer(_full_version(call, made), 201)


def _update_version(call: JiraCall, number: str) -> Response:
    project, each = _find_version(call, number)
    before = VersionRecord(
        name=each.name,
        description=each.description,
        released=each.released,
        archived=each.archived,
        date=each.date,
        start=each.start,
    )
    return answer(
        _full_version(call, _kept(call, project, number, _checked(call, project, before, body_of(call), number)))
    )


def _checked(call: JiraCall, project: ProjectRecord, record: VersionRecord, body: Json, number: str) -> VersionRecord:
    """The record with what is given; null counts as not given, as clients send it for what stays as it is."""
    if not call.may("ADMINISTER_PROJECTS", project):
        raise jira_error(404, "The project does not exist or you do not have permission to change its versions.")
    made: Any = dict(record)
    for name, (key, kind) in VERSION_FIELDS.items():
        value: Any = body.get(name)
        if value is None:
            continue
        fits = isinstance(value, kind)
        if not fits or (name.endswith("Date") and not _is_date(value)):
            raise field_errors({name: f"'{value}' is not valid for {name}."})
        made[key] = value[:10] if name.endswith("Date") else value
    if not made["name"].strip():
        raise field_errors({"name": "You must specify a valid version name"})
    if any(each.name == made["name"] and each.id != number for each in tracker.versions_of(project)):
        raise field_errors({"name": "A version with this name already exists in this project."})
    checked: VersionRecord = made
    return checked


def _is_date(text: str) -> bool:
    """As 2026-02-27, with or without a time."""
    try:
        return dt.date.fromisoformat(text[:10]).isoformat() == text[:10] and text[10:11] in ("", "T")
    except ValueError:
        return False


def _kept(call: JiraCall, project: ProjectRecord, number: str, record: VersionRecord) -> ProjectVersion:
    written = {**project.get("versions", {}), number: record}
    call.world.store.put("project", project["key"], ProjectRecord(**{**project, "versions": written}))
    return ProjectVersion(id=number, project=project["id"], **record)


def _delete_version(call: JiraCall, number: str) -> Response:
    """Issues lose it, or have another one of the project in its place."""
    project, each = _find_version(call, number)
    if not call.may("ADMINISTER_PROJECTS", project):
        raise jira_error(404, f"Could not find version for id '{number}'")
    instead = {"fix_versions": call.param("moveFixIssuesTo"), "versions": call.param("moveAffectedIssuesTo")}
    others = {one.id for one in tracker.versions_of(project)} - {each.id} | {""}
    if not set(instead.values()) <= others:
        raise jira_error(404, "The version that issues are to be moved to does not exist.")
    for issue in list(call.world.issues.held.values()):
        if issue["project"] == project["id"] and number in (*issue["fix_versions"], *issue["versions"]):
            changed: Any = {name: _swapped(issue[name], number, to) for name, to in instead.items()}  # type: ignore[literal-required]
            call.world.issues.put(Issue(**{**issue, **changed}))
    written = {**project.get("versions", {}), number: None}
    call.world.store.put("project", project["key"], ProjectRecord(**{**project, "versions": written}))
    return Response(status=204)


def _swapped(versions: list[str], gone: str, instead: str) -> list[str]:
    if gone not in versions:
        return versions
    return sorted({each for each in versions if each != gone} | ({instead} if instead else set()))


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
    Route(path=r"/version", methods={"POST": _create_version}),
    Route(
        path=r"/version/(?P<number>\d+)", methods={"GET": _version, "PUT": _update_version, "DELETE": _delete_version}
    ),
)
