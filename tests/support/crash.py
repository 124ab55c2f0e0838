"""Kill -9 at every point: a function runs in a process of its own on the test's database, and dies at a chosen point.

A point is just before each SQL statement, just before and just after each commit, and just before a request leaves
and just after its answer came, of any thread; a point may also be a moment by the clock.

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
the one that nothing killed. Where a run has too many points, `dying` gives single runs: the n-th of all points, the
n-th point of a name (`At`), or after some seconds (`After`); a run without a point tells all the names it passed.

A name is the statement's first words, "before POST", "after POST", and for a commit what its audit entries are
("before the commit of change.sent POST"; a commit without entries is "before a commit").

The process has this one's environment; what a test changed by its `settings` fixture has to be given once more, as
text: `environment={"SEAL_KEYS": ",".join(settings.SEAL_KEYS)}`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeAlias

from django.db import connection

from tests.support.warm_process import WarmProcess

MOST_POINTS = 1000  # a function with more is better tested with fewer rows
LONGEST = 60  # seconds for one run


@dataclass(frozen=True)
class At:
    """The n-th point of this name, counted from 1. With SIGSTOP it is frozen there, until somebody sends SIGCONT."""

    name: str
    nth: int = 1
    by: signal.Signals = signal.SIGKILL


@dataclass(frozen=True)
class After:
    """A moment by the clock."""

    seconds: float


NEVER = 0
Point: TypeAlias = int | At | After


@dataclass(frozen=True, kw_only=True)
class Crash:
    """How one run ended: killed `at` a point whose name is `before`; `passed`: all names, of a run to its end.

    `point` is its number where it was chosen by that, else 0.
    """

    at: Point
    point: int
    killed: bool
    before: str
    passed: Sequence[str] = ()


def crashes(
    function: Callable[..., object],
    prepare: Callable[[], Sequence[Any]] = list,
    *,
    environment: Mapping[str, str] | None = None,
    every: int = 1,
) -> Iterator[Crash]:
    """Run it again and again, killed at point 1, 2, 3 ... (or at every second, third), until it runs through."""
    with dying(function, environment=environment) as run:
        for point in range(1, MOST_POINTS, every):
            crash = run(point, prepare())
            yield crash
            if not crash.killed:
                return
    raise AssertionError(f"{function.__name__} has not ended after {MOST_POINTS} points")


@contextmanager
def dying(
    function: Callable[..., object], *, environment: Mapping[str, str] | None = None
) -> Iterator[Callable[[Point, Sequence[Any]], Crash]]:
    """A process that has loaded everything and has no connection; each run is a child that it forks."""
    target = f"{function.__module__}:{function.__qualname__}"
    all_of_it = {**os.environ, "DATABASE_URL": database_url(), **(environment or {})}
    loaded = WarmProcess("tests.support.crash", all_of_it, (target,))

    def run(point: Point, arguments: Sequence[Any]) -> Crash:
        said = loaded.ask([_as_data(point), list(arguments)])
        assert not said["error"], f"{target} failed before point {point}:\n{said['error']}"
        number = point if isinstance(point, int) else 0
        return Crash(at=point, point=number, killed=said["killed"], before=said["before"], passed=said["passed"])

    try:
        yield run
    finally:
        loaded.end()


# --- the test's side --------------------------------------------------------------------------------------------------


def _as_data(point: Point) -> list[Any]:
    if isinstance(point, After):
        return ["", 0, point.seconds, signal.SIGKILL]
    return [point.name, point.nth, 0, point.by] if isinstance(point, At) else ["", point, 0, signal.SIGKILL]


def database_url() -> str:
    """Of the database this test runs on, which has another name than the one in the environment."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"{os.environ['DATABASE_URL'].rsplit('/', 1)[0]}/{name}"


# --- the other process ------------------------------------------------------------------------------------------------


@dataclass
class Countdown:
    """Counts the points of a run and dies at the chosen one, having told at which it was."""

    name: str  # empty: points of any name count
    point: int
    report: Callable[[str], object]
    by: int = signal.SIGKILL
    passed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.point

    def reach(self, what: str) -> None:
        with self.lock:
            self.passed.append(what)
            if self.name in ("", what):
                self.left -= 1
                if self.left == 0:
                    self.die(what)

    def die(self, what: str) -> None:
        if self.by == signal.SIGKILL:
            self.report(what)
        # To this thread: a stop of the process is taken by its main thread, and this one would go on for a moment.
        signal.pthread_kill(threading.get_ident(), self.by)

    def die_after(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self.die, ["by the clock"])
        timer.daemon = True
        timer.start()

    def watch(self) -> None:
        self.watch_database()
        self.watch_requests()

    def watch_database(self) -> None:
        from django.db.backends.base.base import BaseDatabaseWrapper
        from django.db.backends.signals import connection_created

        entries: dict[int, set[str]] = {}  # of the open transaction of each thread

        def statement(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
            self.reach(str(sql)[:100])
            if str(sql).startswith('INSERT INTO "audit_entry"'):
                entries.setdefault(threading.get_ident(), set()).update(_acts(params))
            return execute(sql, params, many, context)

        def install(connection: Any, **kwargs: Any) -> None:
            connection.execute_wrappers.append(statement)

        commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

        def watched_commit(wrapper: Any) -> Any:
            acts = ", ".join(sorted(entries.pop(threading.get_ident(), ())))
            what = f"the commit of {acts}" if acts else "a commit"
            self.reach(f"before {what}")
            done = commit(wrapper)
            self.reach(f"after {what}")
            return done

        connection_created.connect(install, weak=False)
        BaseDatabaseWrapper._commit = watched_commit  # type: ignore[attr-defined]

    def watch_requests(self) -> None:
        from alignadmin.http.remote import Remote

        send = Remote._send

        def watched_send(remote: Any, call: Any) -> Any:
            self.reach(f"before {call.method}")
            try:
                return send(remote, call)
            finally:
                self.reach(f"after {call.method}")

        Remote._send = watched_send  # type: ignore[method-assign, assignment]


def _acts(params: Any) -> Iterator[str]:
    """The entries of an insert, each by its action and the method of its request."""
    for value in params or ():
        if isinstance(value, str) and value.startswith("{") and '"action"' in value:
            body = json.loads(value)
            yield f"{body['action']} {body['data'].get('method', '')}".strip()


def serve(target: str) -> None:
    import django

    django.setup()
    module, _, name = target.partition(":")
    function = getattr(import_module(module), name)
    for line in sys.stdin:
        point, arguments = json.loads(line)
        print(json.dumps(_run(function, arguments, point)), flush=True)


def _run(function: Callable[..., object], arguments: list[Any], point: list[Any]) -> dict[str, Any]:
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
    return {
        "killed": killed,
        "before": said if killed else "",
        "error": (said or "it ended early") if failed else "",
        "passed": json.loads(said) if not killed and not failed else [],
    }


def _child(function: Callable[..., object], arguments: list[Any], point: list[Any], pipe: int) -> None:
    import traceback

    signal.alarm(LONGEST)
    code = 1
    name, nth, seconds, by = point
    countdown = Countdown(name=name, point=nth, by=by, report=lambda what: os.write(pipe, what.encode()))
    try:
        countdown.watch()
        if seconds:
            countdown.die_after(seconds)
        function(*arguments)
        with os.fdopen(pipe, "w") as told:
            json.dump(countdown.passed, told)
        code = 0
    except BaseException:  # noqa: BLE001  whatever it is, the test is told
        os.write(pipe, traceback.format_exc().encode())
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
