"""The index of the history's words: FTS5 on SQLite, GIN on PostgreSQL, behind one condition.

FTS5 gives rows in the order of its own row numbers only. They are made of a row's time and id, so that it gives the
newest first and within a span of time, and a page costs the same however many rows have its words.

In plain SQL where the ORM has no words: FTS5's virtual tables and their MATCH, triggers, what PostgreSQL knows of a
column, and settings of a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import BooleanField, Expression, F, Func, Q, Value
from django.db.models.expressions import RawSQL

ROWS, WORDS, TERMS = "connectors_historyrow", "history_words", "history_words_terms"
LONGEST_PREFIX = 3  # that FTS5 keeps an index of
MOST_TERMS = 200
MOST_IN_INDEX = 3  # of PostgreSQL: to intersect a dozen common words takes seconds, to look at rows does not
ID_BITS = 31
MASK = 2**ID_BITS - 1
BITMAP_MEMORY = "32MB"  # of PostgreSQL: which of some million rows; with less it keeps pages, and reads all their rows
FIRST, LAST = 0, 2**32 - 1  # seconds that a row number has room for; a time outside of them counts as the nearest


@dataclass(frozen=True, kw_only=True)
class Match:
    """A word to be found, or with `prefix` all words that begin so."""

    text: str
    prefix: bool = False


Group: TypeAlias = "tuple[Match, ...]"  # one of them has to be found


@dataclass(frozen=True, kw_only=True)
class TimeSpan:
    """From and to a moment, both with it."""

    since: datetime | None = None
    until: datetime | None = None

    def within(self, other: TimeSpan) -> TimeSpan:
        since = [at for at in (self.since, other.since) if at]
        until = [at for at in (self.until, other.until) if at]
        return TimeSpan(since=max(since, default=None), until=min(until, default=None))


def matching(groups: Sequence[Group], span: TimeSpan) -> Q:
    """The condition that a row has a word of each group. The span only spares work; it is no condition."""
    if connection.vendor == "sqlite":
        return Q(pk__in=_found(groups, span))
    if len(groups) <= MOST_IN_INDEX:
        return Q(HasWords(F("text"), Value(_tsquery(groups))))
    rarest = sorted(groups, key=_share(_frequencies()))
    few, rest = rarest[:MOST_IN_INDEX], rarest[MOST_IN_INDEX:]
    return Q(HasWords(F("text"), Value(_tsquery(few)))) & Q(HasWords(F("text"), Value(_tsquery(rest)), by_row=True))


def holds(text: str, groups: Sequence[Group]) -> bool:
    """Whether a row with these words has one of each group: what an index would say of it, without one."""
    found = text.split(" ") if groups else []
    return all(any(_is_in(found, match) for match in group) for group in groups)


def _is_in(found: Sequence[str], match: Match) -> bool:
    return any(word.startswith(match.text) for word in found) if match.prefix else match.text in found


class HasWords(Func):
    """On PostgreSQL: the generated column beside `text`, which no model knows; `by_row` keeps its index out."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:  # type: ignore[override]
        text, query = self.source_expressions
        (column, _), (wanted, values) = compiler.compile(text), compiler.compile(query)
        sql = f"({column.removesuffix(TEXT)}{VECTOR} @@ {wanted}::tsquery)"
        return f"({sql} IS TRUE)" if self.extra.get("by_row") else sql, values


TEXT, VECTOR = '"text"', '"words"'


def _frequencies() -> list[tuple[str, float]]:
    """The most common words and in which share of rows they are, as PostgreSQL last counted them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT most_common_elems::text::text[], most_common_elem_freqs FROM pg_stats"
            " WHERE schemaname = current_schema() AND tablename = %s AND attname = 'words'",
            [ROWS],
        )
        found = cursor.fetchone()
    return list(zip(found[0], found[1], strict=False)) if found and found[0] else []


def _share(frequencies: Sequence[tuple[str, float]]) -> Callable[[Group], float]:
    def of_group(group: Group) -> float:
        return sum(
            share
            for text, share in frequencies
            if any(text == match.text or (match.prefix and text.startswith(match.text)) for match in group)
        )

    return of_group


def _tsquery(groups: Sequence[Group]) -> str:
    def one(match: Match) -> str:
        quoted = match.text.replace("\\", "\\\\").replace("'", "''")
        return f"'{quoted}'{':*' if match.prefix else ''}"

    return " & ".join(f"({' | '.join(map(one, group))})" for group in groups)


@contextmanager
def advised(*, by_words: bool) -> Iterator[None]:
    """Advise PostgreSQL for one transaction."""
    if connection.vendor == "sqlite":
        yield
        return
    with transaction.atomic():
        advise(by_words=by_words)
        yield


def advise(*, by_words: bool) -> None:
    """Tell PostgreSQL whether to find rows by their words, or to walk them by time and look at each.

    It takes words for spread evenly and for independent of each other, and is wrong by seconds with those of somebody
    who has left, or with three common ones.
    """
    memory = f"; SET LOCAL work_mem = '{BITMAP_MEMORY}'" if by_words else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET LOCAL jit = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = {by_words}{memory}"
        )


# -- SQLite -----------------------------------------------------------------------------------------------------------


def _found(groups: Sequence[Group], span: TimeSpan) -> Expression:
    low, high = _limits(span)
    return RawSQL(  # noqa: S611  # nosec B611
        f"SELECT rowid & {MASK} FROM {WORDS} WHERE {WORDS} MATCH %s AND rowid BETWEEN %s AND %s",  # noqa: S608  # nosec B608
        (_fts(groups), low, high),
    )


def _fts(groups: Sequence[Group]) -> str:
    return " AND ".join(f"({' OR '.join(each for match in group for each in _terms(match))})" for group in groups)


def _terms(match: Match) -> Iterator[str]:
    """FTS5 reads all rows of a beginning at once, but those of whole words one by one: so those are asked for."""
    longer = _longer(match.text) if match.prefix and len(match.text) > LONGEST_PREFIX else None
    if longer is not None:
        yield from (f'"{term}"' for term in (match.text, *longer))
    else:
        yield f'"{match.text}"{" *" if match.prefix else ""}'


def _longer(text: str) -> list[str] | None:
    """The words that begin so and go on; None when there are too many."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT term FROM {TERMS} WHERE term >= %s AND term < %s LIMIT %s",  # noqa: S608  # nosec B608
            (f"{text}\x01", f"{text}\U0010ffff", MOST_TERMS + 1),
        )
        found = [term for (term,) in cursor.fetchall()]
    return found if len(found) <= MOST_TERMS else None


def _limits(span: TimeSpan) -> tuple[int, int]:
    low = _seconds(span.since) if span.since else FIRST
    high = _seconds(span.until) if span.until else LAST
    return low << ID_BITS, (high + 1 << ID_BITS) - 1


def _seconds(at: datetime) -> int:
    return min(max(int(at.timestamp() // 1), FIRST), LAST)


def nearest(groups: Sequence[Group], span: TimeSpan, count: int, *, newest: bool) -> list[int]:
    """On SQLite: the ids of the `count` newest or oldest rows of the span with these words; fewer if that is all.

    Rows of the last one's second are all among them, as only the rows themselves tell their order.
    """
    low, high = _limits(span)
    found = _numbers(groups, low, high, count, newest=newest)
    if len(found) == count:
        second = found[-1] >> ID_BITS << ID_BITS
        low, high = (second, found[-1] - 1) if newest else (found[-1] + 1, second + MASK)
        found += _numbers(groups, low, high, -1, newest=newest)
    return [number & MASK for number in found]


def _numbers(groups: Sequence[Group], low: int, high: int, count: int, *, newest: bool) -> list[int]:
    order = "DESC" if newest else "ASC"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT rowid FROM {WORDS} WHERE {WORDS} MATCH %s AND rowid BETWEEN %s AND %s"  # noqa: S608  # nosec B608
            f" ORDER BY rowid {order} LIMIT %s",
            (_fts(groups), low, high, count),
        )
        return [number for (number,) in cursor.fetchall()]


def _number(row: str) -> str:
    # The text of the time is cut, as `strftime` would round what is left of a second up.
    seconds = f"min(max(coalesce(CAST(strftime('%s', substr({row}.at, 1, 19)) AS INTEGER), {FIRST}), {FIRST}), {LAST})"
    return f"({seconds} << {ID_BITS} | {row}.id)"


def _add(row: str) -> str:
    return f"INSERT INTO {WORDS}(rowid, text) VALUES ({_number(row)}, {row}.text);"  # noqa: S608  # nosec B608


def _remove(row: str) -> str:
    return f"INSERT INTO {WORDS}({WORDS}, rowid, text) VALUES ('delete', {_number(row)}, {row}.text);"  # noqa: S608  # nosec B608


TABLES = {
    WORDS: f"CREATE VIRTUAL TABLE {WORDS} USING fts5"
    "(text, content='', columnsize=0, detail=none, prefix='1 2 3', tokenize=\"ascii tokenchars ':_'\")",
    TERMS: f"CREATE VIRTUAL TABLE {TERMS} USING fts5vocab({WORDS}, row)",
}
TRIGGERS = {
    f"{WORDS}_added": f"AFTER INSERT ON {ROWS} BEGIN {_add('NEW')} END",
    f"{WORDS}_removed": f"AFTER DELETE ON {ROWS} BEGIN {_remove('OLD')} END",
    f"{WORDS}_changed": f"AFTER UPDATE OF id, at, text ON {ROWS} BEGIN {_remove('OLD')} {_add('NEW')} END",
}
# Made from the stored words as they are: no parser of the database's own splits them.
COLUMN = (
    f"ALTER TABLE {ROWS} ADD COLUMN IF NOT EXISTS words tsvector"
    " GENERATED ALWAYS AS (array_to_tsvector(array_remove(string_to_array(text, ' '), ''))) STORED"
)
INDEX = f"CREATE INDEX IF NOT EXISTS {WORDS} ON {ROWS} USING gin (words)"


def install(using: str = DEFAULT_DB_ALIAS) -> None:
    """Make what is missing of the index, and fill it if anything was: SQLite drops triggers with a rebuilt table."""
    own = connections[using]
    if ROWS not in own.introspection.table_names():
        return
    with own.cursor() as cursor:
        if own.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE %s", [f"{WORDS}%"])
        else:
            cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname = %s", [WORDS])
        there = {name for (name,) in cursor.fetchall()}
        for statement in _missing(own.vendor, there):
            cursor.execute(statement)  # without values, so % is itself
    if own.vendor == "sqlite" and not {*TABLES, *TRIGGERS} <= there:
        rebuild(using)


def _missing(vendor: str, there: set[str]) -> list[str]:
    if vendor != "sqlite":
        return [] if WORDS in there else [COLUMN, INDEX]
    triggers = {name: f"CREATE TRIGGER {name} {when}" for name, when in TRIGGERS.items()}
    return [statement for name, statement in (TABLES | triggers).items() if name not in there]


def rebuild(using: str = DEFAULT_DB_ALIAS) -> None:
    """Read every row's words again."""
    if connections[using].vendor != "sqlite":
        return
    with connections[using].cursor() as cursor:
        cursor.execute(f"INSERT INTO {WORDS}({WORDS}) VALUES ('delete-all')")  # noqa: S608  # nosec B608
        fill = f"INSERT INTO {WORDS}(rowid, text) SELECT {_number('row')}, row.text FROM {ROWS} AS row"  # noqa: S608  # nosec B608
        cursor.execute(fill)


def on_migrated(sender: AppConfig, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Connected to `post_migrate` of the connectors app."""
    install(using)
