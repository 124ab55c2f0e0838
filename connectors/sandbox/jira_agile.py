"""Boards and sprints, below /rest/agile/1.0."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from .jira_call import JiraCall, Route, body_of, get
from .jira_issues import tracker
from .jira_issues.records import Issue, ProjectRecord, SprintRecord
from .jira_issues.tracker import Board, Sprint
from .jira_search import SERVER_MOST, context, read, run
from .jira_shapes import IssueShapes, sprint_moment
from .messages import Json, Response, answer, jira_error

NO_SPRINTS = "The board does not support sprints"
SPRINT_STATES = ("future", "active", "closed")
NEXT_STATES = (("future", "active"), ("active", "closed"))
FIRST_FILTER = 10_000  # before the number of a board, whose filter it is
FIRST_SPRINT = 1_000_000  # above all sprints of data sets, whose numbers begin with that of their board


def _root(call: JiraCall) -> str:
    return f"{call.request.base}/rest/agile/1.0"


def _page(call: JiraCall, rows: list[Any], most: int = 50) -> Response:
    start, size = call.number("startAt", 0), call.number("maxResults", 50)
    size = size if 0 < size <= most else most
    last = start + size >= len(rows)
    payload = {"maxResults": size, "startAt": start, "total": len(rows), "isLast": last}
    return answer({**payload, "values": rows[start : start + size]})


def _board_shape(call: JiraCall, board: Board) -> Json:
    project = call.project_of[board.project]
    shape: Json = {
        "id": board.id,
        "self": f"{_root(call)}/board/{board.id}",
        "name": board.name,
        "type": board.kind,
    }
    if call.server:
        return shape
    location = {
        "projectId": int(project["id"]),
        "displayName": f"{project['name']} ({project['key']})",
        "projectName": project["name"],
        "projectKey": project["key"],
        "projectTypeKey": "software",
        "avatarURI": f"{call.request.base}/avatar/project/{project['id']}?size=24",
        "name": f"{project['name']} ({project['key']})",
    }
    return {**shape, "location": location, "isPrivate": False}


def _boards(call: JiraCall) -> Response:
    call.need_sign_in()
    key, kind, name = call.param("projectKeyOrId"), call.params("type"), call.param("name").lower()
    projects = [call.find_project(key)] if key else sorted(call.projects, key=lambda item: int(item["id"]))
    boards = [tracker.board_of(project) for project in projects]
    kept = [each for each in boards if (not kind or each.kind in kind) and name in each.name.lower()]
    return _page(call, [_board_shape(call, each) for each in kept])


def _find(call: JiraCall, number: str) -> tuple[ProjectRecord, Board]:
    call.need_sign_in()
    for project in call.projects:
        if tracker.board_id(project) == int(number):
            return project, tracker.board_of(project)
    raise jira_error(404, "Requested board cannot be viewed because it either does not exist or you do not have "
                          "permission to view it.")  # fmt: skip


def _board(call: JiraCall, number: str) -> Response:
    return answer(_board_shape(call, _find(call, number)[1]))


def _configuration(call: JiraCall, number: str) -> Response:
    """The columns of a board: one for each status that the project reaches, by category."""
    project, board = _find(call, number)
    reached = {status for flow in project["workflows"] for status in flow["statuses"]}
    known = [each for each in call.world.statuses() if each["id"] in reached]
    columns = []
    for name, category in (("To Do", "new"), ("In Progress", "indeterminate"), ("Done", "done")):
        statuses = [
            {"id": str(each["id"]), "self": f"{call.root}/status/{each['id']}"}
            for each in known
            if each["category"] == category
        ]
        columns.append({"name": name, "statuses": statuses})
    shape = {
        "id": board.id,
        "name": board.name,
        "type": board.kind,
        "self": f"{_root(call)}/board/{board.id}/configuration",
        "filter": {"id": str(FIRST_FILTER + board.id), "self": f"{call.root}/filter/{FIRST_FILTER + board.id}"},
        "columnConfig": {"columns": columns, "constraintType": "none"},
        "ranking": {"rankCustomFieldId": 10019},
    }
    if board.kind != "kanban":
        field = {"fieldId": "customfield_10016", "displayName": "Story Points"}
        shape["estimation"] = {"type": "field", "field": field}
    return answer(shape)


def _filter(call: JiraCall, number: str) -> Response:
    """The filter of a board, below the platform's own API; people have no other filters here."""
    call.need_sign_in()
    for project in call.projects:
        board = tracker.board_of(project)
        if int(number) == FIRST_FILTER + board.id:
            address = f"{call.root}/filter/{number}"
            jql = f"project = {project['key']} ORDER BY Rank ASC"
            return answer({"self": address, "id": number, "name": f"Filter for {board.name}", "jql": jql})
    raise jira_error(404, "The selected filter is not available to you, perhaps it has been deleted or had its "
                          "permissions changed.")  # fmt: skip


def _projects(call: JiraCall, number: str) -> Response:
    project, _ = _find(call, number)
    shape = {"id": project["id"], "key": project["key"], "name": project["name"], "projectTypeKey": "software"}
    return _page(call, [{"self": f"{call.root}/project/{project['id']}", **shape}])


# -- sprints ---------------------------------------------------------------------------------------


def _sprint_shape(call: JiraCall, sprint: Sprint) -> Json:
    shape: Json = {
        "id": sprint.id,
        "self": f"{_root(call)}/sprint/{sprint.id}",
        "state": sprint.state,
        "name": sprint.name,
    }
    if sprint.start:
        shape |= {"startDate": sprint_moment(sprint.start), "endDate": sprint_moment(sprint.end)}
    if sprint.state == "closed":
        shape["completeDate"] = sprint_moment(sprint.end)
    return {**shape, "originBoardId": sprint.board, "goal": sprint.goal}


def _sprints(call: JiraCall, number: str) -> Response:
    project, board = _find(call, number)
    if board.kind == "kanban":
        raise jira_error(400, NO_SPRINTS)
    states = call.params("state")
    if not set(states) <= set(SPRINT_STATES):
        raise jira_error(400, "The state of a sprint is one of future, active and closed.")
    kept = [each for each in tracker.sprints_of(project) if not states or each.state in states]
    return _page(call, [_sprint_shape(call, each) for each in kept])


def _find_sprint(call: JiraCall, number: str) -> tuple[ProjectRecord, Sprint]:
    call.need_sign_in()
    for project in call.projects:
        # The number of a sprint of the data set begins with that of its board.
        if tracker.board_id(project) == int(number) // 10 or number in project.get("sprints", {}):
            for each in tracker.sprints_of(project):
                if each.id == int(number):
                    return project, each
    raise jira_error(404, "Sprint does not exist.")


def _sprint(call: JiraCall, number: str) -> Response:
    return answer(_sprint_shape(call, _find_sprint(call, number)[1]))


def _create_sprint(call: JiraCall) -> Response:
    body = body_of(call)
    board = str(body.get("originBoardId", ""))
    if not (board.isascii() and board.isdigit()):
        raise jira_error(400, "The board of the sprint (originBoardId) is missing.")
    project, found = _find(call, board)
    if found.kind == "kanban":
        raise jira_error(400, NO_SPRINTS)
    empty = SprintRecord(name="", state="future", goal="", start=None, end=None)
    record = _checked(call, project, empty, {name: value for name, value in body.items() if name != "state"})
    number = (call.world.store.get("counter", "sprint") or FIRST_SPRINT) + 1
    call.world.store.put("counter", "sprint", number)
    return answer(_sprint_shape(call, _kept(call, project, number, record)), 201)


def _update_sprint(call: JiraCall, number: str) -> Response:
    """By PUT or POST: clients send a part with both, so what is left out stays."""
    project, sprint = _find_sprint(call, number)
    if sprint.state == "closed":
        raise jira_error(400, "A closed sprint cannot be changed.")
    before = SprintRecord(
        name=sprint.name,
        state=sprint.state,
        goal=sprint.goal,
        start=sprint.start.isoformat() if sprint.start else None,
        end=sprint.end.isoformat() if sprint.end else None,
    )
    record = _checked(call, project, before, body_of(call))
    return answer(_sprint_shape(call, _kept(call, project, sprint.id, record)))


def _checked(call: JiraCall, project: ProjectRecord, record: SprintRecord, body: Json) -> SprintRecord:
    if not call.may("MANAGE_SPRINTS_PERMISSION", project):
        raise jira_error(403, "You do not have permission to manage the sprints of this board.")
    made: Any = dict(record)
    for name, key in (
        ("name", "name"),
        ("goal", "goal"),
        ("startDate", "start"),
        ("endDate", "end"),
        ("state", "state"),
    ):
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise jira_error(400, f"{name} is not a text.")
        made[key] = _moment(name, value) if name.endswith("Date") else value
    if not made["name"].strip():
        raise jira_error(400, "The name of the sprint is missing.")
    if made["state"] != record["state"] and (record["state"], made["state"]) not in NEXT_STATES:
        raise jira_error(400, f"A sprint that is {record['state']} cannot become {made['state']}.")
    if made["state"] == "active" and not (made["start"] and made["end"]):
        raise jira_error(400, "A sprint is started with a start date and an end date.")
    if made["start"] and made["end"] and made["end"] <= made["start"]:
        raise jira_error(400, "The end date of a sprint comes after its start date.")
    checked: SprintRecord = made
    return checked


def _moment(name: str, value: str) -> str:
    """In UTC, as ISO 8601."""
    try:
        read_as = dt.datetime.fromisoformat(value)
        zoned = read_as if read_as.tzinfo else read_as.replace(tzinfo=dt.UTC)
        return zoned.astimezone(dt.UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise jira_error(400, f"{name} is no date in ISO 8601: {value}") from error


def _kept(call: JiraCall, project: ProjectRecord, number: int, record: SprintRecord) -> Sprint:
    kept = _with(call, project, number, record)
    return next(each for each in tracker.sprints_of(kept) if each.id == number)


def _with(call: JiraCall, project: ProjectRecord, number: int, record: SprintRecord | None) -> ProjectRecord:
    written = {**project.get("sprints", {}), str(number): record}
    kept = ProjectRecord(**{**project, "sprints": written})
    call.world.store.put("project", project["key"], kept)
    return kept


def _delete_sprint(call: JiraCall, number: str) -> Response:
    """Its issues go back to the backlog."""
    project, sprint = _find_sprint(call, number)
    if not call.may("MANAGE_SPRINTS_PERMISSION", project):
        raise jira_error(403, "You do not have permission to manage the sprints of this board.")
    if sprint.state != "future":
        raise jira_error(400, "Only a future sprint can be deleted.")
    for issue in list(call.world.issues.held.values()):
        if sprint.id in issue["sprints"]:
            rest = [each for each in issue["sprints"] if each != sprint.id]
            call.world.issues.put(Issue(**{**issue, "sprints": rest}))
    _with(call, project, sprint.id, None)
    return Response(status=204)


# -- issues ----------------------------------------------------------------------------------------


def _issues(call: JiraCall, keep: Callable[[Issue], bool]) -> Response:
    around = context(call)
    found = [issue for issue in run(call, read(call.param("jql"), around), around) if keep(issue)]
    start, size = call.number("startAt", 0), min(call.number("maxResults", 50), SERVER_MOST)
    shapes = IssueShapes(call)
    rows = [shapes.whole(issue, call.params("fields")) for issue in found[start : start + size]]
    payload = {"expand": "schema,names", "startAt": start, "maxResults": size, "total": len(found)}
    return answer({**payload, "issues": rows})


def _board_issues(call: JiraCall, number: str) -> Response:
    project, _ = _find(call, number)
    return _issues(call, lambda issue: issue["project"] == project["id"])


def _backlog(call: JiraCall, number: str) -> Response:
    """What is in no active sprint, and not done."""
    project, _ = _find(call, number)
    active = {each.id for each in tracker.sprints_of(project) if each.state == "active"}
    done = {each["id"] for each in call.world.statuses() if each["category"] == "done"}
    return _issues(
        call,
        lambda issue: (
            issue["project"] == project["id"] and active.isdisjoint(issue["sprints"]) and issue["status"] not in done
        ),
    )


def _sprint_issues(call: JiraCall, number: str, board: str = "") -> Response:
    project, sprint = _find_sprint(call, number)
    if board and int(board) != sprint.board:
        raise jira_error(404, "Sprint does not exist.")
    return _issues(call, lambda issue: issue["project"] == project["id"] and sprint.id in issue["sprints"])


def _move_into(call: JiraCall, number: str) -> Response:
    project, sprint = _find_sprint(call, number)
    if sprint.state == "closed":
        raise jira_error(400, "Issues can only be moved to open or active sprints.")
    if not call.may("EDIT_ISSUES", project):
        raise jira_error(403, "You do not have permission to edit issues in this project.")
    try:
        body = call.request.json()
    except ValueError:
        body = None
    keys = body.get("issues") if isinstance(body, dict) else None
    if not isinstance(keys, list) or not keys:
        raise jira_error(400, "The issues to be moved are missing.")
    issues = [call.find_issue(str(key)) for key in keys]
    if any(issue["project"] != project["id"] for issue in issues):
        raise jira_error(400, "The sandbox moves issues into sprints of their own project only.")
    for issue in issues:
        past = {each.id for each in tracker.sprints_of(project) if each.state == "closed"} & set(issue["sprints"])
        call.world.issues.put(Issue(**{**issue, "sprints": [*sorted(past), sprint.id]}))
    return Response(status=204)


OF_THE_PLATFORM: tuple[Route, ...] = (get(r"/filter/(?P<number>\d{1,9})", _filter),)
ROUTES: tuple[Route, ...] = (
    get(r"/board", _boards),
    get(r"/board/(?P<number>\d{1,9})", _board),
    get(r"/board/(?P<number>\d{1,9})/configuration", _configuration),
    get(r"/board/(?P<number>\d{1,9})/project", _projects),
    get(r"/board/(?P<number>\d{1,9})/issue", _board_issues),
    get(r"/board/(?P<number>\d{1,9})/backlog", _backlog),
    get(r"/board/(?P<number>\d{1,9})/sprint", _sprints),
    get(r"/board/(?P<board>\d{1,9})/sprint/(?P<number>\d{1,9})/issue", _sprint_issues),
    Route(path=r"/sprint", methods={"POST": _create_sprint}),
    Route(
        path=r"/sprint/(?P<number>\d{1,9})",
        methods={"GET": _sprint, "PUT": _update_sprint, "POST": _update_sprint, "DELETE": _delete_sprint},
    ),
    Route(path=r"/sprint/(?P<number>\d{1,9})/issue", methods={"GET": _sprint_issues, "POST": _move_into}),
)
