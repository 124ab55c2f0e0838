"""The search of the history: any text is read, what it means is found, and the index follows the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from connectors.align.audit_sentences import MappingEvent, write
from connectors.history.intake.pasted_log import LogLine
from connectors.history.mirror import matching, search_index, search_terms
from connectors.history.mirror import projection as make
from connectors.history.search import day_bars, periods, queries, query_language
from connectors.models import Case, CaseState, Connector, HistoryRow, Intake
from connectors.ports.audited import context_of, event_fields
from tests.support.events import EVENT
from tests.support.factories import lines_taken_in

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOSTILE = [
    '"',
    "' OR 1=1 --",
    "a AND OR NOT NEAR(b, 2) * ^ {c}",
    '"unfinished phrase',
    "text: -x +y (z",
    "\x00\x01\ud800",
    "=1+1 @sum -cmd |'",
    "\u202eשלום\u202c العربية",
    "x" * 10_000,
    '"' * 10_000,
    ":person:dana",
    "\\' & | ! <-> :*",
    "%_%",
    "-- ; DROP TABLE connectors_historyrow",
]


@pytest.fixture
def align(db: None) -> Connector:
    return Connector.objects.create(
        slug="acme",
        name="Acme production",
        align_site="https://acme.example.test",
        align_connector_id=123,
        jira_site="https://jira.example.test",
    )


@pytest.fixture
def dana(db: None) -> Person:
    return Person.objects.create_user("dana.ray@example.test", name="Dana Ray", role=Role.ADMIN)


@pytest.fixture
def omar(db: None) -> Person:
    return Person.objects.create_user("omar@example.test", name="Omar Haddad", role=Role.ADMIN)


def done(connector: Connector, actor: Person | None, event: MappingEvent = EVENT, **more: Any) -> HistoryRow:
    told = {"approver": None, "plan": 7, "ticket": "CHG-2291", "reason": "A column for QA", "happened_at": NOON, **more}
    act = AuditRecord(
        action="change.done",
        actor=actor,
        context=context_of(connector),
        subject="plan 7 change 1",
        sentence=f"{event.source_name} now leads to {event.after_name}.",
        event=event_fields(event),
        project_key=event.project_key or "",
        **told,
    )
    with transaction.atomic():
        entry = trail.record_all([act])[0]
    return HistoryRow.objects.get(entry_seq=entry.seq)


def line(connector: Connector, description: str, *, at: datetime = NOON, user: str = "Jira Align System") -> None:
    taken = LogLine(number=1, raw="", type="CONFIG 123", user=user, at=at, description=description)
    lines_taken_in(connector, [taken], Intake.PASTE, NOON)


def found(text: str) -> int:
    return query_language.rows(query_language.parse(text)).count()


# --- reading and writing ----------------------------------------------------------------------------------------------


@given(
    st.one_of(st.text(max_size=80), st.lists(st.sampled_from([*'":- \u3000aé', "type:", "raw:", '""'])).map("".join))
)
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_text_is_read_and_what_is_written_is_read_as_the_same(text: str) -> None:
    once = query_language.parse(text)
    assert query_language.parse(query_language.write(once)) == once
    assert all(sentence.endswith(".") for sentence in once.problems)


def test_qualifiers_and_quoted_values_are_told_from_words() -> None:
    parsed = query_language.parse('Type:story after:"In ""Review""" plain "two words" "not:this" 10:30 action:')
    assert [(term.name, term.value) for term in parsed.terms] == [
        ("type", "story"),
        ("after", 'In "Review"'),
        ("action", ""),
    ]
    assert parsed.words == ("plain", "two words", "not:this", "10:30")
    assert parsed.problems == ("action: is followed by nothing to look for.",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour:red", "There is no qualifier “colour”"),
        ("direction:up", "direction: takes j2a or a2j, not “up”."),
        ("plan:seven", "plan: takes the number of a plan"),
        ("plan:99999999999999999999", "plan: takes the number of a plan"),
        ("since:31.03.2026", "since: takes a day"),
        ("until:2026-02-30", "until: takes a day"),
        ("since:0001-01-01", "since: takes a day"),
        ("raw:perhaps", "raw: takes yes or no"),
        ("actor:---", "actor: needs a letter or a digit"),
        ("→ ← ↔", "There is no letter or digit"),
        (" ".join(f"w{number}" for number in range(31)), "at most 30 words"),
    ],
)
def test_what_is_not_understood_is_named_and_finds_nothing(text: str, sentence: str, align: Connector) -> None:
    done(align, None)
    assert any(sentence in each for each in query_language.parse(text).problems)
    assert found(text) == 0
    assert found("") == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("connector:nobody", "no connector “nobody”"),
        ("case:x", "case: takes"),
        ("type:saga", "type: takes feature or story or task or defect, not “saga”."),
    ],
)
def test_what_only_the_database_can_tell_is_named_too(text: str, sentence: str, align: Connector) -> None:
    done(align, None)
    assert sentence in query_language.trouble(query_language.parse(text))[0]
    assert found(text) == 0


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-03-31", "2026-03-31T00:00+02:00", "2026-04-01T00:00+02:00"),
        ("2026-02", "2026-02-01T00:00+01:00", "2026-03-01T00:00+01:00"),
        ("2026-03-29", "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"),  # 23 hours
        ("2026-03-31T14:00", "2026-03-31T14:00+02:00", "2026-03-31T14:01+02:00"),
        ("2026-03-31T14:00:05Z", "2026-03-31T14:00:05+00:00", "2026-03-31T14:00:06+00:00"),
        ("today", "2026-11-21T00:00+01:00", "2026-11-22T00:00+01:00"),
        ("7d", "2026-11-15T00:00+01:00", "2026-11-16T00:00+01:00"),
        ("quarter", "2026-10-01T00:00+02:00", "2026-11-22T00:00+01:00"),
    ],
)
def test_a_period_is_meant_in_the_zone_of_whoever_searches(text: str, start: str, end: str) -> None:
    now = datetime(2026, 11, 20, 23, 30, tzinfo=UTC).astimezone(ZoneInfo("Europe/Warsaw"))
    period = periods.read(text, now)
    assert period == periods.Period(start=datetime.fromisoformat(start), end=datetime.fromisoformat(end))


@given(st.text(max_size=30))
@settings(deadline=None)
def test_any_text_for_a_period_is_no_error(text: str) -> None:
    periods.read(text, datetime(2026, 11, 20, tzinfo=UTC))


# --- what is found ----------------------------------------------------------------------------------------------------


FOUND = [
    ("", 3),
    ("review", 3),
    ("REVI", 3),
    ("eview", 0),
    ("dev comp", 3),
    ("dev zebra", 0),
    ("action:updated", 3),
    ("action:update", 0),
    ("action:updated action:deleted", 3),
    ("actor:dana", 1),
    ("actor:RAY", 1),
    ("actor:dana.ray@example.test", 1),
    ('actor:"dana ray"', 1),
    ('actor:"ray dana"', 0),
    ("actor:haddad", 2),  # once as the approver
    ("actor:dana actor:haddad", 2),
    ("actor:outsider", 1),
    ("type:story direction:a2j kind:state", 3),
    ("type:feature", 0),
    ("project:proj", 2),
    ("project:OTHER", 2),  # its own, and the line that states none
    ("project:OTHER source:alignadmin", 1),
    ("project:pro source:alignadmin", 0),
    ("connector:acme", 3),
    ("connector:123", 3),
    ('connector:"config 123"', 3),
    ("source:outside", 1),
    ("source:AlignAdmin", 2),
    ("before:qa", 3),
    ('after:"in review"', 3),
    ("after:review", 3),
    ('after:"review in"', 0),
    ("after:10013", 3),
    ("after:1001", 0),
    ("plan:7", 1),
    ("plan:8", 1),
    ("ticket:chg-2291", 2),
    ("ticket:2291", 2),
    ("ticket:chg-22", 2),
    ("since:2026-11-20", 3),
    ("since:2026-11-21", 0),
    ("until:2026-11-19", 0),
    ("since:2026-11 until:2026-11 since:2026-12", 0),
    ("raw:yes", 0),
    ("raw:no", 3),
    ("case:open", 1),
    ("case:explained", 0),
    ("case:any source:outside", 1),
]


class TestFound:
    @pytest.fixture(autouse=True)
    def _rows(self, align: Connector, dana: Person, omar: Person) -> None:
        done(align, dana, approver=omar)
        done(align, omar, replace(EVENT, project_key="OTHER"), plan=8)
        line(align, write(replace(EVENT, source_id=4)), user="Outsider Jones")

    @pytest.mark.parametrize(("text", "rows"), FOUND)
    def test_a_search_finds_what_it_says(self, text: str, rows: int) -> None:
        assert query_language.trouble(query_language.parse(text)) == ()
        assert found(text) == rows

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_plain_words(self, text: str, align: Connector, omar: Person) -> None:
        found(text)
        page = queries.history_page(query_language.select(query_language.parse(text)))
        assert len(page.rows) in (0, 3)

    def test_a_case_that_is_explained_is_found_as_such(self) -> None:
        Case.objects.update(state=CaseState.EXPLAINED)
        assert (found("case:open"), found("case:explained")) == (0, 1)

    def test_the_user_of_our_credentials_is_found_in_the_line_of_our_own_change(self, align: Connector) -> None:
        assert found('actor:"jira align"') == 0
        line(align, write(EVENT))
        assert found("source:alignadmin actor:jira") == 1
        assert found("actor:outsider") == 1

    def test_a_change_is_not_found_by_the_user_of_a_line_that_is_no_longer_its_own(
        self, align: Connector, dana: Person
    ) -> None:
        blocked = replace(EVENT, after_id=3, after_name="Blocked")
        done(align, dana, blocked)
        line(align, write(blocked), user="Service One")
        assert found('source:alignadmin actor:"service one"') == 1
        line(align, write(blocked), user="Service Two", at=NOON - timedelta(seconds=30))
        assert found('source:alignadmin actor:"service one"') == 0
        assert found('source:alignadmin actor:"service two"') == 1
        assert found("source:outside actor:service") == 1


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60)


@pytest.mark.parametrize(
    "name",
    ["→ Done", "[QA] - To [x]", '"quoted"', "line\nbreak", "=SUM(A1)", "\u202eabc", "é" * 10_000, "Straße", "ﬁn"],
)
def test_an_odd_name_is_found_by_itself(name: str, align: Connector) -> None:
    done(align, None, replace(EVENT, after_name=name))
    quoted = name.replace('"', '""')
    assert found(f'"{quoted}"') == 1
    assert found(f'after:"{quoted}"') == 1
    assert found("after:zebra") == 0


@given(NAMES)
def test_the_words_of_a_name_are_among_the_words_of_its_row(name: str) -> None:
    row = HistoryRow(after_name=name, source="align", action="x")
    stored = search_terms.of_row(row, name).split(" ")
    assert set(search_terms.terms(name)) <= set(stored)
    assert not search_terms.phrase(name) or any(
        word.startswith(search_terms.word("after", search_terms.phrase(name))) for word in stored
    )


UNSPACED = [
    ("测试完成", ["完成", "测试", "试完", "完", "成", "测试完成"], ["成完", "完工"]),
    ("受け入れテスト完了", ["テスト", "完了", "受け入れ", "スト完"], ["完成", "トテス"]),
    ("ﾃｽﾄ完了", ["テスト", "完了"], ["完成"]),  # half width
    ("ทดสอบเสร็จแล้ว", ["เสร็จ", "ทดสอบ", "แล้ว"], ["เริ่ม"]),
    ("测试完成 v2 (QA)", ["完成", "完成 v2", "qa", "v2"], ["v3"]),
    ("完成v2", ["完成v2", "v2", "完"], ["成v3"]),
    ("𠮷野完成", ["野完", "𠮷", "完成"], ["野成"]),
]


@pytest.mark.parametrize(("name", "inside", "outside"), UNSPACED)
def test_words_inside_names_of_scripts_without_spaces_are_found(
    name: str, inside: list[str], outside: list[str], align: Connector
) -> None:
    done(align, None, replace(EVENT, after_name=name))
    assert [found(f'"{text}"') for text in inside] == [1] * len(inside)
    assert [found(f'after:"{text}"') for text in inside] == [1] * len(inside)
    assert [found(f'"{text}"') for text in outside] == [0] * len(outside)
    assert [found(f'after:"{text}"') for text in outside] == [0] * len(outside)


LETTERS = st.text("测试完成テスト了ทดสอบ가v2 ", min_size=1, max_size=40)


@given(LETTERS, st.data())
def test_any_part_of_a_name_is_looked_for_by_words_that_are_stored(name: str, data: st.DataObject) -> None:
    folded = "".join(search_terms.split(name))
    if not folded or not search_terms.UNSPACED.fullmatch(folded):
        return
    start = data.draw(st.integers(0, len(folded) - 1))
    part = folded[start : data.draw(st.integers(start + 1, len(folded)))]
    stored = search_terms.terms(folded)
    for text, prefix in search_terms.wanted(part):
        assert any(each.startswith(text) if prefix else each == text for each in stored)


def test_a_long_text_without_spaces_costs_a_bounded_search(align: Connector) -> None:
    done(align, None, replace(EVENT, after_name="完成" * 2000))
    assert found("完成" * 2000) == 1
    assert found("after:" + "完成" * 2000) == 1


# --- the index follows the rows ---------------------------------------------------------------------------------------


def test_rows_that_change_or_go_are_found_as_they_are(align: Connector, dana: Person) -> None:
    row = done(align, dana)
    row.after_name = "Blocked"
    row.text = make._words(row)
    HistoryRow.objects.bulk_update([row], ["after_name", "text"])
    assert (found("after:blocked"), found("after:review")) == (1, 0)
    HistoryRow.objects.filter(pk=row.pk).update(at=NOON - timedelta(days=400))
    assert found("after:blocked since:2025-10-16 until:2025-10-16") == 1
    assert queries.history_page(query_language.select(query_language.parse("after:blocked"))).rows == [row]
    HistoryRow.objects.all().delete()
    assert found("after:blocked") == 0
    assert queries.history_page(query_language.select(query_language.parse("after:blocked"))).rows == []


def test_a_line_that_finds_its_cause_later_is_one_row_of_the_search(align: Connector, dana: Person) -> None:
    line(align, write(EVENT))
    assert (found("after:review source:outside"), found("actor:dana")) == (1, 0)
    done(align, dana)
    assert (found("after:review source:outside"), found("after:review"), found("actor:dana")) == (0, 1, 1)
    matching.rejoin(align)
    assert found("after:review") == 1


def test_an_index_that_was_lost_is_made_again(align: Connector, dana: Person) -> None:
    """SQLite drops the triggers when a migration rebuilds the table; PostgreSQL keeps its index itself."""
    done(align, dana)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for name in search_index.TRIGGERS:
                cursor.execute(f"DROP TRIGGER {name}")
    done(align, dana, replace(EVENT, after_name="Blocked"))
    assert found("blocked") == (0 if connection.vendor == "sqlite" else 1)
    search_index.install()
    assert (found("blocked"), found("review")) == (1, 1)


# --- pages ------------------------------------------------------------------------------------------------------------


def many(connector: Connector, at: Callable[[int], datetime], count: int = 130) -> None:
    rows = []
    for number in range(count):
        row = HistoryRow(at=at(number), connector=connector, source="align", action="x", sentence=f"n{number}")
        row.text = search_terms.of_row(row, "common" if number % 2 else "common odd")
        rows.append(row)
    HistoryRow.objects.bulk_create(rows)


@pytest.mark.parametrize(
    "at",
    [
        lambda number: NOON + 0 * timedelta(days=number),
        lambda number: NOON + timedelta(microseconds=number // 3),
        lambda number: NOON - timedelta(days=number),
        lambda number: NOON + timedelta(hours=number // 7, microseconds=-number),
        lambda number: datetime(1960 + number, 1, 1, tzinfo=UTC),
        lambda number: datetime(2090 + number, 1, 1, tzinfo=UTC),
    ],
    ids=["one moment", "one second", "days", "mixed", "from before 1970", "far future"],
)
@pytest.mark.parametrize("text", ["", "common", "odd", "odd raw:no", "case:any odd"])
def test_pages_of_a_search_hold_every_row_once_and_in_order(
    text: str, at: Callable[[int], datetime], align: Connector
) -> None:
    many(align, at)
    chosen = query_language.select(query_language.parse(text))
    rows = query_language.rows(query_language.parse(text))
    expected = list(rows.order_by("-at", "-id").values_list("pk", flat=True))
    page = queries.history_page(chosen, size=20)
    forth = [row.pk for row in page.rows]
    while page.older:
        page = queries.history_page(chosen, before=page.older, size=20)
        forth += [row.pk for row in page.rows]
    assert forth == expected
    back = [row.pk for row in page.rows]
    while page.newer:
        page = queries.history_page(chosen, after=page.newer, size=20)
        back = [row.pk for row in page.rows] + back
    assert back == expected


@pytest.mark.parametrize("zone", ["UTC", "Europe/Warsaw", "Asia/Kathmandu", "America/St_Johns"])
@pytest.mark.parametrize("text", ["", "odd", "since:2026-10-20 until:2026-11-05"])
def test_the_bars_count_each_day_of_the_zone_also_where_the_clock_changes(
    text: str, zone: str, align: Connector
) -> None:
    many(align, lambda number: datetime(2026, 11, 10, 0, 30, tzinfo=UTC) - timedelta(hours=5 * number))
    with timezone.override(ZoneInfo(zone)):
        wanted = query_language.parse(text)
        bars = day_bars.bars(query_language.select(wanted))
        assert bars is not None
        days = [timezone.localdate(at) for at in query_language.rows(wanted).values_list("at", flat=True)]
        assert {bar.day: bar.rows for bar in bars.bars if bar.rows} == {day: days.count(day) for day in days}
