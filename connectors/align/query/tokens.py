"""The words of a typed filter, each with its place: numbers, texts, dates, names and signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from connectors.align.query.errors import QueryRefused, Rule, Span


class WordKind(Enum):
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    NAME = "name"
    SIGN = "sign"
    END = "end"


_WORDS = re.compile(
    r"""
    (?P<date>\d{4}-\d\d-\d\d(?:T[\d:.]*(?:Z|[+-]\d\d:?\d\d)?)?)
  | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
  | (?P<text>'(?:[^']|'')*')
  | (?P<name>[A-Za-z_]\w*)
  | (?P<sign>[(),/:])
    """,
    re.VERBOSE,
)
_BLANKS = re.compile(r"\s*")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
AS_DATE = "Write a date as 2018-02-22T00:00:00Z: with its time, in UTC, without quotes."


@dataclass(frozen=True, kw_only=True)
class TypedWord:
    """`text` as it was typed; `at` counts from the beginning of all that was typed."""

    kind: WordKind
    text: str
    at: Span


def words_of(typed: str, *, offset: int = 0) -> Iterator[TypedWord]:
    """`offset`: where `typed` begins in all that was typed. The last is the end."""
    place = _after_blanks(typed, 0)
    while place < len(typed):
        match = _WORDS.match(typed, place)
        if match is None:
            raise _unreadable(typed, place, offset)
        at = (offset + place, offset + match.end())
        yield TypedWord(kind=WordKind(str(match.lastgroup)), text=match[0], at=at)
        place = _after_blanks(typed, match.end())
    end = offset + len(typed)
    yield TypedWord(kind=WordKind.END, text="", at=(end, end))


def _after_blanks(typed: str, place: int) -> int:
    blanks = _BLANKS.match(typed, place)
    return blanks.end() if blanks else place


def _unreadable(typed: str, place: int, offset: int) -> QueryRefused:
    sign = typed[place]
    sentence = f"“{sign}” has no meaning in a filter."
    if sign == "'":
        sentence = "This text has no end. A single quote inside a text is doubled: 'O''Brien'."
    elif sign in '"“”‘’':
        sentence = "A text stands in straight single quotes: 'Test'."
    elif sign in "=<>!&|":
        sentence = f"“{sign}” is written as a word: eq, ne, gt, ge, lt, le, and, or, not."
    elif sign in "+*-":
        sentence = f"“{sign}” is written as a word: there are add, mul and div."
    elif sign == "%":
        sentence = "This is encoded, as in an address: paste the whole address, from https on, and it is decoded."
    elif sign.isalnum() and not sign.isalpha():
        sentence = "A number is written in digits alone, with a point: 5, -5 or 0.5."
    end = len(typed) if sign == "'" else place + 1
    return QueryRefused(Rule.UNREADABLE, sentence, part=typed[place : place + 20], at=(offset + place, offset + end))


def moment_of(word: TypedWord) -> datetime:
    """A typed date in UTC."""
    try:
        if _MOMENT.fullmatch(word.text) is None:
            raise ValueError(word.text)
        return datetime.fromisoformat(word.text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise QueryRefused(Rule.DATE, AS_DATE, part=word.text, at=word.at) from None
