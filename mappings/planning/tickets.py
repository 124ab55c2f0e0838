"""Tickets and the pattern a connector may ask of them: a plain part of regular expressions that cannot run away.

Python's matcher tries every way in which a pattern may fit, and has no time limit. So only flat patterns are taken,
and only those with few ways: the number of ways is bounded by a product over their parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod

LONGEST_TICKET = 100
LONGEST_PATTERN = 200
MOST_WAYS = 1_000_000  # some 50 ms for the worst ticket

# One part each: what stands for one character, how often it stands there, a group, a choice, both ends.
PART = re.compile(
    r"""(?P<one> \\[dDwWsS] | \\[^A-Za-z0-9] | \[\^?\]?(?:\\.|[^\[\]\\])+\] | [^\\\[\](){}*+?|^$] )
      | (?P<times> [*+?] | \{\d{1,3}(?:,\d{0,3})?\} )
      | (?P<open> \((?:\?:)?(?!\?) )
      | (?P<close> \)\?? )
      | (?P<choice> \| )
      | (?P<end> [\^$] )""",
    re.VERBOSE | re.DOTALL,
)


def ticket_trouble(pattern: str, ticket: str) -> str:
    """Why this ticket cannot be taken; empty: it can. No ticket at all always can."""
    if len(ticket) > LONGEST_TICKET:
        return f"A ticket has at most {LONGEST_TICKET} characters."
    if not ticket or not pattern or re.fullmatch(pattern, ticket):
        return ""
    return f"The ticket {ticket} does not fit the pattern of this connector, {pattern}. Correct it, or leave it empty."


def pattern_trouble(pattern: str) -> str:
    """Why this pattern cannot be taken, in words for whoever typed it; empty: it can."""
    if len(pattern) > LONGEST_PATTERN:
        return f"A pattern has at most {LONGEST_PATTERN} characters."
    try:
        parts = list(_parts(pattern))
        re.compile(pattern)
    except _Unread as unread:
        return str(unread)
    except re.error as error:
        return f"This is no regular expression: {error}."
    if _ways(parts) > MOST_WAYS:
        return (
            "This pattern fits in so many ways that checking a ticket could take minutes. Use fewer of * + ? | and "
            "{1,9}, or exact numbers such as {4}."
        )
    return ""


class _Unread(Exception):
    """The pattern has a part that is not taken; the message says which."""


def _parts(pattern: str) -> Iterator[re.Match[str]]:
    """The parts from left to right. Raises _Unread."""
    at, depth = 0, 0
    while at < len(pattern):
        part = PART.match(pattern, at)
        if part is None:
            raise _Unread(
                f"“{pattern[at : at + 12]}” is not taken here. A pattern is made of characters, \\d \\w \\s, [A-Z], "
                "( | ) without groups inside, and * + ? {4} {1,9} after a single character."
            )
        depth += (part.lastgroup == "open") - (part.lastgroup == "close")
        at = part.end()
        if depth > 1:
            raise _Unread("A group inside a group is not taken here.")
        if part.lastgroup == "close" and pattern[at : at + 1] in ("*", "+", "{", "?"):
            raise _Unread("A group that repeats is not taken here: checking a ticket could take minutes.")
        yield part


def _ways(parts: list[re.Match[str]]) -> int:
    return prod(_ways_of(part) for part in parts)


def _ways_of(part: re.Match[str]) -> int:
    """In how many ways this part may fit: lengths of a repetition, a group left out, one more choice."""
    text = part[0]
    if part.lastgroup in ("choice", "close"):
        return 2 if text in ("|", ")?") else 1
    if part.lastgroup != "times":
        return 1
    if text in "*+":
        return LONGEST_TICKET
    if text == "?":
        return 2
    least, comma, most = text[1:-1].partition(",")
    return 1 if not comma else max(1, min(int(most or LONGEST_TICKET), LONGEST_TICKET) - int(least) + 1)
