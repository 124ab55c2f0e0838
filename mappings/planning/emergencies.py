"""Plans approved in an emergency by somebody with a part in them: on the overview until another admin takes note."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from alignadmin.mail.outbox import has_mail
from connectors.models import HistoryRow
from mappings.models import Plan
from mappings.planning.entries import plan_entry
from mappings.planning.notifications import trouble_of

ACKNOWLEDGED = "plan.emergency_noted"


@dataclass(frozen=True, kw_only=True)
class Emergency:
    """One that no other admin has taken note of; `trouble`: why the others have no e-mail about it yet."""

    plan: Plan
    may_acknowledge: bool
    trouble: str


def emergencies(person: Person) -> list[Emergency]:
    """The newest first, as the overview shows them to this person."""
    found = unacknowledged().select_related("connector", "approver").order_by("-id")[:20]
    return [
        Emergency(plan=plan, may_acknowledge=may_acknowledge(plan, person), trouble=_trouble(plan)) for plan in found
    ]


def unacknowledged() -> QuerySet[Plan]:
    acknowledged = HistoryRow.objects.filter(plan=OuterRef("pk"), action=ACKNOWLEDGED)
    return Plan.objects.exclude(emergency_reason="").exclude(Exists(acknowledged))


def may_acknowledge(plan: Plan, person: Person) -> bool:
    return bool(plan.emergency_reason) and plan.approver_id != person.pk and may(person, Right.APPROVE)


def acknowledged_by(plan: Plan) -> HistoryRow | None:
    """Who took note, and when."""
    return HistoryRow.objects.filter(plan=plan.pk, action=ACKNOWLEDGED).order_by("id").first()


def acknowledge(plan: Plan, *, actor: Person) -> None:
    """Another admin has seen it; that ends its place on the overview."""
    with transaction.atomic():
        found = Plan.objects.locked().select_related("connector", "author", "approver").get(pk=plan.pk)
        if not found.emergency_reason:
            raise Refused("This plan was not approved in an emergency.")
        if not may_acknowledge(found, actor):
            raise Refused(f"{found.approver} approved this alone: another admin has to acknowledge it.")
        if (row := acknowledged_by(found)) is not None:
            raise Refused(f"{row.person_name} acknowledged it at {row.at:%H:%M} UTC.")
        sentence = f"Acknowledged that {found.approver} approved plan {found.pk} alone, in an emergency."
        plan_entry(ACKNOWLEDGED, found, actor, sentence)


def _trouble(plan: Plan) -> str:
    if not has_mail():
        return "no mail server is set, so nobody was told by e-mail."
    return trouble_of(plan)
