"""Which rows of a week are a person's own changes: nobody signs a week off in which there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Min, Q

from alignadmin.accounts.models import Person
from connectors.history.reviews import week_counts, weeks
from connectors.history.reviews.weeks import Week
from connectors.history.search.people_terms import PARTS, is_part
from connectors.models import HistoryRow

# What a reviewer does as such, and what everybody does with their own account, changes nothing that is reviewed.
REVIEWING = ("history.", "question.", "case.", "log.", "pack.", "schedule.", "view.")
MOST = 20  # are named


def own_changes(person: Person, week: Week) -> list[HistoryRow]:
    """The first rows of the week in which the person has a part: as author, planner, approver, applier or actor.

    By the number of the person, which nobody changes. Only the user of a line that no act of ours is behind is compared
    by name and e-mail: Align's log has nothing else of anybody.
    """
    rows = weeks.rows_of(week).exclude(_no_changes(person))
    return list(rows.filter(_is_of(person)).order_by("at", "id")[:MOST])


@dataclass(frozen=True, kw_only=True)
class OwnPart:
    """How many rows of a week are a person's own changes, and one of them."""

    rows: int
    one: HistoryRow


def own_parts(person: Person, chosen: Sequence[Week]) -> dict[Week, OwnPart]:
    """Of those weeks that have any, in two queries."""
    if not chosen:
        return {}
    rows = HistoryRow.objects.exclude(_no_changes(person)).filter(_is_of(person))
    counts: dict[Week, tuple[int, int]] = {}
    for week, found in week_counts.by_day(rows, chosen)(rows=Count("pk"), one=Min("pk")):
        total, one = counts.get(week, (0, found["one"]))
        counts[week] = (total + found["rows"], min(one, found["one"]))
    ones = HistoryRow.objects.in_bulk([one for _, one in counts.values()])
    return {week: OwnPart(rows=total, one=ones[one]) for week, (total, one) in counts.items() if one in ones}


def _is_of(person: Person) -> Q:
    return is_part(PARTS["actor"], person.pk) | _by_name(person)


def _by_name(person: Person) -> Q:
    at_align = Q(person_name__iexact=person.email)
    if person.name:
        at_align |= Q(person_name__iexact=person.name)
    return Q(entry_seq=None) & at_align


def _no_changes(person: Person) -> Q:
    found = Q(action__startswith="person.", object_name=f"person {person.pk}")
    for prefix in REVIEWING:
        found |= Q(action__startswith=prefix)
    return found
