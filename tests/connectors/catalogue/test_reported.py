"""What Align says of a connector and its projects: kept as it is now, with a row for each time that it differed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from alignadmin.http.listing import Records
from connectors.align.resources import ConnectorInfo, ConnectorProject
from connectors.catalogue import reported
from connectors.catalogue.align_lists import Projects, update_scope
from connectors.credentials import clients
from connectors.jobs import runner
from connectors.models import Connector, Credential, JobKind, JobState, Project, ReportedChange
from tests.support import factories
from tests.support.sandbox_fixture import RunningSandbox

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
    project = Project.objects.get()
    Project.objects.filter(pk=project.pk).update(align_error="off")
    update_scope(bare_connector, Projects(records=Records([])), timezone.now())
    assert len(told()) == 3, "of one that left Align says nothing"


def test_rows_are_kept_for_90_days_and_of_one_connector_in_bounded_number(
    bare_connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reported, "MOST_KEPT", 3)
    says(bare_connector, errorMessage="old")
    ReportedChange.objects.update(at=timezone.now() - timedelta(days=91))
    says(bare_connector, errorMessage="new")
    assert reported.forget_old() == 1
    assert [after for *_, after in told()] == ["new"]
    assert reported.forget_old() == 0
    for number in range(5):
        says(bare_connector, errorMessage=f"{number}")
    assert [after for *_, after in told()] == ["2", "3", "4"]
    project = Project.objects.create(connector=bare_connector, jira_id=1, key="A", name="A", align_error="x")
    reported.store_changes(
        bare_connector,
        [reported.of_project(bare_connector, project, f"{number}", timezone.now()) for number in range(5)],
    )
    assert [before for _, _, before, _ in told()][3:] == ["2", "3", "4"], "projects push out nothing of the connector"


def test_an_older_reading_does_not_overwrite_and_its_time_is_when_align_told(bare_connector: Connector) -> None:
    says(bare_connector, isActive=False)
    bare_connector.refresh_from_db()
    told_at = bare_connector.align_told_at
    assert told_at is not None
    says(bare_connector)
    bare_connector.refresh_from_db()
    assert bare_connector.align_told_at == told_at, "what it left out it has not told"
    Connector.objects.update(align_lists_at=timezone.now() + timedelta(minutes=1))
    says(bare_connector, isActive=True)
    bare_connector.refresh_from_db()
    assert bare_connector.align_active is False


@pytest.mark.parametrize("moved", [{"align_site": "https://other.example.test"}, {"align_connector_id": 9}])
def test_what_was_asked_of_another_site_or_connector_is_not_kept(
    connector: Connector, sandbox: RunningSandbox, moved: dict[str, Any]
) -> None:
    """Both ways that an answer may go: it was on its way when the connector became another one."""
    client, mine = clients.align_client(connector), Connector.objects.filter(pk=connector.pk)
    mine.update(**reported.UNTOLD, **moved)
    says(connector, isActive=False, errorMessage="off")
    sandbox.faults({"path": "/connectors/123$", "status": 404})
    reported.ask(connector, lambda: client, timezone.now())
    assert told() == []
    assert mine.values(*reported.UNTOLD).get() == reported.UNTOLD


@pytest.mark.parametrize("status", [403, 404])
def test_a_token_that_may_not_see_the_connector_loses_no_list_and_is_asked_once_a_day(
    connector: Connector, sandbox: RunningSandbox, status: int
) -> None:
    at_connector = "/connectors/123$"
    sandbox.faults({"path": at_connector, "status": status})

    def look() -> int:
        """How often it was asked."""
        sandbox.clear_journal()
        Connector.objects.update(align_lists_at=timezone.now() - timedelta(hours=1))
        job = runner.run_now(runner.start(connector, JobKind.LISTS, actor=None, subject="align"))
        assert (job.state, job.error) == (JobState.DONE, "")
        connector.refresh_from_db()
        assert connector.align_lists_at is not None
        assert timezone.now() - connector.align_lists_at < timedelta(minutes=1)
        assert connector.last_error == connector.align_lists_error == ""
        assert not Credential.objects.exclude(refused_status=None).exists()
        return len([each for each in sandbox.journal() if each["path"].endswith("/connectors/123")])

    assert [look(), look()] == [1, 0]
    sandbox.faults()
    Connector.objects.update(align_ask_again_at=timezone.now())
    assert [look(), look()] == [1, 1]
    assert connector.align_ask_again_at is None


def test_the_real_reading_of_a_site_stores_it(connector: Connector) -> None:
    factories.refreshed(connector)
    assert connector.align_active is True
    assert not ReportedChange.objects.exists()
