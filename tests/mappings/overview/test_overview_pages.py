"""The overview and the coverage page at the HTTP edge."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from connectors.models import Connector, HistoryRow, WorkerHeartbeat
from mappings import planning
from mappings.drift import status as watch
from mappings.drift.queries import drifted_rows
from mappings.models import PlanState, Scope
from mappings.overview import activity, figures
from tests.support import factories, mapping_helpers
from tests.support.mapping_helpers import edit
from tests.support.people_helpers import said

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA = 10013, 10015
COVERAGE = "/connectors/acme/coverage/"


@pytest.fixture
def client(connector: Connector, signed_in: Callable[[Role], Client]) -> Client:
    return signed_in(Role.ADMIN)


def projects(html: str) -> list[str]:
    return re.findall(r'<th scope="row" title="[^"]*">(\w+)', html)


def test_an_edit_in_an_open_plan_is_told_with_its_plan_alone(
    client: Client, connector: Connector, admin: Person
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    assert "1 edit not planned" in said(client.get("/"))
    plan = mapping_helpers.make_plan(connector, actor=admin)
    shown = said(client.get("/"))
    assert "not planned" not in shown
    assert f"Plan {plan.pk}: to approve" in shown
    for path in ("/connectors/", "/connectors/acme/projects/"):  # nor there
        assert 'href="/connectors/acme/plan/"' not in client.get(path).content.decode()

    edit(connector, "j2a-state", QA, 2, actor=admin)
    assert "1 edit not planned" in said(client.get("/"))
    edit(connector, "j2a-state", IN_REVIEW, 4, actor=admin)  # since it was planned with 3
    assert "2 edits not planned" in said(client.get("/"))
    assert 'href="/connectors/acme/plan/">2<' in client.get("/connectors/").content.decode()
    assert "2 edits waiting" in said(client.get("/connectors/acme/projects/"))
    planning.control(plan, "cancel", actor=admin)
    plan.refresh_from_db()
    assert plan.state == PlanState.CANCELLED
    assert "2 edits not planned" in said(client.get("/"))


def test_what_a_plan_did_is_one_line_that_leads_to_it(client: Client, connector: Connector, admin: Person) -> None:
    for status in (IN_REVIEW, QA):
        edit(connector, "j2a-state", status, 2, actor=admin)
    plan = mapping_helpers.apply_all(connector, actor=admin)
    html = client.get("/").content.decode()
    shown = html[html.index("Recent activity") :]
    assert shown.count(f'href="/plans/{plan.pk}/"') == 1
    assert re.search(rf"and \d+ more of plan {plan.pk}", shown)


def test_a_large_plan_is_counted_whole_and_leaves_room_for_what_was_before_it(
    client: Client, connector: Connector, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "LOOKED_AT", 3)
    before = len(activity.last_activity(admin))
    last = HistoryRow.objects.order_by("-at", "-id")[0].at
    HistoryRow.objects.bulk_create(
        HistoryRow(
            at=last + timedelta(seconds=n), connector=connector, source="align", action="x", plan=7, sentence="s"
        )
        for n in range(9)
    )
    shown = activity.last_activity(admin)
    assert (shown[0].row.plan, shown[0].more) == (7, 8)
    assert len(shown) == before + 1


def test_several_connectors_are_a_table_and_each_line_names_its_own(
    client: Client, connector: Connector, admin: Person
) -> None:
    factories.connector("https://other.example.com", actor=admin, slug="other", name="Other")
    edit(connector, "j2a-state", QA, 2, actor=admin)
    html = client.get("/").content.decode()
    table = html[html.index('id="connectors"') : html.index("Recent activity")]
    assert re.findall(r'<th scope="row"><a href="/connectors/(\w+)/"', table) == ["acme", "other"]
    assert re.search(r"1 edit not planned</a>\s*<small><bdi>Acme</bdi>", html)
    assert f'hx-get="{COVERAGE}"' in table
    chips = re.compile(r'<span class="chip \w*">([^<]+)</span>')
    assert chips.findall(table) == chips.findall(client.get("/connectors/").content.decode())
    assert len(chips.findall(table)) == 2


def test_rows_of_a_list_that_waits_for_its_next_reading_count_nowhere(connector: Connector) -> None:
    """As after a choice of type ids, until which the drift page leaves them out."""
    row = mapping_helpers.mapping(connector, "j2a-state", IN_REVIEW)
    mapping_helpers.many_drifted(row.scope, 2)

    def numbers() -> tuple[int, int, int]:
        watched = watch.status(connector).drifted
        return drifted_rows(connector).count(), watched, figures.projects(connector).shared_drifted

    assert numbers() == (2, 2, 2)
    Scope.objects.filter(pk=row.scope_id).update(observed_at=None)
    assert numbers() == (0, 0, 0)


def test_the_strip_says_whether_a_worker_is_heard(client: Client) -> None:
    WorkerHeartbeat.objects.all().delete()
    assert "No worker is heard" in said(client.get("/"))
    factories.worker_alive()
    assert "Worker heard" in said(client.get("/"))


def test_coverage_has_every_project_worst_first_and_filters(client: Client, connector: Connector) -> None:
    html = client.get(COVERAGE).content.decode()
    shown = projects(html)
    assert len(shown) == connector.projects.filter(in_scope=True).count() > 10
    worst = projects(client.get("/").content.decode())
    assert worst == shown[: len(worst)]
    squares = [re.findall(r'class="sq (\w+)"', row) for row in re.findall(r"<tr>.*?</tr>", html)]
    unmapped = [row.count("unmapped") for row in squares if row]
    assert unmapped == sorted(unmapped, reverse=True)
    assert unmapped[0] > 0

    assert projects(client.get(COVERAGE, {"q": "hAcK"}).content.decode()) == ["HACK"]
    some = projects(client.get(COVERAGE, {"state": "unmapped"}).content.decode())
    assert some == shown[: len(some)]
    assert len(some) == sum(number > 0 for number in unmapped)
    assert "No project fits" in said(client.get(COVERAGE, {"q": "no such", "state": "unmapped", "page": "9" * 30}))
    assert projects(client.get(COVERAGE, {"state": "x"}).content.decode()) == shown, "no such state"
    assert client.get("/connectors/nobody/coverage/").status_code == 404
    number = client.get(COVERAGE, headers={"HX-Request": "true"}).content.decode()
    assert re.fullmatch(r'<b class="percent num">\d+ %</b>\s*', number)
