"""How the text of a log is cut into columns: by which separator, and which column is which.

Pure. Columns are found by a line of headings, else by what stands in them; what was found is told, never only assumed.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from connectors.align.audit_columns import MARKUP, NAMES
from connectors.align.audit_times import DayOrder, written_time

COLUMNS = ("type", "user", "timestamp", "description")
NEEDED = ("timestamp", "description")
SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "pipe", ",": "comma"}
SAMPLE_RECORDS = 50
SAMPLE_CHARACTERS = 256 * 1024
HIGHEST_HEADING = 5  # a sheet may have a title above its headings
MOST_CELLS = 40  # looked at in a line
SEP_LINE = re.compile(r"\ufeff?\"?sep=(\t|[;|,])\"?[ \t]*", re.IGNORECASE).fullmatch
IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
OF_CONNECTOR = re.compile(r"\s*CONFIG\s*#?\s*([0-9]{1,9})\s*", re.IGNORECASE).fullmatch  # a type
IS_SENTENCE = re.compile(r"(?:<[^>]*>|\s)*(?:CONFIG\b.{0,12}|)(?:created|updated|deleted)\b", re.IGNORECASE).match
IS_NUMBER = re.compile(r"\s*[0-9]{1,18}\s*").fullmatch


class LogRecord(NamedTuple):
    """A record with the number of its first physical line and the text it stood in."""

    number: int
    cells: list[str]
    raw: str


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Where the four stand in a line of so many cells; a surplus of cells belongs to the description."""

    places: Mapping[str, int]
    width: int
    zone: str = ""  # as the heading says: "UTC" of "Timestamp (UTC)"
    is_markup: bool = False
    headings: tuple[str, ...] = ()  # as they stand there; empty: found by what stands in the columns

    def __contains__(self, name: str) -> bool:
        return name in self.places

    def cells_of(self, record: Sequence[str], separator: str) -> dict[str, str] | None:
        """By name; None where there are too few."""
        end = len(record)
        while self.headings and end > self.width and not record[end - 1].strip():
            end -= 1  # cells beyond the headings that a sheet fills up its lines with
        surplus = end - self.width
        if surplus < 0:
            return None
        at = self.places["description"]
        found = {}
        for name, place in self.places.items():
            if name == "description":
                found[name] = separator.join(record[at : at + surplus + 1])
            else:
                found[name] = record[place + surplus if place > at else place]
        return found


@dataclass(frozen=True, kw_only=True)
class LogTable:
    """A log cut into cells. `above` are records over the line of headings, which are no lines of the log."""

    separator: str
    columns: Columns
    records: Sequence[LogRecord]
    above: Sequence[LogRecord] = field(default=())


def table_of(text: str) -> LogTable:
    """Never an exception, whatever the text."""
    physical = io.StringIO(text, newline="").readlines()
    start, separator = _announced(physical)
    merges = False
    if not separator:
        separator, merges = _separator(text)
    records = list(_records(text, physical, start, separator, merges))
    for place, record in enumerate(records[:HIGHEST_HEADING]):
        if columns := _by_headings(record.cells):
            return LogTable(separator=separator, columns=columns, records=records[place + 1 :], above=records[:place])
    return LogTable(separator=separator, columns=_by_content(records, separator), records=records)


# -- lines ------------------------------------------------------------------------------------------------------------


def _announced(physical: Sequence[str]) -> tuple[int, str]:
    """How many lines a sheet's `sep=;` takes, and the separator it names."""
    found = SEP_LINE(physical[0].rstrip("\r\n")) if physical and len(physical[0]) < 20 else None
    return (1, found[1]) if found else (0, "")


def _records(text: str, physical: Sequence[str], start: int, separator: str, merges: bool) -> Iterator[LogRecord]:
    """Blank lines are none."""
    found = list(_cells("".join(physical[start:]) if start else text, separator, start + 1))
    ends = [*(number for number, _ in found[1:]), *([len(physical) + 1] if found else [])]
    for (number, cells), end in zip(found, ends, strict=True):
        raw = "".join(physical[number - 1 : end - 1]).rstrip("\r\n")
        yield LogRecord(number, _with_whole_times(cells, separator) if merges else cells, raw)


def _cells(text: str, separator: str, number: int = 1) -> Iterator[tuple[int, list[str]]]:
    # A field may be as long as the whole paste: the limit of the csv module would be an error.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator)
    first = number
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield number, cells
        number = first + reader.line_num


def _separator(text: str) -> tuple[str, bool]:
    """The one by which most lines have a time in a column of its own; and whether times have to be put together."""
    beginning = text.lstrip()[:SAMPLE_CHARACTERS]
    counts: dict[tuple[str, bool], int] = {}
    for separator in SEPARATORS:
        sample = [cells for _, cells in islice(_cells(beginning, separator), SAMPLE_RECORDS)]
        counts[separator, False] = sum(has_time(cells) or _by_headings(cells) is not None for cells in sample)
        if separator == ",":
            counts[separator, True] = sum(has_time(_with_whole_times(cells, separator)) for cells in sample)
    best = max(counts, key=lambda key: counts[key])
    if counts[best]:
        return best
    first = next((line for line in beginning.splitlines() if line.strip()), "")
    most = max(SEPARATORS, key=lambda separator: first.count(separator) >= len(COLUMNS) - 1)
    return (most if first.count(most) >= len(COLUMNS) - 1 else ","), False


def has_time(cells: Sequence[str]) -> bool:
    """Whether a cell of it is a time and nothing else."""
    return any(map(_is_time, cells[:MOST_CELLS]))


def _is_time(cell: str) -> bool:
    return written_time(cell, DayOrder.DAY_FIRST) is not None or written_time(cell, DayOrder.MONTH_FIRST) is not None


def _with_whole_times(cells: list[str], separator: str) -> list[str]:
    """Commas inside `Nov 20, 2026, 2:02:04 PM` separate nothing."""
    if has_time(cells):
        return cells
    for start in range(min(len(cells), MOST_CELLS)):
        for count in (2, 3):
            joined = separator.join(cells[start : start + count])
            if len(cells) >= start + count and _is_time(joined):
                return [*cells[:start], joined, *cells[start + count :]]
    return cells


# -- columns ----------------------------------------------------------------------------------------------------------


def _by_headings(cells: Sequence[str]) -> Columns | None:
    """None where these are no headings: a time and a description have to be among them."""
    if len(cells) > MOST_CELLS:
        return None
    places: dict[str, int] = {}
    names = [_plain_name(cell) for cell in cells]
    for column, known in NAMES.items():
        # Its own name first: a log may have both a "Timestamp" and a "Date".
        found = [place for place, name in enumerate(names) if name == column]
        found += [place for place, name in enumerate(names) if name in known]
        if found:
            places[column] = found[0]
    if not all(name in places for name in NEEDED):
        return None
    in_brackets = IN_BRACKETS.search(cells[places["timestamp"]])
    return Columns(
        places=places,
        width=max(place for place, cell in enumerate(cells, start=1) if cell.strip()),
        zone=in_brackets[1].strip() if in_brackets else "",
        is_markup=names[places["description"]] in MARKUP,
        headings=tuple(" ".join(cell.replace("\ufeff", "").split()) for cell in cells),
    )


def _plain_name(cell: str) -> str:
    """Without the zone in brackets, spaces and signs."""
    return re.sub(r"[^a-z]", "", IN_BRACKETS.sub("", cell[:100]).lower())


def _by_content(records: Sequence[LogRecord], separator: str) -> Columns:
    """As Align shows them where the third is the time; else each by what stands in it. Numbers are ids, and no use."""
    as_shown = Columns(places={name: place for place, name in enumerate(COLUMNS)}, width=len(COLUMNS))
    beginning = [record.cells for record in records[:SAMPLE_RECORDS]]
    times = [_place_of_time(cells) for cells in beginning]
    time = Counter(place for place in times if place >= 0).most_common(1)
    if not time:
        return as_shown
    sample = [cells for cells, place in zip(beginning, times, strict=True) if place == time[0][0]]
    widths = Counter(len(cells) for cells in sample)
    # Commas stand in descriptions, too: there the shortest line tells.
    width = min(MOST_CELLS, min(widths) if separator == "," else widths.most_common(1)[0][0])
    sample = [cells for cells in sample if len(cells) >= width]
    places = _places([[cells[place] for cells in sample] for place in range(width)], time[0][0])
    return Columns(places=places, width=width) if places else as_shown


def _place_of_time(cells: Sequence[str]) -> int:
    return next((place for place, cell in enumerate(cells[:MOST_CELLS]) if _is_time(cell)), -1)


def _places(columns: Sequence[Sequence[str]], time: int) -> Mapping[str, int] | None:
    """None: as Align shows them."""
    are_four = time == COLUMNS.index("timestamp") and len(columns) >= len(COLUMNS)
    if are_four and not _mostly(IS_NUMBER, columns[0]) and not _mostly(OF_CONNECTOR, columns[1]):
        return None
    rest = [place for place in range(len(columns)) if place != time and not _mostly(IS_NUMBER, columns[place])]
    found = {"timestamp": time}
    if types := [place for place in rest if _mostly(OF_CONNECTOR, columns[place])]:
        found["type"] = types[0]
        rest.remove(types[0])
    if not rest:
        return None
    found["description"] = max(
        rest, key=lambda place: (_mostly(IS_SENTENCE, columns[place]), sum(map(len, columns[place])))
    )
    rest.remove(found["description"])
    if rest:
        found["user"] = rest[0]
    return found


def _mostly(matches: Callable[[str], object], cells: Sequence[str]) -> bool:
    return 2 * sum(bool(matches(cell)) for cell in cells) > len(cells)
