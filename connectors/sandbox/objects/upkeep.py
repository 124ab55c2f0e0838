"""What a person does to an object in Align: changes it, moves it, puts it into the recycle bin, deletes it for good."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .changes import ObjectWrite, patch
from .objects import BY_PATH, OBJECTS
from .stock import Held, Stock
from .table import ObjectField, ObjectRecord, ObjectType
from .ways import ObjectRefusal, Ways

Gone = Mapping[str, Collection[int]]  # by object the ids of what is deleted


def described_as(name: str) -> ObjectType:
    """By its key or one of its addresses. ValueError if there is none."""
    found = OBJECTS.get(name) or BY_PATH.get(name.lower())
    if found is None:
        raise ValueError(f"there is no object {name}; there are {', '.join(OBJECTS)}")
    return found


def changed(
    stock: Stock, name: str, number: int, values: Mapping[str, Any], *, steps: Mapping[int, str], user: int, now: str
) -> ObjectRecord:
    """Whatever the API may set at this site. ValueError says what does not fit."""
    described = described_as(name)
    writing = ObjectWrite(described=described, stock=stock, ways=Ways(), steps=steps, user=user, now=now)
    try:
        return patch(writing, _record(stock, described, number), dict(values), "")
    except ObjectRefusal as refused:
        raise ValueError(refused.message) from refused


def step_renamed(stock: Stock, step: int, name: str) -> None:
    """Each item of work that is in this step shows its new name."""
    stock.write(
        {
            key: {
                number: {**record, "processStepName": name}
                for number, record in records.items()
                if record["processStepId"] == step
            }
            for key, records in stock.held.items()
            if "processStepId" in OBJECTS[key].fields
        }
    )


def _record(stock: Stock, described: ObjectType, number: int) -> ObjectRecord:
    found = stock.held.get(described.key, {}).get(number)
    if found is None:
        raise ValueError(f"there is no {described.name} {number}")
    return found


# -- deleting --------------------------------------------------------------------------------------


def deleted(stock: Stock, name: str, number: int) -> ObjectRecord:
    """With every link to it, as a person's deletion leaves none behind; what cannot be without it goes, too.

    1. What needs a record that goes, goes as well, until nothing more does.
    2. What stays loses its links to all of that. Everything is written at once.
    """
    described = described_as(name)
    record = _record(stock, described, number)
    gone: dict[str, set[int]] = {described.key: {number}}
    fresh: Gone = gone
    while fresh:
        fresh = _needing(stock.held, fresh, gone)
        for key, numbers in fresh.items():
            gone.setdefault(key, set()).update(numbers)
    changes: dict[str, dict[int, ObjectRecord | None]] = {key: dict.fromkeys(numbers) for key, numbers in gone.items()}
    for key, each, unlinked in _unlinked(stock.held, gone):
        changes.setdefault(key, {})[each] = unlinked
    stock.write(changes)
    return record


def _links(key: str, gone: Gone) -> list[ObjectField]:
    """The fields of an object that lead to something of which records go."""
    return [each for each in OBJECTS[key].fields.values() if each.target in gone]


def _needing(held: Held, fresh: Gone, gone: Gone) -> dict[str, set[int]]:
    """What stays so far and has to have a link to something that has just gone."""
    found: dict[str, set[int]] = {}
    for key, records in held.items():
        fields = [each for each in _links(key, fresh) if each.required and not each.is_collection]
        needing = {
            number
            for number, record in records.items()
            if any(record[each.name] in fresh[each.target] for each in fields)
        }
        if needing := needing - set(gone.get(key, ())):
            found[key] = needing
    return found


def _unlinked(held: Held, gone: Gone) -> Iterator[tuple[str, int, ObjectRecord]]:
    """What stays and had a link to something that goes, without it."""
    for key, records in held.items():
        fields = _links(key, gone)
        for number, record in records.items() if fields else ():
            if number in gone.get(key, ()):
                continue
            rest = {each.name: _rest(each, record[each.name], gone[each.target]) for each in fields}
            if any(record[name] != value for name, value in rest.items()):
                yield key, number, {**record, **rest}


def _rest(field: ObjectField, value: Any, gone: Collection[int]) -> Any:
    if field.kind == "ints":
        return [each for each in value if each not in gone]
    return None if value in gone else value
