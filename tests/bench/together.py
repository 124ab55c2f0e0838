"""Everything that asks Align at once, on 2,000 projects under the rate limit with three tenths of its times.

A worker reads what Jira and Align contain, checks every list for drift and applies a plan, all of it begun in the same
second, while people ask now and then: how long they wait for a slot, and that nobody is ever refused one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from tests.bench.limit import BULK, SCALE, SCALED, WINDOW
from tests.bench.report import Figure, percentile, show, timed
from tests.bench.world import base_of_arguments, copied
from tests.support.load_budget import Held, loaded
from tests.support.processes import Site, eventually

if TYPE_CHECKING:  # Django is set up only when the copy is there
    from mappings.models import Mapping

CHANGES = 2000
CALLS_A_MINUTE = 40  # of people, at the real limit
LONGEST_WAIT = 2.0  # seconds, at the real limit
SECONDS, PATIENCE = 180.0, 900.0  # of people's calls, and of all the work
# As often as every ten minutes of real time. The check of every list is asked for.
CLOCKS = {"CATALOGUE_INTERVAL": str(600 * SCALE)}


def main() -> None:
    limits = ("--rate-limit", f"600/{WINDOW:g}", "--block", f"{WINDOW:g}")
    with copied(base_of_arguments(), *limits, **SCALED, **CLOCKS) as site:
        _measure(site)


def _measure(site: Site) -> None:
    from connectors.models import Connector
    from mappings.drift import watch
    from mappings.models import CheckKind, DriftCheck
    from tests.bench import acts

    connector = Connector.objects.get()
    plan = acts.approved(connector, acts.edit(_rows()))
    requests.delete(f"{site.sandbox_url}/_sandbox/journal", timeout=60).raise_for_status()
    _make_lists_due()
    watch.start_check(connector, None)
    acts.started(plan)
    with timed() as clock, loaded(site.sandbox_url, seconds=SECONDS, environment=site.environment) as load:
        load.people(calls_a_minute=CALLS_A_MINUTE / SCALE)
        site.start_worker()
        people = load.run()["people"]
        eventually(_is_idle, within=PATIENCE, what="the end of the work")
    assert clock.seconds > SECONDS, "people asked after the work had ended, too"
    assert acts.confirmed(plan) == CHANGES
    assert people.failed == []
    check = DriftCheck.objects.filter(kind=CheckKind.LISTS).latest("pk")
    assert (check.unknown, check.error) == (0, "")
    statuses = [each["status"] for each in requests.get(f"{site.sandbox_url}/_sandbox/journal", timeout=60).json()]
    show(
        f"Catalogue, drift check and apply of {CHANGES:,} changes at once on 2,000 projects, 600 requests in "
        f"{WINDOW:g} s",
        _figures(clock.seconds, statuses, people.held),
    )


def _rows() -> list[Mapping]:
    """Of the lists of projects from the longest on, so that many lists are read before and after."""
    from mappings.engine.values import TypeName
    from mappings.models import Scope
    from tests.bench import acts

    rows: list[Mapping] = []
    for scope in Scope.objects.exclude(project=None).filter(family="a2j-state").order_by("-rows", "pk"):
        found = list(acts.mapped(scope))
        several = {kind for kind in TypeName if len({row.observed for row in found if row.work_item_type == kind}) > 1}
        rows += [row for row in found if row.work_item_type in several]
        if len(rows) >= CHANGES:
            break
    return rows[:CHANGES]


def _make_lists_due() -> None:
    from django.utils import timezone

    from connectors.models import Connector

    now = timezone.now()
    Connector.objects.update(jira_lists_due_at=now, align_lists_due_at=now, projects_due_at=now)


def _is_idle() -> bool:
    from connectors.models import ACTIVE, Job, JobKind

    waited_for = Job.objects.filter(kind__in=[JobKind.APPLY, JobKind.OBSERVE], state__in=ACTIVE)
    return not waited_for.exists()


def _figures(seconds: float, statuses: list[int], held: list[Held]) -> list[Figure]:
    bulk = len(statuses) - len(held)
    least = (bulk - 1) // BULK * WINDOW
    waits = [each.waited / SCALE for each in held]
    return [
        Figure(what="all of it was done after", value=seconds, unit="s"),
        Figure(what="requests, Jira's and those of people included", value=len(statuses), unit=""),
        Figure(what="answers 429", value=statuses.count(429), unit="", aim=0),
        Figure(
            what=f"its time by the least of {BULK} bulk slots, were all requests Align's",
            value=seconds / least,
            unit="x",
        ),
        Figure(what="calls of people meanwhile", value=len(held), unit=""),
        Figure(
            what="their wait for a slot at the real limit, p95", value=percentile(waits, 95), unit="s", aim=LONGEST_WAIT
        ),
        Figure(what="the longest of them", value=max(waits), unit="s"),
    ]


if __name__ == "__main__":
    main()
