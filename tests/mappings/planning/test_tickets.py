"""Patterns of tickets: which are taken, which are refused and why, and that checking one never takes long."""

from __future__ import annotations

import time

import pytest

from mappings.planning.tickets import LONGEST_TICKET, pattern_trouble, ticket_trouble


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        (r"CHG-\d{4,8}", "CHG-12345", "chg-12345"),
        (r"^(CHG|INC)-?\d+$", "INC7", "INC"),
        (r"[A-Z][A-Z0-9]+-\d+", "PROJ1-12", "P-12"),
        (r"(?:#\d+)?", "#12", "12"),
        (r"\[\w+\]\s\.", "[x] .", "x ."),
        (r"[^a-z]{3}", "ABC", "ABc"),
    ],
)
def test_usual_patterns_are_taken(pattern: str, fits: str, fails: str) -> None:
    assert pattern_trouble(pattern) == ""
    assert ticket_trouble(pattern, fits) == ""
    assert ticket_trouble(pattern, fails)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+", "A group that repeats"),
        ("(a|a)*", "A group that repeats"),
        ("((a))", "A group inside a group"),
        ("(a", "no regular expression"),
        ("a)", "no regular expression"),
        ("*", "no regular expression"),
        ("[z-a]", "no regular expression"),
        ("a{2,1}", "no regular expression"),
        ("[", "is not taken here"),
        ("\\", "is not taken here"),
        (r"(.)\1", "is not taken here"),
        ("(?=a)a", "is not taken here"),
        ("(?i)a", "is not taken here"),
        ("a{1000}", "is not taken here"),
        (r"\w*\w*\w*\w*!", "so many ways"),
        ("a?" * 20 + "a" * 20, "so many ways"),
        ("(a|a)" * 20, "so many ways"),
    ],
)
def test_a_pattern_that_could_run_away_is_refused_with_the_reason(pattern: str, why: str) -> None:
    assert why in pattern_trouble(pattern)


@pytest.mark.parametrize("pattern", [r"\w*\w*\w*!", r".*.*.*", "a?" * 19 + "a" * 19, "(a|a)" * 19 + "b"])
def test_the_worst_patterns_that_are_taken_are_checked_at_once(pattern: str) -> None:
    assert pattern_trouble(pattern) == ""
    began = time.perf_counter()
    for ticket in ("a" * LONGEST_TICKET, "a" * 19, "a" * 38 + "\n"):
        ticket_trouble(pattern, ticket)
    assert time.perf_counter() - began < 2
