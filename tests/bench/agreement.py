"""The agreement check: all issues of many projects beside their items, in requests against the least that could do.

The sandbox answers from a process of its own and without latency, and no limit of requests is in the way. Of ISSUES in
the environment another number is made; what Align has no item of is looked for all the same.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from tests.bench.report import Figure, show, timed
from tests.bench.world import make_base
from tests.support.processes import Site
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN

if TYPE_CHECKING:  # Django is set up only when the installation is there
    from connectors.models import Connector

WANTED = int(os.environ.get("ISSUES", "10000"))
THREADS = 4
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


def _made(site: Site, number: int) -> None:
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Story"}, "summary": f"Story {number} of the benchmark"}
    answer = requests.post(
        f"{site.sandbox_url}/rest/api/3/issue", json={"fields": fields}, auth=(ADMIN, JIRA_TOKEN), timeout=60
    )
    assert answer.ok, answer.text


def _compare(connector: Connector) -> tuple[int, int, int]:
    """Issues, requests and levels of one whole comparison."""
    from mappings.models import ComparedItem
    from tests.support.agreement_helpers import compare_whole

    run = compare_whole(connector)
    levels = set(ComparedItem.objects.exclude(level="").values_list("level", flat=True))
    return run.issues, run.requests, len(levels)


if __name__ == "__main__":
    main()
