"""What a pack says comes from entries and lines alone, whatever the page's table was made to say; and a pack whose rows
or plans were edited is found out by its checker, also when it was signed again with the installation's own key."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from alignadmin import csv_safe
from alignadmin.accounts.models import Person, Role
from alignadmin.audit import archive, checkpoints, standalone_checker
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.align.audit_sentences import A2J, CREATED, DELETED, J2A, STATE, STEP, UPDATED, MappingEvent, write
from connectors.history.mirror import labels, projection
from connectors.history.packs import row_files, span, span_findings
from connectors.history.packs.span_findings import Found
from connectors.models import Connector, FormerKey, HistoryRow, MirrorLine, PackState, Project, TypeLabel
from mappings.models import Plan
from tests.alignadmin.test_hostile_names import NAMES
from tests.conftest import People, SignIn
from tests.support import chain_mutations as mutations
from tests.support import mapping_helpers
from tests.support.events import EVENT
from tests.support.pack_helpers import (
    NOON,
    act,
    append,
    ask,
    changed,
    checked,
    connector,
    logged,
    made,
    objects,
    resigned,
    text,
    unpacked,
)
from tests.support.snapshot import States

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("processes")]
Rows = list[dict[str, Any]]


@pytest.fixture
def align(db: None) -> Connector:
    return connector()


@pytest.fixture
def eli(people: People) -> Person:
    Person.objects.filter(pk=people[Role.EDITOR].pk).update(name="Eli Editor", email="eli@example.test")
    return Person.objects.get(pk=people[Role.EDITOR].pk)


@pytest.fixture
def reviewer(signed_in: SignIn) -> Client:
    return signed_in(Role.REVIEWER)


@pytest.fixture
def acme(connector: Connector) -> Connector:
    """As the sandbox has it, with mappings to plan."""
    return connector


def applied(acme: Connector, person: Person, target: int) -> Plan:
    """A plan of one change of a status, to its end."""
    mapping_helpers.edit(acme, "j2a-state", 10013, target, actor=person)
    plan = mapping_helpers.apply_all(acme, actor=person)
    assert mapping_helpers.states(plan) == ["done"]
    return plan


@pytest.fixture
def plans(acme: Connector, people: People, states: States) -> list[Plan]:
    """Two that were applied, the second over the first: once for all tests."""
    admin = people[Role.ADMIN]
    states.put("two applied plans", lambda: [applied(acme, admin, target) for target in (1, 4)], to_the_second=True)
    return list(Plan.objects.order_by("pk"))


def two_changes(align: Connector, eli: Person) -> list[Entry]:
    return changed(align, eli, EVENT, replace(EVENT, after_name="Done", after_id=10014))


def has_line(client: Client, pack: Any, count: int) -> bool:
    """In the statements, the manifest, the entry and on the page."""
    said = text(pack, "statements.txt")
    manifest = json.loads(text(pack, "manifest.json"))["compared"]
    page = client.get(f"/history/packs/{pack.uuid}/").content.decode()
    body = json.loads(Entry.objects.get(seq=pack.entry_seq).body)
    places = "1 place" if count == 1 else f"{count} places"
    assert (manifest["differences"], body["data"]["differences"]) == (count, count), manifest
    assert (f"THAT TABLE DIFFERS in {places}." in said) == (f"entries and lines in {places}." in page) == (count > 0)
    return count > 0


# --- whatever the page's table says ----------------------------------------------------------------------------------


def test_a_table_that_says_the_same_is_said_to(reviewer: Client, align: Connector, eli: Person) -> None:
    two_changes(align, eli)
    logged(align, eli, "Something that no grammar reads")
    pack = made(reviewer)
    assert not has_line(reviewer, pack, 0)
    assert "That table says the same" in text(pack, "statements.txt")


FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "person": ({"person_name": "Mallory", "person_email": "m@example.test"}, "person name says “Mallory”"),
    "value": ({"after_name": "Backlog", "after_id": 1}, "after name says “Backlog”, not “In Review”"),
    "time": ({"at": datetime(2020, 1, 1, tzinfo=UTC)}, "at says “2020-01-01"),
    "reason": ({"reason": "", "ticket": "CHG-1"}, "reason says nothing, not “QA column added”"),
    "approver": ({"approver_name": "Nobody"}, "approver name says “Nobody”"),
    "pairing": ({"certainty": "exact", "identical": 1}, "is paired with no line"),
    "connector": ({"connector_id": None}, "connector says nothing"),
    "entry": ({"entry_seq": 999}, "A row names entry 999"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_row_is_packed_as_its_entry_says_and_named(
    reviewer: Client, align: Connector, eli: Person, tmp_path: Path, forged: str
) -> None:
    first, second = two_changes(align, eli)
    values, named = FORGED[forged]
    HistoryRow.objects.filter(entry_seq=first.seq).update(**values)
    pack = made(reviewer, "connector:acme action:updated")
    found = objects(pack, "rows.jsonl")
    assert [row["seq"] for row in found] == [first.seq, second.seq]
    assert (found[0]["person_name"], found[0]["after_name"], found[0]["at"]) == (
        "Eli Editor",
        "In Review",
        NOON.isoformat(),
    )
    assert (found[0]["reason"], found[0]["approver_name"], found[0]["line"]) == ("QA column added", "Eli Editor", None)
    assert has_line(reviewer, pack, 2 if forged == "entry" else 1)
    assert named in text(pack, "statements.txt")
    assert checked(unpacked(pack, tmp_path))[0] == 0


def test_a_deleted_row_is_packed_and_the_change_is_not_said_to_be_absent(
    reviewer: Client, align: Connector, eli: Person
) -> None:
    first, _ = two_changes(align, eli)
    HistoryRow.objects.all().delete()
    pack = made(reviewer, "connector:acme action:updated since:2026-03-10 until:2026-03-10")
    assert len(objects(pack, "rows.jsonl")) == 2
    said = text(pack, "statements.txt")
    assert "No mapping change" not in said
    assert "- 2 mapping changes on connector 123 (Acme production) between " in said
    assert f"Entry {first.seq} has no row: Dev complete now leads to In Review." in said


def test_an_invented_row_is_not_packed_and_is_named(reviewer: Client, align: Connector, eli: Person) -> None:
    two_changes(align, eli)
    HistoryRow.objects.create(
        at=NOON, connector=align, source="alignadmin", action="updated", sentence="Never was.", text="never"
    )
    pack = made(reviewer, "connector:acme")
    assert [row["sentence"] for row in objects(pack, "rows.jsonl") if row["action"] == "updated"] == [
        "Dev complete now leads to In Review.",
        "Dev complete now leads to Done.",
    ]
    assert has_line(reviewer, pack, 1)
    assert "A row names no entry and no line, which does not stand for it: Never was." in text(pack, "statements.txt")


@pytest.mark.parametrize(
    "forged",
    [
        {"person_name": "Mallory", "person_email": "m@example.test", "text": ":person:mallory mallory"},
        {"text": ""},  # no search would find it
    ],
)
def test_a_filter_is_asked_of_what_entries_say_and_not_of_a_forged_row(
    reviewer: Client, align: Connector, eli: Person, forged: dict[str, str]
) -> None:
    first, second = two_changes(align, eli)
    HistoryRow.objects.filter(entry_seq=first.seq).update(**forged)
    assert [row["seq"] for row in objects(made(reviewer, "actor:eli action:updated"), "rows.jsonl")] == [
        first.seq,
        second.seq,
    ]
    assert objects(made(reviewer, "actor:mallory"), "rows.jsonl") == []


def test_a_row_that_was_moved_out_of_the_days_asked_for_is_packed_and_one_moved_in_is_not(
    reviewer: Client, align: Connector, eli: Person
) -> None:
    (inside,) = changed(align, eli, EVENT)
    (outside,) = changed(align, eli, replace(EVENT, after_name="Done", after_id=10014), at=NOON + timedelta(days=9))
    HistoryRow.objects.filter(entry_seq=inside.seq).update(at=NOON + timedelta(days=30))
    HistoryRow.objects.filter(entry_seq=outside.seq).update(at=NOON)
    pack = made(reviewer, "since:2026-03-10 until:2026-03-10")
    assert [row["seq"] for row in objects(pack, "rows.jsonl")] == [inside.seq]
    assert has_line(reviewer, pack, 2)


def test_a_change_told_late_is_found_in_the_days_when_it_happened(
    reviewer: Client, align: Connector, eli: Person
) -> None:
    """Its entry was written on another day, far from the days asked for."""
    (late,) = changed(align, eli, EVENT, at=datetime(2025, 5, 2, 10, tzinfo=UTC))
    HistoryRow.objects.filter(entry_seq=late.seq).delete()
    pack = made(reviewer, "since:2025-05-01 until:2025-05-03")
    assert [row["seq"] for row in objects(pack, "rows.jsonl")] == [late.seq]


def test_what_was_deleted_of_aligns_log_lines_rows_is_packed(reviewer: Client, align: Connector, eli: Person) -> None:
    logged(align, eli, "Something that no grammar reads", write(EVENT))
    HistoryRow.objects.filter(line__isnull=False).delete()
    pack = made(reviewer, "connector:acme since:2026-03-10 until:2026-03-10")
    assert [row["source"] for row in objects(pack, "rows.jsonl")] == ["align", "outside"]
    assert has_line(reviewer, pack, 2)


def test_an_outside_change_that_was_given_to_a_change_of_ours_is_told_as_it_was(
    reviewer: Client, align: Connector, eli: Person
) -> None:
    (ours,) = changed(align, eli, EVENT)
    logged(align, eli, write(EVENT), write(replace(EVENT, after_name="Done", after_id=10014)))
    paired, outside = MirrorLine.objects.order_by("at")
    HistoryRow.objects.filter(line=outside, entry_seq=None).delete()
    HistoryRow.objects.filter(entry_seq=ours.seq).update(line=outside)
    pack = made(reviewer, "connector:acme since:2026-03-10 until:2026-03-10")
    found = [(row["seq"], row["line"]["id"], row["certainty"]) for row in objects(pack, "rows.jsonl")]
    assert found == [(ours.seq, paired.pk, "exact"), (None, outside.pk, "")]
    assert has_line(reviewer, pack, 2)


def test_the_user_of_aligns_line_finds_our_change_although_its_words_were_taken_away(
    reviewer: Client, align: Connector, eli: Person
) -> None:
    (ours,) = changed(align, eli, EVENT)
    logged(align, eli, write(EVENT))
    HistoryRow.objects.filter(entry_seq=ours.seq).update(text="")
    pack = made(reviewer, 'actor:"Jira Align System"')
    assert [row["seq"] for row in objects(pack, "rows.jsonl")] == [ours.seq]


def test_acts_of_a_plan_are_in_its_pack_although_the_table_does_not_know_them(
    reviewer: Client, align: Connector, eli: Person, tmp_path: Path
) -> None:
    append(act("plan.made", align, eli))
    changed(align, eli, EVENT)
    append(act("plan.finished", align, eli))
    HistoryRow.objects.filter(action__startswith="plan.").update(plan=None)
    pack = made(reviewer, "action:updated")
    plan, _ = objects(pack, "plans.jsonl")
    assert [each["action"] for each in plan["acts"]] == ["plan.made", "plan.finished"]
    assert checked(unpacked(pack, tmp_path))[0] == 0


def test_acts_of_a_plan_outside_the_days_asked_for_are_found_by_their_entries(
    reviewer: Client, align: Connector, eli: Person, tmp_path: Path
) -> None:
    """The table says that they are about no plan, and that an act on another one is about this one."""
    outside = append(
        act("plan.made", align, eli), act("plan.made", align, eli, plan=77), act("plan.finished", align, eli)
    )
    changed(align, eli, EVENT)
    HistoryRow.objects.filter(entry_seq__in=[entry.seq for entry in outside]).update(plan=None)
    HistoryRow.objects.filter(entry_seq=outside[1].seq).update(plan=7)
    pack = made(reviewer, "action:updated since:2026-03-10 until:2026-03-10")
    plan, change = objects(pack, "plans.jsonl")
    assert [each["seq"] for each in plan["acts"]] == [outside[0].seq, outside[2].seq]
    assert (plan["plan"], change["plan"]) == (7, 7)
    assert checked(unpacked(pack, tmp_path))[0] == 0


FORGED_PLANS: dict[str, tuple[Callable[[Plan], object], str]] = {
    "reason": (lambda plan: Plan.objects.filter(pk=plan.pk).update(reason="None."), "reason"),
    "approver": (lambda plan: Plan.objects.filter(pk=plan.pk).update(approver=None), "approver"),
    "sentence of a change": (lambda plan: plan.changes.update(sentence="Nothing."), "sentence"),
    "value of a change": (lambda plan: plan.changes.update(after_name="Backlog"), "after name"),
    "a change that is gone": (lambda plan: plan.changes.all().delete(), "number of changes"),
}


@pytest.mark.parametrize("forged", FORGED_PLANS)
def test_a_plan_of_the_pack_that_differs_from_its_entries_is_named_and_one_of_another_pack_is_not(
    reviewer: Client, plans: list[Plan], tmp_path: Path, forged: str
) -> None:
    first, second = plans
    forge, field = FORGED_PLANS[forged]
    forge(first)
    pack = made(reviewer, f"plan:{first.pk}")
    said = text(pack, "statements.txt")
    named = [line for line in said.splitlines() if f"plan {first.pk}" in line.lower() and field in line]
    assert "THAT TABLE OR THAT OF THE PLANS DIFFERS in " in said
    assert named, said
    manifest = json.loads(text(pack, "manifest.json"))["compared"]
    assert named[0].strip() in manifest["first"]
    assert objects(pack, "plans.jsonl")[0]["reason"] == "QA column added"
    assert checked(unpacked(pack, tmp_path))[0] == 0
    yesterday = timezone.now() - timedelta(days=1)
    for query in (f"plan:{second.pk}", f"until:{yesterday:%Y-%m-%d}"):
        other = made(reviewer, query)
        assert "DIFFERS" not in text(other, "statements.txt")
        assert not has_line(reviewer, other, 0)


def test_a_plan_that_is_gone_is_named_in_its_pack(reviewer: Client, plans: list[Plan]) -> None:
    first, second = plans
    first.changes.all().delete()
    Plan.objects.filter(pk=first.pk).delete()
    assert f"Plan {first.pk}, which entry " in text(made(reviewer, f"plan:{first.pk}"), "statements.txt")
    assert "DIFFERS" not in text(made(reviewer, f"plan:{second.pk}"), "statements.txt")


def test_it_says_what_rests_on_tables(reviewer: Client, align: Connector, eli: Person) -> None:
    logged(align, eli, write(EVENT))
    asked, other = (text(made(reviewer, query), "statements.txt") for query in ("case:open", "connector:acme"))
    for said in (asked, other):
        assert "rest the project of a line that names a Jira status and no project (the catalogue)" in said
    assert "THE FILTER ASKS FOR CASES: which there are, and in which state, was asked of their table" in asked
    assert "THE FILTER ASKS FOR CASES" not in other


def test_a_pack_of_too_many_differences_is_refused_with_what_to_do(
    reviewer: Client, align: Connector, eli: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(span_findings, "MOST_DIFFERENCES", 1)
    two_changes(align, eli)
    HistoryRow.objects.all().delete()
    pack = ask(reviewer)
    run_due()
    pack.refresh_from_db()
    assert pack.state == PackState.FAILED
    assert "Run manage.py verify_history" in pack.error
    assert "manage.py rebuild_history" in pack.error


def test_a_line_that_comes_in_while_a_pack_is_read_is_no_difference(
    reviewer: Client, align: Connector, eli: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it pairs was not paired when the pack's checkpoint was made."""
    changed(align, eli, EVENT)
    read = span.read

    def late(*arguments: Any) -> Found:
        logged(align, eli, write(EVENT))
        return read(*arguments)

    monkeypatch.setattr(span, "read", late)
    pack = made(reviewer, "action:updated")
    assert objects(pack, "rows.jsonl")[0]["certainty"] == ""
    assert not has_line(reviewer, pack, 0)


# --- entries that have left into an archive --------------------------------------------------------------------------


@pytest.fixture
def archived(align: Connector, eli: Person, settings: LazySettings) -> Path:
    """The change is in an archive, and an act after it is in the database."""
    settings.RETENTION_MONTHS = 12
    changed(align, eli, EVENT)
    checkpoints.make(checkpoints.HOUR)
    append(act("connector.edited", align, eli))
    later = timezone.now() + timedelta(days=500)
    found = archive.write(archive.end_of_prefix(later, to_remove=True), actor=None, now=later)
    archive.remove(found, actor=None, now=later)
    return Path(found.path)


@pytest.mark.parametrize("query", ["action:updated", "connector:acme"])
def test_rows_of_an_archive_that_is_at_hand_are_packed(
    reviewer: Client, archived: Path, tmp_path: Path, query: str
) -> None:
    HistoryRow.objects.update(person_name="Mallory")
    pack = made(reviewer, query)
    assert objects(pack, "rows.jsonl")[0]["person_name"] == "Eli Editor"
    code, lines = checked(unpacked(pack, tmp_path))
    assert code == 0, lines
    assert any("1 rows are of entries up to " in line and "left into an archive" in line for line in lines)


def test_rows_of_an_archive_that_is_not_at_hand_are_said_to_be_missing(
    reviewer: Client, archived: Path, tmp_path: Path
) -> None:
    archived.unlink()
    pack = made(reviewer, "action:updated")
    assert objects(pack, "rows.jsonl") == []
    assert "into an archive that is not at hand" in text(pack, "statements.txt")
    assert checked(unpacked(pack, tmp_path))[0] == 0


# --- the checker makes rows of its own -------------------------------------------------------------------------------


TERMS = (
    *("Feature", "Story", "Task", "Defect", "Type 2", "User Story", "Work in Progress", "ユーザーストーリー"),
    *("功能 需求", "E\u0301pope\u0301e", "Épopée", "Straße", "Bug\u200b", "Long" + " and longer" * 5),
)


def generated(rng: random.Random, align: Connector, people: list[Person]) -> Iterator[dict[str, Any]]:
    """Acts of every shape, with names that something would trip over."""
    names = [*NAMES.values(), "\x00", "\ud800 half", "\U0001f600", "", " ", "In Review", "x" * 400]
    while True:
        direction, kind, did = (
            rng.choice((J2A, A2J)),
            rng.choice((STATE, STEP)),
            rng.choice((CREATED, UPDATED, DELETED)),
        )
        before, source, after = (rng.choice((None, 0, rng.randrange(10**6))) for _ in range(3))
        event = MappingEvent(
            connector_id=123,
            action=did,
            kind=kind,
            direction=direction,
            work_item_type=rng.choice(TERMS),
            source_id=source,
            source_name=rng.choice(names),
            project_key=rng.choice((None, "PROJ", "É" * 300)),
            before_id=before,
            before_name=rng.choice(names),
            after_id=after,
            after_name=rng.choice(names),
        )
        yield {
            "action": rng.choice(("change.done", "change.failed", "change.sent", "plan.made", "x." + "y" * 38)),
            "owner": rng.choice((align, None)),
            "actor": rng.choice((*people, None)),
            "author": rng.choice((*people, None)),
            "planner": rng.choice((*people, None)),
            "approver": rng.choice((*people, None)),
            "event": rng.choice((event, None)),
            "subject": rng.choice(names),
            "sentence": rng.choice(names),
            "reason": rng.choice(names),
            "ticket": rng.choice(names),
            "project_key": rng.choice(("", "KEY", rng.choice(names))),
            "plan": rng.choice((None, 7, 10**9)),
            "happened_at": rng.choice((None, NOON + timedelta(seconds=rng.randrange(10**6)))),
        }


def test_it_makes_the_same_row_of_any_entry_as_the_product(align: Connector, people: People, eli: Person) -> None:
    rng = random.Random(11)
    Person.objects.filter(pk=people[Role.ADMIN].pk).update(name="Ünal \u202e <b>" + "n" * 190)
    everybody = list(Person.objects.all())
    acts = generated(rng, align, everybody)
    for _ in range(20):
        append(*(act(**next(acts)) for _ in range(40)))
    compared = 0
    for entry in Entry.objects.all():
        body = json.loads(entry.body)
        theirs = standalone_checker.row_of(entry.seq, entry.hash, body)
        told = row_files.ParsedEntry(seq=entry.seq, hash=entry.hash, body=body)
        row = projection.of_body(body) if theirs else None
        assert (theirs is None) == (entry.action == "change.sent")
        if row and theirs:
            ours = row_files.record_of(row, told)
            assert {name: ours[name] for name in ours if name not in standalone_checker.PAIRING} == theirs, body
            compared += 1
    assert compared > 500


def test_a_pack_of_such_entries_and_their_lines_holds(
    reviewer: Client, align: Connector, people: People, tmp_path: Path
) -> None:
    acts = generated(random.Random(12), align, [people[Role.EDITOR], people[Role.ADMIN]])
    for _ in range(5):
        append(*(act(**next(acts)) for _ in range(40)))
    events = [each["event"] for each in (next(acts) for _ in range(60)) if each["event"]]
    logged(align, people[Role.ADMIN], *(write(each).replace("\x00", "").replace("\ud800", "") for each in events))
    code, lines = checked(unpacked(made(reviewer), tmp_path))
    assert code == 0, lines
    assert lines[1].startswith("Every row says what its entry or its line says: ")


# --- packs that were edited and signed again -------------------------------------------------------------------------


def pack_of_a_plan(reviewer: Client, align: Connector, eli: Person, people: People, at: Path) -> Path:
    """A pack with a plan of three changes, one of them in Align's log, a line without a cause, and one kept raw."""
    append(act("plan.made", align, eli), act("plan.approved", align, people[Role.ADMIN], data={"fingerprint": "f"}))
    events = [replace(EVENT, after_name=name, after_id=number) for name, number in (("A", 1), ("=B", 2), ("C", 3))]
    changed(align, eli, *events)
    append(act("plan.finished", align, eli))
    logged(
        align, eli, write(events[0]), write(replace(EVENT, after_name="Done", after_id=10014)), "No grammar reads this"
    )
    return unpacked(made(reviewer, "connector:acme"), at)


@pytest.fixture(scope="module")
def unaltered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packs") / "unaltered"


@pytest.fixture
def folder(
    reviewer: Client, align: Connector, eli: Person, people: People, states: States, unaltered: Path, tmp_path: Path
) -> Path:
    """Such a pack to be altered, with the database it came from, whose key signs it again: made once for all tests."""
    states.put("pack of a plan", lambda: pack_of_a_plan(reviewer, align, eli, people, unaltered))
    return shutil.copytree(unaltered, tmp_path / "pack")


def records(folder: Path, name: str = "rows.jsonl") -> Rows:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def put(folder: Path, found: Rows, name: str = "rows.jsonl") -> None:
    """A forger writes the table for spreadsheets anew, too."""
    lines = [json.dumps(each, separators=(",", ":")) + "\n" for each in found]
    (folder / name).write_text("".join(lines))
    if name == "rows.jsonl":
        cells = [row_files._cells(each, ZoneInfo("UTC")) for each in found]
        raw = csv_safe.BYTE_ORDER_MARK + csv_safe.lines([list(row_files.COLUMNS), *cells])
        (folder / "rows.csv").write_bytes(raw)


def edit(name: str, number: int, **values: Any) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        found = records(folder, name)
        found[number].update(values)
        put(folder, found, name)

    return do


def drop(name: str, number: int) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        found = records(folder, name)
        del found[number]
        put(folder, found, name)

    return do


def swap(name: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        found = records(folder, name)
        found[1], found[2] = found[2], found[1]
        put(folder, found, name)

    return do


def double(name: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        found = records(folder, name)
        put(folder, [*found[:2], *found[1:]], name)

    return do


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        whole = (folder / name).read_bytes().decode()
        assert old in whole
        (folder / name).write_bytes(whole.replace(old, new, 1).encode())

    return do


EDITS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a person": (
        edit("rows.jsonl", 0, person_name="Mallory"),
        "of entry {first} in rows.jsonl is not what was written: person_name says “Mallory”, its entry “Eli Editor”",
    ),
    "a value": (edit("rows.jsonl", 0, after_name="Z"), "after_name says “Z”, its entry “A”"),
    "a time": (edit("rows.jsonl", 0, at="2026-03-10T11:00:00+00:00"), "at says “2026-03-10T11"),
    "a hash": (edit("rows.jsonl", 0, hash="0" * 64), "hash says “000"),
    "a number for a text": (edit("rows.jsonl", 1, after_id="1"), "after_id says “1”"),
    "another entry": (edit("rows.jsonl", 0, seq=1), "is not what was written"),
    "an entry that is not there": (edit("rows.jsonl", 0, seq=9999), "its entry is not in this pack"),
    "a field more": (edit("rows.jsonl", 0, note="x"), "it has other fields than a row has"),
    "certainty": (
        edit("rows.jsonl", 1, certainty="exact", identical=1),
        "it is called paired with a line, and has none",
    ),
    "a row less": (drop("rows.jsonl", 0), "rows.jsonl lacks the row of entry "),
    "a row twice": (double("rows.jsonl"), "stands twice or out of its order"),
    "rows in another order": (swap("rows.jsonl"), "stands twice or out of its order"),
    "the heading of the table": (replaced("rows.csv", "Person", "Author"), "the heading of rows.csv is not"),
    "a cell": (
        replaced("rows.csv", "Eli Editor", "Mal Lory"),
        "of rows.csv is not that of rows.jsonl: Person says “Mal",
    ),
    "an apostrophe that guards": (replaced("rows.csv", "'=B", "=B"), "After says “=B”, not “'=B”"),
    "a line of the table more": (
        lambda path: append_to(path / "rows.csv", b"x\r\n"),
        "rows.csv goes on after the last",
    ),
    "a plan's approver": (edit("plans.jsonl", 0, approver=None), "says approver nothing, its acts say"),
    "an act": (
        replaced("plans.jsonl", '"sentence":"Something happened."', '"sentence":"Nothing."'),
        "has an act that its entry does not say",
    ),
    "a change": (edit("plans.jsonl", 1, answer="Bad"), "plans.jsonl, line 2, is not what its entry says"),
    "a change less": (drop("plans.jsonl", 1), "plans.jsonl has 2 changes of plan 7, the entries 3"),
    "a plan less": (drop("plans.jsonl", 0), "plans.jsonl, line 1, stands twice or out of its order"),
    "changes in another order": (swap("plans.jsonl"), "stands twice or out of its order"),
    "a space": (replaced("rows.jsonl", '{"seq":', '{ "seq":'), "is not written as the product writes it"),
}


def append_to(path: Path, raw: bytes) -> None:
    path.write_bytes(path.read_bytes() + raw)


def test_a_pack_that_was_only_signed_again_holds(folder: Path) -> None:
    code, lines = checked(resigned(folder))
    assert code == 0, lines


@pytest.mark.parametrize("name", EDITS)
def test_the_first_wrong_row_of_a_pack_that_was_signed_again_is_named(folder: Path, name: str) -> None:
    change, told = EDITS[name]
    first = records(folder)[0]["seq"]
    change(folder)
    code, lines = checked(resigned(folder))
    assert code == 1
    assert told.format(first=first) in lines[0], lines[0]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"person_name": "Somebody"}, "person_name says “Somebody”, its line “Jira Align System”"),
        ({"after_name": "QA", "sentence": None}, "its other fields do not"),
        ({"object_id": 4}, "its other fields do not"),
        ({"action": "created"}, "its other fields do not"),
        ({"direction": "j2a"}, "its other fields do not"),
        ({"work_item_type": "task"}, "work_item_type says “task”, its line “Story”"),
        ({"source": "align"}, "source says “align”"),
        ({"reason": "Because"}, "reason says “Because”, its line nothing"),
        ({"parsed": False}, "says "),
    ],
)
def test_a_row_without_an_entry_has_to_say_what_its_line_says(folder: Path, values: dict[str, Any], told: str) -> None:
    found = records(folder)
    place = next(number for number, row in enumerate(found) if row["source"] == "outside")
    found[place] |= {name: found[place][name] if value is None else value for name, value in values.items()}
    put(folder, found)
    code, lines = checked(resigned(folder))
    assert code == 1
    assert told in lines[0], lines[0]


def test_a_row_without_an_entry_that_is_rewritten_as_a_whole_has_to_stand_in_its_line(folder: Path) -> None:
    found = records(folder)
    row = next(row for row in found if row["source"] == "outside")
    row["sentence"] = row["sentence"].replace("Done (10014)", "QA (10012)")
    row |= {"after_name": "QA", "after_id": 10012}
    put(folder, found)
    assert "its line says that it went from “10012” to “10014”" in checked(resigned(folder))[1][0]


def test_a_line_that_was_edited_with_its_row_is_found_by_the_digest_in_the_entry_of_its_taking_in(folder: Path) -> None:
    found, lines = records(folder), records(folder, "lines.jsonl")
    row = next(row for row in found if not row["parsed"])
    line = next(line for line in lines if line["id"] == row["line"]["id"])
    for each in (row["line"], line):
        each["description"] = "Somebody reads this"
    row["sentence"] = line["description"]
    put(folder, found)
    put(folder, lines, "lines.jsonl")
    assert (
        "the lines of the taking-in 1 in lines.jsonl are not those that its entry tells of"
        in checked(resigned(folder))[1][0]
    )


def test_a_line_that_is_another_in_its_row_than_among_the_lines_is_found(folder: Path) -> None:
    found = records(folder)
    row = next(row for row in found if row["certainty"])
    row["line"]["user"] = "Somebody"
    put(folder, found)
    assert "its line is not that of lines.jsonl" in checked(resigned(folder))[1][0]


def test_an_entry_that_was_rewritten_with_its_row_is_found_by_the_copies_of_checkpoints(
    reviewer: Client, align: Connector, eli: Person, people: People, settings: LazySettings, tmp_path: Path
) -> None:
    """Everything anew, hashes, checkpoints, rows, table and signatures, with the installation's own key."""
    folder = pack_of_a_plan(reviewer, align, eli, people, tmp_path / "pack")
    run_due()
    forge_all(folder)
    code, lines = checked(folder)
    assert code == 0, "without copies nobody can tell"
    assert any("cannot be known" in line for line in lines)
    code, lines = checked(folder, "--checkpoints", str(settings.CHECKPOINT_FOLDER))
    assert code == 1
    assert "is not the one that was delivered" in lines[0]


def forge_all(folder: Path) -> None:
    history = mutations.load()
    for row in history.entries:
        row["body"] = row["body"].replace("Eli Editor", "Mal Lory")
    mutations.rehash(history)
    mutations.resign(history)
    by_seq = {row["seq"]: row for row in history.entries}
    entries = [by_seq[each["seq"]] for each in records(folder, standalone_checker.ENTRIES)]
    put(
        folder,
        [{name: row[name] for name in ("seq", "prev", "hash", "body")} for row in entries],
        standalone_checker.ENTRIES,
    )
    numbers = {json.loads(each["body"])["number"] for each in records(folder, standalone_checker.CHECKPOINTS)}
    signed = [row for row in history.checkpoints if row["number"] in numbers]
    put(
        folder,
        [{name: row[name] for name in ("body", "signature", "key_id")} for row in signed],
        standalone_checker.CHECKPOINTS,
    )
    for name in (standalone_checker.ROWS, standalone_checker.PLANS):
        (folder / name).write_text((folder / name).read_text().replace("Eli Editor", "Mal Lory"))
        put(folder, [with_hashes(each, by_seq) for each in records(folder, name)], name)
    resigned(folder)


def with_hashes(record: Any, by_seq: dict[int, dict[str, Any]]) -> Any:
    """The record, and each act in it, with the hashes that the entries have now."""
    if isinstance(record, list):
        return [with_hashes(each, by_seq) for each in record]
    if not isinstance(record, dict):
        return record
    found = {name: with_hashes(value, by_seq) for name, value in record.items()}
    return found | {"hash": by_seq[found["seq"]]["hash"]} if found.get("seq") and "hash" in found else found


# --- the work item types of lines ------------------------------------------------------------------------------------


SAID = replace(EVENT, work_item_type="User Story", after_name="Done", after_id=10014)
BY_ID = replace(EVENT, action=CREATED, type_id=9, record_id=7, project_key="PROJ", before_id=None, before_name="")


@pytest.fixture
def of_terms(reviewer: Client, align: Connector, eli: Person, tmp_path: Path) -> Path:
    """A pack of lines that call a story by a term of the site, a defect a story, and something by an unknown term."""
    labels.decide(align, {"User Story": "story"}, actor=eli)
    logged(align, eli, write(SAID), write(BY_ID), write(replace(SAID, work_item_type="作業 in Progress")))
    return unpacked(made(reviewer, "connector:acme"), tmp_path / "pack")


def test_a_line_is_of_the_type_that_terms_and_type_ids_say_and_its_checker_says_the_same(of_terms: Path) -> None:
    told = [row["work_item_type"] for row in records(of_terms) if row["line"]]
    assert told == ["story", "defect", "作業 in progress"]
    code, lines = checked(of_terms)
    assert code == 0, lines
    assert not any("terms" in line for line in lines)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_line_that_is_given_another_type_is_found(of_terms: Path, place: int) -> None:
    found = records(of_terms)
    [row for row in found if row["line"]][place]["work_item_type"] = "task"
    put(of_terms, found)
    assert "work_item_type says “task”, its line “" in checked(resigned(of_terms))[1][0]


def with_terms(folder: Path, **means: Any) -> Path:
    path = folder / standalone_checker.MANIFEST
    manifest = json.loads(path.read_text())
    manifest["terms"][0]["labels"]["user story"] |= means
    path.write_text(json.dumps(manifest))
    return resigned(folder)


@pytest.mark.parametrize("means", [{"means": "task"}, {"entry": 999_999}, {"entry": None}, {"entry": 3}])
def test_a_term_that_means_something_else_than_its_entry_says_is_found(of_terms: Path, means: dict[str, Any]) -> None:
    found = records(of_terms)
    for row in found:
        row["work_item_type"] = row["work_item_type"].replace("story", str(means.get("means", "story")))
    put(of_terms, found)
    code, lines = checked(with_terms(of_terms, **means))
    assert code == 1
    assert "what “user story” means on “acme” is not what entry " in lines[0], lines[0]


def test_a_term_whose_entry_is_not_in_the_pack_is_vouched_for_by_the_signature_alone_and_that_is_said(
    reviewer: Client, align: Connector, eli: Person, tmp_path: Path
) -> None:
    labels.decide(align, {"User Story": "story"}, actor=eli)
    logged(align, eli, write(SAID))
    said = Entry.objects.get(action="terms.decided").seq
    folder = unpacked(made(reviewer, "source:outside"), tmp_path / "pack")
    code, lines = checked(folder)
    assert code == 0, lines
    first = json.loads((folder / standalone_checker.MANIFEST).read_text())["entries"]["first"]
    assert first is None or first > said
    assert any(f"said by entries that are not in this pack ({said})" in line for line in lines)


def test_a_term_that_was_changed_in_its_table_is_packed_as_its_entry_says(
    reviewer: Client, align: Connector, eli: Person
) -> None:
    labels.decide(align, {"User Story": "story"}, actor=eli)
    logged(align, eli, write(SAID))
    TypeLabel.objects.update(work_item_type="task")
    HistoryRow.objects.filter(source="outside").update(work_item_type="task")
    pack = made(reviewer, "connector:acme")
    assert [row["work_item_type"] for row in objects(pack, "rows.jsonl") if row["line"]] == ["story"]
    assert "work item type says “task”, not “story”" in text(pack, "statements.txt")


def test_a_term_that_is_decided_while_a_pack_is_read_is_no_difference(
    reviewer: Client, align: Connector, eli: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    logged(align, eli, write(SAID))
    read = span.read

    def late(*arguments: Any) -> Found:
        labels.decide(align, {"User Story": "story"}, actor=eli)
        return read(*arguments)

    monkeypatch.setattr(span, "read", late)
    pack = made(reviewer, "connector:acme")
    assert [row["work_item_type"] for row in objects(pack, "rows.jsonl") if row["line"]] == ["user story"]
    assert not has_line(reviewer, pack, 0)
    assert checked(unpacked(pack, tmp_path))[0] == 0


# --- edits by chance -------------------------------------------------------------------------------------------------

EDITED = ("rows.jsonl", "rows.csv", "plans.jsonl", "lines.jsonl", "entries.jsonl", "checkpoints.jsonl")


def mutate(rng: random.Random, whole: bytes) -> tuple[str, bytes]:
    """A byte or a line, put in, taken away, changed, doubled or moved."""
    kind = rng.choice(
        ("byte changed", "byte put in", "byte taken away", "line taken away", "line doubled", "lines swapped")
    )
    at = rng.randrange(len(whole))
    lines = whole.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    if kind == "byte changed":
        return kind, whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(7))]) + whole[at + 1 :]
    if kind == "byte put in":
        return kind, whole[:at] + bytes([rng.randrange(1, 127)]) + whole[at:]
    if kind == "byte taken away":
        return kind, whole[:at] + whole[at + 1 :]
    if kind == "line taken away":
        del lines[place]
    elif kind == "line doubled":
        lines.insert(place, lines[place])
    elif len(lines) > 1:
        other = rng.choice([number for number in range(len(lines)) if number != place])
        lines[place], lines[other] = lines[other], lines[place]
    return kind, b"".join(lines)


def hunt(folder: Path, rounds: int, seed: int) -> Counter[str]:
    """Every edit is found in a pack that is signed again after it."""
    rng, found = random.Random(seed), Counter[str]()
    assert standalone_checker.check(resigned(folder)).ok, "else every edit would seem to be found"
    originals = {path.name: path.read_bytes() for path in folder.iterdir()}
    for number in range(rounds):
        name = rng.choice(EDITED)
        kind, edited = mutate(rng, originals[name])
        if edited == originals[name]:
            continue
        (folder / name).write_bytes(edited)
        report = standalone_checker.check(resigned(folder))
        assert not report.ok, f"{kind} in {name}, number {number} of seed {seed}"
        found[f"{kind} in {name}"] += 1
        for each in (name, standalone_checker.MANIFEST, standalone_checker.SIGNATURE):
            (folder / each).write_bytes(originals[each])
    return found


@pytest.fixture
def of_entries(reviewer: Client, align: Connector, eli: Person, tmp_path: Path) -> Path:
    append(act("plan.made", align, eli))
    changed(align, eli, *(replace(EVENT, after_name=name, after_id=number) for number, name in enumerate("ABC")))
    append(act("plan.finished", align, eli))
    logged(align, eli, write(replace(EVENT, after_name="A", after_id=0)), write(replace(EVENT, after_name="Z")), "Raw")
    return unpacked(made(reviewer, "action:updated"), tmp_path / "pack")


def test_a_share_of_edits_by_chance_is_found_in_a_pack_that_was_signed_again(of_entries: Path) -> None:
    found = hunt(of_entries, 300, 20260310)
    print(f"\n{found.total()} edits of {len(found)} kinds, all found")
    assert len(found) >= 25


@pytest.mark.parametrize("name", ["slug", "name", "align_site", "align_connector_id"])
def test_the_connector_of_a_row_without_an_entry_is_the_one_its_line_was_taken_in_for(
    of_entries: Path, name: str
) -> None:
    rows = [json.loads(line) for line in (of_entries / "rows.jsonl").read_bytes().splitlines()]
    alone = next(row for row in rows if row["seq"] is None)
    alone["connector"][name] = 7 if name == "align_connector_id" else f"{alone['connector'][name]}x"
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    (of_entries / "rows.jsonl").write_text(text)
    report = standalone_checker.check(resigned(of_entries))
    assert not report.ok
    assert "the entry of its taking-in" in report.wrong


def test_a_pack_of_a_renamed_project_holds_what_was_done_under_its_old_key(
    reviewer: Client, align: Connector, eli: Person, tmp_path: Path
) -> None:
    project = Project.objects.create(connector=align, jira_id=1, key="NEW", name="Renamed")
    FormerKey.objects.create(connector=align, project=project, key="OLD")
    changed(align, eli, replace(EVENT, direction="a2j", project_key="OLD"), project_key="OLD")
    pack = made(reviewer, "project:NEW")
    assert [row["project_key"] for row in objects(pack, "rows.jsonl")] == ["OLD"]
    assert checked(unpacked(pack, tmp_path))[0] == 0


def test_a_signature_is_taken_in_one_form_alone(of_entries: Path) -> None:
    """The last letter of a signature has four bits that stand for nothing."""
    lines = (of_entries / "checkpoints.jsonl").read_bytes().splitlines()
    last = json.loads(lines[-1])
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    letter = letters[letters.index(last["signature"][85]) ^ 1]
    last["signature"] = last["signature"][:85] + letter + "=="
    text = b"".join(line + b"\n" for line in [*lines[:-1], json.dumps(last, separators=(",", ":")).encode()])
    (of_entries / "checkpoints.jsonl").write_bytes(text)
    assert not standalone_checker.check(resigned(of_entries)).ok


@pytest.mark.soak
def test_ten_thousand_edits_by_chance_are_found_in_a_pack_that_was_signed_again(of_entries: Path, seed: int) -> None:
    found = hunt(of_entries, 10_000, seed)
    print(f"\n{found.total()} edits, all found: {dict(sorted(found.items()))}")
    assert len(found) >= 29
