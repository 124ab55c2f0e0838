"""Runs a benchmark of the history on SQLite and on PostgreSQL, with fsync on in both, each in a process of its own.

HISTORY_ROWS says how many rows there are (a million unless said), HISTORY_ON which database alone (sqlite, postgresql).
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg

from tests import ROOT, environment

ROWS = int(os.environ.get("HISTORY_ROWS", "1000000"))
ON = os.environ.get("HISTORY_ON", "sqlite,postgresql")
HERE, UNDER_POSTGRESQL = "here", "under-postgresql"


def run(module: str) -> None:
    """Run `measure` of this module on both; `module` is its `__spec__.name`."""
    if "sqlite" in ON:
        with _directory() as directory:
            _measure(module, {"DATA_DIR": directory})
    if "postgresql" not in ON:
        return
    if shutil.which("pg_virtualenv") is None:
        print("Not measured on PostgreSQL, since there is no pg_virtualenv here.\n")
        return
    subprocess.run(["pg_virtualenv", "-t", sys.executable, "-m", module, UNDER_POSTGRESQL], cwd=ROOT, check=True)


def under_postgresql(module: str) -> None:
    """With fsync, which pg_virtualenv turns off: without it a commit waits for nothing."""
    server = "postgres://{PGUSER}:{PGPASSWORD}@localhost:{PGPORT}/postgres".format(**os.environ)
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute("ALTER SYSTEM SET fsync = on")
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(1)
        row = connection.execute("SELECT current_setting('fsync') || ' ' || current_setting('synchronous_commit')")
        assert row.fetchone() == ("on on",)
    with _directory() as directory:
        _measure(module, {"DATA_DIR": directory, "DATABASE_URL": server})


def _directory() -> tempfile.TemporaryDirectory[str]:
    """On a disk, not in memory: fsync means something there only."""
    return tempfile.TemporaryDirectory(prefix="alignadmin-bench-history-")


def _measure(module: str, own: dict[str, str]) -> None:
    base = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "DATA_DIR")}
    env = {**base, **environment.DEFAULTS, **own, "LOG_LEVEL": "ERROR"}
    subprocess.run([sys.executable, "-m", module, HERE], cwd=ROOT, env=env, check=True)


def set_up() -> str:
    """Django on a migrated database, whose statements may take their time; its name."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    patient()
    return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]


def patient() -> None:
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")


def analyzed() -> None:
    """As the database itself does after a while: without it the first plans are guesses."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def processes(module: str, word: str, number: int, *arguments: str) -> list[str]:
    """What as many processes on this database print, all at the same time."""
    command = [sys.executable, "-m", module, word, *arguments]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(number)]
    printed = [process.communicate()[0] for process in started]
    assert not any(process.returncode for process in started), printed
    return printed


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def word() -> str:
    """What a process is asked to be; the base directory of other benchmarks says nothing here."""
    return Path(sys.argv[1]).name if len(sys.argv) > 1 else ""
