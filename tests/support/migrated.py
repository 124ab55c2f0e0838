"""A migrated, empty database, made once for all processes of a run and copied: migrating takes six seconds."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

from tests import ROOT
from tests.environment import RUN_FOLDER
from tests.support import tiers


def put_file(at: Path) -> None:
    """For SQLite: a copy, instead of what may stand there."""
    with _alone():
        made = _folder() / "migrated.sqlite3"
        if not made.exists():
            unfinished = made.with_suffix(".unfinished")
            unfinished.unlink(missing_ok=True)
            _migrate({"DATABASE_URL": f"sqlite:///{unfinished}"})
            unfinished.rename(made)
    at.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, at)


def put_database(server: str, name: str) -> None:
    """For PostgreSQL: a database of that name on the server of that address, instead of one that may stand there."""
    with _alone():
        note = _folder() / "migrated.postgresql"
        if not note.exists():
            template = f"migrated_{uuid4().hex[:12]}"
            _execute(server, f'CREATE DATABASE "{template}"')
            _migrate({"DATABASE_URL": address_of(server, template)})
            note.write_text(template)
        template = note.read_text()
        _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        _execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def drop_database(server: str, name: str) -> None:
    _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def drop_template(server: str) -> None:
    """At the end of a whole run."""
    note = _folder() / "migrated.postgresql"
    if note.exists():
        drop_database(server, note.read_text())
        note.unlink()


def address_of(server: str, name: str) -> str:
    return f"{server.rsplit('/', 1)[0]}/{name}"


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


def _migrate(changed: Mapping[str, str]) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    with tiers.unwatched():
        done = subprocess.run(command, env={**os.environ, **changed}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _folder() -> Path:
    """Not the data folder: somebody may name one, and what stands there would be of an earlier version."""
    return Path(os.environ[RUN_FOLDER])


@contextmanager
def _alone() -> Iterator[None]:
    with (_folder() / "migrated.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
