"""The page of the rate budget, and which share each kind of work may use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.http import Ticket
from alignadmin.http.address import origin_of
from connectors.budget.slots import database_budget
from connectors.jobs import runner
from connectors.models import BudgetGate, BudgetSlot, Connector, Job, JobKind, JobState
from tests.conftest import SignIn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small(settings: LazySettings) -> None:
    settings.BUDGET_SLOTS, settings.BUDGET_RESERVED = 6, 2


@pytest.fixture
def viewer(signed_in: SignIn) -> Client:
    return signed_in(Role.VIEWER)


def shown(client: Client, connector: Connector, **headers: str) -> str:
    answer = client.get(f"/connectors/{connector.slug}/budget/", headers=headers)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def take(connector: Connector, count: int, *, interactive: bool = False) -> list[Ticket]:
    budget = database_budget("align", origin_of(connector.align_site), interactive=interactive)
    return [budget.take(deadline=1.0, patience=0) for _ in range(count)]


def a_job(connector: Connector, by: Person | None, **values: Any) -> Job:
    job = runner.start(connector, JobKind.OBSERVE, actor=by)
    Job.objects.filter(pk=job.pk).update(started_at=timezone.now(), **values)
    return job


def test_it_shows_what_is_used_free_and_reserved(viewer: Client, bare_connector: Connector) -> None:
    assert "<b>0</b><small>used</small>" in shown(viewer, bare_connector)
    take(bare_connector, 3)
    page = shown(viewer, bare_connector)
    assert "<b>3</b><small>used</small>" in page
    assert "<b>1</b><small>free for background work</small>" in page
    assert "<b>2<small> of 2</small></b><small>free, reserved for people</small>" in page
    assert "<b>6</b><small>slots in 1 min</small>" in page
    assert "Nothing has to wait for this site." in page


def test_it_says_when_background_work_goes_on(viewer: Client, bare_connector: Connector) -> None:
    take(bare_connector, 4)
    page = shown(viewer, bare_connector)
    assert "Work in the background has used its share: the next slot is free in" in page
    assert "People's clicks go on at once." in page
    take(bare_connector, 2, interactive=True)
    assert "People's clicks go on at once." not in shown(viewer, bare_connector)


def test_it_says_until_when_a_site_is_blocked_and_that_one_request_tests_it(
    viewer: Client, bare_connector: Connector
) -> None:
    origin = origin_of(bare_connector.align_site)
    budget = database_budget("align", origin)
    budget.blocked(budget.take(deadline=1.0, patience=0), 60.0)
    page = shown(viewer, bare_connector)
    assert "The site answered 429, so everybody waits until" in page
    assert "Nothing fails" in page
    BudgetGate.objects.update(blocked_until=timezone.now() - timedelta(seconds=1))
    assert "The next request tests whether the site agrees." in shown(viewer, bare_connector)
    probe = budget.take(deadline=1.0, patience=0)
    assert "One request is testing whether the site agrees" in shown(viewer, bare_connector)
    budget.answered(probe)
    assert "Nothing has to wait for this site." in shown(viewer, bare_connector)


def test_it_names_who_waits_for_what_also_for_another_connector_to_the_site(
    viewer: Client, bare_connector: Connector, people: dict[Role, Person]
) -> None:
    sharer = Connector.objects.create(
        slug="other", name="Other <b>", align_site=bare_connector.align_site, align_connector_id=124
    )
    elsewhere = Connector.objects.create(
        slug="third", name="Third", align_site="http://127.0.0.1:9", align_connector_id=125
    )
    a_job(bare_connector, people[Role.EDITOR], state=JobState.RUNNING, waits_for="rate limit: resumes in 14 s")
    a_job(sharer, None, state=JobState.QUEUED)
    a_job(elsewhere, None, state=JobState.QUEUED)
    page = shown(viewer, bare_connector).split('id="budget"')[1]
    assert "rate limit: resumes in 14 s" in page
    assert "<bdi>Editor</bdi>" in page
    assert "the clock" in page
    assert page.count("Other &lt;b&gt;") == 2, "as a sharer, and beside its job"
    assert "Third" not in page


def test_a_strip_that_waits_for_the_rate_limit_leads_to_it(viewer: Client, bare_connector: Connector) -> None:
    job = a_job(bare_connector, None, state=JobState.RUNNING, waits_for="rate limit: resumes in 14 s")
    address = f"/connectors/{bare_connector.slug}/budget/"
    assert address in viewer.get(f"/connectors/{bare_connector.slug}/job/{job.pk}/").content.decode()
    assert address in viewer.get(f"/connectors/{bare_connector.slug}/").content.decode()
    Job.objects.update(waits_for="a request without an answer may still take effect: 3 s")
    assert address not in viewer.get(f"/connectors/{bare_connector.slug}/job/{job.pk}/").content.decode()


def test_it_refreshes_itself_and_only_looks(viewer: Client, bare_connector: Connector) -> None:
    take(bare_connector, 1)
    rows = list(BudgetSlot.objects.order_by("pk").values())
    whole = shown(viewer, bare_connector)
    assert 'hx-trigger="every 2s"' in whole
    assert "<noscript>" in whole
    headers = {"HX-Request": "true", "HX-Target": "budget", "X-Polling": "1"}
    with CaptureQueriesContext(database) as queries:
        fragment = shown(viewer, bare_connector, **headers)
    assert fragment.startswith('<div id="budget"')
    assert "<html" not in fragment
    assert {query["sql"].split()[0].upper() for query in queries} == {"SELECT"}
    assert len(queries) <= 12
    assert list(BudgetSlot.objects.order_by("pk").values()) == rows


def test_a_site_that_was_never_asked_shows_every_slot_free_and_gets_no_row(
    viewer: Client, bare_connector: Connector
) -> None:
    assert "<b>4</b><small>free for background work</small>" in shown(viewer, bare_connector)
    assert not BudgetGate.objects.exists()


def test_a_connector_that_is_not_there_has_no_budget(viewer: Client, bare_connector: Connector) -> None:
    assert shown(viewer, bare_connector)
    assert viewer.get("/connectors/nowhere/budget/").status_code == 404
