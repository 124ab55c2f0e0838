"""Kill -9 of the worker in the middle of a whole comparison: another one goes on, and nothing is compared twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from alignadmin.due_work import run_due
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState, Project, ScopeChoice
from mappings.items.agreement.job import WHOLE
from mappings.models import AgreementRun, ComparedItem
from tests.support.agreement_helpers import TwoSides
from tests.support.crash import crashes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("processes")]
EVERY = 30  # of the points, of which a comparison has some two hundred


def compare() -> None:
    """What is run in a process that is killed."""
    runner.start(Connector.objects.get(), JobKind.AGREEMENT, actor=None, subject=WHOLE)
    runner.run_jobs()


def test_a_kill_in_the_middle_goes_on_where_it_stood(connector: Connector, sides: TwoSides) -> None:
    Project.objects.filter(key="PAY").update(scope_choice=ScopeChoice.OUT, in_scope=False)

    def nothing_yet() -> list[object]:
        Job.objects.all().delete()
        AgreementRun.objects.all().delete()
        ComparedItem.objects.all().delete()
        return []

    found: set[tuple[int, int, str]] = set()
    killed = 0
    for crash in crashes(compare, nothing_yet, every=EVERY):
        Job.objects.filter(state=JobState.RUNNING).update(lease_until=timezone.now() - timedelta(seconds=1))
        killed += crash.killed
        run_due()
        if not AgreementRun.objects.exists():  # killed before the job was there
            compare()
        run = AgreementRun.objects.get()
        assert run.finished_at is not None, crash
        assert run.issues == sum(run.counts.values()) == ComparedItem.objects.count(), crash
        found.add((run.issues, ComparedItem.objects.filter(outcome="apart").count(), str(sorted(run.counts.items()))))
    assert killed > 2
    assert len(found) == 1, found
