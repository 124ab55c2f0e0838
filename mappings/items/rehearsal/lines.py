"""A predicted item as the rows that a rehearsal keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alignadmin.parsing import plain
from mappings.engine.item_prediction import ItemRules
from mappings.engine.item_values import shown_in_jira
from mappings.engine.items import PredictedItem
from mappings.items.comparing.real_items import RealItem
from mappings.models import Rehearsal, RehearsedIssue

LONGEST = 255


def rehearsed_issue(
    rehearsal: Rehearsal,
    position: int,
    item: PredictedItem,
    rules: ItemRules,
    steps: Mapping[int, str],
    real: RealItem | None,
) -> RehearsedIssue:
    issue = item.issue
    return RehearsedIssue(
        rehearsal=rehearsal,
        position=position,
        issue_key=issue.key[:LONGEST],
        type_name=plain(issue.type_name)[:LONGEST],
        status_name=plain(issue.status_name)[:LONGEST],
        title=plain(issue.title),
        level=item.level,
        parent_key=item.parent.issue_key[:LONGEST] if item.parent else "",
        parent_level=item.parent.level if item.parent else "",
        state=item.state,
        step_name="" if item.step is None else steps.get(item.step, f"step {item.step}")[:LONGEST],
        fields=_fields(item, rules),
        losses=[{"code": each.code.value, "sentence": each.sentence, "field": each.field} for each in item.losses],
        real=_storable(real.as_json()) if real else {},
    )


def _fields(item: PredictedItem, rules: ItemRules) -> list[dict[str, str]]:
    """Field by field in the order of the pairs, then where it lands; also those of which nothing arrives."""
    made = {each.key: each for each in item.fields}
    found: dict[str, dict[str, str]] = {}
    for pair in rules.pairs.get(item.level, ()):
        told = item.issue.title if pair.jira == "summary" else shown_in_jira(item.issue.values.get(pair.jira))
        field = made.get(pair.align)
        if (told or field) and pair.align not in found:
            shown = field.shown if field else ""
            found[pair.align] = {"key": pair.align, "name": pair.align_name, "source": pair.jira_name} | {
                "told": plain(told),
                "shown": shown,
            }
    for key, field in made.items():
        if key not in found:
            found[key] = {"key": key, "name": field.name, "source": field.source, "told": "", "shown": field.shown}
    return list(found.values())


def _storable(value: Any) -> Any:
    """What Align told may hold characters that no database keeps."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return {key: _storable(each) for key, each in value.items()} if isinstance(value, dict) else value
