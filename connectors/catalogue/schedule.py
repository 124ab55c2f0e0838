"""What happens by the clock: the cheap lists of each site are read every few minutes, its projects in rotation.

A site is read once for all connectors that share it; the first of them has the job. One that is busy stays due.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import due_work
from connectors.catalogue import sites
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Job, JobKind, Project, System, in_scope_here

DUE = {System.JIRA: "jira_lists_due_at", System.ALIGN: "align_lists_due_at"}
PROJECTS_DUE = "projects_due_at"


def read_now(connector: Connector, projects: QuerySet[Project], *, actor: Person, interactive: bool) -> None:
    """What somebody asks for: the lists of both systems, and these projects' own statuses, as many as a share holds."""
    oldest = projects.filter(in_scope_here(), connector=connector)
    keys = oldest.order_by(F("read_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[: sites.share()]
    params = {"lists": True, "projects": list(keys), "interactive": interactive}
    for system in System:
        runner.start(connector, JobKind.LISTS, actor=actor, subject=f"{system.value} now", params=params)


@due_work
def start_due_readings() -> int:
    """Of several workers one starts each; a site whose connectors are all due is started once."""
    if not settings.CATALOGUE_INTERVAL:
        return 0
    now = timezone.now()
    return sum(_start(connector, system, now) for connector in _due(now) for system in _due_systems(connector, now))


def _due(now: datetime) -> QuerySet[Connector]:
    ready = Connector.objects.filter(is_active=True, catalogue_at__isnull=False, maintenance_since=None)
    due = Q(**{f"{PROJECTS_DUE}__lte": now})
    for field in DUE.values():
        # Far ahead: somebody has shortened the interval since, or the clock went back.
        due |= Q(**{f"{field}__lte": now}) | Q(**{f"{field}__gt": now + sites.interval()})
    return ready.filter(due, ~_is_busy()).order_by("pk")


def _is_busy() -> Exists:
    return Exists(Job.objects.filter(connector=OuterRef("pk"), kind=JobKind.REFRESH, state__in=ACTIVE))


def _due_systems(connector: Connector, now: datetime) -> Iterator[System]:
    if _is_due(connector.jira_lists_due_at, now) or _go_on(connector, now):
        yield System.JIRA
    if _is_due(connector.align_lists_due_at, now):
        yield System.ALIGN


def _is_due(at: datetime | None, now: datetime) -> bool:
    return at is not None and not now < at <= now + sites.interval()


def _start(connector: Connector, system: System, now: datetime) -> bool:
    """The conditional update is the claim; in one commit with the job, so that no reading is lost between them."""
    seen = Connector.objects.filter(pk=connector.pk).values_list(DUE[system], PROJECTS_DUE).get()
    field, following = DUE[system], now + sites.interval()
    members = sites.sharing(connector, system)
    if not members or _is_under_way(members, system):
        # Without a credential there is nothing to read with; it is looked at again an interval later.
        if not members:
            Connector.objects.filter(pk=connector.pk).update(**{field: following, PROJECTS_DUE: None})
        return False
    lists = any(_is_due(getattr(member, field), now) for member in members)
    if not lists and (system is System.ALIGN or not any(_go_on(member, now) for member in members)):
        return False  # another worker, or another connector of the site, was first
    values: dict[str, datetime | None] = {field: following} if lists else {}
    if system is System.JIRA:
        values[PROJECTS_DUE] = None
    with transaction.atomic():
        claim = Connector.objects.filter(pk=connector.pk, **dict(zip((field, PROJECTS_DUE), seen, strict=True)))
        if not claim.update(**values):
            return False
        Connector.objects.filter(pk__in=[member.pk for member in members]).update(**values)
        params = {"lists": lists}
        runner.start(members[0], JobKind.LISTS, actor=None, subject=system.value, params=params)
    return True


def _go_on(member: Connector, now: datetime) -> bool:
    return member.projects_due_at is not None and member.projects_due_at <= now


def _is_under_way(members: Sequence[Connector], system: System) -> bool:
    keys = [member.pk for member in members]
    own = Q(kind=JobKind.LISTS, subject=system.value) | Q(kind=JobKind.REFRESH)
    return Job.objects.filter(own, connector__in=keys, state__in=ACTIVE).exists()
