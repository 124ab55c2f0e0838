"""What a site's terms and type ids mean as a pack is made: as the entries say, which its checker compares.

The tables are asked for what no entry says any more, since it has left into an archive; the pack names no entry then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from alignadmin.audit.models import Entry
from alignadmin.folding import fold
from connectors.history.mirror.terms import AS_PUBLISHED, Terms, ids_by_family
from connectors.models import TypeLabel
from connectors.models.connector import Connector
from connectors.ports.audited import TERMS_DECIDED, TERMS_LEARNED, TYPE_IDS_TAKEN

SAYING = (TERMS_LEARNED, TERMS_DECIDED, TYPE_IDS_TAKEN)
LONGEST = 255  # of a folded term, as the table keeps it
Said: TypeAlias = "tuple[Any, int | None]"  # what it means, and the entry that says so


@dataclass(kw_only=True)
class TermMeanings:
    """Of one connector: by folded term a type, and by family the ids of types."""

    labels: dict[str, Said] = field(default_factory=dict)
    type_ids: dict[str, Said] = field(default_factory=dict)

    @property
    def terms(self) -> Terms:
        own = {term: type_ for term, (type_, _) in self.labels.items()}
        ids = {family: meaning for family, (meaning, _) in self.type_ids.items()}
        return Terms(labels={**AS_PUBLISHED, **own}, type_ids=ids_by_family(ids))

    def told(self, connector: Connector) -> dict[str, Any]:
        """Of the manifest."""
        parts = {"labels": self.labels, "type_ids": self.type_ids}
        return {
            "connector": connector.slug,
            **{
                name: {key: {"means": means, "entry": seq} for key, (means, seq) in sorted(part.items())}
                for name, part in parts.items()
            },
        }


def meanings() -> dict[int, TermMeanings]:
    """Of every connector, by its key, under the head's lock."""
    found = {connector.pk: TermMeanings(type_ids=_unsaid(connector.type_ids)) for connector in Connector.objects.all()}
    for key, term, type_ in TypeLabel.objects.values_list("connector", "folded", "work_item_type"):
        found[key].labels[term] = type_, None
    for seq, action, body in (
        Entry.objects.filter(action__in=SAYING).order_by("seq").values_list("seq", "action", "body")
    ):
        _hear(found, seq, action, body)
    return found


def _unsaid(type_ids: Mapping[str, Any]) -> dict[str, Said]:
    return {family: (meaning, None) for family, meaning in type_ids.items()}


def _hear(found: Mapping[int, TermMeanings], seq: int, action: str, body: str) -> None:
    """What was altered so that it cannot be read says nothing: the chain names it."""
    try:
        said = json.loads(body)
        of_connector, data = found[said["connector"]["id"]], said["data"]
        if action == TYPE_IDS_TAKEN:
            of_connector.type_ids[data["family"]] = data["after"], seq
            return
        for label, meaning in data["terms"].items():
            of_connector.labels[fold(label)[:LONGEST]] = (
                (meaning["type"] if action == TERMS_LEARNED else meaning),
                seq,
            )
    except (ValueError, KeyError, TypeError, AttributeError):
        return


def terms_file(meanings_: Mapping[int, TermMeanings], connectors: Iterable[Connector]) -> list[dict[str, Any]]:
    return [meanings_[each.pk].told(each) for each in connectors if each.pk in meanings_]
