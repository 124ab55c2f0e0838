"""The rules of a connector's plans: a second person, tickets, what is confirmed by typing, how often lists are read.

Also what the rules mean for one plan: who may approve it, and whether the approval it has still counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from connectors.models import Connector, HistoryRow
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from mappings.models import Plan, PlanState
from mappings.planning.authors import people_of
from mappings.planning.notifications import queue_four_eyes_off_mail
from mappings.planning.preferences import MOST_CHANGES
from mappings.planning.second_person import needs_another
from mappings.planning.tickets import pattern_trouble

LONGEST_PAUSE = 7 * 86_400  # seconds between two looks at every list
CHANGED = "rules.changed"


# --- of a connector ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Rules:
    """As a connector stores them; `observe_every` in seconds, `typed_share` in percent of a list."""

    four_eyes: bool
    ticket_pattern: str
    typed_above: int
    typed_share: int
    observe_every: int

    @property
    def stamp(self) -> str:
        """Stands in the form, to tell whether it was drawn from these."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


def rules_of(connector: Connector) -> Rules:
    return Rules(**{field.name: getattr(connector, field.name) for field in fields(Rules)})


def set_rules(connector: Connector, wanted: Rules, *, seen: str, actor: Person) -> Connector:
    """`seen` is the stamp of the rules that the person looked at. Raises Refused when they are others by now."""
    _refuse_odd(wanted)
    with transaction.atomic():
        found = lock_connected(connector)
        before = rules_of(found)
        if before == wanted:
            return found
        if before.stamp != seen:
            raise Refused(_overtaken(found))
        Connector.objects.filter(pk=found.pk).update(**asdict(wanted))
        found.refresh_from_db()
        trail.record(
            AuditRecord(
                action=CHANGED,
                actor=actor,
                context=context_of(found),
                subject=f"connector {found.slug}",
                sentence=f"Changed the rules of plans: {_difference(before, wanted)}.",
                data={"before": asdict(before), "after": asdict(wanted)},
            )
        )
        if before.four_eyes and not wanted.four_eyes:
            queue_four_eyes_off_mail(found, actor=actor)
    return found


def _refuse_odd(wanted: Rules) -> None:
    trouble = pattern_trouble(wanted.ticket_pattern)
    if trouble:
        raise Refused(trouble)
    limits = ((wanted.typed_above, MOST_CHANGES), (wanted.typed_share, 100), (wanted.observe_every, LONGEST_PAUSE))
    if any(not 0 <= value <= most for value, most in limits):
        raise Refused("One of these numbers is below 0 or too large.")


def _overtaken(connector: Connector) -> str:
    last = HistoryRow.objects.filter(connector=connector, action=CHANGED).order_by("-at", "-id").first()
    who = f"{last.person_name} changed these rules at {last.at:%H:%M} UTC" if last else "Somebody changed these rules"
    return f"{who}, after your page was loaded. Nothing is stored; the page now shows theirs."


def _difference(before: Rules, after: Rules) -> str:
    pairs = zip(_words(before), _words(after), strict=True)
    return "; ".join(f"{label} from {old} to {new}" for (label, old), (_, new) in pairs if old != new)


def _words(rules: Rules) -> list[tuple[str, str]]:
    minutes = f"every {rules.observe_every / 60:g} min"
    return [
        ("a second person approves", "yes" if rules.four_eyes else "no"),
        ("ticket format", rules.ticket_pattern or "any"),
        ("confirmed by typing above", f"{rules.typed_above} changes"),
        ("confirmed by typing above", f"{rules.typed_share} % of a list"),
        ("lists are read", minutes if rules.observe_every else "manually only"),
    ]


# --- of one plan -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ApprovalStatus:
    """Where a plan stands with its approval, for one person. `void`: why the approval it has does not count."""

    needs_approval: bool
    void: str
    may_approve: bool
    may_in_emergency: bool


def approval_status(plan: Plan, person: Person) -> ApprovalStatus:
    void = why_void(plan)
    needs_approval = plan.state == PlanState.DRAFT or bool(void)
    is_admin = may(person, Right.APPROVE)
    is_second_needed = needs_another(plan.connector, person, lambda: people_of(plan))
    return ApprovalStatus(
        needs_approval=needs_approval,
        void=void,
        may_approve=needs_approval and is_admin and not is_second_needed,
        may_in_emergency=needs_approval and is_admin and is_second_needed,
    )


def why_void(plan: Plan, people: Collection[int] | None = None) -> str:
    """Of a plan that is approved: why that does not count any more. Empty: it counts, or there is none.

    `people`: those of people_of(plan), where the caller knows them of many plans.
    """
    if plan.state != PlanState.APPROVED or plan.approver is None:
        return ""
    if not may(plan.approver, Right.APPROVE):
        return f"{plan.approver} approved this plan and is no longer an admin. An admin has to approve it again."
    asks_another = plan.connector.four_eyes and not plan.emergency_reason
    if asks_another and plan.approver_id in (people_of(plan) if people is None else people):
        is_planner = plan.approver_id == plan.author_id
        what = "a plan of their own" if is_planner else "a plan that holds edits of theirs"
        return (
            f"This connector asks for a second person, and {plan.approver} approved {what} before it "
            "did. An admin who has no part in the plan has to approve it."
        )
    return ""


def is_old(plan: Plan, now: datetime | None = None) -> bool:
    """Its before values were last seen too long ago: it must be refreshed before it is approved or applied.

    Those of lists of ours are here, and are compared when it is approved.
    """
    if plan.is_ours:
        return False
    return (now or timezone.now()) - plan.seen_at > timedelta(seconds=settings.PLAN_MAX_AGE)


def former_number_sentence(plan: Plan) -> str:
    return (
        f"This plan is of connector {plan.align_number}, which was made anew in Jira Align as "
        f"{plan.connector.align_connector_id}: its records are others, so nothing of it is sent. Plan it again."
    )
