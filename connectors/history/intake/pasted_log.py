"""Reading pasted or uploaded log lines: cut into columns by `log_table`, their times by `audit_times`.

Pure: no Django, no database. A line that cannot be read is returned with its number and the reason, never dropped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo, available_timezones

from connectors.align import audit_times
from connectors.align.audit_markup import plain_description
from connectors.align.audit_times import DayOrder, OrderDecision, WrittenTime, decide_order, in_utc, written_time
from connectors.history.intake.doubled_hour import Fold, folds
from connectors.history.intake.log_table import OF_CONNECTOR, Columns, LogRecord, LogTable, has_time, table_of

LONGEST = 64 * 1024  # characters of a line; Align's own have some hundreds
USER = "Jira Align System"  # by whom all mapping lines are, as the seed's section "Audit logs" says
COUNT_WORDS = {2: "two", 3: "three", 4: "four"}
ZONES = frozenset(available_timezones())  # asked once: it reads many files
# What a log without such a column has as a line's type, by the line's time as far as that could be read.
OwnType = Callable[[datetime | None], str]
UTC_NAMES = frozenset({"utc", "gmt", "z", "utc time", "utc+0", "utc+00:00", "gmt+0", "utc±0"})
WHOLE_HOURS = re.compile(r"(?:utc|gmt)\s*([+-−])\s*0?([0-9]{1,2})(?::?00)?").fullmatch
STATED_CONNECTOR = re.compile(r"\bConnectorId\s*[:=]\s*([0-9]{1,9})\b", re.IGNORECASE).search


class Hour(StrEnum):
    """Which of the two hours a time is of that the clocks show twice in autumn, where the lines do not decide."""

    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of Align's log; `at` is None when its time or its columns could not be read."""

    number: int  # of its first physical line, 0 for lines from the endpoint
    raw: str
    type: str = ""
    user: str = ""
    at: datetime | None = None
    description: str = ""
    remote_id: int | None = None
    problem: str = ""
    is_refused: bool = False  # its time cannot be read, or it is too long: to be sent again, so it is not kept
    is_in_zone: bool = False  # its time was written without a zone
    has_seconds: bool = True
    other: datetime | None = None  # an hour later, where the clocks showed its time twice and nothing decides which

    @property
    def config_id(self) -> int | None:
        """The connector that its type names."""
        found = OF_CONNECTOR(self.type)
        return int(found[1]) if found else None


@dataclass(frozen=True, kw_only=True)
class LogReading:
    """The lines, and how they were read: what a person has to see before anything is stored."""

    lines: Sequence[LogLine]
    separator: str
    columns: Columns
    zone: str  # of times without one
    zone_of_heading: str = ""  # the zone is the one that the heading names
    strange_zone: str = ""  # what the heading says in brackets and is no zone known here
    order: OrderDecision | None = None
    order_line: int = 0  # that decided it; 0: a person did
    without_seconds: int = 0
    stripped: int = 0  # descriptions that were markup
    above: int = 0  # lines over the headings, left out

    @property
    def is_readable(self) -> bool:
        return any(line.at for line in self.lines)


def read_lines(text: str, zone: tzinfo, order: DayOrder | None = None) -> list[LogLine]:
    """The lines alone; naive times are in `zone`, or in that of the heading."""
    return list(read_log(text, zone, order).lines)


def read_log(
    text: str,
    zone: tzinfo,
    order: DayOrder | None = None,
    *,
    own_type: OwnType = lambda _: "",
    zone_is_said: bool = False,
) -> LogReading:
    """Cut and read every line. Raises AskDayOrder rather than guess.

    Lines of a log without a type column are of `own_type`. A heading's zone counts unless somebody has said one. A time
    of the doubled hour in autumn is read by the order of the lines; where that shows nothing, it has an `other`.
    """
    table = table_of(text)
    named, strange = ("", "") if zone_is_said else _zone_named(table.columns.zone)
    zone = ZoneInfo(named) if named else zone
    cut = [table.columns.cells_of(record.cells, table.separator) for record in table.records]
    decided = None if order else _decided(cut)
    order = order or (decided.order if decided else None)
    written = [written_time(cells["timestamp"], order) if cells else None for cells in cut]
    doubled = folds([each.at if each else None for each in written], zone)
    reader = _LineReader(table=table, zone=zone, own_type=own_type)
    lines = [
        reader.line(record, cells, each, doubled.get(place))
        for place, (record, cells, each) in enumerate(zip(table.records, cut, written, strict=True))
    ]
    return LogReading(
        lines=lines,
        separator=table.separator,
        columns=table.columns,
        zone=str(zone),
        zone_of_heading=table.columns.zone if named else "",
        strange_zone=strange,
        order=decided or (OrderDecision(order, -1) if order and _any_numeric(written) else None),
        order_line=table.records[decided.place].number if decided else 0,
        without_seconds=sum(line.at is not None and not line.has_seconds for line in lines),
        stripped=reader.stripped,
        above=len(table.above),
    )


def _decided(cut: Sequence[dict[str, str] | None]) -> OrderDecision | None:
    return decide_order([cells["timestamp"] if cells else "" for cells in cut])


def _any_numeric(written: Sequence[WrittenTime | None]) -> bool:
    return any(each and each.is_numeric for each in written)


def _zone_named(said: str) -> tuple[str, str]:
    """A zone of the database for what a heading says in brackets, and what it says where that is none."""
    plain = " ".join(said.split())
    folded = plain.casefold()
    if not plain or folded in UTC_NAMES:
        return ("UTC" if plain else ""), ""
    if found := WHOLE_HOURS(folded):
        name = f"Etc/GMT{'-' if found[1] == '+' else '+'}{int(found[2])}"  # whose signs are the other way round
    else:
        name = next((zone for zone in ZONES if zone.casefold() == folded), "")
    return (name, "") if name in ZONES else ("", plain)


class _LineReader:
    """Records of one table to lines."""

    def __init__(self, *, table: LogTable, zone: tzinfo, own_type: OwnType) -> None:
        self._table, self._zone, self._own_type = table, zone, own_type
        self.stripped = 0

    def line(
        self, record: LogRecord, cells: dict[str, str] | None, written: WrittenTime | None, fold: Fold | None
    ) -> LogLine:
        number, raw = record.number, record.raw
        if len(raw) > LONGEST:
            return LogLine(number=number, raw=raw, problem=_too_long(len(raw)), is_refused=True)
        if cells is None:
            return LogLine(number=number, raw=raw, problem=self._without_columns(record))
        description = self._description(cells["description"])
        at = in_utc(written.at, self._zone, 1 if fold is Fold.SECOND else 0) if written else None
        type_ = cells["type"].strip() if "type" in cells else self._type_of(description, at)
        if at is None or written is None:
            problem = self._time_problem(cells["timestamp"], written)
            return LogLine(number=number, raw=raw, type=type_, problem=problem, is_refused=True)
        return LogLine(
            number=number,
            raw=raw,
            type=type_,
            user=cells["user"].strip() if "user" in cells else USER,
            at=at,
            description=description,
            is_in_zone=written.at.tzinfo is None,
            has_seconds=written.has_seconds,
            other=in_utc(written.at, self._zone, 1) if fold is Fold.UNKNOWN else None,
        )

    def _description(self, written: str) -> str:
        plain = plain_description(written.strip(), is_markup=self._table.columns.is_markup)
        self.stripped += plain != written.strip()
        return plain

    def _type_of(self, description: str, at: datetime | None) -> str:
        """Of a line without such a column: the connector that its sentence names, else the one that it was sent for."""
        stated = named_connector(description)
        return self._own_type(at) if stated is None else f"CONFIG {stated}"

    def _without_columns(self, record: LogRecord) -> str:
        """What is wrong, and with the whole paste rather than with this line where its columns are only spaces."""
        columns = self._table.columns
        count = len(columns.places)
        if audit_times.SOMEWHERE(record.raw[:1000]) and not has_time(record.cells):
            return (
                "its columns are not separated by tabs, commas, semicolons or pipes but perhaps by spaces, which names "
                "contain, too; copy the table itself, or export it as CSV or Excel"
            )
        return f"it does not have the {COUNT_WORDS.get(count, str(count))} columns"

    def _time_problem(self, text: str, written: WrittenTime | None) -> str:
        why = "is in no listed form"
        if written and in_utc(written.at, UTC):
            why = f"never was in {self._zone}: the clocks were put forward over it"
        return f"its time “{text.strip()[:40]}” {why}" if text.strip() else "it has no time"


def named_connector(description: str) -> int | None:
    """That a sentence of a created mapping names."""
    stated = STATED_CONNECTOR(description)
    return int(stated[1]) if stated else None


def _too_long(length: int) -> str:
    why = "perhaps a quotation mark in it is never closed"
    return f"it has {length:,} characters, more than the {LONGEST:,} that a line may have; {why}"


def why_unreadable(lines: Sequence[LogLine]) -> str:
    """Of a text of which no line could be read: the commonest reason, with the first line that has it."""
    problems = Counter(line.problem for line in lines if line.problem)
    if not problems:
        return "there is no line in it"
    problem = problems.most_common(1)[0][0]
    return f"line {next(line.number for line in lines if line.problem == problem)}: {problem}"
