"""The agreement check: all issues of many projects beside their items, in requests against the least that could do.

The sandbox answers from a process of its own and without latency, and no limit of requests is in the way. Of ISSUES in
the environment another number is made; what Align has no item of is looked for all the same.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from tests.bench.report import Figure, percentile, show, timed
from tests.bench.world import make_base
from tests.support.processes import Site
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN

if TYPE_CHECKING:  # Django is set up only when the installation is there
    from connectors.models import Connector

WANTED = int(os.environ.get("ISSUES", "10000"))
THREADS = 4
ANNOUNCED, SEEN_AIM = 40, 5.0
MOST_TIMES = 6.0  # of the least: parents, people and things are asked for as well


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="alignadmin-bench-agreement-") as directory:
        site = make_base(Path(directory) / "data")
        site.migrate()
        try:
            site.start_sandbox("--rate-limit", "0", "--connector-moves", "yes")
            _measure(site)
        finally:
            site.stop()


def _measure(site: Site) -> None:
    from connectors.jobs import runner
    from connectors.models import JobKind, Project, ScopeChoice
    from mappings.items.agreement.cost import AgreementCost, least
    from tests.support import factories

    actor = factories.person(email="admin@demo.test")
    connector = factories.refreshed(factories.connector(site.sandbox_url, actor=actor))
    assert runner.run_now(runner.start(connector, JobKind.FIELDS, actor=actor)).state == "done"
    Project.objects.exclude(key="PAY").update(scope_choice=ScopeChoice.OUT, in_scope=False)
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda number: _made(site, number), range(WANTED)))
    with timed() as watch:
        issues, sent, levels = _compare(connector)
    of_least = least([issues], levels)
    cost = AgreementCost(issues=(issues,), levels=levels, things=6)
    assert sent <= cost.whole, f"{sent} requests, and the page promises {cost.whole} at most"
    show(
        f"All {issues} issues of a project beside their items, without latency",
        [
            Figure(what="requests", value=sent, unit="", aim=of_least * MOST_TIMES),
            Figure(what="least requests: 2 × issues / 100 + levels - 1", value=of_least, unit=""),
            Figure(what="requests that the page states at most", value=cost.whole, unit=""),
            Figure(what="seconds", value=watch.seconds, unit="s"),
            Figure(what="issues in a second", value=issues / watch.seconds, unit=""),
        ],
    )
    seen = _announced(connector)
    show(
        f"{len(seen)} issues, one after the other: from Jira's answer that it changed to what differs, without latency",
        [
            Figure(what="median", value=percentile(seen, 50), unit="s"),
            Figure(what="95 of 100", value=percentile(seen, 95), unit="s", aim=SEEN_AIM),
        ],
    )


def _made(site: Site, number: int) -> None:
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Story"}, "summary": f"Story {number} of the benchmark"}
    answer = requests.post(
        f"{site.sandbox_url}/rest/api/3/issue", json={"fields": fields}, auth=(ADMIN, JIRA_TOKEN), timeout=60
    )
    assert answer.ok, answer.text


def _announced(connector: Connector) -> list[float]:
    """Seconds of each, from what a look tells to a pair that was compared."""
    from django.db import transaction
    from django.utils import timezone

    from connectors.jobs import runner
    from connectors.ports.looked_at import LookedAtIssue, tell_looked_at
    from mappings.models import AgreementSetting, ComparedItem

    later = timezone.now() + timedelta(days=1)
    AgreementSetting.objects.create(connector=connector, is_on=True, sample_due_at=later, whole_due_at=later)
    seconds = []
    for row in ComparedItem.objects.order_by("pk")[:ANNOUNCED]:
        now = timezone.now()
        look = LookedAtIssue(
            issue_id=row.jira_id,
            key=row.issue_key,
            project_id=None,
            status_id=None,
            issue_type_id=None,
            updated_at=now,
            is_gone=False,
            what="Other fields",
        )
        with timed() as watch:
            with transaction.atomic():
                tell_looked_at(connector, [look], now)
            runner.run_jobs()
        row.refresh_from_db()
        assert row.compared_at is not None
        assert row.compared_at > now
        seconds.append(watch.seconds)
    return seconds


def _compare(connector: Connector) -> tuple[int, int, int]:
    """Issues, requests and levels of one whole comparison."""
    from mappings.models import ComparedItem
    from tests.support.agreement_helpers import compare_whole

    run = compare_whole(connector)
    levels = set(ComparedItem.objects.exclude(level="").values_list("level", flat=True))
    return run.issues, run.requests, len(levels)


if __name__ == "__main__":
    main()
