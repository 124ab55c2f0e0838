"""Logs as people have them: any usual separator, order of columns and way to write a time; no text is an error."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.align.audit_markup import plain_description
from connectors.align.audit_times import AskDayOrder, DayOrder, decide_order, written_time
from connectors.history.intake.log_table import SEPARATORS, table_of
from connectors.history.intake.pasted_log import USER, read_log
from tests.support.intake_helpers import read_time

SENTENCE = (
    "CONFIG Updated - State mapping - Jira To Align - Story - In Review (10013) "
    "AlignStateId Changed - From [2] To [3], AlignStateName Changed - From [In progress] To [Dev complete]"
)
FOUR = ("CONFIG 123", "Jira Align System", "2026-11-20 14:02:03", SENTENCE)
AT = datetime(2026, 11, 20, 14, 2, 3, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")
NAIVE = AT.replace(tzinfo=None)
HEADINGS = ("Id", "Timestamp (UTC)", "User", "Type", "Description")


def quoted(cells: tuple[str, ...], separator: str) -> str:
    return separator.join(f'"{cell}"' for cell in cells)


# --- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "clock"),
    [
        ("Nov 20, 2026, 2:02:04 PM", (14, 2, 4)),
        ("Nov 20, 2026, 2:02:04\u202fPM", (14, 2, 4)),
        ("20-Nov-2026 14:02:09", (14, 2, 9)),
        ("2026/11/20 14:02:07", (14, 2, 7)),
        ("2026.11.20 14:02:07", (14, 2, 7)),
        ("Friday, November 20, 2026 at 2:02 PM", (14, 2, 0)),
        ("20 Nov 2026 12:00 AM", (0, 0, 0)),
        ("Nov 20, 2026 12:30:00 p.m.", (12, 30, 0)),
        ("2026-11-20T14:02", (14, 2, 0)),
        ("2026-11-20 14:02:03.1234567", (14, 2, 3)),
        ("2026-11-20 14:02:03 UTC", (14, 2, 3)),
        ("2026-11-20 14:02:03 (GMT)", (14, 2, 3)),
        ("2026-11-20 16:02:03 +0200", (14, 2, 3)),
        ("20 Nov 2026 16:02:03 GMT+02:00", (14, 2, 3)),
    ],
)
def test_a_time_is_read_in_every_usual_form(written: str, clock: tuple[int, int, int]) -> None:
    assert read_time(written, UTC) == datetime(2026, 11, 20, *clock, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "20 Nov 2026 25:02:03",
        "20 Nov 2026 13:02:03 PM",
        "31 Nov 2026 14:02:03",
        "2026-11-20 14:02:03 PST",
        "20 Nov 26 14:02:03",
        "11/20/26 14:02:03",
        "2026-11/20 14:02:03",
        "2026-11-20 14:02:03 +99:00",
        "２０２６-11-20 14:02:03",
        "x" * 100_000,
    ],
)
def test_a_time_that_could_be_another_one_is_not_guessed(written: str) -> None:
    assert read_time(written, UTC, DayOrder.DAY_FIRST) is None


def test_day_and_month_are_decided_by_all_lines_and_the_deciding_one_is_named() -> None:
    us = "\n".join(
        "\t".join((*FOUR[:2], at, SENTENCE)) for at in ("3/4/2026 1:00 PM", "3/4/2026 1:01 PM", "3/13/2026 9:00 AM")
    )
    reading = read_log(us, UTC)
    assert [line.at for line in reading.lines] == [
        datetime(2026, 3, 4, 13, tzinfo=UTC),
        datetime(2026, 3, 4, 13, 1, tzinfo=UTC),
        datetime(2026, 3, 13, 9, tzinfo=UTC),
    ]
    assert reading.order
    assert (reading.order.order, reading.order_line, reading.without_seconds) == (DayOrder.MONTH_FIRST, 3, 3)
    assert decide_order(["2026-11-20 14:02:03", "garbage", "45/45/2026 10:00:00"]) is None


def test_dates_of_two_kinds_are_told_as_such() -> None:
    with pytest.raises(AskDayOrder, match="1 of them can only have the day first, 2 only the month"):
        decide_order(["13-04-2026 12:00:00", "04-13-2026 12:00:00", "4.14.2026 12:00:00", "1/1/2026 12:00:00"])
    with pytest.raises(AskDayOrder, match="can be read in two ways"):
        decide_order(["3/4/2026 12:00", "3/5/2026 12:00"])


@given(st.text(max_size=100), st.sampled_from(DayOrder))
def test_no_text_is_an_error_as_a_time(text: str, order: DayOrder) -> None:
    assert written_time(text, order) is None or any(letter.isdigit() for letter in text)


@given(
    st.datetimes(min_value=NAIVE.replace(year=1970), max_value=NAIVE.replace(year=2200)),
    st.sampled_from(
        ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%b %d, %Y, %I:%M:%S %p", "%d %B %Y %H:%M:%S",
         "%m/%d/%Y %I:%M:%S %p", "%m.%d.%Y %H:%M:%S"]
    ),
)  # fmt: skip
def test_a_time_that_is_written_is_read_as_it_was(at: datetime, form: str) -> None:
    written = written_time(at.strftime(form), DayOrder.MONTH_FIRST)
    assert written
    assert written.at == at.replace(microsecond=0)
    assert written.has_seconds


# --- columns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("at", ["2026-11-20 14:02:03", "Nov 20, 2026, 2:02:03 PM", "20-Nov-2026 14:02:03"])
@pytest.mark.parametrize("is_quoted", [True, False])
def test_every_separator_is_found_by_itself(separator: str, at: str, is_quoted: bool) -> None:
    cells = (*FOUR[:2], at, SENTENCE)
    text = quoted(cells, separator) if is_quoted else separator.join(cells)
    reading = read_log(f"{text}\n{text}", UTC)
    assert reading.separator == separator
    for line in reading.lines:
        assert (line.type, line.user, line.at, line.description) == (*FOUR[:2], AT, SENTENCE)


def test_a_sheets_line_of_its_separator_is_taken_and_counts_as_a_line() -> None:
    reading = read_log("sep=;\r\nType;User;Timestamp;Description\r\n" + ";".join(FOUR) + "\r\n", UTC)
    (line,) = reading.lines
    assert (reading.separator, line.number, line.at, line.description) == (";", 3, AT, SENTENCE)


def test_headings_with_a_zone_and_a_column_of_ids_are_understood() -> None:
    row = ("7", "2026-11-20 14:02:03", "Jira Align System", "CONFIG 123", SENTENCE)
    for separator in SEPARATORS:
        reading = read_log(f"{separator.join(HEADINGS)}\n{quoted(row, separator)}", WARSAW)
        (line,) = reading.lines
        assert (line.type, line.user, line.at, line.description) == (*FOUR[:2], AT, SENTENCE)
        assert (reading.zone, reading.zone_of_heading) == ("UTC", "UTC")
    assert line.remote_id is None  # of what it is the number, nobody knows


@pytest.mark.parametrize(
    ("said", "zone"),
    [
        ("UTC", "UTC"),
        ("gmt", "UTC"),
        ("UTC+1", "Etc/GMT-1"),
        ("GMT-05:00", "Etc/GMT+5"),
        ("europe/warsaw", "Europe/Warsaw"),
    ],
)
def test_a_zone_of_the_heading_counts_unless_somebody_has_said_one(said: str, zone: str) -> None:
    text = f"Time ({said})\tDetails\n2026-11-20 14:02:03\t{SENTENCE}"
    reading = read_log(text, ZoneInfo("Asia/Tokyo"))
    assert (reading.zone, reading.strange_zone) == (zone, "")
    assert reading.lines[0].at == datetime(2026, 11, 20, 14, 2, 3, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert read_log(text, WARSAW, zone_is_said=True).zone == "Europe/Warsaw"


def test_what_a_heading_says_that_is_no_zone_is_told() -> None:
    reading = read_log(f"Timestamp (PST)\tDescription\n2026-11-20 14:02:03\t{SENTENCE}", WARSAW)
    assert (reading.zone, reading.strange_zone) == ("Europe/Warsaw", "PST")


@pytest.mark.parametrize(
    ("cells", "type_", "user"),
    [
        (FOUR[2:], "CONFIG 123", USER),
        ((FOUR[0], *FOUR[2:]), "CONFIG 123", USER),
        ((FOUR[1], *FOUR[2:]), "CONFIG 123", "Jira Align System"),
        (("17", *FOUR), "CONFIG 123", "Jira Align System"),
        ((FOUR[3], FOUR[2], FOUR[1], FOUR[0]), "CONFIG 123", "Jira Align System"),
        ((FOUR[2], FOUR[0], FOUR[1], FOUR[3]), "CONFIG 123", "Jira Align System"),
    ],
)
def test_columns_without_headings_are_found_by_what_stands_in_them(
    cells: tuple[str, ...], type_: str, user: str
) -> None:
    for separator in SEPARATORS:
        (line,) = read_log(quoted(cells, separator), UTC, own_type=lambda _: "CONFIG 123").lines
        assert (line.type, line.user, line.at, line.description) == (type_, user, AT, SENTENCE)


def test_a_line_without_a_type_is_of_the_connector_that_its_sentence_names() -> None:
    created = (
        "CONFIG Created - State mapping - Jira To Align - Story - QA (3) Id: 1, ConnectorId: 999, WorkItemTypeId: 4"
    )
    (line,) = read_log(f"2026-11-20 14:02:03\t{created}", UTC, own_type=lambda _: "CONFIG 123").lines
    assert (line.type, line.config_id) == ("CONFIG 999", 999)


def test_a_line_with_fewer_columns_beside_whole_ones_spoils_nothing_and_says_what_it_lacks() -> None:
    whole = "\t".join(FOUR)
    lines = read_log(f"CONFIG 123\tx\t2026-11-20 14:02:03\n{whole}\n{whole}\n2026-11-20 14:02:03\ty", UTC).lines
    assert [line.problem for line in lines] == [
        "it does not have the four columns", "", "", "it does not have the four columns",
    ]  # fmt: skip
    assert [line.description for line in lines[1:3]] == [SENTENCE] * 2


def test_columns_that_are_only_spaces_are_told_as_such() -> None:
    (line,) = read_log("  ".join(FOUR), UTC).lines
    assert "not separated by tabs, commas, semicolons or pipes but perhaps by spaces" in line.problem


def test_a_title_above_the_headings_is_no_line() -> None:
    reading = read_log("Audit log of Acme\n\nTimestamp;Description\n2026-11-20 14:02:03;x", UTC)
    assert (reading.above, [line.description for line in reading.lines]) == (1, ["x"])


def test_lines_that_a_sheet_has_filled_up_with_empty_cells_are_read() -> None:
    text = "Timestamp;Description;;\n2026-11-20 14:02:03;x;;\n2026-11-20 14:02:04;y"
    assert [line.description for line in read_log(text, UTC).lines] == ["x", "y"]


def test_a_file_that_is_cut_off_loses_its_last_line_alone() -> None:
    text = "\n".join(["\t".join(FOUR)] * 3)
    for cut in (1, 40, len("\t".join(FOUR)) - 5):
        reading = read_log(text[:-cut], UTC)
        assert [line.description for line in reading.lines[:2]] == [SENTENCE] * 2


def test_quotes_of_one_line_do_not_swallow_the_others() -> None:
    lines = read_log(
        f'{";".join(FOUR)}\nCONFIG 123;"J ""S""";2026-11-20 14:02:03;"a;b\nc"\n{";".join(FOUR)}', UTC
    ).lines
    assert [(line.number, line.user) for line in lines] == [(1, USER), (2, 'J "S"'), (4, USER)]
    assert lines[1].description == "a;b\nc"


MARKS = [
    "\t",
    ",",
    ";",
    "|",
    "\n",
    "\r\n",
    '"',
    "\x00",
    "sep=",
    "CONFIG 1",
    "2026-11-20 14:02:03",
    "3/4/2026 1:00",
    "Details",
]


@given(st.lists(st.one_of(st.text(max_size=8), st.sampled_from(MARKS)), max_size=25), st.sampled_from(DayOrder))
def test_any_text_is_read_without_an_error_and_no_line_is_lost(parts: list[str], order: DayOrder) -> None:
    text = "".join(parts)
    reading = read_log(text, WARSAW, order, own_type=lambda _: "CONFIG 123")
    table = table_of(text)
    assert len(reading.lines) == len(table.records)
    assert all(line.problem or line.at for line in reading.lines)
    assert not reading.is_readable or any(line.at for line in reading.lines)
    try:
        read_log(text, UTC)
    except AskDayOrder:
        assert "/" in text


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12),
            st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=40),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(sorted(SEPARATORS)),
)
def test_what_a_sheet_writes_is_read_as_it_was(rows: list[tuple[str, str]], separator: str) -> None:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    text = "\n".join(
        separator.join(map(cell, ("CONFIG 123", user, "2026-11-20 14:02:03", said))) for user, said in rows
    )
    lines = read_log(text, UTC).lines
    assert [(line.user, line.at) for line in lines] == [(user.strip(), AT) for user, _ in rows]
    assert [line.description for line in lines if "<" not in line.description and "&" not in line.description] == [
        said.strip() for _, said in rows if "<" not in said and "&" not in said
    ]


# --- markup ----------------------------------------------------------------------------------------------------------


def test_markup_around_a_sentence_goes_and_signs_in_names_stay() -> None:
    marked = SENTENCE.replace("CONFIG", "<b>CONFIG</b>").replace("[2]", "[<i>2</i>]")
    assert plain_description(marked, is_markup=False) == SENTENCE
    assert plain_description("<p>a &amp; b</p><br/>c <i>[x</i> &rarr; y]", is_markup=True) == "a & b c [x → y]"
    for name in ("<b>", "A &amp; B", "a <br> b", "<Review>"):
        sentence = SENTENCE.replace("In Review", name)
        assert plain_description(sentence, is_markup=False) == sentence
    assert plain_description("Signed in <b>", is_markup=False) == "Signed in <b>"
    assert plain_description(SENTENCE.replace("In Review", "<Review>"), is_markup=True).count("<Review>") == 1


@given(st.text(max_size=200), st.booleans())
def test_no_text_is_an_error_as_markup(text: str, is_markup: bool) -> None:
    assert isinstance(plain_description(f"<b>{text}", is_markup=is_markup), str)


@pytest.mark.parametrize("part", ["<!--", "<script>", "<b ", "&#", "<b", "</", "<p><p>"])
def test_openings_without_an_end_cost_little(part: str) -> None:
    plain_description(part * (60_000 // len(part)) + "</i>", is_markup=True)
