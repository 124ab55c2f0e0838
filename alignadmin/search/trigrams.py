"""The index of PostgreSQL that finds a part of a name; SQLite, and a database without the extension, read all names."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction

from alignadmin.search.models import SearchName

INDEX = "search_names_trigrams"


def on_migrated(sender: AppConfig, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Connected to `post_migrate`."""
    install(using)


def install(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether the index is there. pg_trgm is of PostgreSQL itself and a trusted extension, but a server may lack it."""
    own = connections[using]
    table = SearchName._meta.db_table
    if own.vendor != "postgresql" or table not in own.introspection.table_names():
        return False
    try:
        with transaction.atomic(using), own.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {INDEX} ON {table} USING gin (folded gin_trgm_ops)")
    except DatabaseError:
        return False
    return True
