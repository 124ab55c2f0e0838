"""Kill -9 while cells are edited and Align's log comes in: nothing is half done, and nothing twice after the retry."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from threading import Event

import pytest
import requests
from django.conf import LazySettings
from django.db import connection

from alignadmin.accounts.models import Person
from alignadmin.audit import verification
from alignadmin.audit.models import Entry
from connectors.jobs import runner
from connectors.models import Case, Connector, HistoryRow, Intake, IntakeRun, Job, JobKind, JobState, MirrorLine, Source
from mappings.models import Change, Edit
from tests.connectors.history.intake.test_audit_intake import UPDATED, row
from tests.connectors.history.mirror.test_recognition import from_align
from tests.connectors.history.verification.test_comparison import differences
from tests.mappings.applying.test_overwrites import overwritten_unseen
from tests.support.crash import At, database_url, dying
from tests.support.intake_helpers import take_in
from tests.support.mapping_helpers import edit, mapping
from tests.support.processes import Site, csrf, eventually
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_PROGRESS, IN_REVIEW, QA = 10002, 10013, 10015
LEASE = {"JOB_LEASE": 0.6, "JOB_HEARTBEAT": 0.2, "JOB_HEARTBEAT_PATIENCE": 0.1}
# Where an intake is killed: what it passes there begins with this. The first two are in the middle of a transaction.
POINTS = (
    'INSERT INTO "connectors_historyrow"',
    'INSERT INTO "connectors_intakerun"',
    "before the commit of log.",
    "after the commit of log.",
)


@pytest.fixture
def _short_lease(settings: LazySettings) -> None:
    for name, value in LEASE.items():
        setattr(settings, name, value)


def point(passed: Sequence[str], beginning: str) -> At:
    """The first point of a run to its end that begins so."""
    return At(next(name for name in passed if name.startswith(beginning)))


def holds() -> None:
    verdict = verification.verify()
    assert verdict.ok, verdict.sentence
    assert differences() == []


# --- at chosen points of a taking-in ----------------------------------------------------------------------------------


def paste(text: str) -> None:
    take_in(Connector.objects.get(), text, intake=Intake.PASTE, actor=Person.objects.earliest("pk"))


def read_endpoint() -> None:
    job = runner.run_now(runner.start(Connector.objects.get(), JobKind.INTAKE, actor=None))
    assert job.state == JobState.DONE, job.error


def kept() -> Counter[str]:
    """What one taking-in writes: it comes together or not at all."""
    return Counter(
        lines=MirrorLine.objects.count(),
        rows=HistoryRow.objects.exclude(line=None).count(),
        cases=Case.objects.count(),
        runs=IntakeRun.objects.count(),
        entries=Entry.objects.filter(action__startswith="log.").count(),
    )


def killed_on_the_way(act: Callable[..., None], new: Callable[[], list[str]], lines: int) -> None:
    """Killed at each point, each time with something new to take in, which the retry then has once."""
    brought = Counter(lines=lines, rows=lines, cases=lines, runs=1, entries=1)
    with dying(act, environment={name: str(value) for name, value in LEASE.items()}) as run:
        passed = run(0, new()).passed
        for beginning in POINTS:
            arguments, before = new(), kept()
            assert run(point(passed, beginning), arguments).killed, beginning
            after = kept() - before
            assert after == (brought if beginning.startswith("after") else Counter()), beginning
            act(*arguments)
            after = kept() - before
            assert [after[name] for name in ("lines", "rows", "cases")] == [lines] * 3, beginning
            assert after["runs"] == after["entries"], beginning
    holds()


@pytest.mark.usefixtures("processes")
def test_a_kill_on_the_way_through_a_paste_leaves_all_of_it_or_nothing(connector: Connector, admin: Person) -> None:
    minutes = iter(range(60))

    def new() -> list[str]:
        return ["\n".join(row(UPDATED, at=f"2026-11-20 12:{next(minutes):02}:00") for _ in range(3))]

    killed_on_the_way(paste, new, 3)


@pytest.mark.usefixtures("_short_lease")
def test_a_kill_on_the_way_through_a_reading_of_the_endpoint_loses_no_line(
    processes: None, connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    sources = iter(range(30_000, 40_000))

    def new() -> list[str]:
        sandbox.edit("create_mapping", family="j2a_state", type=4, source=next(sources), target=2)
        return []

    read_endpoint()
    killed_on_the_way(read_endpoint, new, 1)
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}


@pytest.mark.usefixtures("_short_lease")
@pytest.mark.parametrize("act", [paste, read_endpoint])
def test_what_was_overwritten_is_told_though_the_intake_was_killed_before_it_could_tell(
    processes: None, connector: Connector, admin: Person, sandbox: RunningSandbox, act: Callable[..., None]
) -> None:
    """It is told in a transaction of its own, after that of the lines; the retry brings no new line."""
    plan = overwritten_unseen(connector, admin, sandbox)
    arguments = [from_align(sandbox)] if act is paste else []
    end = "log.taken-in" if act is paste else "log.read"
    with dying(act, environment={name: str(value) for name, value in LEASE.items()}) as run:
        assert run(At(f"after the commit of {end}"), arguments).killed
    assert Change.objects.get(plan=plan).overwrote_name == ""
    act(*arguments)
    assert Change.objects.get(plan=plan).overwrote_name == "Accepted"
    assert Entry.objects.filter(action="change.overwrote").count() == 1
    holds()


# --- at every point of an edit ----------------------------------------------------------------------------------------


def set_to(target: int) -> None:
    edit(Connector.objects.get(), "j2a-state", IN_REVIEW, target, actor=Person.objects.earliest("pk"))


def edits_of(connector: Connector, source: int) -> tuple[int | None, list[int | None], int]:
    """The wanted value, the edits of it, and the entries of all edits."""
    row = mapping(connector, "j2a-state", source)
    edits = list(Edit.objects.filter(mapping=row).order_by("pk").values_list("after", flat=True))
    return row.wanted, edits, Entry.objects.filter(action="mapping.edited").count()


@pytest.mark.usefixtures("processes")
def test_a_kill_at_any_point_of_an_edit_leaves_value_edit_and_entry_together(
    connector: Connector, admin: Person
) -> None:
    targets, points = cycle([3, 5]), 0
    with dying(set_to) as run:
        passed = run(0, [next(targets)]).passed
        end = next(nth for nth, name in enumerate(passed, 1) if name == "after the commit of mapping.edited")
        for nth in range(1, end + 1):
            before, target = edits_of(connector, IN_REVIEW), next(targets)
            points += run(nth, [target]).killed
            done = (target, [*before[1], target], before[2] + 1)
            assert edits_of(connector, IN_REVIEW) == (done if nth == end else before), passed[nth - 1]
            if nth < end:
                set_to(target)
                assert edits_of(connector, IN_REVIEW) == done
    assert points == end > 8
    holds()


# --- real processes on the test's database ----------------------------------------------------------------------------


@pytest.fixture
def house(processes: None, tmp_path: Path, connector: Connector, admin: Person) -> Iterator[Site]:
    """A web process and a worker that may die. The worker reads the log all the time."""
    clock = {"AUDIT_INTERVAL": "0.5", "TICK": "0.25", "JOB_LEASE": "3", "JOB_HEARTBEAT": "1"}
    extra = {**clock, "JOB_HEARTBEAT_PATIENCE": "0.5"}
    made = Site(data_dir=tmp_path / "var", database_url=database_url(), extra=extra)
    made.data_dir.mkdir()
    Connector.objects.update(audit_due_at=None)  # else in a minute
    try:
        made.start_web()
        made.start_worker()
        yield made
    finally:
        made.stop()


def kill(site: Site, name: str) -> None:
    """With those processes that it has started."""
    (child,) = (each for each in site.children.started if each.name == name)
    os.killpg(os.getpgid(child.process.pid), signal.SIGKILL)
    child.process.wait(10)
    site.children.started.remove(child)


class Burst:
    """Somebody who sends one form after the other, and the same once more where no answer came."""

    def __init__(self, site: Site, stop: Event) -> None:
        self.site, self.stop, self.answered = site, stop, 0
        self.session = site.signed_in("admin@example.test")

    def send(self, path: str, **data: object) -> requests.Response | None:
        form = {**data, "csrfmiddlewaretoken": csrf(self.session)}
        headers = {"HX-Request": "true", "Referer": self.site.url}
        try:
            answer = self.session.post(f"{self.site.url}{path}", data=form, headers=headers, timeout=30)
        except requests.RequestException:
            time.sleep(0.1)  # it is down
            return None
        assert answer.status_code < 500, answer.text
        self.answered += 1
        return answer

    def edit(self, connector: Connector, source: int) -> list[int]:
        """One state after the other, each until it is there; all that were set."""
        done: list[int] = []
        targets = cycle([5, 3])
        try:
            while not self.stop.is_set():
                target = next(targets)
                while (now := mapping(connector, "j2a-state", source).wanted) != target:
                    seen = "" if now is None else now
                    self.send("/connectors/acme/mappings/cell/", status=source, target=target, seen=seen, to="j2a")
                done.append(target)
        finally:
            connection.close()
        return done

    def paste(self) -> list[str]:
        """One text of three lines after the other, each until it is told as read."""
        texts: list[str] = []
        while not self.stop.is_set():
            at = f"2026-11-20 {len(texts) // 60:02}:{len(texts) % 60:02}"
            texts.append("\n".join(row(UPDATED, at=f"{at}:{second:02}") for second in range(3)))
            while True:
                sent = self.send("/history/intake/", connector="acme", text=texts[-1], zone="UTC")
                if sent is None:
                    continue
                # Confirmed until it is told: once more after a lost answer leads to the run, and stores nothing.
                while (answer := self.send(sent.headers["HX-Redirect"])) is None:
                    continue
                assert "3 lines read" in answer.text or "/history/intake/acme/" in answer.headers["HX-Redirect"]
                break
        return texts


def test_kills_of_web_and_worker_in_a_burst_of_edits_and_lines_leave_nothing_half_done_and_nothing_twice(
    house: Site, connector: Connector, sandbox: RunningSandbox
) -> None:
    stop, sources = Event(), (IN_PROGRESS, IN_REVIEW, QA)
    lines = MirrorLine.objects.filter(description__contains="(31")
    people = [Burst(house, stop) for _ in range(4)]
    before = {source: edits_of(connector, source)[1] for source in sources}
    with ThreadPoolExecutor(5) as pool:
        edits = {each: pool.submit(person.edit, connector, each) for each, person in zip(sources, people, strict=False)}
        texts, outside = pool.submit(people[3].paste), pool.submit(write_outside, sandbox, stop)
        try:
            wait_for(people, 8)
            kill(house, "web")
            house.start_web()
            read = lines.count()
            eventually(lambda: lines.count() > read, what="a reading of the log")
            kill(house, "worker")
            house.start_worker()
            wait_for(people, 8)
        finally:
            stop.set()
        done = {each: set_.result(60) for each, set_ in edits.items()}
        pasted, wrote = 3 * len(texts.result(60)), outside.result(60)
    for each in sources:
        wanted, all_edits, entries = edits_of(connector, each)
        assert (wanted, all_edits) == (done[each][-1], before[each] + done[each]), each
        assert entries == sum(map(len, done.values()))
    eventually(lambda: lines.count() >= wrote, within=60, what="the last reading of the log")
    assert lines.count() == lines.values("description").distinct().count() == wrote
    assert MirrorLine.objects.filter(description=UPDATED).count() == pasted
    assert HistoryRow.objects.filter(source=Source.OUTSIDE).count() == MirrorLine.objects.count()
    assert Case.objects.exclude(line=None).count() == MirrorLine.objects.count()
    house.stop()
    holds()


def write_outside(sandbox: RunningSandbox, stop: Event) -> int:
    """In Align itself, a line each; how many it were."""
    wrote = 0
    while not stop.wait(0.2):
        sandbox.edit("create_mapping", family="j2a_state", type=4, source=31_000 + wrote, target=2)
        wrote += 1
    return wrote


def wait_for(people: Sequence[Burst], more: int) -> None:
    """Until so many answers more have come: then others are in the middle of theirs."""
    before = sum(each.answered for each in people)
    eventually(lambda: sum(each.answered for each in people) >= before + more, within=60, what="an answer")
