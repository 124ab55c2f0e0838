"""A machine of plans and applies: everything people, crashes and other tools may do, in any order.

The sandbox's own log is the truth it is judged by: it tells in Align's order who wrote what over which value.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

from django.db import connection, connections
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alignadmin.accounts.models import Person, Role
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Job, JobKind, JobState
from mappings import planning
from mappings.drift.decisions import Decision, decide
from mappings.engine.values import Situation
from mappings.models import ChangeState, Mapping, Plan, PlanState
from tests.support import factories, mapping_helpers
from tests.support.apply_oracle import OUTSIDER, Truth
from tests.support.small_sandbox import CELLS, Cell, tiny_sandbox

slugs = count(1)
FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 429},
    {"status": 400, "body": '{"title": "This is not possible now."}'},
    {"status": 500},
    {"after_effect": True},
    {"cut": "before"},
    {"cut": "after"},
    {"delayed_effect_ms": 250},
)
NOTHING = {"action": "delete_mapping", "family": "j2a_state", "id": 0}  # an edit that is not possible
Fault = dict[str, Any]
Interruption = tuple[str, int, Cell, int]
cells = st.sampled_from(CELLS)
picks = st.integers(0, 3)  # which of a cell's values; the last is "no record"
cell_edit = st.tuples(cells, picks)
cell_edits = st.lists(cell_edit, min_size=1, max_size=4)
methods = st.sampled_from(("POST", "PUT", "DELETE"))
faults = st.sampled_from(FAULTS)
interruptions = st.tuples(
    st.sampled_from(("kill", "kill", "pause", "cancel", "remote")), st.integers(1, 150), cells, picks
)


class Killed(BaseException):
    """The worker is gone in the middle of something. No handler for errors may hold it up."""


def value_of(cell: Cell, pick: int) -> int | None:
    return (*cell.values, None)[pick % (len(cell.values) + 1)]


class ApplyMachine(RuleBasedStateMachine):
    """One connector to one sandbox; the worker is this thread.

    No rule has a precondition: where a kill strikes depends on time, and the choice of rules must not. A rule that
    meets nothing to do does nothing.
    """

    @initialize()
    def begin(self) -> None:
        self.sandbox = tiny_sandbox()
        self.admin = Person.objects.filter(role=Role.ADMIN).earliest("pk")
        made = factories.connector(self.sandbox.url, actor=self.admin, slug=f"machine-{next(slugs)}")
        later = timezone.now() + timedelta(days=1)
        # Only what a rule asks for is done.
        Connector.objects.filter(pk=made.pk).update(
            observe_every=0, audit_due_at=later, observe_due_at=later, contract_due_at=later, digest_due_at=later
        )
        self.connector = factories.refreshed(made)
        self.truth = Truth(self.connector, self.sandbox)

    def teardown(self) -> None:
        if not hasattr(self, "truth"):
            return
        try:
            self.come_to_rest()
            self.truth.check_end()
        finally:
            Job.objects.filter(connector=self.connector, state__in=ACTIVE).update(state=JobState.FAILED)
            Plan.objects.filter(connector=self.connector, state__in=[PlanState.APPLYING, PlanState.PAUSED]).update(
                state=PlanState.CANCELLED
            )
            # The next sandbox may be given the same port.
            over = f"https://{self.connector.slug}.over.test"
            Connector.objects.filter(pk=self.connector.pk).update(is_active=False, align_site=over)
            self.sandbox.close()

    # --- people ------------------------------------------------------------------------------------------------

    @rule(cell=cells, pick=picks)
    def edit(self, cell: Cell, pick: int) -> None:
        mapping_helpers.edit(
            self.connector,
            cell.family,
            cell.source,
            value_of(cell, pick),
            actor=self.admin,
            project=cell.project or "ACME",
            type_=cell.work_item_type,
        )

    @rule()
    def plan(self) -> None:
        try:
            mapping_helpers.make_plan(self.connector, actor=self.admin)
        except Refused:
            return

    @rule()
    def approve(self) -> None:
        for plan in self.plans(PlanState.DRAFT)[-1:]:
            planning.approve(plan, plan.fingerprint, ticked=True, actor=self.admin)

    @rule(which=st.integers(0, 9))
    def refresh(self, which: int) -> None:
        if plans := self.plans(PlanState.DRAFT, PlanState.APPROVED):
            planning.start_refresh(plans[which % len(plans)], actor=self.admin)
            run_due()

    @rule(cell_edits=cell_edits)
    def apply(self, cell_edits: list[tuple[Cell, int]]) -> None:
        if plan := self.start(cell_edits):
            self.work()
            self.truth.check_finished(plan)

    @rule(cell_edits=cell_edits, fault=faults, method=methods)
    def apply_over_a_bad_line(self, cell_edits: list[tuple[Cell, int]], fault: Fault, method: str) -> None:
        if self.start(cell_edits):
            self.work(fault={"method": method, **fault})

    @rule(cell_edits=cell_edits, theirs=cell_edit, fault=st.one_of(st.just({}), faults))
    def apply_while_somebody_is_quicker(
        self, cell_edits: list[tuple[Cell, int]], theirs: tuple[Cell, int], fault: Fault
    ) -> None:
        """Their change comes after the lists were read, right before a request of ours for that very cell."""
        plan = self.start([*cell_edits, (theirs[0], theirs[1] + 1)])
        planned = plan.changes.filter(family=theirs[0].family, source_id=theirs[0].source) if plan else ()
        for change in planned:
            if edit := self.as_edit(*theirs):
                self.work(fault={"method": change.method, "path": f"/{change.path}", **fault, "edit": edit})
                return
        self.work()

    @rule(cell_edits=cell_edits, interruption=interruptions)
    def apply_and_be_interrupted(self, cell_edits: list[tuple[Cell, int]], interruption: Interruption) -> None:
        if self.start(cell_edits):
            self.work(interruption=interruption)

    @rule(cell_edits=cell_edits, fault=faults, method=methods, theirs=cell_edit, interruption=interruptions)
    def apply_on_a_bad_day(
        self,
        cell_edits: list[tuple[Cell, int]],
        fault: Fault,
        method: str,
        theirs: tuple[Cell, int],
        interruption: Interruption,
    ) -> None:
        if self.start(cell_edits):
            edit = self.as_edit(*theirs)
            self.work(fault={"method": method, **fault, "edit": edit or NOTHING}, interruption=interruption)

    def start(self, cell_edits: list[tuple[Cell, int]]) -> Plan | None:
        """Start what is approved, or else make a plan of these wishes; None where there is nothing to apply."""
        if not self.plans(PlanState.APPROVED):
            self.prepare(cell_edits)
        if not (approved := self.plans(PlanState.APPROVED)):
            return None
        busy = self.plans(PlanState.APPLYING, PlanState.PAUSED)
        try:
            plan = planning.start_apply(approved[-1], typed=self.connector.slug, actor=self.admin)
        except Refused:
            assert busy, "only another apply of this connector may keep an approved plan from being applied"
            return None
        assert not busy, "two applies of one connector"
        return plan

    def prepare(self, cell_edits: list[tuple[Cell, int]]) -> None:
        """Every step of it is a rule of its own too; by chance alone they would seldom meet in this order."""
        for cell, pick in cell_edits:
            self.edit(cell, pick)
        self.plan()
        if self.plans(PlanState.DRAFT):
            self.approve()

    @rule(command=st.sampled_from(("resume", "resume", "cancel")), interruption=st.one_of(st.none(), interruptions))
    def go_on(self, command: str, interruption: Interruption | None) -> None:
        for plan in self.plans(PlanState.PAUSED):
            planning.control(plan, command, actor=self.admin)
            self.work(interruption=interruption)

    @rule(fault=st.one_of(st.just({}), faults), method=methods)
    def retry(self, fault: Fault, method: str) -> None:
        for plan in self.failed()[-1:]:
            try:
                planning.retry_failed(plan, actor=self.admin)
            except Refused:
                return
            self.work(fault={"method": method, **fault})

    @rule(decision=st.sampled_from(Decision), which=st.integers(0, 9))
    def decide(self, decision: Decision, which: int) -> None:
        if not (rows := self.to_decide()):
            return
        row = rows[which % len(rows)]
        until = timezone.now() + timedelta(days=30)
        try:
            decide(row, decision, seen=row.observed, actor=self.admin, until=until, reason="Agreed.")
        except Refused:
            is_accepted = row.situation == Situation.ACCEPTED
            assert (decision, row.situation) == (Decision.ACCEPT, Situation.CONFLICT) or (
                decision == Decision.END and not is_accepted
            )

    # --- others ------------------------------------------------------------------------------------------------

    @rule(cell=cells, pick=picks)
    def remote(self, cell: Cell, pick: int) -> None:
        self.change_elsewhere(cell, pick)

    @rule()
    def observe(self) -> None:
        runner.start(self.connector, JobKind.OBSERVE, actor=None)
        run_due()

    @rule()
    def take_in_log(self) -> None:
        runner.start(self.connector, JobKind.INTAKE, actor=None)
        run_due()

    # --- the worker --------------------------------------------------------------------------------------------

    @rule(interruption=st.one_of(st.none(), interruptions))
    def recover(self, interruption: Interruption | None) -> None:
        self.let_leases_run_out()
        self.work(interruption=interruption)

    def let_leases_run_out(self) -> None:
        past = timezone.now() - timedelta(seconds=1)
        Job.objects.filter(connector=self.connector, state=JobState.RUNNING).update(lease_until=past)

    def work(self, *, fault: Fault | None = None, interruption: Interruption | None = None) -> None:
        """The worker does what is due, with what comes in its way."""
        if fault:
            self.sandbox.faults({"path": "/mappings/", "times": 1, **fault})
        try:
            with self.interrupted(interruption):
                run_due()
        except Killed:
            connections.close_all()
        self.sandbox.faults()

    @contextmanager
    def interrupted(self, interruption: Interruption | None) -> Iterator[None]:
        """Something happens at the n-th statement; all but a kill wait until no transaction is open."""
        if interruption is None:
            yield
            return
        kind, left, cell, pick = interruption
        acts = {
            "pause": lambda: self.control_applying("pause"),
            "cancel": lambda: self.control_applying("cancel"),
            "remote": lambda: self.change_elsewhere(cell, pick),
        }

        def statement(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
            nonlocal left
            left -= 1
            if left <= 0 and kind == "kill" and left == 0:
                raise Killed
            if left <= 0 and kind in acts and not connection.in_atomic_block:
                acts.pop(kind)()
            return execute(sql, params, many, context)

        with connection.execute_wrapper(statement):
            yield

    def control_applying(self, command: str) -> None:
        for plan in self.plans(PlanState.APPLYING):
            try:
                planning.control(plan, command, actor=self.admin)
            except Refused:
                pass

    def change_elsewhere(self, cell: Cell, pick: int) -> None:
        if change := self.as_edit(cell, pick):
            try:
                self.sandbox.edit(**change)
            except AssertionError:  # a request of ours was quicker
                pass

    def as_edit(self, cell: Cell, pick: int) -> dict[str, Any] | None:
        value, there = value_of(cell, pick), self.truth.now(cell)
        named = {**cell.remote, "user": OUTSIDER}
        if value is None:
            return None if there is None else {"action": "delete_mapping", **named}
        action = "create_mapping" if there is None else "update_mapping"
        return {"action": action, **named, "target": value}

    # --- what holds at any moment ------------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost_or_written_twice(self) -> None:
        if hasattr(self, "truth"):
            self.truth.check()

    def come_to_rest(self) -> None:
        """Whatever happened: the worker starts anew, people resume what is paused, and all comes to an end."""
        self.sandbox.faults()
        for _ in range(5):
            self.let_leases_run_out()
            run_due()
            for plan in self.plans(PlanState.PAUSED):
                planning.control(plan, "resume", actor=self.admin)
                run_due()
            if not self.plans(PlanState.APPLYING, PlanState.PAUSED):
                break
        self.observe()
        self.take_in_log()

    # --- looking -----------------------------------------------------------------------------------------------

    def plans(self, *states: PlanState) -> list[Plan]:
        found = Plan.objects.filter(connector=self.connector, state__in=states).select_related("connector")
        return list(found.order_by("pk"))

    def failed(self) -> list[Plan]:
        found = Plan.objects.filter(connector=self.connector, state=PlanState.FINISHED).select_related("connector")
        return list(found.filter(changes__state=ChangeState.FAILED).distinct().order_by("pk"))

    def to_decide(self) -> list[Mapping]:
        situations = (Situation.DRIFTED, Situation.CONFLICT, Situation.ACCEPTED)
        return list(Mapping.objects.filter(scope__connector=self.connector, situation__in=situations).order_by("pk"))
