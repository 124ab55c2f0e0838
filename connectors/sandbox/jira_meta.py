"""The fields of the site, and which of them an issue takes when it is made (createmeta) or changed (editmeta)."""

from .field_edits import fields_told
from .jira_call import JiraCall, Route, avatars, get, page, priorities, project_shape, type_shape
from .jira_issues import tracker
from .jira_issues.company import kind_of
from .jira_issues.fields import IssueField, fields_of, on_screen
from .jira_issues.records import IssueTypeRecord, ProjectRecord
from .jira_shapes import component_shape, option_shape, version_shape
from .messages import Json, Response, answer, jira_error


def _fields(call: JiraCall) -> Response:
    if call.token is None:
        return answer([])
    return answer([_field_shape(each) for each in _told(call).values()])


def _told(call: JiraCall) -> dict[str, IssueField]:
    return fields_told(call.world, fields_of(server=call.server))


def _screen(call: JiraCall, kind: str) -> dict[str, IssueField]:
    return fields_told(call.world, on_screen(kind, server=call.server), is_screen=True)


def _field_shape(each: IssueField) -> Json:
    return {
        "id": each.id,
        "key": each.id,
        "name": each.name,
        "custom": bool(each.custom),
        "orderable": each.written,
        "navigable": True,
        "searchable": True,
        "clauseNames": list(each.clauses),
        "schema": each.schema,
    }


def _field_search(call: JiraCall) -> Response:
    call.need_sign_in()
    wanted, ids, types = call.param("query").lower(), call.params("id"), call.params("type")
    rows = [
        {"id": each.id, "name": each.name, "schema": each.schema, "description": ""}
        for each in _told(call).values()
        if wanted in each.name.lower()
        and (not ids or each.id in ids)
        and (not types or ("custom" if each.custom else "system") in types)
    ]
    return page(call, "/field/search", rows)


# -- what a write takes ----------------------------------------------------------------------------


def types_of(call: JiraCall, project: ProjectRecord) -> list[IssueTypeRecord]:
    """The issue types of a project, in its order."""
    found = (call.world.issue_type(flow["type"]) for flow in project["workflows"])
    return [each for each in found if each is not None]


def field_meta(call: JiraCall, each: IssueField, project: ProjectRecord, kind: str) -> Json:
    required = each.required or (each.id == "parent" and kind == "subtask")
    shape: Json = {
        "required": required,
        "schema": each.schema,
        "name": each.name,
        "key": each.id,
        "hasDefaultValue": each.id in ("priority", "reporter"),
        "operations": each.operations,
    }
    allowed = _allowed(call, each, project)
    if allowed is not None:
        shape["allowedValues"] = allowed
    if each.kind == "user":
        query = "username=" if call.server else "query="
        shape["autoCompleteUrl"] = f"{call.root}/user/assignable/search?project={project['key']}&{query}"
    return shape


def _allowed(call: JiraCall, each: IssueField, project: ProjectRecord) -> list[Json] | None:
    if each.options:
        return [option_shape(call, each, option) for option in each.options]
    if each.id == "components":
        return [component_shape(call, one) for one in tracker.components_of(project)]
    if each.id in ("fixVersions", "versions"):
        return [version_shape(call, one) for one in tracker.versions_of(project) if not one.archived]
    if each.id == "priority":
        return priorities(call)
    if each.id == "issuetype":
        return [type_shape(call, one) for one in types_of(call, project)]
    return [project_shape(call, project)] if each.id == "project" else None


def _create_project(call: JiraCall, key: str) -> ProjectRecord:
    call.need_sign_in()
    project = call.find_project(key)
    if not call.may("CREATE_ISSUES", project):
        raise jira_error(403, "You do not have permission to create issues in this project.")
    return project


def _create_all(call: JiraCall) -> Response:
    """The old way, for many projects at once: deprecated on Cloud, gone from Data Center with 9.0."""
    given = {*call.params("projectIds"), *call.params("projectKeys")}
    with_fields = "projects.issuetypes.fields" in call.params("expand")
    rows = []
    for project in call.projects:
        if (given and not given & {project["id"], project["key"]}) or not call.may("CREATE_ISSUES", project):
            continue
        whole = {**project_shape(call, project), "avatarUrls": avatars(call, f"project/{project['id']}")}
        shown = {name: whole[name] for name in ("self", "id", "key", "name", "avatarUrls")}
        rows.append({"expand": "issuetypes", **shown, "issuetypes": _types_with_fields(call, project, with_fields)})
    return answer({"expand": "projects", "projects": rows})


def _types_with_fields(call: JiraCall, project: ProjectRecord, with_fields: bool) -> list[Json]:
    ids, names = call.params("issuetypeIds"), call.params("issuetypeNames")
    rows = []
    for each in types_of(call, project):
        if (ids or names) and each["id"] not in ids and call.named(each["name"]) not in names:
            continue
        shape: Json = {**type_shape(call, each), "expand": "fields"}
        if with_fields:
            kind = kind_of(each)
            fields = _screen(call, kind).items()
            shape["fields"] = {name: field_meta(call, field, project, kind) for name, field in fields}
        rows.append(shape)
    return rows


def _create_types(call: JiraCall, key: str) -> Response:
    rows = [type_shape(call, each) for each in types_of(call, _create_project(call, key))]
    name = "values" if call.server else "issueTypes"
    return page(call, f"/issue/createmeta/{key}/issuetypes", rows, most=200, name=name)


def _create_fields(call: JiraCall, key: str, number: str) -> Response:
    project = _create_project(call, key)
    found = next((each for each in types_of(call, project) if each["id"] == number), None)
    if found is None:
        raise jira_error(404, f"The issue type with id '{number}' could not be found in the project.")
    kind = kind_of(found)
    rows = [{**field_meta(call, each, project, kind), "fieldId": each.id} for each in _screen(call, kind).values()]
    name = "values" if call.server else "fields"
    return page(call, f"/issue/createmeta/{key}/issuetypes/{number}", rows, most=200, name=name)


def _edit_fields(call: JiraCall, key: str) -> Response:
    """Without what an edit cannot change; empty for who may not edit."""
    issue = call.find_issue(key)
    project = call.project_of[issue["project"]]
    if not call.may("EDIT_ISSUES", project):
        return answer({"fields": {}})
    found = call.world.issue_type(issue["type"])
    kind = kind_of(found) if found else "task"
    fields = [each for each in _screen(call, kind).values() if each.id != "project"]
    return answer({"fields": {each.id: field_meta(call, each, project, kind) for each in fields}})


ROUTES: tuple[Route, ...] = (
    get(r"/field", _fields),
    get(r"/field/search", _field_search, "cloud"),
    get(r"/issue/createmeta", _create_all, "cloud"),
    get(r"/issue/createmeta/(?P<key>[^/]+)/issuetypes", _create_types),
    get(r"/issue/createmeta/(?P<key>[^/]+)/issuetypes/(?P<number>\d+)", _create_fields),
    get(r"/issue/(?P<key>[^/]+)/editmeta", _edit_fields),
)
