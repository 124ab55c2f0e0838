"""The items that Align has of issues: found by external keys in lots, else by reading a project's items once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from alignadmin.http.errors import BadRequest
from connectors.align.custom_fields import flat
from connectors.align.object_client import ObjectClient
from connectors.align.objects import OBJECTS
from connectors.align.query import AlignQuery, Q, query_of
from connectors.align.query.checking import CUSTOM
from connectors.models import Project
from mappings.engine.item_differences import ComparedField, FieldDifference, RealOutcome, differences
from mappings.engine.item_prediction import PARENT_FIELDS, ItemRules
from mappings.engine.items import PredictedItem
from mappings.items.prediction.issues import Lotted, lots
from mappings.items.prediction.partners import one_of

OF_ITSELF = ("id", "externalId", "externalKey", "state", "processStepId", "isRecycled", "lastUpdatedDate")
MANY_MISSING = 10  # of a lot of a hundred
PAGE = 100  # records that a site gives at once, where it gives as many as are asked for
Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RealItem:
    """What became of looking for one: with two, `ids` are those of both and nothing is compared.

    `told`: what differs. `record`: the item as Align answered it, where it is one. `is_recycled`: all that were found
    are in Align's recycle bin, and were left out.
    """

    outcome: RealOutcome
    ids: Sequence[int] = ()
    told: Sequence[FieldDifference] = ()
    record: Record = field(default_factory=dict, repr=False)
    is_recycled: bool = False

    @property
    def differences(self) -> list[dict[str, str]]:
        return [asdict(each) for each in self.told]

    def as_json(self) -> dict[str, Any]:
        return {"outcome": self.outcome.value, "ids": list(self.ids), "differences": self.differences}


@dataclass(kw_only=True)
class RealItems:
    """Of one project, through a client that does not write. `filters`: levels whose filter the site took or refused.

    `linked`: issues by id whose items are known by their ids, and found by these. `leaves_out_recycled`: what is in
    Align's recycle bin counts as not found. `whole`: by level all that the project's programme has, read once where the
    site refuses the filter.
    """

    objects: ObjectClient
    project: Project
    rules: ItemRules
    linked: Mapping[int, int] = field(default_factory=dict)
    leaves_out_recycled: bool = False
    filters: dict[str, bool] = field(default_factory=dict)
    whole: dict[str, list[Record]] = field(default_factory=dict)

    def beside(self, items: Sequence[PredictedItem], steps: Mapping[int, str]) -> list[RealItem]:
        """One for each of the items, in their order. Raises RemoteError."""
        keys: dict[str, set[str]] = defaultdict(set)
        ids: dict[str, set[int]] = defaultdict(set)
        for item in items:
            if item.level and item.issue.id in self.linked:
                ids[item.level].add(self.linked[item.issue.id])
            elif item.level:
                keys[item.level].add(item.issue.key)
            if item.parent and item.parent.issue_id not in self.linked:
                keys[item.parent.level].add(item.parent.issue_key)
        found = {level: self._by_key(level, some) for level, some in sorted(keys.items())}
        known = {level: self.by_id(level, some) for level, some in sorted(ids.items())}
        parents = dict(self.linked)
        for parent in filter(None, (item.parent for item in items)):
            there = self._alive(found.get(parent.level, {}).get(parent.issue_key, ()))
            if parent.issue_id not in parents and len(there) == 1:
                parents[parent.issue_id] = there[0]["id"]
        return [self._beside(item, self._records(item, found, known), parents, steps) for item in items]

    def _records(
        self,
        item: PredictedItem,
        found: Mapping[str, Mapping[str, list[Record]]],
        known: Mapping[str, Mapping[int, Record]],
    ) -> Sequence[Record]:
        linked = self.linked.get(item.issue.id)
        if linked is None:
            return found.get(item.level, {}).get(item.issue.key, [])
        there = known.get(item.level, {}).get(linked)
        return [there] if there is not None else []

    def _beside(
        self,
        item: PredictedItem,
        records: Sequence[Record],
        parents: Mapping[int, int],
        steps: Mapping[int, str],
    ) -> RealItem:
        if not item.level:
            return RealItem(outcome=RealOutcome.NOTHING_EXPECTED)
        alive = self._alive(records)
        ids = [each["id"] for each in alive or records]
        if len(alive) != 1:
            outcome = RealOutcome.TWICE if alive else RealOutcome.NOT_FOUND
            return RealItem(outcome=outcome, ids=ids, is_recycled=bool(records) and not alive)
        told = differences(item, alive[0], compared_fields(self.rules, item.level), parents, steps)
        outcome = RealOutcome.DIFFERS if told else RealOutcome.ALIKE
        return RealItem(outcome=outcome, ids=ids, told=told, record=alive[0])

    # --- reading ------------------------------------------------------------------------------------------------------

    def records(self, level: str, keys: Iterable[str]) -> dict[str, list[Record]]:
        """What Align has of these issues, by their keys; one that it has not is left out. Raises RemoteError."""
        return self._by_key(level, keys)

    def _by_key(self, level: str, keys: Iterable[str]) -> dict[str, list[Record]]:
        asked = set(keys)
        found: dict[str, dict[int, Record]] = defaultdict(dict)
        for row in self._rows(level, "externalKey", sorted(asked)):
            key, id_ = row.get("externalKey"), row.get("id")
            if isinstance(key, str) and key in asked and isinstance(id_, int):
                found[key][id_] = flat(row)
        return {key: list(of.values()) for key, of in found.items()}

    def by_id(self, level: str, ids: Collection[int]) -> dict[int, Record]:
        """Those that Align has, by their ids. Raises RemoteError."""
        return {row["id"]: flat(row) for row in self._rows(level, "id", sorted(set(ids))) if row["id"] in ids}

    def _rows(self, level: str, field: str, values: Sequence[Lotted]) -> Iterator[Record]:
        if not values:
            return
        query = query_of(level).select(*selected_fields(self.rules, level))
        if level not in self.whole:
            try:
                # Where a full page may be asked for, one that is not full proves its end, else one more that is empty.
                size = PAGE - 1 if self.objects.gives_at_once(OBJECTS[level]) >= PAGE else PAGE
                for lot in lots(values, size):
                    yield from self._lot(query.where(one_of(field, lot)), field, lot)
                self.filters[level] = True
                return
            except BadRequest:
                self.filters[level] = False
                self.whole[level] = list(self.objects.rows(self._of_programme(query, level)))
        yield from self.whole[level]

    def _lot(self, query: AlignQuery, field: str, lot: Sequence[Lotted]) -> Sequence[Record]:
        """To the end of what the site is known to give at once. Where many are missing the site may give less by now,
        so one more page is asked for.
        """
        asked = query.top(len(lot)) if field == "id" else query  # there are no two of an id
        found = list(self.objects.rows(asked, to_the_end=False))
        if found and len(lot) - len({row.get(field) for row in found}) >= MANY_MISSING:
            found += self.objects.rows(query.skip(len(found)))
        return found

    def _of_programme(self, query: AlignQuery, level: str) -> AlignQuery:
        program = self.project.programme_id
        has_program = program is not None and "programId" in OBJECTS[level].fields
        return query.where(Q("programId").eq(program)) if has_program else query

    def _alive(self, records: Sequence[Record]) -> list[Record]:
        return [each for each in records if not self.leaves_out_recycled or each.get("isRecycled") is not True]


def compared_fields(rules: ItemRules, level: str) -> list[ComparedField]:
    """What is compared of an item of a level: each field that a pair writes, by the first pair that does."""
    pairs = {each.align: each for each in reversed(rules.pairs.get(level, ())) if not each.stopped}
    return [
        ComparedField(
            key=each.align,
            name=each.align_name,
            names=dict(each.options.values()),
            what=each.target,
        )
        for each in reversed(pairs.values())
    ]


def selected_fields(rules: ItemRules, level: str) -> list[str]:
    """What Align is asked of an item for a comparison."""
    table = OBJECTS[level].fields
    parents = [name for (child, _), name in PARENT_FIELDS.items() if child == level]
    pairs = [each.align for each in rules.pairs.get(level, ()) if not each.stopped]
    usable = [name for name in pairs if name in table or name.lower().startswith(CUSTOM)]
    own = [name for name in OF_ITSELF if name in table]
    return list(dict.fromkeys((*own, *parents, *usable)))
