"""Recent activity: which rows are one line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.models import HistoryRow
from mappings.overview.activity import MOST_LINES, grouped

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def row(minutes: int, action: str, *, plan: int | None = None, person: int = 1, connector: int = 1) -> HistoryRow:
    """So many minutes before noon."""
    return HistoryRow(
        at=NOON - timedelta(minutes=minutes), action=action, plan=plan, person_id=person, connector_id=connector
    )


def lines(*rows: HistoryRow) -> list[tuple[str, int]]:
    return [(line.row.action, line.more) for line in grouped(rows)]


def test_rows_of_a_plan_are_one_line_whatever_stands_between_them() -> None:
    found = lines(row(0, "updated", plan=7), row(1, "signed"), row(2, "updated", plan=7), row(90, "made", plan=7))
    assert found == [("updated", 2), ("signed", 0)]


def test_the_plans_of_two_connectors_are_two_lines() -> None:
    assert lines(row(0, "a", plan=7), row(1, "b", plan=7, connector=2), row(2, "c", plan=8)) == [
        ("a", 0), ("b", 0), ("c", 0),
    ]  # fmt: skip


def test_one_person_s_same_acts_at_one_time_are_one_line() -> None:
    assert lines(row(0, "edited"), row(29, "edited"), row(58, "edited")) == [("edited", 2)]
    assert lines(row(0, "edited"), row(31, "edited")) == [("edited", 0), ("edited", 0)]
    assert lines(row(0, "edited"), row(1, "edited", person=2)) == [("edited", 0), ("edited", 0)]
    assert lines(row(0, "edited"), row(1, "undone"), row(2, "edited")) == [("edited", 0), ("undone", 0), ("edited", 0)]
    assert lines(row(0, "edited"), row(1, "edited", plan=7)) == [("edited", 0), ("edited", 0)]


def test_no_more_lines_than_fit() -> None:
    assert len(grouped(row(n, f"act {n}") for n in range(40))) == MOST_LINES
