"""What the one page of a plan shows, before, during and after its apply."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from connectors.models import ACTIVE, Job, Person
from connectors.rights import Right, may
from mappings import planning
from mappings.engine.families import FAMILIES
from mappings.models import Change, ChangeState, Plan, PlanState

PER_PAGE = 100


@dataclass
class PlanPage:
    """One plan for one person, with the filters of the address."""

    plan: Plan
    person: Person
    filters: dict[str, str]
    number: str = "1"

    @cached_property
    def counts(self) -> dict[str, int]:
        """By action, plus `stale`, `failed`, `done`, ... by state."""
        pairs = list(self.plan.changes.values_list("action", "state", "confirmed"))
        counts = Counter(action for action, _, _ in pairs) + Counter(state for _, state, _ in pairs)
        counts["confirmed"] = sum(confirmed is True for _, _, confirmed in pairs)
        counts["unconfirmed"] = sum(confirmed is False for _, _, confirmed in pairs)
        return dict(counts, total=len(pairs), open=counts["planned"] + counts["sending"] + counts["unknown"])

    @property
    def settled(self) -> int:
        return self.counts["total"] - self.counts["open"]

    @cached_property
    def changes(self) -> Page[Change]:
        return Paginator(self._filtered(), PER_PAGE).get_page(self.number)

    def _filtered(self) -> QuerySet[Change]:
        changes = self.plan.changes.select_related("scope__project").order_by("position")
        direction = self.filters.get("direction", "")
        wanted = {name: value for name, value in self.filters.items() if value and name != "direction"}
        if direction:
            wanted["family__startswith"] = direction
        return changes.filter(**wanted)

    @property
    def projects(self) -> list[str]:
        keys = self.plan.changes.exclude(project_key="").values_list("project_key", flat=True)
        return sorted(set(keys))[:500]

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in self.filters.items() if value})

    @property
    def is_running(self) -> bool:
        return self.plan.state == PlanState.APPLYING

    @property
    def is_old(self) -> bool:
        return self.plan.state in (PlanState.DRAFT, PlanState.APPROVED) and planning.is_old(self.plan)

    @cached_property
    def job(self) -> Job | None:
        """The apply or refresh that runs, or the last one, for its error."""
        found = Job.objects.filter(connector_id=self.plan.connector_id, subject=str(self.plan.pk))
        return found.filter(kind__in=["apply", "plan-refresh"]).order_by("-id").first()

    @property
    def is_busy(self) -> bool:
        return self.is_running or bool(self.job and self.job.state in ACTIVE)

    @property
    def current(self) -> Change | None:
        return self.plan.changes.filter(state=ChangeState.SENDING).order_by("position").first()

    @property
    def pace(self) -> float | None:
        """Settled changes a second since the start."""
        started, done = self.plan.started_at, self.settled
        if not started or not done or not self.job:
            return None
        last = self.plan.changes.exclude(answered_at=None).order_by("-answered_at").first()
        seconds = (last.answered_at - started).total_seconds() if last and last.answered_at else 0
        return done / seconds if seconds > 0 else None

    @property
    def can_approve(self) -> bool:
        return self.plan.state == PlanState.DRAFT and may(self.person, Right.APPROVE)

    @property
    def can_apply(self) -> bool:
        return self.plan.state == PlanState.APPROVED and may(self.person, Right.APPROVE)

    @property
    def can_control(self) -> bool:
        return may(self.person, Right.APPROVE)

    @property
    def can_refresh(self) -> bool:
        return self.plan.state in (PlanState.DRAFT, PlanState.APPROVED) and may(self.person, Right.EDIT)

    @cached_property
    def confirmation_word(self) -> str:
        return planning.confirmation_word(self.plan)

    @property
    def fingerprint(self) -> str:
        """In groups of four, as two people read it to each other."""
        text = self.plan.fingerprint[:16]
        return " ".join(text[start : start + 4] for start in range(0, len(text), 4))

    @property
    def directions(self) -> list[tuple[str, str]]:
        return [(each.value, each.label) for each in dict.fromkeys(f.direction for f in FAMILIES.values())]

    @property
    def max_age_minutes(self) -> int:
        return int(settings.PLAN_MAX_AGE // 60)
