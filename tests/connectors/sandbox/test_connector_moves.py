"""The sandbox's own Align connector: issues and items move each other by the stored mappings, over HTTP alone."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.usefixtures("network")


class Both:
    """One sandbox, seen from both sides."""

    def __init__(self, running: RunningSandbox) -> None:
        self.running = running

    def send(self, method: str, path: str, payload: object = None) -> Any:
        url = f"{self.running.url}/rest/api/2{path}"
        answered = requests.request(method, url, json=payload, auth=(ADMIN, JIRA_TOKEN), timeout=10)
        assert answered.ok, answered.text
        return answered.json() if answered.content else None

    def move(self, key: str, status: str) -> None:
        shown = self.send("GET", f"/issue/{key}/transitions")["transitions"]
        number = next(each["id"] for each in shown if each["to"]["name"] == status)
        self.send("POST", f"/issue/{key}/transitions", {"transition": {"id": number}})

    def status(self, key: str) -> str:
        return str(self.send("GET", f"/issue/{key}")["fields"]["status"]["name"])

    def make(self, project: str, type_name: str = "Story", **fields: Any) -> str:
        named = {"project": {"key": project}, "issuetype": {"name": type_name}, "summary": "Made in Jira"}
        return str(self.send("POST", "/issue", {"fields": {**named, **fields}})["key"])

    def item(self, key: str, path: str = "stories") -> dict[str, Any]:
        """The one item with this external key; empty where there is none."""
        found = self.running.align("GET", f"/{path}", params={"$filter": f"externalKey eq '{key}'"}).json()
        assert len(found) < 2
        return dict(found[0]) if found else {}

    def set(self, path: str, **values: Any) -> None:
        answered = self.running.align("PATCH", path, json=values)
        assert answered.status_code == 204, answered.text

    def said(self) -> list[str]:
        """What the connector wrote into the journal."""
        return [f"{each['path']} {each['notes'][0]}" for each in self.running.journal("CONNECTOR")]


@pytest.fixture(scope="module")
def running(network: None) -> Iterator[RunningSandbox]:
    sandbox = RunningSandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture
def both(running: RunningSandbox) -> Both:
    running.reset(connector_moves="yes", jira="cloud")
    return Both(running)


@pytest.mark.parametrize("jira", ["cloud", "server-9"])
def test_a_status_sets_state_and_step_of_its_item(both: Both, jira: str) -> None:
    both.running.reset(jira=jira)
    both.move("PAY-2", "In Progress")
    item = both.item("PAY-2")
    assert (item["id"], item["state"], item["processStepName"]) == (1, 2, "Developing")
    assert both.said() == ["PAY-2 is in In Progress: Story 1 has state 2 - In progress, processStepId 513 now"]


def test_a_status_without_a_mapping_shows_as_0(both: Both) -> None:
    both.move("PAY-2", "Cancelled")
    assert both.item("PAY-2")["state"] == 0
    assert "PAY-2 Cancelled is not mapped for Story: it shows as 0 - Pending approval" in both.said()


def test_a_mapping_that_is_deleted_counts_from_the_next_change_of_the_issue(both: Both) -> None:
    both.running.edit("delete_mapping", family="j2a_state", type=4, source=10012)
    assert both.item("PAY-2")["state"] == 1
    both.send("PUT", "/issue/PAY-2", {"fields": {"summary": "Renamed in Jira"}})
    assert (both.item("PAY-2")["state"], both.item("PAY-2")["title"]) == (0, "Renamed in Jira")


def test_what_has_not_changed_in_the_issue_stays_as_align_has_it(both: Both) -> None:
    both.set("/stories/1", title="Align's own words", description="Align's own text")
    both.send("PUT", "/issue/PAY-2", {"fields": {"labels": ["a"], "customfield_10016": 13}})
    item = both.item("PAY-2")
    assert (item["title"], item["description"], item["points"]) == ("Align's own words", "Align's own text", 13)


def test_a_deleted_issue_puts_its_item_into_the_recycle_bin(both: Both) -> None:
    assert both.item("PAY-4", "defects")["isRecycled"] is False
    both.send("DELETE", "/issue/PAY-4")
    assert both.item("PAY-4", "defects")["isRecycled"] is True


def test_an_issue_without_an_item_is_imported_with_its_parents(both: Both) -> None:
    """1. A sub-task, whose story hangs on an epic that Align has never seen. 2. A bug. 3. No type of the connector."""
    assert both.item("WEB-1", "features") == {}
    story = both.make("WEB", parent={"key": "WEB-1"})
    task = both.make("WEB", "Sub-task", parent={"key": story})
    feature, item = both.item("WEB-1", "features"), both.item(story)
    assert (feature["title"], feature["state"]) == ("Export invoices", 2)
    assert (item["title"], item["programId"], item["featureId"], item["state"]) == (
        "Made in Jira",
        11,
        feature["id"],
        0,
    )
    assert (item["isExternal"], item["connectorId"], item["externalProject"]) == (True, 123, "WEB")
    assert both.item(task, "tasks")["storyId"] == item["id"]
    both.make("WEB", "Bug")
    assert both.said()[-1].endswith("is Defect 406 now: 0 - Pending approval")
    both.make("PROJ1", "Task")
    assert both.said()[-1].endswith("its type is none that the connector imports")


def test_a_project_that_align_does_not_have_is_left_alone(both: Both) -> None:
    both.running.edit("set_project", key="PAY", in_align=False)
    both.move("PAY-2", "In Progress")
    assert (both.item("PAY-2")["state"], both.item(both.make("PAY")), both.said()) == (1, {}, [])


@pytest.mark.parametrize(("project", "state"), [("PROJ1", 4), ("LAB", 0)])
def test_a_team_managed_project_goes_by_its_own_list(both: Both, project: str, state: int) -> None:
    """LAB has no mapping for Done."""
    key = both.make(project)
    assert both.item(key)["state"] == 1
    both.move(key, "Done")
    assert both.item(key)["state"] == state


def test_the_kind_of_a_project_says_which_list_counts(both: Both) -> None:
    both.running.edit("set_project", key="PAY", style="next-gen")
    both.move("PAY-2", "In Progress")
    assert both.item("PAY-2")["state"] == 0


def test_a_state_set_in_align_moves_the_issue(both: Both) -> None:
    both.set("/stories/3", state=2)
    assert both.status("PROJ-2") == "In Progress"
    assert (both.item("PROJ-2")["state"], both.said()) == (2, ["PROJ-2 is in In Progress now"])


def test_a_step_moves_the_issue_also_where_a_person_sets_it(both: Both) -> None:
    both.running.edit("set_item", object="story", id=3, values={"processStepId": 513})
    assert (both.status("PROJ-2"), both.item("PROJ-2")["processStepName"]) == ("In Progress", "Developing")


def test_what_comes_from_the_other_side_is_not_sent_back(both: Both) -> None:
    """In PROJ a story that is Dev complete goes to In Review, which shows as In progress: with the next change only."""
    both.set("/stories/3", state=2)
    both.set("/stories/3", state=3)
    assert (both.status("PROJ-2"), both.item("PROJ-2")["state"]) == ("In Review", 3)
    assert len(both.said()) == 2
    both.send("PUT", "/issue/PROJ-2", {"fields": {"labels": ["a"]}})
    assert (both.status("PROJ-2"), both.item("PROJ-2")["state"]) == ("In Review", 2)


def test_where_no_transition_leads_nothing_is_lost(both: Both) -> None:
    """1. Too far in the workflow. 2. Not mapped. 3. Refused by the workflow. 4. Resolved."""
    both.set("/stories/3", state=3)
    assert (both.status("PROJ-2"), both.item("PROJ-2")["state"]) == ("Selected for Development", 3)
    both.set("/stories/3", state=4)
    both.set("/stories/3", state=2)
    both.send("PUT", "/issue/PROJ-2/assignee", {"accountId": None})
    both.set("/stories/3", state=3)
    assert both.status("PROJ-2") == "In Progress"
    both.move("PROJ-2", "Cancelled")
    both.set("/stories/3", state=1)
    assert both.status("PROJ-2") == "Cancelled"
    told = [
        "no transition leads from Selected for Development to In Review",
        "Story 3 is set to 4 - Test complete, which is not mapped in its project",
        "cannot go to In Review: Assign the issue to somebody",
        "is resolved: it stays in Cancelled and does not go to To Do",
    ]
    assert [each for each in told if not any(each in line for line in both.said())] == []


def test_nothing_moves_unless_it_is_asked_for(both: Both) -> None:
    both.running.reset(connector_moves="no")
    both.move("PAY-2", "In Progress")
    both.set("/stories/3", state=2)
    assert (both.item("PAY-2")["state"], both.status("PROJ-2"), both.said()) == (1, "Selected for Development", [])
