"""Values of configuration: told apart as JSON does, changed and compared, with a fingerprint of exactly the change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.engine.configuration import (
    ConfigurationProblem,
    LineChange,
    changed,
    differences,
    fingerprint_of_lines,
    is_same,
    new_errors,
    warnings_of,
)
from mappings.engine.values import Severity

WORDS = st.sampled_from(["", "1", "a", "Bug", "ß"])
VALUES = st.one_of(st.booleans(), st.integers(-3, 3), WORDS, st.lists(WORDS, max_size=3))
STATES = st.dictionaries(st.sampled_from("abcde"), VALUES, max_size=5)


@given(STATES, STATES)
def test_the_differences_of_two_states_lead_from_one_to_the_other(
    before: dict[str, object], after: dict[str, object]
) -> None:
    found = differences(before, after)
    assert not differences(changed(before, found), after)
    assert all(not is_same(each.before, each.after) for each in found)
    back = [LineChange(key=each.key, before=each.after, after=each.before) for each in found]
    assert not differences(changed(changed(before, found), back), before)


@given(STATES, STATES, STATES)
def test_a_fingerprint_is_of_the_lines_and_their_values_alone(
    one: dict[str, object], two: dict[str, object], three: dict[str, object]
) -> None:
    first, second = differences(one, two), differences(one, three)
    same = fingerprint_of_lines(1, "x", first) == fingerprint_of_lines(1, "x", list(reversed(second)))
    assert same is (not differences(two, three))
    assert fingerprint_of_lines(1, "x", first) != fingerprint_of_lines(2, "x", first)
    assert fingerprint_of_lines(1, "x", first) != fingerprint_of_lines(1, "y", first)


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (None, ""), ([], None), ("1", 1), (["a", "b"], ["b", "a"])]
)
def test_values_that_python_may_take_for_the_same_are_told_apart(one: object, other: object) -> None:
    assert is_same(one, one)
    assert not is_same(one, other)


def test_only_an_error_that_was_not_there_before_is_new() -> None:
    def problem(code: str, key: str, severity: Severity = Severity.ERROR, about: str = "") -> ConfigurationProblem:
        return ConfigurationProblem(code=code, severity=severity, sentence=f"{code} {key}", key=key, about=about)

    before = [problem("twice", "a", about="Bug")]
    after = [*before, problem("twice", "a", about="Story"), problem("gone", "b", Severity.WARNING)]
    assert new_errors(before, after) == [after[1]]
    assert new_errors(after, before) == []
    assert warnings_of([*after, after[2]]) == ["gone b"]
