"""JSON Patch (RFC 6902) on one record, which is as deep as a field and an element of a collection."""

from typing import Any

from .table import ObjectType, ShownObject
from .ways import ObjectRefusal

OPERATIONS = ("add", "remove", "replace", "test", "copy", "move")


def patched(described: ObjectType, document: ShownObject, operations: list[Any]) -> dict[str, Any]:
    """The values of the fields that the operations touch, as they are after all of them."""
    result = {name: list(value) if isinstance(value, list) else value for name, value in document.items()}
    touched: dict[str, None] = {}
    for operation in operations:
        name, place = _target(described, document, operation, "path")
        _carry_out(described, result, operation, name, place)
        if operation["op"] == "move":
            touched[_target(described, document, operation, "from")[0]] = None
        if operation["op"] != "test":
            touched[name] = None
    return {name: result[name] for name in touched}


def _target(described: ObjectType, document: ShownObject, operation: Any, member: str) -> tuple[str, str | None]:
    """The field that a pointer leads to, and the place in a collection if it leads into one."""
    if not isinstance(operation, dict) or operation.get("op") not in OPERATIONS:
        raise ObjectRefusal(400, f"An operation of a JSON Patch has an op: {', '.join(OPERATIONS)}.", "op")
    pointer = operation.get(member)
    if not isinstance(pointer, str) or not pointer.startswith("/"):
        raise ObjectRefusal(400, f"{member} is a pointer such as /title, not {pointer!r}.", member)
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]
    if len(parts) > 1 and parts[0].lower() == "customfields":
        parts = parts[1:]
    known = described.field(parts[0])
    name = known.name if known is not None else parts[0].lower()
    if known is None and not (name.startswith("customfield_") and name in document):
        raise ObjectRefusal(400, f"The target location specified by path '{pointer}' was not found.", member)
    if len(parts) > 2 or (len(parts) == 2 and not (known is not None and known.kind == "ints")):
        raise ObjectRefusal(400, f"The target location specified by path '{pointer}' was not found.", member)
    return name, parts[1] if len(parts) == 2 else None


def _carry_out(
    described: ObjectType, result: ShownObject, operation: dict[str, Any], name: str, place: str | None
) -> None:
    op = operation["op"]
    _refuse_no_list(result, name, place)
    if op in ("add", "replace", "test") and "value" not in operation:
        raise ObjectRefusal(400, f"The operation {op} needs a value.", "value")
    if op in ("copy", "move"):
        origin, origin_place = _target(described, result, operation, "from")
        _refuse_no_list(result, origin, origin_place)
        value = _at(result, origin, origin_place)
        if op == "move":
            _remove(described, result, origin, origin_place)
        _put(result, name, place, value, insert=True)
    elif op == "remove":
        _remove(described, result, name, place)
    elif op == "test":
        if _at(result, name, place) != operation["value"]:
            raise ObjectRefusal(
                400, f"The current value of {operation['path']} is not the one that was tested for.", "test"
            )
    else:
        _put(result, name, place, operation["value"], insert=op == "add")


def _refuse_no_list(result: ShownObject, name: str, place: str | None) -> None:
    """An operation before may have put something else in its place."""
    if place is not None and not isinstance(result[name], list):
        raise ObjectRefusal(400, f"{name} is no list.", "path")


def _at(result: ShownObject, name: str, place: str | None) -> Any:
    value = result[name] if place is None else result[name][_index(result, name, place)]
    return list(value) if isinstance(value, list) else value


def _put(result: ShownObject, name: str, place: str | None, value: Any, *, insert: bool) -> None:
    if place is None:
        result[name] = value
    elif insert and place == "-":
        result[name].append(value)
    elif insert:
        result[name].insert(_index(result, name, place, end=1), value)
    else:
        result[name][_index(result, name, place)] = value


def _remove(described: ObjectType, result: ShownObject, name: str, place: str | None) -> None:
    if place is not None:
        del result[name][_index(result, name, place)]
        return
    known = described.fields.get(name)
    result[name] = [] if known is not None and known.kind == "ints" else None


def _index(result: ShownObject, name: str, place: str, end: int = 0) -> int:
    if not (place.isascii() and place.isdigit()) or len(place) > 9 or int(place) >= len(result[name]) + end:
        raise ObjectRefusal(400, f"{name} has no element {place}.", "path")
    return int(place)
