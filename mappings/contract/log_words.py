"""How Align's own log calls the records of a type id that no type has: its word beside the id decides what it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alignadmin.folding import fold
from connectors.align.audit_sentences import stated_type
from connectors.history.mirror.terms import terms_of
from connectors.models import Connector, MirrorLine
from mappings.contract.reading import TYPE_IDS, Observation
from mappings.edits.reconciling import type_ids_of
from mappings.edits.unrecognised import LOG_WORDS
from mappings.engine.families import FAMILIES
from mappings.engine.values import TypeName

MOST_LINES = 200  # of one id: where the log says two things of it, they stand near each other


def observe_log_words(connector: Connector, seen: Iterable[Observation]) -> list[Observation]:
    """One observation for each family whose records have an id that is not in use; the value may be empty."""
    labels = terms_of(connector).labels
    found = []
    for each in seen:
        if each.name != TYPE_IDS:
            continue
        known = FAMILIES[each.family].with_type_ids(type_ids_of(connector, each.family)).values()
        words = {str(id_): _words(connector, each.family, id_, labels) for id_ in each.value if id_ not in known}
        value: Any = {id_: types for id_, types in words.items() if types}
        found.append(Observation(family=each.family, name=LOG_WORDS, value=value))
    return found


def _words(connector: Connector, family: str, type_id: int, labels: Mapping[str, str]) -> list[str]:
    lines = MirrorLine.objects.filter(connector=connector, description__contains=f"WorkItemTypeId: {type_id},")
    found = set()
    for description in lines.order_by("-at").values_list("description", flat=True)[:MOST_LINES]:
        stated = stated_type(description)
        if stated and stated.family == family and stated.id == type_id:
            found.add(labels.get(fold(stated.label), ""))
    return sorted(found & set(TypeName))
