"""What is chosen, read once for a turn: how many queries that takes, and when what others store is seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from alignadmin.preferences import reading
from alignadmin.preferences.declaring import Origin, Preference
from alignadmin.preferences.kinds import WholeNumber
from alignadmin.preferences.models import InstallationChoice
from alignadmin.preferences.reading import chosen, in_one_turn, one_turn

pytestmark = pytest.mark.django_db
START = 600


def preference(*, is_limit: bool = False) -> Preference[int]:
    return Preference(
        key="minutes",
        label="Minutes",
        help="",
        kind=WholeNumber(least=1, most=60, one="minute", size=60),
        start=lambda: START,
        environment="MINUTES",
        is_limit=is_limit,
    )


def stored(value: int) -> None:
    defaults = {"value": value, "by_name": "Dana", "at": timezone.now()}
    InstallationChoice.objects.update_or_create(key="minutes", defaults=defaults)


def queries_of(ask: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        ask()
    return len(queries)


def test_a_choice_comes_before_the_environment_and_that_before_the_default(settings: Settings) -> None:
    asked = preference()
    assert (asked.value(), asked.source(chosen()).origin) == (START, Origin.DEFAULT)
    settings.IN_ENVIRONMENT = frozenset({"MINUTES"})
    assert (asked.value(), asked.source(chosen()).origin) == (START, Origin.ENVIRONMENT)
    stored(START + 60)
    assert (asked.value(), asked.source(chosen()).origin) == (START + 60, Origin.CHOSEN)


@pytest.mark.parametrize(
    ("value", "holds", "cut_to"), [(START - 60, START - 60, ""), (START + 60, START, "10 minutes")]
)
def test_a_limit_of_the_operator_cuts_what_was_chosen_before_it(value: int, holds: int, cut_to: str) -> None:
    stored(value)
    limit = preference(is_limit=True)
    assert (limit.value(), limit.source(chosen()).cut_to) == (holds, cut_to)


def test_a_turn_reads_once_and_only_when_asked() -> None:
    assert queries_of(in_one_turn(lambda: None)) == 0
    assert queries_of(in_one_turn(lambda: [preference().value() for _ in range(3)])) == 1


def test_a_turn_sees_its_own_change_and_the_next_one_that_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = preference()
    with one_turn():
        assert asked.value() == START
        stored(START + 60)
        assert asked.value() == START
        reading.forget()
        assert asked.value() == START + 60
        stored(START + 120)
        monkeypatch.setattr(reading, "KEPT_FOR", -1.0)  # as after 30 seconds of a long turn
        assert asked.value() == START + 120
    assert reading.KEPT_FOR < 60
