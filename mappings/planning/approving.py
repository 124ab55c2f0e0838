"""The approval of a plan by its fingerprint, and the start of its apply."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from connectors import jobs
from connectors.models import Connector, Person
from mappings.models import Plan, PlanState, Scope
from mappings.planning.entries import plan_entry
from mappings.services import Refused

GAP = (
    "Jira Align's token is being replaced and the one in use is dead: nothing can be applied until the connector "
    "has been switched to the new one, on its credential page."
)
TYPED_ABOVE_CHANGES = 25
TYPED_ABOVE_SHARE = 0.10  # of a scope's rows


def is_old(plan: Plan, now: datetime | None = None) -> bool:
    """Its before values were last seen too long ago: it must be refreshed before it is approved or applied."""
    return (now or timezone.now()) - plan.seen_at > timedelta(seconds=settings.PLAN_MAX_AGE)


def approve(plan: Plan, fingerprint: str, *, ticked: bool, actor: Person) -> Plan:
    """Approve exactly what was looked at: the fingerprint is the one on the page."""
    now = timezone.now()
    if plan.warnings and not ticked:
        raise Refused("Tick that you have read the warnings, then approve.")
    if is_old(plan, now):
        raise Refused("This plan is too old to approve. Refresh it, so that its before values are known to hold.")
    with transaction.atomic():
        waiting = Plan.objects.filter(pk=plan.pk, state=PlanState.DRAFT, fingerprint=fingerprint)
        if not waiting.update(
            state=PlanState.APPROVED, approver=actor, approved_at=now, approved_fingerprint=fingerprint
        ):
            raise Refused(_why_not_approved(plan, fingerprint))
        plan.refresh_from_db()
        plan_entry("plan.approved", plan, actor, f"Approved plan {plan.pk}.", fingerprint=fingerprint)
    return plan


def _why_not_approved(plan: Plan, fingerprint: str) -> str:
    plan.refresh_from_db()
    if plan.approver and plan.approved_at:
        return f"Already approved by {plan.approver} at {plan.approved_at:%H:%M} UTC."
    if plan.fingerprint != fingerprint:
        return "This plan is not the one on your page. Look at it again before approving."
    return f"This plan is {plan.get_state_display().lower()}, so it cannot be approved."


def confirmation_word(plan: Plan) -> str:
    """What has to be typed before an apply with deletes or of more than the threshold; empty: nothing."""
    actions = list(plan.changes.values_list("action", "scope_id"))
    many = len(actions) > TYPED_ABOVE_CHANGES or _large_share(plan, Counter(scope for _, scope in actions))
    return plan.connector.slug if many or any(action == "delete" for action, _ in actions) else ""


def _large_share(plan: Plan, changes: Counter[int | None]) -> bool:
    sizes = dict(Scope.objects.filter(pk__in=[pk for pk in changes if pk]).values_list("pk", "rows"))
    # A share of a handful of rows says nothing; deletes of them are asked about in any case.
    return any(
        sizes[pk] >= 20 and count > sizes[pk] * TYPED_ABOVE_SHARE for pk, count in changes.items() if pk in sizes
    )


def start_apply(plan: Plan, *, typed: str = "", reason: str = "", actor: Person) -> Plan:
    """Hand an approved plan to the worker. `reason` is why now, where it is more than the plan's own."""
    word = confirmation_word(plan)
    if word and typed.strip() != word:
        raise Refused(f'Type "{word}" to confirm: this plan deletes mappings or changes many at once.')
    if is_old(plan):
        raise Refused("This plan was seen too long ago. Refresh it, then apply.")
    try:
        with transaction.atomic():
            ready = Plan.objects.filter(pk=plan.pk, state=PlanState.APPROVED)
            ready = ready.filter(connector__is_active=True, connector__gap_since=None)
            if not ready.update(state=PlanState.APPLYING, applier=actor, started_at=timezone.now(), control=""):
                raise Refused(_why_not_started(plan))
            plan.refresh_from_db()
            jobs.start(plan.connector, "apply", actor=actor, subject=str(plan.pk))
            why = f" {reason.strip()}" if reason.strip() else ""
            sentence = f"Started to apply plan {plan.pk}.{why}"
            plan_entry("plan.started", plan, actor, sentence, fingerprint=plan.fingerprint)
    except IntegrityError as error:
        raise Refused(_held_sentence(plan.connector)) from error
    return plan


def _why_not_started(plan: Plan) -> str:
    plan.refresh_from_db()
    if not plan.connector.is_active:
        return "This connector is deactivated. Activate it before applying."
    if plan.connector.gap_since:
        return GAP
    if plan.applier and plan.started_at:
        return f"Already started by {plan.applier} at {plan.started_at:%H:%M} UTC."
    return "This plan has to be approved before it can be applied."


def _held_sentence(connector: Connector) -> str:
    busy = Plan.objects.filter(connector=connector, state__in=[PlanState.APPLYING, PlanState.PAUSED]).first()
    if busy is None:
        return "Another apply of this connector is just starting. Try again in a moment."
    since = f" since {busy.started_at:%H:%M} UTC" if busy.started_at else ""
    return f"Plan {busy.pk} holds this connector ({busy.applier}{since}). Wait for it, or cancel it."
