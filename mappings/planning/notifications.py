"""E-mails to all other admins about what one admin did alone: an emergency approval, a second person switched off.

A job sends them, so that no mail server holds up the act, and what it did not take is sent again later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work
from alignadmin.mail.at_once import send
from alignadmin.mail.outbox import has_mail
from alignadmin.text import one_line
from connectors.jobs import runner
from connectors.models import Job, JobState
from connectors.ports.audited import context_of
from mappings.models import Plan
from mappings.planning.entries import plan_entry

EMERGENCY, FOUR_EYES_OFF = "emergency-mail", "rules-mail"
AGAIN = timedelta(minutes=10)  # after which an e-mail that no mail server took is tried again
LONGEST_TRY = timedelta(days=1)


def other_admins(person: Person | None) -> list[Person]:
    """Who else could approve."""
    admins = Person.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk")
    return list(admins.exclude(pk=person.pk) if person else admins)


@runner.handler(EMERGENCY)
def tell_emergency(run: runner.Run) -> None:
    plan = Plan.objects.select_related("connector", "author", "approver").get(pk=int(run.job.subject))
    subject = f"Emergency approval by {plan.approver}: plan {plan.pk} of {plan.connector}"
    sent = _send(run, subject, "mappings/planning/emergency.txt", reverse("plan", args=[plan.pk]), plan=plan)
    with transaction.atomic():
        run.assert_lease()
        sentence = f"Emergency approval of plan {plan.pk}: {sent.words}."
        plan_entry("plan.emergency_told", plan, None, sentence, told=sent.told, troubles=sent.troubles)


@runner.handler(FOUR_EYES_OFF)
def tell_four_eyes_off(run: runner.Run) -> None:
    connector = run.connector
    subject = f"{run.actor} switched off the second person for plans of {connector}"
    path = reverse("connector", args=[connector.slug])
    sent = _send(run, subject, "mappings/planning/four_eyes_off.txt", path, connector=connector, actor=run.actor)
    with transaction.atomic():
        run.assert_lease()
        trail.record(
            AuditRecord(
                action="rules.told",
                actor=None,
                context=context_of(connector),
                subject=f"connector {connector.slug}",
                sentence=f"A second person is no longer asked for: {sent.words}.",
                data={"told": sent.told, "troubles": sent.troubles},
            )
        )


# --- sending -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Who has the e-mail, and who has not and why."""

    told: list[str]
    troubles: list[str]

    @property
    def words(self) -> str:
        how = f"told {', '.join(self.told)}" if self.told else "nobody was told by e-mail"
        return f"{how}; not told: {', '.join(self.troubles)}" if self.troubles else how


def _send(run: runner.Run, subject: str, template: str, path: str, **context: object) -> Sent:
    """One e-mail to each admin but the one who acted. After a crash again: twice is better than not at all.

    Raises JobFailed when the mail server took none.
    """
    link = settings.PUBLIC_ADDRESS.rstrip("/") + path
    told, troubles = [], []
    for person in other_admins(run.actor):
        run.progress(person.email)
        delivery = send(person, one_line(subject), template, link=link, **context)
        if delivery.has_gone:
            told.append(person.email)
        else:
            troubles.append(f"{person.email} ({delivery.trouble})")
    if troubles and not told and has_mail():
        raise runner.JobFailed(f"No admin could be told by e-mail: {troubles[0]}. It is tried again.")
    return Sent(told=told, troubles=troubles)


@due_work
def tell_again() -> int:
    """Start over, for a day, what no mail server took."""
    now = timezone.now()
    kinds = Job.objects.filter(kind__in=[EMERGENCY, FOUR_EYES_OFF])
    later = kinds.filter(
        connector=OuterRef("connector"), kind=OuterRef("kind"), subject=OuterRef("subject"), id__gt=OuterRef("id")
    )
    failed = kinds.filter(state=JobState.FAILED, finished_at__lte=now - AGAIN, created_at__gt=now - LONGEST_TRY)
    due = list(failed.exclude(Exists(later)).select_related("connector", "requested_by"))
    for job in due:
        runner.start(job.connector, job.kind, actor=job.requested_by, subject=job.subject)
    return len(due)
