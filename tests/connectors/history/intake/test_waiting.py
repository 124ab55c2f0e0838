"""Lines that were sent and not confirmed: shown before anything is stored, seen by one person, stored once."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.align.resources import AuditLine
from connectors.history.intake import waiting
from connectors.history.intake.by_hand import AlreadyImported, ReadOptions
from connectors.history.intake.intake import pull
from connectors.models import Connector, Coverage, HistoryRow, Intake, IntakeRun, MirrorLine, WaitingIntake
from tests.conftest import SignIn
from tests.connectors.history.intake.test_audit_intake import UPDATED, Log, row
from tests.connectors.history.intake.test_log_files import ROWS, workbook
from tests.connectors.history.intake.test_withdrawals import is_whole
from tests.support.intake_helpers import import_lines, send_lines, take_in

pytestmark = pytest.mark.django_db
SITE = "https://acme.example.test"


@pytest.fixture
def align(db: None) -> Connector:
    return Connector.objects.create(slug="acme", name="Acme", align_site=SITE, align_connector_id=123)


@pytest.fixture
def beta(align: Connector) -> Connector:
    return Connector.objects.create(slug="beta", name="Beta", align_site=SITE, align_connector_id=124)


@pytest.fixture
def reviewer(people: dict[Role, Person], signed_in: SignIn) -> Client:
    return signed_in(Role.REVIEWER)


def of(number: int, at: str = "2026-11-20 12:00:00") -> str:
    return row(at=at).replace("CONFIG 123", f"CONFIG {number}", 1)


def stats(html: str) -> dict[str, int]:
    found = re.findall(r"<b>(\d+)</b><small>([^<]+)</small>", html)
    return {name: int(number) for number, name in found}


def text_of(answer: object) -> str:
    return unescape(answer.content.decode())  # type: ignore[attr-defined]


# --- looked at, then stored -------------------------------------------------------------------------------------------


def test_what_was_read_is_shown_and_nothing_is_stored_before_it_is_confirmed(
    reviewer: Client, align: Connector, beta: Connector
) -> None:
    import_lines(reviewer, text=row())
    runs = IntakeRun.objects.count()
    text = "\n".join(
        [
            row(),
            row(at="2026-11-20 13:00"),
            of(124),
            of(999),
            of(999),
            "broken",
            row(at="the day after"),
            row("Signed in"),
        ]
    )
    shown = text_of(send_lines(reviewer, text=text))
    assert stats(shown) == {
        "lines read": 8,
        "new": 3,
        "already here": 1,
        "of other connectors": 3,
        "unreadable": 2,
    }
    assert "Also import 1 line of CONFIG 124 for <bdi>Beta</bdi>" in shown
    assert "no connector of this site has the number: 2 lines of CONFIG 999" in shown
    assert "Line 6: <bdi>it does not have the four columns" in shown
    assert "Line 7: <bdi>its time “the day after” is in no listed form" in shown
    assert "Covers nothing while lines of it are refused" in shown
    assert "Columns are separated by tabs" in shown
    assert "1 line without seconds" in shown
    assert "Times without a zone are read in UTC, the zone of the connector" in shown
    assert (MirrorLine.objects.count(), IntakeRun.objects.count()) == (1, runs)


def test_how_dates_zone_and_columns_were_understood_is_told(reviewer: Client, align: Connector) -> None:
    text = f"Id;Timestamp (UTC+1);Details\n1;3/4/2026 14:00:00;<b>{UPDATED}</b>\n2;3/13/2026 14:00:00;{UPDATED}"
    shown = text_of(send_lines(reviewer, text=text))
    for said in (
        "Columns are separated by semicolons. By their headings, timestamp is “Timestamp (UTC+1)”, description is",
        "There is no type, so lines that name no connector are taken as of the one they are imported for.",
        "There is no user, so each line is taken as by Jira Align System",
        "Times without a zone are read in Etc/GMT-1, as the heading says: “UTC+1”.",
        "Dates such as 03/04/2026 are read with the month first: line 3 can be read in no other way.",
        "1 line with HTML: only the text is kept.",
    ):
        assert said in shown, said
    assert 'datetime="2026-03-04T13:00:00Z"' in shown
    answer = text_of(reviewer.post(f"/history/intake/waiting/{WaitingIntake.objects.get().pk}/"))
    assert "2 lines read, 2 new" in answer
    assert set(MirrorLine.objects.values_list("type", "user", "description")) == {
        ("CONFIG 123", "Jira Align System", UPDATED)
    }


def test_an_excel_file_is_imported_with_its_name_and_hash_in_the_entry(reviewer: Client, align: Connector) -> None:
    data = workbook(ROWS)
    shown = text_of(send_lines(reviewer, file=SimpleUploadedFile("log.xlsx", data)))
    assert "The file is read as the sheet “Sheet 1” of an Excel file." in shown
    assert "the file was <bdi>log.xlsx</bdi>" in shown
    reviewer.post(f"/history/intake/waiting/{WaitingIntake.objects.get().pk}/")
    assert list(MirrorLine.objects.order_by("at").values_list("at", "description")) == [
        (datetime(2026, 11, 20, 14, 2, 3, tzinfo=UTC), "one"),
        (datetime(2026, 11, 20, 14, 2, 9, tzinfo=UTC), "two lines, and\ttab"),
    ]
    body = Entry.objects.get(action="log.taken-in").body
    assert '"name":"log.xlsx"' in body
    assert WaitingIntake.objects.get().file_sha256 in body


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "This file is a PDF, so nothing of it was imported."),
        (b"\0" * 100, "This file is no text and no Excel file"),
        (b"one,two\nthree,four\n", "Not one line of it could be read"),
        (b"  \n \n", "nothing was imported: there is no line in it"),
        (workbook([["Notes"], ["nothing"]]), "Not one line of it could be read"),
        (b"CONFIG 123,x,the day after,y\n", "line 1: its time “the day after” is in no listed form"),
        ("  ".join(row().split("\t")).encode(), "perhaps by spaces"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_is_refused_whole(
    reviewer: Client, align: Connector, data: bytes, said: str
) -> None:
    answer = send_lines(reviewer, file=SimpleUploadedFile("log.csv", data))
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert not WaitingIntake.objects.exists()
    assert not MirrorLine.objects.exists()


def test_a_paste_of_which_nothing_can_be_read_is_refused_with_its_text_kept(reviewer: Client, align: Connector) -> None:
    answer = send_lines(reviewer, text="dear all, see below")
    assert (answer.status_code, "dear all, see below" in text_of(answer)) == (400, True)
    assert "Not one line of it could be read as a line of Align's audit log" in text_of(answer)


# --- lines of other connectors ----------------------------------------------------------------------------------------


def test_lines_of_another_connector_are_left_out_and_cover_nothing(
    reviewer: Client, align: Connector, beta: Connector
) -> None:
    said = text_of(import_lines(reviewer, text=f"{row()}\n{of(124, '2026-11-21 12:00:00')}\n{of(999)}"))
    assert "1 line read, 1 new" in said
    assert "1 line of CONFIG 124 left out. 1 line of CONFIG 999 left out." in said
    assert MirrorLine.objects.get().connector == align
    assert Coverage.objects.get().until == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert '"of_other_connectors":{"CONFIG 124":1,"CONFIG 999":1}' in Entry.objects.get(action="log.taken-in").body


def test_they_go_to_their_own_connector_where_that_is_chosen(
    reviewer: Client, align: Connector, beta: Connector
) -> None:
    text = f"{row()}\n{of(124, '2026-11-21 12:00:00')}\n{of(999)}"
    said = text_of(import_lines(reviewer, text=text, also=("beta", "acme", "nobody")))
    assert "For Beta (CONFIG 124): 1 line read, 1 new" in said
    assert set(MirrorLine.objects.values_list("connector__slug", "type")) == {
        ("acme", "CONFIG 123"),
        ("beta", "CONFIG 124"),
    }
    assert Coverage.objects.get(connector=beta).since == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert Coverage.objects.get(connector=align).until == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert [run.lines for run in IntakeRun.objects.order_by("number")] == [1, 1]
    assert Entry.objects.filter(action="log.taken-in").count() == 2
    assert is_whole()


def test_lines_that_are_all_of_another_connector_lead_there(
    reviewer: Client, align: Connector, beta: Connector
) -> None:
    refused = import_lines(reviewer, text=of(124))
    assert (refused.status_code, MirrorLine.objects.count()) == (409, 0)
    assert "None of these lines is of CONFIG 123" in text_of(refused)
    said = text_of(import_lines(reviewer, text=of(124), also=("beta",)))
    assert "For Beta (CONFIG 124): 1 line read, 1 new" in said
    assert "/history/intake/beta/1/" in said
    assert MirrorLine.objects.get().connector == beta


def test_a_connector_of_the_same_number_at_another_site_is_not_offered(reviewer: Client, align: Connector) -> None:
    Connector.objects.create(slug="far", name="Far", align_site="https://far.example.test", align_connector_id=124)
    assert "Also import" not in text_of(send_lines(reviewer, text=f"{row()}\n{of(124)}"))


def test_lines_of_other_connectors_in_an_answer_of_the_endpoint_are_left_out(align: Connector) -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    lines = [
        AuditLine(id=number, type=type_, user="x", timestamp=at, description=UPDATED)
        for number, type_ in enumerate(("CONFIG 123", "CONFIG 999", ""), start=1)
    ]
    result = pull(align, Log(lines))
    assert (result.read, result.new, result.left_out) == (2, 2, 1)
    assert "1 of other connectors left out" in result.sentence
    assert set(MirrorLine.objects.values_list("type", "user")) == {("CONFIG 123", "x")}


# --- one person's, for a time, once -----------------------------------------------------------------------------------


def test_nobody_else_sees_or_confirms_what_somebody_sent(reviewer: Client, align: Connector, signed_in: SignIn) -> None:
    send_lines(reviewer, text=row("a secret"))
    address = f"/history/intake/waiting/{WaitingIntake.objects.get().pk}/"
    other = signed_in(Role.ADMIN)
    for answer in (other.get(address), other.post(address), other.post(address, {"discard": "1"})):
        assert answer.status_code == 404
        assert "a secret" not in text_of(answer)
    assert reviewer.get(f"/history/intake/waiting/{uuid4()}/").status_code == 404
    assert "a secret" in text_of(reviewer.get(address))
    assert not MirrorLine.objects.exists()


def test_what_is_discarded_is_gone(reviewer: Client, align: Connector) -> None:
    send_lines(reviewer, text=row())
    address = f"/history/intake/waiting/{WaitingIntake.objects.get().pk}/"
    assert "nothing of it was imported" in text_of(reviewer.post(address, {"discard": "1"}, follow=True))
    assert not WaitingIntake.objects.exists()
    assert reviewer.get(address).status_code == 404


def test_it_is_kept_for_an_hour_and_three_of_a_person(reviewer: Client, align: Connector) -> None:
    for number in range(5):
        send_lines(reviewer, text=row(f"line {number}"))
    kept = list(WaitingIntake.objects.order_by("created_at"))
    assert len(kept) == 3
    assert [waiting.prepared(each).lines[0].description for each in kept] == ["line 2", "line 3", "line 4"]
    WaitingIntake.objects.filter(pk=kept[0].pk).update(created_at=timezone.now() - timedelta(minutes=61))
    assert reviewer.post(f"/history/intake/waiting/{kept[0].pk}/").status_code == 404
    run_due()
    assert WaitingIntake.objects.count() == 2
    assert not MirrorLine.objects.exists()


def test_the_text_goes_once_it_is_imported_and_a_second_click_leads_to_the_import(
    reviewer: Client, align: Connector
) -> None:
    send_lines(reviewer, text=row())
    found = WaitingIntake.objects.get()
    address = f"/history/intake/waiting/{found.pk}/"
    assert "1 line read, 1 new" in text_of(reviewer.post(address))
    for again in (reviewer.post(address), reviewer.get(address)):
        assert (again.status_code, again["Location"]) == (303, "/history/intake/acme/1/")
    assert "were imported already, and only once" in text_of(reviewer.get("/history/intake/acme/1/"))
    found.refresh_from_db()
    assert (bytes(found.packed), IntakeRun.objects.count(), MirrorLine.objects.count()) == (b"", 1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_clicks_at_the_same_time_one_imports_and_the_others_are_told(
    align: Connector, people: dict[Role, Person]
) -> None:
    actor = people[Role.REVIEWER]
    text = "\n".join(row(at=f"2026-11-20 12:00:{second:02}") for second in range(30))
    sent = waiting.put(align, text, ReadOptions(), intake=Intake.PASTE, actor=actor)
    start = threading.Barrier(4)

    def click(_: int) -> str:
        try:
            mine = waiting.of(actor, sent.pk)
            assert mine
            start.wait()
            return waiting.confirm(mine, actor=actor).sentence
        except AlreadyImported:
            return "already"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(click, range(4)))
    assert said == ["30 lines read, 30 new, 0 already here.", "already", "already", "already"]
    assert (MirrorLine.objects.count(), IntakeRun.objects.count()) == (30, 1)
    assert Entry.objects.filter(action="log.taken-in").count() == 1


def test_what_cannot_be_stored_is_not_taken_from_its_person(
    reviewer: Client, align: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_lines(reviewer, text=row())
    address = f"/history/intake/waiting/{WaitingIntake.objects.get().pk}/"
    reviewer.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr("connectors.history.intake.by_hand.trail.record", None)
        assert reviewer.post(address).status_code == 500
    assert not MirrorLine.objects.exists()
    assert "1 line read, 1 new" in text_of(reviewer.post(address))


# --- minutes ----------------------------------------------------------------------------------------------------------


def test_a_line_to_the_minute_and_the_same_with_its_second_are_one_in_any_order(
    align: Connector, people: dict[Role, Person]
) -> None:
    actor = people[Role.REVIEWER]

    def paste(*times: str) -> tuple[int, int]:
        result = take_in(align, "\n".join(row(at=f"2026-11-20 {at}") for at in times), intake=Intake.PASTE, actor=actor)
        return result.new, result.known

    assert paste("12:00:17") == (1, 0)
    assert paste("12:00") == (0, 1)
    assert paste("12:05") == (1, 0)
    assert paste("12:05:30") == (0, 1)
    assert paste("12:05") == (0, 1)
    # As many as the fullest showed, so that none is swallowed.
    assert paste("12:05:30", "12:05:40") == (1, 1)
    assert paste("12:05", "12:05") == (0, 2)
    assert paste("12:05:00", "12:05:30", "12:05:40") == (1, 2)
    assert paste("12:00", "12:00") == (1, 1)
    assert paste("12:01:17") == (1, 0)
    assert MirrorLine.objects.count() == 6


def test_the_endpoint_reads_again_what_was_pasted_to_the_minute_without_doubling_it(
    align: Connector, people: dict[Role, Person]
) -> None:
    take_in(align, row(at="2026-11-20 12:05"), intake=Intake.PASTE, actor=people[Role.REVIEWER])
    at = datetime(2026, 11, 20, 12, 5, 44, tzinfo=UTC)
    line = AuditLine(id=1, type="CONFIG 123", user="Jira Align System", timestamp=at, description=UPDATED)
    result = pull(align, Log([line]))
    assert (result.new, result.known, HistoryRow.objects.filter(line__isnull=False).count()) == (0, 1, 1)
