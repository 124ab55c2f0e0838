"""Times of pasted lines: another zone is noticed by our own changes, and hours that the clocks repeat or leave out."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.test import Client

from alignadmin.accounts.models import Role
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.audit.models import Entry
from connectors.align.audit_sentences import MappingEvent, write
from connectors.history.intake import doubled_hour, run_check
from connectors.history.intake.intake import pull
from connectors.history.intake.pasted_log import read_lines
from connectors.models import AuditSource, Connector, HistoryRow, IntakeRun, MirrorLine
from connectors.ports.audited import context_of, event_fields
from tests.connectors.history.intake.test_audit_intake import Log, audit_line, row
from tests.support.events import EVENT
from tests.support.intake_helpers import import_lines

if TYPE_CHECKING:
    from tests.conftest import SignIn

WARSAW = ZoneInfo("Europe/Warsaw")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LINE = write(EVENT)


@pytest.fixture
def align(db: None) -> Connector:
    return Connector.objects.create(
        slug="acme",
        name="Acme",
        align_site="https://acme.example.test",
        align_connector_id=EVENT.connector_id,
        jira_site="https://jira.example.test",
        audit_source=AuditSource.ENDPOINT,
        time_zone="Europe/Warsaw",
    )


@pytest.fixture
def reviewer(signed_in: SignIn) -> Client:
    return signed_in(Role.REVIEWER)


def event(number: int) -> MappingEvent:
    return replace(EVENT, source_id=number % 6, after_id=20_000 + number, after_name=f"Status {number}")


def ours(connector: Connector, times: dict[int, datetime]) -> None:
    with transaction.atomic():
        trail.record_all(
            [
                AuditRecord(
                    action="change.done",
                    actor=None,
                    context=context_of(connector),
                    subject=f"plan 1 change {number}",
                    sentence="Set.",
                    event=event_fields(event(number)),
                    plan=1,
                    happened_at=at,
                )
                for number, at in times.items()
            ]
        )


def line(number: int, at: datetime, zone: ZoneInfo) -> str:
    """As somebody's Align shows it who lives in that zone."""
    return row(write(event(number)), at=f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}")


def post(client: Client, text: str, **fields: Any) -> tuple[int, str]:
    answer = import_lines(client, text=text, **fields)
    return answer.status_code, unescape(answer.content.decode())


def nothing_is_stored() -> bool:
    return not MirrorLine.objects.exists() and not IntakeRun.objects.exists()


# --- the wrong zone ---------------------------------------------------------------------------------------------------


def made(count: int, *, step: timedelta = timedelta(minutes=7)) -> dict[int, datetime]:
    """Seven minutes apart, so that chance distances of a quarter of an hour come, too."""
    return {number: NOON + number * step for number in range(count)}


def proposed(html: str) -> list[str]:
    """The zones that are offered up to UTC, behind which all others follow."""
    offered = re.findall(r'<option value="([^"]+)"', html.partition('name="zone"')[2].partition("</select>")[0])
    return offered[: offered.index("UTC") + 1]


def test_any_zone_can_be_said_at_the_first_try(reviewer: Client, align: Connector) -> None:
    assert '<option value="Asia/Tokyo">' in reviewer.get("/history/intake/").content.decode()


@pytest.mark.parametrize(
    ("zone", "distance"),
    [("America/New_York", "6 hours later"), ("Asia/Kathmandu", "4 hours 45 minutes earlier"), ("UTC", "1 hour later")],
)
def test_own_changes_at_a_constant_distance_are_asked_about_before_anything_is_stored(
    reviewer: Client, align: Connector, zone: str, distance: str
) -> None:
    times = made(12)
    ours(align, times)
    strange = [line(100 + number, NOON, ZoneInfo(zone)) for number in range(2)]
    text = "\n".join([*(line(number, at, ZoneInfo(zone)) for number, at in times.items()), *strange])
    status, html = post(reviewer, text)
    assert (status, nothing_is_stored()) == (400, True)
    assert f"12 of 14 lines are changes made here, {distance} than they were read" in html
    assert zone in proposed(html)
    status, html = post(reviewer, text, zone=zone)
    assert (status, MirrorLine.objects.count()) == (200, 14)
    assert HistoryRow.objects.filter(source="outside").count() == 2
    assert set(HistoryRow.objects.filter(plan=1).values_list("certainty", flat=True)) == {"exact"}
    assert f'"zone":"{zone}"' in Entry.objects.get(action="log.taken-in").body.replace("\\/", "/")


def test_the_zone_of_the_connector_may_be_confirmed(reviewer: Client, align: Connector) -> None:
    ours(align, made(3))
    text = "\n".join(line(number, at, ZoneInfo("UTC")) for number, at in made(3).items())
    assert post(reviewer, text)[0] == 400
    assert post(reviewer, text, zone="Europe/Warsaw")[0] == 200
    assert HistoryRow.objects.filter(source="outside").count() == 3


def test_a_zone_whose_distance_changes_in_the_middle_is_still_proposed(reviewer: Client, align: Connector) -> None:
    """New York puts its clocks back a week after Warsaw."""
    zone = ZoneInfo("America/New_York")
    times = {number: datetime(2026, 10, 22, 12, number, tzinfo=UTC) + number * timedelta(days=3) for number in range(6)}
    ours(align, times)
    text = "\n".join(line(number, at, zone) for number, at in times.items())
    status, html = post(reviewer, text)
    assert (status, nothing_is_stored()) == (400, True)
    assert "America/New_York" in proposed(html)
    assert post(reviewer, text, zone="America/New_York")[0] == 200
    assert not HistoryRow.objects.filter(source="outside").exists()


def test_own_changes_where_they_were_read_ask_nothing(reviewer: Client, align: Connector) -> None:
    times = made(12)
    ours(align, times)
    repeated = {number + 50: at for number, at in times.items()}
    ours(align, repeated)
    text = "\n".join(line(number, at, WARSAW) for number, at in times.items())
    assert post(reviewer, text)[0] == 200


def test_one_line_at_some_distance_may_be_chance_and_asks_nothing(reviewer: Client, align: Connector) -> None:
    ours(align, {1: NOON})
    assert post(reviewer, line(1, NOON, ZoneInfo("UTC")))[0] == 200
    assert HistoryRow.objects.filter(source="outside").count() == 1


def test_lines_at_distances_of_their_own_ask_nothing(reviewer: Client, align: Connector) -> None:
    ours(align, made(6))
    text = "\n".join(
        line(number, at + timedelta(hours=number, minutes=2 * number), WARSAW)
        for number, at in made(6).items()
        if number
    )
    assert post(reviewer, text)[0] == 200


def test_times_that_say_their_zone_ask_nothing(reviewer: Client, align: Connector) -> None:
    ours(align, made(4))
    text = "\n".join(row(write(event(number)), at=f"{at:%Y-%m-%d %H:%M:%S}+05:00") for number, at in made(4).items())
    assert post(reviewer, text)[0] == 200


def test_an_unknown_zone_is_refused(reviewer: Client, align: Connector) -> None:
    status, html = post(reviewer, row(LINE), zone="Middle/Earth")
    assert (status, nothing_is_stored()) == (400, True)
    assert "There is no such time zone." in html


def test_a_long_paste_is_looked_at_in_parts(
    reviewer: Client, align: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.history.intake.paste_times.SAMPLE_SIZE", 5)
    times = made(12)
    ours(align, times)
    status, html = post(reviewer, "\n".join(line(number, at, ZoneInfo("UTC")) for number, at in times.items()))
    assert (status, "4 of 4 lines are changes made here, 1 hour later" in html) == (400, True)


# --- the hours that clocks leave out and repeat -----------------------------------------------------------------------


def test_an_hour_that_the_clocks_leave_out_is_refused_by_its_line(reviewer: Client, align: Connector) -> None:
    text = "\n".join(row(LINE, at=f"2026-03-29 {time}") for time in ("01:59:59", "02:30:00", "03:00:00"))
    status, html = post(reviewer, text)
    assert status == 200
    assert "“2026-03-29 02:30:00” never was in Europe/Warsaw: the clocks were put forward over it" in html
    assert "Line 2:" in html
    assert sorted(MirrorLine.objects.values_list("at", flat=True)) == [
        datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 29, 1, tzinfo=UTC),
    ]


@pytest.mark.parametrize("step", [1, -1])
def test_the_doubled_hour_is_read_in_the_order_of_the_lines(reviewer: Client, align: Connector, step: int) -> None:
    times = [datetime(2026, 10, 24, 23, 50, tzinfo=UTC) + number * timedelta(minutes=20) for number in range(9)]
    text = "\n".join(line(number, at, WARSAW) for number, at in list(enumerate(times))[::step])
    assert post(reviewer, text)[0] == 200
    assert list(MirrorLine.objects.order_by("at").values_list("at", flat=True)) == times


def times_of(*clock: str, day: str = "2026-10-25") -> list[tuple[datetime | None, bool]]:
    text = "\n".join(row(LINE, at=f"{day} {each}") for each in clock)
    return [(each.at, each.other is not None) for each in read_lines(text, WARSAW)]


@pytest.mark.parametrize(
    "clock",
    [
        ("01:00:00", "02:10:00", "02:50:00", "02:05:00", "03:00:00"),
        ("02:10:00", "02:50:00", "02:10:00", "02:50:00"),  # backward, they would jump twice
        ("01:59:59", "02:00:00", "02:59:59", "02:00:00", "02:59:59", "03:00:00"),
    ],
)
@pytest.mark.parametrize("step", [1, -1])
def test_what_the_order_decides(clock: tuple[str, ...], step: int) -> None:
    found = times_of(*clock[::step])
    assert not any(is_open for _, is_open in found)
    instants = [at for at, _ in found if at][::step]
    assert instants == sorted(instants)
    assert instants[-1] - instants[0] >= timedelta(hours=1)


@pytest.mark.parametrize(
    "clock",
    [
        ("02:30:00",),
        ("01:00:00", "02:30:00", "03:30:00"),
        ("02:50:00", "02:10:00"),  # forward with the jump, or backward without
        ("03:30:00", "02:30:00", "02:10:00"),
        ("04:00:00", "02:10:00", "05:00:00", "02:50:00", "02:20:00", "02:40:00"),  # no order at all
    ],
)
def test_what_the_order_does_not_decide(clock: tuple[str, ...]) -> None:
    assert all(is_open for (_, is_open), written in zip(times_of(*clock), clock, strict=True) if written[:2] == "02")


def test_where_nothing_decides_the_hour_is_asked_for(reviewer: Client, align: Connector) -> None:
    text = row(LINE, at="2026-10-25 02:30:00")
    status, html = post(reviewer, text)
    assert (status, nothing_is_stored()) == (400, True)
    assert "On 25 Oct 2026 the clocks of Europe/Warsaw showed an hour twice, and line 1 (02:30:00)" in html
    assert post(reviewer, text, hour="second")[0] == 200
    assert MirrorLine.objects.get().at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_an_unknown_answer_to_that_is_refused(reviewer: Client, align: Connector) -> None:
    assert post(reviewer, row(LINE, at="2026-10-25 02:30:00"), hour="third")[0] == 400


@pytest.mark.parametrize("hour", [0, 1])
def test_an_own_change_decides_the_hour(reviewer: Client, align: Connector, hour: int) -> None:
    at = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    ours(align, {1: at})
    assert post(reviewer, line(1, at, WARSAW))[0] == 200
    assert HistoryRow.objects.get(plan=1).certainty == "exact"


# --- one event by two ways --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hour", [0, 1])
@pytest.mark.parametrize("is_pasted_first", [True, False])
def test_an_event_of_the_doubled_hour_that_comes_by_both_ways_is_one(
    reviewer: Client, align: Connector, hour: int, is_pasted_first: bool
) -> None:
    at = datetime(2026, 10, 25, hour, 30, 5, tzinfo=UTC)
    log = Log([audit_line(7, at + timedelta(milliseconds=456), write(event(1)))])
    if not is_pasted_first:
        pull(align, log)
    answer = {"hour": ("first", "second")[hour]} if is_pasted_first else {}
    assert post(reviewer, line(1, at, WARSAW), **answer)[0] == 200
    if is_pasted_first:
        pull(align, log)
    assert MirrorLine.objects.get().at.replace(microsecond=0) == at
    assert list(run_check.compare()) == []


def test_what_is_here_already_counts_for_more_than_the_answer(reviewer: Client, align: Connector) -> None:
    at = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    pull(align, Log([audit_line(7, at, write(event(1)))]))
    assert post(reviewer, line(1, at, WARSAW), hour="first")[0] == 200
    assert MirrorLine.objects.count() == 1


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%S.789Z", "%Y-%m-%d %H:%M:%S+00:00", "%d %b %Y %I:%M:%S %p"])
def test_an_event_with_parts_of_a_second_and_an_id_is_the_pasted_one_without(
    reviewer: Client, align: Connector, form: str
) -> None:
    Connector.objects.update(time_zone="UTC")
    pull(align, Log([audit_line(7, NOON + timedelta(milliseconds=120), LINE)]))
    status, html = post(reviewer, row(LINE, at=NOON.strftime(form)))
    assert (status, MirrorLine.objects.count()) == (200, 1)
    assert "1 line read, 0 new, 1 already here." in html


@pytest.mark.parametrize("zone", ["Europe/Warsaw", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"])
def test_no_doubled_hour_is_on_a_day_that_is_not_looked_at(zone: str) -> None:
    hours = [datetime(2017, 1, 1) + timedelta(minutes=30 * number) for number in range(2 * 24 * 365)]  # noqa: DTZ001
    doubled = [at for at in hours if doubled_hour.is_doubled(at, ZoneInfo(zone))]
    assert doubled
    assert all(doubled_hour.is_of_change(at.date(), ZoneInfo(zone)) for at in doubled)
