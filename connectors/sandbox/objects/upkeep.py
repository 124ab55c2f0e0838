"""What a person does to an object in Align: changes it, moves it, puts it into the recycle bin, deletes it for good."""

from collections.abc import Mapping
from typing import Any

from .changes import ObjectWrite, by_somebody
from .objects import BY_PATH, OBJECTS
from .stock import Stock
from .table import ObjectType, Record
from .ways import ObjectRefusal, Ways


def described_as(name: str) -> ObjectType:
    """By its key or one of its addresses. ValueError if there is none."""
    found = OBJECTS.get(name) or BY_PATH.get(name.lower())
    if found is None:
        raise ValueError(f"there is no object {name}; there are {', '.join(OBJECTS)}")
    return found


def changed(stock: Stock, name: str, number: int, values: Mapping[str, Any], *, user: int, now: str) -> Record:
    """ValueError says what does not fit."""
    described = described_as(name)
    writing = ObjectWrite(described=described, stock=stock, ways=Ways(), user=user, now=now)
    try:
        return by_somebody(writing, _record(stock, described, number), dict(values))
    except ObjectRefusal as refused:
        raise ValueError(refused.message) from refused


def deleted(stock: Stock, name: str, number: int) -> Record:
    """With every link to it, as a person's deletion leaves none behind; what cannot be without it goes, too."""
    described = described_as(name)
    record = _record(stock, described, number)
    stock.drop(described.key, number)
    for other in OBJECTS.values():
        if other.key in stock.held:
            _unlink(stock, other, described.key, number)
    return record


def _unlink(stock: Stock, other: ObjectType, key: str, number: int) -> None:
    fields = [each for each in other.fields.values() if each.target == key]
    for record in list(stock.held[other.key].values()) if fields else []:
        gone: dict[str, Any] = {}
        for each in fields:
            value = record[each.name]
            if each.kind == "ints" and number in value:
                gone[each.name] = [kept for kept in value if kept != number]
            elif value == number:
                gone[each.name] = None
        if any(other.fields[name].required and value is None for name, value in gone.items()):
            deleted(stock, other.key, record["id"])
        elif gone:
            stock.put(other.key, {**stock.held[other.key].get(record["id"], record), **gone})


def _record(stock: Stock, described: ObjectType, number: int) -> Record:
    found = stock.held.get(described.key, {}).get(number)
    if found is None:
        raise ValueError(f"there is no {described.name} {number}")
    return found
