"""Switching the check on and off, comparing now, and linking what was severed: each with its entry."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import wake
from alignadmin.errors import Refused
from connectors.jobs import runner
from connectors.models import Connector, IssueType, JobKind, Project
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from mappings.engine.agreement import AgreementOutcome
from mappings.items.agreement.clock import SAMPLE_EVERY
from mappings.items.agreement.queries import compared_projects
from mappings.items.prediction.rules import rules_of
from mappings.models import AgreementKind, AgreementRun, AgreementSetting, ComparedItem, ItemLink

LONGEST_KEY = 255
INACTIVE = "The connector is deactivated, so nothing is asked of either system. Activate it first."


def switch(connector: Connector, *, on: bool, actor: Person) -> None:
    """The first whole comparison begins at once. Raises Refused."""
    now = timezone.now()
    with transaction.atomic():
        found = lock_connected(connector)
        setting, _ = AgreementSetting.objects.locked().get_or_create(connector=found)
        if setting.is_on == on:
            return
        setting.is_on, setting.switched_at, setting.switched_by, setting.work_after = on, now, actor, None
        setting.sample_due_at, setting.whole_due_at, setting.poll_due_at = now + SAMPLE_EVERY, now, now
        setting.polled_at, setting.told = None, {}
        setting.save()
        if not on:
            left = AgreementRun.objects.filter(connector=found, finished_at=None).exclude(kind=AgreementKind.ASKED)
            left.delete()
        words = "on" if on else "off"
        sentence = f"Switched the comparison of items and issues of {found.name} {words}."
        _record("agreement.switched", found, actor, f"connector {found.name}", sentence, on=on)
    wake()


def compare_now(connector: Connector, project: Project, key: str, *, actor: Person) -> AgreementRun:
    """A project, or one issue of it where its key is given. Queued, or the one that is under way. Raises Refused."""
    key = key.strip().upper()
    if len(key) > LONGEST_KEY:
        raise Refused("This is no key of an issue. Type one as PAY-123, or leave it empty for the whole project.")
    with transaction.atomic():
        found = lock_connected(connector)
        if not found.is_active:
            raise Refused(INACTIVE)
        if not compared_projects(found).filter(pk=project.pk).exists():
            raise Refused(f"{project.key} is not in scope here, or neither Align nor an import carries it.")
        subject = f"issue {key}"[:100] if key else f"project {project.pk}"
        made = AgreementRun.objects.create(
            connector=found, kind=AgreementKind.ASKED, project=project, person=actor, started_at=timezone.now()
        )
        params = {"run": made.pk, "issue": key}
        job = runner.start(found, JobKind.AGREEMENT, actor=actor, subject=subject, params=params)
        if job.params.get("run") != made.pk:
            made.delete()
            return AgreementRun.objects.get(pk=job.params["run"])
        made.job = job
        made.save(update_fields=["job"])
        what = key or project.key
        _record("agreement.asked", found, actor, f"project {project.key}", f"Started to compare {what} now.", what=what)
    return made


def link_again(row: ComparedItem, item: int | None, *, actor: Person) -> None:
    """The issue's link, to the item that it had or another one; it is compared at once. Raises Refused."""
    with transaction.atomic():
        found = lock_connected(row.connector)
        own = ComparedItem.objects.locked().select_related("project").get(pk=row.pk)
        if own.outcome != AgreementOutcome.SEVERED:
            raise Refused(f"{own.issue_key} is not severed any more. Load the page again.")
        if not own.project.is_ours:
            raise Refused(
                f"Align’s connector links the items of {own.project.key}: restore the item there, then compare again."
            )
        link = ItemLink.objects.locked().filter(connector=found, jira_id=own.jira_id).first()
        if link is None or item is None or item < 1:
            raise Refused("Type the id of the item in Align that the issue is to be linked to.")
        former, link.align_id = link.align_id, item
        link.level = _level_now(own) or link.level
        link.severed_at, link.severed_why, link.linked_at = None, "", timezone.now()
        try:
            with transaction.atomic():
                link.save(update_fields=["align_id", "level", "severed_at", "severed_why", "linked_at"])
        except IntegrityError as error:
            raise Refused(f"Item {item} stands for another issue already.") from error
        sentence = f"Linked {own.issue_key} to item {item} of Align again."
        _record("agreement.linked", found, actor, f"issue {own.issue_key}", sentence, item=item, former=former)
    compare_now(row.connector, own.project, own.issue_key, actor=actor)


def _level_now(row: ComparedItem) -> str:
    """What the hierarchy makes of the type that the issue was last seen to have; empty where it is not mapped."""
    if row.issue_type_id is None:
        return ""
    types = IssueType.objects.filter(connector=row.connector_id, jira_id=row.issue_type_id)
    name = types.values_list("name", flat=True).first()
    return rules_of(row.connector, row.project).level_of(name) if name else ""


def _record(action: str, connector: Connector, actor: Person, subject: str, sentence: str, **data: object) -> None:
    trail.record(
        AuditRecord(
            action=action,
            actor=actor,
            context=context_of(connector),
            subject=subject,
            sentence=sentence,
            data=dict(data),
        )
    )
