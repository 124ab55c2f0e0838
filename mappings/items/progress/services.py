"""Having progress read, and which programs there are to be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, JobKind, Project, in_scope_here
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from mappings.items.scope.agreed import scopes_for
from mappings.models import ProgressReading


@dataclass(frozen=True, kw_only=True)
class ReadableProgram:
    """One that projects in scope belong to, or whose imports land there. `keys`: theirs, in order."""

    id: int
    name: str  # as it was read last; empty: never
    keys: Sequence[str]


def programs_of(connector: Connector) -> list[ReadableProgram]:
    projects = list(Project.objects.filter(in_scope_here(), connector=connector).order_by("key"))
    scopes = scopes_for(connector, projects)
    keys: dict[int, list[str]] = defaultdict(list)
    for each in projects:
        landing = scopes[each.jira_id].landing.program_id if each.is_ours else None
        for program in dict.fromkeys((each.programme_id, landing)):
            if program is not None:
                keys[program].append(each.key)
    named = ProgressReading.objects.filter(connector=connector, finished_at__isnull=False).order_by("pk")
    names = dict(named.values_list("program_id", "program_name"))
    return [ReadableProgram(id=each, name=names.get(each, ""), keys=keys[each]) for each in sorted(keys)]


def start(connector: Connector, program: int | None, release: int | None, *, actor: Person) -> ProgressReading:
    """Queue one; while one of the same choice is under way, that is it. Raises Refused."""
    with transaction.atomic():
        lock_connected(connector)
        if not connector.is_active:
            raise Refused("The connector is deactivated, so nothing is asked of either system. Activate it first.")
        if program is None or all(each.id != program for each in programs_of(connector)):
            raise Refused("Choose a program that a project in scope belongs to.")
        subject = f"{program}/{release or ''}"
        job = runner.start(connector, JobKind.PROGRESS, actor=actor, subject=subject)
        known = ProgressReading.objects.filter(job=job).first()
        if known is not None:
            return known
        of = f" in program increment {release}" if release else ""
        trail.record(
            AuditRecord(
                action="progress.started",
                actor=actor,
                context=context_of(connector),
                subject=f"program {program}",
                sentence=f"Started to read the progress of program {program}{of} from both systems.",
                data={"program": program, "release": release},
            )
        )
        return ProgressReading.objects.create(
            connector=connector,
            program_id=program,
            release_id=release,
            job=job,
            person=actor,
            started_at=timezone.now(),
        )


def forget_older(reading: ProgressReading) -> None:
    """All that are over of the same choice, but this one, and those that never came to their end."""
    others = ProgressReading.objects.filter(
        connector=reading.connector_id, program_id=reading.program_id, release_id=reading.release_id
    ).exclude(pk=reading.pk)
    others.exclude(finished_at=None, job__state__in=ACTIVE).delete()
