"""Triggers that give a connector a new stamp (`CatalogueStamp`) with each statement that writes to its catalogue.

So what a process keeps of a catalogue is right whoever wrote it: another process, another version, or somebody past the
product. They are installed after every migration: SQLite rebuilds a table to alter it and drops its triggers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS, connections

from connectors.models import (
    CatalogueStamp,
    Connector,
    IssueType,
    ProcessFlow,
    ProcessStep,
    Project,
    ReachableStatus,
    Status,
    TypeMatch,
)

PROJECTS, STAMPS = Project._meta.db_table, CatalogueStamp._meta.db_table
REACHED = ReachableStatus._meta.db_table
OF_CONNECTORS = tuple(
    table._meta.db_table for table in (Project, Status, IssueType, TypeMatch, ProcessFlow, ProcessStep)
)
EVENTS = ("insert", "update", "delete")

# A row at a time, as SQLite has it. In two steps, neither of which can meet a conflict: what the outer statement does
# with one (OR IGNORE, DO UPDATE) goes for its triggers, too. After a deletion none is made: the connector may be gone.
SQLITE = "CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {make}{change} END"
SQLITE_MAKE = (
    f"INSERT INTO {STAMPS} (connector_id, value) SELECT id, '' FROM {Connector._meta.db_table} "  # noqa: S608  # nosec B608
    f"WHERE id = {{connector}} AND NOT EXISTS (SELECT 1 FROM {STAMPS} WHERE connector_id = {{connector}}); "
)
SQLITE_CHANGE = f"UPDATE {STAMPS} SET value = lower(hex(randomblob(16))) WHERE connector_id = {{connector}};"  # noqa: S608  # nosec B608

# A statement at a time: thousands of rows are stored with one, and each would leave a dead row of the stamp behind.
POSTGRESQL = (
    "CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {table} REFERENCING {rows} TABLE AS written "
    "FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
)
FUNCTION = "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
POSTGRESQL_MAKE = (
    f"INSERT INTO {STAMPS} (connector_id, value) SELECT id, gen_random_uuid()::text FROM ({{connectors}}) AS found "  # noqa: S608  # nosec B608
    "ORDER BY id ON CONFLICT (connector_id) DO UPDATE SET value = excluded.value;"
)
POSTGRESQL_CHANGE = f"UPDATE {STAMPS} SET value = gen_random_uuid()::text WHERE connector_id IN ({{connectors}});"  # noqa: S608  # nosec B608
CONNECTORS = "SELECT DISTINCT connector_id AS id FROM written"
CONNECTORS_REACHED = f"SELECT DISTINCT connector_id AS id FROM {PROJECTS} WHERE id IN (SELECT project_id FROM written)"  # noqa: S608  # nosec B608


def on_migrated(sender: AppConfig, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Connected to `post_migrate`."""
    install(using)


def install(using: str = DEFAULT_DB_ALIAS) -> None:
    connection = connections[using]
    there = set(connection.introspection.table_names())
    if not {STAMPS, REACHED, *OF_CONNECTORS} <= there:  # migrated to before there were any
        return
    with connection.cursor() as cursor:
        for statement in _in_sqlite() if connection.vendor == "sqlite" else _in_postgresql():
            cursor.execute(statement)


def name_of(table: str, event: str) -> str:
    return f"{table}_stamp_{event}"


def _in_sqlite() -> Iterator[str]:
    for event in EVENTS:
        row = "OLD" if event == "delete" else "NEW"
        reached = f"(SELECT connector_id FROM {PROJECTS} WHERE id = {row}.project_id)"  # noqa: S608  # nosec B608
        tables = {**dict.fromkeys(OF_CONNECTORS, f"{row}.connector_id"), REACHED: reached}
        for table, connector in tables.items():
            make = SQLITE_MAKE.format(connector=connector) if event != "delete" else ""
            change, name = SQLITE_CHANGE.format(connector=connector), name_of(table, event)
            yield f"DROP TRIGGER IF EXISTS {name}"
            yield SQLITE.format(name=name, event=event.upper(), table=table, make=make, change=change)


def _in_postgresql() -> Iterator[str]:
    for event in EVENTS:
        body = POSTGRESQL_CHANGE if event == "delete" else POSTGRESQL_MAKE
        for tables, kind, connectors in (
            (OF_CONNECTORS, "own", CONNECTORS),
            ((REACHED,), "reached", CONNECTORS_REACHED),
        ):
            function = f"catalogue_stamp_{kind}_{'gone' if event == 'delete' else 'written'}"
            yield FUNCTION.format(name=function, body=body.format(connectors=connectors))
            for table in tables:
                rows = "OLD" if event == "delete" else "NEW"
                yield POSTGRESQL.format(
                    name=name_of(table, event), event=event.upper(), table=table, rows=rows, function=function
                )
