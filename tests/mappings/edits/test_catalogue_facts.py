"""What a process keeps of a catalogue counts until any statement writes there, whoever makes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alignadmin.accounts.models import Person, Role
from connectors.catalogue.stamps import OF_CONNECTORS, REACHED
from connectors.models import CatalogueStamp, Connector, Project, Status, TypeMatch
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)
MATRIX = "/connectors/acme/mappings/"


def test_what_another_connection_writes_is_on_the_next_page(
    connector: Connector, signed_in: Callable[[Role], Client]
) -> None:
    client = signed_in(Role.EDITOR)

    def html() -> str:
        return client.get(MATRIX, {"scope": "PROJ"}).content.decode()

    assert "In Review" in html()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("UPDATE connectors_status SET name = 'Renamed elsewhere' WHERE jira_id = 10013")
            assert "Renamed elsewhere" in html()
            cursor.execute("DELETE FROM connectors_reachablestatus")
    finally:
        other.close()
    assert "No Jira status is reachable" in html() or "Unused" in html()


def test_the_second_page_asks_nothing_of_the_catalogue(
    connector: Connector, signed_in: Callable[[Role], Client]
) -> None:
    client = signed_in(Role.EDITOR)
    client.get(MATRIX, {"scope": "PROJ"})
    with CaptureQueriesContext(connection) as queries:
        client.get(MATRIX, {"scope": "PROJ"})
    asked = [query["sql"] for query in queries if "stamp" not in query["sql"]]
    tables = ("connectors_reachablestatus", "connectors_issuetype", "connectors_processstep", "connectors_status")
    assert not [sql for sql in asked if sql.split(" FROM ")[-1].startswith(tuple(f'"{table}"' for table in tables))]


@pytest.mark.parametrize("table", [*OF_CONNECTORS, REACHED])
def test_each_statement_that_writes_to_a_catalogue_makes_a_new_stamp(connector: Connector, table: str) -> None:
    """Whoever makes it: in SQL, as somebody past the product would."""
    TypeMatch.objects.create(connector=connector, work_item_type="story", issue_type_name="A")
    stamps = [stamp()]
    with transaction.atomic(), connection.cursor() as cursor:  # at whose end others' references to the row are checked
        cursor.execute(f"SELECT * FROM {table} ORDER BY id DESC LIMIT 1")
        columns, row = [column[0] for column in cursor.description], list(cursor.fetchone())
        cursor.execute(f"UPDATE {table} SET id = id WHERE id = %s", [row[0]])
        stamps.append(stamp())
        cursor.execute(f"DELETE FROM {table} WHERE id = %s", [row[0]])
        stamps.append(stamp())
        marks = ", ".join(["%s"] * len(row))
        cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", row)
        stamps.append(stamp())
    assert len(set(stamps)) == len(stamps)


@pytest.mark.parametrize("has_stamp", [True, False])
@pytest.mark.parametrize("what", ["upsert", "ignore"])
def test_a_statement_that_meets_a_conflict_of_its_own_makes_a_new_stamp_too(
    connector: Connector, what: str, has_stamp: bool
) -> None:
    before = stamp()
    if not has_stamp:
        CatalogueStamp.objects.all().delete()
    known = Status.objects.filter(connector=connector)[0]
    rows = [Status(connector=connector, jira_id=id_, name="New", category="doing") for id_ in (known.jira_id, 77_777)]
    if what == "ignore":
        Status.objects.bulk_create(rows, ignore_conflicts=True)
    else:
        keys = ["connector", "jira_id"]
        Status.objects.bulk_create(rows, update_conflicts=True, unique_fields=keys, update_fields=["name"])
    assert Status.objects.filter(connector=connector, jira_id=77_777).exists()
    assert stamp() not in (before, "")


def test_a_connector_is_deleted_with_its_stamp_and_another_keeps_its_own(connector: Connector, admin: Person) -> None:
    other = factories.connector("http://127.0.0.1:9", actor=admin, slug="other", align_id=77)
    Project.objects.create(connector=other, jira_id=1, key="ONE", name="One")
    before, mine = stamp(), CatalogueStamp.objects.get(connector=other).value
    Project.objects.filter(connector=other).delete()
    assert CatalogueStamp.objects.get(connector=other).value != mine
    assert stamp() == before


def stamp() -> str:
    return CatalogueStamp.objects.order_by("pk").values_list("value", flat=True)[0]
