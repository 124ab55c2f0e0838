"""The tier of each test, from the fixtures it asks for, and what a test of that tier may do.

    unit         no database, no address, no process; at most half a second of processor, 5 s for a property
    integration  the database, servers in threads of this process, or all our sources
    process      starts processes: asks for the fixture `processes`, or for one that does
    browser      drives Chromium
    soak         minutes to hours, by its own mark

A test that does what its tier may not fails there and then, so that `-m unit` is what it says. Loaded with `-p`.
"""

from __future__ import annotations

import gc
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from time import thread_time
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support import chromium, statements

TIERS = ("unit", "integration", "process", "browser", "soak")
ONCE = "once"
BROWSER = {"browser"}
PROCESS = {"processes"}
DATABASE = {"db", "transactional_db", "django_db_reset_sequences", "django_db_serialized_rollback"}
INTEGRATION = DATABASE | {"network", "sources"}
# The longest begin first, so that no process of a run works on alone at its end.
FIRST = ("soak", "browser", "process", "integration", "unit")
# The files whose tests use the one installation of the fixture `site`.
AROUND_ONE_SITE = (
    "tests/journeys/",
    "tests/alignadmin/test_hardening.py",
    "tests/alignadmin/site/test_health.py",
    "tests/alignadmin/accounts/signin/test_throttling.py",
)
LONGEST, LONGEST_PROPERTY = 0.5, 5.0  # seconds of processor, which other work on the machine does not stretch

STARTS, ADDRESSES = {"subprocess.Popen", "os.fork", "os.posix_spawn"}, {"socket.connect", "socket.bind"}


def tier_of(item: pytest.Item) -> str:
    asked = set(getattr(item, "fixturenames", ()))
    if item.get_closest_marker("soak"):
        return "soak"
    if asked & BROWSER:
        return "browser"
    if asked & PROCESS:
        return "process"
    return "integration" if asked & INTEGRATION or item.get_closest_marker("django_db") else "unit"


class Running:
    """What runs at the moment: the audit hook below can neither be taken out again nor be given anything."""

    tier = ""


@contextmanager
def unwatched() -> Iterator[None]:
    """For what is made once for all tests, whichever of them comes first."""
    tier, Running.tier = Running.tier, ""
    try:
        yield
    finally:
        Running.tier = tier


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if Running.tier in ("unit", "integration") and event in STARTS:
        raise AssertionError("Only a test that asks for the fixture `processes` starts one.")
    if Running.tier == "unit" and event in ADDRESSES:
        raise AssertionError("A unit test opens no address; with the fixture `network` it is one of integration.")


def is_let_near_a_database(item: pytest.Item) -> bool:
    """Else pytest-django refuses it one; a process that it starts may use what it likes."""
    asked = set(getattr(item, "fixturenames", ()))
    return bool(asked & (DATABASE | PROCESS) or item.get_closest_marker("django_db"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{ONCE}: says nothing of a database, so it is run on the default one alone")
    for tier in TIERS:
        config.addinivalue_line("markers", f"{tier}: see tests/support/tiers.py; set by the fixtures of a test")
    sys.addaudithook(refuse)


@pytest.hookimpl(tryfirst=True)  # before the marks are asked for
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    alike = statements.listed()
    for item in items:
        item.add_marker(tier_of(item))
        if not is_let_near_a_database(item) or statements.function(item.nodeid) in alike:
            item.add_marker(ONCE)
    if not config.getoption("complete") and not chromium.found():
        config.hook.pytest_deselected(items=[item for item in items if tier_of(item) == "browser"])
        items[:] = [item for item in items if tier_of(item) != "browser"]
    ranks: dict[Path, int] = {}
    for item in items:
        ranks[item.path] = min(ranks.get(item.path, len(FIRST)), FIRST.index(tier_of(item)))
    items.sort(key=lambda item: ranks[item.path])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Looking for cycles among a million objects that stay took a tenth of a run's time of processor; how often it is
    done, `tests/environment.py` says."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of a run, where it is not complete for want of a browser."""
    if not hasattr(config, "workerinput") and not config.getoption("complete") and not chromium.found():
        print(chromium.WITHOUT)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    Running.tier = tier_of(item)
    try:
        return (yield)
    finally:
        Running.tier = ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Its own work alone: neither what threads of earlier tests do, nor a collection of what those have left."""
    if Running.tier != "unit":
        return (yield)
    gc.disable()
    began = thread_time()
    try:
        yield
    finally:
        used = thread_time() - began
        gc.enable()
    most = LONGEST_PROPERTY if item.get_closest_marker("hypothesis") else LONGEST
    if used > most:
        pytest.fail(f"A unit test takes at most {most} s of processor; this one took {used:.1f} s.")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Beside pytest's own `--durations`: which room costs how much."""
    if not config.getoption("durations"):
        return
    seconds: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[str(PurePath(report.nodeid.partition("::")[0]).parent)] += report.duration
    terminalreporter.section("seconds by room")
    for room, took in sorted(seconds.items(), key=lambda each: -each[1]):
        terminalreporter.write_line(f"{took:7.1f}  {room}")


class ByFile(LoadScopeScheduling):
    """A file's tests in one process, and all that share the installation of `site` in one: it is started once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return AROUND_ONE_SITE[0] if file.startswith(AROUND_ONE_SITE) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # the order of `FIRST` stays
    return ByFile(config, log)
