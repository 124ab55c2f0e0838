"""Queries of Align's objects: built in Python or read from a typed text, and checked before they are sent."""

from connectors.align.query.builder import EACH, Condition, Q
from connectors.align.query.errors import QueryRefused, Rule
from connectors.align.query.keeping import KeepRule
from connectors.align.query.reading import read_filter
from connectors.align.query.request import EVERYTHING, AlignQuery, SortKey, query_of
from connectors.align.query.typed import read_options, read_query

__all__ = [
    "EACH",
    "EVERYTHING",
    "AlignQuery",
    "Condition",
    "KeepRule",
    "Q",
    "QueryRefused",
    "Rule",
    "SortKey",
    "query_of",
    "read_filter",
    "read_options",
    "read_query",
]
