"""The log of the real worker: one form, one line an event, and nothing while there is nothing to do."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alignadmin.logs import OneLine
from tests.support.processes import Site, eventually, migrated_site

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR) [\w.]+: \S.*")
IDLE = 6.0  # seconds, in which the clock ticks a dozen times


@pytest.fixture
def site(processes: None, tmp_path: Path) -> Iterator[Site]:
    with migrated_site(tmp_path / "var", LOG_LEVEL="INFO") as made:
        yield made


def lines_of(site: Site) -> list[str]:
    (worker,) = (child for child in site.children.started if child.name == "worker")
    return worker.log.read_text().splitlines()


def test_an_idle_worker_says_that_it_started_and_that_it_ended(site: Site) -> None:
    site.start_worker()
    eventually(lambda: bool(lines_of(site)), what="the first line")
    time.sleep(IDLE)
    (started,) = lines_of(site)
    assert LINE.fullmatch(started)
    assert "connectors.worker: The worker has started: process " in started
    site.stop()
    _, ended = lines_of(site)
    assert LINE.fullmatch(ended)
    assert "The worker has ended" in ended


def test_what_somebody_starts_is_one_line_of_the_same_form(site: Site) -> None:
    site.start_sandbox()
    site.prepare()
    site.start_worker()
    eventually(lambda: any("(refresh) of acme ended: done" in line for line in lines_of(site)), within=60)
    site.stop()
    lines = lines_of(site)
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert len(set(lines)) == len(lines)
    assert len([line for line in lines if "(refresh) of acme" in line]) == 1


def test_a_database_in_trouble_is_told_once_and_that_it_is_over_too(site: Site) -> None:
    site.start_worker()
    eventually(lambda: bool(lines_of(site)), what="the first line")
    site.sql("ALTER TABLE connectors_job RENAME TO away")
    eventually(lambda: len(lines_of(site)) > 1, what="the trouble")
    time.sleep(IDLE)
    site.sql("ALTER TABLE away RENAME TO connectors_job")
    eventually(lambda: "answers again" in lines_of(site)[-1], what="the end of it")
    assert [line for line in lines_of(site) if not LINE.fullmatch(line)] == []
    told = [line for line in lines_of(site) if "connectors.jobs.clock: the clock" in line]
    assert ["stands still" in line for line in told] == [True, False], told
    assert len(lines_of(site)) <= 5, "a wake-up that was under way may have failed, too"


def test_a_message_with_line_breaks_and_a_traceback_are_one_line() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "file", 1, "was %s", ("odd\r\nforged",), sys.exc_info())
    line = OneLine("{levelname} {name}: {message}", style="{").format(record)
    assert "\n" not in line
    assert "\r" not in line
    assert line.startswith("ERROR a: was odd | forged | Traceback (most recent call last): | ")
    assert line.endswith("ValueError: first | second")
