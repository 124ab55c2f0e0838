"""Kill -9 at points of an import: each issue has one item afterwards, and the import comes to its end."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from connectors.align.objects import OBJECTS
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Job, JobKind, Project
from mappings.applying.outcomes import MOST_SENDS
from mappings.models import AgreedLine, ImportRun, ImportState, ItemLink
from tests.mappings.items.importing.test_importing import approve, configurer, lines, plan, project
from tests.support.crash import At, dying
from tests.support.sandbox_fixture import RunningSandbox

__all__ = ["configurer", "project"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("processes")]

SHORT = {"REQUEST_DEADLINE": 0.6, "READ_TIMEOUT": 0.6, "SENDING_GRACE": 0.2}
POINTS = [
    At("before POST"),
    At("before POST", 3),
    At("after POST"),
    At("after POST", 3),
    At("before the commit of import.batch"),
    At("after the commit of import.batch"),
    At("before the commit of import.sent"),
    At("after the commit of import.sent"),
    At("before GET"),  # reading back
    At("before the commit of import.finished"),
    At("after the commit of import.finished"),
]


def do_import(job: int) -> None:
    run = runner.claim(str(os.getpid()), job)
    assert run is not None
    runner.execute(run)


def recover(run: ImportRun) -> None:
    recover_jobs(JobKind.IMPORT)
    run.refresh_from_db()


def recover_jobs(kind: JobKind) -> None:
    """As a worker that is started anew once the lease has run out."""
    for _ in range(MOST_SENDS):
        jobs = Job.objects.filter(kind=kind, state__in=ACTIVE)
        jobs.update(lease_until=timezone.now() - timedelta(seconds=1))
        for job in jobs:
            runner.run_now(job)


def forget(sandbox: RunningSandbox, run: ImportRun) -> None:
    for line in reversed(lines(run)):  # what stands below goes first
        sandbox.edit("delete_item", object=line.level, id=line.align_id)
    ItemLink.objects.all().delete()
    ImportRun.objects.all().delete()


def test_a_kill_around_any_request_makes_no_item_twice_and_loses_none(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project, settings: LazySettings
) -> None:
    for name, value in SHORT.items():
        setattr(settings, name, value)
    few = f"issuetype != Bug AND key in ({', '.join(f'LAB-{number}' for number in range(1, 13))})"
    AgreedLine.objects.filter(subject="scope", key="shared:jql").update(value=few)
    environment = {name: str(value) for name, value in SHORT.items()}
    with dying(do_import, environment=environment) as die:
        for point in POINTS:
            run = plan(configurer, project)
            assert approve(configurer, run).status_code == 303
            job = Job.objects.get(kind=JobKind.IMPORT, subject=str(run.pk), state__in=ACTIVE)
            crash = die(point, [job.pk])
            assert crash.killed, f"nothing died at {point}: {crash.passed}"
            recover(run)
            check(sandbox, run, str(point))
            forget(sandbox, run)


def check(sandbox: RunningSandbox, run: ImportRun, where: str) -> None:
    made = lines(run)
    assert len(made) >= 3, where
    assert run.state == ImportState.FINISHED, where
    assert {each.state for each in made} == {"done"}, f"{where}: {[each.detail for each in made]}"
    assert all(each.confirmed for each in made), where
    for level in {each.level for each in made}:
        path = f"/{OBJECTS[level].path}?$orderby=id desc&$top=100"
        titles = Counter(each["title"] for each in sandbox.align("GET", path).json())
        for line in made:
            assert line.level != level or titles[line.title] == 1, f"{where}: {line.issue_key}"
    links = dict(ItemLink.objects.values_list("jira_id", "align_id"))
    assert links == {each.jira_id: each.align_id for each in made}, where
