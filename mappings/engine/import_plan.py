"""An import as plain values: its lines in the order of the hierarchy, warnings and fingerprint. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.align.states import ALIGN_STATES
from connectors.align.terminology import Terminology
from mappings.engine.hierarchy import DEPTHS
from mappings.engine.import_scope import Landing
from mappings.engine.item_prediction import NEEDS_PARENT
from mappings.engine.item_writes import NOTHING_TRIED, ItemWrites, shows
from mappings.engine.items import Loss, LossCode, PredictedItem

NOT_THERE = "Its parent {key} is no item of Align and none of this import, so it stands without a parent."
NEEDED = "Its parent {key} is no item of Align and none of this import. Without one, Align may refuse it."


@dataclass(frozen=True, kw_only=True)
class KnownItem:
    """The item that stands for an issue; `align_id` is None while nobody knows whether it was made."""

    align_id: int | None
    level: str
    sent: Mapping[str, Any]
    sent_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PlannedLine:
    """`act`: "create", "update", "link", "nothing" or "skip". `align_id`: of what is linked.

    `values`: of the request, without the parent. `later`: of an update right after a create. `losses` are those of the
    item, and what the plan itself found.
    """

    item: PredictedItem
    act: str
    values: Mapping[str, Any]
    parent_id: int | None
    losses: Sequence[Loss]
    detail: str = ""
    align_id: int | None = None
    later: Mapping[str, Any] = field(default_factory=dict)


def planned_lines(
    items: Iterable[PredictedItem],
    known: Mapping[int, KnownItem],
    there: Mapping[int, Sequence[int]] | None = None,
    writes: Mapping[str, ItemWrites] | None = None,
) -> list[PlannedLine]:
    """Parents first, then by Jira's id. `known`: by issue; also of parents that are no part of this import.

    `there`: by issue, ids of items that Align has by its key, of those that are not known here. `writes`: by level.
    """
    ordered = sorted(items, key=lambda each: (DEPTHS.get(each.level, len(DEPTHS)), each.issue.id))
    made = {each.issue.id for each in ordered if each.level}
    return [
        _line(each, known, made, (there or {}).get(each.issue.id, ()), (writes or {}).get(each.level, NOTHING_TRIED))
        for each in ordered
    ]


def _line(
    item: PredictedItem,
    known: Mapping[int, KnownItem],
    made: set[int],
    there: Sequence[int],
    writes: ItemWrites,
) -> PlannedLine:
    if not item.level:
        return PlannedLine(item=item, act="skip", values={}, parent_id=None, losses=item.losses)
    if len(there) > 1:
        said = (
            f"{len(there)} items of Align have its key, so nobody could say which is meant. Mend that in Align first."
        )
        return PlannedLine(item=item, act="skip", values={}, parent_id=None, losses=item.losses, detail=said)
    if there:
        said = "Align has an item with its key: it stands for it from now on, and the next import updates it."
        return PlannedLine(
            item=item, act="link", values={}, parent_id=None, losses=item.losses, detail=said, align_id=there[0]
        )
    parent, losses = item.parent, list(item.losses)
    has_item = parent is not None and (parent.issue_id in made or parent.issue_id in known)
    if parent is not None and not has_item:
        is_needed = item.level in NEEDS_PARENT
        said = (NEEDED if is_needed else NOT_THERE).format(key=parent.issue_key)
        code = LossCode.REQUIRED_EMPTY if is_needed else LossCode.PARENT_MISSING
        losses.append(Loss(code=code, sentence=said, field=parent.field))
    parent_id = parent.issue_id if parent is not None and has_item else None
    before = known.get(item.issue.id)
    status = _shows(item)
    if before is None or before.align_id is None:
        return PlannedLine(
            item=item,
            act="create",
            values=item.values({}) | writes.at_create(item.issue.key, status),
            later=writes.after_create(status),
            parent_id=parent_id,
            losses=losses,
        )
    if before.level != item.level:
        said = f"It is a {before.level} of Align, and would now be a {item.level}: an item’s type does not change."
        return PlannedLine(item=item, act="skip", values={}, parent_id=None, losses=losses, detail=said)
    later = {each.key: each.value for each in item.fields if not each.is_once} | writes.by_update(status)
    return PlannedLine(item=item, act="update", values=later, parent_id=parent_id, losses=losses)


def _shows(item: PredictedItem) -> dict[str, int]:
    """Nothing is sent for a status without a mapping: a new item shows 0, and one that is there keeps what it shows."""
    if any(each.code is LossCode.STATUS_NOT_MAPPED for each in item.losses):
        return {}
    return shows(item.state, item.step)


def _counted(levels: Mapping[str, int], called: Terminology) -> str:
    return ", ".join(f"{number:,} {called.name(level)}" for level, number in levels.items())


def changed_values(values: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Both as they are stored: what a request has to send of them."""
    return {key: value for key, value in values.items() if key not in sent or sent[key] != value}


def import_warnings(
    lines: Sequence[PlannedLine],
    landing: Landing,
    called: Terminology,
    writes: Mapping[str, ItemWrites] | None = None,
) -> list[str]:
    """What one tick says to have been read."""
    created = Counter(each.item.level for each in lines if each.act == "create")
    known = {level: (writes or {}).get(level, NOTHING_TRIED) for level in created}
    unmarked = {level: number for level, number in created.items() if not known[level].key}
    pending = {level: number for level, number in created.items() if not known[level].keeps_state}
    found = []
    if linked := sum(each.act == "link" for each in lines):
        found.append(
            f"{linked:,} of the issues have an item in Align already, by their keys: they are linked to it, and the "
            "next import brings what Jira has."
        )
    if unmarked:
        found.append(
            f"Only AlignAdmin knows which new item stands for which issue ({_counted(unmarked, called)}): no key of "
            "Jira is set in Align, as nothing confirms that its API takes one. A trial of an item would show it."
        )
    if created and landing.program_id is None:
        found.append(
            "No program is chosen where new items land, and Align may refuse an item without one. Choose it in step 7."
        )
    if pending:
        found.append(
            f"New items show 0 - {ALIGN_STATES[0]} at first ({_counted(pending, called)}): that Align’s API takes a "
            "state when an item is made is not confirmed, so none is sent. A trial of an item would show it."
        )
    lacking = sum(any(loss.code is LossCode.REQUIRED_EMPTY for loss in each.losses) for each in lines)
    if lacking:
        found.append(f"{lacking:,} of the items lack a field that Align requires: it may refuse them.")
    lossy = sum(bool(each.losses) for each in lines if each.act in ("create", "update"))
    if lossy:
        found.append(f"{lossy:,} of the items lose something on their way: each line says what.")
    if left := sum(each.act == "skip" for each in lines):
        found.append(f"{left:,} of the issues become nothing in Align.")
    return found


def import_fingerprint(project_id: int, lines: Iterable[Sequence[Any]]) -> str:
    """SHA-256 over the project and, of each line, what identifies and what is sent."""
    whole = hashlib.sha256(str(project_id).encode())
    for each in lines:
        whole.update(json.dumps(list(each), sort_keys=True, ensure_ascii=True).encode() + b"\n")
    return whole.hexdigest()
