"""What happened last, as few lines as tell it: what belongs to one plan, or to one person at one time, is one line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count
from django.urls import reverse

from alignadmin.accounts.models import Person
from connectors.history.search import visibility
from connectors.models import Connector, HistoryRow

LOOKED_AT = 200  # rows in one reading
MOST_READINGS = 3
MOST_LINES = 10
# What a line shows of its row, and what rows are grouped by: whole rows of two tables take longer than all the rest.
SHOWN = ("at", "action", "sentence", "source", "plan", "person_id", "person_name", "connector", "entry_seq", "line")
ONE_TIME = timedelta(minutes=30)  # between two acts of a person that are told together


@dataclass
class Activity:
    """The newest row of its group, and how many more of the same plan, or of a person's same act, came before."""

    row: HistoryRow
    oldest: HistoryRow
    more: int = 0

    @property
    def href(self) -> str:
        """The plan where it is one, else the newest entry."""
        if self.row.plan:
            return reverse("plan", args=[self.row.plan])
        return reverse("history-row", args=[self.row.number])

    def takes(self, row: HistoryRow) -> bool:
        if self.row.connector_id != row.connector_id:
            return False
        if self.row.plan or row.plan:
            return self.row.plan == row.plan
        is_same = (row.source, row.action, row.person_id, row.person_name) == (
            self.row.source, self.row.action, self.row.person_id, self.row.person_name,
        )  # fmt: skip
        return is_same and self.oldest.at - row.at <= ONE_TIME


def grouped(rows: Iterable[HistoryRow]) -> list[Activity]:
    """Of `rows`, newest first; a row joins the line of its plan wherever that stands, else the line right before it."""
    found: list[Activity] = []
    of_plan: dict[tuple[int | None, int], Activity] = {}
    for row in rows:
        line = of_plan.get((row.connector_id, row.plan)) if row.plan else None
        if line is None and found and found[-1].takes(row):
            line = found[-1]
        if line is not None:
            line.more, line.oldest = line.more + 1, row
            continue
        found.append(Activity(row=row, oldest=row))
        if row.plan:
            of_plan[row.connector_id, row.plan] = found[-1]
    return found[:MOST_LINES]


def last_activity(person: Person, connector: Connector | None = None) -> list[Activity]:
    """Of what this person sees of the history, of one connector or of all. A plan is read no further than it takes to
    know of it, so that a large one leaves room for what was before it.
    """
    seen = visibility.rows(person) if connector is None else visibility.rows(person).filter(connector=connector)
    rows = seen.only(*SHOWN).order_by("-at", "-id")
    found: list[HistoryRow] = []
    for _ in range(MOST_READINGS):
        plans = {row.plan for row in found if row.plan}
        older = rows.exclude(plan__in=plans) if plans else rows
        if found:
            older = older.filter(at__lte=found[-1].at).exclude(pk__in=[row.pk for row in found])
        read = list(older[:LOOKED_AT])
        found += read
        if len(read) < LOOKED_AT or len(grouped(found)) == MOST_LINES:
            break
    lines = grouped(found)
    of_lines = {connector.pk: connector} if connector else _connectors_of(lines)
    for line in lines:
        line.row.connector = of_lines[line.row.connector_id] if line.row.connector_id else None
    shown = visibility.rows(person).filter(plan__in=[line.row.plan for line in lines if line.row.plan]).order_by()
    counts = shown.values_list("connector_id", "plan").annotate(rows=Count("pk"))
    numbers = {(connector, plan): number for connector, plan, number in counts}
    for line in lines:
        line.more = numbers.get((line.row.connector_id, line.row.plan), line.more + 1) - 1
    return lines


def _connectors_of(lines: Iterable[Activity]) -> dict[int, Connector]:
    return Connector.objects.in_bulk({line.row.connector_id for line in lines if line.row.connector_id})
