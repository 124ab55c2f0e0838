"""How long one decision about a slot takes: 4 processes of 8 threads at 600 requests in 60 s, on both databases.

    python -m tests.bench.slots BASE         both; PostgreSQL where pg_virtualenv can start a server of its own
    python -m tests.bench.slots take         one of the processes, on the database of its environment

The slots come back one after the other, as they do after some minutes of work, so that every second has its share.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from tests import ROOT, environment
from tests.bench.report import Figure, percentile, show
from tests.support.processes import MANAGE

PROCESSES, THREADS, SECONDS = 4, 8, 45.0
ANSWERS_AFTER = 0.2  # a request under way
AIM_MS = 10.0
ORIGIN = "bench.jiraalign.com"
REAL = {"BUDGET_SLOTS": "540", "BUDGET_RESERVED": "60", "BUDGET_WINDOW": "60", "BUDGET_GRACE": "2"}
MEASURE_HERE = "on-postgresql"  # the word that tells the process below pg_virtualenv what it is for


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="alignadmin-bench-slots-") as directory:
        _measure("SQLite", {"DATA_DIR": directory})
    if shutil.which("pg_virtualenv") is None:
        print("Slot decisions on PostgreSQL: not measured, since there is no pg_virtualenv here.\n")
        return
    command = ["pg_virtualenv", "-t", sys.executable, "-m", "tests.bench.slots", MEASURE_HERE]
    subprocess.run(command, cwd=ROOT, check=True)


def on_postgresql() -> None:
    """With fsync, which pg_virtualenv turns off: without it a commit waits for nothing."""
    server = "postgres://{PGUSER}:{PGPASSWORD}@localhost:{PGPORT}/postgres".format(**os.environ)
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute("ALTER SYSTEM SET fsync = on")
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(1)
        row = connection.execute("SELECT current_setting('fsync') || ' ' || current_setting('synchronous_commit')")
        assert row.fetchone() == ("on on",)
        # Its files lie where pg_virtualenv puts them: fsync means something on a disk only.
        found = connection.execute("SHOW data_directory").fetchone()
    with tempfile.TemporaryDirectory(prefix="alignadmin-bench-slots-") as directory:
        place = str(found[0]) if found else ""
        _measure(
            f"PostgreSQL, fsync on, data in {place.split('/')[1]}", {"DATA_DIR": directory, "DATABASE_URL": server}
        )


def _measure(name: str, own: dict[str, str]) -> None:
    base = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "DATA_DIR")}
    env = {**base, **environment.DEFAULTS, **REAL, **own, "LOG_LEVEL": "ERROR", "REQUEST_DEADLINE": "20"}
    subprocess.run([sys.executable, MANAGE, "migrate", "--verbosity", "0"], env=env, check=True)
    subprocess.run([sys.executable, "-m", "tests.bench.slots", "spread"], cwd=ROOT, env=env, check=True)
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.slots", "take"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
        )
        for _ in range(PROCESSES)
    ]
    decisions: list[tuple[bool, float]] = []
    for process in started:
        written, _ = process.communicate(timeout=SECONDS + 120)
        decisions += [(bool(took), seconds) for took, seconds in json.loads(written)]
    taken = [1000 * seconds for took, seconds in decisions if took]
    every = [1000 * seconds for _, seconds in decisions]
    show(
        f"Slot decisions of {PROCESSES} processes x {THREADS} threads at 600 requests in 60 s: {name}",
        [
            Figure(what="slots taken a second", value=len(taken) / SECONDS, unit=""),
            Figure(what="a slot taken, p50", value=percentile(taken, 50), unit="ms"),
            Figure(what="a slot taken, p99", value=percentile(taken, 99), unit="ms", aim=AIM_MS),
            Figure(what='every decision, "wait" included, p99', value=percentile(every, 99), unit="ms"),
            Figure(what="decisions a second", value=len(every) / SECONDS, unit=""),
        ],
    )


# --- one process ------------------------------------------------------------------------------------------------------


class Over(BaseException):
    """The time is over, also for whoever waits for a slot."""


def spread() -> None:
    """Every slot in use, and one coming back after the other over the next window."""
    from datetime import timedelta

    from connectors.budget.slots import database_budget, limits_from_settings, now
    from connectors.models import BudgetSlot

    database_budget("align", ORIGIN).take(deadline=1.0, patience=0)
    slots, limits, moment = list(BudgetSlot.objects.all()), limits_from_settings(), now()
    for slot in slots:
        slot.free_at = moment + timedelta(seconds=3 + limits.window * slot.number / limits.slots)
    BudgetSlot.objects.bulk_update(slots, ["free_at"])


def take() -> None:
    from connectors.jobs.threads import DatabaseThreads

    decisions: list[tuple[bool, float]] = []
    over_at = time.monotonic() + SECONDS
    with DatabaseThreads(THREADS) as threads:
        for done in [threads.submit(lambda _: _take_on(decisions, over_at), number) for number in range(THREADS)]:
            done.result()
    print(json.dumps(decisions))


def _take_on(decisions: list[tuple[bool, float]], over_at: float) -> None:
    budget = _timed_budget(decisions, lambda seconds: _pause(seconds, over_at))
    try:
        while True:
            ticket = budget.take(deadline=20.0, patience=SECONDS)
            _pause(ANSWERS_AFTER, over_at)
            budget.answered(ticket)
    except Over:
        pass


def _timed_budget(decisions: list[tuple[bool, float]], pause: Callable[[float], None]) -> Any:
    from alignadmin.http import Ticket
    from connectors.budget.slots import DatabaseBudget, Wait, limits_from_settings

    lock = threading.Lock()

    class Timed(DatabaseBudget):
        def _try(self, deadline: float) -> Ticket | Wait:
            began = time.perf_counter()
            outcome = super()._try(deadline)
            with lock:
                decisions.append((isinstance(outcome, Ticket), time.perf_counter() - began))
            return outcome

    return Timed(system="align", origin=ORIGIN, limits=limits_from_settings(), pause=pause)


def _pause(seconds: float, over_at: float) -> None:
    """Raises Over."""
    time.sleep(max(0.0, min(seconds, over_at - time.monotonic())))
    if time.monotonic() >= over_at:
        raise Over


if __name__ == "__main__":
    word = Path(sys.argv[1]).name
    if word in ("spread", "take"):
        import django

        django.setup()
    {"spread": spread, "take": take, MEASURE_HERE: on_postgresql}.get(word, main)()
