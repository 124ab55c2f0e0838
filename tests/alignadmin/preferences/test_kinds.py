"""What is typed for a setting: what is taken, how it is kept and said, and the sentence for what is not."""

from __future__ import annotations

from typing import Any

import pytest

from alignadmin.errors import Refused
from alignadmin.preferences.kinds import YES_OR_NO, DistinctNumbers, MailAddresses, SettingKind, ShortText, WholeNumber

MINUTES = WholeNumber(least=5, most=60, one="minute", size=60)
DAYS = DistinctNumbers(least=1, most=365, longest=3, one="day", none="only on the last day")
PEOPLE = MailAddresses(longest=2)
FORMAT = ShortText(trouble=lambda text: "No X." if "X" in text else "", none="any")

TAKEN: list[tuple[SettingKind[Any], str, object, str]] = [
    (MINUTES, "5", 300, "5 minutes"),
    (MINUTES, " 060 ", 3600, "60 minutes"),
    (WholeNumber(least=1, most=9, one="day"), "1", 1, "1 day"),
    (DAYS, "1;30 , 7", [30, 7, 1], "30, 7, 1 days"),
    (DAYS, "1", [1], "1 day"),
    (DAYS, "", [], "only on the last day"),
    (PEOPLE, "a@example.test\nB@example.test", ["a@example.test", "B@example.test"], "a@example.test, B@example.test"),
    (PEOPLE, " \n", [], "nobody"),
    (YES_OR_NO, "true", True, "Yes"),
    (YES_OR_NO, "false", False, "No"),
    (FORMAT, "CHG-#", "CHG-#", "CHG-#"),
    (FORMAT, "", "", "any"),
]
REFUSED: list[tuple[SettingKind[Any], str, str]] = [
    (MINUTES, "4", "Enter a whole number from 5 to 60."),
    (MINUTES, "61", "Enter a whole number from 5 to 60."),
    (MINUTES, "6.5", "Enter a whole number from 5 to 60."),
    (MINUTES, "²", "Enter a whole number from 5 to 60."),
    (MINUTES, "", "Enter a whole number from 5 to 60."),
    (DAYS, "0", "Enter whole numbers from 1 to 365, with commas between them."),
    (DAYS, "366", "Enter whole numbers from 1 to 365, with commas between them."),
    (DAYS, "7, soon", "Enter whole numbers from 1 to 365, with commas between them."),
    (DAYS, "7, 1, 7", "7 is there twice. Enter each number once."),
    (DAYS, "1, 2, 3, 4", "Enter at most 3 numbers; these are 4."),
    (PEOPLE, "a@example.test, b", "b is no e-mail address. Correct it, or take it out."),
    (PEOPLE, "a@example.test A@example.test", "a@example.test is there twice. Enter each address once."),
    (PEOPLE, "a@x.test b@x.test c@x.test", "Enter at most 2 addresses; these are 3. Use a list of your mail server."),
    (YES_OR_NO, "maybe", "Choose one of the list."),
    (FORMAT, "X", "No X."),
]


@pytest.mark.parametrize(("kind", "text", "value", "words"), TAKEN)
def test_it_takes(kind: SettingKind[Any], text: str, value: object, words: str) -> None:
    assert kind.read(text) == value
    assert kind.words(value) == words
    assert kind.read(kind.text(value)) == value


@pytest.mark.parametrize(("kind", "text", "sentence"), REFUSED)
def test_it_refuses(kind: SettingKind[Any], text: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        kind.read(text)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(("limit", "most", "least"), [(1800, 30, 5), (120, 2, 2), (90, 1, 1), (0, 1, 1)])
def test_an_operators_limit_is_the_most(limit: int, most: int, least: int) -> None:
    found = MINUTES.at_most(limit)
    assert (found.most, found.least) == (most, least)
    with pytest.raises(Refused, match="the operator allows no more"):
        found.read(str(most + 1))


def test_what_is_no_whole_number_of_units_can_be_shown() -> None:
    assert (MINUTES.text(90), MINUTES.words(90)) == ("1.5", "1.5 minutes")
