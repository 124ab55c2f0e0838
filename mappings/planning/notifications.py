"""E-mails to all other admins about what one admin did alone: an emergency approval, a second person switched off.

They are queued with the act, so that no mail server holds it up; whether one has gone is an entry of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.urls import reverse

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.rights import Right
from alignadmin.audit import trail
from alignadmin.audit.entries import Actor, AuditRecord
from alignadmin.mail import outbox, sending
from alignadmin.mail.models import OutgoingMail
from alignadmin.mail.outbox import in_product
from alignadmin.notifications.kinds import FixedMail
from connectors.models import Connector
from connectors.ports.audited import context_of
from mappings.models import Plan
from mappings.planning.entries import plan_entry

EMERGENCY, FOUR_EYES_OFF = "emergency-approval", "second-person-off"
ABOUT_NEW = "setting new_four_eyes"
ALWAYS = "Goes to all other admins always: it is how they hear of what one admin did without a second."
FIXED = (
    FixedMail(label="Emergency approvals", why=ALWAYS, right=Right.APPROVE),
    FixedMail(label="Second person switched off", why=ALWAYS, right=Right.APPROVE),
)


@dataclass(frozen=True, kw_only=True)
class MailOutcome:
    """Whom it told, and whom it did not and why; `reaches_nobody`: no message is queued for anybody."""

    reached: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    reaches_nobody: bool = False

    @property
    def words(self) -> str:
        nobody = ["nobody was told by e-mail"] if self.reaches_nobody else []
        told = [f"told {', '.join(self.reached)}"] if self.reached else []
        missed = [f"not told: {', '.join(self.troubles)}"] if self.troubles else []
        return "; ".join([*nobody, *told, *missed])


def other_admins(person: Actor | None) -> list[Person]:
    """Who else could approve."""
    admins = Person.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk")
    return list(admins.exclude(pk=person.id) if person else admins)


# --- queueing --------------------------------------------------------------------------------------------------------


def queue_emergency_mail(plan: Plan, *, actor: Person) -> None:
    """In the transaction of the approval, after its entry."""
    subject = f"Emergency approval by {plan.approver}: plan {plan.pk} of {plan.connector}"
    path = reverse("plan", args=[plan.pk])
    others = other_admins(actor)
    for person in others:
        context = {"plan": plan}
        _queue(EMERGENCY, person, subject, "mappings/planning/emergency.txt", path, about_plan(plan), plan.pk, context)
    if not others or not outbox.has_mail():
        _record_emergency_mail(plan, MailOutcome(troubles=_without_server(others), reaches_nobody=True))


def queue_four_eyes_off_mail(connector: Connector, *, actor: Person) -> None:
    """In the transaction that switches it off."""
    subject = f"{actor} switched off the second person for plans of {connector}"
    path, about = reverse("connector-settings", args=[connector.slug]), f"connector {connector.pk}"
    others = other_admins(actor)
    for person in others:
        context = {"connector": connector, "actor": actor}
        template = "mappings/planning/four_eyes_off.txt"
        _queue(FOUR_EYES_OFF, person, subject, template, path, about, connector.pk, context)
    if not others or not outbox.has_mail():
        _record_four_eyes_off_mail(connector, MailOutcome(troubles=_without_server(others), reaches_nobody=True))


def queue_new_four_eyes_off_mail(*, actor: Actor) -> None:
    """The same of connectors that are added from now on, in the transaction that sets it."""
    subject = f"{actor.name} switched off the second person for plans of new connectors"
    others = other_admins(actor)
    for person in others:
        template, context = "mappings/planning/new_four_eyes_off.txt", {"actor": actor}
        _queue(FOUR_EYES_OFF, person, subject, template, reverse("settings"), ABOUT_NEW, None, context)
    if not others or not outbox.has_mail():
        _record_four_eyes_off_mail(None, MailOutcome(troubles=_without_server(others), reaches_nobody=True))


def about_plan(plan: Plan) -> str:
    return f"plan {plan.pk}"


def _queue(
    kind: str,
    person: Person,
    subject: str,
    template: str,
    path: str,
    about: str,
    pk: int | None,
    context: Mapping[str, object],
) -> None:
    """One e-mail to one admin, tried for a day."""
    to = [outbox.Recipient(name=str(person), address=person.email)]
    shown = {"person": person, "link": in_product(path), **context}
    outbox.queue(kind, to, subject, template, shown, about=about, facts={"pk": pk})


# --- what has become of them -----------------------------------------------------------------------------------------


@sending.on_finished(EMERGENCY)
def emergency_mail_finished(mail: OutgoingMail) -> None:
    plan = Plan.objects.select_related("connector", "author", "approver").get(pk=mail.facts["pk"])
    _record_emergency_mail(plan, _outcome_of(mail))


@sending.on_finished(FOUR_EYES_OFF)
def four_eyes_off_mail_finished(mail: OutgoingMail) -> None:
    pk = mail.facts["pk"]
    _record_four_eyes_off_mail(Connector.objects.get(pk=pk) if pk is not None else None, _outcome_of(mail))


def trouble_of(plan: Plan) -> str:
    """Why no other admin has the e-mail about this emergency yet; empty when one has it."""
    states = outbox.states([EMERGENCY], about_plan(plan))
    failing = [each for each in states if each.error]
    if not failing or any(each.is_sent for each in states):
        return ""
    first = failing[0]
    again = " It is tried again." if first.is_waiting else ""
    return f"No admin could be told by e-mail: {_trouble_of(first.to, first.error)}.{again}"


def _record_emergency_mail(plan: Plan, outcome: MailOutcome) -> None:
    sentence = f"Emergency approval of plan {plan.pk}: {outcome.words}."
    plan_entry("plan.emergency_told", plan, None, sentence, told=outcome.reached, troubles=outcome.troubles)


def _record_four_eyes_off_mail(connector: Connector | None, outcome: MailOutcome) -> None:
    """None: of connectors that are added later."""
    whose = "" if connector else " of new connectors"
    trail.record(
        AuditRecord(
            action="rules.told",
            actor=None,
            context=context_of(connector),
            subject=f"connector {connector.slug}" if connector else ABOUT_NEW,
            sentence=f"A second person is no longer asked for{whose}: {outcome.words}.",
            data={"told": outcome.reached, "troubles": outcome.troubles},
        )
    )


def _outcome_of(mail: OutgoingMail) -> MailOutcome:
    """Of one message: whoever else is told has one of their own."""
    if mail.sent_at:
        return MailOutcome(reached=mail.addresses)
    return MailOutcome(troubles=[_trouble_of(address, mail.error) for address in mail.addresses])


def _without_server(others: Iterable[Person]) -> list[str]:
    return [_trouble_of(person.email, outbox.NO_SERVER) for person in others]


def _trouble_of(address: str, why: str) -> str:
    return f"{address} ({why})"
