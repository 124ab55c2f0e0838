"""What happened last, as few lines as tell it: what belongs to one plan, or to one person at one time, is one line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.urls import reverse

from connectors.models import HistoryRow

LOOKED_AT = 200  # newest rows: a plan of more changes than that is one line that says "and 199 more"
MOST_LINES = 10
ONE_TIME = timedelta(minutes=30)  # between two acts of a person that are told together


@dataclass
class Activity:
    """The newest row of its group, and how many more of the same plan, or of a person's same act, came before."""

    row: HistoryRow
    oldest: HistoryRow
    more: int = 0

    @property
    def href(self) -> str:
        """The plan where it is one, else the entry; of several, the history of just these."""
        if self.row.plan:
            return reverse("plan", args=[self.row.plan])
        if not self.more:
            return reverse("history-row", args=[self.row.number])
        about = {"connector": self.row.connector.slug} if self.row.connector else {}
        return f"{reverse('history')}?{urlencode({**about, 'q': f'action:{self.row.action}'})}"

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


def last_activity() -> list[Activity]:
    return grouped(HistoryRow.objects.select_related("connector").order_by("-at", "-id")[:LOOKED_AT])
