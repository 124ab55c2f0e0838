"""Whether an item of Align and its issue of Jira agree, and where not, the one reason of a closed list. Pure.

What differs is told by .item_differences; here it is judged by what else is known: how long ago the issue changed,
where Align's state leads in Jira and whether anything leads there, and what either side is known to refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from statistics import median
from typing import Any, NamedTuple

from mappings.engine.item_differences import FieldDifference
from mappings.engine.items import LossCode, PredictedItem

LEAST_LAG = 300.0  # seconds that a change may take whatever was seen
MOST_LAGS = 50  # carry times that are kept
LONGEST_LAG = 86_400.0  # a carry time above is none: the item was changed by something else
STATE, STEP = "state", "processStepId"


class AgreementOutcome(StrEnum):
    """What comparing an issue with its item came to."""

    ALIKE = "alike"
    APART = "apart"
    NOT_FOUND = "not-found"
    TWICE = "twice"
    SEVERED = "severed"
    NOTHING = "nothing"  # it becomes nothing in Align, and has no item
    WAITS = "waits"  # it was announced and not compared yet

    @property
    def label(self) -> str:
        return _OUTCOMES[self]


_OUTCOMES = {
    AgreementOutcome.ALIKE: "Agrees",
    AgreementOutcome.APART: "Stands apart",
    AgreementOutcome.NOT_FOUND: "Not found in Align",
    AgreementOutcome.TWICE: "Found twice in Align",
    AgreementOutcome.SEVERED: "Link severed",
    AgreementOutcome.NOTHING: "Becomes nothing",
    AgreementOutcome.WAITS: "Not compared yet",
}
# Those that a person looks at.
LISTED = (AgreementOutcome.APART, AgreementOutcome.NOT_FOUND, AgreementOutcome.TWICE, AgreementOutcome.SEVERED)


class ApartReason(StrEnum):
    """Why an item and its issue do not agree. In the order in which one goes before another."""

    TYPE_NOT_MAPPED = "type-not-mapped"
    OUT_OF_SCOPE = "out-of-scope"
    TOKEN = "token"  # noqa: S105  # a reason, no secret
    NOT_CARRIED_YET = "not-carried-yet"
    NO_MAPPING_THERE = "no-mapping-there"
    NO_TRANSITION = "no-transition"
    REFUSED_THERE = "refused-there"
    REFUSED_HERE = "refused-here"
    NO_MAPPING_HERE = "no-mapping-here"
    USER_MISSING = "user-missing"
    OPTION_MISSING = "option-missing"
    CHANGED_BY_HAND = "changed-by-hand"

    @property
    def label(self) -> str:
        return REASONS[self].label


class ReasonWords(NamedTuple):
    """`page`: the address where it is mended; empty where that is in Jira or Align."""

    label: str
    means: str
    mends: str
    page: str = ""


REASONS: Mapping[ApartReason, ReasonWords] = {
    ApartReason.TYPE_NOT_MAPPED: ReasonWords(
        "Type not mapped",
        "The issue’s type, or its parent’s, stands for no level of Jira Align.",
        "Choose a level for the type.",
        "hierarchy",
    ),
    ApartReason.OUT_OF_SCOPE: ReasonWords(
        "Out of scope",
        "The issue, or its parent, is not among what is brought to Jira Align.",
        "Widen the scope, or leave the item as it is.",
        "import-scope",
    ),
    ApartReason.TOKEN: ReasonWords(
        "Token",
        "An account may not do or see what it takes.",
        "Give the account the right in the project, or renew its token.",
        "connector-credentials",
    ),
    ApartReason.NOT_CARRIED_YET: ReasonWords(
        "Not carried yet",
        "It was changed a moment ago, or nothing has carried it since.",
        "Wait for the usual lag; what no connector carries comes with the next import.",
    ),
    ApartReason.NO_MAPPING_THERE: ReasonWords(
        "No mapping to Jira",
        "Align’s state or step leads to no status of Jira.",
        "Map it from Align to Jira.",
        "matrix",
    ),
    ApartReason.NO_TRANSITION: ReasonWords(
        "No transition",
        "No transition of Jira leads from the issue’s status to the one that Align’s state stands for.",
        "Add the transition in Jira, or map the state to a status that can be reached.",
        "matrix",
    ),
    ApartReason.REFUSED_THERE: ReasonWords(
        "Jira refuses",
        "Jira does not let the issue go there: it is resolved, its type has no such status, or a condition is not met.",
        "Move the issue in Jira, or set Align’s state back.",
    ),
    ApartReason.REFUSED_HERE: ReasonWords(
        "Align refuses",
        "Align does not take the value: the process flow is not in use, a required field stays empty, or it cannot "
        "be read.",
        "Mend it in Jira Align, or the pair of fields.",
        "fields",
    ),
    ApartReason.NO_MAPPING_HERE: ReasonWords(
        "No mapping to Align",
        "The issue’s status, or a field, leads to nothing in Align.",
        "Map the status from Jira to Align, or mend the pair of fields.",
        "matrix",
    ),
    ApartReason.USER_MISSING: ReasonWords(
        "Missing user",
        "A person of the issue has no user in Jira Align.",
        "Read-only access for engineers mends it, a paid seat in Jira Align.",
    ),
    ApartReason.OPTION_MISSING: ReasonWords(
        "Missing option",
        "An option, sprint, release or team of the issue has no partner in Jira Align.",
        "Match the options, or create it in Jira Align under the same name.",
        "fields",
    ),
    ApartReason.CHANGED_BY_HAND: ReasonWords(
        "Changed by hand",
        "All is configured, and one side stands otherwise: it was changed there, or the configuration has changed "
        "since.",
        "Change one side, so that the next change carries it.",
    ),
}
_PLACES = {reason: place for place, reason in enumerate(ApartReason)}
_OF_LOSS = {
    LossCode.USER_MISSING: ApartReason.USER_MISSING,
    LossCode.OPTION_MISSING: ApartReason.OPTION_MISSING,
    LossCode.PARTNER_MISSING: ApartReason.OPTION_MISSING,
    LossCode.TYPE_NOT_MAPPED: ApartReason.TYPE_NOT_MAPPED,
    LossCode.PARENT_MISSING: ApartReason.OUT_OF_SCOPE,
    LossCode.REQUIRED_EMPTY: ApartReason.REFUSED_HERE,
    LossCode.VALUE_UNREADABLE: ApartReason.REFUSED_HERE,
    LossCode.PAIR_STOPPED: ApartReason.NO_MAPPING_HERE,
    LossCode.STATUS_NOT_MAPPED: ApartReason.NO_MAPPING_HERE,
}


@dataclass(frozen=True, kw_only=True)
class BackMappings:
    """From Align to Jira, as they are in force: a level with a state, or with a step, to the id of a status.

    `levels`: those that Align moves issues of; of others a state that was set in Align goes nowhere by design.
    """

    levels: frozenset[str] = frozenset()
    states: Mapping[tuple[str, int], int] = field(default_factory=dict)
    steps: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def wanted(self, level: str, key: str, record: Mapping[str, Any]) -> int | None:
        """The status that a state or a step of the item stands for."""
        value = record.get(key)
        table = self.steps if key == STEP else self.states
        return table.get((level, value)) if isinstance(value, int) else None


@dataclass(frozen=True, kw_only=True)
class WayThere:
    """Why an issue does not go to the status that its item stands for; without a reason nothing is known against it.

    `leads`: a transition there was seen.
    """

    reason: ApartReason | None = None
    sentence: str = ""
    leads: bool = False


@dataclass(frozen=True, kw_only=True)
class PairFacts:
    """What is known of one pair beside what differs.

    `is_young`: the issue changed more recently than the usual lag. `goes_back`: Align moves issues of this level.
    `wanted`: the status that Align's state or step stands for, by its key, and `ways` what leads there.
    `item_changed_last`: after the issue. `step_refused`: why Align does not take the step.
    `waits_for_import`: of a project of ours, the issue changed since it was sent last, and nothing else carries it.
    """

    is_young: bool = False
    goes_back: bool = False
    wanted: Mapping[str, int] = field(default_factory=dict)
    ways: Mapping[str, WayThere] = field(default_factory=dict)
    item_changed_last: bool = False
    step_refused: str = ""
    waits_for_import: bool = False


@dataclass(frozen=True, kw_only=True)
class JudgedDifference:
    """As a FieldDifference, with the reason of the closed list in the place of the comparison's."""

    key: str
    name: str
    expected: str
    actual: str
    reason: ApartReason
    sentence: str

    def as_json(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}


def judge(told: Sequence[FieldDifference], item: PredictedItem, facts: PairFacts) -> list[JudgedDifference]:
    """Each with its reason, the one that stands for the pair first."""
    found = [_judged(each, item, facts) for each in told]
    first = {STATE: 0, STEP: 1}
    return sorted(found, key=lambda each: (first.get(each.key, len(first)), _PLACES[each.reason]))


def _judged(each: FieldDifference, item: PredictedItem, facts: PairFacts) -> JudgedDifference:
    reason, sentence = _reason(each, item, facts)
    return JudgedDifference(
        key=each.key, name=each.name, expected=each.expected, actual=each.actual, reason=reason, sentence=sentence
    )


def _reason(each: FieldDifference, item: PredictedItem, facts: PairFacts) -> tuple[ApartReason, str]:
    """1. What is configured loses the value, whoever waits. 2. It may be on its way. 3. States and steps: where Align's
    leads in Jira, then where Jira's leads in Align. 4. Nothing else is known: one side was changed.
    """
    is_status = each.key in (STATE, STEP)
    loss = next((one for one in item.losses if one.field == each.key and one.sentence == each.sentence), None)
    if loss is not None and not is_status:
        return _OF_LOSS.get(loss.code, ApartReason.CHANGED_BY_HAND), loss.sentence
    if facts.is_young:
        return ApartReason.NOT_CARRIED_YET, "The issue changed more recently than changes usually take."
    if facts.waits_for_import:
        return ApartReason.NOT_CARRIED_YET, "The issue changed since it was imported; the next import carries it."
    if is_status:
        return _of_status(each, item, facts)
    return ApartReason.CHANGED_BY_HAND, each.sentence


def _of_status(each: FieldDifference, item: PredictedItem, facts: PairFacts) -> tuple[ApartReason, str]:
    if each.key == STEP and facts.step_refused:
        return ApartReason.REFUSED_HERE, facts.step_refused
    wanted, way = facts.wanted.get(each.key), facts.ways.get(each.key, WayThere())
    if facts.goes_back and wanted is None:
        said = f"{each.name} {each.actual or 'nothing'} of Align has no mapping to Jira, so the issue stayed."
        return ApartReason.NO_MAPPING_THERE, said
    if facts.goes_back and wanted != item.issue.status_id:
        if way.reason is not None:
            return way.reason, way.sentence
        if way.leads and facts.item_changed_last:
            said = "A transition leads there, and the issue did not take it: a condition or validator of its workflow."
            return ApartReason.REFUSED_THERE, said
    if any(loss.code is LossCode.STATUS_NOT_MAPPED for loss in item.losses) and each.key == STATE:
        return ApartReason.NO_MAPPING_HERE, f"Status {item.issue.status_name} has no mapping to Align."
    if facts.goes_back and wanted == item.issue.status_id:
        said = "Align’s value led to the issue’s status, and that status leads to another value: mappings bounce."
        return ApartReason.CHANGED_BY_HAND, said
    return ApartReason.CHANGED_BY_HAND, each.sentence


def reason_of_missing(item: PredictedItem, facts: PairFacts, *, is_ours: bool, align_error: str) -> tuple[str, str]:
    """Why Align has no item of an issue that becomes one, as a reason and a sentence."""
    if is_ours:
        return ApartReason.NOT_CARRIED_YET, "No import has brought it over yet."
    if facts.is_young:
        return ApartReason.NOT_CARRIED_YET, "The issue changed more recently than changes usually take."
    if align_error:
        return ApartReason.TOKEN, f"Align’s connector says of the project: {align_error}"
    required = next((each for each in item.losses if each.code is LossCode.REQUIRED_EMPTY), None)
    if required is not None:
        return ApartReason.REFUSED_HERE, required.sentence
    return ApartReason.OUT_OF_SCOPE, "Align’s connector has brought no item of it: it takes an issue with its changes."


def usual_lag(lags: Sequence[float], least: float = LEAST_LAG) -> float:
    """Seconds that a change takes from one side to the other: the median of those that were seen, or more."""
    return max(least, median(lags)) if lags else least


def with_lag(lags: Sequence[float], seconds: float) -> list[float]:
    """The last few carry times; one that is none is left out."""
    return [*lags, round(seconds, 1)][-MOST_LAGS:] if 0 <= seconds <= LONGEST_LAG else [*lags]
