"""Plans at the HTTP edge: choosing, approving, applying, and what two people or two clicks make of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.due_work import run_due
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState, Project, Status
from mappings import planning
from mappings.models import Mapping, Plan, PlanState
from tests.support import factories, mapping_helpers
from tests.support.mapping_helpers import edit, mapping
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA = 10013, 10015
NEW = "/connectors/acme/plan/"
SignIn = Callable[[Role], Client]


@pytest.fixture
def client(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


@pytest.fixture
def plan(connector: Connector, admin: Person) -> Plan:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    return mapping_helpers.make_plan(connector, actor=admin)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def approve(client: Client, plan: Plan, **data: str) -> object:
    return client.post(f"/plans/{plan.pk}/approve/", {"fingerprint": plan.fingerprint, "warnings": "on", **data})


def test_mine_are_chosen_and_the_others_edits_are_shown_with_their_author(
    client: Client, connector: Connector, admin: Person
) -> None:
    other = factories.person(Role.EDITOR, email="other@example.test", name="Other Editor")
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(connector, "j2a-state", QA, 4, actor=other)
    html = client.get(NEW).content.decode()
    assert "Other Editor" in html
    assert html.count("checked") == 1


def test_the_whole_journey_by_plain_forms(
    client: Client, connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    row = edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    made = client.post(NEW, {"row": row.pk, "reason": "QA column added", "ticket": "CHG-1"})
    plan = Plan.objects.get()
    assert made["Location"] == f"/plans/{plan.pk}/"
    approve(client, plan)
    client.post(f"/plans/{plan.pk}/apply/", {"confirm": "acme"})
    run_due()
    html = client.get(f"/plans/{plan.pk}/").content.decode()
    assert "Confirmed 1 of 1" in html
    assert mapping(connector, "j2a-state", IN_REVIEW).observed == 3


@pytest.mark.parametrize(
    ("data", "sentence"), [({"reason": ""}, "Say why"), ({"reason": "x", "row": ""}, "Choose at least one edit")]
)
def test_what_is_missing_is_said_and_what_was_typed_is_kept(
    client: Client, connector: Connector, admin: Person, data: dict[str, str], sentence: str
) -> None:
    row = edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    answer = client.post(NEW, {"row": row.pk, "ticket": "CHG-77", **data})
    assert answer.status_code == 409
    assert sentence in answer.content.decode()
    assert "CHG-77" in answer.content.decode()
    assert not Plan.objects.exists()


@pytest.mark.parametrize("is_shared_too", [False, True])
def test_an_edit_of_a_project_that_is_company_managed_by_now_is_refused_and_can_be_taken_out(
    client: Client, connector: Connector, admin: Person, is_shared_too: bool
) -> None:
    """Where the shared list holds the same status, that other row was planned in its place."""
    team = Project.objects.filter(connector=connector, team_managed=True, in_scope=True).earliest("pk")
    status = Status.objects.filter(project=team).earliest("pk").jira_id
    before = mapping(connector, "j2a-state", status, team.key).applied
    row = edit(connector, "j2a-state", status, 5, actor=admin, project=team.key)
    if is_shared_too:
        shared = mapping_helpers.scope(connector, "j2a-state")
        Mapping.objects.create(scope=shared, work_item_type="story", source_id=status, wanted=3, situation="edited")
    Project.objects.filter(pk=team.pk).update(team_managed=False)

    form = client.get(NEW).content.decode()
    assert "list not in use" in form
    assert "project gone" not in form
    answer = client.post(NEW, {"row": row.pk, "reason": "one column more", "ticket": "CHG-9"})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert f"Project {team.key} is company-managed now" in html
    assert "one column more" in html
    assert not Plan.objects.exists()

    taken = client.post("/connectors/acme/mappings/drop/", {"mapping": row.pk, "seen": 5})
    assert taken.status_code == 303
    row.refresh_from_db()
    assert (row.wanted, row.waits) == (before, False)


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        ({"carried": "no", "in_scope": False}, "is no longer in this connector"),
        ({"scope_choice": "out", "in_scope": False}, "is out of scope here"),
        ({"vanished_at": timezone.now()}, "Jira no longer shows project"),
    ],
)
def test_the_other_edits_of_a_plan_are_planned_without_those_of_a_project_that_is_gone(
    client: Client, connector: Connector, admin: Person, gone: dict[str, object], sentence: str
) -> None:
    project = Project.objects.filter(connector=connector, in_scope=True, team_managed=False).earliest("pk")
    stranded = edit(connector, "a2j-state", 2, IN_REVIEW, actor=admin, project=project.key)
    row = edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    Project.objects.filter(pk=project.pk).update(**gone)
    client.post(NEW, {"row": [row.pk, stranded.pk], "reason": "QA"})
    plan = Plan.objects.get()
    assert [change.mapping_id for change in plan.changes.all()] == [row.pk]
    assert sentence in client.get(f"/plans/{plan.pk}/").content.decode()


def test_a_plan_form_posted_twice_makes_one_plan(client: Client, connector: Connector, admin: Person) -> None:
    row = edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    answers = [client.post(NEW, {"row": row.pk, "reason": "twice"}) for _ in range(2)]
    plan = Plan.objects.get()
    assert [answer["Location"] for answer in answers] == [f"/plans/{plan.pk}/"] * 2


def test_of_two_plans_of_the_same_change_only_the_first_is_sent(
    client: Client, connector: Connector, admin: Person
) -> None:
    """Once the first is applied the other's row has moved: it is stale, and there is one effect."""
    row = edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    for reason in ("one", "two"):
        client.post(NEW, {"row": row.pk, "reason": reason})
    first, second = Plan.objects.order_by("pk")
    assert first.fingerprint == second.fingerprint
    for plan in (first, second):
        approve(client, plan)
        client.post(f"/plans/{plan.pk}/apply/", {"confirm": "acme"})
        run_due()
    assert mapping_helpers.states(first) == ["done"]
    assert mapping_helpers.states(second) == ["stale"]


@pytest.mark.parametrize(
    ("since_heartbeat", "told"),
    [(1, ""), (16, "Another one continues in"), (31, "Another one continues as soon as one runs")],
)
def test_a_worker_without_a_sign_of_life_is_told_with_when_another_goes_on(
    client: Client, plan: Plan, since_heartbeat: int, told: str
) -> None:
    """A heartbeat comes every 10 s and keeps the lease for 30 s; half a heartbeat late is still in order."""
    Plan.objects.filter(pk=plan.pk).update(state=PlanState.APPLYING)
    Job.objects.create(
        connector=plan.connector,
        kind="apply",
        subject=str(plan.pk),
        state=JobState.RUNNING,
        owner="a worker that was killed",
        lease_until=timezone.now() + timedelta(seconds=30.9 - since_heartbeat),
    )
    html = client.get(f"/plans/{plan.pk}/").content.decode()
    assert ("The worker is not responding" in html) is bool(told)
    assert told in html


def test_the_second_tab_is_told_who_approved_and_when(client: Client, plan: Plan) -> None:
    assert approve(client, plan).status_code == 303  # type: ignore[attr-defined]
    again = approve(client, plan)
    assert again.status_code == 409  # type: ignore[attr-defined]
    assert b"Already approved by Admin at" in again.content  # type: ignore[attr-defined]


def test_a_fingerprint_of_another_page_approves_nothing(client: Client, plan: Plan) -> None:
    assert approve(client, plan, fingerprint="0" * 64).status_code == 409  # type: ignore[attr-defined]
    plan.refresh_from_db()
    assert plan.state == PlanState.DRAFT


def test_warnings_want_their_tick(client: Client, connector: Connector, admin: Person) -> None:
    edit(connector, "a2j-state", 4, QA, project="PROJ", actor=admin)
    plan = mapping_helpers.make_plan(connector, actor=admin)
    assert plan.warnings
    answer = client.post(f"/plans/{plan.pk}/approve/", {"fingerprint": plan.fingerprint})
    assert b"Tick that you have read the warnings" in answer.content


def test_a_delete_wants_the_connectors_name_typed(client: Client, connector: Connector, admin: Person) -> None:
    edit(connector, "j2a-state", IN_REVIEW, None, actor=admin)
    plan = mapping_helpers.make_plan(connector, actor=admin)
    approve(client, plan)
    answer = client.post(f"/plans/{plan.pk}/apply/", {"confirm": "acm"})
    assert answer.status_code == 409
    assert client.post(f"/plans/{plan.pk}/apply/", {"confirm": "acme"}).status_code == 303


def test_an_unapproved_plan_is_not_applied(client: Client, plan: Plan) -> None:
    answer = client.post(f"/plans/{plan.pk}/apply/", {"confirm": "acme"})
    assert answer.status_code == 409
    assert b"has to be approved" in answer.content


def test_a_double_click_on_apply_starts_one_apply(client: Client, plan: Plan, sandbox: RunningSandbox) -> None:
    approve(client, plan)
    sandbox.clear_journal()
    assert client.post(f"/plans/{plan.pk}/apply/", {"confirm": "acme"}).status_code == 303
    again = client.post(f"/plans/{plan.pk}/apply/", {"confirm": "acme"})
    assert b"Already started by Admin" in again.content
    run_due()
    assert sum(each["method"] == "PUT" for each in sandbox.journal()) == 1


def test_a_paused_plan_keeps_what_was_not_sent_and_cancelling_ends_it(
    client: Client, connector: Connector, admin: Person
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    client.post(f"/plans/{plan.pk}/apply/", {"confirm": "acme"})
    client.post(f"/plans/{plan.pk}/pause/")
    run_due()
    plan.refresh_from_db()
    assert (plan.state, mapping_helpers.states(plan)) == (PlanState.PAUSED, ["planned"])
    client.post(f"/plans/{plan.pk}/cancel/")
    plan.refresh_from_db()
    assert (plan.state, mapping_helpers.states(plan)) == (PlanState.CANCELLED, ["cancelled"])
    assert client.post(f"/plans/{plan.pk}/resume/").status_code == 409
    assert client.post(f"/plans/{plan.pk}/nonsense/").status_code == 409


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.REVIEWER])
def test_only_an_admin_approves_and_applies(plan: Plan, signed_in: SignIn, role: Role) -> None:
    client = signed_in(role)
    assert client.get(f"/plans/{plan.pk}/").status_code == 200
    assert approve(client, plan).status_code == 403  # type: ignore[attr-defined]
    plan.refresh_from_db()
    assert plan.state == PlanState.DRAFT


def test_filters_are_in_the_address(client: Client, connector: Connector, admin: Person) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(connector, "a2j-state", 4, QA, project="PROJ", actor=admin)
    plan = mapping_helpers.make_plan(connector, actor=admin)
    whole = client.get(f"/plans/{plan.pk}/").content.decode()
    assert '<select name="direction"' in whole  # of two changes already
    assert f'href="/connectors/acme/mappings/?cell=3#h{IN_REVIEW}"' in whole
    assert f'href="/connectors/acme/mappings/?scope=PROJ&amp;cell=4#h{QA}"' in whole
    html = client.get(f"/plans/{plan.pk}/", {"direction": "a2j"}).content.decode()
    assert "Test complete" in html
    assert "moves to In Review, Align shows" not in html
    assert re.search(r"<details[^>]*>(?:(?!</details>).)*CONFIG Created - State mapping - Align", html, re.DOTALL)
    assert client.get(f"/plans/{plan.pk}/", {"action": "<b>", "page": "x", "state": "'"}).status_code == 200


# --- sizes, pace and the report ------------------------------------------------------------------------------------


def test_the_heading_says_how_much_it_is_and_how_long_it_takes(client: Client, plan: Plan) -> None:
    html = client.get(f"/plans/{plan.pk}/").content.decode()
    assert "1 change to approve" in html
    assert f"1 to update · {plan.api_calls} requests, less than 1 s expected" in html


def test_the_pace_is_that_of_the_run_at_hand_and_says_what_is_left(client: Client, plan: Plan, admin: Person) -> None:
    """An hour's pause lies between the start of the plan and the start of this run."""
    now = timezone.now()
    Plan.objects.filter(pk=plan.pk).update(state=PlanState.APPLYING, started_at=now - timedelta(hours=1), applier=admin)
    job = runner.start(plan.connector, JobKind.APPLY, actor=admin, subject=str(plan.pk))
    Job.objects.filter(pk=job.pk).update(state="running", started_at=now - timedelta(seconds=10))
    change = plan.changes.get()
    for position, state in enumerate(["done"] * 5 + ["planned"] * 20, start=change.position + 1):
        change.pk, change.position, change.state = None, position, state
        change.answered_at = now if state == "done" else None
        change.save()
    html = client.get(f"/plans/{plan.pk}/").content.decode()
    assert "0.5 changes a second, about 42 s left" in html
    assert "Applying: 5 of 26 done" in html


STATES = {"done": 4, "failed": 3, "stale": 2, "unknown": 1, "cancelled": 2, "planned": 5}


@pytest.fixture
def ended(plan: Plan, admin: Person) -> Plan:
    """An ended plan with changes of every state."""
    change = plan.changes.get()
    plan.changes.all().delete()
    states = [state for state, number in STATES.items() for _ in range(number)]
    for position, state in enumerate(states):
        change.pk, change.position, change.state = None, position, state
        change.save()
    now = timezone.now()
    Plan.objects.filter(pk=plan.pk).update(state=PlanState.FINISHED, started_at=now, finished_at=now, applier=admin)
    return Plan.objects.get(pk=plan.pk)


def test_the_report_counts_every_change_once(client: Client, ended: Plan) -> None:
    html = client.get(f"/plans/{ended.pk}/").content.decode()
    lines = re.findall(r'\?state=(\w+)#changes">([\w ]+)</a>.*?<b>(\d+)</b>', html, re.DOTALL)
    assert {state: int(number) for state, _, number in lines} == STATES
    assert {state: label for state, label, _ in lines}["planned"] == "not tried"
    assert sum(STATES.values()) == ended.changes.count()
    assert f"<b>{ended.changes.count()}</b>" in html
    assert "Align refused the request" in html


@pytest.mark.parametrize(("state", "number"), STATES.items())
def test_each_line_of_the_report_leads_to_its_changes(client: Client, ended: Plan, state: str, number: int) -> None:
    html = client.get(f"/plans/{ended.pk}/", {"state": state}).content.decode()
    assert html.count('<tr id="change-') == number


@pytest.mark.parametrize(("source", "told"), [("none", True), ("endpoint", False)])
def test_where_the_log_is_not_read_the_report_says_what_nobody_would_see(
    client: Client, ended: Plan, source: str, told: bool
) -> None:
    Connector.objects.filter(pk=ended.connector_id).update(audit_source=source)
    page = client.get(f"/plans/{ended.pk}/").content.decode()
    assert ("paste or upload its lines after the apply" in " ".join(page.split())) == told


def test_a_paused_plan_has_changes_to_send_and_none_that_were_not_tried(client: Client, ended: Plan) -> None:
    Plan.objects.filter(pk=ended.pk).update(state=PlanState.PAUSED)
    html = client.get(f"/plans/{ended.pk}/").content.decode()
    assert "to send</a>" in html
    assert "not tried" not in html
    assert "6 of 17 changes left, 1 of them without an answer so far" in html


def test_a_poll_of_the_page_brings_only_its_parts_and_stops_at_the_end(client: Client, ended: Plan) -> None:
    address = f"/plans/{ended.pk}/?state=planned"
    poll = f'hx-get="/plans/{ended.pk}/?state=planned" hx-trigger="every 1s"'
    Plan.objects.filter(pk=ended.pk).update(state=PlanState.APPLYING)
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert poll in part
    for name in ("plan-poll", "plan-now", "changes-head", "plan-rows"):
        assert part.count(f'id="{name}"') == 1
    Plan.objects.filter(pk=ended.pk).update(state=PlanState.FINISHED)
    assert "hx-trigger" not in client.get(address, headers={"HX-Request": "true"}).content.decode()


def test_telling_a_plan_answers_with_the_page_in_place_and_by_a_redirect_without_scripts(
    client: Client, plan: Plan
) -> None:
    answer = client.post(f"/plans/{plan.pk}/cancel/?action=update", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert b"Cancelled: 1 change" in answer.content
    assert b"<html" not in answer.content


def test_a_finished_plan_tells_what_became_of_it_and_not_when_it_was_looked_at(client: Client, plan: Plan) -> None:
    assert "· seen " in client.get(f"/plans/{plan.pk}/").content.decode()
    approve(client, plan)
    client.post(f"/plans/{plan.pk}/apply/", {"confirm": "acme"})
    run_due()
    text = text_of(client.get(f"/plans/{plan.pk}/").content.decode())
    assert "Applied: 1 done" in text
    assert "applied by Admin" in text
    assert "seen " not in text


# --- commands ----------------------------------------------------------------------------------------------------


def test_the_commands_say_by_their_exit_code_what_there_is_to_do(
    connector: Connector, admin: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    from django.core.management import CommandError, call_command

    call_command("mappings", "pull", "acme")
    call_command("mappings", "plan", "acme")
    assert "Nothing to do" in capsys.readouterr().out
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    with pytest.raises(SystemExit) as would_change:
        call_command("mappings", "plan", "acme")
    assert would_change.value.code == 2
    with pytest.raises(SystemExit):
        call_command("mappings", "plan", "acme", "--as", admin.email, "--reason", "from a script")
    plan = Plan.objects.get()
    command = ["mappings", "apply", "--plan", str(plan.pk), "--as", admin.email, "--reason", "now"]
    with pytest.raises(CommandError, match="has to be approved"):
        call_command(*command)
    planning.approve(plan, plan.fingerprint, ticked=True, actor=admin)
    call_command(*command)
    assert "1 done" in capsys.readouterr().out
    call_command("mappings", "show", "acme")
    assert "In Review (10013): wanted 3 Dev complete" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["plan", "nosuch"], 'There is no connector "nosuch". Known: acme.'),
        (["apply", "--plan", "99", "--as", "admin@example.test", "--reason", "x"], "There is no plan 99."),
        (["apply", "--plan", "99", "--as", "viewer@example.test", "--reason", "x"], "may not do this"),
        (["apply", "--plan", "99", "--as", "nobody@example.test", "--reason", "x"], "may not do this"),
    ],
)
def test_a_command_that_cannot_says_why(
    connector: Connector, people: object, arguments: list[str], sentence: str
) -> None:
    from django.core.management import CommandError, call_command

    with pytest.raises(CommandError, match=sentence):
        call_command("mappings", *arguments)
