"""Issues: one is read, made, changed, assigned, moved along its workflow, or deleted."""

import time
from typing import Any

from .jira_call import JiraCall, Route, field_errors, status_shape
from .jira_issues import tracker, workflow
from .jira_issues.company import kind_of
from .jira_issues.fields import on_screen
from .jira_issues.records import Issue, IssueTypeRecord, ProjectRecord, StatusRecord, issue_id
from .jira_issues.workflow import Transition
from .jira_meta import types_of
from .jira_shapes import ALL, IssueShapes, resolution_shape
from .jira_values import STORED, FieldRefused, IssueWriting, stored
from .messages import ErrorAnswer, Json, Response, answer, jira_error

CANNOT_BE_SET = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
DONE = tracker.RESOLUTIONS[0][0]


def _body(call: JiraCall) -> Json:
    try:
        body = call.request.json()
    except ValueError as error:
        raise jira_error(400, "There was an error parsing JSON. Check that your request body is valid.") from error
    if not isinstance(body, dict):
        raise jira_error(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    return body


def _part(body: Json, name: str) -> Json:
    part = body.get(name)
    if part is not None and not isinstance(part, dict):
        raise jira_error(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    return part or {}


def _read(call: JiraCall, key: str) -> Response:
    issue = call.find_issue(key)
    shapes = IssueShapes(call)
    payload = shapes.whole(issue, call.params("fields") or [ALL])
    if "transitions" in call.params("expand"):
        payload["transitions"] = [_transition_shape(call, each) for each in _transitions(call, issue)]
    if "names" in call.params("expand"):
        payload["names"] = {each.id: each.name for each in shapes.chosen(call.params("fields"))}
    return answer(payload)


# -- making and changing ---------------------------------------------------------------------------


def _create(call: JiraCall) -> Response:
    call.need_sign_in()
    body = _body(call)
    fields = _part(body, "fields")
    project = _project_of(call, fields.get("project"))
    if not call.may("CREATE_ISSUES", project):
        raise jira_error(403, "You do not have permission to create issues in this project.")
    issue_type = _type_of(call, project, fields.get("issuetype"))
    issue = _new(call, project, issue_type)
    errors = {} if "summary" in fields else {"summary": "You must specify a summary of the issue."}
    given = {name: value for name, value in fields.items() if name not in ("project", "issuetype")}
    issue = _with(call, issue, given, _part(body, "update"), errors)
    number = call.world.issues.next_number(project["id"])
    issue = Issue(**{**issue, "number": number, "id": issue_id(project["id"], number)})
    call.world.issues.put(issue)
    return answer(IssueShapes(call).reference(issue), 201)


def _project_of(call: JiraCall, wanted: Any) -> ProjectRecord:
    given = [str(wanted[name]) for name in ("id", "key") if name in wanted] if isinstance(wanted, dict) else []
    for project in call.projects:
        if given and given[0] in (project["id"], project["key"]):
            return project
    raise field_errors({"project": "Specify a valid project ID or key" if not call.server else "project is required"})


def _type_of(call: JiraCall, project: ProjectRecord, wanted: Any) -> IssueTypeRecord:
    if isinstance(wanted, dict):
        for each in types_of(call, project):
            named = wanted.get("name") in (each["name"], call.named(each["name"]))
            if str(wanted.get("id", "")) == each["id"] or ("id" not in wanted and named):
                return each
    told = "valid issue type is required" if call.server else "Specify a valid issue type"
    raise field_errors({"issuetype": told})


def _new(call: JiraCall, project: ProjectRecord, issue_type: IssueTypeRecord) -> Issue:
    """Without number and values; in the first status of its workflow."""
    user, now = call.need_sign_in()["user"], _now()
    flow = next(each for each in project["workflows"] if each["type"] == issue_type["id"])
    if not flow["statuses"]:
        raise jira_error(400, "The workflow of this issue type has no status.")
    return Issue(
        id=0,
        project=project["id"],
        number=0,
        type=issue_type["id"],
        status=flow["statuses"][0],
        summary="",
        description="",
        creator=user,
        reporter=user,
        assignee=None,
        priority="3",
        resolution=None,
        resolved=None,
        labels=[],
        components=[],
        fix_versions=[],
        versions=[],
        parent=None,
        sprints=[],
        due=None,
        created=now,
        updated=now,
        custom={},
    )


def _now() -> int:
    return time.time_ns() // 1_000_000


def _update(call: JiraCall, key: str) -> Response:
    issue = call.find_issue(key)
    project = call.project_of[issue["project"]]
    if not call.may("EDIT_ISSUES", project):
        raise jira_error(403, "You do not have permission to edit issues in this project.")
    body = _body(call)
    fields = _part(body, "fields")
    if "issuetype" in fields:
        wanted = _type_of(call, project, fields["issuetype"])
        issue = _as_type(issue, project, wanted)
    given = {name: value for name, value in fields.items() if name != "issuetype"}
    changed = _with(call, issue, given, _part(body, "update"), {})
    changed["updated"] = _now()
    call.world.issues.put(changed)
    if call.param("returnIssue") == "true":
        return answer(IssueShapes(call).whole(changed, [ALL]))
    return Response(status=204)


def _as_type(issue: Issue, project: ProjectRecord, wanted: IssueTypeRecord) -> Issue:
    """A type whose workflow has no such status needs a move, which no address makes."""
    flow = next(each for each in project["workflows"] if each["type"] == wanted["id"])
    if issue["status"] not in flow["statuses"]:
        raise field_errors({"issuetype": "The issue type selected is invalid."})
    return Issue(**{**issue, "type": wanted["id"]})


def _with(call: JiraCall, issue: Issue, fields: Json, update: Json, errors: dict[str, str]) -> Issue:
    """The issue with what is given set anew. All that is wrong is answered at once, by field."""
    project = call.project_of[issue["project"]]
    found = call.world.issue_type(issue["type"])
    kind = kind_of(found) if found else "task"
    screen = {name: each for name, each in on_screen(kind, server=call.server).items() if name != "project"}
    writing = IssueWriting(call=call, project=project)
    made: Any = {**issue, "custom": dict(issue["custom"])}
    values = dict(fields)
    for name, operations in update.items():
        if name in fields:
            errors[name] = f"Field '{name}' cannot be updated because it was specified twice."
        elif name in screen:
            values[name] = _operated(call, issue, name, operations, errors)
    for name, value in values.items():
        field = screen.get(name)
        if field is None:
            errors[name] = CANNOT_BE_SET.format(name)
            continue
        try:
            _set(made, field.number, name, stored(writing, field, value))
        except FieldRefused as refused:
            errors.setdefault(name, str(refused))
    for name in set(update) - set(screen):
        errors[name] = CANNOT_BE_SET.format(name)
    _check_assignee(call, project, issue, made, errors)
    _check_parent(call, kind, made, errors)
    if errors:
        raise field_errors(errors)
    checked: Issue = made
    return checked


def _set(made: Any, number: str, name: str, value: Any) -> None:
    if number == "10020":
        made["sprints"] = value
    elif number == "10014":
        made["parent"] = value
    elif number:
        made["custom"].pop(number, None)
        if value is not None:
            made["custom"][number] = value
    else:
        made[STORED.get(name, name)] = value


def _operated(call: JiraCall, issue: Issue, name: str, operations: Any, errors: dict[str, str]) -> Any:
    """The value after `add`, `remove` and `set`, in the form of a write."""
    shape = IssueShapes(call).whole(issue, [name])["fields"].get(name)
    now: Any = [_as_written(each) for each in shape] if isinstance(shape, list) else shape
    for each in operations if isinstance(operations, list) else [operations]:
        ((verb, value),) = each.items() if isinstance(each, dict) and len(each) == 1 else (("", None),)
        if verb == "set":
            now = value
        elif verb in ("add", "remove") and isinstance(now, list):
            kept = [one for one in now if not _same(one, value)]
            now = [*kept, value] if verb == "add" else kept
        else:
            errors[name] = f"Field '{name}' does not support operation '{verb}'"
    return now


def _as_written(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: value[name] for name in ("id", "name", "value") if name in value}


def _same(one: Any, other: Any) -> bool:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return bool(one == other)
    return any(name in other and str(one.get(name)) == str(other[name]) for name in ("id", "name", "value"))


def _check_assignee(call: JiraCall, project: ProjectRecord, issue: Issue, made: Any, errors: dict[str, str]) -> None:
    if made["assignee"] != issue["assignee"] and not call.may("ASSIGN_ISSUES", project):
        errors["assignee"] = CANNOT_BE_SET.format("assignee")


def _check_parent(call: JiraCall, kind: str, made: Any, errors: dict[str, str]) -> None:
    name = "parent" if not call.server or kind == "subtask" else "customfield_10014"
    if {"parent", "customfield_10014"} & set(errors):
        return
    if made["parent"] is None:
        if kind == "subtask":
            errors["parent"] = "Issue type is a sub-task but parent issue key or id not specified."
        return
    above = call.world.issues.get(made["parent"])
    found = call.world.issue_type(above["type"]) if above else None
    own = call.world.issue_type(made["type"])
    same = above is not None and (kind != "subtask" or above["project"] == made["project"])
    if found is None or own is None or not same or found["level"] != own["level"] + 1:
        errors[name] = "Given parent work item does not belong to appropriate hierarchy."


def _assign(call: JiraCall, key: str) -> Response:
    issue = call.find_issue(key)
    project = call.project_of[issue["project"]]
    if not call.may("ASSIGN_ISSUES", project):
        raise jira_error(403, "You do not have permission to assign issues.")
    field = on_screen("task", server=call.server)["assignee"]
    try:
        user = stored(IssueWriting(call=call, project=project), field, _body(call))
    except FieldRefused as refused:
        raise field_errors({"assignee": str(refused)}) from refused
    call.world.issues.put(Issue(**{**issue, "assignee": user, "updated": _now()}))
    return Response(status=204)


def _delete(call: JiraCall, key: str) -> Response:
    issue = call.find_issue(key)
    if not call.may("DELETE_ISSUES", call.project_of[issue["project"]]):
        raise jira_error(403, "You do not have permission to delete issues in this project.")
    children = IssueShapes(call).children(issue)
    if children and call.param("deleteSubtasks") != "true":
        raise jira_error(
            400,
            f"The issue '{call.key_of(issue)}' has subtasks.  You must specify the 'deleteSubtasks' parameter to "
            "delete this issue and all its subtasks.",
        )
    for each in (*children, issue):
        call.world.issues.drop(each["id"])
    orphans = [each for each in call.world.issues.held.values() if each["parent"] == issue["id"]]
    for each in orphans:
        call.world.issues.put(Issue(**{**each, "parent": None}))
    return Response(status=204)


# -- transitions -----------------------------------------------------------------------------------


def _statuses(call: JiraCall) -> dict[int, StatusRecord]:
    return {each["id"]: each for each in call.world.statuses()}


def _transitions(call: JiraCall, issue: Issue) -> list[Transition]:
    """None for who may not move issues."""
    project = call.project_of[issue["project"]]
    if not call.may("TRANSITION_ISSUES", project):
        return []
    reached = next((each["statuses"] for each in project["workflows"] if each["type"] == issue["type"]), [])
    return workflow.transitions(issue, reached, _statuses(call), team_managed=project["style"] == "next-gen")


def _transition_shape(call: JiraCall, each: Transition, *, with_fields: bool = False) -> Json:
    to = call.world.status(each.to)
    shape: Json = {"id": str(each.id), "name": call.named(each.name), "to": status_shape(call, to) if to else None}
    if not call.server:
        flags = {"isInitial": False, "isAvailable": True, "isConditional": False, "isLooped": False}
        shape |= {"hasScreen": each.resolves, "isGlobal": each.is_global, **flags}
    if with_fields:
        shape["fields"] = {"resolution": _resolution_meta(call)} if each.resolves else {}
    return shape


def _resolution_meta(call: JiraCall) -> Json:
    return {
        "required": False,
        "schema": {"type": "resolution", "system": "resolution"},
        "name": "Resolution",
        "key": "resolution",
        "hasDefaultValue": True,
        "operations": ["set"],
        "allowedValues": [resolution_shape(call, number) for number, *_ in tracker.RESOLUTIONS],
    }


def _list_transitions(call: JiraCall, key: str) -> Response:
    issue = call.find_issue(key)
    wanted, with_fields = call.param("transitionId"), "transitions.fields" in call.params("expand")
    rows = [
        _transition_shape(call, each, with_fields=with_fields)
        for each in _transitions(call, issue)
        if wanted in ("", str(each.id))
    ]
    return answer({"expand": "transitions", "transitions": rows})


def _move(call: JiraCall, key: str) -> Response:
    issue = call.find_issue(key)
    body = _body(call)
    wanted = _part(body, "transition").get("id")
    if wanted is None:
        raise jira_error(400, "Missing 'transition' identifier.")
    found = next((each for each in _transitions(call, issue) if str(each.id) == str(wanted)), None)
    if found is None:
        raise jira_error(400, f"Transition id '{wanted}' is not valid for this issue.")
    fields = _part(body, "fields")
    resolution = _resolution(fields.pop("resolution", None), found)
    changed = _with(call, issue, fields, _part(body, "update"), {})
    statuses = _statuses(call)
    refused = workflow.refusal(found, changed, statuses) if call.options.transition_checks == "yes" else None
    if refused is not None:
        raise ErrorAnswer(answer({"errorMessages": [refused], "errors": {}}, 400))
    now = _now()
    call.world.issues.put(
        Issue(
            **{
                **changed,
                "status": found.to,
                "resolution": resolution,
                "resolved": now if resolution else None,
                "updated": now,
            }
        )
    )
    return Response(status=204)


def _resolution(given: Any, transition: Transition) -> str | None:
    """Done where nothing is given; none on the way back."""
    if given is None:
        return DONE if transition.resolves else None
    if not transition.resolves:
        raise field_errors({"resolution": CANNOT_BE_SET.format("resolution")})
    for number, name, _ in tracker.RESOLUTIONS:
        if isinstance(given, dict) and (str(given.get("id", "")) == number or given.get("name") == name):
            return number
    raise field_errors({"resolution": "The resolution selected is invalid."})


ROUTES: tuple[Route, ...] = (
    Route(path=r"/issue", methods={"POST": _create}),
    Route(path=r"/issue/(?P<key>[^/]+)", methods={"GET": _read, "PUT": _update, "DELETE": _delete}),
    Route(path=r"/issue/(?P<key>[^/]+)/assignee", methods={"PUT": _assign}),
    Route(path=r"/issue/(?P<key>[^/]+)/transitions", methods={"GET": _list_transitions, "POST": _move}),
)
