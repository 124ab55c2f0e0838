"""Kill -9 at any point of an apply: nothing is lost, nothing is written twice, and it is brought to its end."""

from __future__ import annotations

import json
import os
import random
import re
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import override_settings
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import verification
from alignadmin.audit.models import Entry
from connectors.history.mirror.projection import match_of
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Job
from mappings import planning
from mappings.applying.job import resume_orphans
from mappings.applying.outcomes import MOST_SENDS
from mappings.engine.values import Situation, TypeName
from mappings.models import Change, ChangeState, Mapping, Plan, PlanState
from tests.support import mapping_helpers
from tests.support.crash import After, At, Crash, Point, dying
from tests.support.factories import CONNECTOR_ID
from tests.support.processes import eventually
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("processes")]

DEADLINE, GRACE = 1.0, 0.3
SHORT = {"REQUEST_DEADLINE": DEADLINE, "READ_TIMEOUT": DEADLINE, "SENDING_GRACE": GRACE}
PATIENT = {"REQUEST_DEADLINE": 30.0, "READ_TIMEOUT": 30.0, "SENDING_GRACE": 60.0}
EACH = 3  # creates, updates and deletes in a plan: a first, a middle and a last one of each kind
KINDS = ("POST", "PUT", "DELETE")
LOST_ANSWER = {"cut": "after"}  # it took effect, but the answer was lost
LATE = {"delayed_effect_ms": 400}  # it takes effect some time after the cut
NEVER_CAME = {"cut": "before"}
BROKEN = {"status": 500, "after_effect": True}

# The points around one request; each is passed once per change of its kind.
AROUND = (
    "before the commit of change.sent {}",
    "after the commit of change.sent {}",
    "before {}",
    "after {}",
    "before the commit of change.done {}",
    "after the commit of change.done {}",
)
NAMED = [At(point.format(kind), nth) for point in AROUND for kind in KINDS for nth in range(1, EACH + 1)]
ENDS = [At("before GET"), At("after GET"), At("before the commit of plan.finished")]
ENDS += [At("after the commit of plan.finished")]
# Each point once for each kind, and each of first, middle and last as often: 18 of the 54.
CHOSEN = [
    At(point.format(kind), (index + offset) % EACH + 1)
    for index, point in enumerate(AROUND)
    for offset, kind in enumerate(KINDS)
]
GRAMMAR = re.compile(r"(sent (unknown )?(retried|planned|failed) )*sent (unknown )?done ")


def do_apply(job: int) -> None:
    run = runner.claim(str(os.getpid()), job)
    assert run is not None
    runner.execute(run)


@dataclass
class Rounds:
    """One plan after the other over the same nine keys: what one creates the next deletes, and so on."""

    connector: Connector
    admin: Person
    sandbox: RunningSandbox
    rows: list[Mapping] = field(default_factory=list)
    plan: Plan = field(init=False)
    seen_line: int = 0
    seen_entry: int = 0

    def __post_init__(self) -> None:
        shared = mapping_helpers.scope(self.connector, "j2a-state")
        story = shared.mappings.filter(work_item_type=TypeName.STORY, duplicates=[]).exclude(observed=None)
        self.rows = list(story.order_by("source_id")[: 3 * EACH])
        assert len(self.rows) == 3 * EACH
        for row in self.rows[:EACH]:
            self._edit(row, None)
        assert set(mapping_helpers.states(mapping_helpers.apply_all(self.connector, actor=self.admin))) == {"done"}

    def next(self) -> Job:
        """Plan, approve and start; the job that nobody has taken yet."""
        self.sandbox.faults()
        lines = self._lines()
        self.seen_line = max([self.seen_line, *(line["id"] for line in lines)])
        self.seen_entry = Entry.objects.latest("seq").seq
        for row in self.rows[: 2 * EACH]:
            row.refresh_from_db()
            self._edit(row, 2 if row.observed is None else None)
        for row in self.rows[2 * EACH :]:
            row.refresh_from_db()
            self._edit(row, 3 if row.observed == 4 else 4)
        plan = mapping_helpers.approved_plan(self.connector, actor=self.admin)
        self.plan = planning.start_apply(plan, typed=self.connector.slug, actor=self.admin)
        assert Counter(plan.changes.values_list("method", flat=True)) == dict.fromkeys(KINDS, EACH)
        return Job.objects.get(kind="apply", subject=str(plan.pk))

    def recover(self) -> None:
        """As a worker that is started anew once the lease has run out."""
        for _ in range(5):
            self.plan.refresh_from_db()
            if self.plan.state != PlanState.APPLYING:
                break
            resume_orphans()
            Job.objects.filter(kind="apply").update(lease_until=timezone.now() - timedelta(seconds=1))
            runner.run_now(Job.objects.get(kind="apply", state__in=ACTIVE))
        Job.objects.filter(kind="apply", state__in=ACTIVE).update(lease_until=timezone.now() - timedelta(seconds=1))
        for job in Job.objects.filter(kind="apply", state__in=ACTIVE):
            runner.run_now(job)

    def check(self, crash: Crash) -> None:
        """Remote = plan, each change written once, each request in the entries, and nothing left open."""
        where = f"killed at {crash.at}, before {crash.before!r}"
        lost = self._retry_what_was_lost_too_often(where)
        self.plan.refresh_from_db()
        changes = list(self.plan.changes.select_related("mapping"))
        states = [(change.state, change.confirmed) for change in changes]
        why = f"{where}: {[change.detail for change in changes if change.state != ChangeState.DONE]}"
        assert (self.plan.state, states) == (PlanState.FINISHED, [("done", True)] * len(changes)), why
        assert self._remote() == {change.source_id: change.after for change in changes}, where
        # A create's expected line knows no id yet, so lines are compared as the history compares them.
        lines = Counter(match_of(line["description"], CONNECTOR_ID) for line in self._lines())
        assert lines == Counter(match_of(change.expected_line, CONNECTOR_ID) for change in changes), where
        assert not Job.objects.filter(kind="apply", state__in=ACTIVE).exists(), where
        assert not Mapping.objects.exclude(situation=Situation.IN_SYNC).filter(changes__plan=self.plan).exists(), where
        self._check_entries(changes, lost, where)

    def _retry_what_was_lost_too_often(self, where: str) -> list[int]:
        """Their positions: by the kill and both of two faults. Nothing else may fail, and nothing of it is in Align."""
        self.plan.refresh_from_db()
        failed = list(self.plan.changes.filter(state=ChangeState.FAILED))
        if not failed:
            return []
        remote = self._remote()
        for change in failed:
            assert change.sends == MOST_SENDS, f"{where}: {change.detail}"
            assert remote[change.source_id] == change.before, f"{where}: {change.detail}"
        self.sandbox.faults()
        planning.retry_failed(self.plan, actor=self.admin)
        with override_settings(**PATIENT):  # it is their last send, and no fault of the site that it is slow just now
            runner.run_now(Job.objects.get(kind="apply", state__in=ACTIVE))
        return [change.position for change in failed]

    def _check_entries(self, changes: Sequence[Change], lost: Sequence[int], where: str) -> None:
        """Each request that left has its `sent` and one outcome, which was a failure for the lost; the chain holds."""
        told: dict[str, str] = {}
        entries = Entry.objects.filter(seq__gt=self.seen_entry, action__startswith="change.").order_by("seq")
        for subject, action in _told(entries):
            told[subject] = told.get(subject, "") + action.removeprefix("change.") + " "
        for change in changes:
            story = told[f"plan {self.plan.pk} change {change.position}"]
            assert GRAMMAR.fullmatch(story), f"{where}: {story}"
            assert story.count("sent ") == change.sends, where
            assert story.count("failed ") == (change.position in lost), f"{where}: {story}"
        ends = Entry.objects.filter(seq__gt=self.seen_entry, action="plan.finished")
        assert ends.count() == 1 + bool(lost), where
        verdict = verification.verify()
        assert verdict.ok, verdict.sentence

    def _edit(self, row: Mapping, wanted: int | None) -> None:
        mapping_helpers.edit(self.connector, "j2a-state", row.source_id, wanted, actor=self.admin)

    def _remote(self) -> dict[int, int | None]:
        listed = self.sandbox.align("GET", "/connectors/123/mappings/states?WorkItemTypeId=4").json()
        ours: dict[int, int | None] = {row.source_id: None for row in self.rows}
        for record in listed:
            if record["jiraStatusId"] in ours:
                assert ours[record["jiraStatusId"]] is None, "two records of one key"
                ours[record["jiraStatusId"]] = record["alignStateId"]
        return ours

    def _lines(self) -> list[dict[str, Any]]:
        """What Align did since the round began, by its own log."""
        address = f"/connectors/123/auditlog?$filter=id gt {self.seen_line}&$orderby=id"
        lines: list[dict[str, Any]] = self.sandbox.align("GET", address).json()
        assert len(lines) < 100
        return lines


def _told(entries: Any) -> Iterator[tuple[str, str]]:
    for body, action in entries.values_list("body", "action"):
        yield json.loads(body)["subject"], action


@pytest.fixture
def rounds(connector: Connector, admin: Person, sandbox: RunningSandbox, settings: LazySettings) -> Rounds:
    for name, value in SHORT.items():
        setattr(settings, name, value)
    return Rounds(connector=connector, admin=admin, sandbox=sandbox)


def killed(rounds: Rounds, points: Sequence[tuple[Point, dict[str, Any] | None]], *, threads: int = 1) -> Counter[str]:
    """Kill at each of the points, with its fault, recover, check; how often it really died, by name."""
    died: Counter[str] = Counter()
    environment = {name: str(value) for name, value in SHORT.items()} | {"APPLY_THREADS": str(threads)}
    with dying(do_apply, environment=environment) as run:
        for point, fault in points:
            job = rounds.next()
            if fault:
                rounds.sandbox.faults(fault)
            crash = run(point, [job.pk])
            died[crash.before] += crash.killed
            rounds.recover()
            rounds.check(crash)
    return died


# --- in every run ---------------------------------------------------------------------------------------------------


def test_a_kill_around_any_request_loses_nothing_and_writes_nothing_twice(rounds: Rounds) -> None:
    died = killed(rounds, [(point, None) for point in CHOSEN])
    assert died.total() == len(CHOSEN)


@pytest.mark.parametrize("fault", [LOST_ANSWER, LATE])
def test_a_kill_right_after_a_cut_request_that_takes_effect(rounds: Rounds, fault: dict[str, Any]) -> None:
    died = killed(rounds, [(At("after POST"), {"method": "POST", "times": 1, **fault})])
    assert died == {"after POST": 1}


@pytest.mark.parametrize("name", ["after the commit of change.sent POST", "before PUT"])
def test_a_worker_that_was_frozen_before_its_request_sends_nothing_when_it_wakes(rounds: Rounds, name: str) -> None:
    """Stopped for longer than its lease; another worker has brought the plan to its end meanwhile."""
    job = rounds.next()
    environment = {name: str(value) for name, value in SHORT.items()} | {"APPLY_THREADS": "1"}
    with dying(do_apply, environment=environment) as run, ThreadPoolExecutor(1) as pool:
        ending = pool.submit(run, At(name, 2, signal.SIGSTOP), [job.pk])
        pid = eventually(lambda: frozen(job))
        rounds.recover()
        requests = len(rounds.sandbox.journal())
        os.kill(pid, signal.SIGCONT)
        crash = ending.result()
    assert not crash.killed
    assert [each["method"] for each in rounds.sandbox.journal()[requests:]] == []
    rounds.check(crash)


def frozen(job: Job) -> int | None:
    """The process that has the job, once it is stopped."""
    owner = Job.objects.values_list("owner", flat=True).get(pk=job.pk)
    if not owner:
        return None
    stat = Path(f"/proc/{owner}/stat").read_text()
    return int(owner) if stat.rpartition(")")[2].split()[0] == "T" else None


# --- the long ones --------------------------------------------------------------------------------------------------


@pytest.mark.soak
def test_a_kill_at_every_named_point(rounds: Rounds) -> None:
    points = [*NAMED, *ENDS]
    assert killed(rounds, [(point, None) for point in points]).total() == len(points)


@pytest.mark.soak
@pytest.mark.parametrize("fault", [LOST_ANSWER, LATE, NEVER_CAME, BROKEN], ids=["lost", "late", "never", "500"])
def test_a_kill_at_every_named_point_with_a_fault(rounds: Rounds, fault: dict[str, Any]) -> None:
    """The fault hits the change whose point it is: the first request of its kind that is not the one before."""
    chosen = [(point, {"method": kind, "times": 1, **fault}) for kind in KINDS for point in _points_of(kind)]
    assert killed(rounds, chosen).total() > len(chosen) / 2  # where the answer is lost no outcome is committed at once


def _points_of(kind: str) -> list[At]:
    return [At(point.format(kind)) for point in AROUND]


@pytest.mark.soak
def test_a_kill_at_every_request_and_every_commit(rounds: Rounds) -> None:
    environment = {name: str(value) for name, value in SHORT.items()} | {"APPLY_THREADS": "1"}
    with dying(do_apply, environment=environment) as run:
        whole = run(0, [rounds.next().pk])
    rounds.check(whole)
    names = Counter(name for name in whole.passed if re.match("(before|after) ", name))
    points = [At(name, nth) for name, count in names.items() for nth in range(1, count + 1)]
    assert len(points) > 80
    killed(rounds, [(point, None) for point in points])


@pytest.mark.soak
def test_500_random_kills(rounds: Rounds) -> None:
    """By the clock, with four threads, often with a fault. SEED says which run to repeat, KILLS how many.

    A change whose request was lost so often that it has failed is tried again, as somebody would by a click.
    """
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
    print(f"SEED={seed}")
    chance = random.Random(seed)
    faults = [None, LOST_ANSWER, LATE, NEVER_CAME, BROKEN]
    points = []
    count = int(os.environ.get("KILLS", "500"))
    for _ in range(count):
        fault = chance.choice(faults)
        chosen = {"method": chance.choice(KINDS), "times": chance.randint(1, 2), **fault} if fault else None
        points.append((After(chance.uniform(0.02, 1.2)), chosen))
    assert killed(rounds, points, threads=4).total() > count / 4
