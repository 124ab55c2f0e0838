"""The whole check of the history: nothing that falsifies it stays unfound, and nothing rightful is called wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from pytest_django import Settings

from alignadmin.audit import checkpoints, deliveries, standalone_checker, trail, triggers, verification
from alignadmin.audit.models import ChainHead, Checkpoint, Entry
from tests.alignadmin.audit.test_audit_trail import act, append_some
from tests.support import chain_mutations as mutations

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 10, 5, tzinfo=UTC)


def checkpoint(hour: int) -> Checkpoint:
    return checkpoints.make(checkpoints.HOUR, now=START + timedelta(hours=hour))


@pytest.fixture
def history(settings: Settings) -> mutations.History:
    """Entries with checkpoints between them, an empty hour and a change of the key, all of it delivered."""
    for hour in range(6):
        append_some(4 if hour != 2 else 0)
        checkpoint(hour)
    checkpoints.rotate()
    append_some(5)
    checkpoint(6)
    deliveries.deliver_due()
    return mutations.load()


@pytest.fixture
def copies(history: mutations.History, settings: Settings) -> standalone_checker.Copies:
    return standalone_checker.read_copies(Path(settings.CHECKPOINT_FOLDER))


@pytest.fixture
def lifted(history: mutations.History) -> Iterator[None]:
    with triggers.lifted():
        yield


def is_broken(verdict: verification.Verdict) -> bool:
    return verdict.sentence.startswith("The chain is broken")


def stored_verdict(changed: mutations.History) -> verification.Verdict:
    with transaction.atomic():
        mutations.store(changed)
        verdict = verification.verify()
        transaction.set_rollback(True)
    return verdict


def hunt(rounds: int, seed: int, history: mutations.History, copies: standalone_checker.Copies, folder: Path) -> None:
    """Every mutation is found in the database and in a pack."""
    rng = random.Random(seed)
    made_at = (START + timedelta(days=1)).isoformat()
    for number in range(rounds):
        mutation, changed = mutations.mutated(rng, history)
        label = f"{mutation.__name__}, number {number} of seed {seed}"
        assert is_broken(stored_verdict(changed)), label
        if mutation in mutations.EVERYWHERE:
            mutations.write_pack(changed, folder, made_at=made_at)
            assert not standalone_checker.check(folder, copies).ok, label


class TestMutations:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "pack"

    def test_the_history_that_is_falsified_holds(
        self, history: mutations.History, copies: standalone_checker.Copies, lifted: None, folder: Path
    ) -> None:
        assert not is_broken(stored_verdict(history.copy()))
        mutations.write_pack(history, folder, made_at=(START + timedelta(days=1)).isoformat())
        report = standalone_checker.check(folder, copies)
        assert (report.ok, report.entries, report.checkpoints) == (True, len(history.entries), len(copies.by_number))

    @pytest.mark.parametrize(
        "mutation", [*mutations.EVERYWHERE, *mutations.ONLY_STORED], ids=lambda each: each.__name__
    )
    def test_each_kind_is_found(
        self,
        mutation: mutations.Mutation,
        history: mutations.History,
        copies: standalone_checker.Copies,
        lifted: None,
        folder: Path,
    ) -> None:
        rng = random.Random(3)
        for _ in range(5):
            changed = history.copy()
            mutation(rng, changed)
            assert is_broken(stored_verdict(changed))
            if mutation in mutations.EVERYWHERE:
                mutations.write_pack(changed, folder, made_at=(START + timedelta(days=1)).isoformat())
                assert not standalone_checker.check(folder, copies).ok

    def test_a_share_of_random_ones_is_found(
        self, history: mutations.History, copies: standalone_checker.Copies, lifted: None, folder: Path
    ) -> None:
        hunt(150, 20260301, history, copies, folder)

    @pytest.mark.soak
    def test_ten_thousand_random_ones_are_found(
        self, history: mutations.History, copies: standalone_checker.Copies, lifted: None, folder: Path, seed: int
    ) -> None:
        hunt(10_000, seed, history, copies, folder)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_rightful_is_called_wrong(seed: int) -> None:
    rng = random.Random(seed)
    for step in range(30):
        acts: list[Callable[[], object]] = [
            lambda: append_some(rng.randint(1, 5)),
            lambda: checkpoint(step),  # noqa: B023  called at once
            lambda: checkpoints.make(checkpoints.PACK),
            checkpoints.rotate,
            deliveries.deliver_due,
        ]
        rng.choice(acts)()
        verdict = verification.verify()
        assert verdict.ok, verdict.sentence


class TestFirstWrong:
    def test_a_rewritten_stretch_is_named_by_the_checkpoints_around_it(
        self, history: mutations.History, lifted: None
    ) -> None:
        changed = history.copy()
        mutations.reword(random.Random(1), changed.entries[5])
        mutations.rehash(changed, 5)
        verdict = stored_verdict(changed)
        assert (verdict.first_wrong_seq, verdict.wrong_checkpoint) == (5, 2)
        assert "one of 5 to 8 is not what was written" in verdict.sentence

    def test_an_edited_entry_is_named_itself(self, history: mutations.History, lifted: None) -> None:
        changed = history.copy()
        mutations.reword(random.Random(1), changed.entries[5])
        assert stored_verdict(changed).first_wrong_seq == 6

    def test_an_end_that_was_cut_off_with_its_checkpoints_is_known_from_the_copies(
        self, history: mutations.History, lifted: None, settings: Settings, tmp_path: Path
    ) -> None:
        changed = history.copy()
        del changed.entries[12:]
        mutations.rehash(changed, 12)
        changed.checkpoints = [row for row in changed.checkpoints if row["seq"] <= 12]
        verdict = stored_verdict(changed)
        assert verdict.first_wrong_seq == 13
        assert "the end of the history was cut off" in verdict.sentence
        settings.CHECKPOINT_FOLDER = tmp_path / "none"
        without = stored_verdict(changed)
        assert not is_broken(without)
        assert "whether the end was cut off together with its checkpoints cannot be known" in without.sentence

    def test_a_key_of_somebody_else_is_known_without_copies(
        self, history: mutations.History, lifted: None, settings: Settings, tmp_path: Path
    ) -> None:
        settings.CHECKPOINT_FOLDER = tmp_path / "none"
        changed = history.copy()
        mutations.resign(changed, 3, mutations.foreign_key(changed))
        verdict = stored_verdict(changed)
        assert verdict.wrong_checkpoint == 4
        assert "signed by a key that the one before did not name" in verdict.sentence


class TestRemarks:
    def test_without_checkpoints_it_says_what_it_cannot_know(self) -> None:
        append_some(3)
        verdict = verification.verify()
        assert verdict.ok
        assert "There is no checkpoint yet" in verdict.sentence

    def test_entries_after_the_last_checkpoint_are_told(self, history: mutations.History) -> None:
        assert verification.verify().remarks == ()
        append_some(2)
        last = ChainHead.objects.get().seq
        assert verification.verify().remarks == (f"Entries {last - 1} to {last} wait for the next checkpoint.",)

    def test_hours_without_a_checkpoint_are_told(self, history: mutations.History, settings: Settings) -> None:
        settings.CHECKPOINT_INTERVAL = 3600.0
        checkpoint(12)
        deliveries.deliver_due()
        assert "5 hourly checkpoints were not made; the longest time without one is from 01 Mar 2026, 16:05" in (
            verification.verify().sentence
        )

    def test_copies_that_went_away_are_told(self, history: mutations.History, settings: Settings) -> None:
        next(Path(settings.CHECKPOINT_FOLDER).rglob("*.json")).unlink()
        verdict = verification.verify()
        assert verdict.ok
        assert "The folder lacks 1 checkpoints" in verdict.sentence

    def test_a_copy_that_is_no_checkpoint_is_wrong(self, history: mutations.History, settings: Settings) -> None:
        (Path(settings.CHECKPOINT_FOLDER) / "checkpoint-x.json").write_text("{}")
        assert "checkpoint-x.json, line 1, is not a checkpoint" in verification.verify().sentence


def test_the_command_compares_with_the_copies_it_is_given(
    history: mutations.History, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = settings.CHECKPOINT_FOLDER
    settings.CHECKPOINT_FOLDER = tmp_path / "none"
    call_command("verify_history")
    assert "No copies of checkpoints are at hand" in capsys.readouterr().out
    call_command("verify_history", checkpoints=folder)
    assert "No copies" not in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_the_triggers_stand_after_a_migration_that_rebuilds_the_tables() -> None:
    append_some(3)
    checkpoint(1)
    rebuild()
    if connection.vendor == "sqlite":
        assert len(triggers.missing()) == 6  # SQLite drops them with the old table, without a word
    call_command("migrate", verbosity=0)
    assert triggers.missing() == []
    assert verification.verify().ok


def rebuild() -> None:
    from django.db import models

    with connection.schema_editor() as editor:
        for model in (Entry, Checkpoint):
            extra = models.IntegerField(default=0)
            extra.set_attributes_from_name("extra")
            editor.add_field(model, extra)
            editor.remove_field(model, extra)


def test_a_check_reads_what_others_append_meanwhile(history: mutations.History) -> None:
    def go_on(rows: int) -> None:
        with transaction.atomic():
            trail.record_all([act(rows)])
        checkpoints.make(checkpoints.PACK)
        deliveries.deliver_due()

    chain_chunk = verification.CHUNK
    verification.CHUNK = 5
    try:
        verdict = verification.verify(go_on)
    finally:
        verification.CHUNK = chain_chunk
    assert verdict.ok, verdict.sentence
    assert verification.verify().ok
