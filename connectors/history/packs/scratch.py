"""What a pack under way puts aside: points to pair, records to sort. A file of its own, so that memory stays small."""

from __future__ import annotations

import marshal
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.history.mirror.matching import Pair, Point

PRAGMAS = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8000;
PRAGMA temp_store = FILE;
"""
TABLES = """
CREATE TABLE point (connector INTEGER, match_key TEXT, at INTEGER, is_line INTEGER, id INTEGER, project TEXT);
CREATE TABLE pairing (seq INTEGER PRIMARY KEY, line INTEGER, identical INTEGER);
CREATE TABLE taken (line INTEGER PRIMARY KEY, seq INTEGER);
CREATE TABLE line (connector INTEGER, id INTEGER, PRIMARY KEY (connector, id)) WITHOUT ROWID;
CREATE TABLE candidates (line INTEGER PRIMARY KEY, projects TEXT);
CREATE TABLE plan_entry (plan INTEGER, seq INTEGER, PRIMARY KEY (plan, seq)) WITHOUT ROWID;
CREATE TABLE stored (seq INTEGER PRIMARY KEY, line INTEGER, certainty TEXT, identical INTEGER);
CREATE TABLE record (at INTEGER, is_line INTEGER, id INTEGER, content BLOB);
CREATE TABLE waiting (seq INTEGER PRIMARY KEY, at INTEGER, plan INTEGER, words TEXT, content BLOB);
"""
AT_ONCE = 500  # values of one condition
START = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def number_of(at: datetime) -> int:
    return (at - START) // MICROSECOND


def moment(number: int) -> datetime:
    return START + number * MICROSECOND


class Scratch:
    """SQLite without a journal: it is thrown away with the pack's draft, whatever happens."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(PRAGMAS + TABLES)
        self._chosen: list[Sequence[object]] = []  # and those that wait: one at a time is slow to put aside
        self._waiting: list[Sequence[object]] = []

    def close(self) -> None:
        self._db.close()

    def empty(self) -> None:
        """All of it once more."""
        self._chosen, self._waiting = [], []
        names = [name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        self._db.executescript("".join(f"DROP TABLE {name};" for name in names) + TABLES + "BEGIN;")

    def add(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        found = list(rows)
        if found:
            places = ", ".join("?" * len(found[0]))
            # Only names of tables above are put into the text.
            self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({places})", found)  # noqa: S608  # nosec B608

    def match_groups(self) -> Iterator[tuple[list[Point], list[Point], dict[int, str]]]:
        """Of each match key the changes and the lines, both by time, and the projects of the changes."""
        self._db.execute("CREATE INDEX points ON point (connector, match_key, at, is_line, id, project)")
        key: tuple[int, str] | None = None
        ours: list[Point] = []
        lines: list[Point] = []
        projects: dict[int, str] = {}
        found = self._db.execute("SELECT * FROM point ORDER BY connector, match_key, at, is_line, id")
        for connector, match_key, at, is_line, number, project in found:
            if key != (connector, match_key):
                if key and lines:
                    yield ours, lines, projects
                key, ours, lines, projects = (connector, match_key), [], [], {}
            point = Point(id=number, at=moment(at))
            (lines if is_line else ours).append(point)
            if not is_line:
                projects[number] = project
        if lines:
            yield ours, lines, projects

    def keep_pairs(self, pairs: Sequence[Pair]) -> None:
        self.add("pairing", [(pair.row, pair.line, pair.identical) for pair in pairs])
        self.add("taken", [(pair.line, pair.row) for pair in pairs])

    def taken(self, lines: Sequence[int]) -> dict[int, int]:
        """The entry of our change that each of these lines tells."""
        return dict(self._of("taken", "line", lines))

    def lines_alone(self, connector: int, size: int) -> Iterator[list[int]]:
        """The lines that tell no change of ours."""
        found = self._db.execute(
            "SELECT id FROM line WHERE connector = ? AND id NOT IN (SELECT line FROM taken) ORDER BY id", [connector]
        )
        while some := found.fetchmany(size):
            yield [number for (number,) in some]

    def candidates(self, lines: Sequence[int]) -> dict[int, str]:
        return dict(self._of("candidates", "line", lines))

    def pairings(self, seqs: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Line, and how many look the same, by entry."""
        return {seq: (line, identical) for seq, line, identical in self._of("pairing", "seq", seqs)}

    def _of(self, table: str, key: str, values: Sequence[int]) -> Iterator[Any]:
        for start in range(0, len(values), AT_ONCE):
            some = values[start : start + AT_ONCE]
            places = ", ".join("?" * len(some))
            yield from self._db.execute(f"SELECT * FROM {table} WHERE {key} IN ({places})", some)  # noqa: S608  # nosec B608

    def mispaired(self) -> Iterator[tuple[int, int | None, str, int, int | None, int, tuple[int, str]]]:
        """Entry; line, certainty and number as stored; line and number as worked out if these differ; the match key."""
        found = self._db.execute(
            "SELECT s.seq, s.line, s.certainty, s.identical, p.line, coalesce(p.identical, 0), q.connector, q.match_key"
            " FROM stored s LEFT JOIN pairing p ON p.seq = s.seq LEFT JOIN point q ON q.id = s.seq AND q.is_line = 0"
            " WHERE s.line IS NOT p.line OR s.identical <> coalesce(p.identical, 0) OR s.certainty <>"
            " CASE WHEN p.seq IS NULL THEN '' WHEN p.identical = 1 THEN 'exact' ELSE 'one-of' END ORDER BY s.seq"
        )
        for row in found:
            yield *row[:6], row[6:]

    def plan_entries(self, plans: Sequence[int]) -> list[int]:
        return sorted({seq for _, seq in self._of("plan_entry", "plan", plans)})

    def choose(self, at: datetime, record: dict[str, Any], *, is_line: bool, number: int) -> None:
        self._chosen.append((number_of(at), int(is_line), number, marshal.dumps(record)))
        if len(self._chosen) >= AT_ONCE:
            self._put_aside()

    def add_waiting(self, seq: int, at: datetime, plan: int | None, words: str, record: dict[str, Any]) -> None:
        """A row that the filter finds, if at all, by the user of a line that is not known yet."""
        self._waiting.append((seq, number_of(at), plan, words, marshal.dumps(record)))
        if len(self._waiting) >= AT_ONCE:
            self._put_aside()

    def _put_aside(self) -> None:
        self.add("record", self._chosen)
        self.add("waiting", self._waiting)
        self._chosen, self._waiting = [], []

    def waiting(self, size: int) -> Iterator[list[tuple[int, int, int | None, str, bytes, int]]]:
        """Those that have a line: entry, time, plan, words, record, line."""
        self._put_aside()
        found = self._db.execute("SELECT w.*, p.line FROM waiting w JOIN pairing p ON p.seq = w.seq ORDER BY w.seq")
        while some := found.fetchmany(size):
            yield some

    def records(self, size: int) -> Iterator[list[dict[str, Any]]]:
        """The chosen rows, the oldest first."""
        self._put_aside()
        self._db.execute("CREATE INDEX records ON record (at, is_line, id)")
        found = self._db.execute("SELECT content FROM record ORDER BY at, is_line, id")
        while some := found.fetchmany(size):
            # Nobody else has this file: its name was gone before anything was in it. JSON takes five times as long.
            yield [marshal.loads(content) for (content,) in some]  # noqa: S302  # nosec B302


@contextmanager
def scratch(folder: Path, prefix: str) -> Iterator[Scratch]:
    """Its name is gone as soon as it is open, so that a killed run leaves nothing."""
    handle, path = tempfile.mkstemp(dir=folder, prefix=prefix)
    try:
        os.close(handle)
        made = Scratch(path)
    finally:
        Path(path).unlink(missing_ok=True)
    try:
        yield made
    finally:
        made.close()
