"""What the one page of a plan shows, before, during and after its apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from connectors.models import ACTIVE, Job, JobKind, JobState
from mappings import planning
from mappings.applying import overwrites
from mappings.edits.unused import why_unused
from mappings.engine.families import FAMILIES
from mappings.matrix.address import url_of_cell
from mappings.models import OPEN_PLANS, Change, ChangeState, Mapping, Plan, PlanState
from mappings.planning import refresh, roll_back
from mappings.plans.approval_page import ApprovalPage
from mappings.plans.outcome import PlanOutcome, change_counts, outcome
from mappings.plans.plan_report import StateLine, label_of, report

PER_PAGE = 100
BEFORE = (PlanState.DRAFT, PlanState.APPROVED)


@dataclass(frozen=True, kw_only=True)
class ChangeLine:
    """One row of the list. `put_back`: what its write overwrote can be made wanted again, or waits already."""

    change: Change
    label: str
    href: str = ""  # its cell in the matrix; empty where that is gone
    can_put_back: bool = False
    put_back_waits: bool = False

    @property
    def put_back_id(self) -> str:
        return f"put-back-{self.change.position}"

    @property
    def put_back_label(self) -> str:
        return f"Put back {self.change.overwrote_name}"


@dataclass(frozen=True, kw_only=True)
class RefusedLine:
    """A row that is not in the plan, in words."""

    where: str
    code: str
    sentence: str


@dataclass
class PlanPage:
    """One plan for one person, with the filters of the address."""

    plan: Plan
    person: Person
    filters: dict[str, str]
    number: str = "1"

    # --- counts ------------------------------------------------------------------------------------------------

    @cached_property
    def counts(self) -> dict[str, int]:
        """By action and by state, see change_counts."""
        return change_counts([self.plan.pk])[self.plan.pk]

    @cached_property
    def outcome(self) -> PlanOutcome:
        return outcome(self.plan, self.counts, is_void=self.is_void)

    @property
    def is_void(self) -> bool:
        """Its approval holds no more, so it has to be approved again."""
        return self.plan.state == PlanState.APPROVED and bool(self.approval.status.void)

    @property
    def needs_approval(self) -> bool:
        return self.plan.state == PlanState.DRAFT or self.is_void

    @property
    def finished_count(self) -> int:
        return self.counts["total"] - self.counts["open"]

    @property
    def sizes(self) -> str:
        return planning.counted(Counter(self.counts))

    @property
    def is_as_planned(self) -> bool:
        """Every change was made, and read back with its value; one of lists of ours is read back nowhere."""
        done, total = self.counts.get("done", 0), self.counts["total"]
        confirmed = done if self.plan.is_ours else self.counts["confirmed"]
        return self.plan.state == PlanState.FINISHED and confirmed == done == total

    @cached_property
    def report(self) -> list[StateLine]:
        return report(self.counts, self.plan.state, can_retry=planning.can_retry(self.plan))

    # --- the list ----------------------------------------------------------------------------------------------

    @cached_property
    def changes(self) -> Page[Change]:
        return Paginator(self._filtered(), PER_PAGE).get_page(self.number)

    @cached_property
    def lines(self) -> list[ChangeLine]:
        changes = list(self.changes)
        rows = Mapping.objects.in_bulk([c.mapping_id for c in changes if c.overwrote_name and c.mapping_id])
        return [self._line(change, rows.get(change.mapping_id or 0)) for change in changes]

    def _line(self, change: Change, row: Mapping | None) -> ChangeLine:
        return ChangeLine(
            change=change,
            label=label_of(change.state, self.plan.state),
            href=_cell_of(self.plan, change),
            can_put_back=self.may_edit and roll_back.can_put_back(change, row),
            put_back_waits=row is not None and row.waits and row.wanted == change.overwrote,
        )

    def _filtered(self) -> QuerySet[Change]:
        changes = self.plan.changes.select_related("scope__project").order_by("position")
        direction = self.filters.get("direction", "")
        wanted = {name: value for name, value in self.filters.items() if value and name != "direction"}
        if direction:
            wanted["family__startswith"] = direction
        return changes.filter(**wanted)

    @cached_property
    def projects(self) -> list[str]:
        keys = self.plan.changes.exclude(project_key="").order_by("project_key")
        return list(keys.values_list("project_key", flat=True).distinct()[:500])

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(state.value, label_of(state, self.plan.state)) for state in ChangeState]

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in self.filters.items() if value})

    @property
    def here(self) -> str:
        """The query of this very page, to come back to it."""
        page = {"page": self.number} if self.number not in ("", "1") else {}
        return urlencode({name: value for name, value in self.filters.items() if value} | page)

    @property
    def directions(self) -> list[tuple[str, str]]:
        return [(each.value, each.label) for each in dict.fromkeys(f.direction for f in FAMILIES.values())]

    @property
    def refused(self) -> list[RefusedLine]:
        return [_refused_line(row) for row in self.plan.refused]

    # --- what runs ---------------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        return self.plan.state == PlanState.APPLYING

    @property
    def is_old(self) -> bool:
        return self.plan.state in BEFORE and planning.is_old(self.plan)

    @cached_property
    def job(self) -> Job | None:
        """The apply or refresh that runs, or the last one, for its error."""
        found = Job.objects.filter(connector_id=self.plan.connector_id, subject=str(self.plan.pk))
        return found.filter(kind__in=[JobKind.APPLY, JobKind.PLAN_REFRESH]).order_by("-id").first()

    @property
    def trouble(self) -> str:
        """Why the last job of this plan stopped."""
        return self.job.error if self.job and self.job.state == JobState.FAILED else ""

    @property
    def is_busy(self) -> bool:
        return self.is_running or bool(self.job and self.job.state in ACTIVE)

    @cached_property
    def current(self) -> Change | None:
        return self.plan.changes.filter(state=ChangeState.SENDING).order_by("position").first()

    @cached_property
    def pace(self) -> float | None:
        """Answered changes a second since this run began: a pause before it says nothing about the pace."""
        began = self.job.started_at if self.job and self.job.kind == JobKind.APPLY else None
        if began is None:
            return None
        answered = self.plan.changes.filter(answered_at__gte=began)
        last = answered.order_by("-answered_at").values_list("answered_at", flat=True).first()
        seconds = (last - began).total_seconds() if last else 0
        return answered.count() / seconds if seconds > 0 else None

    @property
    def remaining(self) -> float | None:
        """Seconds that the rest takes at this pace."""
        return self.counts["open"] / self.pace if self.is_running and self.pace else None

    @property
    def waits_for(self) -> str:
        """What the apply waits for while nothing is under way."""
        return self.job.waits_for if self.job and self.is_running and not self.current else ""

    @property
    def takeover_in(self) -> float | None:
        """Seconds until another worker may go on, where the one at work has missed a heartbeat."""
        if not (self.job and self.is_running and self.job.lease_until):
            return None
        left = (self.job.lease_until - timezone.now()).total_seconds()
        return max(0.0, left) if left < settings.JOB_LEASE - 1.5 * settings.JOB_HEARTBEAT else None

    @property
    def doing(self) -> str:
        """What the apply is at, in a few words."""
        unknown = self.counts.get("unknown", 0)
        if self.plan.state == PlanState.PAUSED:
            return "Paused"
        if self.job and self.job.state == JobState.QUEUED:
            return "Waits for a worker"
        if self.current:
            return "Sending"
        if unknown:
            return f"Finding out about {unknown} request{'' if unknown == 1 else 's'} without an answer"
        if self.waits_for:
            return "Waits"
        return "Reading Align's lists" if self.counts["open"] else "Reading back"

    @cached_property
    def overwrites(self) -> int:
        """How many writes replaced what somebody else had set a moment before."""
        return self.plan.changes.exclude(overwrote_name="").count()

    @property
    def left(self) -> str:
        return planning.left_words(self.plan)

    # --- other plans -------------------------------------------------------------------------------------------

    @cached_property
    def holding(self) -> planning.HoldingPlan | None:
        """The other plan that holds this connector, while this one waits for being applied."""
        may_wait = (self.plan.state in BEFORE and not self.plan.is_ours) or self._can_retry_alone
        return planning.held_by_other(self.plan) if may_wait else None

    @property
    def polled(self) -> str:
        """What this page asks for again and again. While somebody may type into the approval, only who holds it."""
        if self.is_busy:
            return "#plan-poll,#plan-now,#changes-head,#plan-rows"
        if self.holding is None:
            return ""
        return "#plan-poll,#plan-held" if self.needs_approval else "#plan-poll,#plan-now"

    @property
    def blind_spot(self) -> str:
        """What nobody would see of this apply; empty where Align's log is read, and where nothing was written."""
        was_sent = self.counts.get(ChangeState.DONE.value) and not self.plan.is_ours
        return overwrites.only_in_log(self.plan.connector) if was_sent else ""

    @cached_property
    def replaced_by(self) -> Plan | None:
        return self.plan.replaced_by.first()

    @cached_property
    def restored_by(self) -> list[Plan]:
        return list(self.plan.restored_by.exclude(state=PlanState.REPLACED))

    @cached_property
    def differences(self) -> refresh.Differences | None:
        """To the plan that this one is the refresh of."""
        return refresh.differences(self.plan, self.plan.replaces) if self.plan.replaces else None

    # --- what this person may do -------------------------------------------------------------------------------

    @cached_property
    def approval(self) -> ApprovalPage:
        return ApprovalPage(self.plan, self.person)

    @property
    def can_apply(self) -> bool:
        return self.plan.state == PlanState.APPROVED and self.can_control and self.holding is None

    @property
    def can_control(self) -> bool:
        return may(self.person, Right.APPROVE)

    @property
    def may_edit(self) -> bool:
        return may(self.person, Right.EDIT) and not self.plan.connector.disconnected_at

    @property
    def can_refresh(self) -> bool:
        return self.plan.state in BEFORE and self.may_edit and not self.plan.is_ours

    @property
    def can_retry(self) -> bool:
        return self._can_retry_alone and self.holding is None

    @property
    def _can_retry_alone(self) -> bool:
        if self.plan.connector.disconnected_at:
            return False
        return self.can_control and bool(self.counts.get("failed")) and planning.can_retry(self.plan)

    @property
    def retry_label(self) -> str:
        count = self.counts["failed"]
        return "Retry 1 failed change" if count == 1 else f"Retry {count} failed changes"

    @property
    def can_roll_back(self) -> bool:
        is_open = any(plan.state in OPEN_PLANS for plan in self.restored_by)
        return self.may_edit and not is_open and roll_back.can_roll_back(self.plan)

    @property
    def fingerprint(self) -> str:
        """In groups of four, as two people read it to each other."""
        text = self.plan.fingerprint[:16]
        return " ".join(text[start : start + 4] for start in range(0, len(text), 4))

    @property
    def max_age_minutes(self) -> int:
        return int(settings.PLAN_MAX_AGE // 60)


def _cell_of(plan: Plan, change: Change) -> str:
    """Where the matrix shows what it changes; empty once its list is gone or read no more."""
    scope = change.scope
    if scope is None or why_unused(scope):
        return ""
    value = change.before if change.after is None else change.after
    source, type_ = change.source_id, change.work_item_type
    return url_of_cell(
        plan.connector, change.family, scope.project, type_, source=source, value=value, is_ours=scope.is_ours
    )


def _refused_line(row: dict[str, str]) -> RefusedLine:
    """`key` is as the engine writes it, see engine.plan.row_key: "j2a-state:PROJ1:story:10013"."""
    key = row.get("key", "").removeprefix("ours:")
    family, project, type_, source = (key.split(":") + [""] * 4)[:4]
    words = [
        type_.capitalize(),
        FAMILIES[family].direction.label if family in FAMILIES else family,
        project or "shared",
    ]
    where = f"{' · '.join(words)} · {source}" if source else row.get("where", "")
    return RefusedLine(where=where, code=row["code"], sentence=row["sentence"])


@dataclass(frozen=True, kw_only=True)
class RollBackPage:
    """What a roll back of a plan would restore, before anything is stored, with what a person typed."""

    plan: Plan
    taking_back: roll_back.TakingBack
    under_way: Plan | None
    reason: str
    ticket: str = ""
    most: int = PER_PAGE

    @property
    def slice(self) -> str:
        """For the template's filter of that name."""
        return f":{self.most}"

    @property
    def changes(self) -> Sequence[Change]:
        return self.taking_back.changes

    @property
    def left_out(self) -> Sequence[roll_back.LeftOut]:
        return self.taking_back.left_out

    @property
    def why_nothing(self) -> str:
        return roll_back.why_nothing(self.plan)
