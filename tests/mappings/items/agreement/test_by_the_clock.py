"""What is compared by the clock: what changed within seconds, all of it at night, samples by day, Align's changes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import run_due
from alignadmin.notifications.models import Notification
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState, Project, ScopeChoice, Webhook
from mappings.items.agreement import services
from mappings.items.agreement.job import POLL, WHOLE
from mappings.items.agreement.page import AgreementPage
from mappings.models import AgreementRun, AgreementSetting, ComparedItem
from tests.support.agreement_helpers import TwoSides, compare_sample, compare_whole, pair, run, verdict
from tests.support.webhook_helpers import hooked_connector

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def switched_on(connector: Connector, sides: TwoSides, admin: Person) -> AgreementSetting:
    """Everything was compared once; nothing else is due for a while."""
    services.switch(connector, on=True, actor=admin)
    later = timezone.now() + timedelta(minutes=1)
    AgreementSetting.objects.update(sample_due_at=later, poll_due_at=later)
    run_due()
    return AgreementSetting.objects.get(connector=connector)


def test_a_change_of_jira_that_is_announced_is_a_seen_disagreement_at_once(
    connector: Connector, sides: TwoSides, admin: Person, switched_on: AgreementSetting
) -> None:
    hooked = hooked_connector(connector, sides.sandbox, admin)
    Webhook.objects.update(poll_due_at=timezone.now() + timedelta(minutes=1))
    sides.sandbox.reset(connector_moves="no")  # from here on nothing is carried
    hooked.move("PAY-2")
    issue = hooked.issue("PAY-2")
    assert hooked.deliver(hooked.payload(issue)) == 200
    run_due()  # what the delivery has made due, and nothing that waits for a clock; its seconds are in the benchmark
    found = pair("PAY-2")
    assert found.outcome == "apart"
    assert found.jira_updated_at is not None
    assert found.differences[0]["key"] in ("state", "processStepId")
    # An issue that nobody has seen before is compared, too, and one that is gone is not any more.
    made = hooked.make()
    hooked.deliver(hooked.payload(made))
    run_due()
    assert pair(made["key"]).outcome == "not-found"
    hooked.jira("DELETE", f"/issue/{made['key']}")
    hooked.deliver(hooked.payload(made, event="jira:issue_deleted"))
    run_due()
    assert not ComparedItem.objects.filter(issue_key=made["key"]).exists()


def test_a_change_of_align_is_polled_and_compared(
    connector: Connector, sides: TwoSides, switched_on: AgreementSetting
) -> None:
    run(connector, POLL)
    assert not ComparedItem.objects.filter(due_at__isnull=False).exists()  # all of it was seen by the comparison
    sides.set("story", 1, title="Set in Align")
    sides.sandbox.clear_journal()
    run(connector, POLL)
    asked = sides.sandbox.journal("GET", containing="/rest/align")
    levels = {each.level for each in ComparedItem.objects.exclude(level="")}
    assert len(asked) == len(levels)
    assert [each.issue_key for each in ComparedItem.objects.filter(due_at__isnull=False)] == ["PAY-2"]
    run_due()
    assert "title" in {each["key"] for each in pair("PAY-2").differences}
    sides.sandbox.faults({"path": "lastUpdatedDate", "status": 500})
    job = runner.run_now(runner.start(connector, JobKind.AGREEMENT, actor=None, subject=POLL))
    assert job.state == JobState.FAILED
    sides.sandbox.faults()
    switched_on.refresh_from_db()
    assert switched_on.poll_error
    assert switched_on.work_after is None, "what else is compared goes on"
    assert switched_on.poll_due_at is not None
    assert switched_on.poll_due_at > timezone.now() + timedelta(minutes=4)


def test_a_night_that_is_cut_off_goes_on_where_it_stood(
    connector: Connector, sides: TwoSides, switched_on: AgreementSetting
) -> None:
    first = AgreementRun.objects.get(kind=WHOLE)
    assert first.finished_at is not None
    assert first.issues == ComparedItem.objects.count()
    projects = sorted(Project.objects.filter(in_scope=True).values_list("pk", flat=True))
    last = Project.objects.get(pk=projects[-1])
    sides.sandbox.faults({"path": f"jql=project[^&]*{last.jira_id}", "status": 404})
    job = runner.run_now(runner.start(connector, JobKind.AGREEMENT, actor=None, subject=WHOLE))
    assert job.state == JobState.FAILED
    sides.sandbox.faults()
    stopped = AgreementRun.objects.filter(kind=WHOLE).latest("pk")
    assert (stopped.cursor, stopped.error, stopped.finished_at) == (projects[-2], job.error, None)
    assert run_due() == 0  # put off, since the site was away a moment ago
    AgreementSetting.objects.update(work_after=None, whole_due_at=timezone.now() - timedelta(minutes=1))
    assert run_due() > 0
    stopped.refresh_from_db()
    assert stopped.finished_at is not None
    assert (stopped.issues, stopped.counts) == (first.issues, first.counts)
    assert Notification.objects.filter(kind="items-apart", text__contains="did not end").exists()


def test_the_formula_of_the_page_holds_what_is_sent(
    connector: Connector, sides: TwoSides, admin: Person, switched_on: AgreementSetting
) -> None:
    shown = AgreementPage(connector, admin, {})
    sides.sandbox.clear_journal()
    night = compare_whole(connector)
    sent = len(sides.sandbox.journal("GET") + sides.sandbox.journal("POST"))
    assert night.requests == sent
    assert shown.cost.lots * 3 <= sent <= shown.cost.whole
    sides.sandbox.clear_journal()
    sample = compare_sample(connector)
    assert sample.issues > 0
    assert sample.requests == len(sides.sandbox.journal("GET")) <= shown.cost.samples / 24


def test_switched_off_nothing_is_asked_and_a_project_out_of_scope_takes_its_pairs_along(
    connector: Connector, sides: TwoSides, admin: Person, switched_on: AgreementSetting
) -> None:
    Project.objects.filter(key="PROJ").update(scope_choice=ScopeChoice.OUT, in_scope=False)
    ComparedItem.objects.filter(project__key="PROJ").update(due_at=timezone.now())
    run_due()
    assert {each.outcome for each in ComparedItem.objects.filter(project__key="PROJ")} <= {"apart"}
    assert verdict("PROJ-1") == ("apart", "out-of-scope")
    services.switch(connector, on=False, actor=admin)
    sides.sandbox.clear_journal()
    AgreementSetting.objects.update(sample_due_at=None, poll_due_at=None, whole_due_at=None)
    ComparedItem.objects.update(due_at=timezone.now())
    assert run_due() == 0
    assert sides.sandbox.journal() == []
    assert not Job.objects.filter(kind=JobKind.AGREEMENT, state=JobState.QUEUED).exists()
