"""What people do with the roll back of an import: have it planned, approve it, pause it, let it go on, cancel it."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.errors import Refused
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Job, JobKind
from connectors.ports.connected import lock_connected
from mappings.items.importing.rules import why_not_written
from mappings.items.importing.services import NOT_ON_PAGE
from mappings.items.importing.undoing.entries import undo_record
from mappings.items.importing.undoing.job import subject_of
from mappings.models import (
    OPEN_IMPORTS,
    OPEN_UNDOINGS,
    ImportRun,
    ImportState,
    ImportUndoing,
    UndoingState,
    UndoLineState,
)
from mappings.planning.reasons import reason_typed, ticket_typed
from mappings.planning.second_person import needs_another, refuse_deactivated, refuse_no_admin

LACKS_REASON = "Say why: the reason goes into the history with everything that this roll back recycles."
OWN = "You planned this roll back, and this connector asks for a second person: another admin has to approve it."
UNDER_WAY = (ImportState.RUNNING, ImportState.PAUSED)


def start(run: ImportRun, *, reason: str, ticket: str = "", actor: Person) -> ImportUndoing:
    """Have it planned. Raises Refused."""
    why = reason_typed(reason, lacks=LACKS_REASON)
    try:
        with transaction.atomic():
            connector = lock_connected(run.connector)
            because = ticket_typed(connector, ticket)
            refuse_deactivated(connector)
            found = ImportRun.objects.locked().select_related("project", "connector").get(pk=run.pk)
            if found.state not in (ImportState.FINISHED, ImportState.CANCELLED):
                raise Refused(f"This import is {found.get_state_display().lower()}: roll it back once it is over.")
            _refuse_project(found)
            undoing = ImportUndoing.objects.create(
                run=found, author=actor, reason=why, ticket=because, created_at=timezone.now()
            )
            said = f"Started to plan the roll back of import {found.pk}."
            trail.record(undo_record("import-undo.planning", undoing, said, actor=actor))
            _queue(undoing, actor)
    except IntegrityError as error:
        raise Refused("A roll back of this import is open already: finish or cancel it first.") from error
    return undoing


def approve(undoing: ImportUndoing, fingerprint: str, *, ticked: bool, actor: Person) -> None:
    """Approve exactly what was looked at, and hand it to the worker. Raises Refused."""
    with transaction.atomic():
        found, connector = _locked(undoing)
        refuse_no_admin(actor)
        refuse_deactivated(connector)
        if found.state != UndoingState.DRAFT:
            raise Refused(f"This roll back is {found.get_state_display().lower()}, so it cannot be approved.")
        if fingerprint != found.fingerprint:
            raise Refused(NOT_ON_PAGE)
        if needs_another(connector, actor, lambda: [found.author_id]):
            raise Refused(OWN)
        if not ticked:
            raise Refused("Tick that these items go into Jira Align’s recycle bin, then approve.")
        _refuse_project(found.run)
        _refuse_others(found, connector)
        found.state, found.approver, found.approved_at = UndoingState.RUNNING, actor, timezone.now()
        found.save(update_fields=["state", "approver", "approved_at"])
        said = f"Approved the roll back of import {found.run_id}, which is carried out from now on."
        trail.record(undo_record("import-undo.approved", found, said, actor=actor))
        _queue(found, actor)


def pause(undoing: ImportUndoing, *, actor: Person) -> None:
    """What is on its way is waited for; nothing more leaves."""
    with transaction.atomic():
        found, _ = _locked(undoing)
        if found.state != UndoingState.RUNNING:
            raise Refused(f"This roll back is {found.get_state_display().lower()}, so there is nothing to pause.")
        found.control = "pause"
        found.save(update_fields=["control"])
        said = f"Asked the roll back of import {found.run_id} to pause."
        trail.record(undo_record("import-undo.pausing", found, said, actor=actor))


def resume(undoing: ImportUndoing, *, actor: Person) -> None:
    with transaction.atomic():
        found, connector = _locked(undoing)
        refuse_no_admin(actor)
        refuse_deactivated(connector)
        if found.state != UndoingState.PAUSED:
            raise Refused(f"This roll back is {found.get_state_display().lower()}, so it cannot go on.")
        _refuse_project(found.run)
        _refuse_others(found, connector)
        jobs = Job.objects.filter(connector=connector, kind=JobKind.IMPORT, subject=subject_of(found))
        if jobs.filter(state__in=ACTIVE).exists():
            raise Refused("The work on it is just ending. Press again in a moment.")
        found.state, found.control, found.error = UndoingState.RUNNING, "", ""
        found.save(update_fields=["state", "control", "error"])
        said = f"The roll back of import {found.run_id} goes on."
        trail.record(undo_record("import-undo.resumed", found, said, actor=actor))
        _queue(found, actor)


def cancel(undoing: ImportUndoing, *, actor: Person) -> None:
    """What was recycled stays so. A running one is ended by its worker."""
    with transaction.atomic():
        found, _ = _locked(undoing)
        if found.state not in OPEN_UNDOINGS:
            raise Refused(f"This roll back is {found.get_state_display().lower()} already.")
        if found.state == UndoingState.RUNNING:
            found.control = "cancel"
            found.save(update_fields=["control"])
        else:
            found.lines.filter(state=UndoLineState.PLANNED).update(state=UndoLineState.CANCELLED)
            found.state, found.finished_at = UndoingState.CANCELLED, timezone.now()
            found.save(update_fields=["state", "finished_at"])
        said = f"Cancelled the roll back of import {found.run_id}."
        trail.record(undo_record("import-undo.cancelled", found, said, actor=actor))


def _refuse_project(run: ImportRun) -> None:
    if why := why_not_written(run.project_id):
        raise Refused(f"{why} Nothing was changed.")


def _refuse_others(undoing: ImportUndoing, connector: Connector) -> None:
    """Behind the connector's row: what an import links meanwhile would be taken from under it."""
    runs = ImportRun.objects.filter(connector=connector)
    if other := runs.filter(state__in=UNDER_WAY).select_related("project").first():
        raise Refused(f"Import {other.pk} of {other.project.key} is not over yet: wait for it, or cancel it first.")
    if draft := runs.filter(state__in=OPEN_IMPORTS, project=undoing.run.project_id).first():
        raise Refused(f"Import {draft.pk} of this project is open and goes by what is there now: cancel it first.")


def _queue(undoing: ImportUndoing, actor: Person) -> Job:
    return runner.start(undoing.run.connector, JobKind.IMPORT, actor=actor, subject=subject_of(undoing))


def _locked(undoing: ImportUndoing) -> tuple[ImportUndoing, Connector]:
    """Behind the connector's row. Raises Refused for one that was disconnected."""
    connector = lock_connected(undoing.run.connector)
    rows = ImportUndoing.objects.locked().select_related("run__project", "run__connector", "author", "approver")
    return rows.get(pk=undoing.pk), connector
