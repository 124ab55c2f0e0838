"""Align's objects over HTTP: which address is which object, what may be sent there, and by whom.

A read takes what it needs while the world's lock is held and makes its answer when the lock is free again.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import field_edits, users, value_streams
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
from .objects import answers, changes, query_options
from .objects.fill import as_written
from .objects.filter_reader import Lookup
from .objects.objects import BELOW_CONNECTOR, BY_PATH, OBJECTS
from .objects.table import ObjectRecord, ObjectType
from .objects.ways import ObjectRefusal, Ways
from .options import Options
from .world import Token, World

ROUTE = re.compile(
    r"(?:/connectors/(?P<connector>\d{1,9}))?/(?P<object>[a-z]+)(?:/(?P<record>\d{1,9}))?(?:/(?P<more>editmeta|auditlog))?"
)
COLUMNS = re.compile(r"/gridconfigurations/(?P<object>[a-z]+)/columnconfigurations")
JSON_TYPE = re.compile(r"(application|text)/([\w.-]+\+)?json")


@dataclass(frozen=True, kw_only=True)
class ObjectCall:
    """One signed-in request about an object. `record_id` and `connector` as the address has them."""

    request: SandboxRequest
    world: World
    options: Options
    token: Token
    described: ObjectType
    record_id: int | None = None
    connector: int | None = None
    ways: Ways
    lookup: Lookup = field(repr=False)

    @property
    def records(self) -> Mapping[int, ObjectRecord]:
        held = self.lookup(self.described.key)
        if self.connector is None:
            return held
        return {number: record for number, record in held.items() if record["connectorId"] == self.connector}

    def address(self, rest: str) -> str:
        return f"{self.request.base}/rest/align/api/2{rest}"


def handle(request: SandboxRequest, world: World, options: Options, token: Token, path: str) -> Answering:
    columns = COLUMNS.fullmatch(path.lower())
    if columns is not None:
        return _columns(request, columns["object"])
    match = ROUTE.fullmatch(path.lower())
    described = _described(match) if match is not None else None
    if match is None or described is None:
        raise nothing_here()
    try:
        call = _call(request, world, options, token, described, match)
        if match["more"] is not None:
            return _more(call, match["more"])
        return _answered(call)
    except ObjectRefusal as refused:
        raise _error(refused) from refused


def _described(match: re.Match[str]) -> ObjectType | None:
    known = BY_PATH if match["connector"] is None else BELOW_CONNECTOR
    return known.get(match["object"])


def _call(
    request: SandboxRequest,
    world: World,
    options: Options,
    token: Token,
    described: ObjectType,
    match: re.Match[str],
) -> ObjectCall:
    connector = int(match["connector"]) if match["connector"] is not None else None
    if connector is not None and world.connector(connector) is None:
        raise not_found(f"Connector {connector}")
    return ObjectCall(
        request=request,
        world=world,
        options=options,
        token=token,
        described=described,
        record_id=int(match["record"]) if match["record"] is not None else None,
        connector=connector,
        ways=_ways(options),
        lookup=_lookup(request, world, options, token, described),
    )


def _ways(options: Options) -> Ways:
    return Ways(
        lenient=options.lenient == "yes",
        bare_options=options.bare_options == "honoured",
        external_key=options.external_key == "writable",
        state_writable=options.state_writable == "yes",
        recycle=options.recycle == "patch",
        custom_in_record=options.custom_fields == "record",
        page_limit=int(options.page_limit),
        top_over_limit=options.top_over_limit,
    )


def _lookup(request: SandboxRequest, world: World, options: Options, token: Token, described: ObjectType) -> Lookup:
    """The records as they are now, those of the token's portfolio where it has one. Raises NotMade."""
    portfolio = token.get("portfolio")
    flows = value_streams.records(world, options) if described.key == "valuestream" else {}
    if described.key == "valuestream" and portfolio is None and request.method == "GET":
        # These stand with the mappings. To make the large company for them would take longer than a client waits.
        return {"valuestream": flows}.__getitem__
    held, owners = world.objects.held, _owners(world)

    def lookup(key: str) -> Mapping[int, ObjectRecord]:
        if key == "workitem":
            return world.objects.work_items(held)
        if key == "valuestream":
            return flows
        return {**held[key], **owners} if key == "user" and owners else held[key]

    return lookup if portfolio is None else answers.of_portfolio(portfolio, lookup)


def _owners(world: World) -> dict[int, ObjectRecord]:
    """The owners of tokens who are no users of the data set: they are users, too."""
    known = world.objects.held["user"]
    names = {users.number(token["user"]): token["user"] for token in world.tokens("align")}
    return {number: _owner(number, name) for number, name in names.items() if number not in known}


def _owner(number: int, user: str) -> ObjectRecord:
    name = users.display_name(user)
    first, _, last = name.partition(" ")
    empty: ObjectRecord = {each.name: [] if each.kind == "ints" else None for each in OBJECTS["user"].fields.values()}
    named = {
        "firstName": first,
        "lastName": last or first,
        "fullName": name,
        "email": users.email(user),
        "status": "Active",
    }
    return {**empty, "id": number, "uid": number, **named}


def _error(refused: ObjectRefusal) -> ErrorAnswer:
    if refused.status == 400:
        return invalid(refused.about or "$", refused.message)
    return problem(refused.status, refused.message)


def _not_allowed(*methods: str) -> ErrorAnswer:
    return ErrorAnswer(Response(status=405, headers={"Allow": ", ".join(methods)}))


# -- methods ---------------------------------------------------------------------------------------


def _answered(call: ObjectCall) -> Answering:
    method, single = call.request.method, call.record_id is not None
    allowed = call.described.methods(single=single)
    if single and call.options.single_get == "405":
        allowed = tuple(each for each in allowed if each != "GET")
    if method not in allowed:
        raise _not_allowed(*allowed)
    if method == "GET":
        query = query_options.parse(call.request.pairs, call.described, call.ways, single=single)
        return lambda: _read(call, query)
    if call.token.get("portfolio") is not None:
        raise problem(403, "You do not have permission to perform this action.")
    return _written(call)


def _read(call: ObjectCall, query: query_options.ObjectQuery) -> Response:
    try:
        if call.record_id is not None:
            return answer(_shaped(call, _existing(call), query), notes=query.notes)
        found = answers.rows(call.described, call.records.values(), query, call.lookup)
        return answer([_shaped(call, record, query) for record in found], notes=query.notes)
    except ObjectRefusal as refused:
        raise _error(refused) from refused


def _existing(call: ObjectCall) -> ObjectRecord:
    record = call.records.get(call.record_id or 0)
    if record is None:
        raise not_found(f"{call.described.name} {call.record_id}")
    return record


def _shaped(call: ObjectCall, record: ObjectRecord, query: query_options.ObjectQuery) -> Json:
    return answers.shaped(call.described, record, query, call.lookup, call.address, call.ways)


def _written(call: ObjectCall) -> Response:
    media_type = call.request.content_type.partition(";")[0].strip().lower()
    if JSON_TYPE.fullmatch(media_type) is None:
        raise problem(415, f"A body is sent as application/json, not as {media_type or 'nothing'}.")
    try:
        body = call.request.json()
    except ValueError as error:
        raise invalid("$", f"The body is not valid JSON: {error}.") from error
    writing = changes.ObjectWrite(
        described=call.described,
        stock=call.world.objects,
        ways=call.ways,
        steps=call.world.step_names(),
        user=users.number(call.token["user"]),
        now=as_written(dt.datetime.now(dt.UTC)),
    )
    if call.request.method == "POST":
        return _created(call, writing, body)
    record = _existing(call)
    if call.request.method == "PUT":
        changes.replaced(writing, record, body)
    else:
        changes.patch(writing, record, body, media_type)
    return Response(status=204, notes=tuple(writing.notes))


def _created(call: ObjectCall, writing: changes.ObjectWrite, body: object) -> Response:
    """What the answer holds is the switch post_answer; public clients read the bare id from features and stories."""
    if call.described.key == "valuestream":
        number = value_streams.create(call.world, writing, body)
        record = value_streams.records(call.world, call.options)[number]
    else:
        record = changes.created(writing, body)
        number = record["id"]
    location, notes = call.address(f"/{call.described.path}/{number}"), tuple(writing.notes)
    if call.options.post_answer == "empty":
        return Response(status=201, headers={"Location": location}, notes=notes)
    shaped = answers.shaped(call.described, record, query_options.ObjectQuery(), call.lookup, call.address, call.ways)
    return answer(number if call.options.post_answer == "id" else shaped, 201, notes=notes, Location=location)


# -- beside the records ----------------------------------------------------------------------------


def _more(call: ObjectCall, more: str) -> Response:
    """editmeta of an object or of one of its records, and the log of an idea."""
    if more == "editmeta" and call.described.custom_fields:
        shown: object = field_edits.editmeta(call.world, call.described.key)
    elif more == "auditlog" and call.described.key == "idea" and call.record_id is not None:
        shown = _log_of(_existing(call))
    else:
        raise nothing_here()
    if call.request.method != "GET":
        raise _not_allowed("GET")
    if call.record_id is not None:
        _existing(call)
    return answer(shown)


def _log_of(record: ObjectRecord) -> list[Json]:
    """As the one public client reads it: a time that is sorted as text, and HTML."""
    moments = [(record["createDate"], "Created")]
    if record["lastUpdatedDate"] is not None:
        moments.append((record["lastUpdatedDate"], "Changed"))
    return [
        {"auditTimeStamp": at, "details": f"<field>Idea</field><value>{word}</value>"} for at, word in moments if at
    ]


def _columns(request: SandboxRequest, name: str) -> Response:
    """What a grid of an object can show; public clients read such a list, and no source describes it."""
    described = BY_PATH.get(name)
    if described is None:
        raise nothing_here()
    if request.method != "GET":
        raise _not_allowed("GET")
    return answer(
        [
            {"id": place, "fieldName": each.name, "columnName": each.name, "order": place, "isVisible": place <= 8}
            for place, each in enumerate(described.fields.values(), start=1)
        ]
    )
