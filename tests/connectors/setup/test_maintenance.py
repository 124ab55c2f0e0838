"""Maintenance of a connector: an admin begins and ends it, every page tells it, and on return the lists are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.errors import Refused
from connectors.models import Connector, HistoryRow, Job, JobState
from connectors.setup import maintenance
from mappings.models import PlanState
from tests.support import factories
from tests.support import mapping_helpers as steps

SignIn = Callable[[Role], Client]
HTMX = {"HX-Request": "true"}
PAGE = "/connectors/acme/maintenance/"
REASON = "Workflow migration, CHG-77"
pytestmark = pytest.mark.django_db


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def begin(client: Client, *, reason: str = REASON, until: str = "", **headers: Any) -> Any:
    return client.post(f"{PAGE}begin/", {"reason": reason, "until": until}, headers=headers)


def end(client: Client, since: str | None = None, **headers: Any) -> Any:
    seen = since_of(client) if since is None else since
    return client.post(f"{PAGE}end/", {"since": seen}, headers=headers)


def since_of(client: Client) -> str:
    """What the button on the page would send."""
    found = re.search(r'name="since" value="([^"]+)"', client.get(PAGE).content.decode())
    return found[1] if found else ""


def text(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def reasons(action: str) -> list[str]:
    return list(HistoryRow.objects.filter(action=action).order_by("id").values_list("reason", flat=True))


def at(moment: timedelta) -> str:
    """As the form takes it; the test people see times in UTC."""
    return f"{timezone.now() + moment:%Y-%m-%dT%H:%M}"


# --- beginning --------------------------------------------------------------------------------------------------------


def test_an_admin_begins_it_and_every_page_of_the_connector_tells_it(
    bare_connector: Connector, configurer: Client, signed_in: SignIn
) -> None:
    answer = begin(configurer, until=at(timedelta(hours=2)))
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    assert maintenance.is_on(bare_connector)
    assert reasons("maintenance.begun") == [REASON]
    for address in (PAGE, "/connectors/acme/", "/connectors/acme/mappings/", "/connectors/acme/plan/"):
        told = text(configurer.get(address))
        assert re.search(rf"In maintenance since .* started by Admin : {REASON} \. Expected until", told), address
        assert "End maintenance" in told, address
    told = text(signed_in(Role.VIEWER).get("/connectors/acme/"))
    assert f"started by Admin : {REASON}" in told
    assert "End maintenance" not in told


def test_pages_of_other_connectors_do_not_tell_it(bare_connector: Connector, configurer: Client, admin: Person) -> None:
    factories.connector("http://127.0.0.1:9", actor=admin, slug="other", name="Other")
    begin(configurer)
    assert "In maintenance" not in text(configurer.get("/connectors/other/"))
    assert "In maintenance" in text(configurer.get("/connectors/acme/"))


def test_an_expected_end_that_has_passed_is_marked_and_ends_nothing(
    bare_connector: Connector, configurer: Client
) -> None:
    begin(configurer, until=at(timedelta(hours=1)))
    assert "passed" not in text(configurer.get("/connectors/acme/"))
    Connector.objects.update(maintenance_until=timezone.now() - timedelta(minutes=20))
    assert "passed 20 min ago" in text(configurer.get("/connectors/acme/"))
    assert maintenance.is_on(bare_connector)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"reason": ""}, "Say why"),
        ({"reason": " \t "}, "Say why"),
        ({"reason": "x" * 501}, "500 characters"),
        ({"until": "tomorrow"}, "Enter day and time"),
        ({"until": "9999-99-99T10:00"}, "Enter day and time"),
        ({"until": "2020-01-01T10:00"}, "has passed already"),
        ({"until": "2999-01-01T10:00"}, "more than 31 days away"),
    ],
)
def test_it_refuses_to_begin_with_what_makes_no_sense(
    bare_connector: Connector, configurer: Client, form: dict[str, str], says: str
) -> None:
    answer = begin(configurer, **form)
    assert answer.status_code in (400, 409)
    assert says in text(answer)
    assert not maintenance.is_on(bare_connector)
    assert begin(configurer, **(form | {"reason": REASON, "until": ""})).status_code == 303


def test_the_expected_end_is_read_in_the_viewers_zone(
    bare_connector: Connector, configurer: Client, admin: Person
) -> None:
    Person.objects.filter(pk=admin.pk).update(time_zone="Asia/Tokyo")
    tomorrow = timezone.now() + timedelta(days=1)
    assert "In Asia/Tokyo." in text(configurer.get(PAGE))
    begin(configurer, until=f"{tomorrow:%Y-%m-%d}T12:00")
    bare_connector.refresh_from_db()
    assert bare_connector.maintenance_until is not None
    assert bare_connector.maintenance_until.hour == 3


def test_a_double_click_begins_it_once_and_another_reason_is_refused(
    bare_connector: Connector, configurer: Client
) -> None:
    assert [begin(configurer).status_code for _ in range(2)] == [303, 303]
    refused = begin(configurer, reason="Something else")
    assert refused.status_code == 409
    assert f"is in maintenance since {timezone.now():%Y-%m-%d}" in text(refused)
    assert reasons("maintenance.begun") == [REASON]


def test_who_is_no_admin_and_who_has_not_signed_in_lately_cannot_begin_or_end_it(
    bare_connector: Connector, configurer: Client, signed_in: SignIn
) -> None:
    for role in (Role.VIEWER, Role.EDITOR, Role.REVIEWER):
        assert begin(signed_in(role)).status_code == 403
    session = configurer.session
    fresh = session["began_at"]
    session["began_at"] = timezone.now().timestamp() - settings.FRESH_SIGN_IN - 5
    session.save()
    assert "reauthenticate" in begin(configurer)["Location"]
    assert not maintenance.is_on(bare_connector)
    session["began_at"] = fresh
    session.save()
    begin(configurer)
    assert end(signed_in(Role.EDITOR), since_of(configurer)).status_code == 403
    assert maintenance.is_on(bare_connector)


@pytest.mark.django_db(transaction=True)
def test_of_admins_who_begin_it_at_once_one_does(bare_connector: Connector, admin: Person) -> None:
    def attempt(number: int) -> str:
        try:
            maintenance.begin(bare_connector, reason=f"Reason {number}", actor=admin)
        except Refused as refused:
            return str(refused)
        finally:
            connections.close_all()
        return ""

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(attempt, range(4)))
    assert answers.count("") == 1
    assert len(reasons("maintenance.begun")) == 1
    assert all("is in maintenance since" in answer for answer in answers if answer)


# --- while it is on ---------------------------------------------------------------------------------------------------


def test_what_it_stops_is_told_who_since_when_and_why(bare_connector: Connector, admin: Person) -> None:
    maintenance.refuse(bare_connector)
    begun = maintenance.begin(bare_connector, reason=REASON, actor=admin)
    with pytest.raises(Refused, match=rf"since {begun.maintenance_since:%Y-%m-%d %H:%M} UTC \(Admin: {REASON}\)"):
        maintenance.refuse(bare_connector)  # the row in hand is older than the maintenance


def test_no_plan_is_applied_until_it_ends(connector: Connector, admin: Person, configurer: Client) -> None:
    steps.edit(connector, "j2a-state", 10017, 2, actor=admin)
    plan = steps.approved_plan(connector, actor=admin)
    begin(configurer)
    refused = configurer.post(f"/plans/{plan.pk}/apply/", {"typed": "acme"}, headers=HTMX)
    assert refused.status_code == 409
    assert REASON in text(refused)
    plan.refresh_from_db()
    assert plan.state == PlanState.APPROVED
    end(configurer)
    assert steps.apply(plan, actor=admin).state == PlanState.FINISHED


# --- ending -----------------------------------------------------------------------------------------------------------


def test_its_end_starts_a_check_at_once(bare_connector: Connector, configurer: Client) -> None:
    begin(configurer)
    assert not Job.objects.filter(kind="observe").exists()
    answer = end(configurer)
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    assert not maintenance.is_on(bare_connector)
    assert Job.objects.filter(connector=bare_connector, state=JobState.QUEUED).exists()
    assert reasons("maintenance.ended") == [REASON]
    assert "In maintenance" not in text(configurer.get("/connectors/acme/"))


def test_a_paused_plan_stays_paused_and_is_named(connector: Connector, admin: Person, configurer: Client) -> None:
    steps.edit(connector, "j2a-state", 10017, 2, actor=admin)
    plan = steps.approved_plan(connector, actor=admin)
    plan.state = PlanState.PAUSED
    plan.save()
    begin(configurer)
    assert f"Plan {plan.pk} is paused" in text(configurer.get(PAGE))
    end(configurer)
    plan.refresh_from_db()
    assert plan.state == PlanState.PAUSED
    assert f"Plan {plan.pk} is paused" in text(configurer.get(PAGE))


def test_a_double_click_ends_it_once(bare_connector: Connector, configurer: Client) -> None:
    begin(configurer)
    since = since_of(configurer)
    assert [end(configurer, since).status_code for _ in range(2)] == [303, 303]
    assert reasons("maintenance.ended") == [REASON]


def test_a_page_that_shows_an_earlier_one_does_not_end_the_next(bare_connector: Connector, configurer: Client) -> None:
    begin(configurer)
    stale = since_of(configurer)
    end(configurer, stale)
    begin(configurer, reason="The next one")
    refused = end(configurer, stale)
    assert refused.status_code == 409
    assert "not the maintenance you saw" in text(refused)
    assert maintenance.is_on(bare_connector)
    assert end(configurer).status_code == 303


@pytest.mark.parametrize("since", ["", "yesterday", "2026-13-45T00:00:00+00:00", "2026-11-21T10:00:00", "\0" * 9])
def test_it_is_not_ended_by_a_request_that_does_not_name_it(
    bare_connector: Connector, configurer: Client, since: str
) -> None:
    begin(configurer)
    assert end(configurer, since).status_code == 400
    assert maintenance.is_on(bare_connector)
    assert end(configurer).status_code == 303


def test_it_outlives_who_began_it(bare_connector: Connector, configurer: Client) -> None:
    sam = factories.person(Role.ADMIN, email="sam@example.test", name="Sam")
    maintenance.begin(bare_connector, reason=REASON, actor=sam)
    Connector.objects.update(maintenance_by=None)
    assert "started by someone who has left" in text(configurer.get("/connectors/acme/"))
    assert end(configurer).status_code == 303
