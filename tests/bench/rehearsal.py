"""Rehearsals of 50 issues, from the click's job to its kept lines, of a project beside its real items in Align.

The sandbox answers from a process of its own and without latency, and no limit of requests is in the way.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from tests.bench.report import Figure, percentile, show, timed
from tests.bench.world import make_base
from tests.support.processes import Site
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN

if TYPE_CHECKING:  # Django is set up only when the installation is there
    from connectors.models import Connector, Project

ISSUES, RUNS, AIM = 50, 7, 2.0
MADE = 60  # issues that the project gets besides its own


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="alignadmin-bench-rehearsal-") as directory:
        site = make_base(Path(directory) / "data")
        site.migrate()
        try:
            site.start_sandbox("--rate-limit", "0")
            _measure(site)
        finally:
            site.stop()


def _measure(site: Site) -> None:
    from connectors.jobs import runner
    from connectors.models import JobKind, Project
    from tests.support import factories

    actor = factories.person(email="admin@demo.test")
    connector = factories.refreshed(factories.connector(site.sandbox_url, actor=actor))
    assert runner.run_now(runner.start(connector, JobKind.FIELDS, actor=actor)).state == "done"
    project = Project.objects.get(key="PAY")
    for number in range(MADE):
        _made(site, number)
    carried = [_rehearse(connector, project) for _ in range(RUNS)]
    seconds = [each for each, _ in carried]
    show(
        f"{RUNS} rehearsals of {ISSUES} issues, beside Align's items, without latency",
        [
            Figure(what="median", value=percentile(seconds, 50), unit="s"),
            Figure(what="slowest", value=max(seconds), unit="s", aim=AIM),
            Figure(what="requests of each", value=carried[0][1], unit=""),
        ],
    )


def _made(site: Site, number: int) -> None:
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Story"}, "summary": f"Story {number} of the benchmark"}
    answer = requests.post(
        f"{site.sandbox_url}/rest/api/3/issue", json={"fields": fields}, auth=(ADMIN, JIRA_TOKEN), timeout=60
    )
    assert answer.ok, answer.text


def _rehearse(connector: Connector, project: Project) -> tuple[float, int]:
    """Seconds and requests."""
    from alignadmin.accounts.models import Person
    from connectors.jobs import runner
    from mappings.items.rehearsal import services

    found = services.start(connector, project, ISSUES, actor=Person.objects.get())
    assert found.job is not None
    with timed() as watch:
        job = runner.run_now(found.job)
    assert job.state == "done", job.error
    found.refresh_from_db()
    assert found.issues == ISSUES, f"{found.issues} issues"
    return watch.seconds, found.requests


if __name__ == "__main__":
    main()
