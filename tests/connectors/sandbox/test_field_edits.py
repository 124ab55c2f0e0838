"""Edits of fields by an administrator of a site: each list that tells of fields tells it the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.sandbox_fixture import RunningSandbox

TEAM, CHANNEL = "customfield_10030", "customfield_91301"


def listed(sandbox: RunningSandbox) -> dict[str, Any]:
    return {each["id"]: each for each in sandbox.jira("/rest/api/3/field").json()}


def on_screen(sandbox: RunningSandbox) -> dict[str, Any]:
    types = sandbox.jira("/rest/api/3/issue/createmeta/PROJ/issuetypes").json()["issueTypes"]
    address = f"/rest/api/3/issue/createmeta/PROJ/issuetypes/{types[0]['id']}"
    return {each["fieldId"]: each for each in sandbox.jira(address).json()["fields"]}


def editmeta(sandbox: RunningSandbox) -> dict[str, Any]:
    told: dict[str, Any] = sandbox.align("GET", "/features/editmeta").json()
    return told


def test_a_field_of_jira_is_renamed_required_and_gone_everywhere(sandbox: RunningSandbox) -> None:
    sandbox.edit("set_field", site="jira", id=TEAM, name="Squad", required=True, options={"10100": "Pay"})
    assert listed(sandbox)[TEAM]["name"] == "Squad"
    shown = on_screen(sandbox)[TEAM]
    assert (shown["required"], [each["value"] for each in shown["allowedValues"]]) == (True, ["Pay"])
    sandbox.edit("set_field", site="jira", id=TEAM, gone=True)
    assert TEAM not in listed(sandbox)
    assert TEAM not in on_screen(sandbox)
    sandbox.edit("set_field", site="jira", id=TEAM, gone=False)
    assert listed(sandbox)[TEAM]["name"] == "Squad"


def test_a_field_is_added_to_a_site_and_to_its_screens(sandbox: RunningSandbox) -> None:
    sandbox.edit("add_field", site="jira", id="customfield_10900", name="Region", kind="string")
    sandbox.edit("add_field", site="jira", id="customfield_10901", name="Hidden", kind="string", written=False)
    assert {"customfield_10900", "customfield_10901"} <= listed(sandbox).keys()
    assert "customfield_10901" not in on_screen(sandbox)
    assert on_screen(sandbox)["customfield_10900"]["schema"]["customId"] == 10900


def test_a_custom_field_of_align_is_a_formula_or_has_other_options(sandbox: RunningSandbox) -> None:
    sandbox.edit(
        "add_field", site="align", object="feature", id="customfield_9", name="WSJF", kind="formula", result="number"
    )
    sandbox.edit("set_field", site="align", object="feature", id=CHANNEL, options={"61": "Internet"})
    told = editmeta(sandbox)
    assert told["customfield_9"]["schema"] == {"type": "formula", "result": "number", "customId": 9}
    assert told[CHANNEL]["allowedValues"] == [{"value": "Internet", "id": 61}]
    assert told[CHANNEL]["name"] == "Channel"


@pytest.mark.parametrize(
    "edit",
    [
        {"action": "set_field", "site": "jira", "id": "nowhere"},
        {"action": "set_field", "site": "align", "object": "feature", "id": "nowhere"},
        {"action": "set_field", "site": "mars", "id": TEAM},
        {"action": "add_field", "site": "jira", "id": "own", "name": "x", "kind": "string"},
        {"action": "add_field", "site": "jira", "id": "customfield_1", "name": "x"},
    ],
)
def test_an_edit_of_no_field_is_refused(sandbox: RunningSandbox, edit: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="400"):
        sandbox.edit(**edit)
