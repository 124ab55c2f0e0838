"""Names that hold what the log, HTML, a sheet or a terminal would take for its own: they come out as they went in."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from alignadmin import csv_safe
from alignadmin.accounts.models import Person, Role
from connectors.align.audit_sentences import CREATED, DELETED, UPDATED, parse, write
from connectors.history.intake.pasted_log import read_lines
from connectors.models import Case, Connector, HistoryRow, Intake, MirrorLine
from tests.connectors.history.mirror.test_audit_join import NOON, OURS, align, minutes, ours, theirs, told
from tests.support.events import EVENT
from tests.support.intake_helpers import take_in

if TYPE_CHECKING:
    from tests.conftest import SignIn

__all__ = ["align"]

NAMES = {
    "arrow": "Ready → Done",
    "typed arrow": "a -> b => c",
    "brackets": "] → [x] (5) [",
    "from to": "Old] To [New",
    "dashes": "a - b – c — d",
    "quotes": "\"double\" 'single' “typed”",
    "line break": "first\nsecond\r\nthird",
    "tab": "a\tb",
    "formula": '=HYPERLINK("http://evil.test","x")',
    "plus": "+1+1",
    "minus": "-2+3",
    "at": "@SUM(A1)",
    "leading tab": "\t=1",
    "right to left": "\u202eevil\u202c \u05e9\u05dc\u05d5\u05dd",
    "tag": "<script>alert(1)</script>&amp;",
    "field": "x, AlignStateId: 5 Deleted mapping: [y]",
    "long": "n" * 10_000,
}
EACH = pytest.mark.parametrize("name", [pytest.param(name, id=key) for key, name in NAMES.items()])


def as_upload(description: str) -> str:
    """The four columns as a spreadsheet writes them: whatever is inside, quoted."""
    sheet = io.StringIO()
    csv.writer(sheet, delimiter="\t", quoting=csv.QUOTE_ALL).writerow(
        ("CONFIG 123", "Jira Align System", "2026-11-20 12:00:00", description)
    )
    return sheet.getvalue()


@EACH
def test_a_name_survives_writing_reading_and_the_four_columns(name: str) -> None:
    for action in (CREATED, UPDATED, DELETED):
        event = replace(EVENT, action=action, source_name=name, before_name=f"{name} 1", after_name=f"{name} 2")
        sentence = write(event)
        (line,) = read_lines(as_upload(sentence), NOON.tzinfo)  # type: ignore[arg-type]
        assert (line.description, line.problem) == (sentence.strip(), "")
        parsed = parse(line.description, line.type)
        assert parsed.event is not None
        assert parsed.ambiguous or parsed.event.source_name.strip() == name.strip()


@EACH
def test_a_name_survives_intake_join_pages_and_search(
    align: Connector, people: dict[Role, Person], signed_in: SignIn, name: str
) -> None:
    event = replace(EVENT, source_name=name, before_name=f"{name} 1", after_name=f"{name} 2")
    take_in(align, as_upload(write(event)), intake=Intake.UPLOAD, actor=people[Role.REVIEWER])
    assert MirrorLine.objects.get().description == write(event).strip()
    again = take_in(align, as_upload(write(event)), intake=Intake.UPLOAD, actor=people[Role.REVIEWER])
    assert (again.new, again.known) == (0, 1)
    reviewer = signed_in(Role.REVIEWER)
    row, case = HistoryRow.objects.get(source="outside"), Case.objects.get()
    for address in (f"/history/{row.number}/", f"/history/cases/{case.pk}/", "/history/cases/", "/history/", "/"):
        page = reviewer.get(address)
        assert page.status_code == 200, address
        assert "<script>alert" not in page.content.decode()
    word = max(re.findall(r"\w+", name), key=len)[:60]  # a whole name may be more than an address holds
    found = reviewer.get(reverse("history"), {"q": word})
    assert found.status_code == 200
    assert f"/history/{row.number}/" in found.content.decode() or f"row={row.number}" in found.content.decode()
    ours(align, (event, minutes(1)))
    assert HistoryRow.objects.filter(source=OURS, line__isnull=False).count() == 1


@EACH
def test_a_name_is_no_formula_in_a_sheet_and_comes_back_whole(name: str) -> None:
    sent = csv_safe.lines([(name, "next")]).decode()
    ((cell, following),) = csv.reader(io.StringIO(sent, newline=""))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert (csv_safe.unguarded(cell), following) == (name, "next")


def test_a_line_that_no_grammar_reads_is_kept_with_its_hostile_text(align: Connector, signed_in: SignIn) -> None:
    text = "\u202e=cmd|' /C calc'!A0 <b>" + "→[" * 5000
    theirs(align, replace(told(EVENT, NOON), description=text))
    row = HistoryRow.objects.get(parsed=False)
    page = signed_in(Role.REVIEWER).get(f"/history/{row.number}/").content.decode()
    assert "&lt;b&gt;" in page
    assert not Case.objects.exists()
