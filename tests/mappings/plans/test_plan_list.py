"""The list of plans: outcomes by name and number, filters, and thousands of them."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from connectors.models import Connector
from mappings.models import Change, ChangeState, Plan, PlanState
from tests.conftest import People, SignIn
from tests.support import mapping_helpers
from tests.support.mapping_helpers import edit
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA = 10013, 10015


@pytest.fixture
def client(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_list_names_each_outcome_with_numbers_and_is_filtered_by_it_and_by_person(
    client: Client, connector: Connector, admin: Person, people: People, sandbox: RunningSandbox
) -> None:
    """Of four plans one was applied, one in part, one not at all, and one waits; the edits are of two people."""
    eli = people[Role.EDITOR]
    for puts, targets in enumerate(((3, 4), (4, 3), (2, 2))):
        for status, target in zip((IN_REVIEW, QA), targets, strict=True):
            edit(connector, "j2a-state", status, target, actor=eli if status == QA else admin)
        plan = mapping_helpers.approved_plan(connector, actor=admin)
        sandbox.faults(*[{"method": "PUT", "status": 400, **({"times": 1} if puts == 1 else {})}] * bool(puts))
        mapping_helpers.apply(plan, actor=admin)
    sandbox.faults()
    mapping_helpers.make_plan(connector, actor=admin)
    first = Plan.objects.earliest("pk").pk

    def listed(query: str = "") -> str:
        return text_of(client.get(f"/plans/?{query}").content.decode())

    whole = listed()
    for words in (
        "Applied 2 done",
        "Partly applied 1 done, 1 failed",
        "Nothing applied 2 failed",
        "To approve 2 changes",
    ):
        assert words in whole
    assert "edits of Admin, Editor" in whole
    assert "Admin applied by" not in whole  # one admin approved and applied each of them
    assert len(re.findall("Admin applied ", whole)) == 2
    assert len(re.findall("Admin started ", whole)) == 1
    of_filter = {"applied": [first], "partly": [first + 1], "nothing": [first + 2], "draft": [first + 3], "paused": []}
    for state, plans in of_filter.items():
        assert re.findall(r"Plan (\d+)", listed(f"state={state}")) == [str(pk) for pk in plans], state
    assert len(re.findall(r"Plan \d", listed("state=finished&connector=acme"))) == 3
    numbers = {f"person={eli.pk}": 4, f"person={admin.pk}": 4, f"person={people[Role.VIEWER].pk}": 0, "person=x": 0}
    assert {query: len(re.findall(r"Plan \d", listed(query))) for query in numbers} == numbers

    Change.objects.filter(plan=first + 2, source_id=QA).update(state=ChangeState.UNKNOWN)
    assert "Result not known 1 failed, 1 without an answer" in listed("state=unknown")
    assert not re.findall(r"Plan \d", listed("state=nothing"))
    Plan.objects.filter(pk=first + 3).update(state=PlanState.APPROVED, approver=eli)  # who is no admin
    assert "To approve again 2 changes" in listed("state=approved")
    assert "2 changes to approve again" in text_of(client.get(f"/plans/{first + 3}/").content.decode())


def test_thousands_of_plans_are_pages_of_one_filter_in_as_many_queries_as_few(
    client: Client, connector: Connector, admin: Person
) -> None:
    def made(number: int) -> None:
        values = {"connector": connector, "author": admin, "created_at": timezone.now(), "seen_at": timezone.now()}
        Plan.objects.bulk_create([Plan(**values, reason=f"{n}", state="cancelled") for n in range(number)])

    def queries() -> tuple[int, str]:
        with CaptureQueriesContext(connection) as captured:
            html = client.get(f"/plans/?state=cancelled&person={admin.pk}&page=2").content.decode()
        return len(captured), html

    made(60)
    queries()
    few, _ = queries()
    made(2000)
    many, html = queries()
    assert many == few
    assert "51 to 100 of 2060" in html
    assert f"?state=cancelled&amp;person={admin.pk}&amp;page=3" in html
