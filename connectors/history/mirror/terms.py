"""Which work item type a line of Align's log is about, on a site that may call it by a term of its own.

The type id is in the sentences that tell a creation, and says it whatever the term is: of a change of ours it is the id
that we sent. All others have the term alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alignadmin.folding import fold
from connectors.align.audit_sentences import TYPE_IDS, WORK_ITEM_TYPES, MappingEvent
from connectors.models import TypeLabel
from connectors.models.connector import Connector


@dataclass(frozen=True, kw_only=True)
class Terms:
    """`labels`: a folded term to the type (story) it means; `type_ids`: by family, an id to its type."""

    labels: Mapping[str, str]
    type_ids: Mapping[str, Mapping[int, str]]

    def type_of(self, event: MappingEvent) -> str:
        """feature, story, task or defect; the folded term where nobody knows what it means."""
        by_id = self.by_id(event)
        term = fold(event.work_item_type)
        return by_id or self.labels.get(term) or term

    def by_id(self, event: MappingEvent) -> str:
        return "" if event.type_id is None else self.type_ids[event.family].get(event.type_id, "")


def ids_by_family(overrides: Mapping[str, Mapping[str, int]]) -> dict[str, dict[int, str]]:
    tables = {code: {**table, **overrides.get(code, {})} for code, table in TYPE_IDS.items()}
    return {code: {id_: type_ for type_, id_ in table.items()} for code, table in tables.items()}


AS_PUBLISHED = {fold(name): name.lower() for name in WORK_ITEM_TYPES}
PUBLISHED = Terms(labels=AS_PUBLISHED, type_ids=ids_by_family({}))


def terms_of(connector: Connector) -> Terms:
    """The connector's own; a term that a person says is no work item type's means none."""
    own = dict(TypeLabel.objects.filter(connector=connector).values_list("folded", "work_item_type"))
    return Terms(labels={**AS_PUBLISHED, **own}, type_ids=ids_by_family(connector.type_ids))
