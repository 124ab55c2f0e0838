"""How each list of a connector was answered last: kept beside what was stored of it, for the pages that show it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Model

from alignadmin.http.listing import Records, SetAside, aside_words
from connectors.models import Connector, ListState, RemoteList


def record_read(connector: Connector, began_at: datetime, aside: Mapping[RemoteList, Sequence[SetAside]]) -> None:
    """These lists were read and stored; what of each cannot be used is counted and said."""
    states = [
        ListState(
            connector=connector,
            name=name,
            read_at=began_at,
            set_aside=len(records),
            aside_words=aside_words(name.label, records),
        )
        for name, records in aside.items()
    ]
    _store(states, ["read_at", "error", "set_aside", "aside_words"])


def record_error(connector: Connector, name: RemoteList, sentence: str) -> None:
    """It could not be read, which stops nothing else; what was stored of it stays."""
    _store([ListState(connector=connector, name=name, error=sentence)], ["error"])


def _store(states: Sequence[ListState], fields: Sequence[str]) -> None:
    ListState.objects.bulk_create(
        states, update_conflicts=True, unique_fields=["connector", "name"], update_fields=fields
    )


def spared(table: type[Model], connector: Connector, key: str, records: Collection[Any], *names: str) -> set[int]:
    """Remote ids of what is stored and may be one of the records set aside, so that it is not taken for gone."""
    if not isinstance(records, Records) or not records.aside:
        return set()
    stored = table._default_manager.filter(connector=connector, vanished_at=None).values_list(key, *names)
    return {id_ for id_, *known in stored if records.may_hold(id_, *map(str, known))}
