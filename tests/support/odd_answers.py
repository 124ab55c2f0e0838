"""Answers of Align and Jira in which fields are otherwise than published: missing, null, of another type, huge."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from alignadmin.http.listing import aside_words, read_records

MISSING = object()
WAYS: dict[str, Any] = {
    "missing": MISSING,
    "null": None,
    "a text": "x",
    "a list": [],
    "an object": {},
    "a boolean": True,
    "a fraction": 1.5,
    "2**63": 2**63,
    "negative": -7,
    "a long number": "9" * 5000,
    "a long text": "ä" * 5000,
    "a UUID": "0b7e9c1e-5c4f-4a53-9f0e-0d3a1c2b4e5f",
    "NUL and half a character": "a\0b\ud800c",
    "another case": "case",
    "capitals": "CASE",
}
Path = tuple[str | int, ...]
Read = Callable[[object], Any]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A list of one of the two systems: a record as it is published, and how it is read.

    `other`: what makes it another record.
    """

    name: str
    record: dict[str, Any]
    read: Read
    other: dict[str, Any] = field(default_factory=lambda: {"id": 4711})


def paths_of(value: Any, before: Path = ()) -> Iterator[Path]:
    """Of each field, and of each item of a list inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in items:
        yield (*before, name)
        yield from paths_of(each, (*before, name))


def altered(record: Any, path: Path, way: str) -> Any:
    changed = copy.deepcopy(record)
    *above, last = path
    holder = changed
    for name in above:
        holder = holder[name]
    value = WAYS[way]
    if way in ("another case", "capitals"):
        if isinstance(last, str):
            held = holder.pop(last)
            holder[last.upper() if way == "capitals" else last[:1].upper() + last[1:]] = held
    elif value is MISSING:
        del holder[last]
    else:
        holder[last] = value
    return changed


def in_any_database(value: object) -> None:
    """Every text of what was read can be stored, and every number fits."""
    if isinstance(value, str):
        value.encode()
        assert "\0" not in value
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63
    elif isinstance(value, list | tuple):
        for each in value:
            in_any_database(each)
    elif hasattr(value, "__dataclass_fields__"):
        in_any_database(list(vars(value).values()))


def check_it_is_read_or_set_aside(sample: Sample) -> None:
    """Whatever each of its fields becomes, and the other record of the list is read all the same."""
    good = {**sample.record, **sample.other}
    for path in paths_of(sample.record):
        for way in WAYS:
            row = altered(sample.record, path, way)
            found = read_records([good, row], sample.read)
            assert len(found) + len(found.aside) == 2, (path, way)
            assert found[0] == sample.read(good)
            in_any_database(found)
            in_any_database(aside_words(sample.name, found.aside))
            if way in ("another case", "capitals"):
                assert list(found) == [sample.read(good), sample.read(sample.record)], (path, way)
            for aside in found.aside:
                assert aside.reason.startswith(("The field ", "It is ")), (path, way)


def check_what_is_set_aside_may_be_it(sample: Sample, id_: int | None) -> None:
    """Or a record whose id became unreadable would be taken for gone."""
    names = [str(sample.record[name]) for name in ("name", "projectName", "key", "projectKey") if name in sample.record]
    for path in paths_of(sample.record):
        for way in WAYS:
            found = read_records([altered(sample.record, path, way)], sample.read)
            assert not found.aside or found.may_hold(id_, *names), (path, way)
