"""Jira is asked for the projects of a batch before it leaves, and what it answers is believed only where it is sure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from alignadmin.accounts.models import Person
from connectors.jobs import runner
from connectors.models import Connector, Job
from mappings import planning
from mappings.applying.project_identity import ProjectIdentity
from mappings.models import Change, ChangeState, Plan
from tests.support.mapping_helpers import apply, approved_plan, edit, states
from tests.support.sandbox_fixture import JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, DEV_COMPLETE = 10013, 2
PROJECTS, MYSELF = "/rest/api/3/project/search", "/rest/api/3/myself"


@pytest.fixture
def plan(connector: Connector, admin: Person) -> Plan:
    """Approved, of one change of PAY."""
    edit(connector, "a2j-state", DEV_COMPLETE, IN_REVIEW, actor=admin, project="PAY")
    return approved_plan(connector, actor=admin)


@pytest.fixture
def identity(plan: Plan, admin: Person) -> ProjectIdentity:
    """In the hands of a worker."""
    planning.start_apply(plan, typed=plan.connector.slug, actor=admin)
    run = runner.claim("this worker", Job.objects.get(kind="apply").pk)
    assert run is not None
    return ProjectIdentity(run, plan.connector)


def change_of(plan: Plan) -> Change:
    return plan.changes.select_related("scope__project").get()


def asked(sandbox: RunningSandbox) -> list[str]:
    """Of Jira, since this was asked last."""
    paths = [each["path"] for each in sandbox.journal(containing="/rest/api/3/")]
    sandbox.clear_journal()
    return paths


def made_anew(sandbox: RunningSandbox) -> None:
    sandbox.edit("remove_project", key="PAY")
    sandbox.edit("add_project", key="PAY", name="Payments, second try")
    sandbox.clear_journal()


def test_a_token_that_dies_on_the_way_makes_no_project_gone(
    sandbox: RunningSandbox, plan: Plan, identity: ProjectIdentity
) -> None:
    """To Jira its caller is anonymous then, and sees an empty list."""
    change = change_of(plan)
    identity.look([change])
    sandbox.edit("revoke_token", site="jira", token=JIRA_TOKEN)
    asked(sandbox)
    identity.look([change])
    assert identity.why_not(change) == ""
    assert asked(sandbox) == [PROJECTS, MYSELF]


def test_one_request_that_failed_leaves_the_next_batch_guarded(
    sandbox: RunningSandbox, plan: Plan, identity: ProjectIdentity
) -> None:
    change = change_of(plan)
    made_anew(sandbox)
    sandbox.faults({"path": "project/search", "times": 1, "status": 503, "body": ""})
    identity.look([change])
    assert identity.why_not(change) == ""
    identity.look([change])
    assert "that PAY was" in identity.why_not(change)
    asked(sandbox)
    identity.look([change])
    assert asked(sandbox) == [], "what is gone is not asked for again"


def test_a_jira_that_is_down_is_not_asked_before_every_batch(
    sandbox: RunningSandbox, plan: Plan, identity: ProjectIdentity
) -> None:
    sandbox.faults({"path": "project/search", "status": 503, "body": ""})
    sandbox.clear_journal()
    for _ in range(4):
        identity.look([change_of(plan)])
    assert asked(sandbox) == [MYSELF, PROJECTS, PROJECTS]


def test_what_got_no_answer_is_not_sent_again_to_a_project_made_anew(
    sandbox: RunningSandbox, plan: Plan, admin: Person
) -> None:
    """As where a worker was killed after sending, and another goes on."""
    long_ago = timezone.now() - timedelta(hours=1)
    plan.changes.update(state=ChangeState.UNKNOWN, sends=1, sent_at=long_ago)
    made_anew(sandbox)
    apply(plan, actor=admin)
    assert states(plan) == ["stale"]
    assert "that PAY was" in change_of(plan).detail
    assert [each["path"] for method in ("POST", "PUT", "DELETE") for each in sandbox.journal(method)] == []
