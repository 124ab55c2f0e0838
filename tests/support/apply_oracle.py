"""What really happened at the sandbox, by its own log and journal, and whether the product's tables agree with it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alignadmin.audit import verification
from alignadmin.audit.models import ChainHead, Entry
from connectors.align.audit_sentences import CREATED, DELETED, MappingEvent, parse
from connectors.models import ACTIVE, Connector, Job
from mappings import planning
from mappings.engine.reconcile import Accepted, reconcile
from mappings.engine.values import Situation
from mappings.models import Change, ChangeState, Mapping, Plan, PlanState
from tests.support import mapping_helpers
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.small_sandbox import CELLS, Cell

OUTSIDER = "rita@acme.test"
BY_READING = "No answer came"


@dataclass(frozen=True, kw_only=True)
class Write:
    """One effect: a line of the log, with the value that really stood there before."""

    line: int
    at: datetime
    is_ours: bool
    before: int | None
    after: int | None


@dataclass
class Truth:
    """The values of every cell as the log tells them, from the first line on."""

    connector: Connector
    sandbox: RunningSandbox
    writes: dict[Cell, list[Write]] = field(default_factory=lambda: defaultdict(list))
    read: int = 0  # lines
    first_entry: int = field(default_factory=lambda: ChainHead.objects.get(pk=1).seq)

    # --- reading -----------------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        lines = self.sandbox.align("GET", "/connectors/123/auditlog").json()
        for line in sorted(lines, key=lambda each: each["id"])[self.read :]:
            self.read += 1
            event = parse(line["description"], line["type"]).event
            assert event is not None, line
            cell = cell_of(event)
            after = None if event.action == DELETED else event.after_id
            before = self._value(cell)
            if event.action not in (CREATED, DELETED) and event.after_id is None:
                after = before  # a bare line: the same value again
            self.writes[cell].append(
                Write(
                    line=line["id"],
                    at=datetime.fromisoformat(line["timestamp"]),
                    is_ours=line["user"] != OUTSIDER,
                    before=before,
                    after=after,
                )
            )

    def now(self, cell: Cell) -> int | None:
        self.catch_up()
        return self._value(cell)

    def _value(self, cell: Cell) -> int | None:
        return self.writes[cell][-1].after if self.writes[cell] else cell.first

    def journal(self) -> list[dict[str, Any]]:
        return [each for each in self.sandbox.journal(containing="/mappings/") if "/_sandbox" not in each["path"]]

    # --- after every step --------------------------------------------------------------------------------------

    def check(self) -> None:
        self.catch_up()
        journal, changes = self.journal(), self.changes()
        for cell, writes in self.writes.items():
            self._check_nothing_lost(cell, writes, changes, journal)
            self._check_nothing_twice(cell, writes, changes)
        self._check_entries(journal)
        self._check_situations()
        plans = Plan.objects.filter(connector=self.connector, state__in=[PlanState.APPLYING, PlanState.PAUSED])
        assert plans.count() <= 1, "two applies of one connector"

    def changes(self) -> list[Change]:
        found = Change.objects.filter(plan__connector=self.connector).select_related("plan", "mapping")
        return list(found.order_by("plan__started_at", "pk"))

    def _check_nothing_lost(
        self, cell: Cell, writes: list[Write], changes: list[Change], journal: list[dict[str, Any]]
    ) -> None:
        """A value that a list showed us before our write is not overwritten, unless it was planned to be."""
        for number, write in enumerate(writes):
            theirs = writes[number - 1] if number else None
            if not write.is_ours or theirs is None or theirs.is_ours:
                continue
            change = change_of(cell, write, changes)
            if write.before in (change.before, change.after):
                continue
            seen = self._reads(cell, journal, theirs, write)
            assert not seen, f"{write.before} was overwritten although a list had shown it: {change}, {theirs}, {seen}"

    def _reads(self, cell: Cell, journal: list[dict[str, Any]], theirs: Write, ours: Write) -> list[dict[str, Any]]:
        """Lists of the cell that were read after their change and before our request came."""
        path = f"/rest/align/api/2/connectors/123/{cell.place.path}"
        sent = max(
            n
            for n, each in enumerate(journal)
            if each["method"] != "GET" and each["path"].startswith(path) and each["line"] < ours.line
        )
        key = cell.project if cell.place.sends_project_key else ""
        return [
            each
            for each in journal[:sent]
            if each["method"] == "GET"
            and each["path"] == path
            and each["status"] == 200
            and each["line"] >= theirs.line
            and (f"ProjectKey={key}" in each["query"] if key else "ProjectKey" not in each["query"])
        ]

    def _check_nothing_twice(self, cell: Cell, writes: list[Write], changes: list[Change]) -> None:
        last: Change | None = None
        for write in writes:
            change = change_of(cell, write, changes) if write.is_ours else None
            assert change is None or last is None or change.pk != last.pk, f"written twice: {change}, {write}"
            last = change

    def _check_entries(self, journal: list[dict[str, Any]]) -> None:
        """Every request that left stands in the trail, and each outcome once."""
        sent: Counter[str] = Counter()
        outcomes: Counter[tuple[str, str]] = Counter()
        for entry in Entry.objects.filter(seq__gt=self.first_entry, action__startswith="change."):
            body = json.loads(entry.body)
            if entry.action == "change.sent":
                sent[_request(body["data"]["method"], body["data"]["path"], body["data"]["body"])] += 1
            else:
                outcomes[entry.action, body["subject"]] += 1
        left: Counter[str] = Counter()
        for each in journal:
            if each["method"] != "GET":
                path = each["path"].removeprefix("/rest/align/api/2/connectors/123/")
                left[_request(each["method"], path, each["body"])] += 1
        assert not left - sent, f"requests without an entry: {left - sent}"
        for change in self.changes():
            subject = f"plan {change.plan_id} change {change.position}"
            done = outcomes["change.done", subject]
            assert done == (change.state == ChangeState.DONE), f"{change.state} {change.detail}: {done} entries"
            marked = outcomes["change.overwrote", subject]
            assert marked == (change.overwrote_name != ""), f"{subject}: {marked} entries of what it overwrote"

    def _check_situations(self) -> None:
        rows = Mapping.objects.filter(scope__connector=self.connector).select_related("scope")
        for row in rows:
            accepted = Accepted(value=row.accepted_value) if row.accepted_until else None
            reconciled = reconcile(wanted=row.wanted, applied=row.applied, observed=row.observed, accepted=accepted)
            assert (row.situation, row.applied) == (reconciled.situation, reconciled.applied), vars(row)
            assert row.waits == (row.situation == Situation.EDITED), vars(row)

    # --- after an apply that nothing disturbed -----------------------------------------------------------------

    def check_finished(self, plan: Plan) -> None:
        plan.refresh_from_db()
        assert plan.state == PlanState.FINISHED, plan.state
        planned_again = {change.key for change in planning.preview(self.connector).changes}
        for change in plan.changes.select_related("mapping"):
            assert change.state in (ChangeState.DONE, ChangeState.STALE), f"{change.state}: {change.detail}"
            if change.state == ChangeState.DONE:
                assert change.confirmed, change.sentence
                assert self.now(cell_of_change(change)) == change.after
                assert change.mapping is not None
                assert change.key not in planned_again or change.mapping.wanted != change.after

    # --- at the end, when all has come to rest -----------------------------------------------------------------

    def check_end(self) -> None:
        self.check()
        assert not Job.objects.filter(connector=self.connector, state__in=ACTIVE).exists(), "a job is stuck"
        plans = Plan.objects.filter(connector=self.connector)
        assert not plans.filter(state__in=[PlanState.APPLYING, PlanState.PAUSED]).exists(), "a plan is stuck"
        stuck = [ChangeState.SENDING, ChangeState.UNKNOWN]
        assert not Change.objects.filter(plan__connector=self.connector, state__in=stuck).exists(), "a change is stuck"
        ended = Change.objects.filter(plan__connector=self.connector, plan__finished_at__isnull=False)
        assert not ended.filter(state=ChangeState.PLANNED).exists(), "an ended plan has changes to send"
        for cell in CELLS:
            row = mapping_helpers.mapping(self.connector, cell.family, cell.source, cell.project or "ACME")
            assert row.observed == self.now(cell), f"{cell}: {vars(row)}"
        self._check_done()
        self._check_overwritten()
        verdict = verification.verify()
        assert verdict.ok, verdict.sentence

    def _check_done(self) -> None:
        """Of every change that is called done, Align held the value once its request had left."""
        for change in self.changes():
            if change.state == ChangeState.DONE and change.sent_at is not None:
                held = self._held_since(cell_of_change(change), change.sent_at)
                assert change.after in held, f"{change} is done, but Align held {held} alone: {change.detail}"

    def _held_since(self, cell: Cell, moment: datetime) -> list[int | None]:
        """The value that stood there at that moment, and each one after it."""
        later = [write for write in self.writes[cell] if write.at >= moment]
        return [later[0].before, *(write.after for write in later)] if later else [self._value(cell)]

    def _check_overwritten(self) -> None:
        """What our writes overwrote unseen is told, and nothing else is."""
        changes = self.changes()
        expected: dict[int, int | None] = {}
        for cell, writes in self.writes.items():
            for number, write in enumerate(writes):
                if write.is_ours and number and not writes[number - 1].is_ours:
                    change = change_of(cell, write, changes)
                    if change.state == ChangeState.DONE and write.before not in (change.before, change.after):
                        expected[change.pk] = write.before
        marked = {change.pk: change.overwrote for change in changes if change.overwrote_name}
        by_reading = {change.pk for change in changes if change.detail.startswith(BY_READING)}
        assert expected.items() <= marked.items(), f"not told: {expected} but {marked}"
        # Of a change that was settled by reading, the log cannot tell whether it was our write or theirs.
        assert marked.keys() - expected.keys() <= by_reading, f"told without reason: {marked}, expected {expected}"


def change_of(cell: Cell, write: Write, changes: list[Change]) -> Change:
    """The change of ours that made this write: of the last plan started before it that leads the cell there."""
    found = [
        change
        for change in changes
        if cell_of_change(change) == cell
        and change.after == write.after
        and change.sent_at is not None
        and change.plan.started_at is not None
        and change.plan.started_at <= write.at
    ]
    assert found, f"nobody planned {write} of {cell}"
    return found[-1]


def cell_of_change(change: Change) -> Cell:
    key = (change.family, change.project_key, change.source_id)
    return next(cell for cell in CELLS if (cell.family, cell.project, cell.source) == key)


def cell_of(event: MappingEvent) -> Cell:
    """No two cells share family and source, since most lines from Align to Jira name no project."""
    family = f"{event.direction}-{event.kind}"
    return next(cell for cell in CELLS if (cell.family, cell.source) == (family, event.source_id))


def _request(method: str, path: str, body: object) -> str:
    return json.dumps([method, path, body], sort_keys=True)
