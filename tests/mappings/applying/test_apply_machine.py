"""The machine of plans and applies holds: a few runs here, some of them others each day, and many in the soak."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from alignadmin.accounts.models import Person
from tests.support.apply_machine import ApplyMachine

pytestmark = pytest.mark.django_db(transaction=True)
COMMON: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
    "phases": (Phase.generate, Phase.shrink),
}
SHORT = profile(max_examples=8, stateful_step_count=20, derandomize=True, **COMMON)
OF_THE_DAY = profile(max_examples=4, stateful_step_count=20, **COMMON)
LONG = profile(max_examples=1000, stateful_step_count=50, **COMMON)


@pytest.fixture(autouse=True)
def hurried(settings: Any) -> None:
    """What is waited for in seconds, so that a run takes one or two."""
    settings.REQUEST_DEADLINE = settings.READ_TIMEOUT = 0.8
    settings.SENDING_GRACE, settings.BUDGET_BLOCK = 0.2, 0.2
    settings.APPLY_THREADS = 2


def test_the_machine_holds(admin: Person) -> None:
    run_state_machine_as_test(ApplyMachine, settings=SHORT)


def walk(machine: type[RuleBasedStateMachine], number: int, settings: profile) -> None:
    """The walks that this seed gives."""
    run_state_machine_as_test(seed(number)(type(machine.__name__, (machine,), {})), settings=settings)


def test_the_machine_holds_on_the_walks_of_the_day(admin: Person) -> None:
    """Others each day (UTC), all day the same; SEED says which to repeat."""
    number = int(os.environ.get("SEED", f"{datetime.now(UTC):%Y%m%d}"))
    print(f"SEED={number}")
    try:
        walk(ApplyMachine, number, OF_THE_DAY)
    except BaseException as error:
        error.add_note(f"On the walks of SEED={number}; with that in the environment they are the same again.")
        raise


def test_a_seed_gives_the_same_walks_again_and_another_seed_gives_others() -> None:
    walks: list[int] = []

    class Recorder(RuleBasedStateMachine):
        @rule(number=st.integers())
        def step(self, number: int) -> None:
            walks.append(number)

    def walks_of(number: int) -> list[int]:
        walks.clear()
        walk(Recorder, number, OF_THE_DAY)
        return list(walks)

    assert len(set(walks_of(20260301))) > 10
    assert walks_of(20260301) == walks_of(20260301) != walks_of(20260302)


@pytest.mark.soak
def test_the_machine_holds_for_long(admin: Person) -> None:
    run_state_machine_as_test(ApplyMachine, settings=LONG)
