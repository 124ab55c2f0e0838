"""Which items of work came from Jira: their keys and ids, as the issues of the sandbox's Jira have them.

The connector brings epics as features, stories, bugs as defects and sub-tasks as tasks. An item stands in the project
of what it belongs to. Everything else of Align was made in Align and has no external key.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from .table import Record

Held = Mapping[str, dict[int, Record]]
KINDS = (("feature", ""), ("story", "featureId"), ("defect", "featureId"), ("task", "storyId"))
CONNECTOR = 123
# Projects of the small data set by their programs, each with its id in Jira.
SMALL: Mapping[int, Sequence[tuple[str, int]]] = {
    11: (("PAY", 10001), ("MOB", 10002), ("WEB", 10005)),
    12: (("IDN", 10003), ("PROJ", 10000)),
    13: (("RPT", 10011),),
}
LARGE_FIRST, LARGE_LAST = 19, 1999
MADE_IN_ALIGN_EVERY = 5


def link(held: Held, large: bool) -> None:
    """Sets the external fields of all records in place, before anybody else has them."""
    for records in held.values():
        for record in records.values():
            if "externalKey" in record:
                _forget(record)
    last: dict[str, int] = defaultdict(int)
    for key, above in KINDS:
        project_of = _project_of(held, key, above, large)
        for record in held[key].values():
            project = project_of(record)
            if project is not None:
                name, number = project
                last[name] += 1
                _set(record, name, number, last[name])


def _project_of(held: Held, key: str, above: str, large: bool) -> Callable[[Record], tuple[str, int] | None]:
    parents = held["story" if above == "storyId" else "feature"]

    def project(record: Record) -> tuple[str, int] | None:
        if not above:
            return _of_a_feature(record, large)
        parent = parents.get(record[above]) if record[above] is not None else None
        made_in_align = record["id"] % MADE_IN_ALIGN_EVERY == 0
        if parent is None or parent["externalKey"] is None or made_in_align:
            return None
        return parent["externalProject"], int(parent["externalId"]) // 10_000

    return project


def _of_a_feature(record: Record, large: bool) -> tuple[str, int] | None:
    number = record["id"]
    if number < 2000:
        known = SMALL.get(record["programId"], ())
        return known[number % len(known)] if known else None
    if not large or number % MADE_IN_ALIGN_EVERY == 0:
        return None
    place = LARGE_FIRST + (number - 2000) % (LARGE_LAST + 1 - LARGE_FIRST)
    return f"L{place:04d}", 30_000 + place


def _set(record: Record, project: str, project_id: int, number: int) -> None:
    record["connectorId"] = CONNECTOR
    record["externalKey"] = f"{project}-{number}"
    record["externalId"] = str(project_id * 10_000 + number)
    record["externalProject"] = record["jiraProjectKey"] = project
    record["isExternal"] = True


def _forget(record: Record) -> None:
    none: Record = {"externalKey": None, "externalId": None, "externalProject": None, "isExternal": False}
    record.update((name, value) for name, value in none.items() if name in record)
