"""Notes of each test which statements it sends, for `tests/support/statements.py`: a plugin, loaded with `-p`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from os import getpid
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from tests.support.statements import function, shape

ALWAYS = {"transactional_db", "processes", "browser"}  # fixtures whose tests are about more than statements


class Recording:
    """Of one process of a run: a line of JSON a test."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{getpid()}.jsonl"
        self.shapes: set[str] = set()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.shapes, began = set(), process_time()
        try:
            return (yield)
        finally:
            line = {
                "test": function(item.nodeid),
                "always": bool(ALWAYS & set(getattr(item, "fixturenames", ()))),
                "seconds": process_time() - began,
                "shapes": sorted(self.shapes),
            }
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")

    def listen(self) -> None:
        from django.db.backends.utils import CursorWrapper

        for name in ("_execute", "_executemany"):
            original = getattr(CursorWrapper, name)

            def noting(cursor: Any, sql: Any, *rest: Any, original: Any = original) -> Any:
                self.shapes.add(shape(str(sql)))
                return original(cursor, sql, *rest)

            setattr(CursorWrapper, name, noting)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--statements", type=Path, help="a folder for what each test sends to the database")


def pytest_configure(config: pytest.Config) -> None:
    if folder := config.getoption("--statements"):
        recording = Recording(folder)
        recording.listen()
        config.pluginmanager.register(recording)
