"""Kill -9 at every point: a function runs in a process of its own on the test's database, and dies at its n-th point.

A point is just before each SQL statement, and just before and just after each commit, of any thread. Between two of
them may lie a request over HTTP, so a kill "while the other system is being written to" is among them, too.

    def switch(pending: str) -> None:               # at the top level of a test module; arguments are JSON
        rotation.switch(UUID(pending), actor=Person.objects.get())

    @pytest.mark.django_db(transaction=True)        # or the fixture transactional_db: the other process has to see rows
    def test_a_kill_at_any_point_of_a_switch_loses_nothing(...) -> None:
        for crash in crashes(switch, lambda: [str(staged_again().uuid)]):
            assert ...                              # what must hold although it died at crash.point
            if crash.killed:
                switch(...)                         # that it can go on
        assert crash.point > 5                      # it did die somewhere

`crashes` calls its second argument before each run: it puts the rows back and returns the arguments. The last run is
the one that nothing killed. The process has this one's environment; what a test changed by its `settings` fixture has
to be given once more, as text: `environment={"SEAL_KEYS": ",".join(settings.SEAL_KEYS)}`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
MOST_POINTS = 1000  # a function with more is better tested with fewer rows
LONGEST = 60  # seconds for one run


@dataclass(frozen=True, kw_only=True)
class Crash:
    """How one run ended: killed at its `point`, which was `before` a statement (its first words) or at a commit."""

    point: int
    killed: bool
    before: str


def crashes(
    function: Callable[..., object],
    prepare: Callable[[], Sequence[Any]] = list,
    *,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Crash]:
    """Run it again and again, killed at point 1, 2, 3 ..., until it runs through."""
    with _process_of(function, environment or {}) as run:
        for point in range(1, MOST_POINTS):
            crash = run(point, prepare())
            yield crash
            if not crash.killed:
                return
    raise AssertionError(f"{function.__name__} has not ended after {MOST_POINTS} points")


# --- the test's side --------------------------------------------------------------------------------------------------


@contextmanager
def _process_of(
    function: Callable[..., object], environment: Mapping[str, str]
) -> Iterator[Callable[[int, Sequence[Any]], Crash]]:
    """A process that has loaded everything and has no connection; each run is a child that it forks."""
    target = f"{function.__module__}:{function.__qualname__}"
    loaded = subprocess.Popen(
        [sys.executable, "-m", "tests.crash", target],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": _database_url(), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert loaded.stdin is not None
    assert loaded.stdout is not None
    asks, answers = loaded.stdin, loaded.stdout

    def run(point: int, arguments: Sequence[Any]) -> Crash:
        asks.write(json.dumps([point, list(arguments)]) + "\n")
        asks.flush()
        answer = answers.readline()
        assert answer, f"the process that runs {target} has ended; its error stands above"
        said = json.loads(answer)
        assert not said["error"], f"{target} failed before point {point}:\n{said['error']}"
        return Crash(point=point, killed=said["killed"], before=said["before"])

    try:
        yield run
    finally:
        asks.close()
        answers.close()
        loaded.wait(LONGEST)


def _database_url() -> str:
    """Of the database this test runs on, which has another name than the one in the environment."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"{os.environ['DATABASE_URL'].rsplit('/', 1)[0]}/{name}"


# --- the other process ------------------------------------------------------------------------------------------------


@dataclass
class Countdown:
    """Counts the points of a run and dies at the chosen one, having told at which it was."""

    point: int
    tell: Callable[[str], object]
    passed: Iterator[int] = field(default_factory=lambda: count(1))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, what: str) -> None:
        with self.lock:
            if next(self.passed) == self.point:
                self.tell(what)
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        from django.db.backends.base.base import BaseDatabaseWrapper
        from django.db.backends.signals import connection_created

        def statement(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
            self.reach(str(sql)[:100])
            return execute(sql, params, many, context)

        def install(connection: Any, **kwargs: Any) -> None:
            connection.execute_wrappers.append(statement)

        commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

        def watched_commit(wrapper: Any) -> Any:
            self.reach("before a commit")
            done = commit(wrapper)
            self.reach("after a commit")
            return done

        connection_created.connect(install, weak=False)
        BaseDatabaseWrapper._commit = watched_commit  # type: ignore[attr-defined]


def serve(target: str) -> None:
    import django

    django.setup()
    module, _, name = target.partition(":")
    function = getattr(import_module(module), name)
    for line in sys.stdin:
        point, arguments = json.loads(line)
        print(json.dumps(_run(function, arguments, point)), flush=True)


def _run(function: Callable[..., object], arguments: list[Any], point: int) -> dict[str, Any]:
    """Fork, run, wait. The child tells by a pipe where it died, or what went wrong."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(function, arguments, point, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    status = os.waitpid(child, 0)[1]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    failed = not killed and status != 0
    return {"killed": killed, "before": said if killed else "", "error": (said or "it ended early") if failed else ""}


def _child(function: Callable[..., object], arguments: list[Any], point: int, pipe: int) -> None:
    import traceback

    signal.alarm(LONGEST)
    code = 1
    try:
        Countdown(point=point, tell=lambda what: os.write(pipe, what.encode())).watch()
        function(*arguments)
        code = 0
    except BaseException:  # noqa: BLE001  whatever it is, the test is told
        os.write(pipe, traceback.format_exc().encode())
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
