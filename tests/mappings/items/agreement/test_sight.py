"""What is not shown to us is not gone: small pages, accounts that see less, conditions that cannot be asked; and what
another job has seen later stays.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState, Project
from mappings.engine.agreement import AgreementOutcome
from mappings.engine.configuration import line_key
from mappings.items.agreement import services
from mappings.items.agreement.job import WHOLE
from mappings.models import AgreedLine, AgreementKind, AgreementRun, ComparedItem
from tests.conftest import SignIn
from tests.support.agreement_helpers import TwoSides, compare_changed, compare_project, compare_whole, pair, verdict
from tests.support.ours_helpers import act, out_of_align
from tests.support.sandbox_fixture import JIRA_TOKEN

pytestmark = pytest.mark.django_db(transaction=True)


def outcomes() -> dict[str, tuple[str, str]]:
    return {each.issue_key: (each.outcome, each.reason) for each in ComparedItem.objects.all()}


def agree(connector: Connector, subject: str, key: str, value: object) -> None:
    line = AgreedLine.objects.filter(connector=connector, subject=subject, key=key)
    if not line.update(value=value):
        AgreedLine.objects.create(connector=connector, subject=subject, key=key, value=value)


def stories(sides: TwoSides, number: int) -> list[str]:
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Story"}}
    return [sides.jira("POST", "/issue", {"fields": {**fields, "summary": f"Story {n}"}})["key"] for n in range(number)]


def failed(connector: Connector, key: str, actor: Person, issue: str = "") -> str:
    asked = services.compare_now(connector, Project.objects.get(key=key), issue, actor=actor)
    assert asked.job is not None
    job = runner.run_now(asked.job)
    assert job.state == JobState.FAILED
    return job.error


def test_a_site_that_gives_small_pages_or_refuses_to_filter_is_read_to_its_end(
    connector: Connector, sides: TwoSides, admin: Person
) -> None:
    stories(sides, 30)
    compare_project(connector, "PAY", admin)  # by which more than 20 at once are known of the site
    sides.sandbox.reset(connector_moves="yes", page_limit="20")
    made = stories(sides, 70)  # more than one lot, with those that are there
    compare_project(connector, "PAY", admin)
    before = outcomes()
    assert {before[key] for key in made} == {("alike", "")}
    # The site takes no filter by keys: what the programme has is read once, not once for each lot of issues.
    sides.sandbox.faults({"path": "/stories", "status": 400, "times": 1})
    sides.sandbox.clear_journal()
    compare_project(connector, "PAY", admin)
    assert outcomes() == before
    asked = [each["query"] for each in sides.sandbox.journal("GET") if "/stories" in each["path"]]
    of_programme = [each for each in asked if "programId" in each]
    assert len(set(of_programme)) == len(of_programme) > 2
    assert len([each for each in asked if "externalKey eq" in each]) <= 1


def test_an_account_that_may_not_browse_a_project_any_more_severs_nothing(
    connector: Connector, sides: TwoSides, admin: Person
) -> None:
    compare_project(connector, "PAY", admin)
    before = outcomes()
    sides.sandbox.edit("set_token", site="jira", token=JIRA_TOKEN, projects=["PROJ"])
    assert "Jira does not show" in failed(connector, "PAY", admin)
    assert "Nothing was severed" in failed(connector, "PAY", admin, "PAY-2")
    run = compare_whole(connector)
    assert run.error.count("PAY was left out: Jira does not show") == 1
    assert {key: found for key, found in outcomes().items() if key in before} == before
    sides.sandbox.edit("set_token", site="jira", token=JIRA_TOKEN, projects=None)
    assert compare_whole(connector).error == ""


def test_many_items_that_are_gone_with_their_programme_sever_nothing_and_without_it_are_severed(
    connector: Connector, sides: TwoSides, admin: Person
) -> None:
    stories(sides, 40)
    compare_project(connector, "PAY", admin)
    project = Project.objects.get(key="PAY")
    before = outcomes()
    for each in ComparedItem.objects.filter(project=project, level="story", outcome__in=["alike", "apart"]):
        sides.sandbox.edit("delete_item", object="story", id=each.align_id)
    program, project.programme_id = project.programme_id, 987_654
    Project.objects.filter(pk=project.pk).update(programme_id=987_654)  # of which Align shows nothing
    assert "Nothing was severed" in failed(connector, "PAY", admin)
    assert outcomes() == before
    Project.objects.filter(pk=project.pk).update(programme_id=program)
    compare_project(connector, "PAY", admin)
    assert verdict("PAY-2") == ("severed", "changed-by-hand")


def test_a_condition_that_jira_cannot_read_is_told_as_such_and_leaves_the_pairs_as_they_were(
    connector: Connector, sides: TwoSides, admin: Person, signed_in: SignIn
) -> None:
    compare_project(connector, "PAY", admin)
    out_of_align(signed_in(Role.ADMIN), connector, sides.sandbox, "PAY")
    assert act(signed_in(Role.ADMIN), "take", "PAY").status_code == 303
    before = outcomes()
    agree(connector, "scope", "shared:jql", "nosuchfield = 1")
    ComparedItem.objects.filter(issue_key__in=["PAY-2", "PAY-4"]).update(due_at=timezone.now())
    compare_changed(connector)
    run = AgreementRun.objects.filter(kind=AgreementKind.CHANGED).latest("pk")
    assert run.error.startswith("PAY was left out: Jira cannot read the condition of the scope.")
    assert outcomes() == before
    assert not ComparedItem.objects.exclude(due_at=None).exists(), "it is not asked for again and again"


def test_an_edit_of_the_hierarchy_severs_nothing_and_another_type_does(
    connector: Connector, sides: TwoSides, admin: Person
) -> None:
    [made] = stories(sides, 1)
    compare_project(connector, "PAY", admin, made)
    assert verdict(made) == ("alike", "")
    agree(connector, "hierarchy", line_key("shared", "story"), ["Task"])
    agree(connector, "hierarchy", line_key("shared", "task"), ["Story", "Sub-task"])
    compare_project(connector, "PAY", admin, made)
    assert verdict(made) == ("apart", "type-not-mapped")
    assert "The hierarchy makes a task of Story now" in pair(made).sentence
    AgreedLine.objects.filter(subject="hierarchy").delete()
    compare_project(connector, "PAY", admin, made)
    assert verdict(made) == ("alike", "")
    sides.jira("PUT", f"/issue/{made}", {"fields": {"issuetype": {"name": "Bug"}}})
    for _ in range(2):  # and it stays so
        compare_project(connector, "PAY", admin, made)
        assert pair(made).outcome == AgreementOutcome.SEVERED
        assert "would be a defect" in pair(made).sentence


def test_what_was_seen_later_is_not_overwritten_by_what_was_read_before(
    connector: Connector, sides: TwoSides, admin: Person
) -> None:
    compare_project(connector, "PAY", admin)
    later = timezone.now() + timedelta(minutes=1)
    seen = {"outcome": "alike", "reason": "", "differences": [], "compared_at": later}
    ComparedItem.objects.filter(issue_key="PAY-2").update(**seen)  # by a look that began after this reading
    compare_project(connector, "PAY", admin)
    assert verdict("PAY-2") == ("alike", "")
    now = timezone.now()
    ahead = now + timedelta(hours=1)  # a direct look saw a change that the search does not show yet
    ComparedItem.objects.filter(issue_key="PAY-2").update(compared_at=now, jira_updated_at=ahead)
    compare_project(connector, "PAY", admin)
    assert verdict("PAY-2") == ("alike", "")
    ComparedItem.objects.filter(issue_key="PAY-2").update(compared_at=now - timedelta(minutes=30))
    compare_project(connector, "PAY", admin)
    assert pair("PAY-2").outcome == "apart", "no search lags for half an hour"


def test_what_a_slice_left_out_is_told_when_the_night_is_over(
    connector: Connector, sides: TwoSides, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mappings.items.agreement.job.SLICE", 1)  # a project for each job
    compare_whole(connector)
    sides.sandbox.edit("set_token", site="jira", token=JIRA_TOKEN, projects=["PROJ"])
    run = compare_whole(connector)
    assert run.finished_at is not None
    assert run.error.startswith("PAY was left out:")


def test_two_jobs_that_meet_the_same_new_issues_both_come_to_their_end(
    connector: Connector, sides: TwoSides, admin: Person
) -> None:
    asked = services.compare_now(connector, Project.objects.get(key="PAY"), "", actor=admin)
    changed = runner.start(connector, JobKind.AGREEMENT, actor=None, subject=WHOLE)
    assert asked.job is not None

    def run(job_pk: int) -> str:
        try:
            return runner.run_now(Job.objects.get(pk=job_pk)).error
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(run, [asked.job.pk, changed.pk])) == ["", ""]
    assert ComparedItem.objects.filter(project__key="PAY").count() > 30
