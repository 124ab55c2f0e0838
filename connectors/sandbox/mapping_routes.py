"""Align's routes for mappings: one set of handlers for all four families."""

from collections.abc import Mapping
from dataclasses import dataclass

from . import odata
from .families import RouteFamily, family_of
from .jira_issues.records import ProjectRecord
from .messages import ErrorAnswer, Json, Response, SandboxRequest, answer, invalid, not_found, problem
from .options import Options
from .world import Record, Scope, World, new_record


@dataclass(frozen=True, kw_only=True)
class MappingCall:
    """One signed-in request: where it goes, and to which family. `project` only from the path."""

    request: SandboxRequest
    world: World
    options: Options
    family: RouteFamily
    connector: int
    project: ProjectRecord | None = None
    mapping_id: int | None = None


def call_from(
    request: SandboxRequest, world: World, options: Options, parts: Mapping[str, str | None], visible: set[str] | None
) -> MappingCall:
    """`parts` are the named groups of the route. `visible` limits the projects (None: all)."""
    connector = world.connector(int(parts["connector"] or 0))
    if connector is None:
        raise not_found(f"Connector {parts['connector']}")
    key = parts.get("project")
    project = _project(world, key, visible) if key is not None else None
    mapping_id = parts.get("mapping")
    return MappingCall(
        request=request,
        world=world,
        options=options,
        family=family_of(to_align=project is None, steps=(parts["kind"] or "").lower() == "process-steps"),
        connector=connector["id"],
        project=project,
        mapping_id=int(mapping_id) if mapping_id is not None else None,
    )


def _project(world: World, key: str, visible: set[str] | None) -> ProjectRecord:
    project = world.project(key)
    if project is None or (visible is not None and project["key"] not in visible):
        raise not_found(f"Project {key}")
    return project


def handle(call: MappingCall, visible: set[str] | None) -> Response:
    method, single = call.request.method, call.mapping_id is not None
    if (method, single) == ("GET", False):
        return _list(call, visible)
    if (method, single) == ("POST", False):
        return _create(call, visible)
    if not single or method not in ("GET", "PUT", "DELETE"):
        allowed = "GET, PUT, DELETE" if single else "GET, POST"
        raise ErrorAnswer(Response(status=405, headers={"Allow": allowed}))
    if method == "GET" and call.options.single_get == "405":
        raise ErrorAnswer(Response(status=405, headers={"Allow": "PUT, DELETE"}))
    record = _existing(call)
    if method == "GET":
        return answer(_shown(call, record))
    return _update(call, record) if method == "PUT" else _delete(call, record)


# -- reading ---------------------------------------------------------------------------------------


def _list(call: MappingCall, visible: set[str] | None) -> Response:
    query = call.request.query
    rows = call.world.mappings(_list_scope(call, visible))
    type_text = query.get("workitemtypeid", "").strip()
    if type_text:
        rows = _of_type(call, rows, type_text)
    shown = [_shown(call, row) for row in rows]
    limit = int(call.options.page_limit)
    return answer(odata.page(shown, query, top_over_limit=call.options.top_over_limit, limit=limit))


def _shown(call: MappingCall, record: Record) -> Record:
    """A stored record with the type ids and fields that this site answers."""
    family, options = call.family, call.options
    shown = {**record, "workItemTypeId": family.to_wire(record["workItemTypeId"], options.type_ids)}
    if options.record_fields == "more":
        return {**shown, "isActive": True}
    if options.record_fields == "fewer":
        return {name: value for name, value in shown.items() if not name.endswith("Name")}
    return shown


def _list_scope(call: MappingCall, visible: set[str] | None) -> Scope:
    if call.project is not None:
        return (call.connector, call.family.code, call.project["key"])
    key = call.request.query.get("projectkey", "").strip()
    if not key or key.lower() == "null":
        return (call.connector, call.family.code, None)
    return (call.connector, call.family.code, _project(call.world, key, visible)["key"])


def _of_type(call: MappingCall, rows: list[Record], text: str) -> list[Record]:
    """An id outside the table gives an empty list, even where such records exist."""
    try:
        wanted = int(text)
    except ValueError as error:
        raise invalid("WorkItemTypeId", f"The value '{text}' is not valid.") from error
    stored = call.family.read_by(wanted, call.options.type_ids)
    return [row for row in rows if row["workItemTypeId"] == stored]


def _existing(call: MappingCall) -> Record:
    record = call.world.mapping(call.connector, call.family, call.mapping_id or 0)
    wrong_project = record and call.project and record["projectKey"] != call.project["key"]
    if record is None or wrong_project:
        raise not_found(f"Mapping {call.mapping_id}")
    return record


# -- writing ---------------------------------------------------------------------------------------


def _create(call: MappingCall, visible: set[str] | None) -> Response:
    body, family, world = _body(call), call.family, call.world
    named = body.get("projectkey")
    _check_key(call, _team_project(call, call.project["key"] if call.project else named), body)
    sent = _integer(body, "workItemTypeId")
    type_id = family.from_wire(sent, call.options.type_ids)
    if type_id is None:
        raise invalid("WorkItemTypeId", f"The work item type id {sent} is not valid for this mapping.")
    source, target = _integer(body, family.source_id), _integer(body, family.target_id)
    _check_known(call, family.source, source)
    _check_known(call, family.target, target)
    scope = _create_scope(call, body, visible)
    record = new_record(world, family, scope, type_id, source, target)
    twin = world.same_key(family, record)
    if twin is None:
        return _created(call, world.create(family, record))
    if call.options.duplicate != "upsert":
        message = f"A mapping for {family.source_id} {source} and work item type {type_id} already exists."
        raise problem(int(call.options.duplicate), message)
    return _posted(call, world.update(family, twin, target), 200)


def _create_scope(call: MappingCall, body: Json, visible: set[str] | None) -> Scope:
    """From Jira to Align the body names the project, and only for a team-managed one."""
    key = body.get("projectkey")
    if key is not None and not isinstance(key, str):
        raise invalid("ProjectKey", "The value is not a string.")
    if call.project is not None:
        if key is not None and key.upper() != call.project["key"]:
            raise invalid("ProjectKey", f"The project key {key} is not the one of the path.")
        return (call.connector, call.family.code, call.project["key"])
    if not key:
        _refuse_team_status(call, body)
        return (call.connector, call.family.code, None)
    project = call.world.project(key)
    if project is None or (visible is not None and project["key"] not in visible):
        raise invalid("ProjectKey", f"The project {key} is not known to this connector.")
    if project["style"] != "next-gen":
        raise invalid("ProjectKey", f"{key} is company-managed: its mappings are shared, leave the key out.")
    return (call.connector, call.family.code, project["key"])


def _refuse_team_status(call: MappingCall, body: Json) -> None:
    status = call.world.status(body["jirastatusid"])
    if status is not None and status["project"] is not None:
        raise invalid(
            "ProjectKey", f"The status {status['id']} belongs to a team-managed project: its key is required."
        )


def _team_project(call: MappingCall, key: object) -> ProjectRecord | None:
    project = call.world.project(key) if isinstance(key, str) else None
    return project if project is not None and project["style"] == "next-gen" else None


def _check_key(call: MappingCall, project: ProjectRecord | None, body: Json | None) -> None:
    """The two switches about the key that a write of a team-managed project's mapping may or must carry."""
    if project is None:
        return
    if not call.family.to_align:
        if body is not None:
            _require(call.options.project_key_in_body, bool(body.get("projectkey")), found=True)
        return
    has_key = call.request.query.get("projectkey", "").strip().upper() == project["key"]
    _require(call.options.project_key_on_write, has_key, found=call.request.method == "POST")


def _require(switch: str, has_key: bool, *, found: bool) -> None:
    """`found`: without the key the request still finds what it is about."""
    if switch == "required" and not has_key:
        raise invalid("ProjectKey", "The ProjectKey field is required.") if found else not_found("Mapping")
    if switch == "refused" and has_key:
        raise invalid("ProjectKey", "The ProjectKey field is not expected here.")


def _created(call: MappingCall, record: Record) -> Response:
    return _posted(call, record, 201)


def _posted(call: MappingCall, record: Record, status: int) -> Response:
    location = f"{call.request.base}{call.request.path.rstrip('/')}/{record['id']}"
    if call.options.post_answer == "empty":
        return Response(status=status, headers={"Location": location})
    payload: object = record["id"] if call.options.post_answer == "id" else _shown(call, record)
    return answer(payload, status, Location=location)


def _update(call: MappingCall, record: Record) -> Response:
    """The whole record or its target alone may be sent; what names the record must be as it was."""
    body, family = _body(call), call.family
    _check_key(call, _team_project(call, record.get("projectKey")), body)
    before = _shown(call, record)
    for name in ("id", "connectorId", "projectKey", "workItemTypeId", family.source_id):
        sent = body.get(name.lower())
        if sent is not None and sent != before.get(name):
            raise invalid(name, f"{name} cannot be changed from {before.get(name)} to {sent}.")
    target = _integer(body, family.target_id)
    _check_known(call, family.target, target)
    call.world.update(family, record, target)
    return Response(status=204)


def _delete(call: MappingCall, record: Record) -> Response:
    _check_key(call, _team_project(call, record.get("projectKey")), None)
    call.world.delete(call.family, record)
    return Response(status=204)


def _body(call: MappingCall) -> Json:
    """The body's fields by lower-case name, because ASP.NET reads names in any case."""
    try:
        body = call.request.json()
    except ValueError as error:
        raise invalid("$", f"The body is not valid JSON: {error}.") from error
    if not isinstance(body, dict):
        raise invalid("$", "A JSON object is expected.")
    return {name.lower(): value for name, value in body.items()}


def _integer(body: Json, name: str) -> int:
    value = body.get(name.lower())
    if value is None:
        raise invalid(name, f"The {name} field is required.")
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(name, f"The JSON value could not be converted to an integer: {value!r}.")
    return value


def _check_known(call: MappingCall, stem: str, value: int) -> None:
    name = call.world.target_name(stem, value)
    if name is None:
        raise invalid(f"{stem}Id", f"{stem}Id {value} does not exist.")
    if stem != "jiraStatus" or call.options.pulled_statuses == "all":
        return
    status = call.world.status(value)
    if status is not None and not status["pulled"]:
        raise invalid(f"{stem}Id", f"The status {name} ({value}) has not been pulled from Jira.")
