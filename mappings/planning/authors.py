"""Whose a plan's changes are: who decided on each value, and whose values of the same row it had replaced."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F

from alignadmin.accounts.models import Person
from alignadmin.audit.entries import PersonCopy
from alignadmin.audit.trail import copy_of
from mappings.models import Change, Edit, Mapping, Plan


@dataclass(frozen=True, kw_only=True)
class Authors:
    """Of one row: of its value, of the choice which of several records stays, and the earlier ones of the value."""

    value: Person
    kept: Person
    earlier: Sequence[PersonCopy]


def authors_of(rows: Sequence[Mapping], *, planner: Person) -> dict[int, Authors]:
    """By row. Where nobody knows any more who wanted a value, whoever plans it answers for it."""
    replaced = _replaced(rows)
    return {row.pk: _of_row(row, replaced[row.pk], planner) for row in rows}


def _of_row(row: Mapping, replaced: Sequence[Person], planner: Person) -> Authors:
    author = row.wanted_by or planner
    people = {each.pk: each for each in (row.former_by, *replaced) if each and each.pk != author.pk}
    return Authors(value=author, kept=row.kept_by or author, earlier=[copy_of(each) for each in people.values()])


def _replaced(rows: Sequence[Mapping]) -> defaultdict[int, list[Person]]:
    """Whose values edits have replaced since the row was last in sync, the oldest first."""
    ids = [row.pk for row in rows if row.apart_since]
    edits = Edit.objects.filter(mapping__in=ids, undone=False, before_at__gte=F("mapping__apart_since"))
    found: defaultdict[int, list[Person]] = defaultdict(list)
    for edit in edits.exclude(before_by=None).select_related("before_by").order_by("before_at", "pk"):
        if edit.before_by:
            found[edit.mapping_id].append(edit.before_by)
    return found


def author_of(change: Change) -> PersonCopy | None:
    """As they were when it was planned; None for a change from before that was stored."""
    if change.author_id is None:
        return None
    return PersonCopy(id=change.author_id, name=change.author_name, email=change.author_email, role=change.author_role)


def earlier_of(change: Change) -> list[PersonCopy]:
    return [PersonCopy(**each) for each in change.earlier]


def fields_of(author: Person, earlier: Sequence[PersonCopy]) -> MappingOf[str, object]:
    """As a change stores them."""
    return {
        "author": author,
        "author_name": author.name,
        "author_email": author.email,
        "author_role": author.role,
        "earlier": [vars(each) for each in earlier],
    }


def counted_authors(changes: Sequence[Change]) -> list[dict[str, object]]:
    """Whose changes a plan has, and how many: its entry says so, whatever becomes of the rows."""
    counts = Counter((change.author_id, change.author_name) for change in changes)
    return [{"id": pk, "name": name, "changes": count} for (pk, name), count in sorted(counts.items())]


def people_of(plan: Plan) -> set[int]:
    """Who cannot be its second person: who planned it, and whose edits it holds."""
    return {plan.author_id, *_authors(plan)}


def editors_of(plan: Plan) -> list[Person]:
    """Whose edits the plan holds."""
    return list(Person.objects.filter(pk__in=_authors(plan)).order_by("name", "pk"))


def _authors(plan: Plan) -> set[int]:
    return set(plan.changes.exclude(author=None).order_by().values_list("author", flat=True).distinct())
