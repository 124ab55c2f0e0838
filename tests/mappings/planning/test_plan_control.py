"""Telling a plan what to do: pause, resume, cancel, send again what failed, refresh; two admins, two clicks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread

import pytest
from django.db import connections
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from connectors.models import Connector, Job
from connectors.setup import maintenance
from mappings import planning
from mappings.drift.decisions import Decision, decide
from mappings.edits import services
from mappings.engine.values import Situation
from mappings.models import Plan, PlanState
from tests.support import factories, mapping_helpers
from tests.support.mapping_helpers import apply, approved_plan, edit, mapping, states
from tests.support.processes import eventually
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, QA, BLOCKED = 10013, 10015, 10017
REFUSED = {"method": "PUT", "status": 400, "body": '{"title": "Not now"}', "times": 1}
SignIn = Callable[[Role], Client]


@pytest.fixture
def client(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


@pytest.fixture
def plan(connector: Connector, admin: Person) -> Plan:
    """Two approved updates."""
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(connector, "j2a-state", QA, 4, actor=admin)
    return approved_plan(connector, actor=admin)


@pytest.fixture
def partly_failed(plan: Plan, admin: Person, sandbox: RunningSandbox, settings: object) -> Plan:
    """One of the two was refused by Align."""
    settings.APPLY_THREADS = 1  # type: ignore[attr-defined]
    sandbox.faults(REFUSED)
    apply(plan, actor=admin)
    assert sorted(states(plan)) == ["done", "failed"]
    return plan


@contextmanager
def worker() -> Iterator[None]:
    """A worker beside the test, until it finds nothing more to do."""

    def work() -> None:
        try:
            run_due()
        finally:
            connections.close_all()

    thread = Thread(target=work)
    thread.start()
    yield
    thread.join(60)
    assert not thread.is_alive()


def tell(client: Client, plan: Plan, wish: str) -> int:
    return client.post(f"/plans/{plan.pk}/{wish}/").status_code


def writes(sandbox: RunningSandbox) -> list[datetime]:
    """When the writes of mappings arrived."""
    sent = [each["at"] for each in sandbox.journal(containing="/mappings/") if each["method"] != "GET"]
    return [datetime.fromisoformat(at) for at in sent]


def entries(action: str) -> int:
    return Entry.objects.filter(action=action).count()


# --- effective before the next request ---------------------------------------------------------------------------


@pytest.mark.parametrize(("wish", "state"), [("cancel", PlanState.CANCELLED), ("pause", PlanState.PAUSED)])
def test_nothing_more_leaves_once_it_was_answered(
    client: Client,
    connector: Connector,
    admin: Person,
    sandbox: RunningSandbox,
    settings: object,
    wish: str,
    state: str,
) -> None:
    """Align takes its time; what is under way arrives, what waits for its turn never does."""
    settings.APPLY_THREADS = 1  # type: ignore[attr-defined]
    for source in (IN_REVIEW, QA, BLOCKED, 10001, 10002, 10003):
        edit(connector, "j2a-state", source, 5, actor=admin)
    plan = approved_plan(connector, actor=admin)
    sandbox.faults({"method": "PUT", "latency_ms": 1000}, {"method": "POST", "latency_ms": 1000})
    sandbox.clear_journal()
    client.get(f"/plans/{plan.pk}/")  # a first request takes its time by itself
    planning.start_apply(plan, typed=connector.slug, actor=admin)
    with worker():
        eventually(lambda: bool(writes(sandbox)), what="the first write")
        assert tell(client, plan, wish) == 303
        answered = datetime.now(UTC)
        assert tell(client, plan, wish) == 409, "a second click, or a second admin"

    plan.refresh_from_db()
    left = "cancelled" if wish == "cancel" else "planned"
    assert plan.state == state
    assert set(states(plan)) == {"done", left}
    assert len(writes(sandbox)) == states(plan).count("done")
    assert [at for at in writes(sandbox) if at > answered] == []
    assert entries(f"plan.{wish}") == 1


def test_a_paused_plan_goes_on_where_it_was(client: Client, plan: Plan, admin: Person) -> None:
    planning.start_apply(plan, typed=plan.connector.slug, actor=admin)
    assert tell(client, plan, "pause") == 303
    run_due()
    html = client.get(f"/plans/{plan.pk}/").content.decode()
    assert "Paused: 0 of 2 done" in html
    assert "2 of 2 changes left" in html
    assert tell(client, plan, "resume") == 303
    assert tell(client, plan, "resume") == 409, "it is under way again"
    run_due()
    plan.refresh_from_db()
    assert (plan.state, states(plan)) == (PlanState.FINISHED, ["done", "done"])
    assert Entry.objects.get(action="plan.resume").body.count("2 of 2 changes left") == 1


def test_resuming_after_a_refused_sign_in_says_why_it_stopped_and_what_is_left(
    client: Client, plan: Plan, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.edit("revoke_token", site="align", token="sandbox-align-token")
    apply(plan, actor=admin)
    assert plan.state == PlanState.PAUSED
    html = client.get(f"/plans/{plan.pk}/").content.decode()
    assert "It stopped:" in html
    assert "Resume it when the cause is fixed: 2 of 2 changes left" in html
    sandbox.edit("add_token", site="align", token="sandbox-align-token", user="admin@sandbox.test")
    assert tell(client, plan, "resume") == 303
    run_due()
    assert states(plan) == ["done", "done"]


def test_a_paused_plan_with_a_request_without_an_answer_is_settled_when_it_is_cancelled(
    client: Client, plan: Plan, admin: Person, sandbox: RunningSandbox
) -> None:
    """What was sent before the cut took effect: that is found out, the rest is cancelled, and nothing is sent."""
    planning.start_apply(plan, typed=plan.connector.slug, actor=admin)
    Job.objects.filter(kind="apply").delete()
    Plan.objects.filter(pk=plan.pk).update(state=PlanState.PAUSED)
    first = plan.changes.earliest("position")
    plan.changes.filter(pk=first.pk).update(state="unknown", sent_at=datetime(2026, 1, 1, tzinfo=UTC))
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=first.source_id, target=first.after)
    sandbox.clear_journal()
    assert tell(client, plan, "cancel") == 303
    run_due()
    plan.refresh_from_db()
    assert (plan.state, states(plan)) == (PlanState.CANCELLED, ["done", "cancelled"])
    assert writes(sandbox) == []


@pytest.mark.parametrize("wish", ["resume", "retry", "refresh"])
def test_nothing_goes_on_during_maintenance(client: Client, plan: Plan, admin: Person, wish: str) -> None:
    prepared = {"resume": PlanState.PAUSED, "retry": PlanState.FINISHED, "refresh": PlanState.APPROVED}[wish]
    Plan.objects.filter(pk=plan.pk).update(state=prepared)
    plan.changes.filter(position=0).update(state="failed")
    maintenance.begin(plan.connector, reason="Jira is upgraded", actor=admin)
    answer = client.post(f"/plans/{plan.pk}/{wish}/")
    assert answer.status_code == 409
    assert b"Jira is upgraded" in answer.content
    plan.refresh_from_db()
    assert plan.state == prepared
    maintenance.end(plan.connector, actor=admin)
    assert tell(client, plan, wish) == 303


# --- again -------------------------------------------------------------------------------------------------------


def test_what_failed_is_sent_again_under_the_same_approval(
    client: Client, partly_failed: Plan, sandbox: RunningSandbox
) -> None:
    plan, approved = partly_failed, partly_failed.approved_fingerprint
    failed = plan.changes.get(state="failed")
    assert b"Retry 1 failed change" in client.get(f"/plans/{plan.pk}/").content
    sandbox.clear_journal()
    assert tell(client, plan, "retry") == 303
    assert tell(client, plan, "retry") == 409, "a second click"
    run_due()
    plan.refresh_from_db()
    failed.refresh_from_db()
    assert (plan.state, states(plan), plan.approved_fingerprint) == (PlanState.FINISHED, ["done", "done"], approved)
    assert (failed.detail, failed.sends, failed.confirmed) == ("", 2, True)
    assert len(writes(sandbox)) == 1, "what was done is not sent again"
    reads = sandbox.journal("GET", "mappings/states")
    assert reads[0]["at"] <= sandbox.journal("PUT")[0]["at"], "its list is read first"
    entry = Entry.objects.get(action="plan.retry")
    assert f"Admin had 1 change of plan {plan.pk} sent again that had failed." in entry.body
    assert b"sent 2 times" in client.get(f"/plans/{plan.pk}/").content


def test_a_failed_row_that_moved_meanwhile_is_stale_when_it_is_sent_again(
    client: Client, partly_failed: Plan, sandbox: RunningSandbox
) -> None:
    failed = partly_failed.changes.get(state="failed")
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=failed.source_id, target=5)
    assert tell(client, partly_failed, "retry") == 303
    run_due()
    assert sorted(states(partly_failed)) == ["done", "stale"]


def test_a_plan_that_is_too_old_is_planned_again_instead(client: Client, partly_failed: Plan, settings: object) -> None:
    settings.PLAN_MAX_AGE = 0.0  # type: ignore[attr-defined]
    answer = client.post(f"/plans/{partly_failed.pk}/retry/")
    assert answer.status_code == 409
    assert b"read too long ago" in answer.content
    assert b"failed again" not in client.get(f"/plans/{partly_failed.pk}/").content


def test_an_approval_that_no_longer_counts_sends_nothing_again(client: Client, partly_failed: Plan) -> None:
    Connector.objects.update(four_eyes=True)
    answer = client.post(f"/plans/{partly_failed.pk}/retry/")
    assert answer.status_code == 409
    assert b"asks for a second person" in answer.content
    assert sorted(states(partly_failed)) == ["done", "failed"]
    Connector.objects.update(four_eyes=False)
    assert tell(client, partly_failed, "retry") == 303


def test_changes_that_were_altered_are_not_sent_again(client: Client, partly_failed: Plan) -> None:
    partly_failed.changes.filter(state="failed").update(path="mappings/states/1")
    assert tell(client, partly_failed, "retry") == 409


def test_a_plan_without_failures_has_nothing_to_send_again(client: Client, plan: Plan, admin: Person) -> None:
    assert tell(client, plan, "retry") == 409
    apply(plan, actor=admin)
    answer = client.post(f"/plans/{plan.pk}/retry/")
    assert answer.status_code == 409
    assert b"Nothing of this plan failed" in answer.content


def test_while_another_plan_holds_the_connector_nothing_is_sent_again(
    client: Client, connector: Connector, admin: Person, partly_failed: Plan
) -> None:
    edit(connector, "j2a-state", BLOCKED, 2, actor=admin)
    other = mapping_helpers.make_plan(connector, actor=admin, rows=[mapping(connector, "j2a-state", BLOCKED)])
    Plan.objects.filter(pk=other.pk).update(state=PlanState.PAUSED, applier=admin)
    answer = client.post(f"/plans/{partly_failed.pk}/retry/")
    assert answer.status_code == 409
    assert f"Plan {other.pk} of Admin, paused, holds this connector".encode() in answer.content
    assert sorted(states(partly_failed)) == ["done", "failed"], "nothing is half done"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.REVIEWER])
def test_only_an_admin_tells_a_plan_what_to_do(partly_failed: Plan, signed_in: SignIn, role: Role) -> None:
    client = signed_in(role)
    assert [tell(client, partly_failed, wish) for wish in ("pause", "resume", "cancel", "retry")] == [403] * 4


# --- refresh -----------------------------------------------------------------------------------------------------


def refresh(client: Client, plan: Plan) -> Job:
    assert tell(client, plan, "refresh") == 303
    run_due()
    plan.refresh_from_db()
    return Job.objects.filter(kind="plan-refresh").latest("pk")


def test_where_all_before_values_hold_the_plan_and_its_approval_stay(client: Client, plan: Plan) -> None:
    seen = plan.seen_at
    assert refresh(client, plan).error == ""
    assert plan.state == PlanState.APPROVED
    assert plan.seen_at > seen
    assert Plan.objects.count() == 1


def test_where_rows_moved_a_refreshed_plan_says_what_is_different(
    client: Client, connector: Connector, admin: Person, plan: Plan, sandbox: RunningSandbox
) -> None:
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    refresh(client, plan)
    new = Plan.objects.get(replaces=plan)
    assert (plan.state, new.state, new.approver) == (PlanState.REPLACED, PlanState.DRAFT, None)
    assert (new.author, new.reason, new.ticket) == (plan.author, plan.reason, plan.ticket)
    assert list(new.changes.values_list("source_id", flat=True)) == [QA]
    assert sorted(states(plan)) == ["cancelled", "cancelled"]
    assert mapping(connector, "j2a-state", IN_REVIEW).situation == Situation.CONFLICT
    html = client.get(f"/plans/{new.pk}/").content.decode()
    assert "1 dropped · 0 altered · 0 new · 1 as before" in html
    assert "Somebody changed this mapping elsewhere" in html
    assert 'href="/connectors/acme/drift/"' in html
    old = client.get(f"/plans/{plan.pk}/").content.decode()
    assert f'href="/plans/{new.pk}/">plan {new.pk}</a> replaces this one' in old
    assert entries("plan.replaced") == 1
    with pytest.raises(Refused):
        planning.start_apply(plan, typed="acme", actor=admin)


@pytest.fixture
def with_spare(connector: Connector, admin: Person, sandbox: RunningSandbox) -> Plan:
    """One mapping that two records hold: its update, and the deletion of the further one. Approved."""
    sandbox.edit("create_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    mapping_helpers.observe(connector)
    row = mapping(connector, "j2a-state", IN_REVIEW)
    assert row.remote_id is not None
    services.keep_duplicate(row, row.remote_id, actor=admin)
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = approved_plan(connector, actor=admin)
    assert list(plan.changes.order_by("position").values_list("is_spare", flat=True)) == [False, True]
    return plan


def test_a_further_record_that_is_gone_is_dropped_and_the_update_beside_it_goes_on(
    client: Client, admin: Person, with_spare: Plan, sandbox: RunningSandbox
) -> None:
    spare = with_spare.changes.get(is_spare=True)
    sandbox.edit("delete_mapping", family="j2a_state", id=spare.remote_id)
    refresh(client, with_spare)

    new = Plan.objects.get(replaces=with_spare)
    assert [(change.is_spare, change.source_id, change.after) for change in new.changes.all()] == [
        (False, IN_REVIEW, 3)
    ]
    assert list(with_spare.changes.order_by("position").values_list("state", "detail")) == [
        ("cancelled", "It continues in the refreshed plan."),
        ("cancelled", "Align no longer holds this further record."),
    ]
    body = json.loads(Entry.objects.get(action="plan.replaced").body)
    assert body["sentence"] == (
        f"Plan {new.pk} replaces plan {with_spare.pk}, whose rows had moved: 1 of 2 changes are left. "
        "The approval does not carry over."
    )
    assert (body["actor"]["name"], body["plan"]) == ("Admin", with_spare.pk)
    assert (body["data"]["by"], body["data"]["fingerprint"]) == (new.pk, new.fingerprint)


def test_a_replaced_plan_is_neither_approved_nor_applied_and_says_so(
    client: Client, with_spare: Plan, sandbox: RunningSandbox
) -> None:
    sandbox.edit("delete_mapping", family="j2a_state", id=with_spare.changes.get(is_spare=True).remote_id)
    refresh(client, with_spare)
    assert with_spare.state == PlanState.REPLACED
    sandbox.clear_journal()

    told = {"fingerprint": with_spare.fingerprint, "warnings": "on", "confirm": "acme"}
    approval = client.post(f"/plans/{with_spare.pk}/approve/", told)
    start = client.post(f"/plans/{with_spare.pk}/apply/", told)
    assert (approval.status_code, start.status_code) == (409, 409)
    assert b"This plan is replaced, so it cannot be approved." in approval.content
    assert b"This plan is replaced, so it cannot be applied." in start.content
    run_due()
    with_spare.refresh_from_db()
    assert with_spare.state == PlanState.REPLACED
    assert (entries("plan.approved"), entries("plan.started"), writes(sandbox)) == (1, 0, [])


def test_a_row_that_was_decided_meanwhile_goes_on_with_its_new_before_value(
    client: Client, connector: Connector, admin: Person, plan: Plan, sandbox: RunningSandbox
) -> None:
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    mapping_helpers.observe(connector)
    row = mapping(connector, "j2a-state", IN_REVIEW)
    decide(row, Decision.RESTORE, seen=5, actor=admin)
    refresh(client, plan)
    new = Plan.objects.get(replaces=plan)
    assert new.changes.get(source_id=IN_REVIEW).before == 5
    html = client.get(f"/plans/{new.pk}/").content.decode()
    assert "0 dropped · 1 altered · 0 new · 1 as before" in html
    assert "now it is <b><bdi>Accepted</bdi></b>" in html


def test_a_value_that_somebody_wants_otherwise_by_now_is_not_slipped_into_the_refreshed_plan(
    client: Client, connector: Connector, plan: Plan, sandbox: RunningSandbox
) -> None:
    other = factories.person(Role.EDITOR, email="other@example.test", name="Other Editor")
    edit(connector, "j2a-state", QA, 2, actor=other)
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    refresh(client, plan)
    assert plan.state == PlanState.REPLACED
    assert not Plan.objects.filter(replaces=plan).exists()
    assert "Something else is wanted by now" in plan.changes.get(source_id=QA).detail


def test_when_nothing_is_left_to_do_the_plan_ends_and_says_so(
    client: Client, plan: Plan, sandbox: RunningSandbox
) -> None:
    for source, target in ((IN_REVIEW, 3), (QA, 4)):
        sandbox.edit("update_mapping", family="j2a_state", type=4, source=source, target=target)
    assert refresh(client, plan).error == ""
    assert (plan.state, Plan.objects.count()) == (PlanState.REPLACED, 1)
    html = client.get(f"/plans/{plan.pk}/").content.decode()
    body = json.loads(Entry.objects.get(action="plan.replaced").body)
    assert body["sentence"] == f"Refreshed plan {plan.pk}: nothing is left to do, so it ended."
    assert "Nothing left to do." in html
    assert "Align already holds this value." in html


def test_a_list_that_cannot_be_read_leaves_the_plan_as_it_was(
    client: Client, plan: Plan, sandbox: RunningSandbox
) -> None:
    sandbox.faults({"method": "GET", "path": "mappings/states", "status": 403})
    job = refresh(client, plan)
    assert "could not be read, so the plan is as it was" in job.error
    assert (plan.state, states(plan)) == (PlanState.APPROVED, ["planned", "planned"])
    assert b"The refresh stopped:" in client.get(f"/plans/{plan.pk}/").content


def test_a_plan_that_is_started_while_its_lists_are_read_is_not_replaced(
    client: Client, plan: Plan, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    sandbox.faults({"method": "GET", "path": "mappings/states", "latency_ms": 800, "times": 1})
    assert tell(client, plan, "refresh") == 303
    with worker():
        eventually(lambda: Job.objects.filter(kind="plan-refresh", state="running").exists(), what="the refresh")
        time.sleep(0.2)
        assert tell(client, plan, "cancel") == 303
    plan.refresh_from_db()
    assert (plan.state, Plan.objects.count()) == (PlanState.CANCELLED, 1)
    assert "is cancelled by now" in Job.objects.filter(kind="plan-refresh").latest("pk").error
