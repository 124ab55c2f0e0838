"""Database triggers that refuse to change or delete what is only ever added to; each app names its tables.

They are installed after every migration: SQLite rebuilds a table to alter it and drops its triggers without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_protected: dict[str, str] = {}
ENTRIES = "audit_entry"
REFUSAL = "The audit trail is only ever added to."

SQLITE = {
    "no_update": "BEFORE UPDATE ON {table}",
    "no_delete": "BEFORE DELETE ON {table}",
}
# INSERT OR REPLACE deletes the old row without asking the delete trigger.
SQLITE_REPLACE = "BEFORE INSERT ON {{table}} WHEN EXISTS (SELECT 1 FROM {{table}} WHERE {key} = NEW.{key})"
POSTGRESQL = {
    "no_change": "BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW",
    "no_truncate": "BEFORE TRUNCATE ON {table} FOR EACH STATEMENT",
}
BODY = f"""
BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END """
FUNCTION = f"CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $${BODY}$$"
# As PostgreSQL keeps when a trigger fires: of each row or statement, before, and of which statements.
KINDS = {"no_change": 1 | 2 | 8 | 16, "no_truncate": 2 | 32}


def protect(table: str, *, key: str = "") -> None:
    """Register a table that is only ever added to. `key` is its primary key where we choose it, not the database."""
    _protected[table] = key


def tables() -> tuple[str, ...]:
    return tuple(_protected)


def wanted(vendor: str) -> dict[str, tuple[str, str]]:
    """The triggers there must be: name to (table, when)."""
    kinds = SQLITE if vendor == "sqlite" else POSTGRESQL
    found = {f"{table}_{kind}": (table, when) for table in _protected for kind, when in kinds.items()}
    if vendor == "sqlite":
        for table, key in ((table, key) for table, key in _protected.items() if key):
            found[f"{table}_no_replace"] = (table, SQLITE_REPLACE.format(key=key))
    return found


def install(using: str = DEFAULT_DB_ALIAS) -> None:
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    if connection.vendor == "sqlite":
        _drop_altered(connection)
    statements = [
        _create(connection.vendor, name, table, when)
        for name, (table, when) in wanted(connection.vendor).items()
        if table in tables
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(FUNCTION)
        for statement in statements:
            cursor.execute(statement)


def _create(vendor: str, name: str, table: str, when: str) -> str:
    timing = when.format(table=table)
    if vendor == "sqlite":
        return f"CREATE TRIGGER IF NOT EXISTS {name} {timing} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    return f"CREATE OR REPLACE TRIGGER {name} {timing} EXECUTE FUNCTION audit_refuse()"


def missing(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """The triggers that are not there, or are switched off, on tables that are."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    there = _there(connection)
    return sorted(
        name for name, (table, _) in wanted(connection.vendor).items() if table in tables and name not in there
    )


def _there(connection: BaseDatabaseWrapper) -> set[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'")
        return {name for (name,) in cursor.fetchall()}


def wrong(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """What is missing or does something else than to refuse, each in words."""
    connection = connections[using]
    lacking = missing(using)
    found = [f"the trigger {name} is missing" for name in lacking]
    altered = _altered_in_sqlite(connection) if connection.vendor == "sqlite" else _altered_in_postgresql(connection)
    return found + [f"{what} does something else" for what in altered if what.split()[-1] not in lacking]


def _altered_in_sqlite(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        there = dict(cursor.fetchall())
    should_be = {name: _create("sqlite", name, *rest) for name, rest in wanted("sqlite").items()}
    return [
        f"the trigger {name}"
        for name, statement in sorted(should_be.items())
        if name in there and there[name] != statement.replace("IF NOT EXISTS ", "")
    ]


def _drop_altered(connection: BaseDatabaseWrapper) -> None:
    """There is no CREATE OR REPLACE TRIGGER on SQLite."""
    with connection.cursor() as cursor:
        for name in _altered_in_sqlite(connection):
            cursor.execute(f"DROP TRIGGER {name.split()[-1]}")


def _altered_in_postgresql(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, relname, tgtype, tgqual IS NULL AND tgattr = '' AND tgenabled IN ('O', 'A'), proname"
            " FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid"
            " WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace"
        )
        there = {name: tuple(rest) for name, *rest in cursor.fetchall()}
        cursor.execute(
            "SELECT prosrc FROM pg_proc JOIN pg_language ON pg_language.oid = prolang WHERE proname = 'audit_refuse'"
            " AND pronamespace = current_schema()::regnamespace AND lanname = 'plpgsql' AND proconfig IS NULL"
        )
        bodies = [body for (body,) in cursor.fetchall()]
        cursor.execute("SHOW session_replication_role")
        role = cursor.fetchone()
    found = [
        f"the trigger {name}"
        for name, (table, _) in sorted(wanted("postgresql").items())
        if name in there and there[name] != (table, _kind(name, table), True, "audit_refuse")
    ]
    if there and bodies != [BODY]:
        found.append("the function audit_refuse")
    if role != ("origin",):
        found.append("the setting session_replication_role, which switches triggers off,")
    return found


def _kind(name: str, table: str) -> int:
    return KINDS[name.removeprefix(f"{table}_")]


@contextmanager
def lifted(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Without the triggers, for emptying the tables between two tests."""
    _drop(using, tables())
    try:
        yield
    finally:
        install(using)


@contextmanager
def lifted_from_entries(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """For what leaves into an archive, in the caller's transaction: after an error it is undone with all the rest."""
    _drop(using, (ENTRIES,))
    yield
    install(using)


def _drop(using: str, of: Sequence[str]) -> None:
    connection = connections[using]
    tables = set(connection.introspection.table_names()) & set(of)
    with connection.cursor() as cursor:
        for name, (table, _) in wanted(connection.vendor).items():
            if table in tables:
                suffix = "" if connection.vendor == "sqlite" else f" ON {table}"
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{suffix}")


def on_migrated(sender: AppConfig, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Connected to `post_migrate` of each app that has such tables."""
    install(using)


def check(app_configs: Any, databases: Sequence[str] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """A warning, not an error: an error would stop the very migration that installs them."""
    return [
        checks.Warning(
            f"The audit tables are not guarded: {'; '.join(found)}.",
            hint="Run `manage.py migrate`, then `manage.py verify_history`.",
            id="connectors.W001",
        )
        for alias in databases or []
        if (found := wrong(alias))
    ]
