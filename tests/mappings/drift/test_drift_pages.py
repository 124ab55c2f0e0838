"""The drift page: what it says, and what people decide on it, over HTTP against the sandbox."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import verification
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.jobs import runner
from connectors.models import Connector, HistoryRow, JobKind, JobState
from mappings.drift.decisions import SeenRow, seen
from mappings.engine.values import Situation
from mappings.models import CheckKind, DriftCheck, Mapping, Plan, Scope
from mappings.planning import approve
from tests.conftest import People, SignIn
from tests.support import factories
from tests.support.mapping_helpers import apply, edit, many_drifted, mapping, observe
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.snapshot import States

DRIFT = "/connectors/acme/drift/"
DECIDE = f"{DRIFT}decide/"
IN_REVIEW, QA = 10013, 10015


@pytest.fixture
def editor(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.EDITOR)


@pytest.fixture
def drifted(connector: Connector, sandbox: RunningSandbox, states: States) -> Mapping:
    edit_elsewhere(sandbox)
    states.put("drifted", lambda: observe(connector))
    return mapping(connector, "j2a-state", IN_REVIEW)


def edit_elsewhere(sandbox: RunningSandbox, target: int = 5, source: int = IN_REVIEW) -> None:
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=source, target=target)


def drift(connector: Connector, sandbox: RunningSandbox, target: int = 5, source: int = IN_REVIEW) -> Mapping:
    edit_elsewhere(sandbox, target, source)
    observe(connector)
    return mapping(connector, "j2a-state", source)


def take_in_log(connector: Connector) -> None:
    assert runner.run_now(runner.start(connector, JobKind.INTAKE, actor=None)).state == JobState.DONE


def now_of(row: Mapping) -> Mapping:
    return Mapping.objects.select_related("scope", "accepted_by", "wanted_by").get(pk=row.pk)


def shown(client: Client, **query: Any) -> str:
    answer = client.get(DRIFT, query)
    assert answer.status_code == 200
    return answer.content.decode()


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def one(client: Client, word: str, row: Mapping, **data: Any) -> Any:
    why = {"reason": "as agreed"} if word == "restore" else {}
    return client.post(DECIDE, {"one": f"{word} {seen(row).token}", **why, **data})


def day(ahead: int) -> str:
    return f"{timezone.localdate() + timedelta(days=ahead):%Y-%m-%d}"


def entries(action: str) -> list[HistoryRow]:
    return list(HistoryRow.objects.filter(action=action).order_by("id"))


# --- what it says -----------------------------------------------------------------------------------------------------


def test_a_clean_connector_says_so_with_the_time_and_the_promise(editor: Client, connector: Connector) -> None:
    run_due()
    observe(connector)
    text = text_of(shown(editor))
    assert "Clean Every list matches what was applied." in text
    assert "is reported within" in text
    assert "Nothing needs a decision." in text


def test_a_drifted_row_shows_the_three_values_the_cause_and_since_when(
    editor: Client, connector: Connector, drifted: Mapping
) -> None:
    take_in_log(connector)
    text = text_of(shown(editor))
    assert "1 row drifted" in text
    assert "In Review" in text
    for value in ("2 In progress", "5 Accepted"):
        assert value in text
    assert "in the history" in text


def test_the_row_leads_to_the_line_that_caused_it(editor: Client, connector: Connector, drifted: Mapping) -> None:
    take_in_log(connector)
    address = re.search(r'href="(/history/line-\d+/)"', shown(editor))
    assert address is not None
    assert "In Review" in editor.get(address[1]).content.decode()


def test_a_viewer_sees_the_rows_and_no_buttons(signed_in: SignIn, drifted: Mapping) -> None:
    html = shown(signed_in(Role.VIEWER))
    assert "5 Accepted" in html
    assert "drift/confirm" not in html
    assert "drift/check" not in html
    assert "drift/confirm" in shown(signed_in(Role.EDITOR))


def test_a_list_that_cannot_be_read_is_never_shown_as_clean(
    editor: Client, connector: Connector, drifted: Mapping
) -> None:
    Scope.objects.filter(pk=drifted.scope_id).update(error="Align refused: 403.")
    html = text_of(shown(editor))
    assert "Unknown" in html
    assert "1 of " in html
    assert "Clean" not in html
    assert "5 Accepted" not in html, "what it held is not what it holds"
    lists = text_of(shown(editor, tab="unknown"))
    assert "Align refused: 403." in lists
    assert "States, Jira to Align, shared by company-managed projects" in lists
    of_list = text_of(shown(editor, situation="unknown"))
    assert "unknown was 5 Accepted" in of_list
    assert "decide when the list has been read again" in of_list


def test_checks_are_listed_with_what_they_found_the_newest_first(editor: Client, drifted: Mapping) -> None:
    failed = DriftCheck.objects.create(
        connector=drifted.scope.connector,
        kind=CheckKind.LISTS,
        started_at=timezone.now(),
        finished_at=timezone.now(),
        error="Align did not answer.",
    )
    html = shown(editor, tab="checks")
    assert html.index(failed.error) < html.rindex("every list")
    assert "<b>1</b>" in html


def test_checking_now_reads_the_lists(editor: Client, connector: Connector, sandbox: RunningSandbox) -> None:
    run_due()
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    assert editor.post(f"{DRIFT}check/").status_code == 303
    assert "A check is running" in shown(editor)
    run_due()
    assert "1 row drifted" in text_of(shown(editor))


def test_filters_stand_in_the_address(
    editor: Client, connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    edit(connector, "j2a-state", QA, 4, actor=admin)
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=QA, target=5)
    sandbox.edit("create_mapping", family="a2j_state", type=4, source=4, target=QA, project="PROJ")
    drift(connector, sandbox)
    rows = {
        "": 3,
        "project=-": 2,
        "project=PROJ": 1,
        "project=NOWHERE": 0,
        "direction=a2j": 1,
        "direction=sideways": 3,
        "type=story": 3,
        "type=feature": 0,
        "situation=drifted": 2,
        "situation=conflict": 1,
        "situation=unknown": 0,
        "page=99999999999999&size=7&row=x&tab=none": 3,
    }
    assert {query: shown(editor, **dict(parse_qsl(query))).count('name="ticked"') for query in rows} == rows


def test_the_page_asks_the_same_number_of_queries_for_more_rows(
    editor: Client, connector: Connector, drifted: Mapping
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(editor)
        return len(captured)

    many_drifted(drifted.scope, 10)
    shown(editor)
    few = queries()
    many_drifted(drifted.scope, 60, first=800_000)
    assert shown(editor).count('name="ticked"') == 71
    assert queries() == few


# --- deciding one -----------------------------------------------------------------------------------------------------


def test_adopting_makes_what_align_has_wanted(editor: Client, people: People, drifted: Mapping) -> None:
    answer = one(editor, "adopt", drifted, type="story")
    assert (answer.status_code, answer["Location"]) == (303, f"{DRIFT}?type=story")
    row = now_of(drifted)
    assert (row.wanted, row.applied, row.observed, row.situation) == (5, 5, 5, Situation.IN_SYNC)
    assert (row.wanted_by, row.drifted_at) == (people[Role.EDITOR], None)
    (entry,) = entries("drift.adopt")
    assert (entry.person_name, entry.sentence) == (
        "Editor",
        "Adopted: In Review: Align has 5 Accepted, wanted is 5 Accepted.",
    )
    assert verification.verify().ok


def test_restoring_makes_an_edit_of_mine_in_a_plan_that_is_approved_and_sent(
    editor: Client, connector: Connector, people: People, admin: Person, drifted: Mapping
) -> None:
    assert one(editor, "restore", drifted, reason="").status_code == 409  # a plan has a reason
    assert (now_of(drifted).situation, Plan.objects.count()) == (Situation.DRIFTED, 0)
    answer = one(editor, "restore", drifted, reason="As it was agreed", ticket="CHG-8")
    plan = Plan.objects.get()
    assert answer["Location"] == f"/plans/{plan.pk}/"
    assert (plan.author, plan.reason, plan.ticket) == (people[Role.EDITOR], "As it was agreed", "CHG-8")
    row = now_of(drifted)
    assert (row.wanted, row.observed, row.situation, row.wanted_by) == (2, 5, Situation.EDITED, people[Role.EDITOR])
    (entry,) = entries("drift.restore")
    assert entry.reason == "As it was agreed"
    apply(approve(plan, plan.fingerprint, ticked=True, actor=admin), actor=admin)
    assert [(change.before, change.after, change.state) for change in plan.changes.all()] == [(5, 2, "done")]


def test_in_a_conflict_it_is_theirs_or_mine(
    editor: Client, connector: Connector, sandbox: RunningSandbox, people: People, admin: Person
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    row = drift(connector, sandbox)
    text = text_of(shown(editor))
    assert "Take theirs" in text
    assert "Keep mine" in text
    assert one(editor, "accept", row, until=day(3), reason="trial").status_code == 409
    one(editor, "restore", row)
    kept = now_of(row)
    assert (kept.wanted, kept.wanted_by, kept.former_by) == (3, people[Role.EDITOR], admin)
    assert kept.situation == Situation.EDITED


def test_accepting_keeps_value_day_reason_and_who(editor: Client, people: People, drifted: Mapping) -> None:
    assert one(editor, "accept", drifted, until=day(3), reason=" trial of the QA team ").status_code == 303
    row = now_of(drifted)
    assert (row.situation, row.accepted_value, row.accepted_by) == (Situation.ACCEPTED, 5, people[Role.EDITOR])
    assert row.accepted_reason == "trial of the QA team"
    assert row.accepted_at is not None
    assert row.accepted_until is not None
    assert f"{timezone.localtime(row.accepted_until):%Y-%m-%d %H:%M}" == f"{day(4)} 00:00"
    (entry,) = entries("drift.accept")
    assert entry.reason == "trial of the QA team"
    text = text_of(shown(editor, tab="accepted"))
    assert "trial of the QA team" in text
    assert "ends in" in text
    assert "Nothing needs a decision." in text_of(shown(editor))


def test_one_that_ends_later_is_not_marked(editor: Client, drifted: Mapping) -> None:
    one(editor, "accept", drifted, until=day(30), reason="trial")
    text = text_of(shown(editor, tab="accepted"))
    assert "trial" in text
    assert "ends in" not in text


def test_the_day_is_the_viewers(editor: Client, people: People, drifted: Mapping) -> None:
    Person.objects.filter(pk=people[Role.EDITOR].pk).update(time_zone="Pacific/Auckland")
    one(editor, "accept", drifted, until="2027-01-15", reason="trial")
    until = now_of(drifted).accepted_until
    assert until is not None
    assert until.isoformat() == "2027-01-15T11:00:00+00:00"


@pytest.mark.parametrize(
    "data",
    [
        {"until": "", "reason": "why"},
        {"until": "2020-01-01", "reason": "why"},
        {"until": "32.13.", "reason": "why"},
        {"until": "2026-13-45", "reason": "why"},
        {"until": "9999-12-31", "reason": "why"},
        {"until": "yesterday", "reason": "why"},
        {"until": "far", "reason": "why"},
        {"until": "good", "reason": "  "},
    ],
)
def test_accepting_needs_a_coming_day_within_a_year_and_a_reason(
    editor: Client, drifted: Mapping, data: dict[str, str]
) -> None:
    days = {"far": day(366), "yesterday": day(-1), "good": day(365)}
    form = {**data, "until": days.get(data["until"], data["until"])}
    assert one(editor, "accept", drifted, **form).status_code == 409
    assert now_of(drifted).situation == Situation.DRIFTED
    assert entries("drift.accept") == []
    assert one(editor, "accept", drifted, until=day(365), reason="why").status_code == 303


def test_an_accepted_one_ends_by_hand(editor: Client, drifted: Mapping) -> None:
    one(editor, "accept", drifted, until=day(3), reason="trial")
    assert one(editor, "end", now_of(drifted)).status_code == 303
    row = now_of(drifted)
    assert (row.situation, row.accepted_until, row.accepted_by) == (Situation.DRIFTED, None, None)
    assert len(entries("drift.end")) == 1
    assert one(editor, "end", row).status_code == 409


def test_an_accepted_one_ends_by_itself(editor: Client, drifted: Mapping) -> None:
    one(editor, "accept", drifted, until=day(3), reason="trial")
    Mapping.objects.filter(pk=drifted.pk).update(accepted_until=timezone.now() - timedelta(minutes=1))
    run_due()
    assert now_of(drifted).situation == Situation.DRIFTED
    text = text_of(shown(editor))
    assert "which is over" in text


def test_one_row_has_an_address_of_its_own(editor: Client, drifted: Mapping) -> None:
    html = shown(editor, row=drifted.pk)
    assert 'id="one-title"' in html
    one(editor, "adopt", drifted)
    assert "there is nothing left to decide" in shown(editor, row=drifted.pk)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER])
def test_who_may_not_edit_decides_nothing(signed_in: SignIn, drifted: Mapping, role: Role) -> None:
    assert one(signed_in(role), "adopt", drifted).status_code == 403
    assert now_of(drifted).situation == Situation.DRIFTED
    assert one(signed_in(Role.EDITOR), "adopt", drifted).status_code == 303


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"decision": "adopt"},
        {"decision": "shrug", "ticked": "1.1.1"},
        {"one": "adopt"},
        {"one": "adopt 1"},
        {"one": "adopt x.y.z"},
        {"one": "adopt -1.0.0"},
        {"one": "adopt 99999999999999999999.0.0"},
        {"one": "adopt ٣.0.0"},
        {"one": "adopt 999999999.0.0"},
    ],
)
def test_a_form_that_makes_no_sense_is_refused(editor: Client, drifted: Mapping, data: dict[str, str]) -> None:
    assert editor.post(DECIDE, data).status_code == 409
    assert now_of(drifted).situation == Situation.DRIFTED


def test_a_row_of_another_connector_is_not_decided(
    editor: Client, sandbox: RunningSandbox, admin: Person, drifted: Mapping
) -> None:
    Connector.objects.filter(slug="acme").update(slug="other")
    factories.connector(sandbox.url + "/", actor=admin, slug="acme", name="Second").refresh_from_db()
    assert one(editor, "adopt", drifted).status_code == 409
    assert now_of(drifted).situation == Situation.DRIFTED


def test_the_second_of_two_browsers_is_told_who_was_faster(editor: Client, signed_in: SignIn, drifted: Mapping) -> None:
    one(signed_in(Role.ADMIN), "adopt", drifted)
    answer = one(editor, "restore", drifted)
    assert answer.status_code == 409
    assert "Admin was faster" in answer.content.decode()
    assert now_of(drifted).situation == Situation.IN_SYNC


def test_a_value_that_changed_since_is_looked_at_first(
    editor: Client, connector: Connector, sandbox: RunningSandbox, drifted: Mapping
) -> None:
    newer = drift(connector, sandbox, 4)
    answer = one(editor, "adopt", drifted)
    assert answer.status_code == 409
    assert "Align has changed again" in answer.content.decode()
    assert one(editor, "adopt", newer).status_code == 303


def test_a_row_whose_list_is_not_known_is_not_decided(editor: Client, drifted: Mapping) -> None:
    Scope.objects.filter(pk=drifted.scope_id).update(error="Align refused: 403.")
    answer = one(editor, "adopt", drifted)
    assert answer.status_code == 409
    assert "could not be read" in answer.content.decode()
    Scope.objects.filter(pk=drifted.scope_id).update(error="")
    assert one(editor, "adopt", drifted).status_code == 303


def test_of_many_at_once_one_decides(transactional_db: None, people: People, drifted: Mapping) -> None:
    start = Barrier(8)
    token = seen(drifted).token

    def attempt(number: int) -> int:
        client = Client()
        client.force_login(people[Role.EDITOR])
        start.wait(timeout=20)
        try:
            return client.post(
                DECIDE, {"one": f"{('adopt', 'restore')[number % 2]} {token}", "reason": "so"}
            ).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(attempt, range(8)))
    assert answers == [303] + [409] * 7
    assert Entry.objects.filter(action__in=["drift.adopt", "drift.restore"]).count() == 1


# --- many at once -----------------------------------------------------------------------------------------------------


def test_a_thousand_ticked_rows_are_decided_in_one_go(editor: Client, connector: Connector, drifted: Mapping) -> None:
    rows = many_drifted(drifted.scope, 1000)
    assert shown(editor, size=1000).count('name="ticked"') == 1000
    with CaptureQueriesContext(connection) as queries:
        answer = editor.post(DECIDE, {"decision": "adopt", "ticked": [seen(row).token for row in rows]})
    assert answer.status_code == 303
    assert Mapping.objects.filter(situation=Situation.DRIFTED).count() == 1
    assert Entry.objects.filter(action="drift.adopt").count() == 1000
    assert len(queries) < 100
    assert verification.verify().ok


def test_rows_that_changed_meanwhile_are_named_and_the_others_decided(
    editor: Client, signed_in: SignIn, drifted: Mapping
) -> None:
    rows = [drifted, *many_drifted(drifted.scope, 3)]
    one(signed_in(Role.ADMIN), "adopt", drifted)
    gone = SeenRow(pk=10**9, version=0, observed=None).token
    ticked = [*(seen(row).token for row in rows), gone, seen(rows[1]).token]
    answer = editor.post(DECIDE, {"decision": "accept", "until": day(9), "reason": "pilot", "ticked": ticked})
    assert answer.status_code == 303
    text = text_of(shown(editor))
    assert "Decided 3 of 5. 1 of the rows is no longer there. In Review" in text
    assert "Admin was faster" in text
    assert Mapping.objects.filter(situation=Situation.ACCEPTED).count() == 3


def test_more_rows_than_one_transaction_holds_are_refused(editor: Client, drifted: Mapping) -> None:
    tokens = [SeenRow(pk=number, version=0, observed=0).token for number in range(1, 5002)]
    assert editor.post(DECIDE, {"decision": "adopt", "ticked": tokens}).status_code == 409
    assert now_of(drifted).situation == Situation.DRIFTED


# --- where it leads from ----------------------------------------------------------------------------------------------


def test_the_navigation_counts_what_waits_for_those_who_may_decide(signed_in: SignIn, drifted: Mapping) -> None:
    assert 'Drift</span><span class="count hot"' in shown(signed_in(Role.EDITOR))
    assert 'Drift</span><span class="count hot"' not in shown(signed_in(Role.VIEWER))


def test_without_a_connector_the_navigation_leads_to_the_most_drifted(
    editor: Client, sandbox: RunningSandbox, admin: Person, drifted: Mapping
) -> None:
    factories.connector("https://other.example.test", actor=admin, slug="aaa", name="Aaa")
    assert editor.get("/drift/")["Location"] == DRIFT
    Connector.objects.all().update(is_active=False)
    assert editor.get("/drift/")["Location"] == "/connectors/"


def test_the_overview_says_what_is_to_decide_and_what_is_not_known(editor: Client, drifted: Mapping) -> None:
    html = editor.get("/").content.decode()
    assert f'href="{DRIFT}"' in html
    assert "1 change made elsewhere to review" in html
    Scope.objects.filter(pk=drifted.scope_id).update(error="Align refused: 403.")
    html = editor.get("/").content.decode()
    assert "made elsewhere to review" not in html
    assert "1 of " in html


def test_the_matrix_leads_to_the_row(editor: Client, drifted: Mapping) -> None:
    html = editor.get("/connectors/acme/mappings/", {"scope": "PROJ"}).content.decode()
    assert f"{DRIFT}?row={drifted.pk}" in html
