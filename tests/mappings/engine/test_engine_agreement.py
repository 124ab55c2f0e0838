"""What differs between an issue and its item has one reason of the closed list, by what else is known of the two."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.engine.agreement import (
    REASONS,
    AgreementOutcome,
    ApartReason,
    BackMappings,
    PairFacts,
    WayThere,
    judge,
    reason_of_missing,
    usual_lag,
    with_lag,
)
from mappings.engine.item_differences import DifferenceReason, FieldDifference
from mappings.engine.items import IssueFacts, Loss, LossCode, PredictedItem

STATUS, OTHER = 10, 11
ISSUE = IssueFacts(
    id=1, key="PAY-1", project_id=1, type_id=1, type_name="Story", status_id=STATUS, status_name="Open", title="Pay"
)
UNMAPPED = Loss(code=LossCode.STATUS_NOT_MAPPED, sentence="No mapping.")
NO_WAY = WayThere(reason=ApartReason.NO_TRANSITION, sentence="No way.")


def differs(key: str = "state", sentence: str = "Elsewhere.") -> FieldDifference:
    reason = DifferenceReason.STATE_ELSEWHERE
    return FieldDifference(key=key, name=key, expected="a", actual="b", reason=reason, sentence=sentence)


def item(*losses: Loss) -> PredictedItem:
    return PredictedItem(issue=ISSUE, level="story", state=2, losses=losses)


@pytest.mark.parametrize(
    ("losses", "facts", "reason"),
    [
        ((), {"is_young": True, "goes_back": True}, ApartReason.NOT_CARRIED_YET),
        ((), {"waits_for_import": True}, ApartReason.NOT_CARRIED_YET),
        ((), {"goes_back": True}, ApartReason.NO_MAPPING_THERE),
        ((UNMAPPED,), {"goes_back": True}, ApartReason.NO_MAPPING_THERE),  # Align was changed last: else it were 0
        ((), {"goes_back": True, "wanted": {"state": OTHER}, "ways": {"state": NO_WAY}}, ApartReason.NO_TRANSITION),
        (
            (),
            {"goes_back": True, "wanted": {"state": OTHER}, "ways": {"state": WayThere(leads=True)}},
            ApartReason.CHANGED_BY_HAND,
        ),
        (
            (),
            {
                "goes_back": True,
                "wanted": {"state": OTHER},
                "ways": {"state": WayThere(leads=True)},
                "item_changed_last": True,
            },
            ApartReason.REFUSED_THERE,
        ),
        ((), {"goes_back": True, "wanted": {"state": STATUS}}, ApartReason.CHANGED_BY_HAND),  # the mappings bounce
        ((UNMAPPED,), {"goes_back": True, "wanted": {"state": STATUS}}, ApartReason.NO_MAPPING_HERE),
        ((UNMAPPED,), {}, ApartReason.NO_MAPPING_HERE),
        ((), {}, ApartReason.CHANGED_BY_HAND),  # a level that Align does not move issues of
    ],
)
def test_a_state_that_stands_apart_has_a_reason(
    losses: tuple[Loss, ...], facts: dict[str, Any], reason: ApartReason
) -> None:
    (found,) = judge([differs()], item(*losses), PairFacts(**facts))
    assert found.reason is reason
    assert found.sentence
    assert found.as_json()["reason"] == reason.value


@pytest.mark.parametrize("code", list(LossCode))
def test_what_is_configured_loses_is_said_by_its_loss_however_young_it_is(code: LossCode) -> None:
    loss = Loss(code=code, sentence="Lost.", field="ownerId")
    (found,) = judge([differs("ownerId", "Lost.")], item(loss), PairFacts(is_young=True))
    assert found.reason is not ApartReason.NOT_CARRIED_YET
    (other,) = judge([differs("title", "Elsewhere.")], item(loss), PairFacts(is_young=True))
    assert other.reason is ApartReason.NOT_CARRIED_YET


def test_state_and_step_stand_for_the_pair_before_fields_do() -> None:
    step = judge([differs("title"), differs("processStepId")], item(), PairFacts(step_refused="Not in use."))
    assert [(each.key, each.reason) for each in step] == [
        ("processStepId", ApartReason.REFUSED_HERE),
        ("title", ApartReason.CHANGED_BY_HAND),
    ]


def test_a_state_and_a_step_lead_to_statuses_each_by_its_own_mappings() -> None:
    back = BackMappings(levels=frozenset({"story"}), states={("story", 3): STATUS}, steps={("story", 7): OTHER})
    record = {"state": 3, "processStepId": 7}
    assert back.wanted("story", "processStepId", record) == OTHER
    assert back.wanted("story", "state", record) == STATUS
    assert back.wanted("story", "state", {"state": None}) is None
    assert back.wanted("defect", "state", record) is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"is_ours": True}, ApartReason.NOT_CARRIED_YET),
        ({"align_error": "No access"}, ApartReason.TOKEN),
        ({}, ApartReason.OUT_OF_SCOPE),
    ],
)
def test_an_item_that_is_not_there_has_a_reason(given: dict[str, Any], reason: ApartReason) -> None:
    told = {"is_ours": False, "align_error": "", **given}
    assert reason_of_missing(item(), PairFacts(), **told)[0] == reason
    required = item(Loss(code=LossCode.REQUIRED_EMPTY, sentence="Found in is required.", field="foundIn"))
    assert reason_of_missing(required, PairFacts(), is_ours=False, align_error="")[0] == ApartReason.REFUSED_HERE
    young = reason_of_missing(item(), PairFacts(is_young=True), is_ours=False, align_error="No access")
    assert young[0] == ApartReason.NOT_CARRIED_YET


def test_the_usual_lag_is_the_median_of_what_was_seen_and_never_too_short() -> None:
    assert usual_lag([], 300.0) == 300.0
    assert usual_lag([10.0, 400.0, 900.0], 300.0) == 400.0
    assert usual_lag([10.0], 300.0) == 300.0
    lags: list[float] = []
    for seconds in (-1.0, 5.0, 10**9, *range(60)):
        lags = with_lag(lags, seconds)
    assert lags == [float(each) for each in range(10, 60)]


def test_every_reason_and_outcome_has_its_words() -> None:
    assert all(each.label and REASONS[each].means and REASONS[each].mends for each in ApartReason)
    assert all(each.label for each in AgreementOutcome)
