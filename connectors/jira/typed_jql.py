"""JQL that a person typed, put beside conditions of ours: it may narrow them and nothing else.

Whether its fields and values are there is for Jira to say. Here is only made sure that the whole of it stays within the
parentheses that it is put into: that no quotation mark and no parenthesis of it is left open or closed once too often,
and that it brings no order, which stands behind all conditions.
"""

from __future__ import annotations

import re
from itertools import pairwise

from alignadmin.errors import Refused
from connectors.jira.jql import Jql

LONGEST_TYPED = 4000  # characters
_QUOTES = "\"'"
_TEXT = "\x00"  # which nothing typed holds
_WHOLE = re.compile(r"""\\.|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL)
_WORDS = re.compile(rf"[\w.-]+|{_TEXT}")


def typed_condition(text: str) -> Jql:
    """In parentheses of its own; the empty one is met by every issue. Raises Refused."""
    text = text.strip()
    if not text:
        return Jql()
    if len(text) > LONGEST_TYPED:
        raise Refused(f"This JQL has {len(text):,} characters; {LONGEST_TYPED:,} are the most.")
    if any(not sign.isprintable() and sign not in "\r\n\t" for sign in text):
        raise Refused("This JQL holds a character that cannot be seen. Type it anew.")
    _refuse_open(text)
    return Jql(f"({text})")


def _refuse_open(text: str) -> None:
    left = _WHOLE.sub(_stand_in, text)
    if "\\" in left:  # the last sign, which would escape what is put behind it
        raise Refused("A backslash stands at the end, where it has nothing to escape.")
    if opened := next((sign for sign in left if sign in _QUOTES), ""):
        raise Refused(f"A quotation mark is opened and not closed: {opened}")
    depth = 0
    for sign in left:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            raise Refused("A parenthesis is closed that was not opened: “)”.")
    if depth:
        raise Refused("A parenthesis is opened and not closed: “(”.")
    if ("order", "by") in pairwise(_WORDS.findall(left.lower())):
        raise Refused("Leave ORDER BY out: in which order issues are read makes no difference here.")


def _stand_in(found: re.Match[str]) -> str:
    """For a sign that is escaped a letter, and for a text in quotation marks a word that is no keyword."""
    return "x" if found[0].startswith("\\") else f" {_TEXT} "
