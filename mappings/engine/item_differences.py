"""What an issue becomes by what is configured, beside the item that Align has for it: what differs, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from html import unescape
from re import compile as pattern
from typing import Any

from connectors.align.states import ALIGN_STATES
from mappings.engine.items import LossCode, PredictedItem

_MARKS = pattern(r"<[^<>]*>")
LONGEST_SHOWN = 300


class RealOutcome(StrEnum):
    """What looking for the item of an issue came to."""

    ALIKE = "alike"
    DIFFERS = "differs"
    NOT_FOUND = "not-found"
    TWICE = "twice"
    NOTHING_EXPECTED = "nothing-expected"  # it becomes nothing, and none was looked for

    @property
    def label(self) -> str:
        return _OUTCOMES[self]


_OUTCOMES = {
    RealOutcome.ALIKE: "As configured",
    RealOutcome.DIFFERS: "Differs",
    RealOutcome.NOT_FOUND: "Not found in Align",
    RealOutcome.TWICE: "Found twice in Align",
    RealOutcome.NOTHING_EXPECTED: "Becomes nothing",
}


class DifferenceReason(StrEnum):
    """Why the two are not alike; the closed list of what a comparison says."""

    LOST = "lost"  # what is configured here cannot carry Jira's value; the loss says why
    NOT_CONFIGURED = "not-configured"  # the status has no mapping here
    STATE_ELSEWHERE = "state-elsewhere"
    STEP_ELSEWHERE = "step-elsewhere"
    PARENT_ELSEWHERE = "parent-elsewhere"
    EMPTY_IN_JIRA = "empty-in-jira"
    EMPTY_IN_ALIGN = "empty-in-align"
    OTHER_VALUE = "other-value"

    @property
    def words(self) -> str:
        return _REASONS[self]


_REASONS = {
    DifferenceReason.LOST: "Jira’s value cannot be carried by what is configured here.",
    DifferenceReason.NOT_CONFIGURED: (
        "The status has no mapping here, and Align shows another state: it was set in Align, or mapped before."
    ),
    DifferenceReason.STATE_ELSEWHERE: (
        "The mapping says otherwise: the state was changed in Align, or the mapping since the status was set."
    ),
    DifferenceReason.STEP_ELSEWHERE: (
        "The mapping says otherwise: the step was changed in Align, or the mapping since the status was set."
    ),
    DifferenceReason.PARENT_ELSEWHERE: "Align has it below another item: it was moved on one side alone.",
    DifferenceReason.EMPTY_IN_JIRA: "Jira has no value, and Align has one: it was set in Align.",
    DifferenceReason.EMPTY_IN_ALIGN: "Align has no value: its connector does not carry this field, or not yet.",
    DifferenceReason.OTHER_VALUE: (
        "Both have a value: one was changed since, or Align’s connector takes it from another field."
    ),
}


@dataclass(frozen=True, kw_only=True)
class FieldDifference:
    """`expected` and `actual` for people. `sentence`: why."""

    key: str
    name: str
    expected: str
    actual: str
    reason: DifferenceReason
    sentence: str


@dataclass(frozen=True, kw_only=True)
class ComparedField:
    """What is looked at of an item. `key`: Align's. `names`: of values that are ids of options; `what`: of whose id
    the others are.
    """

    key: str
    name: str
    names: Mapping[str, str] = field(default_factory=dict)
    what: str = ""

    def shown(self, value: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            return self.names.get(str(value)) or f"{self.what} {value}".strip()
        return shown(value)


def differences(
    item: PredictedItem,
    record: Mapping[str, Any],
    asked: Sequence[ComparedField],
    parents: Mapping[int, int],
    steps: Mapping[int, str],
) -> list[FieldDifference]:
    """`record`: as Align answered it, its custom fields beside the others. `parents`: ids of issues to the items that
    Align has of them, as far as they were looked for. `steps`: names of process steps.
    """
    found = [*_of_status(item, record, steps), *_of_parent(item, record, parents)]
    expected = {each.key: each for each in item.fields}
    lost = {each.field: each for each in reversed(item.losses) if each.field and each.code is not LossCode.SHORTENED}
    for each in asked:
        wanted, actual = expected.get(each.key), record.get(each.key)
        value = wanted.value if wanted else None
        if each.key not in record or comparable(value) == comparable(actual) or (wanted and not wanted.source):
            continue
        loss = lost.get(each.key)
        if loss:
            reason = DifferenceReason.LOST
        elif value is None:
            reason = DifferenceReason.EMPTY_IN_JIRA
        else:
            empty = comparable(actual) is None
            reason = DifferenceReason.EMPTY_IN_ALIGN if empty else DifferenceReason.OTHER_VALUE
        found.append(
            FieldDifference(
                key=each.key,
                name=each.name,
                expected=(wanted.shown if wanted else "")[:LONGEST_SHOWN],
                actual=each.shown(actual),
                reason=reason,
                sentence=loss.sentence if loss else reason.words,
            )
        )
    return found


def _of_status(item: PredictedItem, record: Mapping[str, Any], steps: Mapping[int, str]) -> Iterator[FieldDifference]:
    state, step = record.get("state"), record.get("processStepId")
    if "state" in record and state != item.state:
        unmapped = any(each.code is LossCode.STATUS_NOT_MAPPED for each in item.losses)
        reason = DifferenceReason.NOT_CONFIGURED if unmapped else DifferenceReason.STATE_ELSEWHERE
        reason = DifferenceReason.EMPTY_IN_ALIGN if state is None else reason
        yield _difference("state", "State", state_words(item.state), state_words(state), reason)
    if "processStepId" in record and item.step is not None and step != item.step:
        actual = steps.get(step, str(step)) if isinstance(step, int) else ""
        wanted = steps.get(item.step, str(item.step))
        yield _difference("processStepId", "Process step", wanted, actual, DifferenceReason.STEP_ELSEWHERE)


def _of_parent(item: PredictedItem, record: Mapping[str, Any], parents: Mapping[int, int]) -> Iterator[FieldDifference]:
    """Nothing is said where nobody knows which item the parent is."""
    parent = item.parent
    if parent is None or parent.field not in record or parent.issue_id not in parents:
        return
    wanted, actual = parents[parent.issue_id], record[parent.field]
    if wanted != actual:
        shows = f"{parent.issue_key} ({wanted})"
        yield _difference(parent.field, "Parent", shows, shown(actual), DifferenceReason.PARENT_ELSEWHERE)


def _difference(key: str, name: str, expected: str, actual: str, reason: DifferenceReason) -> FieldDifference:
    return FieldDifference(key=key, name=name, expected=expected, actual=actual, reason=reason, sentence=reason.words)


def state_words(state: Any) -> str:
    """ "3 - Dev complete" """
    name = ALIGN_STATES.get(state) if isinstance(state, int) else None
    return f"{state} - {name}" if name else shown(state)


def comparable(value: Any) -> Any:
    """Alike where people would call them so: a date is its day, a text is its words, a list is what is in it."""
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, dict) and "value" in value:
        return comparable(value["value"])
    if isinstance(value, list | tuple):
        return tuple(sorted(str(comparable(each)) for each in value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        words = " ".join(unescape(_MARKS.sub(" ", value)).split())
        day = words[:10]
        return (day if len(words) >= 19 and _is_day(day) and words[10] == "T" else words) or None
    return value


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def shown(value: Any) -> str:
    """A value of Align for people."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return shown(value.get("value"))
    if isinstance(value, list):
        return ", ".join(map(shown, value))[:LONGEST_SHOWN]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(comparable(value) if isinstance(value, str) else value)[:LONGEST_SHOWN]
