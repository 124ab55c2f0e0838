"""What people do with a verification: have one prepared, approve exactly what was shown, stop it, put back again."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.errors import Refused
from connectors.jobs import runner
from connectors.models import ACTIVE, Carried, Connector, Job, JobKind, Project
from connectors.ports.connected import lock_connected
from mappings.items.importing.rules import why_connector_waits
from mappings.items.round_trip.entries import fingerprint_of_writes, trip_record
from mappings.items.round_trip.mapped import fingerprint_of
from mappings.items.round_trip.planning import apply_impossible, hops_of, planned_trip, throw_away_title
from mappings.items.round_trip.preparing import SCOPE, Preparing
from mappings.models import (
    OPEN_TRIALS,
    OPEN_TRIPS,
    ImportRun,
    ImportState,
    ImportUndoing,
    ItemTrial,
    RoundTrip,
    TripHop,
    TripSide,
    TripState,
    TripSubject,
    TripWrite,
    UndoingState,
)
from mappings.planning.second_person import needs_another, refuse_deactivated, refuse_no_admin

NOT_ON_PAGE = "This is not what is on your page. Look at it again before approving."
NOT_TICKED = "Tick that you agree to these changes, then begin."
OWN = "You prepared this verification, and this connector asks for a second person: another admin has to approve it."
BUSY = "Another verification of this connector is under way: wait for its end, or stop it."


def prepare(connector: Connector, typed: str, level: str, *, with_title_back: bool, actor: Person) -> RoundTrip:
    """Of an issue or an item that is there. Nothing is written before it is approved. Raises Refused."""
    refuse_no_admin(actor)
    _refuse_waiting(connector)
    found = Preparing.of(connector, actor=actor).of_typed(typed, level)
    with transaction.atomic():
        trip = _draft(
            connector,
            found.project,
            level=found.level,
            type_name=found.facts.issue.type_name,
            with_title_back=with_title_back,
            actor=actor,
        )
        trip.jira_id, trip.issue_key, trip.align_id = found.facts.issue.id, found.facts.issue.key, found.facts.item.id
        trip.type_id, trip.found = found.facts.issue.type_id, found.facts.found
        planned = planned_trip(trip, found.facts)
        hops = hops_of(trip)
        apply_impossible(hops, planned.impossible)
        return _stored(trip, list(planned.writes), hops)


def prepare_throw_away(connector: Connector, project: Project, *, with_title_back: bool, actor: Person) -> RoundTrip:
    """Of an issue that is made for it and deleted at its end. Raises Refused."""
    refuse_no_admin(actor)
    _refuse_waiting(connector)
    if not project.in_scope or project.vanished_at is not None:
        raise Refused(f"{project.key} {SCOPE}")
    found = Preparing.of(connector, actor=actor).of_new(project)
    with transaction.atomic():
        trip = _draft(
            connector,
            project,
            level=found.level,
            type_name=found.type_name,
            with_title_back=with_title_back,
            actor=actor,
        )
        trip.is_throw_away, trip.type_id = True, found.type_id
        title = throw_away_title(trip)
        made = TripWrite(
            trip=trip, position=0, side=TripSide.JIRA, what=TripSubject.ISSUE, after=title, after_words=title
        )
        return _stored(trip, [made], hops_of(trip))


def _draft(
    connector: Connector, project: Project, *, level: str, type_name: str, with_title_back: bool, actor: Person
) -> RoundTrip:
    """In place of what the same person prepared before and did not approve."""
    found = lock_connected(connector)
    RoundTrip.objects.filter(connector=found, author=actor, state=TripState.DRAFT).delete()
    return RoundTrip.objects.create(
        connector=found,
        project=project,
        author=actor,
        is_carried=project.carried != Carried.NO,
        with_title_back=with_title_back,
        level=level,
        type_name=type_name,
        configured=fingerprint_of(project),
        created_at=timezone.now(),
    )


def _stored(trip: RoundTrip, writes: list[TripWrite], hops: list[TripHop]) -> RoundTrip:
    TripWrite.objects.bulk_create(writes)
    TripHop.objects.bulk_create(hops)
    trip.fingerprint = fingerprint_of_writes(trip, writes)
    trip.save()
    return trip


def approve(trip: RoundTrip, fingerprint: str, *, ticked: bool, actor: Person) -> RoundTrip:
    """Consent to exactly what was looked at, and hand it to the worker. Raises Refused."""
    try:
        with transaction.atomic():
            found = _locked(trip)
            refuse_no_admin(actor)
            if found.state != TripState.DRAFT:
                raise Refused(f"This verification is {found.get_state_display().lower()}, so it cannot begin again.")
            if not fingerprint or fingerprint != found.fingerprint:
                raise Refused(NOT_ON_PAGE)
            if needs_another(found.connector, actor, lambda: [found.author_id]):
                raise Refused(OWN)
            if not ticked:
                raise Refused(NOT_TICKED)
            _refuse_waiting(found.connector)
            _refuse_other(found)
            _refuse_changed(found)
            _refuse_imports(found)
            found.state, found.approver, found.approved_at = TripState.RUNNING, actor, timezone.now()
            found.save(update_fields=["state", "approver", "approved_at"])
            of = found.issue_key or f"a throw-away issue in {found.project.key}"
            said = f"Approved live verification {found.pk} on {of}: it changes both systems and puts back."
            trail.record(trip_record("verification.approved", found, said, actor=actor))
            _queue(found, actor)
    except IntegrityError as error:
        raise Refused(BUSY) from error
    return found


def stop(trip: RoundTrip, *, actor: Person) -> None:
    """Nothing more is waited for, and what was changed is put back."""
    with transaction.atomic():
        found = _locked(trip)
        if found.state == TripState.RETURNING:
            raise Refused("It is putting back what it changed already: wait for its end.")
        if found.state != TripState.RUNNING:
            raise Refused(f"This verification is {found.get_state_display().lower()}, so there is nothing to stop.")
        found.control = "stop"
        found.save(update_fields=["control"])
        said = f"Asked live verification {found.pk} to stop and to put back what it changed."
        trail.record(trip_record("verification.stopping", found, said, actor=actor))


def put_back(trip: RoundTrip, *, actor: Person) -> None:
    """Try again to put back what one has left changed. Raises Refused."""
    try:
        with transaction.atomic():
            found = _locked(trip)
            refuse_no_admin(actor)
            refuse_deactivated(found.connector)
            if found.state != TripState.LEFT:
                raise Refused(
                    f"This verification is {found.get_state_display().lower()}: there is nothing to put back."
                )
            _refuse_waiting(found.connector)
            _refuse_other(found)
            _refuse_imports(found)
            if _jobs(found).exists():
                raise Refused("The work on it is just ending. Press again in a moment.")
            found.state, found.finished_at = TripState.RETURNING, None
            found.save(update_fields=["state", "finished_at"])
            said = f"Puts back once more what live verification {found.pk} has left changed."
            trail.record(trip_record("verification.putting-back", found, said, actor=actor))
            _queue(found, actor)
    except IntegrityError as error:
        raise Refused(BUSY) from error


def leave(trip: RoundTrip, *, actor: Person) -> None:
    """Accept what one has left changed, as it cannot be put back or should not be. Raises Refused."""
    with transaction.atomic():
        found = _locked(trip)
        refuse_no_admin(actor)
        if found.state != TripState.LEFT:
            raise Refused(f"This verification is {found.get_state_display().lower()}: nothing of it is left changed.")
        found.state, found.error = TripState.FAILED, f"What it had changed was left as it is by {actor.name}."
        found.save(update_fields=["state", "error"])
        said = f"Left as it is what live verification {found.pk} could not put back."
        trail.record(trip_record("verification.accepted", found, said, actor=actor, left=_names(found)))


def _names(trip: RoundTrip) -> list[list[str]]:
    return [[each["side"], each["what"]] for each in trip.left]


def discard(trip: RoundTrip, *, actor: Person) -> None:
    """One that was prepared and not approved; nothing was written for it. Raises Refused."""
    with transaction.atomic():
        found = _locked(trip)
        refuse_no_admin(actor)
        if found.state != TripState.DRAFT:
            raise Refused(f"This verification is {found.get_state_display().lower()}, so it stays in the list.")
        found.delete()


# --- what all share ---------------------------------------------------------------------------------------------------


def _refuse_waiting(connector: Connector) -> None:
    if why := why_connector_waits(connector):
        raise Refused(f"{why} Nothing is written meanwhile.")


def _refuse_other(trip: RoundTrip) -> None:
    others = RoundTrip.objects.filter(connector=trip.connector, state__in=OPEN_TRIPS)
    if others.exclude(pk=trip.pk).exists():
        raise Refused(BUSY)


def _refuse_imports(trip: RoundTrip) -> None:
    """Behind the project's row, as theirs: an import would take over what a verification puts back."""
    Project.objects.select_for_update(no_key=True, of=("self",)).get(pk=trip.project_id)
    under_way = {
        "An import": ImportRun.objects.filter(project=trip.project, state=ImportState.RUNNING),
        "A roll back": ImportUndoing.objects.filter(run__project=trip.project, state=UndoingState.RUNNING),
        "A trial of an item": ItemTrial.objects.filter(project=trip.project, state__in=OPEN_TRIALS),
    }
    for what, rows in under_way.items():
        if rows.exists():
            raise Refused(f"{what} of {trip.project.key} is under way: wait for its end, or stop it first.")


def _refuse_changed(trip: RoundTrip) -> None:
    """What was shown must be what is so now: the project, and the mappings that its moves go by."""
    project = Project.objects.select_for_update(no_key=True, of=("self",)).get(pk=trip.project_id)
    if not project.in_scope or project.vanished_at is not None:
        raise Refused(f"{project.key} {SCOPE}")
    if (project.carried != Carried.NO) != trip.is_carried or fingerprint_of(project) != trip.configured:
        raise Refused("The mappings of this project have changed since. Prepare the verification again.")


def _jobs(trip: RoundTrip) -> QuerySet[Job]:
    own = Job.objects.filter(connector=trip.connector, kind=JobKind.ROUND_TRIP, subject=str(trip.pk))
    return own.filter(state__in=ACTIVE)


def _queue(trip: RoundTrip, actor: Person) -> Job:
    return runner.start(trip.connector, JobKind.ROUND_TRIP, actor=actor, subject=str(trip.pk))


def _locked(trip: RoundTrip) -> RoundTrip:
    """Behind the connector's row. Raises Refused for one that was disconnected."""
    connector = lock_connected(trip.connector)
    found = RoundTrip.objects.locked().select_related("project", "author", "approver").filter(pk=trip.pk).first()
    if found is None:
        raise Refused("This verification was discarded meanwhile. Prepare another one.")
    found.connector = connector
    return found
