"""What a POST, a PUT or a PATCH makes of a record: each value is checked by the table, or the request is refused.

A PUT replaces: what it leaves out becomes null. A PATCH changes what it names. Names are taken in any case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import custom_fields
from .custom_fields import is_number, is_text
from .filter_tokens import QueryError, moment
from .json_patch import patched
from .stock import Stock
from .table import ObjectField, ObjectRecord, ObjectType, ShownObject
from .ways import ObjectRefusal, Ways

EXTERNAL = ("externalKey", "externalId", "externalProject")
STATE = ("state", "processStepId")


@dataclass(frozen=True, kw_only=True)
class ObjectWrite:
    """One request: to which object, by whom (the id of a user), and at what moment, as Align writes it.

    `steps`: the process steps that there are, with their names. `notes` gathers what was left out without an error.
    """

    described: ObjectType
    stock: Stock
    ways: Ways
    steps: Mapping[int, str]
    user: int
    now: str
    notes: list[str] = field(default_factory=list)


def created(writing: ObjectWrite, body: object, number: int | None = None) -> ObjectRecord:
    """The new record, kept already; `number` where somebody else counts its ids."""
    described = writing.described
    empty: ObjectRecord = {name: _nothing(each) for name, each in described.fields.items()}
    record = _changed(writing, empty, _named(writing, body), complete=True)
    record["id"] = number or writing.stock.next_id(described.key)
    for name, value in (("createdBy", writing.user), ("createDate", writing.now)):
        if name in described.fields:
            record[name] = value
    return _kept(writing, record)


def replaced(writing: ObjectWrite, record: ObjectRecord, body: object) -> ObjectRecord:
    """What cannot be set at this site stays as it is: leaving it out of a PUT does not empty it."""
    given = _named(writing, body)
    whole = {name: _nothing(each) for name, each in writing.described.fields.items() if _can_be_set(writing, each)}
    return _kept(writing, _changed(writing, record, {**whole, **given}, complete=True))


def patch(writing: ObjectWrite, record: ObjectRecord, body: object, media_type: str) -> ObjectRecord:
    """A list is a JSON Patch, an object a merge patch; the media type may say which one it has to be."""
    if isinstance(body, list) and "merge-patch" not in media_type:
        given = patched(writing.described, _document(writing, record), body)
    elif isinstance(body, dict) and "json-patch" not in media_type:
        given = _named(writing, body)
    else:
        raise ObjectRefusal(400, "A JSON Patch is a list of operations, a merge patch is an object.", "$")
    return _kept(writing, _changed(writing, record, given, complete=False))


def _document(writing: ObjectWrite, record: ObjectRecord) -> ShownObject:
    """What a JSON Patch works on: a record with its custom fields beside its own."""
    shown = custom_fields.shown(writing.described.key, record) if writing.described.custom_fields else {}
    return {**{name: value for name, value in record.items() if name != custom_fields.KEPT}, **shown}


def _named(writing: ObjectWrite, body: object) -> dict[str, Any]:
    """The body's values by the names of the table; those of customFields stand beside the others."""
    if not isinstance(body, dict):
        raise ObjectRefusal(400, "A JSON object is expected.", "$")
    described, given = writing.described, {}
    nested = next((value for name, value in body.items() if name.lower() == "customfields"), None)
    if nested is not None and not (isinstance(nested, dict) and described.custom_fields):
        raise ObjectRefusal(400, "customFields is an object of custom fields by their keys.", "customFields")
    for name, value in {**body, **(nested or {})}.items():
        known = described.field(name)
        if name.lower() in ("self", "customfields"):
            continue
        if known is not None:
            given[known.name] = value
        elif described.custom_fields and name.lower() in custom_fields.by_key(described.key):
            given[name.lower()] = value
        elif writing.ways.lenient:
            writing.notes.append(f"{name} is not known: ignored")
        else:
            raise ObjectRefusal(400, f"Could not find a property named '{name}' of {described.name}.", name)
    return given


def _changed(writing: ObjectWrite, record: ObjectRecord, given: Mapping[str, Any], *, complete: bool) -> ObjectRecord:
    """The record with what is given. `complete`: what is required has to be in it."""
    described, changed = writing.described, dict(record)
    for name, value in given.items():
        known = described.fields.get(name)
        if known is not None and _is_taken(writing, known, record.get(name), value):
            changed[name] = _checked(writing, known, value)
    for name, known in described.fields.items():
        if known.required and changed[name] in (None, ""):
            raise ObjectRefusal(400, f"The {name} field is required.", name)
    _check_parents(described, changed, writing.stock)
    if described.custom_fields:
        changed[custom_fields.KEPT] = _custom_values(described, record, given, complete=complete)
    return changed


def _is_taken(writing: ObjectWrite, known: ObjectField, before: Any, value: Any) -> bool:
    """Whether a value is to be set. ObjectRefusal: it may not be."""
    if value == before:
        return False
    if known.read_only:
        raise ObjectRefusal(400, f"{known.name} cannot be set: Align sets it itself.", known.name)
    if _can_be_set(writing, known):
        return True
    if known.name in EXTERNAL:
        writing.notes.append(f"{known.name} is ignored")
        return False
    raise ObjectRefusal(400, f"{known.name} cannot be set over the API at this site.", known.name)


def _can_be_set(writing: ObjectWrite, known: ObjectField) -> bool:
    """At this site: by the table, and by the switches external_key, state_writable and recycle."""
    ways = writing.ways
    switches = ((ways.external_key, EXTERNAL), (ways.state_writable, STATE), (ways.recycle, ("isRecycled",)))
    return not known.read_only and all(is_on or known.name not in names for is_on, names in switches)


def _custom_values(
    described: ObjectType, record: ObjectRecord, given: Mapping[str, Any], *, complete: bool
) -> dict[str, Any]:
    before = {} if complete else custom_fields.values(described.key, record)
    return {
        name: custom_fields.checked(each, given[name] if name in given else before.get(name))
        for name, each in custom_fields.by_key(described.key).items()
    }


def _nothing(known: ObjectField) -> Any:
    return [] if known.kind == "ints" else None


# -- values ----------------------------------------------------------------------------------------


def _checked(writing: ObjectWrite, known: ObjectField, value: Any) -> Any:
    if value is None:
        return _nothing(known)
    if known.kind == "ints":
        return _ids(writing, known, value)
    fits = {
        "int": is_number(value) and isinstance(value, int),
        "number": is_number(value),
        "bool": isinstance(value, bool),
        "text": is_text(value),
        "date": isinstance(value, str),
        "objects": isinstance(value, list),
    }
    if not fits[known.kind]:
        names = {"int": "an integer", "number": "a number", "bool": "a boolean", "objects": "a list"}
        wanted = names.get(known.kind, "a string")
        raise ObjectRefusal(400, f"The JSON value could not be converted to {wanted}: {value!r}.", known.name)
    if known.kind == "date":
        try:
            return f"{moment(value)}Z"
        except QueryError as error:
            raise ObjectRefusal(400, str(error), known.name) from error
    if known.target:
        _check_exists(writing.stock, known, value)
    if known.name == "processStepId" and value not in writing.steps:
        raise ObjectRefusal(400, f"processStepId {value} does not exist.", known.name)
    return value


def _ids(writing: ObjectWrite, known: ObjectField, value: Any) -> list[int]:
    if not isinstance(value, list) or any(isinstance(each, bool) or not isinstance(each, int) for each in value):
        raise ObjectRefusal(400, f"The JSON value could not be converted to a list of integers: {value!r}.", known.name)
    for each in value:
        if known.target:
            _check_exists(writing.stock, known, each)
    return list(dict.fromkeys(value))


def _check_exists(stock: Stock, known: ObjectField, number: int) -> None:
    if number not in stock.held[known.target]:
        raise ObjectRefusal(400, f"{known.name} {number} does not exist.", known.name)


def _check_parents(described: ObjectType, record: ObjectRecord, stock: Stock) -> None:
    """No record is above itself."""
    for name, known in described.fields.items():
        if known.target != described.key or known.is_collection:
            continue
        above, passed = record[name], set()
        while above in stock.held[described.key] and above not in passed:
            if above == record["id"]:
                raise ObjectRefusal(400, f"{name} {record[name]} would be above itself.", name)
            passed.add(above)
            above = stock.held[described.key][above][name]


# -- keeping ---------------------------------------------------------------------------------------


def _kept(writing: ObjectWrite, record: ObjectRecord) -> ObjectRecord:
    """With what Align derives itself."""
    described, held = writing.described, writing.stock.held
    for name, value in (("lastUpdatedBy", writing.user), ("lastUpdatedDate", writing.now)):
        if name in described.fields:
            record[name] = value
    if "processStepId" in described.fields:
        record["processStepName"] = writing.steps.get(record["processStepId"])
    if described.key == "user":
        record.update(uid=record["id"], fullName=f"{record['firstName']} {record['lastName']}")
    if described.key == "releasevehicle":
        release = held["release"].get(record["releaseId"])
        record.update(
            releaseName=release["title"] if release else None,
            storiesCount=len(record["storyIds"]),
            contributingTeamsCount=len(record["teamIds"]),
            contributingProgramsCount=len(record["programIds"]),
        )
    if described.key != "valuestream":  # these stand with the mappings
        writing.stock.put(described.key, record)
    return record
