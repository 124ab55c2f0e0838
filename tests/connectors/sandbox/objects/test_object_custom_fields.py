"""Custom fields of objects: how they are shown, described and written, and that their options are numbered twice."""

from typing import Any

import pytest

from connectors.sandbox.objects import custom_fields
from connectors.sandbox.objects.objects import OBJECTS
from tests.connectors.sandbox.objects import object_helpers
from tests.connectors.sandbox.objects.object_helpers import Align, smallest

pytestmark = pytest.mark.usefixtures("network")
align = object_helpers.align
LIST = "customfield_90791"


def test_the_published_sample_is_answered_as_it_stands(align: Align) -> None:
    url = align("POST", "/epics", json=smallest(OBJECTS["epic"])).headers["Location"]
    assert align("PATCH", url, json={LIST: [{"value": "Monday"}, {"value": "Tuesday"}]}).status_code == 204
    assert align.rows(url)[LIST] == [{"value": "Monday", "id": 10}, {"value": "Tuesday", "id": 11}]
    for address in ("/epics/editmeta", "/epic/editmeta", "/epics/1001/editmeta"):
        assert align.rows(address)[LIST] == {
            "required": False,
            "schema": {"type": "option", "customId": 90791},
            "name": "KF Select List",
            "key": LIST,
            "allowedValues": [
                {"value": "Monday", "id": 11},
                {"value": "Tuesday", "id": 12},
                {"value": "Wednesday", "id": 13},
            ],
        }


def test_every_object_with_custom_fields_shows_each_kind_with_and_without_a_value(align: Align) -> None:
    for key in custom_fields.FIELDS:
        path = OBJECTS[key].path
        told = align.rows(f"/{path}/editmeta")
        rows = align.rows(f"/{path}")
        assert {each["schema"]["type"] for each in told.values()} == {"option", "string", "text", "number", "date"}
        for name, each in told.items():
            values = [row[name] for row in rows]
            assert any(value is not None for value in values), name
            assert each["required"] or any(value is None for value in values), name
            assert ("allowedValues" in each) == (each["schema"]["type"] == "option")
        assert [name for name in rows[0] if name.startswith("customfield_")] == list(told)
    assert "customfield_91306" not in align.rows("/features/editmeta")  # no longer active
    for address in ("/regions/editmeta", "/risks/1/editmeta"):
        assert align("GET", address).status_code == 404
    assert [align("GET", "/epics/9/editmeta").status_code, align("POST", "/epics/editmeta").status_code] == [404, 405]


def test_values_are_set_by_post_put_and_patch(align: Align) -> None:
    body = {**smallest(OBJECTS["epic"]), LIST: "Tuesday", "customFields": {"customfield_90794": 12.5}}
    url = align("POST", "/epics", json=body).headers["Location"]

    def shown() -> list[Any]:
        row = align.rows(url)
        return [[each["value"] for each in row[LIST] or []], *(row[f"customfield_9079{place}"] for place in (2, 4, 5))]

    assert shown() == [["Tuesday"], None, 12.5, None]
    patch = [
        {"op": "replace", "path": f"/{LIST}", "value": [{"id": 11}, {"id": 13}]},  # ids of editmeta
        {"op": "add", "path": "/customFields/customfield_90795", "value": "2026-05-01T02:00:00+02:00"},
        {"op": "add", "path": "/customfield_90792", "value": "K-7"},
    ]
    assert align("PATCH", url, json=patch).status_code == 204
    assert shown() == [["Monday", "Wednesday"], "K-7", 12.5, "2026-05-01T00:00:00Z"]
    assert align("PUT", url, json={**smallest(OBJECTS["epic"]), "customfield_90792": "K-8"}).status_code == 204
    assert shown() == [[], "K-8", None, None]


def test_who_sends_back_the_ids_of_a_get_sets_another_option(align: Align) -> None:
    """The trap: what is Tuesday in a GET is Monday in editmeta. With its value an option is what it says."""
    url = align("POST", "/epics", json={**smallest(OBJECTS["epic"]), LIST: ["Tuesday"]}).headers["Location"]
    (shown,) = align.rows(url)[LIST]
    align("PATCH", url, json={LIST: [{"id": shown["id"]}]})
    assert [each["value"] for each in align.rows(url)[LIST]] == ["Monday"]
    align("PATCH", url, json={LIST: [shown]})
    assert [each["value"] for each in align.rows(url)[LIST]] == ["Tuesday"]


def test_what_does_not_fit_is_refused(align: Align) -> None:
    for body, sentence in (
        ({LIST: "Sunday"}, "there are Monday, Tuesday, Wednesday"),
        ({LIST: [{"id": 10}]}, "no option"),
        ({"customfield_90792": 5}, "is a text"),
        ({"customfield_90794": "5"}, "is a number"),
        ({"customfield_90795": "soon"}, "is no date"),
        ({"customfield_1": "x"}, "customfield_1"),
        ({"customFields": ["x"]}, "customFields"),
    ):
        answer = align("PATCH", "/epics/1001", json=body)
        assert (answer.status_code, sentence in answer.text) == (400, True), answer.text
    defect = {**smallest(OBJECTS["defect"]), "customfield_91506": None}
    assert "Found in" in align("POST", "/defects", json=defect).text
    assert "customfield_91306" in align("PATCH", "/features/201", json={"customfield_91306": "x"}).text
    assert "customFields" in align("PATCH", "/regions/1", json={"customFields": {"customfield_1": 1}}).text


def test_they_can_be_selected_and_may_stand_in_a_property(network: None) -> None:
    align = Align()
    row = align.rows(f"/epics/1001?$select=id,{LIST}")
    assert (list(row), align.rows("/epics/1001")["customFields"]) == (["id", LIST], None)
    align.running.reset(custom_fields="property")
    inside = align.rows("/epics/1001")
    assert (inside["customFields"][LIST], LIST in inside) == (row[LIST], False)
    assert align("GET", f"/epics/1001?$select={LIST}").status_code == 400
    align.close()
