"""The rows of the history's table, drawn in Python: whatever a name is, it stays text."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from django.urls import reverse

from connectors.history.search import rows_html
from connectors.history.search.folding import PlanRows
from connectors.history.verification.row_status import RowStatuses
from connectors.models import Connector, HistoryRow, Source
from connectors.ports.differences import ALTERED, Difference

HOSTILE = "</bdi></td><script>alert('1')</script> \" onclick=alert(2) {0} {x} & \u202e"
TEXTS = (
    "action",
    "work_item_type",
    "project_key",
    "object_name",
    "before_name",
    "after_name",
    "person_name",
    "approver_name",
    "ticket",
    "sentence",
    "source",
    "certainty",
)
TAGS = {"tbody", "tr", "td", "a", "time", "span", "bdi", "b", "br", "small", "details", "summary"}
ATTRIBUTES = {"class", "id", "href", "hx-get", "datetime", "title", "colspan"}


@pytest.fixture(autouse=True, scope="module")
def addresses() -> None:
    """The first address that a process looks for loads all views."""
    reverse("history")


class Markup(HTMLParser):
    """The tags and attributes of a piece of a page, and its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def hostile_row(**values: Any) -> HistoryRow:
    connector = Connector(pk=1, slug="acme", name=HOSTILE, align_connector_id=123)
    fields: dict[str, Any] = dict.fromkeys(TEXTS, HOSTILE)
    fields |= {"pk": 5, "at": datetime(2026, 11, 20, 12, tzinfo=UTC), "connector": connector, "plan": 7, "match": "m"}
    return HistoryRow(**(fields | values))


@pytest.mark.parametrize(
    "row",
    [
        hostile_row(entry_seq=9),
        hostile_row(kind="state", direction="j2a", before_id=1, after_id=2),
        hostile_row(kind="step", action="updated", source=Source.OUTSIDE),
        hostile_row(kind="state", project_stated=False, candidates=[HOSTILE] * 9, parsed=False),
        # As somebody who can write to the database may have left them: still shown, and marked.
        hostile_row(kind="state", project_stated=False, candidates=7, plan=-7, source=Source.OURS),
        hostile_row(before_id=HOSTILE, after_id=HOSTILE, object_id=HOSTILE, kind="state", identical=HOSTILE),
    ],
    ids=["entry", "changed", "outside", "unstated", "altered", "ids"],
)
def test_whatever_stands_in_a_row_stays_text(row: HistoryRow) -> None:
    row.project_now = HOSTILE
    statuses = RowStatuses([], None)
    statuses.differing[row.pk] = [Difference(kind=ALTERED, table="rows", sentence=HOSTILE)]
    options = rows_html.RowOptions(statuses=statuses, own_pages="/history/", row_address="?row=", selected=None)
    group = PlanRows(first=row, more=[row, row, row])
    read = Markup()
    read.feed(rows_html.draw_groups([group], options) + rows_html.project(row))
    assert read.tags <= TAGS
    assert read.attributes <= ATTRIBUTES
    assert HOSTILE in read.texts
    assert any(text.startswith("differs") for text in read.texts)
