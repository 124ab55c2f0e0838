"""What "clean" covers and since when each part of it was read: lists, what Jira and Align contain, and Align's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils import timezone

from connectors.catalogue import sites
from connectors.models import Connector, Project, in_scope_here

COUNTED = ("projects", "unread", "oldest")


@dataclass(frozen=True, kw_only=True)
class Covered:
    """One part: what it is, and when the oldest of it was read; None: never, or not at all."""

    what: str
    since: datetime | None
    without: str = "never read"  # what is said without a time


@dataclass(frozen=True, kw_only=True)
class ProjectAges:
    """How long ago the statuses of a connector's projects were read, and how long that may be on its site."""

    projects: int = 0
    unread: int = 0
    oldest_at: datetime | None = None
    rotation: timedelta = timedelta()


def project_ages(connectors: Sequence[Connector]) -> dict[int, ProjectAges]:
    """In two queries: a site's projects are read one after the other, whichever connector has them."""
    there = Project.objects.filter(in_scope_here()).order_by()
    own = there.filter(connector__in=[connector.pk for connector in connectors]).values("connector_id")
    counts = own.annotate(projects=Count("pk"), unread=Count("pk", filter=Q(read_at=None)), oldest=Min("read_at"))
    found = {connector_id: values for connector_id, *values in counts.values_list("connector_id", *COUNTED)}
    site = there.filter(connector__is_active=True, connector__jira_site__in={each.jira_site for each in connectors})
    sizes = dict(site.values_list("connector__jira_site").annotate(projects=Count("jira_id", distinct=True)))
    return {
        connector.pk: ProjectAges(
            projects=projects,
            unread=unread,
            oldest_at=oldest,
            rotation=sites.rotation(sizes.get(connector.jira_site, projects), connector.jira_kind),
        )
        for connector in connectors
        for projects, unread, oldest in [found.get(connector.pk, (0, 0, None))]
    }


def parts(
    connector: Connector, ages: ProjectAges, *, lists: int, lists_at: datetime | None, log_at: datetime | None
) -> tuple[Covered, ...]:
    return (
        Covered(what=f"{lists} mapping lists", since=lists_at),
        Covered(what="Jira’s projects, statuses and issue types", since=connector.jira_lists_at),
        Covered(what=f"the statuses of each of {ages.projects} projects", since=_all_read(ages)),
        Covered(what="the connector’s projects and the process flows in Align", since=connector.align_lists_at),
        Covered(what="Align’s log", since=log_at, without="not read here"),
    )


def _all_read(ages: ProjectAges) -> datetime | None:
    return None if ages.unread else ages.oldest_at


# --- why it is not known ----------------------------------------------------------------------------------------------


def too_old(connector: Connector, ages: ProjectAges, *, without_clock: timedelta, margin: timedelta) -> str:
    """Why nobody can say that nothing is new; empty while each part is as young as the clock makes it."""
    if connector.lists_error:
        return f"What is new in Jira and Align could not be looked for. {connector.lists_error}"
    goes = bool(settings.CATALOGUE_INTERVAL)
    interval, rotation = (sites.interval(), ages.rotation) if goes else (without_clock, without_clock)
    for name, at in (("Jira", connector.jira_lists_at), ("Align", connector.align_lists_at)):
        if _is_old(at, interval + margin):
            return (
                f"What {name} contains was read {_when(at)}, longer ago than {_minutes(interval + margin)}. Refresh it."
            )
    if ages.unread:
        return f"The statuses of {ages.unread} of {ages.projects} projects were never read."
    if ages.projects and _is_old(ages.oldest_at, rotation + margin):
        return (
            f"The statuses of a project were read {_when(ages.oldest_at)}, longer ago than "
            f"{_minutes(rotation + margin)}: the connector’s page names it."
        )
    return ""


def _is_old(at: datetime | None, good_for: timedelta) -> bool:
    return at is None or timezone.now() - at > good_for


def _when(at: datetime | None) -> str:
    return f"at {at:%Y-%m-%d %H:%M} UTC" if at else "never"


def _minutes(duration: timedelta) -> str:
    return f"{-(-int(duration.total_seconds()) // 60)} min"
