"""The things tests need, made the way the product makes them."""

from __future__ import annotations

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.utils import timezone

from alignadmin.tasks import run_due
from connectors import services
from connectors.demo.prepare import SANDBOX_SECRETS
from connectors.models import Connector, JiraKind, Job, JobState, Person, Role, WorkerHeartbeat
from tests.environment import PASSWORD

CONNECTOR_ID = 123


def person(role: Role = Role.ADMIN, *, email: str = "", name: str = "", pk: int | None = None) -> Person:
    """Signs in with PASSWORD; hashed in one round, since a real hash takes a third of a second."""
    email = email or f"{role.value}@example.test"
    made = Person.objects.create_user(email, None, pk=pk, name=name or role.label, role=role)
    made.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1)
    made.save(update_fields=["password"])
    return made


def connector(site: str, *, actor: Person, slug: str = "acme", name: str = "Acme") -> Connector:
    """A connector to a sandbox at `site`, with the tokens that the sandbox takes."""
    data = services.ConnectorData(
        name=name, align_site=site, align_connector_id=CONNECTOR_ID, jira_site=site, jira_kind=JiraKind.CLOUD
    )
    return services.add_connector(slug, data, SANDBOX_SECRETS, actor=actor)


def worker_heard() -> WorkerHeartbeat:
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
