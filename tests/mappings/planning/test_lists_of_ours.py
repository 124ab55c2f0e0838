"""Lists of ours, from the first edit to what ends them: nothing of them is read from Align or sent to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.due_work import run_due
from connectors.jobs import runner
from connectors.models import Carried, Connector, Finding, HistoryRow, JobKind, JobState
from mappings.copies import of_plans
from mappings.findings.lines import attention
from mappings.matrix.coverage import coverage as project_coverage
from mappings.models import Mapping, Plan, Scope
from mappings.observing.scopes import scopes_in_use
from tests.support.mapping_helpers import edit
from tests.support.ours_helpers import (
    DEV_COMPLETE,
    IN_REVIEW,
    MATRIX,
    act,
    approve,
    kept,
    out_of_align,
    planned,
    project,
    read_catalogue,
    set_cell,
    team,
    text,
    writes,
)
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def test_one_that_left_align_is_taken_over_and_its_mappings_are_kept_here(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    out_of_align(configurer, connector, sandbox, "PAY")
    answer = act(configurer, "take", "PAY")
    assert answer.status_code == 303, text(answer)
    pay = project("PAY")
    assert pay.is_ours
    assert (pay.carried, pay.in_scope, pay.has_lists, pay.ours_reason) == ("no", True, False, "Its team leaves Align")
    assert not scopes_in_use(connector).filter(project=pay).exists()
    shared = Scope.objects.get(connector=connector, family="j2a-state", project=None, is_ours=True)
    assert not shared.mappings.exists()
    sandbox.clear_journal()
    assert set_cell(configurer, "ours", IN_REVIEW, DEV_COMPLETE).status_code in (200, 303)
    edited = shared.mappings.get()
    assert (edited.wanted, edited.observed, edited.situation) == (DEV_COMPLETE, None, "edited")
    made = configurer.post("/connectors/acme/plan/", {"row": edited.pk, "reason": "Review counts as complete"})
    assert made.status_code == 303, text(made)
    plan = Plan.objects.get()
    assert (plan.is_ours, plan.api_calls) == (True, 0)
    page = text(configurer.get(f"/plans/{plan.pk}/"))
    assert "its values are kept here, and nothing is sent to Align" in page
    approved = configurer.post(f"/plans/{plan.pk}/approve/", {"fingerprint": plan.fingerprint, "warnings": "on"})
    assert approved.status_code == 303, text(approved)
    edited.refresh_from_db()
    plan.refresh_from_db()
    assert plan.state == "finished"
    assert (edited.wanted, edited.applied, edited.observed, edited.situation) == (*[DEV_COMPLETE] * 3, "in_sync")
    assert writes(sandbox) == []
    row = HistoryRow.objects.get(action="change.kept")
    assert (row.plan, row.match, row.after_id, row.reason) == (plan.pk, "", DEV_COMPLETE, "Review counts as complete")


def test_nothing_of_aligns_counts_or_reads_them(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    out_of_align(configurer, connector, sandbox, "PAY", "LAB")
    coverage = "/connectors/acme/coverage/"
    before = [each.key for each in project_coverage(connector).rows]
    shared = text(configurer.get(MATRIX)).partition('<select name="scope"')[2].partition("</option>")[0]
    lists = scopes_in_use(connector).count()
    assert act(configurer, "take", "PAY", "LAB").status_code == 303
    kept(Scope.objects.get(connector=connector, family="j2a-state", project=None, is_ours=True), IN_REVIEW, 0)
    sandbox.clear_journal()
    assert runner.run_now(runner.start(connector, JobKind.OBSERVE, actor=None)).state == JobState.DONE
    asked = [each["path"] for each in sandbox.journal("GET")]
    assert asked
    assert not [path for path in asked if "/projects/PAY/" in path or "/projects/LAB/" in path]
    assert scopes_in_use(connector).count() == lists
    assert [each.key for each in project_coverage(connector).rows] == before
    assert "<bdi>PAY</bdi>" not in text(configurer.get(coverage))
    matrix = text(configurer.get(MATRIX))
    assert matrix.partition('<select name="scope"')[2].partition("</option>")[0] == shared
    assert '<option value="ours">Ours, shared by the company-managed ones</option>' in matrix
    row = Mapping.objects.get(scope__is_ours=True)
    assert (row.observed, row.situation) == (0, "in_sync")  # a reading finds no drift in it


def test_a_team_managed_one_has_lists_of_its_own_both_ways(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    lab = team(configurer, connector, sandbox)
    found = Scope.objects.filter(is_ours=True).values_list("family", "project_id")
    assert set(found) == {(code, lab.pk) for code in ("j2a-state", "a2j-state", "j2a-step", "a2j-step")}
    page = text(configurer.get(f"{MATRIX}?scope=LAB"))
    assert "LAB</bdi> is ours: its mappings are kept here. Nothing of them is read from Align or sent to it." in page
    assert "falls to 0" not in page
    assert set_cell(configurer, "LAB", 10402, DEV_COMPLETE).status_code in (200, 303)
    assert set_cell(configurer, "LAB", 10402, DEV_COMPLETE, to="a2j").status_code in (200, 303)
    listed = {"scope": "LAB", "j2a-10403": "3", "seen-j2a-10403": "", "view": "list"}
    assert configurer.post(f"{MATRIX}list/", listed).status_code == 303
    rows = list(Mapping.objects.filter(scope__is_ours=True))
    assert sorted(row.scope.family for row in rows) == ["a2j-state", "j2a-state", "j2a-state"]
    sandbox.clear_journal()
    plan = planned(configurer, *rows)
    assert approve(configurer, plan).status_code == 303
    assert set(Mapping.objects.filter(scope__is_ours=True).values_list("situation", flat=True)) == {"in_sync"}
    assert writes(sandbox) == []


def test_an_edit_of_a_list_of_ours_is_undone_like_any_other(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    team(configurer, connector, sandbox)
    assert set_cell(configurer, "LAB", 10402, DEV_COMPLETE).status_code in (200, 303)
    assert configurer.post(f"{MATRIX}undo/", {"scope": "LAB"}).status_code == 303
    assert Mapping.objects.get(scope__is_ours=True).wanted is None
    assert configurer.post(f"{MATRIX}redo/", {"scope": "LAB"}).status_code == 303
    assert Mapping.objects.get(scope__is_ours=True).wanted == DEV_COMPLETE


def test_a_plan_is_of_aligns_lists_or_of_ours(
    configurer: Client, connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    team(configurer, connector, sandbox)
    assert set_cell(configurer, "LAB", 10402, DEV_COMPLETE).status_code in (200, 303)
    of_ours = Mapping.objects.get(scope__is_ours=True)
    of_align = edit(connector, "j2a-state", IN_REVIEW, 1, actor=admin)
    answer = configurer.post("/connectors/acme/plan/", {"row": [of_ours.pk, of_align.pk], "reason": "Both"})
    assert answer.status_code == 409
    assert "A plan is of one or the other" in text(answer)
    first = text(configurer.get("/connectors/acme/plan/"))
    assert f'value="{of_align.pk}"' in first
    assert f'value="{of_ours.pk}"' not in first
    assert "1 edit of lists of ours, which are kept here and never sent, waits, too" in first
    second = text(configurer.get("/connectors/acme/plan/?of=ours"))
    assert f'value="{of_ours.pk}"' in second
    assert f'value="{of_align.pk}"' not in second


def test_a_second_person_and_typing_are_asked_for_as_of_any_plan(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    team(configurer, connector, sandbox)
    row = kept(Scope.objects.get(is_ours=True, family="j2a-state"), 10402, 1)
    Mapping.objects.filter(pk=row.pk).update(wanted=None, situation="edited", waits=True)
    plan = planned(configurer, row)
    Connector.objects.update(four_eyes=True)
    assert "this connector asks for a second person" in text(approve(configurer, plan))
    Connector.objects.update(four_eyes=False)
    assert "deletes 1 mapping" in text(configurer.get(f"/plans/{plan.pk}/"))
    assert 'Type "acme" to confirm' in text(approve(configurer, plan))
    assert "its approval applies it" in text(configurer.post(f"/plans/{plan.pk}/apply/", {"confirm": "acme"}))
    assert "which are not read" in text(configurer.post(f"/plans/{plan.pk}/refresh/"))
    row.refresh_from_db()
    assert (row.observed, Plan.objects.get().state) == (1, "draft")
    assert approve(configurer, plan, confirm="acme").status_code == 303
    assert "This plan is finished" in text(approve(configurer, plan, confirm="acme"))  # a double click
    row.refresh_from_db()
    assert (row.wanted, row.applied, row.observed) == (None, None, None)


def test_what_was_kept_is_rolled_back_by_a_plan_like_any_other(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    team(configurer, connector, sandbox)
    assert set_cell(configurer, "LAB", 10402, DEV_COMPLETE).status_code in (200, 303)
    row = Mapping.objects.get(scope__is_ours=True)
    plan = planned(configurer, row)
    assert approve(configurer, plan).status_code == 303
    page = text(configurer.get(f"/plans/{plan.pk}/"))
    assert "Kept here: 1 of 1." in page
    assert "Align accepted" not in page
    assert "read again after the last write" not in page
    sandbox.clear_journal()
    back = configurer.post(f"/plans/{plan.pk}/roll-back/", {"reason": f"Roll back plan {plan.pk}: by mistake"})
    assert back.status_code == 303, text(back)
    reverting = Plan.objects.latest("pk")
    assert (reverting.is_ours, reverting.restores_id) == (True, plan.pk)
    assert approve(configurer, reverting, confirm="acme").status_code == 303
    row.refresh_from_db()
    assert (row.wanted, row.observed, row.situation) == (None, None, "in_sync")
    assert writes(sandbox) == []
    assert list(of_plans([plan.pk, reverting.pk])) == []  # tables and entries say the same


def test_a_row_that_was_changed_since_it_was_planned_is_stale(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    team(configurer, connector, sandbox)
    assert set_cell(configurer, "LAB", 10402, DEV_COMPLETE).status_code in (200, 303)
    row = Mapping.objects.get(scope__is_ours=True)
    plan = planned(configurer, row)
    Mapping.objects.filter(pk=row.pk).update(observed=1, applied=1)
    assert approve(configurer, plan).status_code == 303
    change = plan.changes.get()
    assert (change.state, change.detail) == ("stale", "This mapping was changed here after it was planned.")
    row.refresh_from_db()
    assert (row.wanted, row.observed) == (DEV_COMPLETE, 1)
    assert "Nothing kept" in text(configurer.get(f"/plans/{plan.pk}/"))
    assert list(of_plans([plan.pk])) == []


def test_one_that_enters_aligns_list_is_ours_no_more_at_once(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    lab = team(configurer, connector, sandbox)
    own = Scope.objects.get(project=lab, is_ours=True, family="j2a-state")
    assert set_cell(configurer, "LAB", 10402, DEV_COMPLETE).status_code in (200, 303)
    row = own.mappings.get()
    plan = planned(configurer, row)
    sandbox.edit("set_project", key="LAB", in_align=True)
    read_catalogue(connector)
    lab.refresh_from_db()
    assert (lab.carried, lab.is_ours, lab.ours_by, lab.has_lists) == (Carried.YES, False, None, True)
    newest = Finding.objects.filter(remote_id=lab.jira_id, change="moved").latest("pk")
    assert (newest.before, newest.after) == ("ours, not in Align's connector", "in Align's connector")
    [told] = [line.text for line in attention(connector) if "it is not ours any more" in line.text]
    assert told.startswith("LAB (")
    [ended] = HistoryRow.objects.filter(action="projects.ours_ended")
    assert "LAB is in the list of Align's connector now, and so not ours any more" in ended.sentence
    assert approve(configurer, plan).status_code == 303
    change = plan.changes.get()
    assert change.state == "stale"
    assert "Project LAB is not ours any more" in change.detail
    row.refresh_from_db()
    assert (row.wanted, row.observed) == (DEV_COMPLETE, None)
    refused = configurer.post("/connectors/acme/plan/", {"row": row.pk, "reason": "again"})
    assert "Project LAB is not ours any more" in text(refused)
    assert own.mappings.count() == 1  # kept, to be looked at
    assert act(configurer, "take", "LAB").status_code == 409


def test_what_waits_in_its_lists_after_it_is_given_back_is_offered_to_no_plan(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    team(configurer, connector, sandbox)
    assert set_cell(configurer, "LAB", 10402, DEV_COMPLETE).status_code in (200, 303)
    button = '<button class="btn primary">Plan</button>'
    assert button in text(configurer.get("/connectors/acme/plan/", {"of": "ours"}))
    assert act(configurer, "give", "LAB").status_code == 303
    page = text(configurer.get("/connectors/acme/plan/", {"of": "ours"}))
    assert button not in page
    assert "No plan takes these edits" in page
    assert "Project LAB is not ours any more" in page


def test_that_align_does_not_carry_it_is_no_news_once_it_is_taken_over(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    out_of_align(configurer, connector, sandbox, "LAB")
    assert [line.text for line in attention(connector) if line.text.startswith("LAB (")]
    assert "not in Align's connector" in text(configurer.get(MATRIX, {"scope": "LAB"}))
    act(configurer, "take", "LAB")
    assert not [line.text for line in attention(connector) if line.text.startswith("LAB (")]
    assert "not in Align's connector" not in text(configurer.get(MATRIX, {"scope": "LAB"}))


def test_what_it_kept_is_looked_at_and_copied_into_the_lists_that_count_now(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    lab = team(configurer, connector, sandbox)
    there = Mapping.objects.filter(scope__project=lab, scope__is_ours=False, work_item_type="story", source_id=10402)
    kept(Scope.objects.get(project=lab, is_ours=True, family="j2a-state"), 10402, 4)
    assert "LAB is ours: its lists of ours count" in text(configurer.post(f"{MATRIX}copy/", {"scope": "LAB"}))
    sandbox.edit("set_project", key="LAB", in_align=True)
    read_catalogue(connector)
    assert runner.run_now(runner.start(connector, JobKind.OBSERVE, actor=None)).state == JobState.DONE
    former = text(configurer.get(f"{MATRIX}?scope=LAB&of=ours"))
    assert "Project LAB is not ours any more, so its lists of ours do not count." in former
    assert "Copy its own lists into the draft" in former
    assert 'aria-readonly="true"' in former
    refused = set_cell(configurer, "LAB", 10403, DEV_COMPLETE, of="ours")
    assert refused.status_code == 409
    assert "is not ours any more" in text(refused)
    assert '<span class="tag">was ours</span>' not in text(configurer.get(f"{MATRIX}?scope=LAB"))
    answer = configurer.post(f"{MATRIX}copy/", {"scope": "LAB", "of": "ours"})
    assert answer["Location"] == f"{MATRIX}?scope=LAB"
    assert there.get(scope__family="j2a-state").wanted == 4
    assert "Nothing to copy" in text(configurer.post(f"{MATRIX}copy/", {"scope": "LAB"}))  # a double click


def test_issues_are_counted_of_projects_of_ours(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    out_of_align(configurer, connector, sandbox, "PAY")
    assert act(configurer, "take", "PAY").status_code == 303
    run_due()
    for scope in ("ours", "PAY"):
        sandbox.clear_journal()
        counted = configurer.post(f"{MATRIX}count/", {"scope": scope})
        assert counted.status_code == 303, text(counted)
        asked = [each for each in writes(sandbox) + sandbox.journal("GET") if "search" in each["path"]]
        assert asked
