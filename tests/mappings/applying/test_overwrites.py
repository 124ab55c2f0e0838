"""A change of somebody else's between our last look and our write: found in Align's log and told once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

from alignadmin.accounts.models import Person
from alignadmin.audit.models import Entry
from connectors.jobs import runner
from connectors.models import AuditSource, Connector, HistoryRow, Intake, JobKind, JobState
from mappings.applying.overwrites import find_overwrites, only_in_log
from mappings.models import Change, Mapping, Plan
from tests.support import mapping_helpers
from tests.support.intake_helpers import take_in
from tests.support.mapping_helpers import apply, apply_all, approved_plan, edit, mapping
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
TO_DO, IN_PROGRESS, IN_REVIEW, BLOCKED = 10001, 10002, 10013, 10017
DEV_COMPLETE = 3  # a state
RITA = "rita@acme.test"


def slip_in(sandbox: RunningSandbox, method: str, action: str, family: str = "j2a_state", **fields: Any) -> None:
    """Somebody else is quicker: the edit is made when our next writing request arrives."""
    change = {"action": action, "family": family, "type": 4, "user": RITA, **fields}
    sandbox.faults({"method": method, "path": "/mappings/", "edit": change, "times": 1})


def take_in_log(connector: Connector) -> None:
    job = runner.run_now(runner.start(connector, JobKind.INTAKE, actor=None))
    assert job.state == JobState.DONE, job.error


def told(plan: Plan) -> list[tuple[str, int | None]]:
    return list(plan.changes.order_by("position").values_list("overwrote_name", "overwrote"))


def entries() -> list[str]:
    rows = HistoryRow.objects.filter(action="change.overwrote")
    assert rows.count() == Entry.objects.filter(action="change.overwrote").count()
    return list(rows.order_by("id").values_list("sentence", flat=True))


# --- what is found -----------------------------------------------------------------------------------------------


def test_an_update_tells_the_value_it_overwrote_and_who_had_set_it(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = approved_plan(connector, actor=admin)
    slip_in(sandbox, "PUT", "update_mapping", source=IN_REVIEW, target=5)
    apply(plan, actor=admin)

    assert mapping_helpers.states(plan) == ["done"]
    assert told(plan) == [("Accepted", 5)]
    (sentence,) = entries()
    assert sentence.startswith(f"Overwrote Accepted, set by {RITA} at ")
    row = HistoryRow.objects.get(action="change.overwrote")
    assert (row.plan, row.before_id, row.after_id, row.object_id) == (plan.pk, 5, 3, IN_REVIEW)


def test_state_0_that_was_overwritten_is_a_value(connector: Connector, admin: Person, sandbox: RunningSandbox) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = approved_plan(connector, actor=admin)
    slip_in(sandbox, "PUT", "update_mapping", source=IN_REVIEW, target=0)
    apply(plan, actor=admin)
    assert told(plan) == [("Pending approval", 0)]


@pytest.mark.parametrize("family", ["j2a-state", "j2a-step"])
def test_a_delete_tells_the_value_it_overwrote(
    connector: Connector, admin: Person, sandbox: RunningSandbox, family: str
) -> None:
    """Its line looks like the expected one in all but the target, which only some deletions tell by its id."""
    row = mapping_helpers.scope(connector, family).mappings.filter(work_item_type="story").earliest("source_id")
    targets = {0, 5} if family == "j2a-state" else set(connector.steps.values_list("align_id", flat=True))
    theirs = min(targets - {row.observed})
    edit(connector, family, row.source_id, None, actor=admin)
    plan = approved_plan(connector, actor=admin)
    slip_in(sandbox, "DELETE", "update_mapping", family.replace("-", "_"), id=row.remote_id, target=theirs)
    apply(plan, actor=admin)
    assert mapping_helpers.states(plan) == ["done"]
    assert [value for _, value in told(plan)] == [theirs]
    assert len(entries()) == 1


def test_it_is_told_of_the_change_that_did_it_though_a_later_one_looks_alike(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    """Their lines are read together, when the second deletion of the same mapping has gone as planned."""
    row = mapping_helpers.scope(connector, "j2a-step").mappings.filter(work_item_type="story").earliest("source_id")
    theirs = min(set(connector.steps.values_list("align_id", flat=True)) - {row.observed})
    sandbox.faults({"path": "/auditlog", "status": 404})
    slip_in(sandbox, "DELETE", "update_mapping", "j2a_step", id=row.remote_id, target=theirs)
    plans = []
    for wanted in (None, row.observed, None):
        edit(connector, "j2a-step", row.source_id, wanted, actor=admin)
        plans.append(apply_all(connector, actor=admin))
    assert [told(plan) for plan in plans] == [[("", None)]] * 3

    sandbox.faults()
    take_in_log(connector)
    assert [[value for _, value in told(plan)] for plan in plans] == [[theirs], [None], [None]]


def test_a_create_that_became_an_update_tells_the_value_it_overwrote(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.reset(duplicate="upsert")
    edit(connector, "j2a-state", BLOCKED, 3, actor=admin)
    plan = approved_plan(connector, actor=admin)
    slip_in(sandbox, "POST", "create_mapping", source=BLOCKED, target=1)
    apply(plan, actor=admin)
    assert mapping_helpers.states(plan) == ["done"]
    assert told(plan) == [("Ready to start", 1)]


def test_align_to_jira_the_project_is_that_of_the_change(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    """The lines do not name it, but only one of our changes could have replaced theirs."""
    row = a2j(connector, "PROJ")
    other = other_status(row.observed)
    edit(connector, "a2j-state", DEV_COMPLETE, other, project="PROJ", actor=admin)
    plan = approved_plan(connector, actor=admin)
    theirs = other_status(row.observed, other)
    slip_in(sandbox, "PUT", "update_mapping", "a2j_state", id=row.remote_id, target=theirs)
    apply(plan, actor=admin)
    assert [value for _, value in told(plan)] == [theirs]


def test_align_to_jira_a_later_plan_of_the_same_mapping_is_not_drawn_in(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    row = a2j(connector, "PROJ")
    wanted = other_status(row.observed)
    slip_in(sandbox, "PUT", "update_mapping", "a2j_state", id=row.remote_id, target=other_status(row.observed, wanted))
    plans = []
    for value in (wanted, row.observed, wanted):
        edit(connector, "a2j-state", DEV_COMPLETE, value, project="PROJ", actor=admin)
        plans.append(apply_all(connector, actor=admin))
    assert [told(plan)[0][0] != "" for plan in plans] == [True, False, False]
    assert len(entries()) == 1


def test_of_identical_changes_in_several_projects_none_is_singled_out(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    before = a2j(connector, "PROJ").observed
    rows = Mapping.objects.filter(scope__family="a2j-state", work_item_type="story", source_id=DEV_COMPLETE)
    found = rows.filter(observed=before).order_by("scope__project__key")
    alike = list(found.values_list("scope__project__key", flat=True))
    assert len(alike) > 1
    wanted = other_status(before)
    for key in alike:
        edit(connector, "a2j-state", DEV_COMPLETE, wanted, project=key, actor=admin)
    plan = approved_plan(connector, actor=admin)
    row, theirs = a2j(connector, alike[0]), other_status(before, wanted)
    change = {"action": "update_mapping", "family": "a2j_state", "id": row.remote_id, "target": theirs, "user": RITA}
    sandbox.faults({"method": "PUT", "path": f"{alike[0]}/mappings/states/{row.remote_id}", "edit": change, "times": 1})
    apply(plan, actor=admin)

    assert mapping_helpers.states(plan) == ["done"] * len(alike)
    assert {value for _, value in told(plan)} == {theirs}
    assert all("other project" in name for name, _ in told(plan))
    (sentence,) = entries()
    assert f"does not say in which of {', '.join(sorted(alike))}" in sentence


def test_what_was_overwritten_although_no_answer_came_is_found(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = approved_plan(connector, actor=admin)
    change = {"action": "update_mapping", "family": "j2a_state", "type": 4, "source": IN_REVIEW, "target": 5}
    sandbox.faults({"method": "PUT", "cut": "after", "edit": change, "times": 1})
    apply(plan, actor=admin)
    assert mapping_helpers.states(plan) == ["done"]
    assert told(plan) == [("Accepted", 5)]


# --- what is not -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [3, None])
def test_nothing_is_told_where_nothing_of_theirs_was_lost(
    connector: Connector, admin: Person, sandbox: RunningSandbox, target: int | None
) -> None:
    """They set the very value we wrote, or deleted the record, so that our write met none."""
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = approved_plan(connector, actor=admin)
    if target is None:
        slip_in(sandbox, "PUT", "delete_mapping", source=IN_REVIEW)
    else:
        slip_in(sandbox, "PUT", "update_mapping", source=IN_REVIEW, target=target)
    apply(plan, actor=admin)
    assert mapping_helpers.states(plan) == ["stale" if target is None else "done"]
    assert told(plan) == [("", None)]
    assert entries() == []


def test_a_change_that_the_last_look_sees_is_not_overwritten(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = approved_plan(connector, actor=admin)
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5, user=RITA)
    apply(plan, actor=admin)
    take_in_log(connector)
    assert mapping_helpers.states(plan) == ["stale"]
    assert entries() == []
    assert mapping(connector, "j2a-state", IN_REVIEW).observed == 5


def test_a_delete_that_found_nothing_left_overwrote_nothing(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    """They set another value and then deleted the record themselves: their line of it is not ours."""
    edit(connector, "j2a-state", IN_REVIEW, None, actor=admin)
    plan = approved_plan(connector, actor=admin)
    slip_in(sandbox, "DELETE", "delete_mapping", source=IN_REVIEW)
    apply(plan, actor=admin)
    assert mapping_helpers.states(plan) == ["done"]
    assert entries() == []


def test_what_somebody_changes_after_our_write_was_not_overwritten(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = apply_all(connector, actor=admin)
    for target in (5, 3, 4):
        sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=target, user=RITA)
    take_in_log(connector)
    assert told(plan) == [("", None)]
    assert entries() == []


def test_two_plans_one_after_the_other_are_never_taken_for_somebody_else(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    for wanted in (3, 5, 3, None, 4, 3):
        edit(connector, "j2a-state", IN_REVIEW, wanted, actor=admin)
        apply_all(connector, actor=admin)
    assert find_overwrites(connector) == 0
    assert not Change.objects.exclude(overwrote_name="").exists()


# --- once, and by other ways of the log ----------------------------------------------------------------------------


def test_it_is_told_once_however_often_the_log_is_read(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = approved_plan(connector, actor=admin)
    slip_in(sandbox, "PUT", "update_mapping", source=IN_REVIEW, target=5)
    apply(plan, actor=admin)
    for _ in range(2):
        take_in_log(connector)
    assert find_overwrites(connector) == 0
    assert len(entries()) == 1


@pytest.mark.parametrize("skew", [-250, 0, 250])
def test_without_the_endpoint_the_plan_says_so_and_pasted_lines_tell_it(
    connector: Connector, admin: Person, sandbox: RunningSandbox, skew: int
) -> None:
    """Pasted lines have whole seconds and the newest first, and Align's clock may not be ours."""
    plan = overwritten_unseen(connector, admin, sandbox)
    assert "paste or upload" in only_in_log(connector)
    assert told(plan) == [("", None)]

    take_in(connector, copied(sandbox, timedelta(seconds=skew)), intake=Intake.PASTE, actor=admin)
    assert told(plan) == [("Accepted", 5)]


def test_a_line_that_was_here_before_our_request_is_not_its_line_however_alike(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    """Somebody has set what we are about to set, and taken it back, and our own line is not in the log yet."""
    row = mapping(connector, "j2a-state", IN_REVIEW)
    for target in (5, 3, row.observed):
        sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=target)
    take_in_log(connector)
    mapping_helpers.observe(connector)
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    sandbox.faults({"path": "/auditlog", "status": 404})
    plan = apply_all(connector, actor=admin)
    assert told(plan) == [("", None)]
    sandbox.faults()
    take_in_log(connector)
    assert told(plan) == [("", None)]


def test_lines_that_are_pasted_weeks_later_are_looked_at(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    plan = overwritten_unseen(connector, admin, sandbox)
    ago = timedelta(days=20)
    plan.changes.update(sent_at=F("sent_at") - ago, answered_at=F("answered_at") - ago)
    take_in(connector, copied(sandbox, -ago), intake=Intake.PASTE, actor=admin)
    assert told(plan) == [("Accepted", 5)]


def test_lines_of_another_time_are_not_taken_for_our_write(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    plan = overwritten_unseen(connector, admin, sandbox)
    take_in(connector, copied(sandbox, timedelta(seconds=-400)), intake=Intake.PASTE, actor=admin)
    assert told(plan) == [("", None)]


def test_a_log_that_is_read_needs_no_such_sentence(connector: Connector) -> None:
    take_in_log(connector)
    connector.refresh_from_db()
    assert only_in_log(connector) == ""


# --- steps ---------------------------------------------------------------------------------------------------------


def overwritten_unseen(connector: Connector, admin: Person, sandbox: RunningSandbox) -> Plan:
    """An update that overwrote "Accepted" at an Align that does not hand its log out."""
    sandbox.faults({"path": "/auditlog", "status": 404})
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    plan = approved_plan(connector, actor=admin)
    slip_in(sandbox, "PUT", "update_mapping", source=IN_REVIEW, target=5)
    apply(plan, actor=admin)
    sandbox.faults()
    connector.refresh_from_db()
    assert connector.audit_source == AuditSource.NONE
    return plan


def copied(sandbox: RunningSandbox, skew: timedelta) -> str:
    """The page of Align's log as somebody copies it, by a clock that differs."""
    lines = sandbox.align("GET", "/connectors/123/auditlog").json()
    return "\n".join(
        "\t".join((each["type"], each["user"], shifted(each, skew), each["description"])) for each in lines
    )


def shifted(line: dict[str, Any], skew: timedelta) -> str:
    at = datetime.fromisoformat(line["timestamp"]) + skew
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def a2j(connector: Connector, project: str) -> Mapping:
    return mapping(connector, "a2j-state", DEV_COMPLETE, project)


def other_status(*taken: int | None) -> int:
    return next(status for status in (IN_PROGRESS, IN_REVIEW, TO_DO) if status not in taken)
