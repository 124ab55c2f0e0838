"""A short page is not the last one: how many records a site answers at once is learned, and "gone" is asked for."""

from __future__ import annotations

import json
import math

import pytest

from alignadmin.accounts.models import Role
from connectors.align.paging import MAPPING_LISTS
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState, PageCap, ProcessFlow, Project
from mappings.models import Mapping, Scope
from tests.conftest import SignIn
from tests.support import mapping_helpers as steps
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
STATES = "/connectors/123/mappings/states"


def crowd(sandbox: RunningSandbox, number: int) -> None:
    for status in range(20000, 20000 + number):
        sandbox.edit("create_mapping", family="j2a_state", type=4, source=status, target=2, audit=False)


def drifted() -> int:
    return Mapping.objects.filter(situation="drifted").count()


def refresh(owner: Connector) -> Job:
    owner.refresh_from_db()
    return runner.run_now(runner.start(owner, JobKind.REFRESH, actor=None))


def forget_the_connector(owner: Connector) -> None:
    PageCap.objects.all().delete()
    Scope.objects.filter(connector=owner).delete()


def test_a_site_that_answers_twenty_at_once_is_read_whole_the_first_time(
    sandbox: RunningSandbox, connector: Connector
) -> None:
    sandbox.reset(page_limit="20")
    crowd(sandbox, 50)
    forget_the_connector(connector)
    steps.observe(connector)
    assert steps.scope(connector, "j2a-state").rows > 50
    assert PageCap.objects.get(family=MAPPING_LISTS).largest == 20


def test_a_list_of_which_no_record_is_known_is_read_to_an_empty_page(
    sandbox: RunningSandbox, connector: Connector
) -> None:
    """Whatever other lists have shown: none of its records could be missed."""
    sandbox.reset(page_limit="20")
    crowd(sandbox, 50)
    PageCap.objects.filter(family=MAPPING_LISTS).update(largest=100)
    Scope.objects.filter(connector=connector).delete()
    steps.observe(connector)
    assert steps.scope(connector, "j2a-state").rows > 50


def test_it_costs_what_the_formula_says(sandbox: RunningSandbox, connector: Connector) -> None:
    """sum max(1, ceil(n / cap)), one more for each list whose last page is full, and one for each family once."""
    sandbox.reset(page_limit="20")
    crowd(sandbox, 45)
    forget_the_connector(connector)
    steps.observe(connector)
    sandbox.clear_journal()
    steps.observe(connector)
    cap = PageCap.objects.get(family=MAPPING_LISTS).largest
    expected = 0
    for scope in Scope.objects.filter(connector=connector):
        expected += max(1, math.ceil(scope.rows / cap)) + (scope.rows > 0 and scope.rows % cap == 0)
    reads = [each for each in sandbox.journal("GET") if "/mappings/" in each["path"]]
    assert len(reads) == expected


@pytest.mark.parametrize("crowded", [12, 70])
def test_a_page_that_gets_smaller_makes_no_drift_and_is_learned(
    sandbox: RunningSandbox, connector: Connector, crowded: int
) -> None:
    """By single records while few are missing, else by a second reading to an empty page."""
    crowd(sandbox, crowded)
    steps.observe(connector)
    before, added = steps.scope(connector, "j2a-state").rows, drifted()
    PageCap.objects.filter(family=MAPPING_LISTS).update(largest=100)
    sandbox.reset(page_limit="20")
    crowd(sandbox, crowded)
    steps.observe(connector)
    assert steps.scope(connector, "j2a-state").rows == before
    assert drifted() == added, "those that somebody added, and none that is gone"
    assert not Mapping.objects.filter(observed=None, applied__isnull=False).exists()
    assert PageCap.objects.get(family=MAPPING_LISTS).largest == 20
    follow = Job.objects.filter(kind=JobKind.REFRESH, state=JobState.QUEUED).get()
    assert follow.params == {"then": "observe"}, "the catalogue starts again, and the lists after it"


@pytest.mark.parametrize("single_get", ["yes", "405"])
def test_what_is_really_gone_is_gone(sandbox: RunningSandbox, connector: Connector, single_get: str) -> None:
    sandbox.reset(single_get=single_get)
    row = Mapping.objects.filter(scope=steps.scope(connector, "j2a-state"), remote_id__isnull=False).earliest("pk")
    sandbox.edit("delete_mapping", family="j2a_state", id=row.remote_id)
    sandbox.clear_journal()
    steps.observe(connector)
    row.refresh_from_db()
    assert (row.observed, row.situation, drifted()) == (None, "drifted", 1)
    asked = [each for each in sandbox.journal("GET") if STATES in each["path"] and "id eq" in each["query"]]
    assert bool(asked) == (single_get == "405")


def hidden(sandbox: RunningSandbox, row: Mapping) -> None:
    """The list leaves a record out that is there all the same."""
    kept = [each for each in sandbox.align("GET", STATES).json() if each["id"] != row.remote_id]
    sandbox.faults({"method": "GET", "path": r"123/mappings/states\?\$top", "status": 200, "body": json.dumps(kept)})


def test_a_record_that_the_list_hides_and_nobody_tells_of_is_not_seen_and_never_gone(
    sandbox: RunningSandbox, connector: Connector, signed_in: SignIn
) -> None:
    sandbox.reset(single_get="405")
    row = Mapping.objects.filter(scope=steps.scope(connector, "j2a-state"), remote_id__isnull=False).earliest("pk")
    hidden(sandbox, row)
    steps.observe(connector)
    row.refresh_from_db()
    assert row.observed is not None
    assert drifted() == 0
    scope = steps.scope(connector, "j2a-state")
    assert scope.known
    assert scope.remark.startswith("State mappings, Jira to Align: 1 record is not shown by the list")
    page = signed_in(Role.VIEWER).get(f"/connectors/{connector.slug}/drift/?tab=unknown").content.decode()
    assert "Lists that were read in part" in page
    assert "1 record is not shown by the list" in page


def test_a_record_that_the_list_hides_and_answers_by_itself_is_there(
    sandbox: RunningSandbox, connector: Connector
) -> None:
    row = Mapping.objects.filter(scope=steps.scope(connector, "j2a-state"), remote_id__isnull=False).earliest("pk")
    cap = PageCap.objects.get(family=MAPPING_LISTS).largest
    hidden(sandbox, row)
    steps.observe(connector)
    row.refresh_from_db()
    assert row.observed is not None
    assert drifted() == 0
    assert PageCap.objects.get(family=MAPPING_LISTS).largest == cap, "a smaller page was not what hid it"
    assert not Job.objects.filter(kind=JobKind.REFRESH, state=JobState.QUEUED).exists()


def test_a_site_without_single_records_is_not_believed_that_all_are_gone(
    sandbox: RunningSandbox, connector: Connector
) -> None:
    """It answers 404 for each of them, also for those that its list shows."""
    row = Mapping.objects.filter(scope=steps.scope(connector, "j2a-state"), remote_id__isnull=False).earliest("pk")
    hidden(sandbox, row)
    sandbox.faults({"method": "GET", "path": r"123/mappings/states/\d+$", "status": 404, "body": ""})
    steps.observe(connector)
    row.refresh_from_db()
    assert row.observed is not None
    assert drifted() == 0


@pytest.mark.parametrize("single_get", ["yes", "405"])
def test_projects_and_flows_are_asked_for_before_they_are_gone(
    sandbox: RunningSandbox, connector: Connector, single_get: str
) -> None:
    in_scope = Project.objects.filter(in_scope=True).count()
    PageCap.objects.filter(family__in=["projects", "valuestreams"]).update(largest=100)
    sandbox.reset(page_limit="20", single_get=single_get)
    for number in range(30):
        sandbox.edit("add_project", key=f"NEW{number}", name=f"New {number}")
    assert refresh(connector).state == JobState.DONE
    assert Project.objects.filter(in_scope=True).count() >= in_scope
    sandbox.edit("set_project", key="PROJ2", in_align=False)
    refresh(connector)
    assert not Project.objects.get(key="PROJ2").in_scope
    assert not ProcessFlow.objects.exclude(vanished_at=None).exists()
