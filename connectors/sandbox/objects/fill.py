"""Records out of a few given values: what is left out is made by rule, so that each field is null now and then.

The rules depend on the place of a record alone: the same data in every run, whatever is asked for first.
"""

import datetime as dt
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .objects import OBJECTS
from .table import ObjectField, ObjectRecord, ObjectType

Ids = Mapping[str, Sequence[int]]
Rule = Callable[[int], Any]  # the place of a record to its value of one field
NULL_EVERY = 5
FIRST_DAY = dt.datetime(2025, 9, 1, 8, 0, tzinfo=dt.UTC)
STATES = 6
STEPS: Mapping[int, str] = {501: "Funnel", 502: "Analysis", 503: "Building", 504: "Validating", 505: "Launched"}
TEXTS: Mapping[str, tuple[str, ...]] = {
    "description": ("Agreed with the business owner.", "Taken over from last year's plan.", "Asked for by customers."),
    "blockedReason": ("Waits for a supplier.", "Waits for a decision."),
    "status": ("Open", "In progress", "Closed"),
    "color": ("#2d6cdf", "#1f845a", "#b65c02"),
    "reportColor": ("#2d6cdf", "#1f845a"),
    "jiraProjectKey": ("PROJ", "PAY", "MOB"),
    "externalProject": ("PROJ", "PAY", "MOB"),
    "timeZone": ("Europe/Berlin", "America/New_York", "Asia/Tokyo"),
    "userType": ("Full", "Integrated"),
    "employeeClassification": ("Employee", "Contractor"),
    "action": ("Login", "Logout"),
    "rpmType": ("User", "System"),
    "riskType": ("Schedule", "Technical", "Budget"),
    "flag": ("eu", "us", "jp"),
}
NAMED: Mapping[str, tuple[int, ...]] = {  # ids of what has no list of its own, or one elsewhere in the sandbox
    "connectorId": (123,),
    "processStepId": tuple(STEPS),
    "impact": (1, 2, 3, 4, 5),
    "priority": (1, 2, 3, 4, 5),
}


class Maker:
    """Makes the records of one data set. `ids`: of every object in it, in the order of their places."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._rules: dict[str, tuple[tuple[str, Rule], ...]] = {}

    def record(self, key: str, place: int, given: Mapping[str, Any]) -> ObjectRecord:
        """One record; `place` counts from 0 within its object."""
        made = {name: given[name] if name in given else rule(place) for name, rule in self._rules_of(key)}
        if "processStepId" in made:
            made["processStepName"] = STEPS.get(made["processStepId"])
            made["blockedReason"] = made["blockedReason"] if made["isBlocked"] else None
        return made

    def records(self, key: str, columns: str, rows: Iterable[Sequence[Any]]) -> dict[int, ObjectRecord]:
        """By id, from rows whose columns are named with blanks between them; the first column is the id."""
        names = columns.split()
        made = (self.record(key, place, dict(zip(names, row, strict=True))) for place, row in enumerate(rows))
        return {each["id"]: each for each in made}

    def _rules_of(self, key: str) -> tuple[tuple[str, Rule], ...]:
        if key not in self._rules:
            described = OBJECTS[key]
            self._rules[key] = tuple(
                (name, _rule(described, field, self._ids)) for name, field in described.fields.items()
            )
        return self._rules[key]


def _rule(described: ObjectType, field: ObjectField, ids: Ids) -> Rule:
    salt = zlib.crc32(f"{described.key}.{field.name}".encode()) % 97
    value = _value_rule(described, field, ids, salt)
    if field.name == "customFields":
        return lambda _: None
    if field.required or field.name in ("id", "createDate", "createdBy"):
        return value
    if field.is_collection:
        return lambda place: [] if (place + salt) % NULL_EVERY == 3 else value(place)
    return lambda place: None if (place + salt) % NULL_EVERY == 3 else value(place)


def _value_rule(described: ObjectType, field: ObjectField, ids: Ids, salt: int) -> Rule:
    known = ids.get(field.target) or NAMED.get(field.name, ())
    if field.target == described.key and field.kind == "int":
        # A parent of the same object comes before its child, so that there is no circle.
        return lambda place: None if place == 0 else ids[field.target][(place - 1) // 2]
    if field.kind == "ints":
        pool = known or (1, 2, 3, 5, 8, 13, 23)
        return lambda place: sorted({pool[(place + salt) % len(pool)], pool[(place * 3 + salt) % len(pool)]})
    if known:
        return lambda place: known[(place * 3 + salt) % len(known)]
    return _plain_rule(field, salt)


def _plain_rule(field: ObjectField, salt: int) -> Rule:
    if field.kind == "bool":
        return lambda place: (place + salt) % 2 == 0
    if field.kind == "number":
        return lambda place: (place * 5 + salt) % 40 / 2
    if field.kind == "int":
        top = STATES if field.name in ("state", "status") else 10
        return lambda place: (place * 3 + salt) % top
    if field.kind == "date":
        later = 260 if field.name == "lastUpdatedDate" else 0  # than any date on which something was made
        return lambda place: as_written(FIRST_DAY + dt.timedelta(days=place * 11 % 160 + salt + later, hours=place % 9))
    texts = TEXTS.get(field.name)
    if texts is None:
        words = re.sub(r"([A-Z])", r" \1", field.name).capitalize()
        return lambda place: f"{words} {place + 1}"
    return lambda place: texts[(place + salt) % len(texts)]


def as_written(value: dt.datetime) -> str:
    """As Align writes a moment: in UTC, without fractions."""
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


WORK_ITEMS = ("epic", "capability", "feature", "story", "task", "defect")


def work_items(held: Mapping[str, Mapping[int, ObjectRecord]]) -> dict[int, ObjectRecord]:
    """The rows of /WorkItems: one for each item of work, with ids of their own that stay with their items."""
    rows: dict[int, ObjectRecord] = {}
    for place, key in enumerate(WORK_ITEMS):
        for item in held[key].values():
            number = item["id"] * 10 + place
            rows[number] = {
                "id": number,
                "itemType": OBJECTS[key].name,
                "itemId": item["id"],
                "title": item["title"],
                "state": item["state"],
                "ownerId": item["ownerId"],
                "programId": _program_of(key, item, held),
                "lastUpdatedDate": item["lastUpdatedDate"],
            }
    return dict(sorted(rows.items()))


def _program_of(key: str, item: ObjectRecord, held: Mapping[str, Mapping[int, ObjectRecord]]) -> Any:
    if key == "task":
        return held["story"][item["storyId"]]["programId"]
    return item["primaryProgramId" if key == "epic" else "programId"]
