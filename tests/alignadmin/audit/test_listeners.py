"""What follows from entries: told in the transaction of the act, which it can undo, and not without end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db import connection, transaction

from alignadmin.audit import entries as chain
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, Listener, lock_head, on_appended
from alignadmin.audit.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> list[Listener]:
    """In the place of the product's."""
    own: list[Listener] = []
    monkeypatch.setattr(chain, "_listeners", own)
    return own


def named(sentence: str) -> AuditRecord:
    return AuditRecord(action="person.added", actor=None, subject="p", sentence=sentence)


def test_it_is_told_in_order_with_the_head_moved_and_locked(own: list[Listener]) -> None:
    told: list[tuple[int, int]] = []

    def listen(entries: Sequence[Entry]) -> None:
        assert connection.in_atomic_block
        told.extend((each.seq, lock_head().seq) for each in entries)

    on_appended(listen)
    first, second = trail.record_all([named("one"), named("two")])
    assert told == [(first.seq, second.seq), (second.seq, second.seq)]


def test_what_it_raises_undoes_the_act(own: list[Listener]) -> None:
    def refuse(entries: Sequence[Entry]) -> None:
        raise RuntimeError("no row can be made")

    on_appended(refuse)
    with pytest.raises(RuntimeError, match="no row"), transaction.atomic():
        trail.record(named("one"))
    assert not Entry.objects.exists()
    own.clear()
    assert trail.record(named("again")).seq == 1


def test_it_may_append_what_follows_and_no_more_from_that(own: list[Listener]) -> None:
    def once(entries: Sequence[Entry]) -> None:
        if entries[0].seq == 1:
            trail.record(named("what follows"))

    own.append(once)
    trail.record(named("one"))
    assert Entry.objects.count() == 2

    def twice(entries: Sequence[Entry]) -> None:
        if entries[0].seq < 5:
            trail.record(named("what follows from what follows"))

    own[:] = [twice]
    with pytest.raises(RuntimeError, match="without end"), transaction.atomic():
        trail.record(named("three"))
    assert Entry.objects.count() == 2

    def always(entries: Sequence[Entry]) -> None:
        trail.record(named("and so on"))

    own[:] = [always]
    with pytest.raises(RuntimeError, match="without end"), transaction.atomic():
        trail.record(named("three"))
    assert Entry.objects.count() == 2
    own.clear()
    assert trail.record(named("three")).seq == 3, "the depth is counted anew"
