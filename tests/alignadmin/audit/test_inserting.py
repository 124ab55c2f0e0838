"""Rows inserted in plain SQL are the rows Django would have stored, few or many, on either database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from alignadmin.audit.bulk_insert import FEW, MOST_VALUES, insert
from alignadmin.audit.models import Entry
from connectors.models import Connector, HistoryRow, Intake, IntakeRun, MirrorLine, Source
from tests.support import factories
from tests.support.pack_helpers import connector

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2)))
HOSTILE = '\\N \\. \t\r\n\'"%s {a,"b"} \u202e=1+1 \U0001f600 \\x00 ' + "é" * 10_000
MANY = MOST_VALUES // len(HistoryRow._meta.concrete_fields) + 1  # more than one statement


@pytest.fixture(name="connector")
def acme(db: None) -> Connector:
    return connector()


def rows(connector: Connector, count: int) -> list[HistoryRow]:
    return [
        HistoryRow(
            at=AT + timedelta(seconds=number),
            connector=connector if number % 2 else None,
            source=Source.OUTSIDE,
            action="updated",
            object_id=None if number % 3 else 10**15 + number,
            object_name=HOSTILE if number < 3 else "",
            project_stated=bool(number % 2),
            entry_seq=number,
            candidates=["A", 'B"\\', HOSTILE] if number < 3 else [],
            text="words",
        )
        for number in range(count)
    ]


def stored() -> list[dict[str, Any]]:
    return [{**each, "id": 0} for each in HistoryRow.objects.order_by("entry_seq").values()]


@pytest.mark.parametrize("count", [0, 1, FEW, FEW + 1, MANY])
def test_what_is_stored_is_what_django_would_have_stored(connector: Connector, count: int) -> None:
    made = insert(rows(connector, count))
    ours = stored()
    assert len(ours) == count
    for each in made:
        each.refresh_from_db(fields=["entry_seq"])
    assert [each.entry_seq for each in made] == list(range(count))
    assert not any(each._state.adding for each in made)
    HistoryRow.objects.all().delete()
    HistoryRow.objects.bulk_create(rows(connector, count))
    assert stored() == ours


def test_a_key_of_its_own_is_kept_and_the_next_one_of_the_database_is_free(connector: Connector) -> None:
    assert [each.pk for each in insert([entry(number) for number in (3, 4)])] == [3, 4]
    keys = [each.pk for each in insert(rows(connector, FEW + 5))]
    after = HistoryRow.objects.create(at=AT, source=Source.OURS, action="plan.made")
    assert keys == sorted(set(keys))
    assert after.pk not in keys


@pytest.mark.parametrize("count", [2, FEW + 1])
def test_times_that_django_sets_are_set_and_a_second_one_of_a_kind_is_refused(connector: Connector, count: int) -> None:
    before = datetime.now(UTC)
    run = factories.intake_run(connector)
    insert([mirrored(run, number) for number in range(count)])
    assert all(before <= at <= datetime.now(UTC) for at in MirrorLine.objects.values_list("recorded_at", flat=True))
    with pytest.raises(IntegrityError), transaction.atomic():
        insert([mirrored(run, number) for number in range(count)])
    assert MirrorLine.objects.count() == count


def entry(number: int) -> Entry:
    return Entry(seq=number, prev="0" * 64, hash="1" * 64, body=HOSTILE, at=AT, action="plan.made")


def mirrored(run: IntakeRun, number: int) -> MirrorLine:
    return MirrorLine(
        connector=run.connector,
        run=run,
        type="CONFIG 123",
        user="Jira Align System",
        at=AT,
        description=HOSTILE,
        digest=str(number),
        intake=Intake.PASTE,
    )
