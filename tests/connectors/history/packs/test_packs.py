"""Evidence packs: what goes in, that it can be checked without the product, and that nothing half-made is given out."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connections
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import checkpoints, standalone_checker
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.history.packs import services
from connectors.jobs import runner
from connectors.models import Connector, Coverage, HistoryRow, Job, JobKind, JobState, Pack, PackState
from tests.conftest import People, SignIn
from tests.support.crash import crashes
from tests.support.events import EVENT
from tests.support.pack_helpers import (
    NEW,
    act,
    acts,
    append,
    ask,
    changed,
    checked,
    connector,
    covered,
    logged,
    made,
    objects,
    ready,
    table,
    text,
    unpacked,
)

pytestmark = pytest.mark.django_db(transaction=True)
HOSTILE = (
    '=HYPERLINK("http://evil.test")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\tafter a tab",
    "\rafter a return",
    "'quoted",
    "''=twice",
    "＝1+1",
    "two\r\nlines, and \"quotes\"; a 'comma',",
    "<b>→ [QA] – \u202eright to left",
    "x" * 10_000,
)


@pytest.fixture
def align(db: None) -> Connector:
    return connector()


@pytest.fixture
def admin(people: People) -> Person:
    return people[Role.ADMIN]


@pytest.fixture
def reviewer(signed_in: SignIn) -> Client:
    return signed_in(Role.REVIEWER)


@pytest.fixture
def folder(settings: LazySettings) -> Path:
    return Path(settings.PACK_FOLDER)


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def done() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=done)
    thread.start()
    return thread


# --- checked without the product --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("processes")
def test_its_own_checker_answers_what_its_readme_says(
    reviewer: Client, align: Connector, admin: Person, tmp_path: Path
) -> None:
    changed(align, admin, EVENT, replace(EVENT, after_name="Done", after_id=10014))
    pack = made(reviewer, "connector:acme")
    code, lines = checked(unpacked(pack, tmp_path))
    assert code == 0
    assert lines[0].startswith("Everything holds: ")
    assert f"       {lines[0]}\n" in text(pack, "README.txt")


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("entries.jsonl", "QA column added", "QA column addet"),
        ("rows.jsonl", "QA column added", "QA column addet"),
        ("rows.csv", "CHG-2291", "CHG-2292"),
        ("plans.jsonl", "QA column added", "QA column addet"),
        ("statements.txt", "mapping change", "napping change"),
        ("manifest.json", '"filter": "connector acme"', '"filter": "connector beta"'),
        ("checkpoints.jsonl", '\\"cause\\":\\"pack\\"', '\\"cause\\":\\"hour\\"'),
    ],
)
def test_its_own_checker_refuses_a_pack_in_which_one_file_was_altered(
    reviewer: Client, align: Connector, admin: Person, tmp_path: Path, name: str, old: str, new: str
) -> None:
    changed(align, admin, EVENT)
    path = unpacked(made(reviewer, "connector:acme"), tmp_path)
    assert checked(path)[0] == 0
    whole = (path / name).read_bytes().decode()
    assert old in whole
    (path / name).write_bytes(whole.replace(old, new, 1).encode())
    code, lines = checked(path)
    assert code == 1
    assert lines[0].startswith("WRONG: ")


@pytest.mark.usefixtures("processes")
def test_it_agrees_with_the_checkpoints_that_were_delivered_before_and_after_it(
    reviewer: Client, align: Connector, admin: Person, tmp_path: Path, settings: LazySettings
) -> None:
    checkpoints.make(checkpoints.HOUR)
    changed(align, admin, EVENT)
    checkpoints.make(checkpoints.HOUR)
    pack = made(reviewer, "connector:acme")
    changed(align, admin, EVENT)
    checkpoints.make(checkpoints.HOUR)
    run_due()
    code, lines = checked(unpacked(pack, tmp_path), "--checkpoints", str(settings.CHECKPOINT_FOLDER))
    assert code == 0, lines
    assert not any("You gave no checkpoints" in line for line in lines)


def test_the_entry_that_tells_of_it_names_the_manifest_and_what_was_in_it(
    reviewer: Client, align: Connector, admin: Person
) -> None:
    changed(align, admin, EVENT)
    pack = made(reviewer, "connector:acme")
    entry = Entry.objects.get(action="pack.made")
    assert entry.seq == pack.entry_seq
    said = json.loads(entry.body)
    assert said["action"] == "pack.made"
    assert said["actor"]["email"] == "reviewer@example.test"
    assert said["data"]["manifest_sha256"] == sha256(text(pack, "manifest.json").encode())
    assert said["data"]["sha256"] == pack.sha256 == sha256(Path(pack.path).read_bytes())
    assert (said["data"]["rows"], said["data"]["plans"]) == (1, 1)
    assert acts("pack.asked") == ["An evidence pack was asked for: connector acme."]


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


# --- what is in it ----------------------------------------------------------------------------------------------------


def test_only_the_rows_of_the_filter_are_in_it(reviewer: Client, align: Connector, admin: Person) -> None:
    changed(align, admin, EVENT, replace(EVENT, work_item_type="Feature"))
    changed(connector("other", 124), admin, EVENT)
    pack = made(reviewer, "connector:acme type:story")
    assert [(row["connector"]["slug"], row["work_item_type"]) for row in objects(pack, "rows.jsonl")] == [
        ("acme", "story")
    ]
    assert len(table(pack)) == 1
    manifest = json.loads(text(pack, "manifest.json"))
    assert manifest["query"] == "connector:acme type:story"
    assert manifest["filter"] == "connector acme, type story"
    assert manifest["rows"]["count"] == 1


def test_days_are_those_of_the_zone_of_whoever_asked(
    people: People, signed_in: SignIn, align: Connector, admin: Person
) -> None:
    """23:30 UTC of the 9th is the 10th in Warsaw."""
    Person.objects.filter(role=Role.REVIEWER).update(time_zone="Europe/Warsaw")
    people[Role.REVIEWER].refresh_from_db()
    changed(align, admin, EVENT, at=datetime(2026, 3, 9, 23, 30, tzinfo=UTC))
    changed(align, admin, EVENT, at=datetime(2026, 3, 10, 23, 30, tzinfo=UTC))
    pack = made(signed_in(Role.REVIEWER), "connector:acme since:2026-03-10 until:2026-03-10")
    assert [row["Time"] for row in table(pack)] == ["2026-03-10 00:30:00+01:00"]
    assert json.loads(text(pack, "manifest.json"))["time_zone"] == "Europe/Warsaw"


def test_days_told_from_today_are_kept_as_the_days_they_were(reviewer: Client, align: Connector) -> None:
    today = timezone.now().date()
    pack = ask(reviewer, "connector:acme since:7d")
    assert pack.query == f"connector:acme since:{today - timedelta(days=6)}"


def test_every_row_is_proved_by_an_entry_and_its_plan_by_those_before_it(
    reviewer: Client, align: Connector, admin: Person, people: People
) -> None:
    append(act("plan.made", align, people[Role.EDITOR]))
    append(act("plan.approved", align, admin, data={"fingerprint": "abc"}))
    changed(align, admin, EVENT)
    append(act("plan.finished", align, admin))
    pack = made(reviewer, "action:updated")
    (row,) = objects(pack, "rows.jsonl")
    entries = {entry["seq"]: entry for entry in objects(pack, "entries.jsonl")}
    assert entries[row["seq"]]["hash"] == row["hash"]
    plan, change = objects(pack, "plans.jsonl")
    assert (plan["plan"], plan["planner"]["name"], plan["approver"]["name"]) == (7, "Editor", "Admin")
    assert (plan["reason"], plan["ticket"], plan["approved_fingerprint"]) == ("QA column added", "CHG-2291", "abc")
    assert [each["action"] for each in plan["acts"]] == ["plan.made", "plan.approved", "plan.finished"]
    assert {each["seq"] for each in plan["acts"]} <= set(entries)
    assert (change["change"]["before_name"], change["change"]["after_name"]) == ("QA", "In Review")
    assert change["request"] == {"method": "PUT", "path": "/mappings/1", "query": [], "body": {"to": 5}}
    assert change["answer"] == "OK"


def test_names_that_spreadsheets_run_or_readers_trip_over_come_back_as_they_were(
    reviewer: Client, align: Connector, admin: Person
) -> None:
    changed(align, admin, *(replace(EVENT, source_name=name, after_name=name) for name in HOSTILE))
    pack = made(reviewer, "action:updated")
    assert [row["object_name"] for row in objects(pack, "rows.jsonl")] == list(HOSTILE)
    assert [row["Object"] for row in table(pack)] == list(HOSTILE)
    raw = text(pack, "rows.csv")
    for name in HOSTILE[:9]:
        assert f",{name}" not in raw, "a spreadsheet would take it for a formula"
        assert f',"{name}' not in raw


def test_a_line_of_aligns_log_goes_in_with_its_four_columns(reviewer: Client, align: Connector, admin: Person) -> None:
    logged(align, admin, "Something that no grammar reads")
    pack = made(reviewer, "raw:yes")
    (row,) = objects(pack, "rows.jsonl")
    assert row["seq"] is None
    assert (row["line"]["type"], row["line"]["user"]) == ("CONFIG 123", "Jira Align System")
    assert row["line"]["description"] == "Something that no grammar reads"
    assert table(pack)[0]["Align description"] == "Something that no grammar reads"
    assert "Rows of this pack without an entry: 1." in text(pack, "statements.txt")


# --- what is not in it ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("processes")
def test_an_empty_selection_states_the_absence_and_brings_the_entries_that_prove_it(
    reviewer: Client, align: Connector, admin: Person, tmp_path: Path
) -> None:
    entries = [*changed(align, admin, EVENT), *append(act("connector.edited", align, admin))]
    today = timezone.now().date()
    pack = made(reviewer, f"connector:acme type:feature since:{today}")
    assert objects(pack, "rows.jsonl") == []
    assert table(pack) == []
    said = text(pack, "statements.txt")
    assert "Nothing: no row of the history between " in said
    assert "- No mapping change on connector 123 (Acme production) between " in said
    assert {entry.seq for entry in entries} <= {entry["seq"] for entry in objects(pack, "entries.jsonl")}
    assert checked(unpacked(pack, tmp_path))[0] == 0


def test_a_mapping_change_that_the_filter_leaves_out_is_not_said_to_be_absent(
    reviewer: Client, align: Connector, admin: Person
) -> None:
    changed(align, admin, EVENT)
    said = text(made(reviewer, "connector:acme type:feature"), "statements.txt")
    assert "No mapping change" not in said
    assert "- 1 mapping change on connector 123 (Acme production) between " in said
    assert "of which 0 match the filter" in said


@pytest.mark.usefixtures("processes")
def test_an_empty_history_makes_a_pack_that_holds(signed_in: SignIn, align: Connector, tmp_path: Path) -> None:
    pack = made(signed_in(Role.REVIEWER), "until:2001-01-01")
    code, lines = checked(unpacked(pack, tmp_path))
    assert code == 0
    assert lines[0] == "Everything holds: 0 entries, 1 checkpoints."
    assert lines[0] in text(pack, "README.txt")


def test_time_without_an_intake_is_stated_and_time_with_one_is_not(
    reviewer: Client, align: Connector, admin: Person
) -> None:
    """By the entries of the readings: a table that was widened over the gap does not hide it."""
    for first, last in ((1, 10), (12, 31)):
        since, until = (datetime(2026, 3, day, tzinfo=UTC) for day in (first, last))
        covered(align, since, until)
    Coverage.objects.update(since=datetime(2026, 1, 1, tzinfo=UTC), until=datetime(2026, 12, 31, tzinfo=UTC))
    with_gap = text(made(reviewer, "connector:acme since:2026-03-02 until:2026-03-20"), "statements.txt")
    assert "not taken in for 1 stretch of time:" in with_gap
    assert "    from 10 Mar 2026, 00:00:00 (2026-03-10T00:00:00Z) to 12 Mar 2026, 00:00:00" in with_gap
    without = text(made(reviewer, "connector:acme since:2026-03-02 until:2026-03-09"), "statements.txt")
    assert "Align's log was taken in without a gap" in without


# --- asking -----------------------------------------------------------------------------------------------------------


def test_the_page_says_the_filter_and_how_many_rows_before_anything_is_made(
    reviewer: Client, align: Connector, admin: Person
) -> None:
    changed(align, admin, EVENT, EVENT)
    page = reviewer.get(NEW, {"q": "connector:acme type:story"}).content.decode()
    assert '<b class="num">2</b>' in page
    assert "connector acme, type story" in page
    assert Pack.objects.count() == 0


@pytest.mark.parametrize("query", ["nothing:like", "since:someday", "connector:nowhere", "x" * 2001])
def test_it_refuses_a_filter_that_is_not_understood(reviewer: Client, align: Connector, query: str) -> None:
    assert reviewer.get(NEW, {"q": query}).status_code == 400
    assert reviewer.post(NEW, {"q": query, "uuid": uuid4()}).status_code == 400
    assert Pack.objects.count() == 0
    assert reviewer.post(NEW, {"q": "connector:acme", "uuid": uuid4()}).status_code == 303


@pytest.mark.parametrize("uuid", ["", "no-uuid", "0" * 5000])
def test_it_refuses_a_form_without_its_number(reviewer: Client, align: Connector, uuid: str) -> None:
    assert reviewer.post(NEW, {"q": "", "uuid": uuid}).status_code == 400
    assert Pack.objects.count() == 0


def test_a_double_click_makes_one_pack_also_when_the_first_is_ready_by_then(reviewer: Client, align: Connector) -> None:
    form = reviewer.get(NEW, {"q": "connector:acme"}).context["form"].initial
    answers = [reviewer.post(NEW, form).headers["Location"] for _ in range(2)]
    run_due()
    answers.append(reviewer.post(NEW, form).headers["Location"])
    assert len(set(answers)) == 1
    assert Pack.objects.count() == 1
    assert len(acts("pack.asked")) == 1


def test_many_clicks_at_once_make_one_pack(align: Connector, people: People) -> None:
    barrier = threading.Barrier(4)

    def click() -> None:
        barrier.wait(10)
        services.ask("connector:acme", actor=people[Role.REVIEWER], time_zone="UTC")

    for thread in [in_thread(click) for _ in range(4)]:
        thread.join(30)
    assert Pack.objects.count() == 1


def test_a_form_that_was_sent_does_not_stand_for_another_filter_or_person(
    reviewer: Client, signed_in: SignIn, align: Connector
) -> None:
    form = reviewer.get(NEW, {"q": "connector:acme"}).context["form"].initial
    assert reviewer.post(NEW, form).status_code == 303
    assert reviewer.post(NEW, {**form, "q": "type:story"}).status_code == 400
    assert signed_in(Role.ADMIN).post(NEW, form).status_code == 400
    assert Pack.objects.count() == 1


def test_one_person_waits_for_at_most_five(reviewer: Client, signed_in: SignIn, align: Connector) -> None:
    for number in range(services.MOST_WAITING):
        ask(reviewer, f"plan:{number + 1}")
    refused = reviewer.post(NEW, {"q": "plan:99", "uuid": uuid4()})
    assert refused.status_code == 400
    assert "Wait until one of them is ready" in refused.content.decode()
    ask(signed_in(Role.ADMIN), "plan:99")


# --- who sees and takes it --------------------------------------------------------------------------------------------


def test_viewers_and_editors_do_not_find_packs(reviewer: Client, signed_in: SignIn, align: Connector) -> None:
    pack = made(reviewer)
    for address in ("/history/packs/", NEW, f"/history/packs/{pack.uuid}/", f"/history/packs/{pack.uuid}/file/"):
        with closing(reviewer.get(address)) as answer:  # of the last one the file is open
            assert answer.status_code == 200
        for role in (Role.VIEWER, Role.EDITOR):
            assert signed_in(role).get(address).status_code == 404


def test_another_persons_pack_is_listed_apart_and_may_be_taken(
    reviewer: Client, signed_in: SignIn, align: Connector
) -> None:
    pack, admin = made(reviewer), signed_in(Role.ADMIN)
    assert str(pack.uuid) in reviewer.get("/history/packs/").content.decode()
    nothing = admin.get("/history/packs/").content.decode()
    assert str(pack.uuid) not in nothing
    assert f'href="{NEW}">Export the whole history' in nothing
    assert str(pack.uuid) in admin.get("/history/packs/?whose=all").content.decode()
    taken = admin.get(f"/history/packs/{pack.uuid}/file/")
    assert (taken.status_code, bool(b"".join(taken.streaming_content))) == (200, True)  # type: ignore[attr-defined]


def test_a_sign_in_of_long_ago_is_asked_for_again(reviewer: Client, align: Connector, settings: LazySettings) -> None:
    pack = made(reviewer)
    settings.FRESH_SIGN_IN = -1
    for answer in (reviewer.get(f"/history/packs/{pack.uuid}/file/"), reviewer.post(NEW, {"q": "", "uuid": pack.uuid})):
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert reviewer.get("/history/packs/").status_code == reviewer.get(NEW).status_code == 200


def test_what_is_downloaded_is_the_file_and_each_download_is_an_entry(reviewer: Client, align: Connector) -> None:
    pack = made(reviewer)
    address = f"/history/packs/{pack.uuid}/file/"
    with closing(reviewer.head(address)) as answer:
        assert answer.status_code == 200
    answer = reviewer.get(address)
    assert b"".join(answer.streaming_content) == Path(pack.path).read_bytes()  # type: ignore[attr-defined]
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert len(acts("pack.downloaded")) == 1


def test_a_pack_that_is_not_ready_is_not_given_out(reviewer: Client, align: Connector) -> None:
    pack = ask(reviewer)
    assert reviewer.get(f"/history/packs/{pack.uuid}/file/").status_code == 409
    page = reviewer.get(f"/history/packs/{pack.uuid}/").content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert "This page shows when it is ready" in page
    assert "Download" not in page
    run_due()
    page = reviewer.get(f"/history/packs/{pack.uuid}/").content.decode()
    assert 'hx-trigger="every 1s"' not in page
    assert "when it is ready" not in page
    assert "eload this page" not in page
    assert "Download" in page


def test_an_expired_pack_is_refused_and_its_file_deleted(
    reviewer: Client, align: Connector, settings: LazySettings
) -> None:
    pack = made(reviewer)
    settings.PACK_KEPT = 0
    answer = reviewer.get(f"/history/packs/{pack.uuid}/file/")
    assert answer.status_code == 410
    assert "has been removed" in answer.content.decode()
    assert not Path(pack.path).exists()
    assert "Removed" in reviewer.get(f"/history/packs/{pack.uuid}/").content.decode()


def test_files_go_by_the_clock_once_their_time_is_over(
    reviewer: Client, align: Connector, settings: LazySettings
) -> None:
    pack = made(reviewer)
    run_due()
    assert Path(pack.path).exists()
    settings.PACK_KEPT = 0
    run_due()
    assert not Path(pack.path).exists()


def test_a_file_that_somebody_has_moved_away_is_told(reviewer: Client, align: Connector) -> None:
    pack = made(reviewer)
    Path(pack.path).unlink()
    answer = reviewer.get(f"/history/packs/{pack.uuid}/file/")
    assert answer.status_code == 410
    assert acts("pack.downloaded") == []


def test_the_list_costs_the_same_however_many_packs_are_on_it(
    reviewer: Client, people: People, django_assert_max_num_queries: Callable[[int], Iterator[None]]
) -> None:
    for number in range(60):
        Pack.objects.create(
            uuid=uuid4(),
            asked_by=people[Role.REVIEWER],
            query=f"plan:{number}",
            time_zone="UTC",
            created_at=timezone.now(),
            job=Job.objects.create(kind=JobKind.PACK, subject=str(number), state=JobState.FAILED),
        )
    reviewer.get("/history/packs/")
    with django_assert_max_num_queries(20):  # type: ignore[attr-defined]
        page = reviewer.get("/history/packs/").content.decode()
    assert page.count("<tr>") == 51
    assert "?before=" in page


# --- when things go wrong ---------------------------------------------------------------------------------------------


def test_a_full_disk_gives_a_sentence_and_leaves_nothing(
    reviewer: Client, align: Connector, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    pack = ask(reviewer)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        runner.run_jobs()
    pack.refresh_from_db()
    assert pack.state == PackState.FAILED
    assert "No space left on device. Make room there" in pack.error
    assert list(folder.iterdir()) == []
    assert acts("pack.made") == []
    address = f"/history/packs/{pack.uuid}/again/"
    title = resolve(address).func.act.title({}, {"pack": pack.uuid})  # type: ignore[attr-defined]
    assert title.startswith("Request the evidence pack of ")
    assert f"{pack.created_at:%-d %b %Y, %H:%M} UTC" in title
    answer = reviewer.post(address)
    run_due()
    assert "Ready" in reviewer.get(answer.headers["Location"]).content.decode()


def test_a_folder_that_is_none_gives_a_sentence(
    reviewer: Client, align: Connector, settings: LazySettings, tmp_path: Path
) -> None:
    settings.PACK_FOLDER = tmp_path / "file"
    settings.PACK_FOLDER.touch()
    pack = ask(reviewer)
    run_due()
    pack.refresh_from_db()
    assert pack.state == PackState.FAILED
    assert str(settings.PACK_FOLDER) in pack.error


def test_only_the_worker_may_read_the_file(reviewer: Client, align: Connector) -> None:
    assert Path(made(reviewer).path).stat().st_mode & 0o777 == 0o600


def test_two_workers_claim_one_pack_and_one_gets_it(reviewer: Client, align: Connector) -> None:
    pack = ask(reviewer)
    barrier, claimed = threading.Barrier(2), list[runner.Run | None]()

    def claim() -> None:
        barrier.wait(10)
        claimed.append(runner.claim("this test", pack.job_id))

    for thread in [in_thread(claim), in_thread(claim)]:
        thread.join(30)
    assert sorted(run is None for run in claimed) == [False, True]


def test_a_worker_that_was_frozen_writes_nothing_once_another_has_made_the_pack(
    reviewer: Client, align: Connector, folder: Path
) -> None:
    pack = ask(reviewer)
    frozen = runner.claim("the frozen one")
    assert frozen is not None
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    runner.run_jobs()
    before = Path(ready(pack).path).read_bytes()
    runner.execute(frozen)
    assert Path(ready(pack).path).read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [f"{pack.uuid}.zip"]
    assert len(acts("pack.made")) == 1


def test_a_worker_that_is_asked_to_end_gives_the_pack_back(reviewer: Client, align: Connector) -> None:
    pack = ask(reviewer)
    run = runner.claim("this test")
    assert run is not None
    runner.stopping.set()
    try:
        runner.execute(run)
    finally:
        runner.stopping.clear()
    pack.refresh_from_db()
    assert pack.state == PackState.QUEUED
    runner.run_jobs()
    ready(pack)


def test_a_pack_whose_writing_dies_each_time_fails_in_the_end(reviewer: Client, align: Connector) -> None:
    pack = ask(reviewer)
    Job.objects.update(epoch=runner.MOST_TRIES)
    runner.run_jobs()
    pack.refresh_from_db()
    assert (pack.state, pack.error) == (PackState.FAILED, services.TOO_OFTEN)


def write_packs() -> None:
    runner.run_jobs()


@pytest.mark.usefixtures("processes")
def test_a_kill_at_any_point_leaves_a_pack_that_is_written_again_once(
    reviewer: Client, align: Connector, admin: Person, folder: Path, settings: LazySettings
) -> None:
    changed(align, admin, EVENT)
    made(reviewer, "connector:acme")  # so that the key is there
    asked: list[Pack] = []

    def prepare() -> list[object]:
        Pack.objects.all().delete()
        Job.objects.all().delete()
        for left in folder.iterdir():
            left.unlink()
        asked.append(services.ask("connector:acme", actor=admin, time_zone="UTC"))
        return []

    environment = {"PACK_FOLDER": str(folder), "CHECKPOINT_FOLDER": str(settings.CHECKPOINT_FOLDER)}
    for crash in crashes(write_packs, prepare, environment=environment):
        Job.objects.filter(state=JobState.RUNNING).update(lease_until=timezone.now() - timedelta(seconds=1))
        runner.run_jobs()
        pack = ready(asked[-1])
        assert standalone_checker.check(Path(pack.path)).ok, crash.before
        assert [path.name for path in folder.iterdir()] == [f"{pack.uuid}.zip"], crash.before
        told = HistoryRow.objects.filter(action="pack.made", object_name=f"pack {pack.uuid}")
        assert told.count() == 1, crash.before
    assert len(asked) > 10
