"""A taking-in that was wrong is withdrawn: nothing is deleted, but what only it has shown does not count any more."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import trail, triggers, verification
from alignadmin.audit.entries import AuditRecord
from alignadmin.audit.models import Entry
from alignadmin.errors import Refused
from connectors.align.audit_sentences import MappingEvent, write
from connectors.history.cases import services
from connectors.history.intake import gaps, run_check, withdrawals
from connectors.history.intake.intake import pull
from connectors.history.intake.storing import IntakeResult
from connectors.history.mirror.drift_observation import DriftObservation
from connectors.history.search import query_language
from connectors.models import (
    AuditSource,
    Case,
    CaseState,
    Connector,
    Coverage,
    HistoryRow,
    Intake,
    IntakeRun,
    MirrorLine,
    RunWithdrawal,
    WithdrawnLine,
)
from connectors.ports.audited import context_of, event_fields
from tests.connectors.history.intake.test_audit_intake import Log, audit_line, row
from tests.support.events import EVENT
from tests.support.intake_helpers import take_in

if TYPE_CHECKING:
    from tests.conftest import People, SignIn

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LINE = write(EVENT)
OTHER = write(replace(EVENT, source_id=10077, source_name="Blocked"))


@pytest.fixture
def align(db: None) -> Connector:
    return Connector.objects.create(
        slug="acme",
        name="Acme",
        align_site="https://acme.example.test",
        align_connector_id=EVENT.connector_id,
        jira_site="https://jira.example.test",
        audit_source=AuditSource.ENDPOINT,
    )


def text(*times: datetime, description: str = LINE) -> str:
    return "\n".join(row(description, at=f"{at:%Y-%m-%d %H:%M:%S}") for at in times)


def paste(connector: Connector, actor: Person, *times: datetime, description: str = LINE) -> IntakeResult:
    return take_in(connector, text(*times, description=description), intake=Intake.PASTE, actor=actor)


def ours(connector: Connector, at: datetime, event: MappingEvent = EVENT) -> None:
    with transaction.atomic():
        trail.record(
            AuditRecord(
                action="change.done",
                actor=None,
                context=context_of(connector),
                subject="plan 7 change 1",
                sentence="Set.",
                event=event_fields(event),
                plan=7,
                happened_at=at,
            )
        )


def counting() -> int:
    return MirrorLine.objects.filter(withdrawal=None).count()


def withdraw(client: Client, run: int, reason: str = "wrong zone", slug: str = "acme") -> Any:
    return client.post(f"/history/intake/{slug}/{run}/", {"reason": reason})


def is_whole() -> bool:
    return list(run_check.compare()) == [] and verification.verify().ok


# --- what it does -----------------------------------------------------------------------------------------------------


def test_lines_of_a_withdrawn_run_leave_the_history_and_stay_in_the_mirror(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    paste(align, people[Role.REVIEWER], NOON, NOON + timedelta(hours=1))
    assert query_language.rows(query_language.parse("source:outside")).count() == 2
    assert withdraw(signed_in(Role.REVIEWER), 1).status_code == 303
    assert (MirrorLine.objects.count(), counting()) == (2, 0)
    assert query_language.rows(query_language.parse("source:outside")).count() == 0
    assert set(Case.objects.values_list("state", "decided_by")) == {("withdrawn", "Reviewer")}
    assert is_whole()


def test_the_entry_says_who_and_why_and_the_page_what_became_of_it(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    client = signed_in(Role.REVIEWER)
    paste(align, people[Role.REVIEWER], NOON)
    before = client.get("/history/intake/acme/1/").content.decode()
    assert "1 line no longer counts. 1 outside change ended as withdrawn." in before
    withdraw(client, 1, "taken in for Berlin, it was New York")
    entry = Entry.objects.latest("seq")
    body = json.loads(entry.body)
    assert (entry.action, body["actor"]["email"], body["reason"]) == (
        "log.withdrawn",
        people[Role.REVIEWER].email,
        "taken in for Berlin, it was New York",
    )
    after = client.get("/history/intake/acme/1/").content.decode()
    assert "taken in for Berlin, it was New York" in after
    assert "1 outside change ended as withdrawn." in after
    assert "Withdraw these lines" not in after
    assert "Withdrew what was pasted on" in client.get("/history/").content.decode()
    assert "withdrawn</span>" in client.get("/history/intake/acme/").content.decode()


def test_a_change_of_ours_loses_the_line_of_a_withdrawn_run_and_takes_another(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    ours(align, NOON)
    paste(align, people[Role.REVIEWER], NOON)
    pull(align, Log([audit_line(1, NOON + timedelta(seconds=20), LINE)]))
    change = HistoryRow.objects.get(plan=7)
    assert (change.certainty, change.identical) == ("one-of", 2)
    assert Case.objects.get().state == CaseState.OPEN
    withdraw(signed_in(Role.ADMIN), 1)
    change.refresh_from_db()
    assert (change.line, change.certainty) == (MirrorLine.objects.get(intake="endpoint"), "exact")
    assert not HistoryRow.objects.filter(source="outside").exists()
    assert Case.objects.get().note.startswith("Its cause was found: plan 7")
    assert is_whole()


def test_a_change_of_ours_without_another_line_is_without_a_line_and_not_found_by_its_user(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    ours(align, NOON)
    paste(align, people[Role.REVIEWER], NOON)
    withdraw(signed_in(Role.ADMIN), 1)
    change = HistoryRow.objects.get(plan=7)
    assert (change.line, change.certainty, change.identical) == (None, "", 0)
    assert "remote" not in change.text
    assert not Case.objects.exists()


def test_a_line_counts_as_long_as_a_run_that_stands_has_shown_it(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    actor, client = people[Role.REVIEWER], signed_in(Role.REVIEWER)
    paste(align, actor, NOON, NOON + timedelta(hours=1))
    paste(align, actor, NOON + timedelta(hours=1), NOON + timedelta(hours=2))
    withdraw(client, 1)
    assert counting() == 2  # that of noon alone does not
    withdraw(client, 2)
    assert counting() == 0
    assert is_whole()


@pytest.mark.parametrize(("first", "second", "left"), [(3, 2, 2), (2, 3, 3), (2, 2, 2)])
def test_identical_lines_are_as_many_as_the_fullest_run_that_stands_has_shown(
    align: Connector, people: People, signed_in: SignIn, first: int, second: int, left: int
) -> None:
    for count in (first, second):
        paste(align, people[Role.REVIEWER], *[NOON] * count)
    withdraw(signed_in(Role.REVIEWER), 1)
    assert counting() == left
    assert HistoryRow.objects.filter(source="outside").count() == left
    assert Case.objects.filter(state="open").count() == left
    assert is_whole()


def test_what_the_endpoint_has_shown_too_counts_after_a_withdrawal(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    paste(align, people[Role.REVIEWER], NOON, NOON + timedelta(hours=1))
    pull(align, Log([audit_line(1, NOON + timedelta(milliseconds=300), LINE)]))
    withdraw(signed_in(Role.REVIEWER), 1)
    assert MirrorLine.objects.get(withdrawal=None).at == NOON
    assert is_whole()


def test_taking_the_same_text_in_again_brings_its_lines_and_cases_back(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    actor = people[Role.REVIEWER]
    paste(align, actor, NOON, NOON)
    paste(align, actor, NOON + timedelta(hours=1), description=OTHER)
    for run in (1, 2):
        withdraw(signed_in(Role.REVIEWER), run)
    result = paste(align, actor, NOON, NOON)
    assert (result.new, result.known, result.back) == (0, 2, 2)
    assert "2 of those had been withdrawn and count again." in result.sentence
    assert counting() == 2
    assert Case.objects.filter(state="open").count() == 2
    assert Case.objects.filter(state="withdrawn").count() == 1
    assert HistoryRow.objects.filter(source="outside").count() == 2
    assert is_whole()
    withdraw(signed_in(Role.REVIEWER), 3)
    assert counting() == 0
    assert is_whole()


def test_a_line_that_comes_back_as_a_change_of_ours_is_explained_by_it(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    paste(align, people[Role.REVIEWER], NOON)
    withdraw(signed_in(Role.REVIEWER), 1)
    ours(align, NOON)
    paste(align, people[Role.REVIEWER], NOON)
    case = Case.objects.get()
    assert (case.state, case.decided_by) == ("explained", "")
    assert case.note.startswith("Its cause was found: plan 7")
    assert HistoryRow.objects.get(plan=7).certainty == "exact"


def test_the_endpoint_brings_a_withdrawn_line_back(align: Connector, people: People, signed_in: SignIn) -> None:
    paste(align, people[Role.REVIEWER], NOON)
    withdraw(signed_in(Role.REVIEWER), 1)
    assert pull(align, Log([audit_line(1, NOON, LINE)])).back == 1
    assert (counting(), Case.objects.get().state) == (1, "open")
    assert is_whole()


def test_time_that_only_a_withdrawn_run_covered_is_a_gap_again(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    actor = people[Role.REVIEWER]
    hours = [NOON + timedelta(hours=hour) for hour in range(4)]
    paste(align, actor, hours[0], hours[1])
    paste(align, actor, hours[1], hours[3])
    assert gaps.gaps(align, hours[0], hours[3]) == []
    withdraw(signed_in(Role.REVIEWER), 2)
    assert gaps.gaps(align, hours[0], hours[3]) == [gaps.CoverageGap(since=hours[1], until=hours[3])]
    withdraw(signed_in(Role.REVIEWER), 1)
    assert not Coverage.objects.exists()


# --- what had been said -----------------------------------------------------------------------------------------------


def test_what_people_had_said_of_such_a_line_is_listed_on_the_page_and_in_the_entry(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    paste(align, people[Role.REVIEWER], NOON)
    case = Case.objects.get()
    services.explain([case.pk], "Bob did it by hand", actor=people[Role.EDITOR])
    withdraw(signed_in(Role.REVIEWER), 1)
    data = json.loads(Entry.objects.latest("seq").body)["data"]
    (voided,) = data["voided"]
    assert (voided["case"], voided["note"], voided["is_open"]) == (case.pk, "Bob did it by hand", False)
    shown = signed_in(Role.REVIEWER).get("/history/intake/acme/1/").content.decode()
    assert "Bob did it by hand" in shown
    assert "It was closed as withdrawn." in shown
    assert "Withdrawn" in signed_in(Role.EDITOR).get(f"/history/cases/{case.pk}/").content.decode()
    listed = signed_in(Role.EDITOR).get("/history/cases/?state=withdrawn").content.decode()
    assert f'href="/history/cases/{case.pk}/"' in listed


def test_a_change_that_the_watch_has_seen_itself_is_open_again_without_the_line(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    event = replace(EVENT, project_key=None)
    seen = DriftObservation(event=event, projects=(), since=NOON - timedelta(minutes=5), at=NOON + timedelta(minutes=5))
    services.record_observations(align, [seen])
    sighted = HistoryRow.objects.get(action=event.action)
    paste(align, people[Role.REVIEWER], NOON)
    case = Case.objects.get()
    assert case.line_id is not None
    services.explain([case.pk], "Bob did it by hand", actor=people[Role.EDITOR])
    withdraw(signed_in(Role.REVIEWER), 1)
    case = Case.objects.get()
    assert (case.state, case.line_id, case.at) == ("open", None, seen.at)
    again = HistoryRow.objects.get(pk=sighted.pk)
    assert (again.source, again.action, again.text) == ("outside", event.action, sighted.text)
    shown = signed_in(Role.REVIEWER).get("/history/intake/acme/1/").content.decode()
    assert "It is open again: the change was also seen in Align’s lists." in shown
    assert "1 explanation spoke of such a line: open again." in shown


# --- who, and what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 404), (Role.EDITOR, 404), (Role.ADMIN, 303)])
def test_those_withdraw_who_may_take_in(
    align: Connector, people: People, signed_in: SignIn, role: Role, status: int
) -> None:
    paste(align, people[Role.REVIEWER], NOON)
    assert withdraw(signed_in(role), 1).status_code == status
    assert RunWithdrawal.objects.exists() is (status == 303)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 4001])
def test_a_reason_is_needed(align: Connector, people: People, signed_in: SignIn, reason: str) -> None:
    paste(align, people[Role.REVIEWER], NOON)
    answer = withdraw(signed_in(Role.REVIEWER), 1, reason)
    assert answer.status_code == 409
    assert "Say why, in a few words" in answer.content.decode() or "longer than 4000" in answer.content.decode()
    assert counting() == 1


def test_lines_read_from_align_cannot_be_withdrawn_and_the_page_says_why(align: Connector, signed_in: SignIn) -> None:
    pull(align, Log([audit_line(1, NOON, LINE)]))
    client = signed_in(Role.ADMIN)
    shown = client.get("/history/intake/acme/1/").content.decode()
    assert "read from Align itself" in shown
    assert "Withdraw these lines" not in shown
    answer = withdraw(client, 1)
    assert (answer.status_code, counting()) == (409, 1)
    assert "read from Align itself" in answer.content.decode()
    assert (
        "read from Align" not in client.get("/history/intake/acme/").content.decode().split("<main")[1].split("<nav")[0]
    )
    assert ">read from Align" in client.get("/history/intake/acme/?way=all").content.decode()


def test_a_run_is_withdrawn_once(align: Connector, people: People, signed_in: SignIn) -> None:
    paste(align, people[Role.REVIEWER], NOON)
    client = signed_in(Role.REVIEWER)
    withdraw(client, 1, "wrong zone")
    answer = withdraw(client, 1, "once more")
    assert answer.status_code == 409
    assert "Reviewer has withdrawn this on" in answer.content.decode()
    assert Entry.objects.filter(action="log.withdrawn").count() == 1


@pytest.mark.parametrize("run", ["2", "0", "9" * 30, "9" * 5000, "x"])
def test_a_run_that_is_not_there_is_not_found(align: Connector, people: People, signed_in: SignIn, run: str) -> None:
    paste(align, people[Role.REVIEWER], NOON)
    client = signed_in(Role.REVIEWER)
    assert client.get(f"/history/intake/acme/{run}/").status_code == 404
    assert client.post(f"/history/intake/acme/{run}/", {"reason": "x"}).status_code == 404


def test_a_run_of_another_connector_is_not_found_under_this_one(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    Connector.objects.create(slug="beta", name="Beta", align_site="https://b.example.test", align_connector_id=9)
    paste(align, people[Role.REVIEWER], NOON)
    assert withdraw(signed_in(Role.REVIEWER), 1, slug="beta").status_code == 404
    assert withdraw(signed_in(Role.REVIEWER), 1, slug="gamma").status_code == 404
    assert counting() == 1


def test_a_withdrawal_of_one_connector_leaves_the_lines_of_another(
    align: Connector, people: People, signed_in: SignIn
) -> None:
    beta = Connector.objects.create(slug="beta", name="Beta", align_site="https://b.example.test", align_connector_id=9)
    paste(align, people[Role.REVIEWER], NOON)
    its_line = text(NOON).replace("CONFIG 123", "CONFIG 9", 1)
    take_in(beta, its_line, intake=Intake.PASTE, actor=people[Role.REVIEWER])
    withdraw(signed_in(Role.REVIEWER), 1)
    assert MirrorLine.objects.get(withdrawal=None).connector == beta
    assert is_whole()


@pytest.mark.django_db(transaction=True)
def test_of_two_withdrawals_at_once_one_is_told_that_it_was_done(align: Connector, people: People) -> None:
    paste(align, people[Role.REVIEWER], *[NOON + timedelta(minutes=minute) for minute in range(50)])
    answers: list[str] = []
    start = threading.Barrier(2)

    def attempt() -> None:
        run = IntakeRun.objects.select_related("connector").get()
        start.wait()
        try:
            answers.append(withdrawals.withdraw(run, "wrong zone", actor=people[Role.ADMIN]).sentence)
        except Refused as refused:
            answers.append(str(refused))
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.partition(" ")[0] for answer in answers) == ["50", "Admin"]
    assert (RunWithdrawal.objects.count(), WithdrawnLine.objects.count(), counting()) == (1, 50, 0)
    assert is_whole()


def test_many_lines_are_withdrawn_in_few_queries(
    align: Connector,
    people: People,
    django_assert_max_num_queries: Any,
) -> None:
    paste(align, people[Role.REVIEWER], *[NOON + timedelta(seconds=second) for second in range(5000)])
    with django_assert_max_num_queries(250):
        withdrawals.withdraw(IntakeRun.objects.get(), "wrong zone", actor=people[Role.ADMIN])
    assert counting() == 0


# --- what is changed afterwards ---------------------------------------------------------------------------------------


def edit_the_reason() -> None:
    RunWithdrawal.objects.update(reason="somebody else's")


def delete_the_withdrawal() -> None:
    RunWithdrawal.objects.all().delete()


def let_a_line_count() -> None:
    WithdrawnLine.objects.all()[0].delete()


@pytest.mark.parametrize("tamper", [edit_the_reason, delete_the_withdrawal, let_a_line_count])
def test_a_withdrawal_that_was_tampered_with_is_found(
    align: Connector, people: People, tamper: Callable[[], None]
) -> None:
    paste(align, people[Role.REVIEWER], NOON)
    withdrawals.withdraw(IntakeRun.objects.get(), "wrong zone", actor=people[Role.ADMIN])
    assert is_whole()
    with triggers.lifted():
        tamper()
    assert list(run_check.compare()) != []
