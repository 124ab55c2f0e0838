"""What people do with an import: have it planned, approve it, pause it, go on, cancel it, retry, choose an item."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.errors import Refused
from alignadmin.search import writing
from alignadmin.text import counted
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Job, JobKind, Project
from connectors.ports.connected import lock_connected
from mappings.items.importing.entries import import_record
from mappings.items.importing.journal import MADE, LineOvertaken, link_item
from mappings.items.importing.rules import why_not_written
from mappings.items.importing.search_names import IMPORTS
from mappings.items.prediction.asked import configured_import
from mappings.models import (
    OPEN_IMPORTS,
    ImportLine,
    ImportLineState,
    ImportRun,
    ImportState,
    ImportUndoing,
    ItemLink,
    UndoingState,
)
from mappings.planning.reasons import reason_typed, ticket_typed
from mappings.planning.second_person import needs_another, refuse_deactivated, refuse_no_admin

LACKS_REASON = "Say why: the reason goes into the history with everything that this import sends."
OWN_IMPORT = "You planned this import, and this connector asks for a second person: another admin has to approve it."
NOT_ON_PAGE = "This is not what is on your page. Look at it again before approving."


def start(connector: Connector, project: Project, *, reason: str, ticket: str = "", actor: Person) -> ImportRun:
    """Have one planned. Raises Refused."""
    why = reason_typed(reason, lacks=LACKS_REASON)
    try:
        with transaction.atomic():
            found = lock_connected(connector)
            because = ticket_typed(found, ticket)
            refuse_deactivated(found)
            _refuse_project(project)
            run = ImportRun.objects.create(
                connector=found, project=project, author=actor, reason=why, ticket=because, created_at=timezone.now()
            )
            sentence = f"Started to plan the import of {project.key}."
            trail.record(import_record("import.planning", run, sentence, actor=actor))
            _queue(run, actor)
            writing.write(IMPORTS, [run.pk])
    except IntegrityError as error:
        raise Refused(f"An import of {project.key} is open already: finish or cancel it first.") from error
    return run


def _queue(run: ImportRun, actor: Person) -> Job:
    return runner.start(run.connector, JobKind.IMPORT, actor=actor, subject=str(run.pk))


def _refuse_project(project: Project) -> None:
    if why := why_not_written(project.pk):
        raise Refused(f"{why} Nothing was changed.")


def approve(run: ImportRun, fingerprint: str, *, ticked: bool, actor: Person) -> ImportRun:
    """Approve exactly what was looked at, and hand it to the worker. Raises Refused."""
    with transaction.atomic():
        found = _locked(run)
        refuse_no_admin(actor)
        refuse_deactivated(found.connector)
        if found.state != ImportState.DRAFT:
            raise Refused(f"This import is {found.get_state_display().lower()}, so it cannot be approved.")
        if fingerprint != found.fingerprint:
            raise Refused(NOT_ON_PAGE)
        if needs_another(found.connector, actor, lambda: [found.author_id]):
            raise Refused(OWN_IMPORT)
        if found.warnings and not ticked:
            raise Refused("Tick that you have read the warnings, then approve.")
        _refuse_project(found.project)
        _refuse_another(found)
        if found.configured != configured_import(found.connector, found.project).fingerprint:
            raise Refused("Scope, hierarchy, fields or mappings have changed since it was planned. Plan another one.")
        found.state, found.approver, found.approved_at = ImportState.RUNNING, actor, timezone.now()
        found.save(update_fields=["state", "approver", "approved_at"])
        sentence = f"Approved import {found.pk} of {found.project.key}, which is sent from now on."
        trail.record(import_record("import.approved", found, sentence, actor=actor))
        _queue(found, actor)
    return found


def _refuse_another(run: ImportRun) -> None:
    """Behind the connector's row: what is looked for without an answer is then looked for by one alone."""
    others = ImportRun.objects.filter(connector=run.connector, state__in=[ImportState.RUNNING, ImportState.PAUSED])
    if other := others.exclude(pk=run.pk).select_related("project").first():
        raise Refused(f"Import {other.pk} of {other.project.key} is not over yet: wait for it, or cancel it first.")
    undone = ImportUndoing.objects.filter(
        run__connector=run.connector, state__in=[UndoingState.RUNNING, UndoingState.PAUSED]
    )
    if undoing := undone.first():
        raise Refused(f"The roll back of import {undoing.run_id} is not over yet: wait for it, or cancel it first.")


def pause(run: ImportRun, *, actor: Person) -> None:
    """What is on its way is waited for; nothing more leaves."""
    with transaction.atomic():
        found = _locked(run)
        if found.state != ImportState.RUNNING:
            raise Refused(f"This import is {found.get_state_display().lower()}, so there is nothing to pause.")
        found.control = "pause"
        found.save(update_fields=["control"])
        trail.record(import_record("import.pausing", found, f"Asked import {found.pk} to pause.", actor=actor))


def resume(run: ImportRun, *, actor: Person) -> None:
    with transaction.atomic():
        found = _locked(run)
        refuse_no_admin(actor)
        refuse_deactivated(found.connector)
        if found.state != ImportState.PAUSED:
            raise Refused(f"This import is {found.get_state_display().lower()}, so it cannot go on.")
        _refuse_project(found.project)
        _refuse_another(found)
        _refuse_ending(found)
        found.state, found.control, found.error = ImportState.RUNNING, "", ""
        found.save(update_fields=["state", "control", "error"])
        trail.record(import_record("import.resumed", found, f"Import {found.pk} goes on.", actor=actor))
        _queue(found, actor)


def _refuse_ending(run: ImportRun) -> None:
    if Job.objects.filter(connector=run.connector, kind=JobKind.IMPORT, subject=str(run.pk), state__in=ACTIVE).exists():
        raise Refused("The work on it is just ending. Press again in a moment.")


def cancel(run: ImportRun, *, actor: Person) -> None:
    """What was sent stays; what was not is sent no more. A running one is ended by its worker."""
    with transaction.atomic():
        found = _locked(run)
        if found.state not in OPEN_IMPORTS:
            raise Refused(f"This import is {found.get_state_display().lower()} already.")
        if found.state == ImportState.RUNNING:
            found.control = "cancel"
            found.save(update_fields=["control"])
        else:
            found.lines.filter(state=ImportLineState.PLANNED).update(state=ImportLineState.CANCELLED)
            found.state, found.finished_at = ImportState.CANCELLED, timezone.now()
            found.save(update_fields=["state", "finished_at"])
        trail.record(import_record("import.cancelled", found, f"Cancelled import {found.pk}.", actor=actor))


def retry(run: ImportRun, *, actor: Person) -> int:
    """Send again what failed; the number of lines."""
    with transaction.atomic():
        found = _locked(run)
        refuse_no_admin(actor)
        refuse_deactivated(found.connector)
        if found.state not in (ImportState.FINISHED, ImportState.PAUSED):
            raise Refused(f"This import is {found.get_state_display().lower()}: retry what failed once it is over.")
        _refuse_project(found.project)
        _refuse_another(found)
        _refuse_ending(found)
        failed = found.lines.filter(state=ImportLineState.FAILED)
        number = failed.update(state=ImportLineState.PLANNED, sends=0)
        if not number:
            raise Refused("No line of this import has failed.")
        found.state, found.control, found.error, found.finished_at = ImportState.RUNNING, "", "", None
        try:
            with transaction.atomic():
                found.save(update_fields=["state", "control", "error", "finished_at"])
        except IntegrityError as error:
            raise Refused("Another import of this project is open: finish or cancel it first.") from error
        sentence = f"Retries {counted(number, 'line')} of import {found.pk}."
        trail.record(import_record("import.retried", found, sentence, actor=actor, lines=number))
        _queue(found, actor)
    return number


def choose(line: ImportLine, align_id: int | None, *, actor: Person) -> None:
    """Which of several items is the one whose answer was lost; None: none of them, so it is sent once more."""
    with transaction.atomic():
        run = _locked(line.run)
        found = ImportLine.objects.locked().get(pk=line.pk)
        refuse_no_admin(actor)
        if found.state != ImportLineState.WAITING:
            raise Refused(f"{found.issue_key} does not wait for a choice any more.")
        if align_id is not None and align_id not in found.candidates:
            raise Refused("This item is none of those that were found. Load the page again.")
        if ItemLink.objects.filter(connector=run.connector, jira_id=found.jira_id, align_id__isnull=False).exists():
            raise Refused(f"Another import has found the item of {found.issue_key} since. Load the page again.")
        try:
            _settle(found, align_id, timezone.now())
        except LineOvertaken as overtaken:
            raise Refused(str(overtaken)) from overtaken
        chose = f"item {align_id}" if align_id is not None else "none of the items, so it is created again"
        sentence = f"Chose {chose} for {found.issue_key} of import {run.pk}."
        trail.record(import_record("import.chosen", run, sentence, actor=actor, issue=found.issue_key, item=align_id))


def _settle(line: ImportLine, align_id: int | None, now: datetime) -> None:
    """A line that is to be sent again is so by the next go, or by a retry where the import is over."""
    if align_id is not None:
        link_item(line, align_id, now)
        line.state, line.align_id, line.answered_at, line.detail = ImportLineState.DONE, align_id, now, ""
        if line.later:
            is_open = line.run.state in (ImportState.RUNNING, ImportState.PAUSED)
            line.state = ImportLineState.PLANNED if is_open else ImportLineState.FAILED
            line.detail = MADE if is_open else f"{MADE} Retry what failed."
    elif line.run.state in (ImportState.RUNNING, ImportState.PAUSED):
        line.state, line.detail = ImportLineState.PLANNED, ""
    else:
        line.state, line.detail = ImportLineState.FAILED, "None of the items that were found is it."
    line.candidates, line.sends = [], 0
    line.save(update_fields=["state", "align_id", "answered_at", "detail", "candidates", "sends"])


def _locked(run: ImportRun) -> ImportRun:
    """Behind the connector's row. Raises Refused for one that was disconnected."""
    connector = lock_connected(run.connector)
    found = ImportRun.objects.locked().select_related("project", "author", "approver").get(pk=run.pk)
    found.connector = connector
    return found
