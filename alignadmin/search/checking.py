"""Comparing what the search finds with the tables that it is copied from, and making it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Q

from alignadmin.search.kinds import KINDS, SearchKind
from alignadmin.search.models import SearchName
from alignadmin.search.writing import compared, differences, reconcile


def find_differences() -> list[str]:
    """Sentences; nothing is written."""
    found = [
        sentence for kind in KINDS.values() for sentence in differences(*compared(kind, kind.names(Q()), _of(kind)))
    ]
    unknown = SearchName.objects.exclude(kind__in=KINDS).count()
    return [*found, *([f"{unknown} are of a kind that nothing is of."] if unknown else [])]


def rebuild() -> list[str]:
    """Write what differs, and return it. May be interrupted and run again."""
    SearchName.objects.exclude(kind__in=KINDS).delete()
    return [sentence for kind in KINDS.values() for sentence in reconcile(kind, kind.names(Q()), _of(kind))]


def _of(kind: SearchKind) -> Any:
    return SearchName.objects.filter(kind=kind.key)


def on_migrated(sender: AppConfig, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Connected to `post_migrate`: a database of before the search gets its names with the upgrade.

    No migration can do it, since those know no code of the rooms that have the names.
    """
    tables = set(connections[using].introspection.table_names())
    if SearchName._meta.db_table not in tables:
        return
    for kind in _of_tables(tables):  # each for itself: an upgrade may have been cut off between two
        if not _of(kind).exists():
            reconcile(kind, kind.names(Q()), _of(kind))


def _of_tables(tables: set[str]) -> Iterator[SearchKind]:
    return (kind for kind in KINDS.values() if kind.model._meta.db_table in tables)
