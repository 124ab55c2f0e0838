"""Handing a connector over to the one that was made anew in Align: another number there, the same connector here.

Its history, rules, type choices and wanted values stay. What is left behind are the records: plans that name them end,
and all lists are read anew. The former number stays the connector's own wherever a line of Align's log states it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.due_work import wake
from alignadmin.errors import Refused, SealError
from alignadmin.http.auth import BadToken
from alignadmin.http.errors import NotFound, RemoteError
from alignadmin.search import writing
from connectors.align.client import AlignClient
from connectors.align.resources import ConnectorProject
from connectors.catalogue import reported
from connectors.credentials import clients, usage
from connectors.history.mirror import remaking
from connectors.models import (
    AuditSource,
    Carried,
    ConnectionCheck,
    Connector,
    Job,
    JobKind,
    JobState,
    Project,
    System,
)
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from connectors.ports.extensions import PlanLink, extensions
from connectors.ports.reasons import plain_reason
from connectors.setup import services
from connectors.setup.align_numbers import refuse_taken, why_taken
from connectors.setup.search_names import CONNECTORS
from connectors.setup.writing_tests import has_written, is_to_write

HANDED_OVER = "connector.handed_over"
# What a job of these kinds has read or begun is of the former connector.
READING = (
    JobKind.REFRESH,
    JobKind.LISTS,
    JobKind.OBSERVE,
    JobKind.APPLY,
    JobKind.PLAN_REFRESH,
    JobKind.INTAKE,
    JobKind.PROBE,
    JobKind.WATCH,
    JobKind.CONTRACT,
)


@dataclass(frozen=True, kw_only=True)
class HandOverPreview:
    """What a hand-over to this connector of Align would do, as Align and the tables say now."""

    number: int
    name: str  # in Align
    kept: Sequence[str]  # keys of our projects that it has
    lacking: Sequence[str]  # and of those that it has not
    taken: Sequence[str]  # keys of projects that are ours here and that it has
    plans: Sequence[PlanLink]


def look(connector: Connector, number: int, *, actor: Person) -> HandOverPreview:
    """Ask Align for the new connector, with the stored token; changes nothing. Raises Refused."""
    _refuse_number(connector, number)
    _refuse_busy(connector)
    name, there = _asked(connector, number, actor)
    keys = {each.project_key for each in there}
    ids = {each.project_id for each in there}
    kept: list[str] = []
    lacking: list[str] = []
    for project in Project.objects.filter(connector=connector, carried=Carried.YES, vanished_at=None).order_by("key"):
        has = project.key in keys or project.wire_key in keys or project.jira_id in ids
        (kept if has else lacking).append(project.key)
    mine = Project.objects.filter(connector=connector, ours_at__isnull=False).order_by("key")
    taken = [project.key for project in mine if project.key in keys or project.jira_id in ids]
    return HandOverPreview(
        number=number,
        name=name,
        kept=kept,
        lacking=lacking,
        taken=taken,
        plans=extensions().ended_by_hand_over(connector),
    )


def hand_over(connector: Connector, number: int, *, former: int, reason: str, actor: Person) -> Connector:
    """Give the connector its new number in Align. Raises Refused; then nothing was changed.

    1. Align is asked once more, before the transaction. 2. Plans end and the ids of records are forgotten, while the
    connector still has the number that their entries are told with. 3. The number changes, and everything is due to be
    read. `former` is the number that the person saw.
    """
    plain = plain_reason(reason)
    preview = look(connector, number, actor=actor)
    try:
        with transaction.atomic():
            found = lock_connected(connector)
            if found.align_connector_id != former:
                raise Refused(_overtaken(found, former))
            _refuse_number(found, number)
            _refuse_busy(found)
            plans = extensions().hand_over(found, number, actor)
            _take_number(found, number)
            refuse_taken(found)
            _doubt_what_is_carried(found, preview.taken)
            _read_anew(found, actor)
            _record(found, former, preview, plans, plain, actor)
    except IntegrityError as error:
        raise Refused(why_taken(connector.align_site, number, by_other_than=connector.pk)) from error
    wake()
    return found


def _overtaken(connector: Connector, former: int) -> str:
    return (
        f"Somebody handed {connector.name} over meanwhile: it is connector {connector.align_connector_id} now, not "
        f"{former} any more. Nothing more was changed."
    )


# --- what stands against it -------------------------------------------------------------------------------------------


def _refuse_number(connector: Connector, number: int) -> None:
    if not services.is_in_use(connector):
        raise Refused("Nothing was read of this connector yet: change its number on its edit page.")
    if number == connector.align_connector_id:
        raise Refused(f"{connector.name} is connector {number} of Jira Align already.")
    if number in connector.numbers:
        raise Refused(
            f"{connector.name} was connector {number} before. Jira Align gives no number twice: look at the address of "
            "the connector there, and enter its new number."
        )
    if taken := why_taken(connector.align_site, number, by_other_than=connector.pk):
        raise Refused(taken)


def _refuse_busy(connector: Connector) -> None:
    """While something is read or written by the former number, nobody could say whose records that is."""
    if why := extensions().why_no_hand_over(connector):
        raise Refused(why)
    if has_written(connector):
        raise Refused(
            f"The probe of a pending credential has written to connector {connector.align_connector_id} and is not "
            "over: probe it again, or discard that credential on its page, then hand over."
        )
    # What somebody agreed to have written there was agreed for the former connector.
    if is_to_write(connector):
        raise Refused(
            f"A test that writes one mapping to connector {connector.align_connector_id} and deletes it again is not "
            "over yet. Wait until it has ended, then hand over."
        )
    # A reading of the site's lists is done for all of its connectors.
    mine = Q(connector=connector) | Q(connector__align_site=connector.align_site, kind=JobKind.LISTS)
    running = Job.objects.filter(mine, kind__in=READING, state=JobState.RUNNING).order_by("pk").first()
    if running is not None:
        raise Refused(
            f"AlignAdmin is busy with this connector just now ({JobKind(running.kind).label}). Try again in a moment."
        )


def _asked(connector: Connector, number: int, actor: Person) -> tuple[str, Sequence[ConnectorProject]]:
    """The name and the projects of another connector of the same site."""
    try:
        credential = clients.current_credential(connector, System.ALIGN)
        clients.refuse_locked_out(credential)
        usage.record_connection_test(credential, actor=actor)
        with clients.stored_connection_test_remote(credential) as remote:
            client = AlignClient(remote, number)
            return client.connector().name, client.projects()
    except NotFound as error:
        raise Refused(
            f"Jira Align has no connector {number}, or this token does not see it. Nothing was changed: look at the "
            "number in the connector's address in Jira Align."
        ) from error
    except (RemoteError, BadToken, SealError) as error:
        sentence = error.sentence if isinstance(error, RemoteError) else str(error)
        raise Refused(f"Connector {number} could not be looked at, so nothing was changed. {sentence}") from error


# --- doing it ---------------------------------------------------------------------------------------------------------


def _take_number(connector: Connector, number: int) -> None:
    """With it everything that is known of answers of the former one ends, and all of it is due."""
    now = timezone.now()
    connector.former_numbers = [*connector.former_numbers, [connector.align_connector_id, now.isoformat()]]
    values = {
        "align_connector_id": number,
        "audit_source": AuditSource.UNTRIED,
        "audit_failures": 0,
        "audit_problem": "",
        "audit_due_at": now,
        "align_lists_due_at": now,
        "align_lists_error": "",
        **reported.UNTOLD,
        "observe_due_at": now if connector.observe_every else connector.observe_due_at,
    }
    for name, value in values.items():
        setattr(connector, name, value)
    connector.save(update_fields=["former_numbers", *values])
    writing.write(CONNECTORS, [connector.pk])
    Project.objects.filter(connector=connector).update(align_id=None)  # of its records in the former connector
    ConnectionCheck.objects.filter(connector=connector, system=System.ALIGN).delete()  # likewise


def _doubt_what_is_carried(connector: Connector, taken: Sequence[str]) -> None:
    """That a project is not carried was said by the former connector: until the new one's list is read nobody knows,
    which counts as carried. Those `taken` are in its list, and so not ours from now on; the entry names them.
    """
    projects = Project.objects.filter(connector=connector, carried=Carried.NO)
    projects.filter(key__in=taken, ours_at__isnull=False).update(
        ours_at=None, ours_by=None, ours_reason="", carried=Carried.UNKNOWN
    )
    projects.filter(ours_at=None).update(carried=Carried.UNKNOWN)


def _read_anew(connector: Connector, actor: Person) -> None:
    """The catalogue and then the lists; in maintenance, and while it is deactivated, these wait for its end."""
    if connector.is_active:
        queued = Job.objects.filter(connector=connector, kind=JobKind.REFRESH, state=JobState.QUEUED)
        if not connector.maintenance_since:
            queued.update(params={"then": JobKind.OBSERVE})
        services.start_refresh(connector, actor=actor)
    # A line without a number that is newer than this moment counts under the new one from now on.
    lock_head()
    remaking.remake(connector, None, since=connector.anew_at)


def _record(
    connector: Connector, former: int, preview: HandOverPreview, plans: Sequence[int], reason: str, actor: Person
) -> None:
    number = connector.align_connector_id
    ended = f" Ended plans: {', '.join(map(str, plans))}." if plans else ""
    lacking = f" Not in the new connector: {', '.join(preview.lacking)}." if preview.lacking else ""
    if preview.taken:
        lacking += f" Not ours any more, as it has them: {', '.join(preview.taken)}."
    trail.record(
        AuditRecord(
            action=HANDED_OVER,
            actor=actor,
            context=context_of(connector),
            subject=f"connector {connector.slug}",
            sentence=(
                f"Handed {connector.name} over from connector {former} to {number}, which was made anew in Jira Align. "
                f"Every list is read anew.{lacking}{ended}"
            ),
            data={"former": former, "number": number, "lacking": list(preview.lacking), "plans": list(plans)},
            reason=reason,
        )
    )
