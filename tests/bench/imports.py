"""An import of 5,000 issues under the rate limit with a tenth of its times: its requests beside the formula's.

IMPORT_ISSUES says how many; the sandbox answers from a process of its own and without latency.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from tests.bench.report import Figure, show, timed
from tests.bench.world import make_base
from tests.support.processes import Site
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN

if TYPE_CHECKING:  # Django is set up only when the installation is there
    from connectors.models import Connector, Project
    from mappings.models import ImportRun

ISSUES = int(os.environ.get("IMPORT_ISSUES", "5000"))
AIM = 1.1
SCALE = 0.1
WINDOW = 60 * SCALE
SLOTS, RESERVED = 540, 60
BULK = SLOTS - RESERVED
SCALED = {
    "BUDGET_BLOCK": str(60 * SCALE),
    "BUDGET_GRACE": str(2 * SCALE),
    "BUDGET_RESERVED": str(RESERVED),
    "BUDGET_SLOTS": str(SLOTS),
    "BUDGET_WINDOW": str(WINDOW),
    "SITE_LIMIT": "6000",  # of this sandbox, in 60 s
}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="alignadmin-bench-imports-") as directory:
        site = make_base(Path(directory) / "data", **SCALED)
        site.migrate()
        try:
            site.start_sandbox("--rate-limit", f"600/{WINDOW:g}", "--block", f"{WINDOW:g}")
            _measure(site)
        finally:
            site.stop()


def _measure(site: Site) -> None:
    from connectors.jobs import runner
    from connectors.models import JobKind
    from tests.support import factories

    actor = factories.person(email="admin@demo.test")
    connector = factories.refreshed(factories.connector(site.sandbox_url, actor=actor))
    assert runner.run_now(runner.start(connector, JobKind.FIELDS, actor=actor)).state == "done"
    project = _ours(connector)
    for number in range(ISSUES):
        _made(site, number)
    requests.delete(f"{site.sandbox_url}/_sandbox/journal", timeout=60)
    planning, run = _planned(connector, project)
    sending = _sent(run)
    run.refresh_from_db()
    assert run.state == "finished", run.error
    made = run.lines.filter(state="done", act="create", confirmed=True).count()
    assert made >= ISSUES, f"{made} items"
    statuses = [each["status"] for each in requests.get(f"{site.sandbox_url}/_sandbox/journal", timeout=60).json()]
    least = run.requests / BULK * WINDOW
    show(
        f"Import of {made:,} issues at 600 requests in {WINDOW:g} s",
        [
            Figure(what="planning it", value=planning, unit="s"),
            Figure(what="sending it", value=sending, unit="s"),
            Figure(what="items a second", value=made / sending, unit=""),
            Figure(what="requests by the formula", value=run.requests, unit=""),
            Figure(what="requests sent", value=run.sent_requests, unit=""),
            Figure(what="sent by the formula's", value=run.sent_requests / run.requests, unit="x", aim=AIM),
            Figure(what="answers 429", value=statuses.count(429), unit="", aim=0),
            Figure(what=f"time by the least of {BULK} bulk slots", value=(planning + sending) / least, unit="x"),
        ],
    )


def _ours(connector: Connector) -> Project:
    """LAB, out of Align's list and taken over, whose items land in a program."""
    from django.utils import timezone

    from connectors.models import Carried, Project
    from connectors.ports.extensions import extensions
    from mappings.models import AgreedLine

    found = Project.objects.get(connector=connector, key="LAB")
    chosen = {"carried": Carried.NO, "ours_at": timezone.now(), "scope_choice": "in", "in_scope": True}
    Project.objects.filter(pk=found.pk).update(**chosen)
    extensions().make_lists_of_ours(connector)
    program = {"program": {"id": 11, "name": "Payments"}}
    AgreedLine.objects.create(connector=connector, subject="scope", key="shared:landing", value=program)
    AgreedLine.objects.create(connector=connector, subject="scope", key="shared:jql", value="issuetype = Story")
    found.refresh_from_db()
    return found


def _made(site: Site, number: int) -> None:
    fields = {"project": {"key": "LAB"}, "issuetype": {"name": "Story"}, "summary": f"Story {number} of the benchmark"}
    answer = requests.post(
        f"{site.sandbox_url}/rest/api/3/issue", json={"fields": fields}, auth=(ADMIN, JIRA_TOKEN), timeout=60
    )
    assert answer.ok, answer.text


def _planned(connector: Connector, project: Project) -> tuple[float, ImportRun]:
    """Seconds, and what is to be approved."""
    from alignadmin.accounts.models import Person
    from mappings.items.importing import services

    run = services.start(connector, project, reason="A benchmark", actor=Person.objects.get())
    seconds = _worked(run)
    run.refresh_from_db()
    assert run.state == "draft", run.error
    return seconds, run


def _sent(run: ImportRun) -> float:
    from alignadmin.accounts.models import Person
    from mappings.items.importing import services

    services.approve(run, run.fingerprint, ticked=True, actor=Person.objects.get())
    return _worked(run)


def _worked(run: ImportRun) -> float:
    from connectors.jobs import runner
    from connectors.models import ACTIVE, Job, JobKind

    job = Job.objects.get(kind=JobKind.IMPORT, subject=str(run.pk), state__in=ACTIVE)
    with timed() as watch:
        job = runner.run_now(job)
    assert job.state == "done", job.error
    return watch.seconds


if __name__ == "__main__":
    main()
