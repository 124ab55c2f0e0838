"""How Align's lists call sources and targets: as its audit log will call them, whatever Jira or we call them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass, field

from connectors.align.audit_sentences import MappingEvent, write
from mappings.engine.plan import NamesInAlign
from mappings.models import Change, Mapping


@dataclass(kw_only=True)
class ListNames:
    """What one list says anywhere."""

    sources: dict[int, str] = field(default_factory=dict)
    targets: dict[int, str] = field(default_factory=dict)

    def of(self, mapping: Mapping) -> NamesInAlign:
        return NamesInAlign(records=records_of(mapping), sources=self.sources, targets=self.targets)


def names_in_lists(scopes: Collection[int]) -> MappingOf[int, ListNames]:
    """By scope id, as each list was read last."""
    found: dict[int, ListNames] = defaultdict(ListNames)
    rows = Mapping.objects.filter(scope_id__in=scopes, observed__isnull=False)
    for row in rows.only("scope_id", "source_id", "observed", "remote_id", "names_in_align"):
        source, target = records_of(row).get(row.remote_id or 0, ("", ""))
        if source:
            found[row.scope_id].sources[row.source_id] = source
        if target and row.observed is not None:
            found[row.scope_id].targets[row.observed] = target
    return found


def records_of(mapping: Mapping) -> dict[int, tuple[str, str]]:
    return {int(record): (source, target) for record, (source, target) in mapping.names_in_align.items()}


def expect_as_listed(change: Change, mapping: Mapping) -> None:
    """Expect the line that Align will write by the list that was just read: it may call a record otherwise by now."""
    planned = MappingEvent(**change.event)
    event = NamesInAlign(records=records_of(mapping)).as_listed(planned)
    if event != planned:
        change.event, change.expected_line = asdict(event), write(event)
