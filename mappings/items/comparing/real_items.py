"""The items that Align has of issues: found by external keys in lots, else by reading a project's items once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from alignadmin.http.errors import BadRequest
from connectors.align.custom_fields import flat
from connectors.align.object_client import ObjectClient
from connectors.align.objects import OBJECTS
from connectors.align.query import Q, query_of
from connectors.align.query.checking import CUSTOM
from connectors.models import Project
from mappings.engine.item_differences import ComparedField, RealOutcome, differences
from mappings.engine.item_prediction import PARENT_FIELDS, ItemRules
from mappings.engine.items import PredictedItem
from mappings.items.prediction.issues import lots
from mappings.items.prediction.partners import one_of

OF_ITSELF = ("id", "externalId", "externalKey", "state", "processStepId")
Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RealItem:
    """What became of looking for one: with two, `ids` are those of both and nothing is compared."""

    outcome: RealOutcome
    ids: Sequence[int] = ()
    differences: Sequence[Mapping[str, str]] = ()

    def as_json(self) -> dict[str, Any]:
        return {"outcome": self.outcome.value, "ids": list(self.ids), "differences": list(self.differences)}


@dataclass(kw_only=True)
class RealItems:
    """Of one project, through a client that does not write. `filters`: levels whose filter the site took or refused."""

    objects: ObjectClient
    project: Project
    rules: ItemRules
    filters: dict[str, bool] = field(default_factory=dict)

    def beside(self, items: Sequence[PredictedItem], steps: Mapping[int, str]) -> list[RealItem]:
        """One for each of the items, in their order. Raises RemoteError."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for item in items:
            if item.level:
                wanted[item.level].add(item.issue.key)
            if item.parent:
                wanted[item.parent.level].add(item.parent.issue_key)
        found = {level: self._by_key(level, keys) for level, keys in sorted(wanted.items())}
        parents = {
            item.parent.issue_id: there[0]["id"]
            for item in items
            if item.parent and len(there := found[item.parent.level].get(item.parent.issue_key, [])) == 1
        }
        return [self._beside(item, found.get(item.level, {}), parents, steps) for item in items]

    def _beside(
        self,
        item: PredictedItem,
        found: Mapping[str, list[Record]],
        parents: Mapping[int, int],
        steps: Mapping[int, str],
    ) -> RealItem:
        if not item.level:
            return RealItem(outcome=RealOutcome.NOTHING_EXPECTED)
        records = found.get(item.issue.key, [])
        ids = [each["id"] for each in records]
        if len(records) != 1:
            return RealItem(outcome=RealOutcome.TWICE if records else RealOutcome.NOT_FOUND, ids=ids)
        told = differences(item, records[0], self._compared(item.level), parents, steps)
        outcome = RealOutcome.DIFFERS if told else RealOutcome.ALIKE
        return RealItem(outcome=outcome, ids=ids, differences=[asdict(each) for each in told])

    def _compared(self, level: str) -> list[ComparedField]:
        pairs = {each.align: each for each in reversed(self.rules.pairs.get(level, ())) if not each.stopped}
        return [
            ComparedField(
                key=each.align,
                name=each.align_name,
                names=dict(each.options.values()),
                what=each.target,
            )
            for each in reversed(pairs.values())
        ]

    # --- reading ------------------------------------------------------------------------------------------------------

    def records(self, level: str, keys: Iterable[str]) -> dict[str, list[Record]]:
        """What Align has of these issues, by their keys; one that it has not is left out. Raises RemoteError."""
        return self._by_key(level, keys)

    def _by_key(self, level: str, keys: Iterable[str]) -> dict[str, list[Record]]:
        asked = set(keys)
        found: dict[str, dict[int, Record]] = defaultdict(dict)
        for row in self._rows(level, sorted(asked)):
            key, id_ = row.get("externalKey"), row.get("id")
            if isinstance(key, str) and key in asked and isinstance(id_, int):
                found[key][id_] = flat(row)
        return {key: list(of.values()) for key, of in found.items()}

    def _rows(self, level: str, keys: Sequence[str]) -> Iterator[Record]:
        if not keys:
            return
        query = query_of(level).select(*self._selected(level))
        try:
            for lot in lots(keys):
                yield from list(self.objects.rows(query.where(one_of("externalKey", lot))))
            self.filters[level] = True
        except BadRequest:
            self.filters[level] = False
            program = self.project.programme_id
            has_program = program is not None and "programId" in OBJECTS[level].fields
            yield from self.objects.rows(query.where(Q("programId").eq(program)) if has_program else query)

    def _selected(self, level: str) -> list[str]:
        table = OBJECTS[level].fields
        parents = [name for (child, _), name in PARENT_FIELDS.items() if child == level]
        pairs = [each.align for each in self.rules.pairs.get(level, ()) if not each.stopped]
        usable = [name for name in pairs if name in table or name.lower().startswith(CUSTOM)]
        return list(dict.fromkeys((*OF_ITSELF, *parents, *usable)))
