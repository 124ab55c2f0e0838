"""What Align says of a connector and its projects: kept as it is now, with a row for each time that it differed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from alignadmin.http.listing import Records
from connectors.align.resources import ConnectorInfo, ConnectorProject
from connectors.catalogue import reported
from connectors.catalogue.align_lists import Projects, update_scope
from connectors.models import Connector, Project, ReportedChange
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)
Told = list[tuple[str | None, str, str, str]]


def told() -> Told:
    rows = ReportedChange.objects.order_by("id")
    return list(rows.values_list("project__key", "field", "before", "after"))


def says(connector: Connector, **fields: object) -> None:
    told_now = ConnectorInfo.from_json({"id": 123, "name": "Acme", "type": "Jira", **fields})
    reported.store_connector(connector, told_now, timezone.now())


def test_a_reading_keeps_what_is_said_now_and_a_row_where_it_differs(bare_connector: Connector) -> None:
    says(bare_connector, isActive=True)
    assert told() == [], "that it is active is no news the first time"
    says(bare_connector, isActive=True, errorMessage=None)
    says(bare_connector, isActive=False, errorMessage="Token expired" + "!" * 900)
    says(bare_connector)  # a site may leave it out
    says(bare_connector, isActive=True)
    long = ("Token expired" + "!" * 900)[:500]
    assert told() == [
        (None, "isActive", "true", "false"),
        (None, "errorMessage", "", long),
        (None, "errorMessage", long, ""),
        (None, "isActive", "false", "true"),
    ]
    bare_connector.refresh_from_db()
    assert (bare_connector.align_active, bare_connector.align_message) == (True, "")


def test_a_project_s_message_has_a_row_when_it_comes_and_when_it_goes(bare_connector: Connector) -> None:
    Project.objects.create(connector=bare_connector, jira_id=1, key="A", name="A")
    for message in ("No programme", "No programme", "x" * 900, None):
        record = ConnectorProject.from_json(
            {"id": 1, "projectId": 1, "projectKey": "A", "projectName": "A", "programId": 1, "errorMessage": message}
        )
        update_scope(bare_connector, Projects(records=Records([record])), timezone.now())
    assert told() == [
        ("A", "errorMessage", "", "No programme"),
        ("A", "errorMessage", "No programme", "x" * 500),
        ("A", "errorMessage", "x" * 500, ""),
    ]


def test_rows_are_kept_for_90_days_and_of_one_connector_in_bounded_number(
    bare_connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reported, "MOST_KEPT", 3)
    says(bare_connector, errorMessage="old")
    ReportedChange.objects.update(at=timezone.now() - timedelta(days=91))
    says(bare_connector, errorMessage="new")
    assert [after for *_, after in told()] == ["new"]
    for number in range(5):
        says(bare_connector, errorMessage=f"{number}")
    assert [after for *_, after in told()] == ["2", "3", "4"]


def test_the_real_reading_of_a_site_stores_it(connector: Connector) -> None:
    factories.refreshed(connector)
    assert connector.align_active is True
    assert not ReportedChange.objects.exists()
