"""Projects that are archived, made anew under the same key, or gone from Align's connector get nothing sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import product

import pytest
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.errors import Refused
from connectors.jobs import runner
from connectors.models import Carried, Connector, JobKind, JobState, Project, ScopeChoice, scope_of
from connectors.setup.scope.services import choose_scope
from mappings import planning
from mappings.edits.unused import why_unused
from mappings.engine.families import FAMILIES
from mappings.models import Mapping, Plan, PlanState, Scope
from mappings.observing.scopes import scopes_in_use
from tests.support import mapping_helpers
from tests.support.mapping_helpers import edit, mapping
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA, DEV_COMPLETE = 10013, 10015, 2
MATRIX, NEW = "/connectors/acme/mappings/", "/connectors/acme/plan/"


@pytest.fixture
def client(connector: Connector, signed_in: Callable[[Role], Client]) -> Client:
    return signed_in(Role.ADMIN)


@pytest.fixture
def stranded(connector: Connector, admin: Person) -> Mapping:
    """An edit of PAY that waits."""
    return edit(connector, "a2j-state", DEV_COMPLETE, IN_REVIEW, actor=admin, project="PAY")


def read_catalogue(connector: Connector) -> None:
    job = runner.run_now(runner.start(connector, JobKind.REFRESH, actor=None))
    assert job.state == JobState.DONE, job.error


def writes(sandbox: RunningSandbox) -> list[str]:
    return [each["path"] for method in ("POST", "PUT", "DELETE") for each in sandbox.journal(method)]


# --- shown and refused ------------------------------------------------------------------------------------------------


def test_an_edit_of_an_archived_project_is_shown_as_such_and_cannot_be_ticked(
    client: Client, connector: Connector, sandbox: RunningSandbox, stranded: Mapping
) -> None:
    sandbox.edit("remove_project", key="PAY")
    read_catalogue(connector)
    html = client.get(NEW).content.decode()
    assert "project gone" in html
    assert "Jira no longer shows project PAY" in html
    box = html[html.index(f'id="row-{stranded.pk}"') :].split(">")[0]
    assert "disabled" in box
    assert "checked" not in box


def test_its_matrix_is_there_to_take_the_edit_out_and_takes_no_other(
    client: Client, connector: Connector, sandbox: RunningSandbox, stranded: Mapping
) -> None:
    sandbox.edit("remove_project", key="PAY")
    read_catalogue(connector)
    html = client.get(MATRIX, {"scope": "PAY"}).content.decode()
    assert "Jira no longer shows project PAY" in html
    assert 'aria-readonly="true"' in html
    assert re.search(r'<option value="PAY" selected>PAY · .* · gone</option>', html)
    assert "PAY (10001) is gone from Jira since" in html
    row = {"scope": "PAY", "status": QA, "target": DEV_COMPLETE, "to": "a2j", "seen": IN_REVIEW}
    refused = client.post(f"{MATRIX}cell/", row, headers={"HX-Request": "true"})
    assert refused.status_code == 409
    assert "can only be taken out of the draft" in refused.content.decode()
    assert client.post(f"{MATRIX}drop/", {"scope": "PAY", "mapping": stranded.pk, "seen": IN_REVIEW}).status_code == 303
    stranded.refresh_from_db()
    assert not stranded.waits


def test_a_project_made_anew_under_the_same_key_begins_without_edits(
    client: Client, connector: Connector, admin: Person, sandbox: RunningSandbox, stranded: Mapping
) -> None:
    old = Project.objects.get(connector=connector, key="PAY")
    sandbox.edit("remove_project", key="PAY")
    sandbox.edit("add_project", key="PAY", name="Payments, second try")
    read_catalogue(connector)
    new = Project.objects.get(connector=connector, key="PAY", vanished_at=None)
    assert new.jira_id != old.jira_id
    assert not Mapping.objects.filter(scope__project=new, waits=True).exists()
    assert "project gone" not in client.get(MATRIX, {"scope": "PAY"}).content.decode().split("Pending edits")[0]
    with pytest.raises(Refused, match="Jira no longer shows project PAY"):
        planning.make_plan(connector, [stranded.pk], actor=admin, reason="x")


# --- between planning and applying ------------------------------------------------------------------------------------


def made_anew(sandbox: RunningSandbox) -> None:
    sandbox.edit("remove_project", key="PAY")
    sandbox.edit("add_project", key="PAY", name="Payments, second try")


def archived(sandbox: RunningSandbox) -> None:
    sandbox.edit("remove_project", key="PAY")


@pytest.mark.parametrize("happens", [made_anew, archived])
def test_what_was_approved_before_is_not_sent_to_what_stands_there_now(
    connector: Connector,
    admin: Person,
    sandbox: RunningSandbox,
    stranded: Mapping,
    happens: Callable[[RunningSandbox], None],
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    happens(sandbox)
    read_catalogue(connector)
    sandbox.clear_journal()
    mapping_helpers.apply(plan, actor=admin)
    assert sorted(mapping_helpers.states(plan)) == ["done", "stale"]
    assert "Jira no longer shows project PAY" in plan.changes.get(state="stale").detail
    assert len(writes(sandbox)) == 1
    stranded.refresh_from_db()
    assert stranded.observed != IN_REVIEW


@pytest.mark.parametrize("happens", [made_anew, archived])
def test_what_happens_between_two_readings_of_the_catalogue_is_noticed_before_anything_leaves(
    connector: Connector,
    admin: Person,
    sandbox: RunningSandbox,
    stranded: Mapping,
    happens: Callable[[RunningSandbox], None],
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    happens(sandbox)
    sandbox.clear_journal()
    mapping_helpers.apply(plan, actor=admin)
    assert sorted(mapping_helpers.states(plan)) == ["done", "stale"]
    assert "no longer shows this account the project 10001 that PAY was" in plan.changes.get(state="stale").detail
    assert len(writes(sandbox)) == 1
    asked = [each["path"] for each in sandbox.journal(containing="/rest/api/")]
    assert asked[:2] == ["/rest/api/3/myself", "/rest/api/3/project/search"]
    assert Project.objects.get(connector=connector, jira_id=10001).vanished_at, "the catalogue is read at once"


def test_a_jira_that_does_not_answer_stops_no_apply(
    connector: Connector, admin: Person, sandbox: RunningSandbox, stranded: Mapping
) -> None:
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    sandbox.faults({"path": "project/search", "status": 503, "body": ""})
    mapping_helpers.apply(plan, actor=admin)
    assert mapping_helpers.states(plan) == ["done"]


def test_a_refreshed_plan_says_why_it_goes_on_without_them(
    client: Client, connector: Connector, admin: Person, sandbox: RunningSandbox, stranded: Mapping
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.make_plan(connector, actor=admin)
    sandbox.edit("remove_project", key="PAY")
    read_catalogue(connector)
    client.post(f"/plans/{plan.pk}/refresh/")
    assert runner.run_now(runner.start(connector, JobKind.PLAN_REFRESH, actor=admin, subject=str(plan.pk))).state
    plan.refresh_from_db()
    assert plan.state == PlanState.REPLACED
    new = Plan.objects.latest("pk")
    assert [change.family for change in new.changes.all()] == ["j2a-state"]
    assert "Jira no longer shows project PAY" in client.get(f"/plans/{new.pk}/").content.decode()


def test_what_was_applied_there_cannot_be_rolled_back(
    client: Client, connector: Connector, admin: Person, sandbox: RunningSandbox, stranded: Mapping
) -> None:
    plan = mapping_helpers.apply_all(connector, actor=admin)
    assert mapping(connector, "a2j-state", DEV_COMPLETE, "PAY").observed == IN_REVIEW
    sandbox.edit("remove_project", key="PAY")
    read_catalogue(connector)
    assert "Jira no longer shows project PAY" in client.get(f"/plans/{plan.pk}/roll-back/").content.decode()


def test_a_project_that_is_taken_out_of_scope_while_somebody_plans_its_edit_gets_no_plan(
    connector: Connector, stranded: Mapping, admin: Person
) -> None:
    def plan() -> str:
        try:
            mapping_helpers.make_plan(connector, actor=admin, rows=[stranded])
        except Refused as refused:
            return str(refused)
        finally:
            connections.close_all()
        return "planned"

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            choose_scope(connector, [stranded.scope.project_id or 0], ScopeChoice.OUT, actor=admin)
            answer = pool.submit(plan)
            wait([answer], timeout=0.3)  # it has read by now, and waits for the connector
        assert "Project PAY is out of scope here" in answer.result(timeout=20)
    assert not Plan.objects.exists()


# --- one rule ---------------------------------------------------------------------------------------------------------


def test_a_list_is_in_use_where_no_sentence_says_why_it_is_not(connector: Connector) -> None:
    project = Project.objects.filter(connector=connector, in_scope=True).earliest("pk")
    facts = product(Carried, ScopeChoice, (None, timezone.now()), (True, False))
    for code, (carried, choice, gone, team) in product(FAMILIES, facts):
        shown = {"carried": carried, "scope_choice": choice, "in_scope": scope_of(choice, carried)}
        Project.objects.filter(pk=project.pk).update(**shown, vanished_at=gone, team_managed=team)
        at, _ = Scope.objects.get_or_create(connector=connector, family=code, project=project)
        used = scopes_in_use(connector).filter(pk=at.pk).exists()
        fresh = Scope.objects.select_related("project").get(pk=at.pk)
        assert used is not bool(why_unused(fresh)), (code, carried, choice, gone, team)
