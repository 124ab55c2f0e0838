"""The things tests need, made the way the product makes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import run_due
from connectors.demo.prepare import SANDBOX_SECRETS
from connectors.history.intake import run_digest, runs, storing
from connectors.history.intake.pasted_log import LogLine
from connectors.models import (
    Connector,
    InboxDelivery,
    Intake,
    IntakeRun,
    JiraKind,
    Job,
    JobState,
    Webhook,
    WorkerHeartbeat,
)
from connectors.ports.audited import LOG_READ, context_of
from connectors.setup import services
from tests.environment import PASSWORD

CONNECTOR_ID = 123


def person(role: Role = Role.ADMIN, *, email: str = "", name: str = "", pk: int | None = None) -> Person:
    """Signs in with PASSWORD; hashed in one round, since a real hash takes a third of a second."""
    email = email or f"{role.value}@example.test"
    made = Person.objects.create_user(email, None, pk=pk, name=name or role.label, role=role)
    made.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1)
    made.save(update_fields=["password"])
    return made


def connector(
    site: str, *, actor: Person, slug: str = "acme", name: str = "Acme", align_id: int = CONNECTOR_ID
) -> Connector:
    """A connector to a sandbox at `site`, with the tokens that the sandbox takes."""
    data = services.ConnectorData(
        name=name, align_site=site, align_connector_id=align_id, jira_site=site, jira_kind=JiraKind.CLOUD
    )
    return services.add_connector(slug, data, SANDBOX_SECRETS, actor=actor)


def worker_alive() -> WorkerHeartbeat:
    """As if a worker process had just given a sign of life."""
    now = timezone.now()
    return WorkerHeartbeat.objects.create(process="here:1", started_at=now, heard_at=now)


def refreshed(owner: Connector, *, actor: Person | None = None) -> Connector:
    """Read the catalogue and every list by the real jobs, in this thread."""
    services.start_refresh(owner, actor=actor)
    run_due()
    failed = Job.objects.filter(connector=owner, state=JobState.FAILED).order_by("id").last()
    assert failed is None, f"{failed.kind}: {failed.error}"
    owner.refresh_from_db()
    return owner


def inbox_delivery(owner: Connector) -> InboxDelivery:
    """Of a webhook that was removed meanwhile: its inbox is still read."""
    now = timezone.now()
    webhook, _ = Webhook.objects.get_or_create(
        connector=owner, defaults={"address_hash": f"{owner.pk:064x}", "created_at": now, "ended_at": now}
    )
    return InboxDelivery.objects.create(
        webhook=webhook, received_at=now, event="jira:issue_updated", body_hash="0" * 64, size=2
    )


def intake_run(owner: Connector) -> IntakeRun:
    """For lines that a test writes itself; no entry tells of it and no digest binds it."""
    number = (IntakeRun.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    now = timezone.now()
    return IntakeRun.objects.create(
        number=number,
        connector=owner,
        intake=Intake.PASTE,
        began_at=now,
        ended_at=now,
        lines=0,
        digest=run_digest.of_lines([]),
        seen_again_digest=run_digest.of_seen_again([]),
        head_seq=0,
        head_hash=run_digest.START,
        prev=run_digest.START,
        hash="",
        entry_seq=-number,
    )


def lines_taken_in(owner: Connector, lines: Sequence[LogLine], way: Intake, at: datetime) -> None:
    """Lines that are split already, as a run of their own that covers no time."""
    with transaction.atomic():
        begun = runs.begin(owner, way, at=at)
        brought = storing.store(begun, lines, at).brought
        run = runs.keep(begun, brought, [], ended_at=at)
        trail.record(
            AuditRecord(
                action=LOG_READ,
                actor=None,
                context=context_of(owner),
                subject=owner.config_name,
                sentence="Lines of a test.",
                data={"run": runs.as_data(run, brought)},
            )
        )
