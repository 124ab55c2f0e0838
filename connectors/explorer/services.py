"""Running a query, stopping it, opening the explorer to editors, and the end of rows that were kept long enough."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work
from alignadmin.errors import Refused
from connectors.align.query import AlignQuery
from connectors.explorer.preferences import QUERY_ROWS_KEPT
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Job, JobKind, JobState, QueryPage, QueryRun
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected

USUAL = 1000  # rows, unless more are asked for
MOST = 100_000
MOST_AT_WORK = 3  # runs of one person
RUNS_KEPT = timedelta(days=30)  # the queries of one's own, without their rows


def limited(query: AlignQuery) -> AlignQuery:
    """As it is run: with 1,000 rows unless it says another number. Raises Refused."""
    if query.most is None:
        return query.top(USUAL)
    if query.most > MOST:
        raise Refused(f"A run reads {MOST:,} rows at most. Ask for fewer, or narrow the query.")
    if query.most == 0:
        raise Refused("$top=0 asks for no rows. Ask for one at least.")
    return query


# -- running ----------------------------------------------------------------------------------------------------------


def run(connector: Connector, query: AlignQuery, *, actor: Person, uuid: UUID | None = None) -> QueryRun:
    """Queue it. `uuid` is the form's own: what is sent twice runs once. Raises Refused, QueryRefused among them."""
    text = limited(query).text()
    with transaction.atomic():
        Person.objects.locked().get(pk=actor.pk)  # two clicks at once would pass the count together
        if uuid is not None and (known := QueryRun.objects.filter(uuid=uuid).first()):
            if (known.person_id, known.connector_id, known.query) != (actor.pk, connector.pk, text):
                raise Refused("This form was already sent with another query. Open the explorer again.")
            return known
        if not connector.is_active:
            raise Refused("This connector is deactivated, so nothing is read. An admin can activate it.")
        if QueryRun.objects.filter(person=actor, job__state__in=ACTIVE).count() >= MOST_AT_WORK:
            raise Refused(f"{MOST_AT_WORK} queries of yours are still running. Wait until one has ended, or stop one.")
        uuid = uuid or uuid4()
        return QueryRun.objects.create(
            uuid=uuid,
            connector=connector,
            job=runner.start(connector, JobKind.QUERY, actor=actor, subject=str(uuid)),
            person=actor,
            query=text,
            created_at=timezone.now(),
        )


def of(person: Person, connector: Connector) -> list[QueryRun]:
    """One's own runs, the newest first."""
    own = QueryRun.objects.filter(person=person, connector=connector).select_related("job")
    return list(own.order_by("-id")[:20])


def stop(found: QueryRun, *, actor: Person) -> None:
    """At its next page; what it has read by then stays. One that has ended is no trouble.

    Raises Refused for a run of somebody else.
    """
    if found.person_id != actor.pk:
        raise Refused("Only whoever started a query can stop it.")
    QueryRun.objects.filter(pk=found.pk, stopped_at=None, job__state__in=ACTIVE).update(stopped_at=timezone.now())


# -- who may use it ---------------------------------------------------------------------------------------------------


def open_to_editors(connector: Connector, is_open: bool, *, actor: Person) -> None:
    """An act with its entry; nothing where it is so already."""
    with transaction.atomic():
        found = lock_connected(connector)
        if found.explorer_for_editors == is_open:
            return
        found.explorer_for_editors = is_open
        found.save(update_fields=["explorer_for_editors"])
        done = "Opened the explorer of {} to editors" if is_open else "Closed the explorer of {} to editors"
        trail.record(
            AuditRecord(
                action="explorer.opened" if is_open else "explorer.closed",
                actor=actor,
                context=context_of(found),
                subject=f"connector {found.slug}",
                sentence=f"{done.format(found)}: it shows what the connector's token may see.",
            )
        )


# -- keeping ----------------------------------------------------------------------------------------------------------


def kept_until(found: QueryRun) -> datetime | None:
    """None while it runs."""
    ended = found.job.finished_at
    return ended + timedelta(seconds=QUERY_ROWS_KEPT.value()) if ended else None


def has_expired(found: QueryRun) -> bool:
    """Also where its rows are deleted already: a longer time that is set later brings none of them back."""
    until = kept_until(found)
    if until is None:
        return False
    return until <= timezone.now() or (found.rows > 0 and not found.pages.exists())


@due_work
def remove_expired_rows() -> int:
    """Rows once the time for them (QUERY_ROWS_KEPT) is over; the run itself, its query and its count, after a month."""
    now = timezone.now()
    oldest = now - timedelta(seconds=QUERY_ROWS_KEPT.value())
    runs = QueryPage.objects.filter(run__job__finished_at__lte=oldest).values_list("run", flat=True).distinct()[:20]
    removed, _ = QueryPage.objects.filter(run__in=list(runs)).delete() if runs else (0, {})
    old = Job.objects.filter(kind=JobKind.QUERY, created_at__lte=now - RUNS_KEPT)
    jobs = old.filter(state__in=[JobState.DONE, JobState.FAILED]).values_list("pk", flat=True)[:100]
    if keys := list(jobs):
        Job.objects.filter(pk__in=keys).delete()
    return removed + len(keys)
