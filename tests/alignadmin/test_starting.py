"""Web and worker refuse to start with one line when something they need is missing or wrong: the real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from alignadmin import starting
from tests import ROOT
from tests.support.ports import HOST, free_port
from tests.support.processes import MANAGE, Site, created_database

NO_SECRET_KEY = "SECRET_KEY is not set: give this installation a long random one, and the same one at each start."
NO_TABLES = "The database has no tables yet: run manage.py migrate."
OF_BEFORE = (
    "This database was made by a version that cannot be upgraded: the demo must be made anew. "
    "Choose another DATA_DIR or an empty database, and keep the old one as it is."
)
NOTHING_LISTENS = "postgres://somebody:a-password@127.0.0.1:9/there"


@pytest.fixture
def site(processes: None, tmp_path: Path) -> Iterator[Site]:
    """Not migrated."""
    with created_database() as database_url:
        yield Site(data_dir=tmp_path / "var", database_url=database_url)


def run(site: Site, *arguments: str, changed: Mapping[str, str | None]) -> tuple[int, list[str]]:
    """The exit code, and the lines of standard error without gunicorn's own."""
    environment = {**site.environment, **changed}
    done = subprocess.run(
        [sys.executable, *arguments],
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = [line.removeprefix("CommandError: ") for line in done.stderr.splitlines()]
    return done.returncode, [line for line in lines if line and not line.startswith("[")]


def web(site: Site, **changed: str | None) -> tuple[int, list[str]]:
    served = ["gunicorn", "--bind", f"{HOST}:{free_port()}", "--config", str(ROOT / "alignadmin" / "gunicorn.py")]
    return run(site, "-m", *served, "--chdir", str(ROOT), "alignadmin.wsgi", changed=changed)


def worker(site: Site, **changed: str | None) -> tuple[int, list[str]]:
    return run(site, MANAGE, "worker", changed=changed)


def test_without_a_secret_key_neither_starts(site: Site) -> None:
    for missing in (None, ""):
        assert web(site, SECRET_KEY=missing) == (4, [NO_SECRET_KEY])
        assert worker(site, SECRET_KEY=missing) == (1, [NO_SECRET_KEY])


def test_on_an_empty_database_neither_starts(site: Site) -> None:
    site.data_dir.mkdir()
    assert web(site) == (4, [NO_TABLES])
    assert worker(site) == (1, [NO_TABLES])
    assert run(site, MANAGE, "verify_history", changed={}) == (1, [NO_TABLES])


def test_on_a_database_of_an_earlier_version_neither_starts(site: Site) -> None:
    site.copy_tables()
    site.sql("DELETE FROM django_migrations WHERE app = 'sessions'")
    for code, lines in (web(site), worker(site)):
        assert code in (4, 1)
        assert lines == [
            "The database lacks a migration of this version, beginning with sessions.0001_initial: "
            "run manage.py migrate."
        ]


def make_old(site: Site) -> None:
    """As it was before people, and what they did, had apps of their own."""
    site.copy_tables()
    site.sql("ALTER TABLE accounts_person RENAME TO connectors_person")
    site.sql("DELETE FROM django_migrations WHERE app IN ('accounts', 'audit', 'mail')")


def test_a_database_of_before_ends_every_command_with_one_line(site: Site) -> None:
    make_old(site)
    assert web(site) == (4, [OF_BEFORE])
    assert worker(site) == (1, [OF_BEFORE])
    for command in ("migrate", "verify_history"):
        assert run(site, MANAGE, command, changed={}) == (1, [OF_BEFORE])


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_on_a_data_folder_of_before_demo_and_serve_end_with_one_line(site: Site, command: str) -> None:
    make_old(site)
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    assert run(site, MANAGE, command, changed=ports) == (1, [OF_BEFORE])


def test_a_database_that_does_not_answer_is_one_line_without_its_password(site: Site) -> None:
    for code, lines in (
        web(site, DATABASE_URL=NOTHING_LISTENS),
        worker(site, DATABASE_URL=NOTHING_LISTENS),
        run(site, MANAGE, "verify_history", changed={"DATABASE_URL": NOTHING_LISTENS}),
    ):
        assert code in (4, 1)
        (line,) = lines
        assert line.startswith("The database does not answer (")
        assert line.endswith("Start it, or correct DATABASE_URL.")
        assert "a-password" not in line


@pytest.mark.usefixtures("processes")
@pytest.mark.usefixtures("processes")
def test_a_database_file_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    site = Site(data_dir=tmp_path / "var")
    (site.data_dir / "alignadmin.sqlite3").mkdir(parents=True)
    code, (line,) = worker(site)
    assert (code, line.partition(" (")[0]) == (1, "The database does not answer")


def test_an_error_of_another_kind_keeps_its_traceback(site: Site) -> None:
    site.copy_tables()
    code, lines = run(site, MANAGE, "seal_rotate", changed={"WORKER_THREADS": "many"})
    assert code == 1
    assert "Traceback (most recent call last):" in lines


# -- the rate budget ---------------------------------------------------------------------------------------------------


def test_more_slots_than_the_documented_limit_start_nothing(site: Site) -> None:
    site.copy_tables()
    for code, lines in (web(site, BUDGET_SLOTS="601"), worker(site, BUDGET_SLOTS="601")):
        assert code in (4, 1)
        assert lines == [
            "BUDGET_SLOTS is 601 in 60 s, but Jira Align takes 600 requests in 60 s and then blocks everybody: "
            "set it to at most 600."
        ]


@pytest.mark.parametrize(
    ("slots", "reserved", "window", "sentence"),
    [
        (540, 60, 60.0, ""),
        (600, 60, 60.0, ""),
        (54, 6, 6.0, ""),
        (600, 60, 120.0, ""),
        (601, 60, 60.0, "set it to at most 600."),
        (601, 60, 120.0, "set it to at most 600."),  # all of them could leave in the same minute
        (540, 60, 30.0, "set it to at most 300."),
        (0, 0, 60.0, "both have to be more than 0."),
        (540, 60, 0.0, "both have to be more than 0."),
        (540, 540, 60.0, "it has to be smaller than BUDGET_SLOTS, which is 540."),
        (540, -1, 60.0, "it has to be smaller than BUDGET_SLOTS, which is 540."),
    ],
)
def test_a_budget_that_cannot_work_is_refused_and_fails_the_checks(
    settings: Settings, slots: int, reserved: int, window: float, sentence: str
) -> None:
    settings.BUDGET_SLOTS, settings.BUDGET_RESERVED, settings.BUDGET_WINDOW = slots, reserved, window
    assert starting.wrong_budget().endswith(sentence)
    assert bool(starting.wrong_budget()) is bool(sentence)
    assert [each.id for each in starting.check(None)] == (["connectors.E002"] if sentence else [])


@pytest.mark.parametrize("share", [0, -1, 101])
def test_a_share_that_is_no_part_in_percent_is_refused(settings: Settings, share: int) -> None:
    settings.CATALOGUE_SHARE = share
    assert starting.wrong_budget() == f"CATALOGUE_SHARE is {share}: it is a part in percent, from 1 to 100."


@pytest.mark.django_db
def test_the_worker_starts_with_what_is_right(settings: Settings) -> None:
    starting.refuse()
    settings.BUDGET_SLOTS = 5000
    with pytest.raises(CommandError, match=r"^BUDGET_SLOTS is 5000[^\n]*$"):
        call_command("worker", skip_checks=False)
