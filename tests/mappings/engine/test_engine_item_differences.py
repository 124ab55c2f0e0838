"""An item as configured beside the one that Align has: what is alike, what is not, and by which of the reasons."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from mappings.engine.item_differences import ComparedField, DifferenceReason, comparable, differences
from mappings.engine.items import IssueFacts, Loss, LossCode, PredictedField, PredictedItem, PredictedParent

ISSUE = IssueFacts(
    id=1, key="PAY-1", project_id=1, type_id=1, type_name="Story", status_id=1, status_name="Open", title="Pay"
)
TITLE = PredictedField(key="title", name="Title", value="Pay", shown="Pay", source="Summary")
LANDED = PredictedField(key="programId", name="Program", value=11, shown="11", source="")
POINTS = PredictedField(key="points", name="Points", value=3, shown="3", source="Story points")
BELOW = PredictedParent(issue_id=9, issue_key="PAY-9", level="feature", field="featureId")
UNMAPPED = Loss(code=LossCode.STATUS_NOT_MAPPED, sentence="No mapping.")
NOBODY = Loss(code=LossCode.USER_MISSING, sentence="Nobody.", field="ownerId")
ASKED = [ComparedField(key=key, name=key) for key in ("title", "points", "ownerId", "programId")]


def item(**given: Any) -> PredictedItem:
    whole = {"level": "story", "fields": [TITLE, LANDED], "state": 2, "parent": BELOW}
    return PredictedItem(issue=ISSUE, **{**whole, **given})


def told(predicted: PredictedItem, **record: Any) -> dict[str, DifferenceReason]:
    whole = {"title": "Pay", "state": 2, "featureId": 90, "processStepId": 5, "points": None, "ownerId": None}
    found = differences(predicted, {**whole, **record}, ASKED, {9: 90}, {5: "Build"})
    assert all(each.sentence for each in found)
    return {each.key: each.reason for each in found}


@pytest.mark.parametrize(
    ("predicted", "record", "expected"),
    [
        (item(), {}, {}),
        (item(), {"programId": 12}, {}),  # it was moved since it landed, which is allowed
        (item(), {"state": 3}, {"state": DifferenceReason.STATE_ELSEWHERE}),
        (item(state=0, losses=[UNMAPPED]), {"state": 3}, {"state": DifferenceReason.NOT_CONFIGURED}),
        (item(step=6), {}, {"processStepId": DifferenceReason.STEP_ELSEWHERE}),
        (item(), {"featureId": 91}, {"featureId": DifferenceReason.PARENT_ELSEWHERE}),
        (item(), {"points": 5}, {"points": DifferenceReason.EMPTY_IN_JIRA}),
        (item(fields=[TITLE, POINTS]), {}, {"points": DifferenceReason.EMPTY_IN_ALIGN}),
        (item(fields=[TITLE, POINTS]), {"points": 5}, {"points": DifferenceReason.OTHER_VALUE}),
        (item(losses=[NOBODY]), {"ownerId": 7}, {"ownerId": DifferenceReason.LOST}),
        (item(losses=[NOBODY]), {}, {}),
    ],
)
def test_each_difference_has_one_of_the_reasons(
    predicted: PredictedItem, record: dict[str, Any], expected: dict[str, DifferenceReason]
) -> None:
    assert told(predicted, **record) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, []),
        (date(2026, 2, 28), "2026-02-28T00:00:00Z"),
        (datetime(2026, 2, 28, 23, 0, tzinfo=UTC), "2026-02-28T23:00:00Z"),
        ("<p>Pay <b>by</b> card &amp; cash</p>", "Pay by card & cash"),
        ([2, 1], [1, 2]),
        ([{"value": "Low"}], ["Low"]),
    ],
)
def test_what_people_would_call_the_same_is_alike(one: Any, other: Any) -> None:
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(("one", "other"), [("Pay", "pay"), (0, None), ([1], [1, 2]), (3, "3")])
def test_what_they_would_not_is_not(one: Any, other: Any) -> None:
    assert comparable(one) != comparable(other)


def test_ids_of_align_are_shown_by_their_names_or_by_what_they_are_of() -> None:
    priority = ComparedField(key="priority", name="Priority", names={"1": "1 (Highest)"})
    assert (priority.shown(1), priority.shown(9)) == ("1 (Highest)", "9")
    assert ComparedField(key="iterationId", name="Iteration", what="iteration").shown(2) == "iteration 2"
