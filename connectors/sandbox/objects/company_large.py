"""The objects of the large data set: 20,000 items of work, 500 users, 50 programs; the rest as in the small one."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from . import company, external, fill
from .table import Record

# 20,000 in all.
COUNTS = {"epic": 200, "capability": 300, "feature": 1500, "story": 12_000, "task": 4000, "defect": 2000}
USERS, PROGRAMS, TEAMS = 500, 50, 150
FIRST_IDS = {"epic": 2000, "capability": 2000, "feature": 2000, "story": 2000, "task": 2000, "defect": 2000}
VERBS = ("Show", "Move", "Check", "Archive", "Test", "Book", "Sort", "Print", "Share", "Hide")
THINGS = ("orders", "addresses", "invoices", "accounts", "refunds", "payslips", "calls", "prices", "labels", "reports")


@lru_cache(maxsize=1)
def data() -> Mapping[str, Mapping[int, Record]]:
    """Made when it is first asked for, once in a process; it takes a second."""
    held = {key: dict(records) for key, records in company.data().items()}
    ids: dict[str, tuple[int, ...]] = {key: tuple(records) for key, records in held.items()}
    for key, count in {"program": PROGRAMS, "team": TEAMS, "user": USERS, **COUNTS}.items():
        first = FIRST_IDS.get(key, 200)
        ids[key] = (*ids[key], *range(first, first + count - len(ids[key])))
    maker = fill.Maker(ids)
    for key in ("program", "team", "user", *COUNTS):
        known = len(held[key])
        for place, given in _given(key, ids, known):
            held[key][given["id"]] = maker.record(key, place, given)
    # The small set keeps its own records as they are.
    linked = {key: {number: dict(record) for number, record in records.items()} for key, records in held.items()}
    external.link(linked, large=True)
    return linked


def _given(key: str, ids: Mapping[str, tuple[int, ...]], known: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for place in range(known, len(ids[key])):
        number = ids[key][place]
        title = f"{VERBS[place % 10]} {THINGS[place // 10 % 10]} {place}"
        if key == "user":
            yield (
                place,
                {
                    "id": number,
                    "uid": number,
                    "firstName": VERBS[place % 10],
                    "lastName": f"Person {place}",
                    "fullName": f"{VERBS[place % 10]} Person {place}",
                    "email": f"person{place}@acme.test",
                },
            )
        else:
            yield place, {"id": number, ("name" if key == "team" else "title"): title}
