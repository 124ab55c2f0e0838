"""The rows that a run has found: encrypted page by page, for that run and that place in it alone.

They are no registered column of sealed values: the check at the start and `/readyz` would read all of them, up to a
hundred megabytes, and they live for a set time. Rows whose key was taken away do not open, and their query is run
again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from alignadmin.sealing import seal, unseal
from connectors.models import QueryPage, QueryRun

Row = dict[str, Any]
PAGE = 100  # rows, of an answer as of a screen


def sealed_page(run: QueryRun, number: int, first: int, rows: Sequence[Row]) -> QueryPage:
    """Not saved yet."""
    page = QueryPage(run=run, number=number, first=first, rows=len(rows))
    page.sealed = seal(json.dumps(rows, ensure_ascii=False, allow_nan=False), bound_to=bound_to(page))
    return page


def bound_to(page: QueryPage) -> str:
    """A constant, whatever the table is called: values that are stored open by it."""
    return f"connectors_querypage|{page.run.uuid}|rows|{page.number}"


def opened(page: QueryPage) -> list[Row]:
    """Raises DoesNotOpen."""
    rows: list[Row] = json.loads(unseal(page.sealed, bound_to=bound_to(page)))
    return rows


def from_row(run: QueryRun, first: int, count: int = PAGE) -> list[Row]:
    """As many rows from this place on, whatever pages the site gave."""
    found: list[Row] = []
    for page in QueryPage.objects.filter(run=run, first__lt=first + count, first__gt=first - PAGE - 1):
        page.run = run
        found += opened(page)[max(0, first - page.first) : max(0, first + count - page.first)]
    return found


def all_of(run: QueryRun) -> Iterator[list[Row]]:
    """Page by page: memory holds one."""
    for number in QueryPage.objects.filter(run=run).values_list("number", flat=True):
        page = QueryPage.objects.filter(run=run, number=number).first()
        if page is None:  # deleted meanwhile
            return
        page.run = run
        yield opened(page)
