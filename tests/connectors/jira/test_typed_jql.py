"""What people type narrows a condition: it never leaves the parentheses that it stands in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignadmin.errors import Refused
from connectors.jira.typed_jql import LONGEST_TYPED, typed_condition


@pytest.mark.parametrize(
    "text",
    [
        "labels = ready",
        'component in ("A (old)", \'it\\\'s\') AND text ~ "order by me"',
        "labels = order AND project = by",
        "assignee = currentUser() and sprint in openSprints()",
    ],
)
def test_what_is_whole_stands_in_parentheses(text: str) -> None:
    assert str(typed_condition(f"  {text} ")) == f"({text})"


def test_nothing_typed_is_met_by_every_issue() -> None:
    assert str(typed_condition(" \n ")) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = 1) OR (project = 2", "closed that was not opened"),
        ("a in (1", "opened and not closed"),
        ('a = "open', "quotation mark"),
        ('a = "1\\" OR b = 2', "quotation mark"),
        ("a = 1 ORDER BY rank", "ORDER BY"),
        ("order\n by key", "ORDER BY"),
        ("a = 1\u200b", "cannot be seen"),
        ("a = " + "1" * LONGEST_TYPED, "the most"),
    ],
)
def test_what_could_widen_the_condition_is_refused(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        typed_condition(text)


@given(st.text(alphabet="ab()'\"\\ \n", max_size=12))
def test_no_text_closes_the_parenthesis_that_it_is_put_into(text: str) -> None:
    try:
        found = str(typed_condition(text))
    except Refused:
        return
    assert deepest_end(found) == len(found) - 1 if found else not text.strip()


def deepest_end(text: str) -> int:
    """Where the first parenthesis is closed, as a reader of JQL counts them."""
    depth, quote, place = 0, "", 0
    while place < len(text):
        sign = text[place]
        if sign == "\\":
            place += 2
            continue
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in "()":
            depth += 1 if sign == "(" else -1
            if depth == 0:
                return place
        place += 1
    return -1
