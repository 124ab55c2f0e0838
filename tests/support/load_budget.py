"""Load on one shared budget: processes of threads that ask a site as fast as they may, and people who ask now and then.

    with loaded(address, seconds=30, environment={"BUDGET_SLOTS": "54"}) as load:
        load.bulk(processes=4, threads=8)
        load.people(calls_a_minute=40)
        log = load.run()

Each process writes down when it took and handed back each slot; the site's journal says when requests arrived.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from tests import ROOT
from tests.support.crash import database_url as database_url_of_the_test

API = "/rest/align/api/2/connectors/123"
BULK_PATH, PEOPLES_PATH = API, f"{API}/projects"  # by which the journal tells them apart
PEOPLE = 4  # threads


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one process does. `pace`: seconds between two calls of a thread; 0 is as fast as it may.

    `calls`: how many each thread makes at most within the `seconds`.
    """

    address: str
    path: str
    threads: int
    seconds: float
    calls: int
    pace: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Held:
    """One slot from when it was taken, after `waited` seconds, until its answer."""

    slot: int
    waited: float
    taken_at: float
    answered_at: float


@dataclass
class Log:
    held: list[Held] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


# --- the test's side --------------------------------------------------------------------------------------------------


@dataclass
class Load:
    address: str
    seconds: float
    environment: Mapping[str, str]
    calls: int
    processes: list[tuple[str, subprocess.Popen[str]]] = field(default_factory=list)

    def bulk(self, *, processes: int, threads: int) -> None:
        for _ in range(processes):
            self._start("bulk", self._task(path=BULK_PATH, threads=threads))

    def people(self, *, calls_a_minute: float) -> None:
        pace = PEOPLE * 60 / calls_a_minute
        self._start("people", self._task(path=PEOPLES_PATH, threads=PEOPLE, pace=pace))

    def run(self) -> dict[str, Log]:
        """Let all start at once, wait for their end; what bulk work and people did."""
        for _, process in self.processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", "a process of the load did not start"
        for _, process in self.processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        logs: dict[str, Log] = defaultdict(Log)
        for who, process in self.processes:
            written, _ = process.communicate(timeout=self.seconds + 120)
            said = json.loads(written)
            logs[who].held += [Held(**each) for each in said["held"]]
            logs[who].failed += said["failed"]
        return dict(logs)

    def _task(self, **task: Any) -> Task:
        return Task(address=self.address, seconds=self.seconds, calls=self.calls, **task)

    def _start(self, who: str, task: Task) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.load_budget", json.dumps(asdict(task))],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database_url_of_the_test(), **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append((who, process))


@contextmanager
def loaded(address: str, *, seconds: float, environment: Mapping[str, str], calls: int = 1_000_000) -> Iterator[Load]:
    load = Load(address, seconds, environment, calls)
    try:
        yield load
    finally:
        for _, process in load.processes:
            process.kill()
            process.communicate()


def share_used(held: list[Held], *, window: float) -> float:
    """Of the time between two uses of a slot, the part that it could not have been used in: under way, or resting."""
    slots: dict[int, list[Held]] = defaultdict(list)
    for each in sorted(held, key=lambda each: each.taken_at):
        slots[each.slot].append(each)
    pairs = [pair for uses in slots.values() for pair in pairwise(uses)]
    cycles = sum(later.taken_at - earlier.taken_at for earlier, later in pairs)
    idle = sum(max(0.0, later.taken_at - earlier.answered_at - window) for earlier, later in pairs)
    return 1 - idle / cycles


def pace_of(arrivals: list[float], *, slots: int, window: float) -> float:
    """How near the arrivals come to `slots` in each window: the mean time of `slots` further ones, against a window."""
    spans = [later - earlier for earlier, later in zip(arrivals, arrivals[slots:], strict=False)]
    return window * len(spans) / sum(spans)


# --- the other process ------------------------------------------------------------------------------------------------


class Over(BaseException):
    """The time is over, also for whoever waits for a slot."""


def main(task: Task) -> None:
    import django

    django.setup()
    log, lock = Log(), threading.Lock()
    threads = [threading.Thread(target=_ask, args=(task, number, log, lock)) for number in range(task.threads)]
    print("ready", flush=True)
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"held": [asdict(each) for each in log.held], "failed": log.failed}))


def _ask(task: Task, number: int, log: Log, lock: threading.Lock) -> None:
    from django.db import connections

    from alignadmin.http.errors import RemoteError

    over_at = time.monotonic() + task.seconds
    remote = _remote(task, over_at, log, lock)
    due_at = time.monotonic() + task.pace * (number + 0.5) / task.threads
    try:
        for _ in range(task.calls):
            _sleep_until(due_at if task.pace else 0.0, over_at)
            due_at += task.pace
            try:
                remote.request("GET", task.path)
            except RemoteError as error:
                with lock:
                    log.failed.append(f"{type(error).__name__}: {error.sentence}")
    except Over:
        pass
    finally:
        connections.close_all()


def _remote(task: Task, over_at: float, log: Log, lock: threading.Lock) -> Any:
    from alignadmin.http import Bearer, Remote, Site, Ticket
    from connectors.budget.slots import DatabaseBudget, limits_from_settings
    from connectors.credentials import retrying
    from connectors.models import System
    from tests.support.sandbox_fixture import ALIGN_TOKEN

    class Written(DatabaseBudget):
        """One thread's, so what it took last is what it hands back."""

        waited = taken_at = 0.0

        def take(self, *, deadline: float, patience: float) -> Ticket:
            began = time.monotonic()
            ticket = super().take(deadline=deadline, patience=patience)
            self.waited, self.taken_at = time.monotonic() - began, time.time()
            return ticket

        def answered(self, ticket: Ticket) -> None:
            held = Held(slot=ticket.slot_id, waited=self.waited, taken_at=self.taken_at, answered_at=time.time())
            with lock:
                log.held.append(held)
            super().answered(ticket)

    site = Site(address=task.address, allow_private=True, deadline=limits_from_settings().longest_deadline)
    budget = Written(
        system="align",
        origin=site.origin,
        limits=limits_from_settings(),
        interactive=bool(task.pace),
        pause=lambda seconds: _sleep_until(time.monotonic() + seconds, over_at),
    )
    return Remote(site, budget=budget, auth=Bearer(ALIGN_TOKEN), retry=retrying.retry(System.ALIGN))


def _sleep_until(moment: float, over_at: float) -> None:
    """Raises Over."""
    time.sleep(max(0.0, min(moment, over_at) - time.monotonic()))
    if time.monotonic() >= over_at:
        raise Over


if __name__ == "__main__":
    main(Task(**json.loads(sys.argv[1])))
