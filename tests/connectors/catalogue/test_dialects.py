"""Any site's dialect: what decorates a record may be odd or missing, and one list or project stops no other."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Role
from connectors.jobs import runner
from connectors.models import (
    Connector,
    Finding,
    IssueType,
    Job,
    JobKind,
    JobState,
    ListState,
    ProcessFlow,
    ProcessStep,
    Project,
    ReachableStatus,
    Status,
)
from tests.conftest import SignIn
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = (Project, Status, IssueType, ProcessFlow, ProcessStep)


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def refresh(owner: Connector) -> Job:
    owner.refresh_from_db()
    return runner.run_now(runner.start(owner, JobKind.REFRESH, actor=None))


def gone() -> list[str]:
    return [str(each) for table in TABLES for each in table._default_manager.exclude(vanished_at=None)]


def names() -> dict[str, list[Any]]:
    return {
        table.__name__: list(table._default_manager.order_by("pk").values_list("name", flat=True)) for table in TABLES
    }


@pytest.mark.parametrize("said", ["no", "403"])
def test_a_site_without_process_flows_is_read_and_the_flows_say_why(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, said: str
) -> None:
    before, reached = names(), ReachableStatus.objects.count()
    sandbox.reset(value_streams=said)
    sandbox.edit("rename_status", id=10015, name="Testing")
    assert refresh(connector).state == JobState.DONE
    state = ListState.objects.get(name="align-flows")
    assert state.error.startswith("Process flows: Jira Align does not")
    assert Status.objects.get(jira_id=10015).name == "Testing"
    assert (names()["ProcessStep"], ReachableStatus.objects.count()) == (before["ProcessStep"], reached)
    assert gone() == []
    page = configurer.get(f"/connectors/{connector.slug}/").content.decode()
    assert "Process flows: Jira Align does not" in page
    sandbox.reset(value_streams="yes")
    refresh(connector)
    assert ListState.objects.get(name="align-flows").error == ""


@pytest.mark.parametrize("shape", ["state-names", "ids", "names", "none"])
def test_steps_are_read_in_any_shape_and_what_is_not_told_stays(
    connector: Connector, sandbox: RunningSandbox, shape: str
) -> None:
    before = list(ProcessStep.objects.order_by("pk").values_list("align_id", "name", "map_to_state"))
    assert any(state is not None for _, _, state in before)
    sandbox.reset(step_shape=shape)
    assert refresh(connector).state == JobState.DONE
    after = list(ProcessStep.objects.order_by("pk").values_list("align_id", "name", "map_to_state"))
    assert [each[:2] for each in after] == [each[:2] for each in before]
    if shape != "ids":
        assert after == before, "ids alone do not say the state, everything else leaves it as it was"
    assert gone() == []
    assert set(Finding.objects.values_list("change", flat=True)) == set()


@pytest.mark.parametrize("odd", ["decoration", "pascal", "items", "data", "results", "latin-1", "utf-16"])
def test_another_dialect_says_the_same(connector: Connector, sandbox: RunningSandbox, odd: str) -> None:
    before = names()
    levels = list(IssueType.objects.order_by("pk").values_list("hierarchy_level", "subtask"))
    programmes = list(ProcessFlow.objects.order_by("pk").values_list("programme_ids", "is_active"))
    sandbox.reset(odd_records=odd)
    job = refresh(connector)
    assert job.state == JobState.DONE, job.error
    assert gone() == []
    assert list(IssueType.objects.order_by("pk").values_list("hierarchy_level", "subtask")) == levels
    assert list(ProcessFlow.objects.order_by("pk").values_list("programme_ids", "is_active")) == programmes
    if odd == "decoration":
        assert Status.objects.filter(name__startswith="In Review\ufffd").exists()
    elif odd != "latin-1":
        assert names() == before
    assert not ListState.objects.exclude(set_aside=0, error="").exists()


def test_records_that_cannot_be_used_are_set_aside_counted_and_shown(
    connector: Connector, sandbox: RunningSandbox, configurer: Client
) -> None:
    before = names()
    sandbox.reset(odd_records="unusable")
    job = refresh(connector)
    assert job.state == JobState.DONE, job.error
    assert (names(), gone()) == (before, [])
    aside = dict(ListState.objects.values_list("name", "set_aside"))
    assert aside == {
        "jira-projects": 1,
        "jira-statuses": 2,
        "jira-types": 1,
        "align-projects": 2,
        "align-flows": 1,
    }
    page = configurer.get(f"/connectors/{connector.slug}/").content.decode()
    assert "Statuses: 2 records cannot be used and are set aside" in page
    assert "Projects in Align: 2 records cannot be used" in page
    refused = Project.objects.exclude(read_error="").values_list("key", "read_error")
    assert all(words.startswith(f"Statuses of project {key}: 1 record cannot be used") for key, words in refused)
    assert len(refused) == Project.objects.filter(in_scope=True).count()


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_one_projects_refusal_is_its_state_and_the_refresh_goes_on(
    connector: Connector, sandbox: RunningSandbox, status: int
) -> None:
    sandbox.faults({"path": "/project/PAY/statuses", "status": status})
    assert refresh(connector).state == JobState.DONE
    refused = Project.objects.exclude(read_error="")
    assert [each.key for each in refused] == ["PAY"]
    assert refused[0].read_error.startswith("Statuses of project PAY: Jira ")
    assert (gone(), Finding.objects.count()) == ([], 0)
