"""What a query of Align's objects is refused for, before anything is sent: the rule, the part, and a sentence."""

from __future__ import annotations

from enum import Enum

from alignadmin.errors import Refused

Span = tuple[int, int]  # of a typed text: its first character and the one after its last, counted from 0


class Rule(Enum):
    """Each is a statement of Align's article on queries, or a limit of ours where it names none."""

    UNREADABLE = "the form of a query"
    UNKNOWN_FIELD = "the fields of an object"
    UNKNOWN_OPTION = "options begin with a dollar sign"
    NOT_SUPPORTED = "the operators and functions that there are"
    WRONG_TYPE = "values of one type are compared"
    DATE = "dates have no quotes"
    TRUTH = "fields of yes or no stand alone or after not"
    SUB_LEVEL = "other objects are asked for inside any() only"
    LIST = "lists are asked with any()"
    LIST_NOT_FILTERED = "the lists that an address filters"
    NOT_EXPANDED = "entities are there with expand"
    TOO_DEEP = "how many levels a filter may have"
    TOO_LONG = "how long a query may be"


MOST_DIGITS = 30  # of a number, which is more than any of Align's has; Python itself reads no number of thousands
TOO_MANY_DIGITS = f"A number has {MOST_DIGITS} digits at most."


class QueryRefused(Refused):
    """`part`: what of the query it is about, as text; `at`: where that stands, if the query was typed."""

    def __init__(self, rule: Rule, sentence: str, *, part: str = "", at: Span | None = None) -> None:
        super().__init__(sentence)
        self.rule, self.sentence, self.part, self.at = rule, sentence, part, at
