"""Rows of plans and changes against the entries about them: a state that no entry leads to is found."""

from __future__ import annotations

import pytest
from django.utils import timezone

from alignadmin.accounts.models import Person
from connectors.jobs import runner
from connectors.models import Connector, JobKind
from mappings import copies, planning
from mappings.applying.journal import Journal
from mappings.models import Change, ChangeState, Plan, PlanState
from tests.support import mapping_helpers
from tests.support.mapping_helpers import edit

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA = 10013, 10015


def differing(plan: Plan) -> list[str]:
    return [each.sentence for each in copies.of_plans([plan.pk])]


def made(connector: Connector, actor: Person) -> Plan:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=actor)
    edit(connector, "j2a-state", QA, 4, actor=actor)
    return mapping_helpers.approved_plan(connector, actor=actor)


@pytest.fixture
def half_sent(connector: Connector, admin: Person) -> Plan:
    """As a worker leaves it that dies while a request is under way: the first has left, the second has not."""
    plan = planning.start_apply(made(connector, admin), typed=connector.slug, actor=admin)
    run = runner.claim(
        "a worker that dies", runner.start(connector, JobKind.APPLY, actor=admin, subject=str(plan.pk)).pk
    )
    assert run is not None
    first = plan.changes.earliest("position")
    assert Journal(run=run, plan=plan).mark_sending([first]) == [first]
    return plan


def test_a_change_that_is_under_way_is_as_its_entry_says(half_sent: Plan) -> None:
    assert differing(half_sent) == []


@pytest.mark.parametrize(
    ("was", "says"), [(ChangeState.PLANNED, ChangeState.SENDING), (ChangeState.SENDING, ChangeState.PLANNED)]
)
def test_whether_a_request_left_cannot_be_altered(half_sent: Plan, was: ChangeState, says: ChangeState) -> None:
    half_sent.changes.filter(state=was).update(state=says, sent_at=timezone.now())
    assert any(" state " in each for each in differing(half_sent)), differing(half_sent)


def test_a_plan_that_never_began_has_nothing_under_way(connector: Connector, admin: Person) -> None:
    plan = made(connector, admin)
    Change.objects.filter(plan=plan, position=1).update(state=ChangeState.SENDING)
    assert differing(plan)


def test_a_plan_that_ended_is_not_made_a_cancelled_one(connector: Connector, admin: Person) -> None:
    plan = mapping_helpers.apply(made(connector, admin), actor=admin)
    assert differing(plan) == []
    Plan.objects.filter(pk=plan.pk).update(state=PlanState.CANCELLED)
    assert differing(plan)
