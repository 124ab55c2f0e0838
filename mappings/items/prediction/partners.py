"""Who and what Align has of the names that issues hold: asked for by name, a hundred at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from alignadmin.folding import fold
from connectors.align.client import AlignClient
from connectors.align.object_client import ObjectClient
from connectors.align.objects import OBJECTS
from connectors.align.query import Condition, Q, query_of
from connectors.field_types.value_types import ValueType
from mappings.engine.item_prediction import AlignPartners, AlignPerson, AlignUsers, CarriedPair, ItemRules
from mappings.engine.item_values import current_name, names_in, person_in
from mappings.engine.items import IssueFacts
from mappings.items.prediction.issues import Lotted, lots

USER_FIELDS = ("id", "email", "firstName", "lastName", "fullName")
OF_PEOPLE = (ValueType.USER, ValueType.USERS)
ONE_AT_A_TIME = (ValueType.TIME_FRAME, ValueType.MILESTONE, ValueType.TEAM)
SEVERAL = (ValueType.TIME_FRAMES, ValueType.MILESTONES, ValueType.RELEASES)


def partners_of(align: AlignClient, rules: ItemRules, issues: Iterable[IssueFacts]) -> AlignPartners:
    """ceil(U/100) requests for people by e-mail, as many for those whose e-mail Jira hides, and likewise for the
    names of each kind of thing. Raises RemoteError.
    """
    emails, names, things = _asked(rules, issues)
    users = {each.id: each for each in [*_users(align, "email", emails), *_users(align, "fullName", names)]}
    return AlignPartners(
        users=AlignUsers(users.values()),
        named={target: _ids(align.objects, target, found) for target, found in things.items()},
    )


def people_asked(rules: ItemRules, issues: Iterable[IssueFacts]) -> int:
    """How many people Align is asked for, by e-mail or name."""
    emails, names, _ = _asked(rules, issues)
    return len(emails) + len(names)


def _asked(rules: ItemRules, issues: Iterable[IssueFacts]) -> tuple[set[str], set[str], Mapping[str, set[str]]]:
    emails: set[str] = set()
    names: set[str] = set()
    things: dict[str, set[str]] = defaultdict(set)
    for issue in issues:
        for pair in rules.pairs.get(rules.level_of(issue.type_name), ()):
            value = issue.values.get(pair.jira)
            if value is None or pair.stopped:
                continue
            if pair.type in OF_PEOPLE:
                for name, email in filter(None, map(person_in, value if isinstance(value, list) else [value])):
                    (emails if email else names).add(email or name)
            elif pair.target in OBJECTS and pair.type in (*ONE_AT_A_TIME, *SEVERAL):
                things[pair.target].update(_names(pair, value))
    return emails, names, things


def _names(pair: CarriedPair, value: Any) -> Sequence[str]:
    if pair.type in SEVERAL:
        return names_in(value)
    name = current_name(value)
    return [name] if name else []


def _users(align: AlignClient, field: str, asked: Iterable[str]) -> Iterator[AlignPerson]:
    for row in _rows(align.objects, "user", field, asked, USER_FIELDS):
        whole = " ".join(_text(row, name) for name in ("firstName", "lastName")).strip()
        yield AlignPerson(id=row["id"], name=_text(row, "fullName") or whole, email=_text(row, "email"))


def _ids(objects: ObjectClient, target: str, asked: Iterable[str]) -> dict[str, list[int]]:
    label = OBJECTS[target].label_field
    found: dict[str, list[int]] = defaultdict(list)
    for row in _rows(objects, target, label, asked, ("id", label)):
        found[fold(_text(row, label))].append(row["id"])
    return found


def _rows(
    objects: ObjectClient,
    target: str,
    field: str,
    asked: Iterable[str],
    fields: Sequence[str],
) -> Iterator[dict[str, Any]]:
    for lot in lots(sorted(set(asked))):
        query = query_of(target).select(*fields).where(one_of(field, lot))
        query = query.top(len(lot)) if field == "email" else query  # of which there are no two
        found = objects.rows(query, to_the_end=False)
        yield from (row for row in found if isinstance(row.get("id"), int))


def one_of(field: str, values: Sequence[Lotted]) -> Condition:
    return reduce(or_, (Q(field).eq(value) for value in values))


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
