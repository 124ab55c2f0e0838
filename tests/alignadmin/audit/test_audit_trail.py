"""The chain of entries: gapless, in the transaction of the act, refused to change, and every change to it is found."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Model
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.people import services as people
from alignadmin.audit import checkpoints, trail, triggers, verification
from alignadmin.audit.entries import START, AuditRecord, PersonCopy, digest
from alignadmin.audit.models import ChainHead, Checkpoint, Entry, SigningKey
from alignadmin.errors import Refused
from connectors.credentials.values import SecretData
from connectors.models import (
    Confirmation,
    Connector,
    Credential,
    HistoryRow,
    MirrorLine,
    RunWithdrawal,
    SeenAgain,
    System,
)
from connectors.ports.audited import context_of, event_fields
from connectors.setup import services
from tests.support import factories
from tests.support.events import EVENT
from tests.support.people_helpers import unwritable_history


def act(
    number: int = 0, *, actor: Person | None = None, connector: Connector | None = None, action: str = "plan.made"
) -> AuditRecord:
    return AuditRecord(
        action=action,
        actor=actor,
        context=context_of(connector),
        subject=f"plan {number}",
        sentence=f"Planned {number} changes.",
        data={"number": number, "names": ["→", "\u202e", "\x00", "'"]},
    )


def append_some(count: int) -> None:
    with transaction.atomic():
        trail.record_all([act(number) for number in range(count)])


@pytest.fixture
def align(db: None) -> Connector:
    return Connector.objects.create(
        slug="acme",
        name="Acme",
        align_site="https://acme.example.test",
        align_connector_id=123,
        jira_site="https://jira.example.test",
    )


@pytest.mark.django_db
class TestAppending:
    def test_entries_follow_each_other_without_a_gap(self) -> None:
        append_some(3)
        append_some(2)
        entries = list(Entry.objects.order_by("seq"))
        assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
        assert [entry.prev for entry in entries] == [START, *(entry.hash for entry in entries[:-1])]
        assert ChainHead.objects.get().hash == entries[-1].hash

    def test_the_stored_text_is_what_was_hashed(self) -> None:
        append_some(1)
        entry = Entry.objects.get()
        assert entry.hash == digest(START, entry.body)
        assert entry.body.isascii()
        assert json.loads(entry.body)["data"]["names"][1:3] == ["\u202e", "\x00"]

    def test_an_act_that_is_undone_leaves_no_gap(self) -> None:
        append_some(1)
        with transaction.atomic():
            trail.record_all([act(1)])
            transaction.set_rollback(True)
        append_some(1)
        assert list(Entry.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2]
        assert verification.verify().ok

    def rename(self, connector: Connector, data: dict[str, object]) -> None:
        with transaction.atomic():
            Connector.objects.filter(pk=connector.pk).update(name="Renamed")
            trail.record(
                AuditRecord(
                    action="connector.renamed",
                    actor=None,
                    context=context_of(connector),
                    subject="",
                    sentence="",
                    data=data,
                )
            )

    def test_an_act_that_cannot_be_told_does_not_happen(self, align: Connector) -> None:
        with pytest.raises(TypeError):
            self.rename(align, data={"not": object()})
        align.refresh_from_db()
        assert align.name == "Acme"
        self.rename(align, data={})
        align.refresh_from_db()
        assert align.name == "Renamed"

    def test_a_change_that_was_done_becomes_a_row_with_copied_names(self, align: Connector) -> None:
        dana = Person.objects.create_user("dana@example.test", name="Dana Reyes")
        sam = Person.objects.create_user("sam@example.test", name="Sam Okafor")
        with transaction.atomic():
            for action in ("change.sent", "change.done"):
                trail.record(
                    AuditRecord(
                        action=action,
                        actor=dana,
                        context=context_of(align),
                        subject="plan 7 change 1",
                        sentence="When Align shows Dev complete, the issue in PROJ moves to In Review.",
                        event=event_fields(EVENT),
                        plan=7,
                        project_key="PROJ",
                        approver=sam,
                        reason="QA column added",
                        ticket="CHG-2291",
                    )
                )
        dana.delete()
        row = HistoryRow.objects.get()
        assert (row.action, row.kind, row.direction, row.work_item_type) == ("updated", "state", "a2j", "story")
        assert (row.object_id, row.object_name, row.before_id, row.after_name) == (
            3,
            "Dev complete",
            10012,
            "In Review",
        )
        assert (row.person_name, row.approver_name, row.ticket, row.plan) == ("Dana Reyes", "Sam Okafor", "CHG-2291", 7)
        assert (row.project_key, row.entry_seq, row.source) == ("PROJ", 2, "alignadmin")

    def test_a_change_told_late_stands_at_the_time_it_was_sent(self, align: Connector) -> None:
        sent = timezone.now() - timedelta(hours=1)
        with transaction.atomic():
            trail.record(
                AuditRecord(
                    action="change.done",
                    actor=None,
                    context=context_of(align),
                    subject="",
                    sentence="",
                    event=event_fields(EVENT),
                    happened_at=sent,
                )
            )
        assert HistoryRow.objects.get().at == sent


@pytest.mark.django_db
def test_whose_value_a_change_replaced_is_told_also_where_nobody_else_is() -> None:
    earlier = PersonCopy(id=7, name="Sam", email="sam@example.test", role="editor")
    with transaction.atomic():
        entry = trail.record(replace(act(), earlier=[earlier]))
    assert json.loads(entry.body)["people"] == {"author": None, "planner": None, "earlier": [vars(earlier)]}


@pytest.mark.django_db(transaction=True)
def test_an_entry_needs_the_transaction_of_its_act() -> None:
    with pytest.raises(RuntimeError, match="in the transaction"):
        trail.record_all([act()])


ACTS: dict[str, Callable[[Connector, Person, Person], object]] = {
    "a connector is added": lambda _, admin, __: services.add_connector(
        "more",
        services.ConnectorData(
            name="More", align_site="https://more.example.test", align_connector_id=7, jira_site="", jira_kind="cloud"
        ),
        (),
        actor=admin,
    ),
    "a connector is switched off": lambda acme, admin, _: services.set_active(acme, False, actor=admin),
    "a prerequisite is confirmed": lambda acme, admin, _: services.confirm_prerequisite(acme, "sync", actor=admin),
    "a secret is stored": lambda acme, admin, _: services.store_credential(
        acme, SecretData(system=System.ALIGN, kind="align-bearer", user="", secret="canary"), actor=admin
    ),
    "a role is changed": lambda _, admin, sam: people.set_role(sam, Role.ADMIN, actor=admin),
    "somebody is renamed": lambda _, admin, sam: people.edit(sam, "Sam X", actor=admin),
    "somebody is deactivated": lambda _, admin, sam: people.deactivate(sam, actor=admin),
    "a key signs anew": lambda _, admin, __: checkpoints.rotate(actor=admin),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("do", ACTS.values(), ids=ACTS.keys())
def test_an_act_does_not_happen_when_its_entry_cannot_be_written(
    align: Connector, do: Callable[[Connector, Person, Person], object]
) -> None:
    admin, sam = factories.person(Role.ADMIN), factories.person(Role.EDITOR)
    append_some(1)
    before = everything()
    with unwritable_history(), pytest.raises((IntegrityError, Refused)):
        do(align, admin, sam)
    assert everything() == before
    do(align, admin, sam)
    assert everything() != before


def everything() -> list[list[dict[str, Any]]]:
    tables: list[type[Model]] = [Connector, Credential, Confirmation, Person, SigningKey, Checkpoint, Entry, HistoryRow]
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


@pytest.mark.django_db
class TestTriggers:
    def refused(self, statement: str) -> None:
        with pytest.raises(DatabaseError, match="only ever added"):
            self.run(statement)

    def run(self, statement: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    @pytest.fixture(autouse=True)
    def _rows(self, align: Connector) -> None:
        append_some(2)
        run = factories.intake_run(align)
        line = MirrorLine.objects.create(
            connector=align,
            run=run,
            type="CONFIG 123",
            user="x",
            at=timezone.now(),
            description="d",
            digest="d",
            intake="paste",
        )
        SeenAgain.objects.create(run=run, first=line.pk, last=line.pk)
        RunWithdrawal.objects.create(
            run=run, person_id=1, person_name="x", at=timezone.now(), reason="wrong zone", entry_seq=-1
        )
        checkpoints.make(checkpoints.COMMAND)

    @pytest.mark.parametrize("table", triggers.tables())
    def test_rows_are_neither_changed_nor_deleted(self, table: str) -> None:
        key = {"audit_entry": "seq", "connectors_runwithdrawal": "run_id"}.get(table)
        key = key or ("number" if table in ("audit_checkpoint", "connectors_intakerun") else "id")
        self.refused(f"DELETE FROM {table}")
        self.refused(f"UPDATE {table} SET {key} = {key}")
        if connection.vendor == "postgresql":
            self.run("SET CONSTRAINTS ALL IMMEDIATE")  # else PostgreSQL refuses for a reason of its own
            self.refused(f"TRUNCATE {table} CASCADE")

    def test_a_checkpoint_is_not_replaced(self) -> None:
        if connection.vendor == "sqlite":
            self.refused("INSERT OR REPLACE INTO audit_checkpoint SELECT * FROM audit_checkpoint")
        else:
            self.refused(
                "INSERT INTO audit_checkpoint SELECT * FROM audit_checkpoint "
                "ON CONFLICT (number) DO UPDATE SET body = excluded.body"
            )

    @pytest.mark.parametrize(
        ("table", "key"), [("connectors_intakerun", "number"), ("connectors_runwithdrawal", "run_id")]
    )
    def test_a_run_and_its_withdrawal_are_not_replaced(self, table: str, key: str) -> None:
        if connection.vendor == "sqlite":
            self.refused(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
        else:
            self.refused(f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ({key}) DO UPDATE SET entry_seq = 5")

    def test_an_entry_is_not_replaced(self) -> None:
        if connection.vendor == "sqlite":
            self.refused("INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE seq = 2")
        else:
            self.refused(
                "INSERT INTO audit_entry SELECT * FROM audit_entry WHERE seq = 2 "
                "ON CONFLICT (seq) DO UPDATE SET body = excluded.body"
            )

    def test_installing_again_changes_nothing_and_missing_ones_are_named(self) -> None:
        triggers.install()
        assert triggers.missing() == []
        with triggers.lifted():
            assert len(triggers.missing()) == len(triggers.wanted(connection.vendor))
            assert "W001" in str(triggers.check(None, ["default"]))
            verdict = verification.verify()
            assert not verdict.ok
            assert "not guarded: the trigger audit_checkpoint_no_" in verdict.sentence
        assert triggers.check(None, ["default"]) == []
        assert verification.verify().ok


def tamper(statement: str) -> None:
    with triggers.lifted(), connection.cursor() as cursor:
        cursor.execute(statement)


TAMPERINGS = {
    "an edited body": ("UPDATE audit_entry SET body = replace(body, 'Planned 3', 'Planned 4') WHERE seq = 4", 4),
    "an edited hash": ("UPDATE audit_entry SET hash = prev WHERE seq = 3", None),
    "an edited time": ("UPDATE audit_entry SET at = '2020-01-01 00:00:00' WHERE seq = 5", 5),
    "an edited action": ("UPDATE audit_entry SET action = 'x' WHERE seq = 5", 5),
    "a deleted first entry": ("DELETE FROM audit_entry WHERE seq = 1", 1),
    "a deleted entry": ("DELETE FROM audit_entry WHERE seq = 6", 6),
    "a cut tail": ("DELETE FROM audit_entry WHERE seq > 7", 8),
    "a doubled entry": (
        "INSERT INTO audit_entry (seq, prev, hash, body, at, action) "
        "SELECT 11, prev, hash, body, at, action FROM audit_entry WHERE seq = 10",
        11,
    ),
    "a closed gap": ("UPDATE audit_entry SET seq = seq - 1 WHERE seq = 10 AND 1 = 0", 0),
}


@pytest.mark.django_db
class TestVerifying:
    @pytest.fixture(autouse=True)
    def _ten(self) -> None:
        append_some(10)

    def test_a_whole_chain_holds(self) -> None:
        verdict = verification.verify()
        assert (verdict.ok, verdict.rows, verdict.first_seq, verdict.last_seq) == (True, 10, 1, 10)

    @pytest.mark.parametrize(("statement", "wrong"), TAMPERINGS.values(), ids=TAMPERINGS.keys())
    def test_tampering_is_found_and_the_first_wrong_entry_named(self, statement: str, wrong: int | None) -> None:
        if wrong == 0:  # renumbering after a deletion
            tamper("DELETE FROM audit_entry WHERE seq = 9")
            statement, wrong = "UPDATE audit_entry SET seq = 9 WHERE seq = 10", 9
        tamper(statement)
        verdict = verification.verify()
        assert not verdict.ok
        assert verdict.first_wrong_seq == wrong if wrong else verdict.first_wrong_seq in (3, 4)
        assert str(verdict.first_wrong_seq) in verdict.sentence

    def test_two_entries_that_change_places_are_found(self) -> None:
        tamper("UPDATE audit_entry SET seq = 100 WHERE seq = 2")
        tamper("UPDATE audit_entry SET seq = 2 WHERE seq = 3")
        tamper("UPDATE audit_entry SET seq = 3 WHERE seq = 100")
        assert verification.verify().first_wrong_seq == 2

    def test_a_rewritten_end_differs_from_the_head(self) -> None:
        last = Entry.objects.get(seq=10)
        body = last.body.replace("Planned 9", "Planned 8")
        with triggers.lifted():
            Entry.objects.filter(seq=10).update(body=body, hash=digest(last.prev, body))
        assert verification.verify().first_wrong_seq == 10

    def test_any_changed_character_of_a_body_is_found(self) -> None:
        rng = random.Random(7)
        for _ in range(40):
            entry = Entry.objects.get(seq=rng.randint(1, 10))
            at = rng.randrange(len(entry.body))
            with triggers.lifted():
                Entry.objects.filter(pk=entry.pk).update(body=f"{entry.body[:at]}~{entry.body[at + 1 :]}")
            assert verification.verify().first_wrong_seq == entry.seq
            with triggers.lifted():
                Entry.objects.filter(pk=entry.pk).update(body=entry.body)
        assert verification.verify().ok

    def test_the_command_exits_one_when_the_chain_is_broken(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("verify_history")
        assert "10 entries" in capsys.readouterr().out
        tamper("DELETE FROM audit_entry WHERE seq = 6")
        with pytest.raises(SystemExit) as left:
            call_command("verify_history")
        assert left.value.code == 1
        assert "entry 6 is missing" in capsys.readouterr().err


@pytest.mark.django_db
def test_the_bytes_of_an_entry_are_for_good(align: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is made faster here, an entry of today has the hash that it had when its people came into it."""
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 3, 1, 10, 5, tzinfo=UTC))
    align.pk = 7
    told = AuditRecord(
        action="change.done",
        actor=None,
        context=context_of(align),
        subject="plan 7 change 1",
        sentence="QA → In Review",
        author=PersonCopy(id=3, name="Eli", email="eli@example.test", role="editor"),
        earlier=[PersonCopy(id=4, name="Pia", email="pia@example.test", role="admin")],
        event=event_fields(EVENT),
        data={"b": [1, None, "\u202e"], "a": {"y": 1.5, "x": True}},
    )
    with transaction.atomic():
        monkeypatch.setattr("alignadmin.audit.entries._listeners", [])  # there is no connector 7
        entry, nobodys = trail.record_all([told, replace(told, author=None, earlier=[])])
    assert '"people":{"author":{"email":"eli@example.test","id":3,"name":"Eli","role":"editor"},' in entry.body
    assert entry.hash == "c7a1691f7390ea014e664cacee5b9564a13aaf20a0fea6faedc1cd3c49f2fd58"
    assert '"people":null' in nobodys.body
    assert nobodys.hash == "6944c9591d1edad77d263d85d87b66c6a3439510f46d35c5f483d156a0739ced"
