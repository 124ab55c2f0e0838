"""The approval of a plan by its fingerprint, and the start of its apply.

Both hold the connector's row while they decide, so that a change of its rules comes before or after, not between.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from connectors.jobs import runner
from connectors.models import Connector, JobKind
from connectors.setup import maintenance
from mappings.models import UNDER_WAY, Plan, PlanState
from mappings.planning.approval_asks import end_asks
from mappings.planning.authors import people_of
from mappings.planning.entries import plan_entry
from mappings.planning.keeping import keep, record_kept
from mappings.planning.notifications import queue_emergency_mail
from mappings.planning.plan_outcomes import tell_approved
from mappings.planning.reasons import reason_typed
from mappings.planning.rules import former_number_sentence, is_old, why_void
from mappings.planning.second_person import needs_another, refuse_deactivated, refuse_no_admin
from mappings.planning.typed_confirmation import confirmation

GAP = (
    "Jira Align's token is being replaced and the one in use is dead: nothing can be applied until the connector "
    "has been switched to the new one, on its credential page."
)
OWN_PLAN = (
    "You made this plan, and this connector asks for a second person: another admin has to approve it. Only in an "
    "emergency can you approve it alone, with a reason that all admins are told."
)
OWN_EDITS = (
    "This plan holds edits of yours, and this connector asks for a second person: an admin who has neither planned "
    "nor edited any of it has to approve it. Only in an emergency can you approve it alone, with a reason that all "
    "admins are told."
)
NO_EMERGENCY = (
    "You can approve this plan as usual: an emergency is for whoever planned it or edited some of it, where a second "
    "person has to approve."
)
LACKS_EMERGENCY = "Say what the emergency is: all other admins are told, and it stays in the history."


# --- approving ---------------------------------------------------------------------------------------------------


def approve(plan: Plan, fingerprint: str, *, ticked: bool, typed: str = "", actor: Person) -> Plan:
    """Approve exactly what was looked at: the fingerprint is the one on the page.

    A plan of lists of ours is applied with it, so it asks for `typed` where the apply of another one would.
    """
    with transaction.atomic():
        found = _locked(plan)
        _refuse_approval(found, fingerprint, actor)
        if needs_another(found.connector, actor, lambda: people_of(found)):
            raise Refused(OWN_PLAN if found.author_id == actor.pk else OWN_EDITS)
        _approve(found, ticked=ticked, typed=typed, actor=actor)
        kept = keep(found) if found.is_ours else []
        plan_entry("plan.approved", found, actor, f"Approved plan {found.pk}.", fingerprint=fingerprint)
        if found.is_ours:
            record_kept(found, kept, actor=actor)
    plan.refresh_from_db()
    return plan


def approve_in_emergency(
    plan: Plan, fingerprint: str, *, ticked: bool, reason: str, typed: str = "", actor: Person
) -> Plan:
    """By whoever planned it or edited some of it, where a second person has to approve; all other admins are told."""
    why = reason_typed(reason, lacks=LACKS_EMERGENCY)
    with transaction.atomic():
        found = _locked(plan)
        _refuse_approval(found, fingerprint, actor)
        if not needs_another(found.connector, actor, lambda: people_of(found)):
            raise Refused(NO_EMERGENCY)
        _approve(found, ticked=ticked, typed=typed, actor=actor, emergency_reason=why)
        kept = keep(found) if found.is_ours else []
        sentence = f"Approved plan {found.pk} alone, in an emergency: {why}"
        plan_entry("plan.emergency_approved", found, actor, sentence, fingerprint=fingerprint, emergency_reason=why)
        queue_emergency_mail(found, actor=actor)
        if found.is_ours:
            record_kept(found, kept, actor=actor)
    plan.refresh_from_db()
    return plan


def _locked(plan: Plan) -> Plan:
    Connector.objects.locked().get(pk=plan.connector_id)
    found = Plan.objects.locked()
    return found.select_related("connector", "author", "approver", "applier").get(pk=plan.pk)


def _refuse_approval(plan: Plan, fingerprint: str, actor: Person) -> None:
    refuse_no_admin(actor)
    if plan.state == PlanState.APPROVED and not why_void(plan):
        raise Refused(f"Already approved by {plan.approver} at {plan.approved_at:%H:%M} UTC.")
    if plan.state not in (PlanState.DRAFT, PlanState.APPROVED):
        raise Refused(f"This plan is {plan.get_state_display().lower()}, so it cannot be approved.")
    if plan.is_of_former_number:
        raise Refused(former_number_sentence(plan))
    if plan.fingerprint != fingerprint:
        raise Refused("This plan is not the one on your page. Look at it again before approving.")


def _approve(plan: Plan, *, ticked: bool, typed: str, actor: Person, emergency_reason: str = "") -> None:
    now = timezone.now()
    if plan.is_ours:
        refuse_deactivated(plan.connector)
        _refuse_unconfirmed(plan, typed)
    if plan.warnings and not ticked:
        raise Refused("Tick that you have read the warnings, then approve.")
    if is_old(plan, now):
        raise Refused("This plan is too old to approve. Refresh it, so that its before values are known to hold.")
    plan.state, plan.approver, plan.approved_at = PlanState.APPROVED, actor, now
    plan.approved_fingerprint, plan.emergency_reason = plan.fingerprint, emergency_reason
    plan.save(update_fields=["state", "approver", "approved_at", "approved_fingerprint", "emergency_reason"])
    end_asks(plan)
    tell_approved(plan, actor=actor)


# --- starting ----------------------------------------------------------------------------------------------------


def start_apply(plan: Plan, *, typed: str = "", reason: str = "", actor: Person) -> Plan:
    """Hand an approved plan to the worker. `reason` is why now, where it is more than the plan's own."""
    try:
        with transaction.atomic():
            found = _locked(plan)
            _refuse_start(found, actor)
            _refuse_unconfirmed(found, typed)
            found.state, found.applier, found.started_at = PlanState.APPLYING, actor, timezone.now()
            found.control = ""
            found.save(update_fields=["state", "applier", "started_at", "control"])
            runner.start(found.connector, JobKind.APPLY, actor=actor, subject=str(found.pk))
            end_asks(found)  # made while the approval did not count, which it does again
            why = f" {reason.strip()}" if reason.strip() else ""
            sentence = f"Started to apply plan {found.pk}.{why}"
            plan_entry("plan.started", found, actor, sentence, fingerprint=found.fingerprint)
    except IntegrityError as error:
        raise Refused(held_sentence(plan.connector)) from error
    plan.refresh_from_db()
    return plan


def _refuse_start(plan: Plan, actor: Person) -> None:
    refuse_no_admin(actor)
    if plan.is_ours:
        raise Refused("This plan is of lists of ours: its approval applies it, and nothing is sent to Align.")
    if plan.state != PlanState.APPROVED:
        raise Refused(_why_not_ready(plan))
    if plan.is_of_former_number:
        raise Refused(former_number_sentence(plan))
    if not plan.connector.is_active:
        raise Refused("This connector is deactivated. Activate it before applying.")
    if plan.connector.gap_since:
        raise Refused(GAP)
    maintenance.refuse(plan.connector)
    if void := why_void(plan):
        raise Refused(void)
    if is_old(plan):
        raise Refused("The values of this plan were read too long ago. Refresh it, then apply.")


def _why_not_ready(plan: Plan) -> str:
    if plan.applier and plan.started_at:
        return f"Already started by {plan.applier} at {plan.started_at:%H:%M} UTC."
    if plan.state in (PlanState.CANCELLED, PlanState.REPLACED):
        return f"This plan is {plan.get_state_display().lower()}, so it cannot be applied."
    return "This plan has to be approved before it can be applied."


def _refuse_unconfirmed(plan: Plan, typed: str) -> None:
    wanted = confirmation(plan)
    if wanted.word and typed.strip() != wanted.word:
        raise Refused(f'Type "{wanted.word}" to confirm: this plan {wanted.why}.')


def held_sentence(connector: Connector) -> str:
    busy = Plan.objects.filter(connector=connector, state__in=UNDER_WAY).first()
    if busy is None:
        return "Another apply of this connector is just starting. Try again in a moment."
    holder = runner.holder(connector, JobKind.APPLY)
    who, since = (holder.who, holder.since) if holder else (busy.applier, busy.started_at)
    paused = ", paused," if busy.state == PlanState.PAUSED else ""
    holds = f"has held this connector since {since:%Y-%m-%d %H:%M} UTC" if since else "holds this connector"
    return f"Plan {busy.pk} of {who}{paused} {holds}. Wait for its end, or cancel it."
