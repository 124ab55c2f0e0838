"""What people do with trials of an item: agree to one, let it go on, say that what was left is gone."""

from __future__ import annotations

import secrets

from django.db import IntegrityError, transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.errors import Refused
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Job, JobKind, Project
from connectors.ports.connected import lock_connected
from mappings.items.importing.rules import why_connector_waits, why_not_written
from mappings.items.importing.trial.journal import trial_record
from mappings.items.importing.trial.queries import levels_of
from mappings.models import OPEN_TRIALS, ItemTrial, ItemTrialState
from mappings.planning.reasons import reason_typed
from mappings.planning.second_person import refuse_no_admin

LACKS_REASON = "Say why: the reason goes into the history with the item that is made for a moment."
NO_CONSENT = "Nothing was tried. Tick that you agree to one item being made and recycled, then try again."
UNDER_WAY = "A trial is under way already. Wait until it has ended, or say what became of its item."


def start(
    connector: Connector, project: Project, level: str, *, reason: str, consents: bool, actor: Person
) -> ItemTrial:
    """Agree to one item. Raises Refused."""
    why = reason_typed(reason, lacks=LACKS_REASON)
    if not consents:
        raise Refused(NO_CONSENT)
    try:
        with transaction.atomic():
            found = lock_connected(connector)
            refuse_no_admin(actor)
            _refuse(found, project)
            if level not in levels_of(found, project):
                raise Refused(f"No issue type of {project.key} becomes such an item, so the import does not need it.")
            mark = secrets.token_hex(4)
            now = timezone.now()
            trial = ItemTrial.objects.create(
                connector=found,
                project=project,
                level=level,
                marker=f"AlignAdmin trial {mark} of {now:%Y-%m-%d}: made for a moment, can be deleted",
                external_key=f"ALIGNADMIN-TRIAL-{mark}",
                author=actor,
                reason=why,
                asked_at=now,
            )
            one = found.terminology.one(level)
            said = f"Agreed that {one} is made and recycled, to see what Jira Align takes of it."
            trail.record(trial_record("item-trial.agreed", trial, said, actor=actor))
            _queue(trial, actor)
    except IntegrityError as error:
        raise Refused(UNDER_WAY) from error
    return trial


def _refuse(connector: Connector, project: Project) -> None:
    if why := why_connector_waits(connector) or why_not_written(project.pk):
        raise Refused(f"{why} Nothing was changed.")


def _queue(trial: ItemTrial, actor: Person) -> None:
    runner.start(trial.connector, JobKind.ITEM_TRIAL, actor=actor, subject=str(trial.pk))


def go_on(trial: ItemTrial, *, actor: Person) -> None:
    """One that stopped goes on, and what was left is tried to be recycled once more. Makes no second item."""
    with transaction.atomic():
        found = _locked(trial)
        refuse_no_admin(actor)
        _refuse(found.connector, found.project)
        if found.state == ItemTrialState.LEFT:
            if ItemTrial.objects.filter(connector=found.connector, state__in=OPEN_TRIALS).exists():
                raise Refused(UNDER_WAY)
            found.state, found.finished_at = ItemTrialState.RECYCLING, None
        elif found.state not in OPEN_TRIALS:
            raise Refused(f"This trial is over already: {found.get_state_display().lower()}.")
        found.error = ""
        found.save(update_fields=["state", "finished_at", "error"])
        trail.record(trial_record("item-trial.resumed", found, "The trial of an item goes on.", actor=actor))
        _queue(found, actor)


def say_gone(trial: ItemTrial, *, actor: Person) -> None:
    """A person has looked: the item is not in Align any more, or never was."""
    with transaction.atomic():
        found = _locked(trial)
        refuse_no_admin(actor)
        if found.state not in (*OPEN_TRIALS, ItemTrialState.LEFT):
            raise Refused(f"This trial is over already: {found.get_state_display().lower()}.")
        found.state, found.finished_at = ItemTrialState.GONE, timezone.now()
        found.save(update_fields=["state", "finished_at"])
        said = f"Said that the item “{found.marker}” is not in Jira Align any more."
        trail.record(trial_record("item-trial.gone", found, said, actor=actor))


def _locked(trial: ItemTrial) -> ItemTrial:
    """Behind the connector's row, and while no worker has it. Raises Refused."""
    connector = lock_connected(trial.connector)
    found = ItemTrial.objects.locked().select_related("project", "author").get(pk=trial.pk)
    found.connector = connector
    jobs = Job.objects.filter(connector=connector, kind=JobKind.ITEM_TRIAL, subject=str(found.pk))
    if jobs.filter(state__in=ACTIVE).exists():
        raise Refused("The trial is under way: wait until it has ended.")
    return found
