"""The words of a `$filter`: numbers, texts, dates, names and signs, each with its place."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

SIGNS = "(),/:"
PATTERN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<date>\d{4}-\d\d-\d\dT[\d:.]*(?:Z|[+-]\d\d:\d\d)?)
  | (?P<day>\d{4}-\d\d-\d\d)
  | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
  | (?P<text>'(?:[^']|'')*')
  | (?P<word>[A-Za-z_]\w*)
  | (?P<sign>[(),/:])
    """,
    re.VERBOSE,
)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class QueryError(Exception):
    """A query that Align would not take; the message says why and, where it helps, what to write instead."""


@dataclass(frozen=True, kw_only=True)
class FilterWord:
    """`role`: date, number, text, word, sign or end; `at` counts characters from 1."""

    role: str
    text: str
    at: int


def tokens(text: str) -> Iterator[FilterWord]:
    place = 0
    while place < len(text):
        match = PATTERN.match(text, place)
        if match is None:
            raise QueryError(_unreadable(text, place))
        role = str(match.lastgroup)
        if role == "day":
            raise QueryError(f"A date is written with its time: {match[0]}T00:00:00Z instead of {match[0]}.")
        if role != "space":
            yield FilterWord(role=role, text=match[0], at=place + 1)
        place = match.end()
    yield FilterWord(role="end", text="the end", at=len(text) + 1)


def _unreadable(text: str, place: int) -> str:
    sign = text[place]
    if sign == "'":
        return f"The text that begins at character {place + 1} has no end: a quote inside a text is doubled ('')."
    if sign == '"':
        return f"Text stands in single quotes; character {place + 1} is a double one."
    return f"Character {place + 1}, {sign!r}, cannot be read."


def moment(text: str) -> str:
    """A date as it is compared: in UTC, without its Z and without closing zeros of a fraction."""
    if MOMENT.fullmatch(text) is None:
        raise QueryError(f"{text} is no date: write it as 2018-02-22T00:00:00Z.")
    try:
        value = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise QueryError(f"{text} is no date: write it as 2018-02-22T00:00:00Z.") from error
    whole = value.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{value.microsecond:06}".rstrip("0") if value.microsecond else whole
