"""Lines of Align's audit log out of an answer whose shape no document tells.

Its columns are found by any of their names, and whether day or month comes first is decided by the whole answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from alignadmin.http.errors import Malformed
from alignadmin.parsing import whole
from connectors.align.audit_columns import MARKUP, NAMES
from connectors.align.audit_markup import plain_description
from connectors.align.audit_times import AskDayOrder, DayOrder, decide_order, in_utc, written_time
from connectors.align.resources import AuditLine

IDS = ("id", "auditlogid", "auditid", "logid")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCKS_APART = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class AuditNames:
    """What a site calls the fields that a list is filtered and ordered by, as it spells them."""

    time: str
    id: str = ""


def names_in(rows: Sequence[object]) -> AuditNames | None:
    """Of the first row that has a time."""
    for row in rows:
        if isinstance(row, dict):
            spelled = {str(name).lower(): str(name) for name in row}
            if time := next((spelled[name] for name in NAMES["timestamp"] if name in spelled), ""):
                return AuditNames(time=time, id=next((spelled[name] for name in IDS if name in spelled), ""))
    return None


def lines_of(rows: Sequence[object], *, since: datetime | None, now: datetime) -> list[AuditLine]:
    """Every row as a line, oldest first; one that cannot be read whole, beside others that can. Raises Malformed."""
    lowered = [
        {str(name).lower(): value for name, value in row.items()} if isinstance(row, dict) else {} for row in rows
    ]
    written = [_text(row, NAMES["timestamp"]) for row in lowered]
    order, is_assumed = _order(written, since, now)
    lines = [_line(*each, order, is_assumed) for each in zip(rows, lowered, written, strict=True)]
    if lines and not any(line.timestamp for line in lines):
        raise Malformed(
            "The answer holds no line of an audit log that can be read: each needs date, time and description."
        )
    return sorted(lines, key=lambda line: (line.timestamp or now, line.id or 0))


def id_of(row: object) -> int | None:
    """None where a site's lines have none."""
    lowered = {str(name).lower(): value for name, value in row.items()} if isinstance(row, dict) else {}
    return _id(lowered)


def _line(row: object, lowered: Mapping[str, Any], written: str, order: DayOrder | None, is_assumed: bool) -> AuditLine:
    at = _moment(written, order)
    name, description = _first(lowered, NAMES["description"])
    if at is None or not isinstance(description, str):
        whole_line = json.dumps(row, ensure_ascii=False, sort_keys=True)
        return AuditLine(id=_id(lowered), type="", user="", timestamp=None, description=whole_line)
    found = written_time(written, order)
    return AuditLine(
        id=_id(lowered),
        type=_text(lowered, NAMES["type"]).strip(),
        user=_text(lowered, NAMES["user"]).strip(),
        timestamp=at,
        description=plain_description(description, is_markup=name in MARKUP),
        is_month_assumed=is_assumed and found is not None and found.is_numeric,
    )


def _moment(written: str, order: DayOrder | None) -> datetime | None:
    """ISO 8601 to any fraction, or as people write it; without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        found = written_time(written, order)
        return in_utc(found.at, UTC) if found else None
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _order(written: Sequence[str], since: datetime | None, now: datetime) -> tuple[DayOrder | None, bool]:
    """What comes first in numeric dates, and whether that is only assumed.

    The answer as a whole decides; else the time that was asked for, in which most dates that are misread do not lie.
    """
    try:
        decided = decide_order(written)
    except AskDayOrder:
        decided = None
    else:
        if decided is None:
            return None, False
        return decided.order, False
    first, last = (since or EARLIEST) - CLOCKS_APART, now + CLOCKS_APART
    fitting = [
        order
        for order in DayOrder
        if all((at := _moment(text, order)) is None or first <= at <= last for text in written)
    ]
    return (fitting[0], False) if len(fitting) == 1 else (DayOrder.MONTH_FIRST, True)


def _id(lowered: Mapping[str, Any]) -> int | None:
    _, value = _first(lowered, IDS)
    return whole(value)


def _text(lowered: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first that has a value; of an object, what it is called."""
    _, value = _first(lowered, names)
    if isinstance(value, dict):
        inner = {str(name).lower(): each for name, each in value.items()}
        value = next((inner[name] for name in ("name", "fullname", "displayname", "email") if inner.get(name)), "")
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _first(lowered: Mapping[str, Any], names: Sequence[str]) -> tuple[str, Any]:
    for name in names:
        if lowered.get(name) not in (None, ""):
            return name, lowered[name]
    return "", None
