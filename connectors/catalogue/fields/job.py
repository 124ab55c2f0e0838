"""The job that reads the fields of both systems: when somebody asks for it, and from then on once a day.

Of one system that does not answer, the other is read all the same; what was read before stays where nothing is told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import due_work
from alignadmin.errors import Refused, SealError
from alignadmin.http.errors import RemoteError
from connectors.catalogue.fields.align_fields import read_align_fields
from connectors.catalogue.fields.jira_fields import MOST_PROJECTS, read_jira_screens, told_of_jira
from connectors.catalogue.fields.storing import Told, store_failure, store_fields
from connectors.catalogue.fields.told import ToldFields
from connectors.catalogue.findings import SiteReading
from connectors.credentials import clients
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, FieldReading, Job, JobKind, System, WorkItemType

EVERY = timedelta(days=1)
STEPS = len(WorkItemType) + 1 + MOST_PROJECTS  # of progress: types of Align, Jira's list, projects


def read_fields_now(connector: Connector, *, actor: Person) -> Job:
    """What somebody asks for. Raises Refused."""
    if not connector.is_active:
        raise Refused("The connector is deactivated, so nothing is asked of either system. Activate it first.")
    if connector.catalogue_at is None:
        raise Refused("Projects and issue types were not read yet, and fields are read of these. Refresh them first.")
    return runner.start(connector, JobKind.FIELDS, actor=actor)


@runner.handler(JobKind.FIELDS)
def read_fields(run: runner.Run) -> None:
    """1. Align's, type by type. 2. Jira's list, and the screens of some projects. Fails where neither was read."""
    failed = [
        sentence
        for system, read in ((System.ALIGN, _read_align), (System.JIRA, _read_jira))
        if (sentence := _try(run, system, read))
    ]
    if len(failed) == len(System):
        raise runner.JobFailed(" ".join(dict.fromkeys(failed)))


def _try(run: runner.Run, system: System, read: Callable[[runner.Run], Told]) -> str:
    """Empty, or why the system was not read, which is kept beside what was known of it."""
    began_at = timezone.now()
    try:
        told = read(run)
    except (RemoteError, SealError) as error:
        sentence = error.sentence if isinstance(error, RemoteError) else str(error)
        store_failure(run.connector, system, began_at, sentence)
        return sentence
    store_fields(SiteReading(connector=run.connector, began_at=began_at, actor=run.actor), system, told)
    return ""


def _read_align(run: runner.Run) -> Told:
    # Whether a token may see these objects says nothing of what the connector needs it for.
    align = clients.align_client(run.connector, job=run.job, on_wait=run.waits_for, notes_forbidden=False)
    told: dict[WorkItemType, ToldFields | str] = {}
    for done, type_ in enumerate(WorkItemType):
        run.progress(f"fields of {run.connector.terminology.items(type_)} in Align", done=done, total=STEPS)
        told[type_] = read_align_fields(align.objects, type_)
    return told


def _read_jira(run: runner.Run) -> Told:
    jira = clients.jira_client(run.connector, job=run.job, on_wait=run.waits_for)
    before = len(WorkItemType) + 1
    run.progress("fields in Jira", done=before - 1, total=STEPS)
    listed = jira.fields()
    screens = read_jira_screens(jira, run.connector, lambda what, done: run.progress(what, done=before + done))
    jira.myself()  # a token that died meanwhile has made us anonymous, and what was answered less
    return {type_: told_of_jira(listed, screens, type_) for type_ in WorkItemType}


# --- by the clock -----------------------------------------------------------------------------------------------------


@due_work
def start_due_field_readings() -> int:
    """Of connectors whose fields somebody has asked for once; of several workers one starts each."""
    now = timezone.now()
    return sum(_start(connector, now) for connector in _due(now))


def _due(now: datetime) -> QuerySet[Connector]:
    """One that was tried in the future is due, too: the clock went back."""
    mine = FieldReading.objects.filter(connector=OuterRef("pk"))
    busy = Job.objects.filter(connector=OuterRef("pk"), kind__in=(JobKind.FIELDS, JobKind.REFRESH), state__in=ACTIVE)
    lately = mine.filter(tried_at__gt=now - EVERY, tried_at__lte=now + EVERY)
    ready = Connector.objects.filter(is_active=True, catalogue_at__isnull=False, maintenance_since=None)
    return ready.filter(Exists(mine), ~Exists(lately), ~Exists(busy)).order_by("pk")


def _start(connector: Connector, now: datetime) -> bool:
    """Behind the connector's row, so that two workers queue one job."""
    with transaction.atomic():
        Connector.objects.locked().get(pk=connector.pk)
        if not _due(now).filter(pk=connector.pk).exists():
            return False
        runner.start(connector, JobKind.FIELDS, actor=None)
    return True
