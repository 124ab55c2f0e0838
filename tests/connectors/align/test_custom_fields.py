"""Custom fields by label: what editmeta says, values in and out. The samples are those of Align's article."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.align.custom_fields import CustomFields
from connectors.align.errors import Malformed
from connectors.align.object_values import ValueRefused
from connectors.align.objects import OBJECTS
from tests.connectors.align.test_object_client import answering
from tests.support.scripted_server import Reply, Seen

IN_A_RECORD = {"customfield_90791": [{"value": "Monday", "id": 10}, {"value": "Tuesday", "id": 11}]}
EDITMETA: dict[str, Any] = {
    "customfield_90791": {
        "required": False,
        "schema": {"type": "option", "customId": 90791},
        "name": "KF Select List",
        "key": "customfield_90791",
        "allowedValues": [
            {"value": "Monday", "id": 11},
            {"value": "Tuesday", "id": 12},
            {"value": "Wednesday", "id": 13},
        ],
    }
}


def _other(number: int, name: str, kind: str, *, required: bool = False) -> dict[str, Any]:
    key = f"customfield_{number}"
    return {key: {"required": required, "schema": {"type": kind, "customId": number}, "name": name, "key": key}}


META = {
    **EDITMETA,
    **_other(1, "Cost code", "string", required=True),
    **_other(2, "Spend", "number"),
    **_other(3, "Agreed on", "date"),
    **_other(4, "Twice", "string"),
    **_other(5, "twice", "string"),
    **_other(6, "Something new", "hologram"),
}


def test_an_option_is_known_by_its_value_because_ids_differ() -> None:
    fields = CustomFields.from_json(EDITMETA)
    assert fields.values_in(IN_A_RECORD) == {"KF Select List": ["Monday", "Tuesday"]}
    assert fields.body_of({"kf select list": ["tuesday", "Wednesday"]}) == {
        "customfield_90791": [{"value": "Tuesday"}, {"value": "Wednesday"}]
    }
    assert fields.body_of({"KF Select List": "Monday"}) == {"customfield_90791": [{"value": "Monday"}]}


def test_values_are_sent_by_their_types() -> None:
    fields = CustomFields.from_json({"fields": META})
    when = datetime(2026, 3, 1, tzinfo=UTC)
    given = {"Cost code": "C-1", "Spend": 2.5, "Agreed on": when, "customfield_4": "x", "Something new": {"a": 1}}
    assert fields.body_of({**given, "KF Select List": None}) == {
        "customfield_1": "C-1",
        "customfield_2": 2.5,
        "customfield_3": "2026-03-01T00:00:00Z",
        "customfield_4": "x",
        "customfield_6": {"a": 1},
        "customfield_90791": None,
    }


@pytest.mark.parametrize(
    ("label", "value", "says"),
    [
        ("KF Select List", "Friday", "no option “Friday”. There are: Monday, Tuesday, Wednesday"),
        ("KF Select List", 11, "no option"),
        ("KF Select", "Monday", "Did you mean KF Select List"),
        ("Cost code", None, "is required"),
        ("Cost code", 5, "takes a text"),
        ("Spend", "5", "takes a number"),
        ("Agreed on", "2026-03-01", "takes a date"),
        ("Twice", "x", "2 custom fields are called"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_label(label: str, value: Any, says: str) -> None:
    with pytest.raises(ValueRefused, match=says) as refused:
        CustomFields.from_json(META).body_of({label: value})
    assert refused.value.field == label


def test_labels_that_repeat_and_fields_kept_inside_a_property_are_told_apart() -> None:
    record = {"id": 1, "customFields": {"customfield_4": "a", "CUSTOMFIELD_5": "b", "customfield_1": {"value": "c"}}}
    assert CustomFields.from_json(META).values_in(record) == {
        "customfield_4": "a",
        "customfield_5": "b",
        "Cost code": "c",
    }
    assert CustomFields.from_json(META).values_in({"customFields": None}) == {}
    with pytest.raises(Malformed):
        CustomFields.from_json([])


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("status", [404, 400])
def test_either_address_of_editmeta_is_taken(status: int) -> None:
    def of_one_alone(seen: Seen) -> Reply:
        if seen.path.endswith("/epics/editmeta"):
            return Reply(status=status, data={})
        return Reply(data=META if seen.path.endswith("/epics/1001/editmeta") else [{"id": 1001}])

    with answering(of_one_alone) as (client, server):
        assert "customfield_90791" in client.custom_fields(OBJECTS["epic"]).fields
        assert len(server.seen) == 3
        assert client.custom_fields(OBJECTS["epic"], 1001).labelled("KF Select List").options[0] == "Monday"
        assert client.custom_fields(OBJECTS["risk"]).fields == {}
        assert len(server.seen) == 5
