"""Issues in statuses without a mapping, counted by the clock: what is asked of Jira, in turn, and what pages say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from django.conf import LazySettings
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from connectors.jobs import runner
from connectors.jobs.runner import JobFailed
from connectors.models import (
    Connector,
    Credential,
    CredentialKind,
    Job,
    JobKind,
    JobState,
    Project,
    ReachableStatus,
)
from connectors.setup import services
from connectors.setup.connection_test import data_of
from mappings.engine.values import TypeName
from mappings.in_use import rounds
from mappings.in_use.lines import in_use_lines
from mappings.in_use.questions import InUseQuestions
from mappings.models import InUseCount, InUseRound, Scope
from tests.conftest import SignIn
from tests.support.mapping_helpers import apply_all, edit
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
CANCELLED = 10018
DRIFT = "/connectors/acme/drift/?tab=in-use"


def count(owner: Connector) -> Job:
    return runner.run_now(runner.start(owner, JobKind.IN_USE, actor=None))


def count_all(owner: Connector) -> int:
    """Rounds until nothing is left; how many that were."""
    for done in range(1, 20):
        job = count(owner)
        assert job.state == JobState.DONE, job.error
        if not InUseRound.objects.get(connector=owner).left:
            return done
    raise AssertionError("the rounds do not end")


def told(owner: Connector) -> list[str]:
    return [line.text for line in in_use_lines(owner)]


def asked_of_jira(sandbox: RunningSandbox) -> int:
    return len(sandbox.journal(containing="/rest/api/"))


def test_it_says_how_many_items_show_0_until_their_status_is_mapped(
    connector: Connector, sandbox: RunningSandbox, admin: Person, signed_in: SignIn
) -> None:
    count_all(connector)
    line = in_use_lines(connector)[0]
    expected = sandbox.jira(
        "/rest/api/3/search/jql",
        params={"jql": f"status = {CANCELLED} AND issuetype = Story", "maxResults": 5000},
    ).json()["issues"]
    assert (line.status_id, line.number, line.is_shared) == (CANCELLED, len(expected), True)
    assert line.text == f"{len(expected)} stories are in Cancelled (10018) now and show 0 - Pending approval."

    client = signed_in(Role.VIEWER)
    for address in ("/", DRIFT, "/connectors/acme/mappings/"):
        html = client.get(address).content.decode()
        assert line.sentence in html, address
    assert f"id=u{CANCELLED}>{len(expected)} stories</span>" in html, "at the row of the matrix, too"

    edit(connector, "j2a-state", CANCELLED, 2, actor=admin)
    assert in_use_lines(connector)[0].text.endswith("show 0 - Pending approval until the edit is applied.")
    before = asked_of_jira(sandbox)
    apply_all(connector, actor=admin)
    assert "stories are in Cancelled" not in " ".join(told(connector)), "without a new count"
    assert asked_of_jira(sandbox) == before
    keys = set(InUseCount.objects.filter(is_shared=True).values_list("key", flat=True))
    count_all(connector)
    assert set(InUseCount.objects.filter(is_shared=True).values_list("key", flat=True)) != keys, "a new set"
    assert "stories are in Cancelled" not in " ".join(told(connector))


def test_a_round_asks_at_most_20_times_and_goes_on_where_it_ended(
    connector: Connector, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_all(connector)
    whole = told(connector)
    assert whole
    InUseCount.objects.all().delete()
    monkeypatch.setattr(rounds, "MOST_REQUESTS", 4)
    sandbox.clear_journal()
    assert count(connector).state == JobState.DONE
    state = InUseRound.objects.get(connector=connector)
    assert asked_of_jira(sandbox) == state.requests == 4
    assert state.left
    assert state.due_at < timezone.now() + rounds.interval() / 2, "the rest comes sooner"
    count_all(connector)
    assert told(connector) == whole
    state.refresh_from_db()
    assert state.due_at > timezone.now() + rounds.interval() / 2


def test_questions_name_ids_and_every_work_item_stands_in_one(connector: Connector) -> None:
    questions = InUseQuestions(connector).all()
    names = {project.pk: project for project in Project.objects.all()}
    for question in questions:
        assert '"' not in str(question.unmapped)
        assert not set(question.candidates) & set(question.mapped)
        assert {names[pk].team_managed for pk in question.projects} == {not question.is_shared}
    for first, second in pairwise(sorted(questions, key=lambda each: each.work_item_type)):
        if first.work_item_type is second.work_item_type:
            assert not set(first.projects) & set(second.projects)
    teams = {each.work_item_type: 0 for each in questions}
    for each in questions:
        teams[each.work_item_type] += not each.is_shared
    assert max(teams.values()) == 1, "team-managed projects whose mappings do not meet are asked together"
    # A list that was not read says nothing of what is mapped.
    Scope.objects.filter(connector=connector).update(error="It was not read.")
    assert InUseQuestions(connector).all() == []


def test_data_center_is_asked_by_its_own_search(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.reset(jira="server")
    Connector.objects.update(jira_kind="datacenter")
    Credential.objects.filter(system="jira").update(kind=CredentialKind.JIRA_PASSWORD)
    connector.refresh_from_db()
    runner.run_now(runner.start(connector, JobKind.REFRESH, actor=None))
    sandbox.clear_journal()
    count_all(connector)
    assert "18 stories are in Cancelled (10018)" in " ".join(told(connector))
    assert {entry["path"] for entry in sandbox.journal(containing="search")} == {"/rest/api/2/search"}


def test_a_jira_that_fails_says_so_and_what_was_counted_stays(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    count_all(connector)
    before = told(connector)
    sandbox.faults({"path": "approximate-count", "status": 403, "body": "{}"})
    InUseCount.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    assert count(connector).state == JobState.FAILED
    assert told(connector) == before
    state = InUseRound.objects.get(connector=connector)
    assert "Browse projects" in state.error
    assert state.finished_at is not None
    assert "The last count ended early" in signed_in(Role.VIEWER).get(DRIFT).content.decode()
    # What Jira refuses of one question ends no round.
    refused = "{\"errorMessages\": [\"A value with ID '1' does not exist for the field 'project'.\"]}"
    sandbox.faults()
    sandbox.faults({"path": "approximate-count", "status": 400, "body": refused, "times": 1})
    InUseCount.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    count_all(connector)
    assert InUseCount.objects.exclude(error="").count() == 1
    assert "does not exist for the field" in signed_in(Role.VIEWER).get(DRIFT).content.decode()
    assert InUseRound.objects.get(connector=connector).error == ""


def test_a_question_that_jira_does_not_answer_keeps_no_other_from_being_asked(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.faults({"path": "approximate-count", "status": 403, "body": "{}", "times": 1})
    count_all(connector)
    rows = InUseCount.objects.filter(connector=connector)
    assert rows.count() > 3
    (failed,) = rows.exclude(error="")
    assert "Browse projects" in failed.error
    assert failed.counted_at is None
    assert not rows.filter(error="", counted_at=None).exists()


def test_issues_in_none_of_the_statuses_that_were_asked_for_are_asked_for_too(
    connector: Connector, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never told from the difference of two counts: between them somebody moves an issue."""
    count_all(connector)
    number = next(line.number for line in in_use_lines(connector) if line.status_id == CANCELLED)
    ReachableStatus.objects.filter(status__jira_id=CANCELLED).delete()
    monkeypatch.setattr(rounds, "PAGE", 0)
    InUseCount.objects.all().delete()
    count_all(connector)
    elsewhere = [line for line in in_use_lines(connector) if line.status_id is None and line.is_shared]
    assert [each.number for each in elsewhere if each.work_item_type == TypeName.STORY] == [number]
    for row in InUseCount.objects.filter(total__gt=0):
        assert row.total == sum(row.statuses.values())


def test_a_number_of_several_questions_is_the_least_until_each_was_answered(
    connector: Connector, signed_in: SignIn
) -> None:
    count_all(connector)
    whole = next(line for line in in_use_lines(connector) if line.status_id == CANCELLED)
    assert not whole.is_least
    other = InUseCount.objects.create(
        connector=connector, work_item_type=whole.work_item_type, key="another set", is_shared=True
    )
    now, long_ago = timezone.now(), timezone.now() - timedelta(days=30)
    for values, is_least in (
        ({"asked_at": None}, True),
        ({"asked_at": now, "error": "Jira did not answer."}, True),
        ({"asked_at": now, "error": "", "total": 1, "pending": [CANCELLED, 0]}, True),
        ({"asked_at": now, "pending": [0]}, False),
        ({"asked_at": long_ago, "counted_at": long_ago, "pending": []}, True),
        ({"asked_at": now, "counted_at": now}, False),
        ({"asked_at": now, "counted_at": now, "error": "What was counted before stands."}, False),
    ):
        InUseCount.objects.filter(pk=other.pk).update(**values)
        line = next(line for line in in_use_lines(connector) if line.status_id == CANCELLED)
        assert line.is_least == is_least, values
        begins = "At least " if is_least else ""
        assert line.sentence == f"{begins}{whole.sentence}"
    InUseCount.objects.filter(pk=other.pk).update(counted_at=None)
    html = signed_in(Role.VIEWER).get("/connectors/acme/mappings/").content.decode()
    assert f"At least {whole.sentence}" in html
    assert f"{whole.items}</span>" not in html, "a part is no number of the row"


def test_what_was_counted_in_a_former_jira_is_forgotten_with_it(connector: Connector, admin: Person) -> None:
    count_all(connector)
    assert told(connector)
    run = runner.claim("here", runner.start(connector, JobKind.IN_USE, actor=None).pk)
    row = InUseCount.objects.filter(connector=connector).first()
    data = data_of(connector)
    services.edit_connector(connector, replace(data, name="The same Jira"), actor=admin)
    assert told(connector)
    services.edit_connector(connector, replace(data, jira_site="https://other.atlassian.net"), actor=admin)
    assert told(connector) == []
    assert not InUseRound.objects.exists()
    assert row is not None
    assert run is not None
    with pytest.raises(JobFailed, match="another Jira site meanwhile"):
        rounds._keep(row, run)


def test_it_is_due_by_the_clock_for_connectors_that_work(connector: Connector, settings: LazySettings) -> None:
    assert rounds.start_due_rounds() == 0, "the first round waits for a while"
    state = InUseRound.objects.get(connector=connector)
    assert timezone.now() < state.due_at < timezone.now() + rounds.interval()
    past = timezone.now() - timedelta(seconds=1)
    usual = {"is_active": True, "catalogue_at": timezone.now(), "maintenance_since": None}
    unusual = ({"is_active": False}, {"catalogue_at": None}, {"maintenance_since": timezone.now()})
    for values in unusual:
        InUseRound.objects.update(due_at=past)
        Connector.objects.update(**(usual | values))
        assert rounds.start_due_rounds() == 0, values
    Connector.objects.update(**usual)
    settings.IN_USE_INTERVAL = 0
    assert rounds.start_due_rounds() == 0
    settings.IN_USE_INTERVAL = 3600
    assert rounds.start_due_rounds() == 1
    assert rounds.start_due_rounds() == 0, "it is under way"
    Job.objects.filter(kind=JobKind.IN_USE).update(state=JobState.DONE)
    assert rounds.start_due_rounds() == 0, "the next one comes an interval later"
    Credential.objects.filter(system="jira").delete()
    InUseRound.objects.update(due_at=past)
    assert rounds.start_due_rounds() == 0, "there is nothing to sign in with"
