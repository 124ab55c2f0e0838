"""Align's log over its API in shapes that no document tells: read where it can be, asked of people where it cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from alignadmin.accounts.models import Person, Role
from alignadmin.due_work import run_due
from alignadmin.http.errors import BadRequest, Forbidden, Malformed, RemoteError, ServerFailed
from connectors.align.audit_lines import lines_of, names_in
from connectors.align.audit_sentences import parse
from connectors.align.client import AlignClient
from connectors.align.resources import AuditLine, WriteRequest
from connectors.history.intake.intake import pull
from connectors.models import AuditSource, Connector, Intake, Job, JobKind, JobState, MirrorLine
from tests.conftest import SignIn
from tests.connectors.align.test_align_client import answering, client_of
from tests.support import factories
from tests.support.intake_helpers import take_in
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.scripted_server import Reply

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
SENTENCE = "CONFIG Deleted - State mapping - Jira To Align - Story - QA (3) Deleted mapping: [QA] → [Dev complete]"
CREATE = WriteRequest(
    method="POST", path="mappings/states", body={"workItemTypeId": 9, "jiraStatusId": 10020, "alignStateId": 0}
)


def read(*rows: object, since: datetime | None = None) -> list[AuditLine]:
    return lines_of(rows, since=since, now=NOW)


@pytest.fixture
def align(sandbox: RunningSandbox, admin: Person) -> Connector:
    return factories.connector(sandbox.url, actor=admin)


# --- the columns -----------------------------------------------------------------------------------------------------


def test_the_columns_are_known_by_the_names_that_were_seen() -> None:
    (line,) = read(
        {
            "AuditTimeStamp": "2026-11-20T14:02:03.5",
            "userName": "Dana",
            "details": "<p><b>CONFIG Deleted</b> - State mapping - Jira To Align - Story - QA (3) Deleted mapping: "
            "[<value>QA</value>] &rarr; [<value>Dev complete</value>]</p>",
        }
    )
    assert line == AuditLine(
        id=None,
        type="",
        user="Dana",
        timestamp=datetime(2026, 11, 20, 14, 2, 3, 500_000, tzinfo=UTC),
        description=SENTENCE,
    )
    assert parse(line.description, "CONFIG 123").event
    assert names_in([{"Id": 1, "auditTimeStamp": "x"}]) is not None


def test_a_user_that_is_an_object_is_called_by_its_name() -> None:
    (line,) = read({"id": "7", "timestamp": "2026-11-20T14:02:03Z", "user": {"fullName": "Dana"}, "description": "x"})
    assert (line.id, line.user) == (7, "Dana")


def test_us_dates_are_decided_by_the_whole_answer() -> None:
    lines = read(
        {"timestamp": "3/4/2026 2:02:03 PM", "description": "a"},
        {"timestamp": "3/13/2026 2:02:03 PM", "description": "b"},
    )
    assert [(line.timestamp, line.is_month_assumed) for line in lines] == [
        (datetime(2026, 3, 4, 14, 2, 3, tzinfo=UTC), False),
        (datetime(2026, 3, 13, 14, 2, 3, tzinfo=UTC), False),
    ]
    european = read(
        {"timestamp": "4.3.2026 14:02", "description": "a"}, {"timestamp": "13.3.2026 14:02", "description": "b"}
    )
    assert european[0].timestamp == datetime(2026, 3, 4, 14, 2, tzinfo=UTC)


def test_else_the_time_that_was_asked_for_decides_and_else_the_month_is_first_and_it_is_said() -> None:
    row = {"timestamp": "12/11/2026 2:02:03 PM", "description": "a"}
    asked = datetime(2026, 11, 12, tzinfo=UTC)
    (line,) = lines_of([row], since=asked, now=asked + timedelta(days=1))
    assert (line.timestamp, line.is_month_assumed) == (datetime(2026, 11, 12, 14, 2, 3, tzinfo=UTC), False)
    (line,) = read({"timestamp": "3/4/2026 2:02:03 PM", "description": "a"})
    assert (line.timestamp, line.is_month_assumed) == (datetime(2026, 3, 4, 14, 2, 3, tzinfo=UTC), True)


def test_a_row_without_a_time_beside_others_is_kept_whole_and_an_answer_of_such_rows_is_none() -> None:
    lines = read(
        {"id": 1, "timestamp": None, "description": "x"}, {"id": 2, "timestamp": "2026-11-20", "details": "y"}, 7
    )
    assert [(line.id, line.timestamp) for line in lines if line.timestamp] == [(2, datetime(2026, 11, 20, tzinfo=UTC))]
    assert {line.description for line in lines} == {'{"description": "x", "id": 1, "timestamp": null}', "y", "7"}
    with pytest.raises(Malformed, match="no line of an audit log"):
        read({"id": 1, "entry": "x"})
    assert read() == []


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.none(), max_size=2)
)
NAMES = st.sampled_from(["id", "Id", "timestamp", "auditTimeStamp", "details", "description", "Type", "user", "x"])


@given(st.lists(st.one_of(VALUES, st.dictionaries(NAMES, VALUES, max_size=5)), max_size=5))
def test_no_answer_is_another_error_than_that_it_cannot_be_read(rows: list[object]) -> None:
    try:
        assert len(read(*rows)) == len(rows)
    except Malformed:
        assert rows


def write_three(client: AlignClient) -> None:
    for type_id in (9, 6):
        client.send(replace(CREATE, body={"workItemTypeId": type_id, "jiraStatusId": 10020, "alignStateId": 0}))
    client.send(WriteRequest(method="DELETE", path=f"mappings/states/{client.list_mappings('mappings/states')[-1].id}"))


# --- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["seen", "us-dates", "no-id"])
def test_each_shape_brings_the_lines_of_the_table(sandbox: RunningSandbox, align: Connector, shape: str) -> None:
    client = client_of(sandbox.url)
    write_three(client)
    expected = [line.description for line in client.audit_log()]
    assert len(expected) == 3
    sandbox.reset(audit_shape=shape)
    write_three(client)
    lines = client.audit_log()
    assert sorted(line.description for line in lines) == sorted(expected)
    assert all(line.timestamp for line in lines)
    newest = max(line.timestamp for line in lines if line.timestamp)
    assert abs(newest - timezone.now()) < timedelta(minutes=5)
    assert all((line.id is None) == (shape != "us-dates") for line in lines)
    assert client.audit_log(since=datetime(2200, 1, 1, tzinfo=UTC)) == []
    first, again = pull(align, client), pull(align, client)
    assert (first.new, again.new) == (len(lines), 0)
    assert set(MirrorLine.objects.values_list("type", "user")) == {("CONFIG 123", "Jira Align System")}


@pytest.mark.usefixtures("network")
def test_lines_without_ids_are_read_page_by_page() -> None:
    times = [NOW + timedelta(seconds=number) for number in range(101)]
    rows = [{"auditTimeStamp": at.isoformat(), "details": "x"} for at in times]
    with answering(Reply(data=rows[:100]), Reply(data=rows[100:])) as client:
        assert [line.timestamp for line in client.audit_log()] == [
            NOW + timedelta(seconds=number) for number in range(101)
        ]


def test_a_line_of_another_shape_is_the_same_line(
    sandbox: RunningSandbox, align: Connector, people: dict[Role, Person]
) -> None:
    sandbox.reset(audit_shape="seen")
    client = client_of(sandbox.url)
    client.send(CREATE)
    assert pull(align, client).new > 0
    pasted = "\n".join(
        f"CONFIG 123\tJira Align System\t{line.timestamp:%Y-%m-%d %H:%M:%S}\t{line.description}"
        for line in client.audit_log()
    )
    result = take_in(align, pasted, intake=Intake.PASTE, actor=people[Role.REVIEWER], zone="UTC")
    assert (result.new, result.known) == (0, MirrorLine.objects.count())


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "error", "said"),
    [
        ("400", BadRequest, "did not accept the request (400)"),
        ("403", Forbidden, "does not let this account do that (403)"),
        ("405", BadRequest, "did not accept the request (405)"),
        ("unreadable", Malformed, "no line of an audit log that can be read"),
    ],
)
def test_after_three_answers_that_say_no_or_nothing_people_are_asked_to_bring_the_log(
    sandbox: RunningSandbox, align: Connector, signed_in: SignIn, shape: str, error: type[RemoteError], said: str
) -> None:
    sandbox.reset(audit_shape=shape)
    client, reader = client_of(sandbox.url), signed_in(Role.REVIEWER)
    client.send(CREATE)
    pages = ("/connectors/acme/", "/")
    for number in (1, 2):
        with pytest.raises(error):
            pull(align, client)
        align.refresh_from_db()
        assert (align.audit_source, align.audit_failures) == (AuditSource.UNTRIED, number)
    result = pull(align, client)
    align.refresh_from_db()
    assert (align.audit_source, align.audit_failures) == (AuditSource.NONE, 3)
    assert "The last 3 answers were refused or could not be read" in result.sentence
    assert result.sentence.count("says:") <= 1, "the site's own reason once"
    for address in (*pages, "/history/intake/"):
        shown = unescape(reader.get(address).content.decode())
        assert said in shown, address
        assert "upload the lines of its audit log" in shown, address
        assert "read from Align" not in shown, address
    assert "/history/intake/?connector=acme" in reader.get("/connectors/acme/").content.decode()


def test_what_was_read_and_fails_now_is_not_called_read(
    sandbox: RunningSandbox, align: Connector, signed_in: SignIn
) -> None:
    client, reader = client_of(sandbox.url), signed_in(Role.VIEWER)
    pull(align, client)
    assert "read from Align" in reader.get("/connectors/acme/").content.decode()
    sandbox.reset(audit_shape="403")
    with pytest.raises(Forbidden):
        pull(align, client)
    shown = reader.get("/connectors/acme/").content.decode()
    assert "read from Align" not in shown
    assert "could not be read from" in shown
    sandbox.reset(audit_shape="table")
    pull(align, client)
    align.refresh_from_db()
    assert (align.audit_failures, align.audit_problem) == (0, "")
    assert "read from Align" in reader.get("/connectors/acme/").content.decode()


def test_a_bad_hour_of_the_site_is_told_and_does_not_count(align: Connector) -> None:
    class Down:
        def audit_log(self, *, since: datetime | None = None) -> list[AuditLine]:
            raise ServerFailed("Jira Align failed to answer (500).", status=500)

    for _ in range(5):
        with pytest.raises(ServerFailed):
            pull(align, Down())
    align.refresh_from_db()
    assert (align.audit_source, align.audit_failures) == (AuditSource.UNTRIED, 0)
    assert align.audit_problem == "Jira Align failed to answer (500)."


def test_one_that_has_refused_is_asked_again_once_a_day(sandbox: RunningSandbox, align: Connector) -> None:
    sandbox.reset(audit_shape="403")
    Connector.objects.update(
        catalogue_at=timezone.now(), observe_every=0, contract_due_at=timezone.now() + timedelta(days=9)
    )
    for _ in range(5):
        Connector.objects.exclude(audit_source=AuditSource.NONE).update(audit_due_at=None)
        run_due()
    asked = Job.objects.filter(kind=JobKind.INTAKE)
    assert [job.state for job in asked.order_by("pk")] == [JobState.FAILED, JobState.FAILED, JobState.DONE]
    align.refresh_from_db()
    assert align.audit_due_at
    assert align.audit_due_at - timezone.now() > timedelta(hours=23)
    sandbox.reset(audit_shape="table")
    Connector.objects.update(audit_due_at=timezone.now())
    run_due()
    align.refresh_from_db()
    assert (align.audit_source, align.audit_problem) == (AuditSource.ENDPOINT, "")
