"""An import's report as a file: a line for each issue, with what was sent for it and what became of that."""

from __future__ import annotations

from collections.abc import Iterator

from alignadmin import csv_safe
from mappings.models import ImportLine, ImportRun

COLUMNS = (
    *("Issue", "Jira id", "Type", "Title", "Level", "Act", "State", "Item of Align", "Confirmed", "Below", "Sends"),
    *("Sent at", "Answered at", "Detail", "Lost"),
)
AT_ONCE = 500


def report_csv(run: ImportRun) -> Iterator[bytes]:
    yield csv_safe.BYTE_ORDER_MARK + csv_safe.lines([COLUMNS])
    lines: list[tuple[object, ...]] = []
    for line in run.lines.order_by("position").defer("values").iterator(AT_ONCE):
        lines.append(_cells(line))
        if len(lines) == AT_ONCE:
            yield csv_safe.lines(lines)
            lines = []
    if lines:
        yield csv_safe.lines(lines)


def _cells(line: ImportLine) -> tuple[object, ...]:
    confirmed = "" if line.confirmed is None else "yes" if line.confirmed else "no"
    return (
        line.issue_key,
        line.jira_id,
        line.type_name,
        line.title,
        line.level,
        line.get_act_display(),
        line.get_state_display(),
        line.align_id,
        confirmed,
        line.parent_key,
        line.sends,
        line.sent_at.isoformat() if line.sent_at else "",
        line.answered_at.isoformat() if line.answered_at else "",
        line.detail,
        " ".join(line.losses),
    )
