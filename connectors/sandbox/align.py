"""The Align site: sign-in, routes, and the lists beside the mappings.

Field names follow what public client code reads from real sites; /users/current and the audit log of a
connector are not confirmed by any source, the latter is the sandbox's own.
"""

import base64
import binascii
import re
from collections.abc import Callable

from . import audit_shapes, lists, mapping_routes, object_routes, users
from .jira_issues.records import ProjectRecord
from .messages import (
    Answering,
    ErrorAnswer,
    Json,
    Response,
    SandboxRequest,
    answer,
    invalid,
    not_found,
    nothing_here,
    problem,
)
from .objects.table import ObjectType
from .options import Options
from .world import Token, World

PREFIX = re.compile(r"/(?:rest/)?align/api/2(?=/|$)", re.IGNORECASE)
SEEDED_AT = "2026-03-02T08:00:00Z"
MAPPING_ROUTE = (
    r"/connectors/(?P<connector>\d{1,9})(?:/projects/(?P<project>[^/]+))?"
    r"/mappings/(?P<kind>states|process-steps)(?:/(?P<mapping>\d{1,9}))?"
)


def serves(path: str) -> bool:
    return PREFIX.match(path) is not None


def handle(request: SandboxRequest, world: World, options: Options) -> Answering:
    """The answer, or for a list of objects what makes it once the world's lock is free."""
    token = _sign_in(request, world, options)
    _check_right(request, token)
    path = PREFIX.sub("", request.path, count=1).rstrip("/")
    match = _match(MAPPING_ROUTE, path)
    if match is not None:
        visible = _visible(token)
        of_mapping = mapping_routes.call_from(request, world, options, match.groupdict(), visible)
        return mapping_routes.handle(of_mapping, visible)
    for pattern, view in LISTS:
        match = _match(pattern, path)
        if match is not None:
            call = AlignCall(request, world, options, token)
            if request.method != "GET":
                return _write(call, view, match)
            return view(call, **match.groupdict())
    return object_routes.handle(request, world, options, token, path)


def _match(pattern: str, path: str) -> re.Match[str] | None:
    return re.fullmatch(pattern, path, re.IGNORECASE)


# -- sign-in ---------------------------------------------------------------------------------------


def credentials(authorization: str) -> tuple[str, str, str]:
    """Scheme in lower case, user (empty for bearer), secret. All empty if the header cannot be read."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return "bearer", "", rest.strip()
    if scheme.lower() != "basic":
        return "", "", ""
    try:
        user, _, secret = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", "", ""
    return "basic", user, secret


def _sign_in(request: SandboxRequest, world: World, options: Options) -> Token:
    scheme, user, secret = credentials(request.authorization)
    any_user = scheme == "bearer" or (user == "apitoken" and options.basic_apitoken == "yes")
    for token in world.tokens("align"):
        same = token["token"] == secret and (any_user or user == token["user"])
        if same and users.is_alive(token):
            return token
    raise ErrorAnswer(Response(status=401, headers={"WWW-Authenticate": "Bearer"}))


def _check_right(request: SandboxRequest, token: Token) -> None:
    """What a token without the right gets is not confirmed; 403 is what Atlassian's lists of answers name."""
    if not users.may(token, "read" if request.method == "GET" else "write"):
        raise problem(403, "You do not have permission to perform this action.")


def _visible(token: Token) -> set[str] | None:
    keys = token.get("projects")
    return None if keys is None else set(keys)


# -- lists -----------------------------------------------------------------------------------------


class AlignCall:
    """A signed-in read of one of the lists."""

    def __init__(self, request: SandboxRequest, world: World, options: Options, token: Token) -> None:
        self.request, self.world, self.options, self.token = request, world, options, token

    def page(self, described: ObjectType, rows: list[Json]) -> Response:
        return answer(lists.page(described, rows, self.request.query, self.options))

    def self_url(self, rest: str) -> str:
        return f"{self.request.base}/rest/align/api/2{rest}"

    def require_connector(self, connector: str) -> int:
        found = self.world.connector(int(connector))
        if found is None:
            raise not_found(f"Connector {connector}")
        return found["id"]


def _current_user(call: AlignCall) -> Response:
    said = call.options.users_current
    if said != "user":
        return answer([]) if said == "list" else answer({"title": "Not offered on this site"}, int(said))
    user = call.token["user"]
    name, number = users.display_name(user), users.number(user)
    first, _, last = name.partition(" ")
    return answer(
        {
            "id": number,
            "uid": number,
            "email": users.email(user),
            "firstName": first,
            "lastName": last,
            "fullName": name,
            "status": "Active",
            "self": call.self_url(f"/users/{number}"),
        }
    )


def _connectors(call: AlignCall) -> Response:
    rows = [_connector_shape(call, item["id"], item["name"]) for item in call.world.connectors()]
    return call.page(lists.CONNECTORS, rows)


def _connector(call: AlignCall, connector: str) -> Response:
    connector_id = call.require_connector(connector)
    name = next(item["name"] for item in call.world.connectors() if item["id"] == connector_id)
    return answer(_connector_shape(call, connector_id, name))


def _connector_shape(call: AlignCall, connector_id: int, name: str) -> Json:
    return {
        "id": connector_id,
        "name": name,
        "type": "Jira",
        "url": call.request.base,
        "isActive": True,
        "createDate": SEEDED_AT,
        "lastUpdatedDate": None,
        "self": call.self_url(f"/connectors/{connector_id}"),
    }


def _projects(call: AlignCall, connector: str) -> Response:
    return call.page(lists.PROJECTS, _project_shapes(call, connector))


def _project_shapes(call: AlignCall, connector: str) -> list[Json]:
    connector_id, visible = call.require_connector(connector), _visible(call.token)
    projects = [item for item in call.world.projects() if visible is None or item["key"] in visible]
    return [_project_shape(call, connector_id, item) for item in projects if call.options.has_in_align(item)]


def _project_shape(call: AlignCall, connector_id: int, project: ProjectRecord) -> Json:
    own_id = int(project["id"]) - 9999
    return {
        "id": own_id,
        "errorMessage": None,
        "connectorId": connector_id,
        "createdBy": 1,
        "createDate": SEEDED_AT,
        "programId": project["programme"],
        "projectId": int(project["id"]),
        "projectKey": project["key"],
        "projectName": project["name"],
        "lastUpdatedBy": None,
        "lastUpdatedDate": None,
        "self": call.self_url(f"/connectors/{connector_id}/projects/{own_id}"),
    }


def _project(call: AlignCall, connector: str, record: str) -> Response:
    _refuse_single(call)
    found = next((shape for shape in _project_shapes(call, connector) if shape["id"] == int(record)), None)
    if found is None:
        raise not_found(f"Project {record}")
    return answer(found)


def _refuse_single(call: AlignCall) -> None:
    if call.options.single_get == "405":
        raise ErrorAnswer(Response(status=405))


def _priorities(call: AlignCall, connector: str) -> Response:
    return call.page(lists.PRIORITIES, _priority_rows(call, connector))


def _priority(call: AlignCall, connector: str, record: str) -> Response:
    _refuse_single(call)
    return answer(_priority_row(call, connector, record))


def _write(call: AlignCall, view: Callable[..., Response], match: re.Match[str]) -> Response:
    """Of these lists one at most can be written to."""
    if view is _priority and call.options.priorities == "write":
        if call.request.method in ("PUT", "PATCH"):
            return _set_priority(call, **match.groupdict())
        raise ErrorAnswer(Response(status=405, headers={"Allow": "GET, PUT, PATCH"}))
    raise ErrorAnswer(Response(status=405, headers={"Allow": "GET"}))


def _set_priority(call: AlignCall, connector: str, record: str) -> Response:
    """Which priority of Align a priority of Jira is: the one thing that can be set."""
    row = _priority_row(call, connector, record)
    try:
        body = call.request.json()
    except ValueError as error:
        raise invalid("$", f"The body is not valid JSON: {error}.") from error
    wanted = body.get("priorityId") if isinstance(body, dict) else None
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        raise invalid("priorityId", f"The JSON value could not be converted to an integer: {wanted!r}.")
    call.world.store.put("priority_of", f"{connector} {row['id']}", {"align": wanted})
    return Response(status=204)


def _priority_row(call: AlignCall, connector: str, record: str) -> Json:
    found = next((row for row in _priority_rows(call, connector) if row["id"] == int(record)), None)
    if found is None:
        raise not_found(f"Priority {record}")
    return found


def _priority_rows(call: AlignCall, connector: str) -> list[Json]:
    connector_id = call.require_connector(connector)
    priorities = sorted(call.world.store.all("priority"), key=lambda item: int(item["id"]))
    rows: list[Json] = []
    for item_type in (3, 4):
        for priority in priorities:
            own_id = len(rows) + 1
            chosen = call.world.store.get("priority_of", f"{connector_id} {own_id}") or priority
            rows.append(
                {
                    "id": own_id,
                    "connectorId": connector_id,
                    "createdBy": 1,
                    "createDate": SEEDED_AT,
                    "itemTypeId": item_type,
                    "jiraPriorityId": int(priority["id"]),
                    "jiraPriorityName": priority["name"],
                    "priorityId": chosen["align"],
                    "lastUpdatedBy": None,
                    "lastUpdatedDate": None,
                    "self": call.self_url(f"/connectors/{connector_id}/priorities/{own_id}"),
                }
            )
    return rows


def _audit_log(call: AlignCall, connector: str) -> Response:
    if call.options.audit_endpoint == "no":
        raise nothing_here()
    lines, shape = call.world.audit_log(call.require_connector(connector)), call.options.audit_shape
    return call.page(lists.audit_log(shape), audit_shapes.shaped(lines, shape))


LISTS: tuple[tuple[str, Callable[..., Response]], ...] = (
    (r"/users/current", _current_user),
    (r"/connectors", _connectors),
    (r"/connectors/(?P<connector>\d{1,9})", _connector),
    (r"/connectors/(?P<connector>\d{1,9})/projects", _projects),
    (r"/connectors/(?P<connector>\d{1,9})/projects/(?P<record>\d{1,9})", _project),
    (r"/connectors/(?P<connector>\d{1,9})/priorities", _priorities),
    (r"/connectors/(?P<connector>\d{1,9})/priorities/(?P<record>\d{1,9})", _priority),
    (r"/connectors/(?P<connector>\d{1,9})/auditlog", _audit_log),
)
