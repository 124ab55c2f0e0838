"""When two names count as the same: whatever systems do to a name on its way, and nothing that a reader would see."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignadmin.folding import fold

NAMES = st.text(max_size=40)
INVISIBLE = st.sampled_from("\u200b\u200c\u200d\u200e\u200f\u00ad\u2060\ufeff\u202a\u202e\ufe0f\u034f\u3164")
SPACES = st.sampled_from([" ", "  ", "\u00a0", "\t", "\u2009", "\u3000", "\r\n"])


@given(NAMES)
def test_folding_again_changes_nothing(name: str) -> None:
    assert fold(fold(name)) == fold(name)


@given(NAMES)
def test_how_accents_are_written_does_not_matter(name: str) -> None:
    assert fold(unicodedata.normalize("NFC", name)) == fold(unicodedata.normalize("NFD", name)) == fold(name)


@given(NAMES, INVISIBLE, st.data())
def test_letters_that_show_nothing_do_not_matter(name: str, invisible: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(name)))
    assert fold(name[:place] + invisible + name[place:]) == fold(name)


@given(st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=8), max_size=5), st.data())
def test_kinds_and_numbers_of_spaces_do_not_matter(parts: list[str], data: st.DataObject) -> None:
    spaced = "".join(part + data.draw(SPACES) for part in parts)
    assert fold(data.draw(SPACES) + spaced) == fold(" ".join(parts))


@given(NAMES)
def test_capitals_do_not_matter(name: str) -> None:
    """Of a text as it is written: `upper` alone can lose which letter it was, as of the dotless i."""
    assert fold(name.casefold()) == fold(name)


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_plain_names_fold_as_all_others(name: str) -> None:
    assert fold(name + "é")[:-1].rstrip() == fold(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Stage ²", "Stage 2"),
        ("Fertig", "Fertig!"),
        ("Prufung", "Prüfung"),
        ("In Review", "InReview"),
        ("完成", "完工"),
        ("が", "か"),
        ("①", "1"),
        ("ＱＡ", "QA"),
        ("", "x"),
    ],
)
def test_what_a_reader_sees_to_differ_differs(one: str, other: str) -> None:
    assert fold(one) != fold(other)
