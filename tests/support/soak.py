"""`make soak`: a seed by chance, from which the order of the tests comes and what they draw. Loaded with `-p`."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from tests.bench import performance

SEED = "SEED"  # the variable that repeats a run
ENDS = ("passed", "failed", "error")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write", action="store_true", help="put what each long test took into docs/performance.md")


def is_soak(config: pytest.Config) -> bool:
    return bool(config.getoption("markexpr") == "soak")


def pytest_configure(config: pytest.Config) -> None:
    if is_soak(config):
        os.environ.setdefault(SEED, str(random.SystemRandom().randrange(10**6)))


def pytest_report_header(config: pytest.Config) -> str:
    return f"{SEED}={os.environ[SEED]} gives this order and what is drawn again" if is_soak(config) else ""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[Any]) -> None:
    """Whole files, since what a file has made once for its tests is made once."""
    if is_soak(config):
        files = sorted({item.path for item in items})
        random.Random(int(os.environ[SEED])).shuffle(files)
        items.sort(key=lambda item: files.index(item.path))


@pytest.fixture
def seed() -> int:
    """A test without it draws the same each time; among the long ones something else in each run."""
    return int(os.environ.get(SEED, "2026"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not (is_soak(config) and config.getoption("write")):
        return
    ended = [(outcome, each) for outcome in ENDS for each in terminalreporter.stats.get(outcome, [])]
    rows = [("test", "took", ""), *((each.nodeid, f"{each.duration:,.0f} s", outcome) for outcome, each in ended)]
    command = f"{SEED}={os.environ[SEED]} make soak"
    performance.write("make soak", performance.as_table(f"One after the other, by `{command}`", rows))
