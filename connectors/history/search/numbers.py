"""The one number of a row, the same in page, address, API and pack: its entry's, else that of its line of Align's log.

"102" is entry 102, "line-57" the 57th line that was mirrored. A row with neither was never made here; it is found by
"row-9", so that whoever hears of it can look at it.
"""

from __future__ import annotations

import re

from django.db.models import QuerySet
from django.http import Http404

from alignadmin.accounts.models import Person
from connectors.history.search import visibility
from connectors.models import HistoryRow

NUMBER = "(?:line-|row-)?[0-9]{1,18}"  # what a database takes for a number has 19 digits


class RowNumber:
    """As a part of an address."""

    regex = NUMBER

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


def find(number: str, rows: QuerySet[HistoryRow]) -> HistoryRow | None:
    """Among these rows, which are narrowed to what the person sees.

    A line that has found its cause stands in the row of that, under the number of its entry.
    """
    if not re.fullmatch(NUMBER, number):
        return None
    kind, _, digits = number.rpartition("-")
    rows = rows.select_related("connector", "line")
    if kind == "row":
        return rows.filter(pk=int(digits), entry_seq=None, line=None).first()
    return rows.filter(**{"line" if kind else "entry_seq": int(digits)}).first()


def found_or_404(number: str, person: Person) -> HistoryRow:
    row = find(number, visibility.rows(person))
    if row is None:
        raise Http404
    return row
