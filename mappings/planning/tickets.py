"""Tickets, and the ticket format that a connector may ask of them.

A format made only of letters, digits, - _ / : and blanks, # @ and + is a template, on every installation. Any other is
a regular expression. Those are left to RE2 (google-re2, optional), whose time grows with the length of the ticket
alone: Python's own matcher tries every way in which a pattern may fit, and has no time limit.
"""

from __future__ import annotations

import re
from importlib import import_module
from string import ascii_letters, digits
from typing import Any

LONGEST_TICKET = 100
LONGEST_PATTERN = 200
# Bytes for one pattern: 1,000 characters of any language fit in; compiling one and checking a ticket take a few
# milliseconds each. RE2's module keeps the last 128 patterns.
MOST_MEMORY = 1 << 18

TEMPLATE = re.compile(r"(?:[#@]\+?|[\w/: -])*")
PLACE = re.compile(r"[#@]\+?|[\w/: -]")  # one character of the ticket, or several with a +
TEMPLATE_WORDS = "# stands for a digit, @ for a letter, #+ and @+ for one or more of them"

# What RE2 says, in words. {part}: the piece of the pattern it names.
REASONS = {
    "bad repetition operator": "“{part}” repeats a repetition",
    "invalid character class": "“{part}” is no range or class of characters",
    "invalid escape sequence": "“{part}” is not taken, and neither are references back to a group such as \\1",
    "invalid named capture group": "“{part}” is no name of a group",
    "invalid perl operator": "“{part}” is not taken: a group begins with ( or (?: and nothing looks ahead or back",
    "invalid repetition size": "“{part}” repeats too often or the wrong way round; 1000 times is the most, all in all",
    "missing )": "a ( has no )",
    "missing ]": "a [ has no ]",
    "no argument for repetition operator": "“{part}” has nothing before it to repeat",
    "pattern too large": "it takes too much memory; use fewer or shorter repetitions",
    "trailing \\": "nothing follows the last \\",
    "unexpected )": "a ) has no (",
}


# --- what people are told ----------------------------------------------------------------------------------------


def ticket_trouble(pattern: str, ticket: str) -> str:
    """Why this ticket cannot be taken; empty: it can. No ticket at all always can."""
    if len(ticket) > LONGEST_TICKET:
        return f"A ticket has at most {LONGEST_TICKET} characters."
    if not _is_encodable(ticket):
        return "This ticket has characters that cannot be stored. Type it again, or leave it empty."
    if not ticket or not pattern:
        return ""
    if trouble := pattern_trouble(pattern):
        return (
            f"The ticket {ticket} cannot be checked, because the ticket format of this connector cannot be used. "
            f"{trouble} An admin changes it under Rules of plans; until then, leave the ticket empty."
        )
    if _fits(pattern, ticket):
        return ""
    return (
        f"The ticket {ticket} does not fit the ticket format of this connector, {pattern}. Correct it, or leave it "
        "empty."
    )


def pattern_trouble(pattern: str) -> str:
    """Why this ticket format cannot be used on this installation; empty: it can."""
    if len(pattern) > LONGEST_PATTERN:
        return f"A ticket format has at most {LONGEST_PATTERN} characters."
    if not pattern.isprintable():
        return "A ticket format is one line of visible characters. This one has others; type it again."
    if is_template(pattern):
        return ""
    if (re2 := _re2()) is None:
        return (
            f"“{pattern}” is a regular expression, which this installation cannot check. Use a template such as "
            f"CHG-####+, in which {TEMPLATE_WORDS}; or have the package google-re2 installed."
        )
    # One byte of a character: it would split letters that are no ASCII.
    if r"\C" in pattern.replace(r"\\", ""):
        return r"This regular expression cannot be used: “\C” is not taken. Use . for any character."
    try:
        _compiled(re2, pattern)
    except re2.error as error:
        return f"This regular expression cannot be used: {_reason(error)}."
    return ""


def format_help() -> str:
    """What a ticket format may be on this installation."""
    template = f"Empty: anything. A template such as CHG-####+: {TEMPLATE_WORDS}; all else stands for itself."
    if _re2() is None:
        expression = (
            "A regular expression cannot be used on this installation: the package google-re2 is not installed."
        )
    else:
        expression = (
            "With any other sign, such as \\ ( [ . or *, it is a regular expression (RE2) that matches the whole "
            "ticket, such as CHG-\\d{4,8} or (CHG|INC)-\\d+; \\d is 0 to 9."
        )
    return f"{template} {expression} A plan may still have no ticket. Existing plans keep theirs."


# --- templates ---------------------------------------------------------------------------------------------------


def is_template(pattern: str) -> bool:
    return TEMPLATE.fullmatch(pattern) is not None


def _fits_template(template: str, ticket: str) -> bool:
    """Goes through the ticket once, with all places of the template that may be reached: nothing is tried twice."""
    places = PLACE.findall(template)
    reached = {0}
    for character in ticket:
        ahead = {at + 1 for at in reached if at < len(places) and _stands_for(places[at], character)}
        again = {at for at in reached if at and places[at - 1][1:] and _stands_for(places[at - 1], character)}
        reached = ahead | again
    return len(places) in reached


def _stands_for(place: str, character: str) -> bool:
    """ASCII alone, as in RE2: a ticket is typed and searched for on any keyboard."""
    if place[0] == "#":
        return character in digits
    if place[0] == "@":
        return character in ascii_letters
    return place == character


# --- regular expressions -----------------------------------------------------------------------------------------


def _re2() -> Any:
    """google-re2's module, or None. Another package of that name has no Options, and falls back to Python's matcher."""
    try:
        module = import_module("re2")
    except ImportError:
        return None
    return module if hasattr(module, "Options") else None


def _compiled(re2: Any, pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = MOST_MEMORY
    options.log_errors = False  # they are told to whoever typed the pattern
    return re2.compile(pattern, options)


def _fits(pattern: str, ticket: str) -> bool:
    """The whole ticket; the pattern is one without trouble."""
    if is_template(pattern):
        return _fits_template(pattern, ticket)
    return _compiled(_re2(), pattern).fullmatch(ticket) is not None


def _reason(error: Exception) -> str:
    """RE2 answers bytes: what is wrong, a colon, the piece of the pattern."""
    said = error.args[0] if error.args else "it is not taken"
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    _, _, part = text.partition(": ")
    part = part if len(part) <= 20 else f"{part[:19]}…"
    found = next((words for begins, words in REASONS.items() if text.startswith(begins)), text)
    return found.replace("{part}", part)


def _is_encodable(text: str) -> bool:
    """Half a surrogate pair, as of a command's argument that was no UTF-8, is in no column and in no match."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
