"""The history compared with its entries and lines: every forgery is found, nothing rightful is called wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from connectors.audit import cases, verification
from connectors.audit.differences import Difference
from connectors.audit.trail import Act, append_many
from connectors.models import Connector, Person, Role
from tests.events import EVENT
from tests.test_audit_join import NOON, align, line, minutes, theirs, told

__all__ = ["align"]
pytestmark = pytest.mark.django_db


def differences() -> list[Difference]:
    """By every look, to its end."""
    found: list[Difference] = []
    for look in verification.looks():
        position, is_through = None, False
        while not is_through:
            page = look.page(position)
            found += page.found
            position = page.following
            is_through = position is None
    return found


def changes(connector: Connector, person: Person, count: int) -> None:
    with transaction.atomic():
        append_many(
            [
                Act(
                    action="change.done",
                    actor=person,
                    connector=connector,
                    subject="plan 1",
                    sentence=f"Change {number}.",
                    event=replace(EVENT, source_id=number),
                    plan=1,
                    project_key="PROJ",
                    reason="A reason.",
                    ticket="CHG-1",
                    happened_at=minutes(number),
                )
                for number in range(count)
            ]
        )


@pytest.fixture
def reviewer(people: dict[Role, Person]) -> Client:
    client = Client()
    client.force_login(people[Role.REVIEWER])
    return client


@pytest.fixture
def history(align: Connector, people: dict[Role, Person]) -> Connector:
    """Eighty changes, most of them in Align's log, with outside changes between them, one of them explained."""
    changes(align, people[Role.ADMIN], 80)
    theirs(
        align,
        *(told(replace(EVENT, source_id=number), minutes(number)) for number in range(70)),
        *(told(replace(EVENT, source_id=number), minutes(number)) for number in range(100, 110)),
        told(replace(EVENT, source_id=1), minutes(1.5)),
        line("Connector saved by hand", NOON + timedelta(days=1)),
    )
    first = cases.select(connector=align).last()
    assert first is not None
    cases.explain([first.pk], "A trial.", actor=people[Role.EDITOR])
    assert differences() == []
    return align


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


class TestTheExample:
    def test_a_forged_row_is_found_by_the_command(self, history: Connector, capsys: pytest.CaptureFixture[str]) -> None:
        sql("UPDATE connectors_historyrow SET person_name = 'Eli', after_name = 'Done' WHERE entry_seq = 73")
        with pytest.raises(SystemExit) as left:
            call_command("verify_history")
        assert left.value.code == 1
        said = capsys.readouterr().err
        assert "The chain holds" in said
        assert "2 differences" in said
        assert "The row of entry 73 differs from it: person name says “Eli”, the entry says “" in said
        assert "after name says “Done”" in said


# -- every column of every table ---------------------------------------------------------------------------------------
