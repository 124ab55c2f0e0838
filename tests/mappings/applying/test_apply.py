"""Plan and apply against the sandbox: what is sent, what is proven, and what goes wrong on the way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connections
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from connectors.credentials import clients
from connectors.jobs import runner
from connectors.jobs.runner import LeaseLost, Run
from connectors.models import Connector, Job, JobState, Project
from connectors.models import Status as CatalogueStatus
from connectors.models.budget import BudgetSlot
from connectors.setup import maintenance
from mappings import planning
from mappings.applying.job import Apply
from mappings.applying.journal import Journal
from mappings.applying.outcomes import DELETED
from mappings.engine.values import Situation, TypeName
from mappings.models import Change, Mapping, Plan, PlanState
from mappings.planning import roll_back
from tests.support import factories, mapping_helpers
from tests.support.mapping_helpers import apply_all, edit, mapping, observe
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_PROGRESS, IN_REVIEW, QA = 10002, 10013, 10015
FEATURE, STORY = TypeName.FEATURE, TypeName.STORY


def written(sandbox: RunningSandbox) -> list[dict[str, object]]:
    return [each for each in sandbox.journal() if each["method"] in ("POST", "PUT", "DELETE")]


def approved_plan_of_two(connector: Connector, *, actor: Person) -> Plan:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=actor)
    edit(connector, "j2a-state", QA, 4, actor=actor)
    return mapping_helpers.approved_plan(connector, actor=actor)


# --- the usual way -----------------------------------------------------------------------------------------------


def test_an_edit_is_planned_applied_and_read_back(connector: Connector, admin: Person, sandbox: RunningSandbox) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = apply_all(connector, actor=admin)

    assert plan.state == PlanState.FINISHED
    assert [(change.state, change.confirmed) for change in plan.changes.all()] == [("done", True)]
    records = sandbox.align("GET", "/connectors/123/mappings/states?WorkItemTypeId=4").json()
    assert [r["alignStateId"] for r in records if r["jiraStatusId"] == IN_REVIEW] == [3]
    row = mapping(connector, "j2a-state", IN_REVIEW)
    assert (row.wanted, row.applied, row.observed, row.situation) == (3, 3, 3, Situation.IN_SYNC)


def test_planning_again_after_an_apply_gives_an_empty_plan(connector: Connector, admin: Person) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    apply_all(connector, actor=admin)

    assert planning.preview(connector).changes == ()
    with pytest.raises(planning.NothingToDo):
        mapping_helpers.make_plan(connector, actor=admin)


def test_state_0_is_a_value_and_not_a_deletion(connector: Connector, admin: Person, sandbox: RunningSandbox) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 0, actor=admin)
    plan = apply_all(connector, actor=admin)

    change = plan.changes.get()
    assert (change.action, change.after, change.after_name) == ("update", 0, "Pending approval")
    assert mapping(connector, "j2a-state", IN_REVIEW).observed == 0


def test_an_undisturbed_apply_sends_lists_one_request_a_change_and_lists_again(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(connector, "j2a-state", QA, 4, actor=admin)
    edit(connector, "a2j-state", 3, QA, project="PROJ", actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    sandbox.clear_journal()
    mapping_helpers.apply(plan, actor=admin)

    sent = [each for each in sandbox.journal() if "auditlog" not in each["path"]]
    to_jira = [each["path"] for each in sent if "/rest/api/" in each["path"]]
    assert to_jira == ["/rest/api/3/myself", "/rest/api/3/project/search"], "for the one project of its own list"
    assert len(sent) - len(to_jira) == plan.api_calls == 3 + 3 + 3, "of two lists one is exactly a full page"


def test_an_undisturbed_observe_asks_for_each_list_once(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.clear_journal()
    observe(connector)

    projects = Project.objects.filter(connector=connector, in_scope=True)
    shared_and_own = 2 * (1 + projects.filter(team_managed=True).count())
    begun = [each for each in sandbox.journal() if "$skip=0" in each["query"]]
    assert len(begun) == shared_and_own + 2 * projects.count()


# --- the wire ----------------------------------------------------------------------------------------------------

FAMILIES = {
    # family: (wire id of its type, type, source, first target, second target)
    "j2a-state": (4, STORY, 3, 2),
    "a2j-state": (4, STORY, None, None),
    "j2a-step": (3, STORY, None, None),
    "a2j-step": (4, STORY, None, None),
}
TYPE_IDS = {
    ("j2a-state", "feature"): 3,
    ("j2a-state", "story"): 4,
    ("j2a-state", "task"): 6,
    ("j2a-state", "defect"): 9,
    ("a2j-state", "feature"): 3,
    ("a2j-state", "story"): 4,
    ("a2j-state", "defect"): 9,
    ("j2a-step", "feature"): 2,
    ("j2a-step", "story"): 3,
    ("a2j-step", "feature"): 3,
    ("a2j-step", "story"): 4,
}


@pytest.mark.parametrize("project", ["PROJ", "PROJ1"])
@pytest.mark.parametrize(("family", "type_"), TYPE_IDS)
def test_each_family_sends_its_type_id_and_the_project_where_it_belongs(
    connector: Connector, admin: Person, sandbox: RunningSandbox, family: str, type_: str, project: str
) -> None:
    """Create, update and delete: company-managed Jira to Align never names the project, team-managed does in
    the body, Align to Jira only in the path."""
    source, first, second = free_cell(connector, family, project, type_)
    sandbox.clear_journal()
    for wanted in (first, second, None):
        edit(connector, family, source, wanted, project=project, type_=TypeName(type_), actor=admin)
        assert mapping_helpers.states(apply_all(connector, actor=admin)) == ["done"]

    requests = written(sandbox)
    assert [each["method"] for each in requests] == ["POST", "PUT", "DELETE"]
    to_align, own = family.startswith("j2a"), project == "PROJ1"
    for request in requests:
        assert not request["query"]
        assert (f"/projects/{project}/" in str(request["path"])) is (not to_align)
        if request["body"] is not None:
            body = request["body"]
            assert isinstance(body, dict)
            assert body["workItemTypeId"] == TYPE_IDS[family, type_]
            assert body.get("projectKey") == (project if to_align and own else None)


def free_cell(connector: Connector, family: str, project: str, type_: str) -> tuple[int, int, int]:
    """A source without a record, and two targets for it."""
    at = mapping_helpers.scope(connector, family, project)
    row = Project.objects.get(connector=connector, key=project)
    own = row if row.team_managed else None
    statuses = list(
        CatalogueStatus.objects.filter(connector=connector, project=own)
        .order_by("jira_id")
        .values_list("jira_id", flat=True)
    )
    flow_steps = connector.steps.filter(vanished_at=None, flow__is_active=True, flow__level=type_)
    targets = [0, 1, 2, 3, 4, 5] if family.endswith("state") else list(flow_steps.values_list("align_id", flat=True))
    sources, values = (statuses, targets) if family.startswith("j2a") else (targets, statuses)
    taken = set(Mapping.objects.filter(scope=at, work_item_type=type_).values_list("source_id", flat=True))
    free = [source for source in sources if source not in taken]
    if not free:  # make room: the remote record and the row go
        source = sources[0]
        edit(connector, family, source, None, project=project, type_=TypeName(type_), actor=make_room_actor())
        assert mapping_helpers.states(apply_all(connector, actor=make_room_actor())) == ["done"]
        free = [source]
    return free[0], values[0], values[1]


def make_room_actor() -> Person:
    return Person.objects.filter(role=Role.ADMIN).earliest("pk")


def test_the_expected_audit_line_is_the_one_align_writes(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(connector, "a2j-state", 3, QA, project="PROJ", actor=admin)
    plan = apply_all(connector, actor=admin)

    log = sandbox.align("GET", "/connectors/123/auditlog").json()
    assert {each["description"] for each in log} == set(plan.changes.values_list("expected_line", flat=True))


# --- moved rows and refusals -------------------------------------------------------------------------------------


def test_a_row_that_moved_since_the_plan_is_stale_and_not_overwritten(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    mapping_helpers.apply(plan, actor=admin)

    assert mapping_helpers.states(plan) == ["stale"]
    row = mapping(connector, "j2a-state", IN_REVIEW)
    assert (row.wanted, row.observed, row.situation) == (3, 5, Situation.CONFLICT)


def test_the_entry_of_a_stale_row_says_who_applied_what_and_why_it_was_not_sent(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    editor = factories.person(Role.EDITOR, email="edith@example.test", name="Edith Editor")
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=editor)
    edit(connector, "j2a-state", QA, 4, actor=editor)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    sandbox.clear_journal()
    mapping_helpers.apply(plan, actor=admin)

    moved = plan.changes.get(source_id=IN_REVIEW)
    entry = Entry.objects.get(action="change.stale")
    body = json.loads(entry.body)
    why = "Somebody changed this mapping in Align after it was planned."
    assert (moved.state, moved.detail, moved.sends) == ("stale", why, 0)
    assert (body["sentence"], body["data"]["detail"]) == (moved.sentence, why)
    assert body["subject"] == f"plan {plan.pk} change {moved.position}"
    assert (body["data"]["method"], body["data"]["path"]) == ("PUT", moved.path)
    assert (body["actor"]["name"], body["people"]["author"]["name"]) == ("Admin", "Edith Editor")
    assert (body["plan"], body["reason"], body["ticket"]) == (plan.pk, "QA column added", "CHG-2291")
    assert [each["path"] for each in written(sandbox)] == [
        f"/rest/align/api/2/connectors/123/{plan.changes.get(source_id=QA).path}"
    ]


def test_a_step_that_vanished_between_plan_and_apply_fails_with_aligns_own_words(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    step = connector.steps.filter(flow__level="story", flow__is_active=True, vanished_at=None).earliest("position")
    sandbox.edit("add_step", flow=step.flow.align_id, name="Short-lived", id=9901)
    factories.refreshed(connector)
    edit(connector, "j2a-step", IN_REVIEW, 9901, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    sandbox.edit("remove_step", id=9901)
    mapping_helpers.apply(plan, actor=admin)

    change = plan.changes.get()
    assert change.state == "failed"
    assert change.detail
    assert plan.state == PlanState.FINISHED


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_500_on_a_write_is_settled_by_reading(
    connector: Connector, admin: Person, sandbox: RunningSandbox, after_effect: bool
) -> None:
    """Before the effect it is sent again; after it, it is done and not written twice."""
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    sandbox.faults({"method": "PUT", "status": 500, "times": 1, "after_effect": after_effect})
    sandbox.clear_journal()
    mapping_helpers.apply(plan, actor=admin)

    assert [(change.state, change.confirmed) for change in plan.changes.all()] == [("done", True)]
    assert len(written(sandbox)) == (1 if after_effect else 2)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_cut_connection_creates_nothing_twice(
    connector: Connector, admin: Person, sandbox: RunningSandbox, cut: str
) -> None:
    source, target, _ = free_cell(connector, "j2a-state", "PROJ1", "story")
    edit(connector, "j2a-state", source, target, project="PROJ1", actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    sandbox.faults({"method": "POST", "cut": cut, "times": 1})
    mapping_helpers.apply(plan, actor=admin)

    assert mapping_helpers.states(plan) == ["done"]
    records = sandbox.align("GET", "/connectors/123/mappings/states?ProjectKey=PROJ1&WorkItemTypeId=4").json()
    assert [r["alignStateId"] for r in records if r["jiraStatusId"] == source] == [target]


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("wanted", [3, None])
def test_a_404_on_an_update_or_a_deletion_is_looked_at_before_anything_is_said(
    connector: Connector, admin: Person, sandbox: RunningSandbox, times: int, wanted: int | None
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, wanted, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    sandbox.faults({"method": "DELETE" if wanted is None else "PUT", "status": 404, "times": times, "body": ""})
    mapping_helpers.apply(plan, actor=admin)

    change = plan.changes.get()
    if times == 1:
        assert (change.state, change.confirmed, change.sends) == ("done", True, 2)
        return
    assert (change.state, change.sends) == ("failed", 2)
    assert "404" in change.detail
    assert change.detail.endswith("Its list holds this record all the same.")


@pytest.mark.parametrize(
    ("answered", "state", "detail"),
    [
        ({}, "done", "Already absent in Align."),
        ({"status": 429, "after_effect": True}, "stale", DELETED),
    ],
)
def test_a_deletion_of_what_is_gone_is_done_only_where_align_did_not_find_it(
    connector: Connector,
    admin: Person,
    sandbox: RunningSandbox,
    settings: LazySettings,
    answered: dict[str, object],
    state: str,
    detail: str,
) -> None:
    """Somebody else deletes it while ours is on its way; where ours was put off, it was they alone."""
    settings.BUDGET_BLOCK = 0.2
    edit(connector, "j2a-state", IN_REVIEW, None, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    gone = {"action": "delete_mapping", "family": "j2a_state", "type": 4, "source": IN_REVIEW}
    sandbox.faults({"method": "DELETE", "times": 1, "edit": gone, **answered})
    sandbox.clear_journal()
    mapping_helpers.apply(plan, actor=admin)

    change = plan.changes.get()
    assert (change.state, change.detail, change.sends) == (state, detail, 1)
    assert [each["method"] for each in written(sandbox)] == ["DELETE"]


def test_a_record_that_was_deleted_while_its_update_left_is_told_so_after_its_list_was_read(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    gone = {"action": "delete_mapping", "family": "j2a_state", "type": 4, "source": IN_REVIEW}
    sandbox.faults({"method": "PUT", "times": 1, "edit": gone})
    mapping_helpers.apply(plan, actor=admin)

    change = plan.changes.get()
    assert (change.state, change.sends) == ("stale", 1)
    assert change.detail == "Align no longer has this record: it was deleted elsewhere."


def test_a_refused_sign_in_pauses_the_plan_and_sends_nothing_more(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    plan = approved_plan_of_two(connector, actor=admin)
    sandbox.edit("revoke_token", site="align", token="sandbox-align-token")
    mapping_helpers.apply(plan, actor=admin)

    assert (plan.state, mapping_helpers.states(plan)) == (PlanState.PAUSED, ["planned", "planned"])
    assert written(sandbox) == []
    sandbox.edit("add_token", site="align", token="sandbox-align-token", user="admin@sandbox.test")
    planning.control(plan, "resume", actor=admin)
    run_due()
    plan.refresh_from_db()
    assert (plan.state, mapping_helpers.states(plan)) == (PlanState.FINISHED, ["done", "done"])


def test_a_sign_in_refused_between_reading_and_writing_sends_nothing_after_the_first_request(
    connector: Connector, admin: Person, sandbox: RunningSandbox, settings: LazySettings
) -> None:
    """Only that one request is refused: whatever was sent after it would be written, and seen here."""
    settings.APPLY_THREADS = 1
    plan = approved_plan_of_two(connector, actor=admin)
    sandbox.faults({"method": "PUT", "status": 401, "times": 1})
    sandbox.clear_journal()
    mapping_helpers.apply(plan, actor=admin)

    assert [each["status"] for each in written(sandbox)] == [401]
    assert (plan.state, mapping_helpers.states(plan)) == (PlanState.PAUSED, ["planned", "planned"])
    assert [change.sends for change in plan.changes.order_by("position")] == [1, 0]
    paused = Entry.objects.get(action="plan.paused")
    assert f"Plan {plan.pk} was paused. " in paused.body
    assert Job.objects.get(kind="apply").error.endswith("The plan is paused; nothing more was sent.")


def test_a_429_pauses_everyone_and_fails_nothing(
    connector: Connector, admin: Person, sandbox: RunningSandbox, settings: object
) -> None:
    settings.BUDGET_BLOCK = 1.0  # type: ignore[attr-defined]
    plan = approved_plan_of_two(connector, actor=admin)
    sandbox.faults({"method": "PUT", "status": 429, "times": 1})
    mapping_helpers.apply(plan, actor=admin)

    assert mapping_helpers.states(plan) == ["done", "done"]


@pytest.mark.parametrize("begun", [True, False])
def test_an_apply_pauses_when_maintenance_begins_and_goes_on_after_it(
    connector: Connector, admin: Person, sandbox: RunningSandbox, settings: LazySettings, begun: bool
) -> None:
    """It begins while the first of two requests is on its way: that one is recorded, the other stays planned."""
    settings.APPLY_THREADS = 1
    plan = approved_plan_of_two(connector, actor=admin)
    sandbox.faults({"method": "PUT", "latency_ms": 1500, "times": 1})
    with meanwhile(
        lambda: written(sandbox), lambda: begun and maintenance.begin(connector, reason="Jira", actor=admin)
    ):
        mapping_helpers.apply(plan, actor=admin)

    if begun:
        assert (plan.state, mapping_helpers.states(plan)) == (PlanState.PAUSED, ["done", "planned"])
        assert len(written(sandbox)) == 1
        job = Job.objects.get(kind="apply")
        assert "Maintenance of this connector has begun" in job.error
        assert Entry.objects.filter(action="plan.paused").count() == 1
        maintenance.end(connector, actor=admin)
        planning.control(plan, "resume", actor=admin)
        run_due()
        plan.refresh_from_db()
    assert (plan.state, mapping_helpers.states(plan)) == (PlanState.FINISHED, ["done", "done"])
    assert not Entry.objects.filter(action="plan.paused").exists() or begun


@pytest.mark.parametrize("wish", ["pause", "cancel"])
def test_a_wish_to_stop_is_heard_while_every_request_waits_for_the_rate_limit(
    connector: Connector, admin: Person, sandbox: RunningSandbox, settings: LazySettings, wish: str
) -> None:
    """Nothing is journalled as sent while it only waits for a slot."""
    settings.BUDGET_SLOTS, settings.BUDGET_RESERVED, settings.BUDGET_WINDOW = 4, 1, 6.0  # the list takes two
    plan = approved_plan_of_two(connector, actor=admin)
    BudgetSlot.objects.all().delete()
    sandbox.clear_journal()
    with meanwhile(lambda: written(sandbox), lambda: planning.control(plan, wish, actor=admin)):
        mapping_helpers.apply(plan, actor=admin)

    assert dict(plan.changes.values_list("state", "sends")) == {
        "done": 1,
        "planned" if wish == "pause" else "cancelled": 0,
    }
    assert Entry.objects.filter(action="change.sent").count() == len(written(sandbox)) == 1


@contextmanager
def meanwhile(ready: Callable[[], object], act: Callable[[], object]) -> Iterator[None]:
    """Act from another thread as soon as it is ready."""

    def wait_and_act() -> None:
        until = time.monotonic() + 20
        try:
            while not ready() and time.monotonic() < until:
                time.sleep(0.02)
            act()
        finally:
            connections.close_all()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    yield
    thread.join()


# --- stopping while it sends -------------------------------------------------------------------------------------


@pytest.fixture
def one_slot_a_minute(connector: Connector, settings: LazySettings) -> None:
    BudgetSlot.objects.all().delete()
    settings.BUDGET_SLOTS, settings.BUDGET_RESERVED, settings.BUDGET_WINDOW = 2, 1, 60.0


@pytest.fixture
def applying(connector: Connector, admin: Person, settings: LazySettings) -> Apply:
    """A started plan of two updates in the hands of a worker that sends one request at a time."""
    settings.APPLY_THREADS = 1
    plan = approved_plan_of_two(connector, actor=admin)
    planning.start_apply(plan, typed=connector.slug, actor=admin)
    run = runner.claim("this worker", Job.objects.get(kind="apply").pk)
    assert run is not None
    plan = Plan.objects.select_related("connector", "author", "applier", "approver").get(pk=plan.pk)
    reader = clients.align_client(connector, job=run.job)
    return Apply(run=run, plan=plan, reader=reader, journal=Journal(run=run, plan=plan))


def in_order(plan: Plan) -> list[Change]:
    return list(plan.changes.order_by("position").select_related("mapping", "scope__project"))


@pytest.mark.parametrize(
    ("stop", "left"), [("pause", "planned"), ("cancel", "cancelled"), ("the lease may end", "planned")]
)
def test_what_waits_for_its_slot_waits_no_more_once_it_may_not_be_sent(
    one_slot_a_minute: None, applying: Apply, admin: Person, sandbox: RunningSandbox, stop: str, left: str
) -> None:
    """The first change takes the slot, and the second would wait for half a minute."""
    plan, until = applying.plan, time.monotonic() + 30
    sandbox.clear_journal()

    def ask_to_stop() -> None:
        if stop == "the lease may end":
            applying.run.held_until = time.monotonic()
        else:
            planning.control(plan, stop, actor=admin)

    end = pytest.raises(LeaseLost) if stop == "the lease may end" else nullcontext()
    with meanwhile(lambda: plan.changes.filter(state="done").exists(), ask_to_stop), end:
        applying.send(in_order(plan), until=until)

    assert time.monotonic() < until - 10, "it waited for the slot"
    assert mapping_helpers.states(plan) == ["done", left]
    assert Entry.objects.filter(action="change.sent").count() == len(written(sandbox)) == 1


def test_a_slot_that_comes_when_the_time_to_send_is_over_is_not_used(applying: Apply, sandbox: RunningSandbox) -> None:
    sandbox.clear_journal()
    applying.send(in_order(applying.plan), until=time.monotonic())

    assert mapping_helpers.states(applying.plan) == ["planned", "planned"]
    assert written(sandbox) == []
    assert not Entry.objects.filter(action="change.sent").exists()


def test_when_the_lease_may_end_what_is_on_its_way_is_recorded_and_nothing_more_leaves(
    applying: Apply, sandbox: RunningSandbox
) -> None:
    sandbox.faults({"method": "PUT", "latency_ms": 1000, "times": 1})
    sandbox.clear_journal()

    def let_it_end() -> None:
        applying.run.held_until = time.monotonic()

    with meanwhile(lambda: applying.plan.changes.filter(state="sending").exists(), let_it_end):
        runner.execute(applying.run)

    assert mapping_helpers.states(applying.plan) == ["done", "planned"]
    assert len(written(sandbox)) == 1
    assert Job.objects.get(kind="apply").state == JobState.QUEUED, "whoever takes it up goes on with it"
    run_due()
    applying.plan.refresh_from_db()
    assert (applying.plan.state, mapping_helpers.states(applying.plan)) == (PlanState.FINISHED, ["done", "done"])
    assert len(written(sandbox)) == 2


def test_a_worker_that_lost_its_lease_while_sending_leaves_the_outcome_to_the_one_that_has_it(
    applying: Apply, sandbox: RunningSandbox, settings: LazySettings
) -> None:
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 3.0, 0.2
    sandbox.faults({"method": "PUT", "latency_ms": 1000, "times": 1})
    sandbox.clear_journal()
    taken_over: list[Run] = []

    def take_it_over() -> None:
        Job.objects.filter(kind="apply").update(lease_until=timezone.now() - timedelta(seconds=1))
        run = runner.claim("another worker", left_alone=True)
        assert run is not None
        taken_over.append(run)

    with meanwhile(lambda: applying.plan.changes.filter(state="sending").exists(), take_it_over):
        runner.execute(applying.run)

    assert mapping_helpers.states(applying.plan) == ["sending", "planned"]
    assert not Entry.objects.filter(action="change.done").exists()
    assert (len(written(sandbox)), Job.objects.get(kind="apply").owner) == (1, "another worker")
    (other,) = taken_over
    runner.execute(other)
    assert mapping_helpers.states(applying.plan) == ["done", "done"]
    assert [each["method"] for each in written(sandbox)] == ["PUT", "PUT"], "what Align took is not sent again"


@pytest.mark.parametrize("state", [PlanState.APPLYING, PlanState.PAUSED])
def test_a_pause_that_was_answered_right_before_the_commit_lets_nothing_leave(
    applying: Apply, admin: Person, state: PlanState
) -> None:
    """The worker has asked already; its journal asks once more, with the plan's row locked."""
    planning.control(applying.plan, "pause", actor=admin)
    if state == PlanState.PAUSED:
        Plan.objects.filter(pk=applying.plan.pk).update(state=state, control="")
    assert applying.journal.mark_sending(in_order(applying.plan)) == []
    assert mapping_helpers.states(applying.plan) == ["planned", "planned"]
    assert not Entry.objects.filter(action="change.sent").exists()


# --- without an answer -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_a_request_without_an_answer_stays_unclear_while_its_list_cannot_be_read(
    applying: Apply, sandbox: RunningSandbox, signed_in: Callable[[Role], Client], state: str
) -> None:
    """Its worker died, or no answer came; Align has taken it. Nothing is guessed, and nothing sent again."""
    plan, (first, second) = applying.plan, in_order(applying.plan)
    plan.changes.filter(pk=first.pk).update(state=state, sends=1, sent_at=timezone.now() - timedelta(hours=1))
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=first.source_id, target=first.after)
    sandbox.faults({"method": "GET", "path": "mappings/states", "status": 403})
    sandbox.clear_journal()
    runner.execute(applying.run)

    first.refresh_from_db()
    second.refresh_from_db()
    plan.refresh_from_db()
    assert (first.state, first.sends, first.confirmed, second.state) == ("unknown", 1, None, "stale")
    assert written(sandbox) == []
    assert len(sandbox.journal("GET", "mappings/states")) == 3, "before, for and after the batch, and not again at once"
    assert first.mapping is not None
    assert (first.mapping.applied, first.mapping.observed) == (first.before, first.before)
    told = [json.loads(entry.body) for entry in Entry.objects.filter(action="change.unknown")]
    why = "No answer came, and its list could not be read since."
    assert [(body["subject"], body["data"]["detail"]) for body in told] == (
        [(f"plan {plan.pk} change {first.position}", why)] if state == "sending" else []
    )
    assert plan.state == PlanState.FINISHED
    end = f"Plan {plan.pk} ended: 1 stale, 1 unknown; 0 confirmed by reading back."
    assert json.loads(Entry.objects.get(action="plan.finished").body)["sentence"] == end
    client = signed_in(Role.ADMIN)
    html = client.get(f"/plans/{plan.pk}/").content.decode()
    assert "Result not known: 1 stale, 1 without an answer" in html
    assert "it is not known yet whether it took effect" in html
    assert "nothing was changed in Align" not in html, "nobody knows that"
    unsure = f"Whether plan {plan.pk} changed anything in Align is not known"
    assert unsure in client.get(f"/plans/{plan.pk}/roll-back/").content.decode()
    with pytest.raises(Refused, match=unsure):
        roll_back.roll_back(plan, reason="It broke the reports.", actor=plan.author)


# --- approval ----------------------------------------------------------------------------------------------------


def test_the_second_of_two_approvals_is_told_who_approved(connector: Connector, admin: Person) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.make_plan(connector, actor=admin)
    planning.approve(plan, plan.fingerprint, ticked=True, actor=admin)
    other = factories.person(Role.ADMIN, email="other@example.test", name="Other Admin")
    with pytest.raises(Refused, match="Already approved by Admin at "):
        planning.approve(plan, plan.fingerprint, ticked=True, actor=other)


def test_a_plan_whose_stored_changes_were_altered_is_not_applied(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    Change.objects.filter(plan=plan).update(path="mappings/states/1")
    sandbox.clear_journal()
    mapping_helpers.apply(plan, actor=admin)

    assert written(sandbox) == []
    assert plan.state == PlanState.PAUSED


def test_a_plan_that_is_too_old_has_to_be_refreshed_and_keeps_its_approval(
    connector: Connector, admin: Person, settings: object
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    settings.PLAN_MAX_AGE = 0.0  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="Refresh it"):
        planning.start_apply(plan, typed=connector.slug, actor=admin)
    settings.PLAN_MAX_AGE = 1800.0  # type: ignore[attr-defined]
    before = plan.seen_at
    planning.start_refresh(plan, actor=admin)
    run_due()
    plan.refresh_from_db()
    assert plan.seen_at > before
    assert plan.state == PlanState.APPROVED


def test_every_step_of_a_change_has_its_entry_and_the_reason_stands_in_each(
    connector: Connector, admin: Person
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    apply_all(connector, actor=admin)
    actions = list(Entry.objects.order_by("seq").values_list("action", flat=True))
    journey = ["mapping.edited", "plan.made", "plan.approved", "plan.started", "change.sent", "change.done"]
    assert [action for action in actions if action in journey] == journey
    told = [json.loads(entry.body) for entry in Entry.objects.filter(action__startswith="change.").order_by("seq")]
    assert [body["reason"] for body in told] == ["QA column added"] * 2


def test_one_apply_at_a_time_and_the_second_is_told_who_holds_the_connector(
    connector: Connector, admin: Person
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    first = mapping_helpers.approved_plan(connector, actor=admin)
    Plan.objects.filter(pk=first.pk).update(state=PlanState.PAUSED, applier=admin)
    edit(connector, "j2a-state", QA, 4, actor=admin)
    second = mapping_helpers.approved_plan(connector, actor=admin)
    with pytest.raises(Refused, match=f"Plan {first.pk} of Admin, paused, holds this connector"):
        planning.start_apply(second, typed=connector.slug, actor=admin)
