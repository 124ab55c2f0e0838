"""Reading Align's lists: what counts as a deletion, what is unknown, and what is left alone."""

from __future__ import annotations

import pytest

from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState, Project
from mappings.models import ForeignRecord, Mapping, Scope
from tests.support import mapping_helpers
from tests.support.mapping_helpers import mapping, observe
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW = 10013


def try_to_observe(connector: Connector) -> Job:
    return runner.run_now(runner.start(connector, JobKind.OBSERVE, actor=None))


def test_the_first_observation_takes_all_three_values(connector: Connector) -> None:
    row = mapping(connector, "j2a-state", IN_REVIEW)
    assert row.wanted == row.applied == row.observed == 2
    assert row.remote_id


def test_records_outside_the_type_table_are_kept_and_counted_and_never_mapped(connector: Connector) -> None:
    foreign = ForeignRecord.objects.filter(scope__connector=connector)
    assert foreign.exists()
    scope = foreign[0].scope
    assert scope.foreign_rows == foreign.filter(scope=scope).count()
    assert not Mapping.objects.filter(scope=scope, remote_id=foreign[0].remote_id).exists()


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 404, "body": ""},
        {"status": 401},
        {"status": 403},
        {"status": 200, "body": "<html>maintenance</html>"},
        {"status": 200, "body": '[{"id": 1, "workItemTypeId": 4, "jiraSta'},
        {"status": 200, "body": '[{"id": 1, "workItemTypeId": 4, "jiraStatusId": "QA"}]'},
    ],
    ids=["404", "401", "403", "a web page", "truncated", "a field of another type"],
)
def test_a_list_that_fails_is_not_observed_and_never_looks_like_deletions(
    connector: Connector, sandbox: RunningSandbox, fault: dict[str, object]
) -> None:
    sandbox.faults({"method": "GET", "path": "123/mappings/states", **fault})
    try_to_observe(connector)

    scope = mapping_helpers.scope(connector, "j2a-state")
    assert not scope.known
    assert scope.error
    row = mapping(connector, "j2a-state", IN_REVIEW)
    assert row.wanted == row.observed == 2
    sandbox.faults()
    observe(connector)
    assert mapping_helpers.scope(connector, "j2a-state").known


def test_a_token_that_sees_fewer_projects_makes_theirs_unknown_and_deletes_nothing(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("revoke_token", site="align", token="sandbox-align-token")
    sandbox.edit(
        "add_token", site="align", token="sandbox-align-token", user="admin@sandbox.test", projects=["PROJ", "PROJ1"]
    )
    try_to_observe(connector)

    seen = {scope.project.key for scope in scopes_of_projects(connector) if scope.known and scope.project}
    assert seen == {"PROJ", "PROJ1"}
    assert not Mapping.objects.filter(scope__connector=connector, situation="drifted").exists()


def scopes_of_projects(connector: Connector) -> list[Scope]:
    return list(Scope.objects.filter(connector=connector, family="a2j-state").select_related("project"))


def test_a_silent_site_fails_the_job_with_a_sentence(
    connector: Connector, sandbox: RunningSandbox, settings: object
) -> None:
    settings.REQUEST_DEADLINE = 0.5  # type: ignore[attr-defined]
    settings.READ_TIMEOUT = 0.2  # type: ignore[attr-defined]
    sandbox.faults({"method": "GET", "path": "mappings", "cut": "before"})
    Scope.objects.exclude(family="j2a-step", project=None).delete()
    Project.objects.filter(connector=connector).update(scope_choice="out", in_scope=False)
    job = try_to_observe(connector)
    assert job.state == JobState.FAILED
    assert "could be read" in job.error


def test_what_was_written_after_a_page_was_read_is_not_overwritten(connector: Connector) -> None:
    from django.utils import timezone

    from mappings.observing import lists as observing

    scope = mapping_helpers.scope(connector, "j2a-state")
    old = observing.ListReading(scope=scope, began_at=timezone.now())
    Mapping.objects.filter(scope=scope, source_id=IN_REVIEW).update(written_at=timezone.now(), observed=4)
    observing.store(old)
    assert mapping(connector, "j2a-state", IN_REVIEW).observed == 4


def test_a_record_that_moves_between_two_pages_is_not_taken_for_deleted(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    """Paging by $skip misses a record when an earlier one is deleted between two pages."""
    for number in range(130):
        sandbox.edit("add_status", name=f"Step {number}", id=20_000 + number)
        sandbox.edit("create_mapping", family="j2a_state", type=4, source=20_000 + number, target=1, audit=False)
    observe(connector)
    scope = mapping_helpers.scope(connector, "j2a-state")
    assert scope.rows > 130
    first = Mapping.objects.filter(scope=scope, remote_id__isnull=False).earliest("remote_id")
    sandbox.edit("delete_mapping", family="j2a_state", id=first.remote_id)
    sandbox.clear_journal()
    observe(connector)

    gone = Mapping.objects.filter(scope=scope, observed=None, wanted__isnull=False)
    assert [row.pk for row in gone] == [first.pk]
    reads = [
        each["path"].rpartition("/")[2]
        for each in sandbox.journal()
        if "123/mappings/states" in each["path"] and not each["query"].count("ProjectKey")
    ]
    assert reads[:3] == ["states", "states", str(first.remote_id)], "two pages, and the one that they do not show"
