"""Time that Align's log was taken in for: an outage shows and heals, parts by hand leave what lies between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from alignadmin.http.errors import RemoteError
from connectors.align.resources import WriteRequest
from connectors.history.intake import gaps, intake, storing
from connectors.history.intake.gaps import CoverageGap
from connectors.history.intake.intake import pull
from connectors.history.intake.storing import IntakeResult
from connectors.models import AuditSource, Case, Connector, Coverage, HistoryRow, Intake, Job, MirrorLine
from tests.connectors.align.test_align_client import client_of
from tests.connectors.history.intake.test_audit_intake import UPDATED, Log, audit_line, row
from tests.support.intake_helpers import take_in
from tests.support.sandbox_fixture import RunningSandbox

if TYPE_CHECKING:
    from tests.conftest import SignIn

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CREATE = WriteRequest(
    method="POST", path="mappings/states", body={"workItemTypeId": 9, "jiraStatusId": 10020, "alignStateId": 0}
)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def align(db: None) -> Connector:
    made = Connector.objects.create(
        slug="acme",
        name="Acme",
        align_site="https://acme.example.test",
        align_connector_id=123,
        jira_site="https://jira.example.test",
        audit_source=AuditSource.ENDPOINT,
        catalogue_at=NOON,
    )
    Connector.objects.update(created_at=NOON)
    made.refresh_from_db()
    return made


def known(connector: Connector, minutes: float) -> gaps.CoverageState:
    return gaps.state(connector, now=at(minutes))


# --- read from the endpoint -------------------------------------------------------------------------------------------


def test_pulls_that_follow_each_other_are_one_stretch_without_a_gap(align: Connector) -> None:
    log = Log([audit_line(1, at(-30))])
    for minute in range(5):
        pull(align, log, clock=lambda minute=minute: at(minute))  # type: ignore[misc]
    stretch = Coverage.objects.get()
    assert (stretch.since, stretch.until) == (at(-30), at(4))
    assert gaps.gaps(align, at(-30), at(4)) == []
    assert gaps.gaps(align, at(-40), at(5)) == [
        CoverageGap(since=at(-40), until=at(-30)),
        CoverageGap(since=at(4), until=at(5)),
    ]


def test_an_empty_log_covers_from_when_the_connector_was_added(align: Connector) -> None:
    pull(align, Log([]), clock=lambda: at(10))
    assert gaps.gaps(align, NOON, at(10)) == []


def test_a_gap_is_told_once_two_intervals_were_missed(align: Connector) -> None:
    pull(align, Log([]), clock=lambda: at(0))
    assert known(align, 2.9).open is None
    told = known(align, 3.1)
    assert told.open == CoverageGap(since=at(0), until=at(3.1))
    assert told.sentence == "Acme: its log was not read since 20 Nov 2026, 12:00 UTC."


def test_an_outage_of_hours_is_caught_up_by_the_next_pull_alone(align: Connector, sandbox: RunningSandbox) -> None:
    """The sandbox is down for a day while others change things there; no line is lost or doubled."""
    began = timezone.now() - timedelta(days=1)
    Connector.objects.update(created_at=began - timedelta(days=30))
    align.refresh_from_db()
    client = client_of(sandbox.url)
    pull(align, client, clock=lambda: began)
    before = MirrorLine.objects.count()
    sandbox.faults({"path": "auditlog", "status": 503})
    client.send(CREATE)
    sandbox.edit("update_mapping", family="j2a_state", type=9, source=10020, target=3)
    for hour in (1, 12, 23):
        with pytest.raises(RemoteError):
            pull(align, client, clock=lambda hour=hour: began + timedelta(hours=hour))  # type: ignore[misc]
    now = timezone.now()
    assert gaps.state(align, now=now).open == CoverageGap(since=began, until=now)
    sandbox.faults()
    assert pull(align, client, clock=lambda: now).new == 2
    assert MirrorLine.objects.count() == before + 2
    assert gaps.state(align, now=now).gaps == []
    assert pull(align, client, clock=lambda: now).new == 0


def test_lines_that_align_has_thrown_away_leave_a_gap(align: Connector) -> None:
    log = Log([audit_line(1, at(0))])
    pull(align, log, clock=lambda: at(1))
    log.lines = [audit_line(9, at(600))]  # after the outage the log begins here
    pull(align, log, clock=lambda: at(610))
    assert known(align, 611).gaps == [CoverageGap(since=at(1), until=at(600))]


def test_a_line_from_the_future_does_not_make_later_lines_be_left_out(align: Connector) -> None:
    log = Log([audit_line(1, at(0)), audit_line(2, at(60 * 24 * 300))])
    pull(align, log, clock=lambda: at(1))
    log.lines.append(audit_line(3, at(5), UPDATED.replace("Story", "Task")))
    assert pull(align, log, clock=lambda: at(6)).new == 1


def test_the_stretch_is_not_moved_on_when_the_lines_cannot_be_stored(
    align: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull(align, Log([]), clock=lambda: at(0))
    broken = Log([audit_line(1, at(5))])
    real = storing.store

    def fails(*args: object) -> object:
        real(*args)  # type: ignore[arg-type]
        raise RuntimeError("the database went away")

    monkeypatch.setattr(intake, "store", fails)
    with pytest.raises(RuntimeError):
        pull(align, broken, clock=lambda: at(9))
    monkeypatch.undo()
    assert (Coverage.objects.get().until, MirrorLine.objects.count()) == (at(0), 0)
    assert pull(align, broken, clock=lambda: at(10)).new == 1


# --- by hand ----------------------------------------------------------------------------------------------------------


def paste(connector: Connector, actor: Person, *stamps: str, more: str = "") -> IntakeResult:
    text = "\n".join(row(at=f"2026-11-{stamp}") for stamp in stamps) + more
    return take_in(connector, text, intake=Intake.PASTE, actor=actor)


def test_parts_by_hand_cover_from_their_first_to_their_last_line(align: Connector, people: dict[Role, Person]) -> None:
    actor = people[Role.REVIEWER]
    paste(align, actor, "01 10:00:00", "02 10:00:00")
    paste(align, actor, "05 10:00:00", "04 10:00:00")
    day = datetime(2026, 11, 1, 10, tzinfo=UTC)
    hole = CoverageGap(since=day + timedelta(days=1), until=day + timedelta(days=3))
    assert gaps.gaps(align, day, day + timedelta(days=4)) == [hole]
    assert '"covers":["2026-11-04T10:00:00+00:00","2026-11-05T10:00:00+00:00"]' in Entry.objects.latest("seq").body
    paste(align, actor, "02 10:00:00", "04 10:00:00")
    assert gaps.gaps(align, day, day + timedelta(days=4)) == []


def test_lines_of_another_connector_cover_nothing(align: Connector, people: dict[Role, Person]) -> None:
    other = row().replace("CONFIG 123", "CONFIG 456", 1)
    with pytest.raises(Refused, match="None of these lines is of CONFIG 123"):
        take_in(align, other, intake=Intake.PASTE, actor=people[Role.REVIEWER])
    result = take_in(
        align, f"{other}\n{row(at='2026-11-20 13:00:00')}", intake=Intake.PASTE, actor=people[Role.REVIEWER]
    )
    assert (result.new, result.left_out) == (1, 1)
    covered = Coverage.objects.get()
    assert covered.since == covered.until == datetime(2026, 11, 20, 13, tzinfo=UTC)


def test_a_line_with_an_unlisted_time_is_refused_by_number_and_its_part_is_not_covered(
    align: Connector, people: dict[Role, Person]
) -> None:
    actor = people[Role.REVIEWER]
    result = paste(align, actor, "01 10:00:00", "02 10:00:00", more="\n" + row(at="the day after"))
    assert [(line.number, line.problem) for line in result.refused] == [
        (3, "its time “the day after” is in no listed form")
    ]
    assert "Refused: line 3" in result.sentence
    assert (MirrorLine.objects.count(), Coverage.objects.count()) == (2, 0)
    again = paste(align, actor, "01 10:00:00", "02 10:00:00", "03 10:00:00")
    assert (again.new, again.known, Coverage.objects.count()) == (1, 2, 1)


def test_a_connector_whose_log_is_taken_in_by_hand_is_not_pulled(align: Connector) -> None:
    Connector.objects.update(observe_every=0, contract_due_at=timezone.now() + timedelta(days=9), log_by_hand=True)
    run_due()
    assert not Job.objects.filter(kind="intake").exists()
    Connector.objects.update(log_by_hand=False)
    run_due()
    assert Job.objects.filter(kind="intake").exists()


def test_by_hand_two_weeks_may_pass_before_a_gap_is_told(align: Connector) -> None:
    Connector.objects.update(log_by_hand=True)
    align.refresh_from_db()
    Coverage.objects.create(connector=align, since=NOON, until=NOON, intake=Intake.PASTE)
    assert known(align, 13 * 24 * 60).open is None
    assert "pasted or uploaded since 20 Nov 2026" in known(align, 15 * 24 * 60).sentence


# --- on the pages -----------------------------------------------------------------------------------------------------


def test_a_gap_is_on_the_history_and_on_the_overview_until_it_is_closed(align: Connector, signed_in: SignIn) -> None:
    reviewer = signed_in(Role.REVIEWER)
    Connector.objects.update(intake_at=timezone.now())
    Coverage.objects.create(connector=align, since=NOON, until=timezone.now(), intake=Intake.ENDPOINT)
    assert "its log was not read" not in reviewer.get("/").content.decode()
    assert '<li class="ok">Align’s audit log imported' in reviewer.get("/").content.decode()
    assert "without a gap" in reviewer.get("/history/").content.decode()
    Coverage.objects.update(until=timezone.now() - timedelta(hours=5))
    assert "Acme: its log was not read since" in reviewer.get("/").content.decode()
    assert '<li class="warn">Align’s audit log imported' in reviewer.get("/").content.decode()
    assert "1 gap:" in reviewer.get("/history/").content.decode()


def test_the_form_of_a_connector_switches_to_by_hand_and_back(align: Connector, signed_in: SignIn) -> None:
    admin: Client = signed_in(Role.ADMIN)
    form = {
        "name": "Acme",
        "align_site": align.align_site,
        "align_connector_id": 123,
        "jira_site": align.jira_site,
        "jira_kind": "cloud",
        "time_zone": "UTC",
    }
    for given, expected in (({"log_by_hand": "on"}, True), ({}, False)):
        assert admin.post("/connectors/acme/edit/", form | given).status_code in (200, 303)
        align.refresh_from_db()
        assert align.log_by_hand is expected
    assert Entry.objects.filter(action="connector.edited").count() == 2


def test_lines_from_before_there_were_cases_get_theirs_with_the_first_stretch(align: Connector) -> None:
    log = Log([audit_line(1, at(0))])
    pull(align, log, clock=lambda: at(1))
    Case.objects.all().delete()
    Coverage.objects.all().delete()
    assert HistoryRow.objects.filter(source="outside").count() == 1
    pull(align, log, clock=lambda: at(2))
    assert Case.objects.count() == 1
