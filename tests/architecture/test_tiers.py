"""Tiers of tests: which a test is in, what it may not do there, and a machine without Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import transaction

from alignadmin.accounts.signin import sessions
from alignadmin.errors import Refused
from tests import ROOT
from tests.environment import RUN_FOLDER
from tests.support import chromium, statements, tiers
from tests.support.statement_recording import Recording
from tests.support.statements import Sent, not_needed, shape

pytestmark = pytest.mark.usefixtures("processes")


@pytest.fixture
def as_tier(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    tier: str = request.param
    monkeypatch.setattr(tiers.Running, "tier", tier)
    return tier


@pytest.mark.parametrize("as_tier", ["unit", "integration"], indirect=True)
def test_only_a_test_that_says_so_starts_a_process(as_tier: str) -> None:
    with pytest.raises(AssertionError, match="the fixture `processes`"):
        subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.mark.parametrize("as_tier", ["unit"], indirect=True)
def test_a_unit_test_opens_no_address(as_tier: str) -> None:
    with socket.socket() as other, pytest.raises(AssertionError, match="the fixture `network`"):
        other.bind(("127.0.0.1", 0))


def collected(*options: str, path: Path, expect: int = 0) -> list[str]:
    """What a run of one file with browser tests and of one without would do, where PATH is this folder alone."""
    files = ["tests/journeys/test_browser_two_people.py", "tests/alignadmin/test_folding.py"]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *options, *files]
    # A run of its own, so that it ends nothing of this one.
    left_out = {"CHROMIUM", "DATA_DIR", RUN_FOLDER}
    environment = {name: value for name, value in os.environ.items() if name not in left_out} | {"PATH": str(path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout.strip().splitlines()


def test_without_chromium_the_others_run_and_the_last_line_says_what_was_left_out(tmp_path: Path) -> None:
    lines = collected(path=tmp_path)
    assert lines[-1] == chromium.WITHOUT
    assert any("test_folding.py" in line for line in lines)
    assert not any("test_the_second_editor_of_a_cell" in line for line in lines)


def test_a_complete_run_leaves_nothing_out(tmp_path: Path) -> None:
    database = "postgresql" if "postgres" in os.environ.get("DATABASE_URL", "") else "sqlite"
    lines = collected(f"--complete={database}", path=tmp_path, expect=1)  # as none has passed
    assert chromium.WITHOUT not in lines
    assert any("test_the_second_editor_of_a_cell" in line for line in lines)


def test_without_a_way_to_install_it_nothing_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert shutil.which("apt-get") is None
    chromium.install()
    assert chromium.found() == ""


# What goes through all addresses as everybody, and starts of the demo and of `make serve` that end before they read or
# write: the first of each is run on PostgreSQL, too. So are not those that ask git and Python alone in their processes.
# All that is let near no database is left out there by itself, and what sends only statements that others send as well,
# by a list.
LEFT_OUT_ON_POSTGRESQL = {
    "tests/alignadmin/test_edges_of_input.py",
    "tests/alignadmin/test_every_address.py",
    "tests/alignadmin/test_query_counts.py",
    "tests/architecture/test_docs.py",
    "tests/architecture/test_layout.py",
    "tests/connectors/demo/test_demo.py",
    "tests/connectors/local/test_serve.py",
    "tests/support/address_world.py",
}


def test_nothing_else_that_uses_a_database_is_left_out_on_postgresql(sources: None) -> None:
    marked = {path for path in (ROOT / "tests").rglob("*.py") if "pytest.mark.once" in path.read_text()}
    assert {str(path.relative_to(ROOT)) for path in marked - {Path(__file__)}} == LEFT_OUT_ON_POSTGRESQL


def test_the_list_names_tests_that_are_there(sources: None) -> None:
    """A renamed test is run on both databases until the list is made again; its old name may not stay."""
    for name in statements.listed():
        path, *_, test = name.split("::")
        assert f"def {test}(" in (ROOT / path).read_text(), name


def test_each_statement_is_sent_thrice_by_those_that_stay() -> None:
    tests = {
        f"test_{letter}": Sent(seconds=seconds, shapes=set(shapes), always=letter == "e")
        for letter, seconds, shapes in [("a", 9, "x"), ("b", 8, "xy"), ("c", 1, "x"), ("d", 2, "xy"), ("e", 99, "x")]
    }
    assert not_needed(tests) == ["test_a", "test_c"], "b and d alone send y, and e is more than its statements"


def test_rooms_about_several_that_write_are_run_on_both() -> None:
    tests = {
        f"{place}test_{number}": Sent(shapes={"x"}) for place in (*statements.BOTH, "tests/") for number in range(9)
    }
    assert all(name.startswith("tests/test_") for name in not_needed(tests))
    assert not_needed(tests)
    assert all((ROOT / place).exists() for place in statements.BOTH)


def test_what_a_test_sends_itself_is_not_counted_and_one_that_starts_a_thread_is_kept(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.note("SELECT 1 FROM audit_entry")
    assert (recording.shapes, recording.always) == (set(), False)

    other = threading.Thread(target=recording.note, args=["SELECT 1 FROM audit_entry"])
    other.start()
    other.join()
    assert recording.always


@pytest.mark.django_db
def test_what_the_product_sends_is_counted_and_a_test_in_which_something_is_taken_back_is_kept(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.listen()
    try:
        recording.calling = True
        sessions.forget_ended_sessions()
        assert recording.shapes
        assert not recording.always

        with pytest.raises(Refused), transaction.atomic():
            raise Refused("taken back")
        assert recording.always
    finally:
        recording.patch.undo()


def test_statements_that_differ_in_values_alone_are_one() -> None:
    assert shape("SELECT 1 FROM a WHERE b IN (%s, %s) LIMIT 5") == shape("SELECT 1 FROM a WHERE b IN (%s) LIMIT 51")
    assert shape("INSERT INTO a VALUES (%s, %s)") == shape("INSERT INTO a VALUES (%s, %s), (%s, %s)")
    assert shape('SAVEPOINT "s140_x3"') == shape('SAVEPOINT "s141_x28"')
    assert shape("SELECT 1 FROM a WHERE b = %s") != shape("SELECT 1 FROM a WHERE c = %s")
