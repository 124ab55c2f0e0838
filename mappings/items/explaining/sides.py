"""Both sides of an item field by field: what Jira has, what Align should show, what it shows, and why they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mappings.configuration.agreed import agreed_lines
from mappings.edits.names import Names
from mappings.engine.field_pairs import SUBJECT as FIELDS
from mappings.engine.field_pairs import FieldDirection, FieldPair
from mappings.engine.item_differences import shown, state_words
from mappings.engine.item_values import shown_in_jira
from mappings.fields.subject import pairs_of
from mappings.items.comparing.real_items import compared_fields
from mappings.items.explaining.reading import ItemReading


@dataclass(frozen=True, kw_only=True)
class SideLine:
    """One field on both sides. `expected`: what Align should show; `why`: what differs, or is lost.

    `is_alike` is None where there is nothing to compare it with.
    """

    name: str
    jira_name: str
    jira: str
    expected: str
    align: str
    carried: str
    why: Sequence[str]
    is_alike: bool | None


class ItemSides:
    """Of what was read. State, step and parent first, then each pair of fields of the level."""

    def __init__(self, found: ItemReading, names: Names) -> None:
        self.found, self.names = found, names

    @property
    def lines(self) -> list[SideLine]:
        found = self.found
        if found.issue is None and found.record is None:
            return []
        return [self._status_line(), self._step_line(), self._parent_line(), *self._field_lines()]

    def _why(self, key: str) -> list[str]:
        item = self.found.predicted
        told = [each.sentence for each in self.found.compared if each.key == key]
        lost = [each.sentence for each in item.losses if each.field == key] if item else []
        return list(dict.fromkeys((*told, *lost)))

    def _alike(self, key: str, *, has_expected: bool) -> bool | None:
        found = self.found
        if found.record is None or found.predicted is None or key not in found.record or not has_expected:
            return None
        return all(each.key != key for each in found.compared)

    def _status_line(self) -> SideLine:
        found = self.found
        item = found.predicted
        lost = [each.sentence for each in item.losses if each.code.value == "status-not-mapped"] if item else []
        expects = item is not None and bool(item.level)
        return SideLine(
            name="State",
            jira_name="Status",
            jira=found.issue.status_name if found.issue else "",
            expected=state_words(item.state) if item and expects else "",
            align=state_words(found.record.get("state")) if found.record else "",
            carried="by the mappings below",
            why=[*self._why("state"), *lost],
            is_alike=self._alike("state", has_expected=expects),
        )

    def _step_line(self) -> SideLine:
        item, record = self.found.predicted, self.found.record
        return SideLine(
            name="Process step",
            jira_name="Status",
            jira=self.found.issue.status_name if self.found.issue else "",
            expected=step_words(self.names, item.step) if item else "",
            align=step_words(self.names, record.get("processStepId")) if record else "",
            carried="by the mappings below",
            why=self._why("processStepId"),
            is_alike=self._alike("processStepId", has_expected=item is not None and item.step is not None),
        )

    def _parent_line(self) -> SideLine:
        found = self.found
        item = found.predicted
        parent = item.parent if item else None
        lost = [each.sentence for each in item.losses if each.code.value == "parent-missing"] if item else []
        here = found.record.get(parent.field) if parent and found.record else None
        known = found.parent_ids.get(parent.issue_id) if parent else None
        of_key = f"{self.found.connector.terminology.name(parent.level)} of {parent.issue_key}" if parent else ""
        return SideLine(
            name="Parent",
            jira_name="Parent",
            jira=(found.issue.parent_key or str(found.issue.parent_id or "")) if found.issue else "",
            expected=f"{of_key}, {known}" if known else of_key,
            align=shown(here),
            carried="by the hierarchy",
            why=[*(self._why(parent.field) if parent else ()), *lost],
            is_alike=self._alike(parent.field, has_expected=known is not None) if parent else None,
        )

    def _field_lines(self) -> list[SideLine]:
        """Each pair of the level, in their order; then those that go to Jira alone, which nothing here predicts."""
        found = self.found
        level = (found.predicted.level if found.predicted else "") or found.level
        if not level or found.rules is None:
            return []
        made = {each.key: each for each in found.predicted.fields} if found.predicted else {}
        compared = {each.key: each for each in compared_fields(found.rules, level)}
        lines, seen = [], set[str]()
        for pair in found.rules.pairs.get(level, ()):
            if pair.align in seen:
                continue
            seen.add(pair.align)
            issue, record, field = found.issue, found.record, made.get(pair.align)
            told = ""
            if issue is not None and found.seen_at is None:
                told = issue.title if pair.jira == "summary" else shown_in_jira(issue.values.get(pair.jira))
            has = record is not None and pair.align in record
            actual = compared[pair.align].shown(record[pair.align]) if record and has and pair.align in compared else ""
            is_known = found.seen_at is None and issue is not None and found.partners_known and not pair.stopped
            alike = self._alike(pair.align, has_expected=is_known)
            if alike and pair.target and field and actual:
                actual = f"{field.shown} ({actual})"
            lines.append(
                SideLine(
                    name=pair.align_name,
                    jira_name=pair.jira_name,
                    jira=told,
                    expected=field.shown if field and (is_known or field.source == "Summary") else "",
                    align=actual,
                    carried=f"{pair.direction.label}, {pair.type.value}",
                    why=self._why(pair.align),
                    is_alike=alike,
                )
            )
        return [*lines, *self._jira_only(level)]

    def _jira_only(self, level: str) -> list[SideLine]:
        pairs = [each for each in self._agreed_pairs(level) if each.direction is FieldDirection.TO_JIRA]
        return [
            SideLine(
                name=each.align,
                jira_name=each.jira,
                jira=shown_in_jira(self.found.issue.values.get(each.jira)) if self.found.issue else "",
                expected="",
                align=shown(self.found.record.get(each.align)) if self.found.record else "",
                carried=each.direction.label,
                why=(),
                is_alike=None,
            )
            for each in pairs
        ]

    def _agreed_pairs(self, level: str) -> list[FieldPair]:
        return pairs_of(agreed_lines(self.found.connector, FIELDS), level)


def step_words(names: Names, value: object) -> str:
    return names.steps.get(value, f"Step {value}") if isinstance(value, int) else ""
