"""The lists of mutants name what is there: each text stands exactly once in its file, and what it becomes is Python."""

from __future__ import annotations

import pytest

from tests import ROOT
from tests.mutants import FOLDER, TESTS, Mutant, mutants

EACH = [pytest.param(each, id=f"{each.room}-{each.number}") for room in TESTS for each in mutants(room)]


def test_each_room_has_its_list_and_its_tests() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(TESTS)
    assert [path for paths in TESTS.values() for path in paths if not (ROOT / path.partition("::")[0]).exists()] == []


def test_there_are_enough_of_them_and_none_twice() -> None:
    found = [(each.file, each.before, each.after) for room in TESTS for each in mutants(room)]
    assert len(found) >= 200
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("mutant", EACH)
def test_a_mutant_can_still_be_made(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text()
    changed = mutant.applied_to(text)
    assert changed != text
    compile(changed, mutant.file, "exec")


def test_a_text_that_stands_twice_or_nowhere_is_no_mutant() -> None:
    mutant = Mutant(room="engine", number=1, file="of.py", before="a = 1", after="a = 2")
    assert mutant.applied_to("a = 1\n") == "a = 2\n"
    for text in ("", "a = 1\na = 1\n"):
        with pytest.raises(ValueError, match="engine 1: its text stands"):
            mutant.applied_to(text)
