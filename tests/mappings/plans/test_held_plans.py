"""Another plan that holds the connector: a state with its link, and an Apply that cannot be pressed meanwhile."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.due_work import run_due
from connectors.models import Connector, Job, JobKind
from mappings import planning
from mappings.models import Plan, PlanState
from tests.conftest import SignIn
from tests.support import mapping_helpers
from tests.support.mapping_helpers import edit

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA = 10013, 10015


@pytest.fixture
def client(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def held_and_waiting(connector: Connector, admin: Person) -> tuple[Plan, Plan]:
    """Two approved plans, the first of which is being applied, with one of its changes done."""
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    first = mapping_helpers.approved_plan(connector, actor=admin)
    edit(connector, "j2a-state", QA, 4, actor=admin)
    second = mapping_helpers.approved_plan(connector, actor=admin)
    planning.start_apply(first, typed="acme", actor=admin)
    return first, second


def test_another_plan_under_way_is_a_state_with_its_link_and_apply_cannot_be_pressed_meanwhile(
    client: Client, signed_in: SignIn, connector: Connector, admin: Person
) -> None:
    first, second = held_and_waiting(connector, admin)
    address, apply_button = f"/plans/{second.pk}/", f'action="/plans/{second.pk}/apply/"'
    html = client.get(address).content.decode()
    assert f"Plan {first.pk} by Admin is being applied: 0 of 1" in text_of(html)
    assert f'<a id="held-by" href="/plans/{first.pk}/">' in html  # by its id the focus is kept while it is polled
    assert apply_button not in html
    assert 'hx-trigger="every 3s"' in html
    assert "by Admin is being applied" not in text_of(client.get(f"/plans/{first.pk}/").content.decode())

    refused = client.post(f"{address}apply/", {"confirm": "acme"})
    assert refused.status_code == 409
    assert f"Plan {first.pk} of Admin has held this connector since" in refused.content.decode()

    client.post(f"/plans/{first.pk}/pause/")
    run_due()
    paused = f"Plan {first.pk} by Admin is paused at 0 of 1 . "
    assert f"{paused}Resume it, or cancel its rest: this one can be applied" in text_of(
        client.get(address).content.decode()
    )
    seen_by_others = text_of(signed_in(Role.VIEWER).get(address).content.decode())
    assert f"{paused}An admin can resume it or cancel its rest: this one can be applied" in seen_by_others
    client.post(f"/plans/{first.pk}/resume/")
    run_due()
    html = client.get(address).content.decode()
    assert apply_button in html
    assert "every 3s" not in html


def test_while_somebody_may_type_into_an_approval_only_the_state_of_the_other_plan_is_drawn_anew(
    client: Client, connector: Connector, admin: Person
) -> None:
    held_and_waiting(connector, admin)
    draft = mapping_helpers.make_plan(connector, actor=admin)
    html = client.get(f"/plans/{draft.pk}/").content.decode()
    assert 'hx-select-oob="#plan-poll,#plan-held"' in html
    assert f'action="/plans/{draft.pk}/approve/"' in html
    assert "this one can be approved meanwhile, and applied when it has ended" in text_of(html)


def test_of_two_plans_applied_at_the_same_moment_one_starts(
    transactional_db: None, connector: Connector, admin: Person
) -> None:
    plans = []
    for status, target in ((IN_REVIEW, 3), (QA, 4)):
        edit(connector, "j2a-state", status, target, actor=admin)
        plans.append(mapping_helpers.approved_plan(connector, actor=admin))
    start = Barrier(4)

    def attempt(number: int) -> tuple[int, str]:
        browser = Client()
        browser.force_login(admin)
        start.wait(timeout=20)
        try:
            answer = browser.post(f"/plans/{plans[number % 2].pk}/apply/", {"confirm": "acme"})
            return answer.status_code, answer.content.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(attempt, range(4)))
    assert [status for status, _ in answers] == [303, 409, 409, 409]
    assert all(re.search("has held this connector since|Already started by Admin", text) for _, text in answers[1:])
    assert Plan.objects.filter(state=PlanState.APPLYING).count() == 1
    assert Job.objects.filter(kind=JobKind.APPLY).count() == 1
