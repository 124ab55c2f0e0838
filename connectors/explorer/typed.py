"""A typed query as the page shows it: what it asks, or which rule refuses it, with the place in the text."""

from __future__ import annotations

from dataclasses import dataclass, field

from alignadmin.errors import Refused
from connectors.align.object_client import requests_at_most
from connectors.align.query import AlignQuery, QueryRefused, read_query
from connectors.explorer.completion import Suggestion, suggestions
from connectors.explorer.services import limited

AROUND = 300  # characters shown on each side of a refused part


@dataclass(frozen=True, kw_only=True)
class MarkedText:
    """The text with its refused part set apart."""

    before: str
    part: str
    after: str


@dataclass(frozen=True, kw_only=True)
class QueryReading:
    """`query`: as it is run; None where it was refused."""

    typed: str
    query: AlignQuery | None = None
    sentence: str = ""
    rule: str = ""
    marked: MarkedText | None = None
    suggestions: list[Suggestion] = field(default_factory=list)


def read(typed: str, *, caret: int | None = None) -> QueryReading:
    """`caret`: where somebody types. An empty text is no mistake: there is nothing to run yet."""
    coming = suggestions(typed, caret)
    if not typed.strip():
        return QueryReading(typed=typed, suggestions=coming)
    try:
        return QueryReading(typed=typed, query=limited(read_query(typed)), suggestions=coming)
    except QueryRefused as refused:
        return QueryReading(
            typed=typed,
            sentence=refused.sentence,
            rule=refused.rule.value,
            marked=_marked(typed, refused),
            suggestions=coming,
        )
    except Refused as refused:
        return QueryReading(typed=typed, sentence=str(refused))


def _marked(typed: str, refused: QueryRefused) -> MarkedText | None:
    """None where the place is one of another text: a pasted address is decoded before it is read."""
    if refused.at is None:
        return None
    begin, end = refused.at
    part = typed[begin:end]
    if begin > len(typed) or (refused.part and refused.part.lower() not in (part.lower(), part.strip().lower())):
        return _found(typed, refused.part)
    return _around(typed, begin, end)


def _found(typed: str, part: str) -> MarkedText | None:
    begin = typed.lower().find(part.lower()) if part else -1
    return None if begin < 0 else _around(typed, begin, begin + len(part))


def _around(typed: str, begin: int, end: int) -> MarkedText:
    end = max(end, begin)
    before = typed[max(0, begin - AROUND) : begin]
    after = typed[end : end + AROUND]
    return MarkedText(
        before=f"…{before}" if begin > AROUND else before,
        part=typed[begin:end][:AROUND],
        after=f"{after}…" if len(typed) > end + AROUND else after,
    )


# -- what it costs ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class QueryCost:
    requests: int
    rows: int

    @property
    def is_large(self) -> bool:
        """More than a tenth of what a minute allows."""
        return self.requests > 60


def cost_of(query: AlignQuery) -> QueryCost:
    """Of a query as it is run, which always says how many rows; one more for the labels of custom fields."""
    more = 1 if query.asked.has_custom_fields and not query.selected else 0
    return QueryCost(requests=(requests_at_most(query) or 0) + more, rows=query.most or 0)
