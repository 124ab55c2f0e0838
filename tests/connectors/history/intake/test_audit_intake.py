"""Taking Align's log in: from an endpoint that may not be there, pasted, uploaded; nothing lost, nothing doubled."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.audit.models import Entry
from alignadmin.http.errors import NotFound
from connectors.align.audit_sentences import parse
from connectors.align.audit_times import FORMS, AskDayOrder, DayOrder
from connectors.align.resources import AuditLine, WriteRequest
from connectors.history.intake.intake import pull
from connectors.history.intake.pasted_log import LogLine, read_lines
from connectors.history.intake.storing import digest_of
from connectors.models import AuditSource, Connector, HistoryRow, Intake, MirrorLine
from connectors.ports.audited import context_of, event_fields
from tests.connectors.align.test_align_client import client_of
from tests.support.intake_helpers import read_time, take_in
from tests.support.sandbox_fixture import RunningSandbox

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
UPDATED = (
    "CONFIG Updated - State mapping - Jira To Align - Story - In Review (10013) "
    "AlignStateId Changed - From [2] To [3], AlignStateName Changed - From [In progress] To [Dev complete]"
)
WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.fixture
def align(db: None) -> Connector:
    return Connector.objects.create(
        slug="acme",
        name="Acme",
        align_site="https://acme.example.test",
        align_connector_id=123,
        jira_site="https://jira.example.test",
    )


@pytest.fixture
def reviewer(db: None) -> Person:
    return Person.objects.create_user("reviewer@example.test", name="Riva Reviewer", role="reviewer")


def row(description: str = UPDATED, at: str = "2026-11-20 12:00:00", separator: str = "\t") -> str:
    return separator.join(("CONFIG 123", "Jira Align System", at, description))


class TestReadingColumns:
    def test_tabs_and_commas_and_a_header_in_any_order_read_the_same(self) -> None:
        quoted = f'CONFIG 123,Jira Align System,2026-11-20 12:00:00,"{UPDATED}"'
        turned = f"{UPDATED}\t2026-11-20 12:00:00\tCONFIG 123\tJira Align System"
        texts = [
            row(),
            row(separator=","),
            quoted,
            f"Type\tUser\tTimestamp\tDescription\n{row()}\n\n",
            f"description\tTIMESTAMP\ttype\tUser\r\n{turned}\r\n",
        ]
        for text in texts:
            (line,) = read_lines(text, UTC)
            assert (line.type, line.user, line.at) == ("CONFIG 123", "Jira Align System", NOON)
            assert line.description == UPDATED

    def test_a_line_that_is_not_four_columns_is_named_by_its_number_and_kept(self) -> None:
        lines = read_lines(f"{row()}\nonly\tthree\tcolumns\n{row(at='yesterday')}\n{row()}", UTC)
        assert [(line.number, bool(line.problem)) for line in lines] == [(1, False), (2, True), (3, True), (4, False)]
        assert lines[1].raw == "only\tthree\tcolumns"
        assert "yesterday" in lines[2].problem

    def test_a_quoted_line_break_belongs_to_its_line(self) -> None:
        lines = read_lines(f"{row(f'{chr(34)}a{chr(10)}b{chr(34)}')}\n{row()}", UTC)
        assert [(line.number, line.description) for line in lines] == [(1, "a\nb"), (3, UPDATED)]

    def test_naive_times_are_in_the_connectors_zone(self) -> None:
        assert read_time("2026-11-20 13:00:00", WARSAW) == NOON
        assert read_time("2026-11-20T12:00:00Z", WARSAW) == NOON
        assert read_time("2026-11-20T13:00:00.123+01:00", UTC) == NOON

    @pytest.mark.parametrize("form", FORMS, ids=lambda form: form.example)
    def test_every_listed_form_is_read(self, form: object) -> None:
        assert read_time(getattr(form, "example"), UTC) in (  # noqa: B009
            datetime(2026, 11, 20, 14, 2, 3, tzinfo=UTC),
            datetime(2026, 11, 20, 13, 2, 3, tzinfo=UTC),
        )

    @pytest.mark.parametrize(
        "text", ["", "2026-11-20", "2026-11-20 12", "12:00:00", "2026-13-01 00:00:00", "20 Nox 2026 12:00:00"]
    )
    def test_other_forms_are_not_guessed(self, text: str) -> None:
        assert read_time(text, UTC) is None

    def test_day_and_month_are_asked_for_when_nothing_decides(self) -> None:
        with pytest.raises(AskDayOrder):
            read_lines(row(at="03/04/2026 12:00:00"), UTC)
        with pytest.raises(AskDayOrder):  # one line says the day, the other the month
            read_lines(f"{row(at='13/04/2026 12:00:00')}\n{row(at='04/13/2026 12:00:00')}", UTC)
        (asked,) = read_lines(row(at="03/04/2026 12:00:00"), UTC, DayOrder.MONTH_FIRST)
        assert asked.at == datetime(2026, 3, 4, 12, tzinfo=UTC)

    def test_one_line_that_can_be_read_in_one_way_decides_for_all(self) -> None:
        lines = read_lines(f"{row(at='03/04/2026 1:00:00 PM')}\n{row(at='13.04.2026 12:00:00')}", UTC)
        assert lines[0].at == datetime(2026, 4, 3, 13, tzinfo=UTC)

    @given(st.text(), st.sampled_from(["\t", ",", "\n", '"', "\r", "\x00"]))
    def test_no_text_is_an_error_and_no_line_is_lost(self, text: str, noise: str) -> None:
        for each in (text, f"{row()}\n{text}", text.replace("a", noise), f"{row()}\n{noise.join(text)}"):
            lines = read_lines(each, UTC, DayOrder.DAY_FIRST)
            assert len(lines) <= len(each.splitlines()) + 1
            assert bool(lines) == bool(each.strip(' ,\t\r\n"')) or not each.isprintable() or "" in each


class TestTakingIn:
    def lines(self, connector: Connector) -> int:
        return MirrorLine.objects.filter(connector=connector).count()

    def test_identical_lines_in_one_file_count_as_often_as_they_occur(self, align: Connector, reviewer: Person) -> None:
        result = take_in(align, f"{row()}\n{row()}\n{row()}", intake=Intake.PASTE, actor=reviewer)
        assert (result.read, result.new, result.known) == (3, 3, 0)
        assert sorted(MirrorLine.objects.values_list("occurrence", flat=True)) == [1, 2, 3]

    def test_an_overlapping_upload_raises_the_count_only_to_its_maximum(
        self, align: Connector, reviewer: Person
    ) -> None:
        for count, expected in ((2, 2), (2, 2), (1, 2), (4, 4)):
            take_in(align, "\n".join([row()] * count), intake=Intake.UPLOAD, actor=reviewer)
            assert self.lines(align) == expected

    def test_a_broken_line_is_kept_raw_once_and_shown(self, align: Connector, reviewer: Person) -> None:
        for _ in range(2):
            result = take_in(align, f"{row()}\nCONFIG Created - broken", intake=Intake.PASTE, actor=reviewer)
            assert [bad.number for bad in result.bad] == [2]
            assert "line 2" in result.sentence
        raw = HistoryRow.objects.get(parsed=False)
        assert raw.sentence == "CONFIG Created - broken"
        assert self.lines(align) == 2

    def test_a_bare_sentence_without_its_columns_is_no_outside_change(self, align: Connector, reviewer: Person) -> None:
        take_in(align, f"{row()}\n{UPDATED}", intake=Intake.PASTE, actor=reviewer)
        assert Counter(HistoryRow.objects.filter(entry_seq=None).values_list("source", "parsed")) == {
            ("outside", True): 1,
            ("align", False): 1,
        }

    def test_the_intake_itself_is_an_entry_and_the_connector_says_when(
        self, align: Connector, reviewer: Person
    ) -> None:
        take_in(align, row(), intake=Intake.UPLOAD, actor=reviewer, clock=lambda: NOON)
        entry = Entry.objects.get()
        assert entry.action == "log.taken-in"
        assert "Riva Reviewer" in entry.body
        align.refresh_from_db()
        assert align.intake_at == NOON

    def test_hostile_text_is_kept_whole(self, align: Connector, reviewer: Person) -> None:
        text = "=1+1 <b> \u202e → \x00 " + "x" * 10_000
        take_in(align, row(text), intake=Intake.PASTE, actor=reviewer)
        assert MirrorLine.objects.get().description == text.replace("\x00", "\ufffd")

    def test_runs_of_spaces_and_fractions_of_a_second_make_no_new_line(self) -> None:
        line = LogLine(number=1, raw="", type="CONFIG 123", user="a  b", at=NOON, description="x\ny")
        same = replace(line, user="a b", at=NOON + timedelta(milliseconds=700), description=" x y ")
        assert digest_of(line) == digest_of(same)
        assert digest_of(line) != digest_of(replace(line, type="CONFIG 12", user="3a b"))


@dataclass
class Log:
    """A log that grows, with or without an address to read it at."""

    lines: list[AuditLine]
    there: bool = True

    def audit_log(self, *, since: datetime | None = None, after_id: int | None = None) -> list[AuditLine]:
        if not self.there:
            raise NotFound("Jira Align has nothing at this address.", status=404)
        return [line for line in self.lines if since is None or (line.timestamp and line.timestamp >= since)]


def audit_line(number: int, at: datetime, description: str = UPDATED) -> AuditLine:
    return AuditLine(id=number, type="CONFIG 123", user="Jira Align System", timestamp=at, description=description)


def as_text(lines: list[AuditLine]) -> str:
    return "\n".join(row(line.description, f"{line.timestamp:%Y-%m-%d %H:%M:%S}") for line in lines)


class TestPulling:
    def test_a_site_without_the_address_is_told_and_remembered(self, align: Connector) -> None:
        result = pull(align, Log([], there=False))
        align.refresh_from_db()
        assert align.audit_source == AuditSource.NONE
        assert align.intake_at is None
        assert "https://acme.example.test/rest/align/api/2/connectors/123/auditlog" in result.sentence
        assert pull(align, Log([])).new == 0
        align.refresh_from_db()
        assert align.audit_source == AuditSource.ENDPOINT

    def test_growing_late_and_overlapping_lines_are_neither_lost_nor_doubled(
        self, align: Connector, reviewer: Person
    ) -> None:
        rng = random.Random(5)
        log = Log([])
        for step in range(60):
            now = NOON + timedelta(minutes=step)
            for _ in range(rng.randrange(4)):
                late = timedelta(minutes=rng.choice([0, 0, 0, 1, 5]))
                second = timedelta(seconds=rng.randrange(2), milliseconds=rng.randrange(1000))
                log.lines.append(
                    audit_line(
                        len(log.lines) + 1, now - late + second, UPDATED.replace("Story", rng.choice(["Story", "Task"]))
                    )
                )
            if rng.random() < 0.2:  # an outage
                continue
            if rng.random() < 0.3 and log.lines:
                take_in(align, as_text(log.lines[rng.randrange(len(log.lines)) :]), intake=Intake.PASTE, actor=reviewer)
            pull(align, log)
        pull(align, log)
        stored = Counter(
            (line.at.replace(microsecond=0), line.description) for line in MirrorLine.objects.filter(connector=align)
        )
        assert stored == Counter(
            (line.timestamp.replace(microsecond=0), line.description) for line in log.lines if line.timestamp
        )

    def test_a_second_pull_asks_only_for_the_overlap_and_brings_nothing(self, align: Connector) -> None:
        log = Log([audit_line(number, NOON + timedelta(hours=number)) for number in range(1, 6)])
        assert pull(align, log).new == 5
        again = pull(align, log)
        assert (again.read, again.new) == (1, 0)

    def test_ten_thousand_lines_are_few_queries(self, align: Connector, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        log = Log([audit_line(number, NOON + timedelta(seconds=number)) for number in range(10_000)])
        with django_assert_max_num_queries(600, connection=connection):
            assert pull(align, log).new == 10_000


class TestOverHttp:
    """The whole way: a change really sent, its line really read, both joined; and a site without the address."""

    CREATE = WriteRequest(
        method="POST", path="mappings/states", body={"workItemTypeId": 9, "jiraStatusId": 10020, "alignStateId": 0}
    )

    def test_a_change_that_was_sent_finds_its_line(self, align: Connector, sandbox: RunningSandbox) -> None:
        client = client_of(sandbox.url)
        pull(align, client)
        outside = HistoryRow.objects.filter(source="outside").count()
        client.send(self.CREATE)
        description = sandbox.align("GET", "/connectors/123/auditlog").json()[0]["description"]
        event = parse(description, "CONFIG 123").event
        assert event is not None
        with transaction.atomic():
            trail.record(
                AuditRecord(
                    action="change.done",
                    actor=None,
                    context=context_of(align),
                    subject="plan 1 change 1",
                    sentence="",
                    event=event_fields(replace(event, record_id=None)),
                )
            )
        result = pull(align, client)
        assert (result.new, result.paired) == (1, 1)
        assert HistoryRow.objects.filter(source="outside").count() == outside
        assert HistoryRow.objects.get(source="alignadmin").certainty == "exact"

    def test_a_site_without_the_address_is_read_by_pasting(
        self, align: Connector, reviewer: Person, sandbox: RunningSandbox
    ) -> None:
        sandbox.reset(audit_endpoint="no")
        assert "paste or upload" in pull(align, client_of(sandbox.url)).sentence
        assert take_in(align, row(), intake=Intake.PASTE, actor=reviewer).new == 1
