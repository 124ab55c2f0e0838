"""Notes of each test which statements it sends, for `tests/support/statements.py`: a plugin, loaded with `-p`."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from os import getpid
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from tests import ROOT
from tests.support.statements import function, shape

ALWAYS = {"processes", "browser"}  # fixtures whose tests are about more than statements
# But what these start is the checker alone, which knows no database.
CHECKERS = ("tests/alignadmin/audit/test_checker.py", "tests/connectors/history/packs/test_pack_truth.py")
OURS = "of-the-product"  # how the threads are named that the product starts for itself
PRODUCT = tuple(str(ROOT / floor) for floor in ("alignadmin", "connectors", "mappings"))
TESTS = str(ROOT / "tests")


class Recording:
    """Of one process of a run: a line of JSON a test."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{getpid()}.jsonl"
        self.shapes: set[str] = set()
        self.always = self.calling = False
        self.patch = pytest.MonkeyPatch()  # for as long as the process lives, but in its own tests

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.shapes, began = set(), process_time()
        asked = set(getattr(item, "fixturenames", ()))
        self.always = bool(ALWAYS & asked) and not item.nodeid.startswith(CHECKERS)
        try:
            return (yield)
        finally:
            line = {
                "test": function(item.nodeid),
                "always": self.always,
                "seconds": process_time() - began,
                "shapes": sorted(self.shapes),
            }
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self.calling = True
        try:
            return (yield)
        finally:
            self.calling = False

    def listen(self) -> None:
        self.listen_to_statements()
        self.listen_to_rollbacks()
        self.listen_to_threads()

    def listen_to_statements(self) -> None:
        from django.db.backends.utils import CursorWrapper

        for name in ("_execute", "_executemany"):
            original = getattr(CursorWrapper, name)

            def noting(cursor: Any, sql: Any, *rest: Any, original: Any = original) -> Any:
                self.note(str(sql))
                try:
                    return original(cursor, sql, *rest)
                except Exception:
                    self.always = True
                    raise

            self.patch.setattr(CursorWrapper, name, noting)

    def note(self, sql: str) -> None:
        """What another thread sends is another statement; a test that starts such a thread itself is about more."""
        thread = threading.current_thread()
        if thread is threading.main_thread():
            if is_of_the_product():
                self.shapes.add(shape(sql))
        elif thread.name.startswith(OURS):
            self.shapes.add(f"{OURS} {shape(sql)}")
        else:
            self.always = True

    def listen_to_rollbacks(self) -> None:
        """Within the test: behind it, those of the database that each test begins with are rolled back."""
        from django.db.backends.base.base import BaseDatabaseWrapper

        for name in ("_rollback", "_savepoint_rollback"):
            original = getattr(BaseDatabaseWrapper, name)

            def noting(wrapper: Any, *arguments: Any, original: Any = original) -> Any:
                self.always |= self.calling
                return original(wrapper, *arguments)

            self.patch.setattr(BaseDatabaseWrapper, name, noting)

    def listen_to_threads(self) -> None:
        from connectors.jobs.threads import DatabaseThreads

        original = DatabaseThreads.__init__

        def noting(threads: Any, width: int) -> None:
            original(threads, width)
            if sys._getframe(1).f_globals["__name__"].startswith("tests."):
                self.always = True
            threads._pool._thread_name_prefix = OURS

        self.patch.setattr(DatabaseThreads, "__init__", noting)


def is_of_the_product() -> bool:
    """Whether a statement that is being sent is not one by which a test prepares its world, or looks at it."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        name = frame.f_code.co_filename
        if name.startswith(TESTS) and name != __file__:
            return False
        if name.startswith(PRODUCT):
            return True
        frame = frame.f_back
    return True


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--statements", type=Path, help="a folder for what each test sends to the database")


def pytest_configure(config: pytest.Config) -> None:
    if folder := config.getoption("--statements"):
        recording = Recording(folder)
        recording.listen()
        config.pluginmanager.register(recording)
