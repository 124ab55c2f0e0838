"""The machine of plans and applies holds: a few runs here, a thousand of fifty steps in the long tests."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as profile
from hypothesis.stateful import run_state_machine_as_test

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
LONG = profile(max_examples=1000, stateful_step_count=50, **COMMON)


@pytest.fixture(autouse=True)
def hurried(settings: Any) -> None:
    """What is waited for in seconds, so that a run takes one or two."""
    settings.REQUEST_DEADLINE = settings.READ_TIMEOUT = 0.8
    settings.SENDING_GRACE, settings.BUDGET_BLOCK = 0.2, 0.2
    settings.APPLY_THREADS = 2


def test_the_machine_holds(admin: Person) -> None:
    run_state_machine_as_test(ApplyMachine, settings=SHORT)


@pytest.mark.soak
def test_the_machine_holds_for_long(admin: Person) -> None:
    run_state_machine_as_test(ApplyMachine, settings=LONG)
