"""The rate budget of a connector's sites: how much is used, and who waits. It refreshes itself and only looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.rights import Right
from alignadmin.web.responses import page
from connectors.budget.origins import origins
from connectors.budget.slots import System, Usage, now, usage
from connectors.models import ACTIVE, Connector, Job, JobKind
from connectors.ports.requests import with_credentials_or_404

MOST_JOBS = 100
LABELS: Mapping[System, str] = {"align": "Jira Align", "jira": "Jira"}
PEOPLES = (JobKind.PROBE, JobKind.WATCH)  # kinds of jobs that a click starts and a person waits for


@dataclass(frozen=True, kw_only=True)
class SiteUsage:
    """One site's budget at one moment; `sharers` are the other connectors that lead to it."""

    system: System
    label: str
    origin: str
    usage: Usage
    sharers: tuple[Connector, ...]
    now: datetime

    @property
    def is_blocked(self) -> bool:
        return self.usage.blocked_until is not None and self.usage.blocked_until > self.now

    @property
    def is_testing(self) -> bool:
        """The block is over; one request finds out whether the site agrees."""
        return self.usage.blocked_until is not None and not self.is_blocked

    @property
    def is_used_up(self) -> bool:
        return self.usage.bulk_free == 0

    @property
    def seconds(self) -> float:
        """Until work may go on: the end of the block, or the next slot for bulk work."""
        until = self.usage.blocked_until if self.is_blocked else self.usage.bulk_from
        return max(1.0, (until - self.now).total_seconds()) if until else 0.0


@dataclass(frozen=True, kw_only=True)
class AtWork:
    """One queued or running job that shares a site with the connector of the page."""

    job: Job

    @property
    def is_a_persons(self) -> bool:
        return self.job.kind in PEOPLES or bool(self.job.params.get("interactive"))


@dataclass
class BudgetPage:
    connector: Connector

    @cached_property
    def sites(self) -> list[SiteUsage]:
        moment = now()
        return [
            SiteUsage(
                system=system,
                label=label,
                origin=origin,
                usage=usage(system, origin),
                sharers=tuple(each for each in self._others if origin in origins(each, system)),
                now=moment,
            )
            for system, label in LABELS.items()
            for origin in origins(self.connector, system)
        ]

    @cached_property
    def _others(self) -> list[Connector]:
        return list(Connector.objects.exclude(pk=self.connector.pk).order_by("name"))

    @cached_property
    def work(self) -> list[AtWork]:
        """Of every connector to one of these sites: those that wait first, then in the order they were asked for."""
        sharing = {each.pk for site in self.sites for each in site.sharers} | {self.connector.pk}
        jobs = Job.objects.filter(connector__in=sharing, state__in=ACTIVE).select_related("connector", "requested_by")
        found = sorted(jobs.order_by("id")[:MOST_JOBS], key=lambda job: (not job.waits_for, job.pk))
        return [AtWork(job=job) for job in found]


@requires(Right.SEE)
def budget(request: HttpRequest, slug: str) -> HttpResponse:
    """Used, free and reserved slots of each site, who waits for what, and until when a site is blocked."""
    connector = with_credentials_or_404(slug)
    context = {"connector": connector, "page": BudgetPage(connector), "window": settings.BUDGET_WINDOW}
    return page(request, "connectors/budget/budget.html", context, fragment="connectors/budget/_budget.html")
