"""Starting a rehearsal, and what is kept of those before it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.jobs import runner
from connectors.models import Carried, Connector, JobKind, Project, in_scope_here
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from mappings.models import Rehearsal

USUAL, MOST = 50, 200
KEPT = 5  # of a project


def start(connector: Connector, project: Project, number: int, *, actor: Person) -> Rehearsal:
    """Queue one; while one of the project is under way, that is it. Raises Refused."""
    if not 1 <= number <= MOST:
        raise Refused(f"A rehearsal works out 1 to {MOST} issues. Type a number between these.")
    with transaction.atomic():
        lock_connected(connector)
        if not connector.is_active:
            raise Refused("The connector is deactivated, so nothing is asked of either system. Activate it first.")
        if not Project.objects.filter(in_scope_here(), pk=project.pk, connector=connector).exists():
            raise Refused(f"{project.key} is not in scope here. Choose it in step 4 of the set-up first.")
        job = runner.start(connector, JobKind.REHEARSAL, actor=actor, subject=str(project.pk))
        known = Rehearsal.objects.filter(job=job).first()
        if known is not None:
            return known
        trail.record(
            AuditRecord(
                action="rehearsal.started",
                actor=actor,
                context=context_of(connector),
                subject=f"project {project.key}",
                sentence=f"Started to rehearse the import of {project.key} with {counted(number, 'issue')} at most.",
                data={"project": project.key, "issues": number},
            )
        )
        return Rehearsal.objects.create(
            connector=connector,
            project=project,
            job=job,
            person=actor,
            started_at=timezone.now(),
            asked=number,
            compared=project.carried != Carried.NO,
        )


def forget_older(project: Project) -> None:
    """All but the last few of the project, with their lines."""
    kept = Rehearsal.objects.filter(project=project).order_by("-id").values_list("pk", flat=True)[:KEPT]
    Rehearsal.objects.filter(project=project).exclude(pk__in=list(kept)).delete()
