"""What public clients of Align do: their addresses, their pages, what they post and what they read."""

import re
from typing import Any

import pytest
import requests

from connectors.sandbox.objects.objects import OBJECTS
from tests.connectors.sandbox.objects import object_helpers
from tests.connectors.sandbox.objects.object_helpers import Align

pytestmark = pytest.mark.usefixtures("network")
align = object_helpers.align
READ = "regions Teams epics features users ideas programs Products portfolios iterations releases snapshots Risks goals"


def until_empty(align: Align, path: str) -> list[dict[str, Any]]:
    """`$top=100&$skip=n` until a page holds nothing: right whatever the most of a page is."""
    rows: list[dict[str, Any]] = []
    while page := align.rows(f"/{path}", params={"$top": 100, "$skip": len(rows)}):
        rows.extend(page)
    return rows


def test_whole_lists_are_read_page_by_page(network: None) -> None:
    align = Align(page_limit="20")
    for number in range(45):
        align("POST", "/customers", json={"name": f"Customer {number}"})
    customers = until_empty(align, "customers")
    assert [row["name"] for row in customers[-2:]] == ["Customer 43", "Customer 44"]
    assert len({row["id"] for row in customers}) == 50
    for path in READ.split():
        rows = until_empty(align, path)
        assert len(rows) >= 5, path
        assert all(row["self"].endswith(f"/{row['id']}") for row in rows)
    align.close()


def test_singular_and_other_spellings_are_the_same_object(align: Align) -> None:
    for one, other in (
        ("/epic/1001", "/Epics/1001"),
        ("/Capability/301", "/capabilities/301"),
        ("/objectives/10", "/milestones/10"),
        ("/theme/31", "/themes/31"),
        ("/ValueStreams/7", "/valuestreams/7"),
    ):
        assert align.rows(one) == align.rows(other)
        assert align.rows(one)["self"].lower().endswith(other.lower())


def test_items_are_posted_and_patched_as_scripts_do_it(network: None) -> None:
    """The answer's text is the new id; a patch names one path each time."""
    align = Align(post_answer="id")
    story = {"title": "From a script", "programId": 11, "featureId": 201, "jiraProjectKey": "PROJ", "state": 0}
    answer = align("POST", "/Stories", json=story)
    number = int(answer.text)
    patch = [{"op": "replace", "path": "/jiraProjectKey", "value": "PAY"}]
    headers = {"Content-Type": "application/json-patch+json"}
    assert align("PATCH", f"/Stories/{number}", json=patch, headers=headers).status_code == 204
    row = align.rows(f"/stories/{number}")
    assert (row["jiraProjectKey"], row["connectorId"], row["externalKey"]) == ("PAY", None, None)
    refused = align("PATCH", f"/stories/{number}", json={"jiraProjectKey": "PAY"}, headers=headers)
    assert refused.status_code == 400
    align.close()


def test_boards_and_team_mappings_are_lists_of_a_connector(align: Align) -> None:
    boards = align.rows("/connectors/123/boards")
    mappings = align.rows("/Connectors/123/TeamMappings?expand=true&$top=100&$skip=0")
    assert (len(boards), boards[0]["teamName"], mappings[0]["team"]["name"]) == (5, "Cart", "Cart")
    assert align.rows("/connectors/123/boards/2") == boards[1]
    assert align.rows("/connectors/123/boards?$filter=teamId eq null&$select=boardName") == [{"boardName": "Old board"}]
    assert align.rows("/programs/11?$select=title", params={}) == {"title": "Commerce"}
    codes = [align("GET", path).status_code for path in ("/connectors/9/boards", "/boards", "/connectors/123/epics")]
    assert codes == [404, 404, 404]


def test_other_lists_answer_too(align: Align) -> None:
    log = align.rows("/ideas/1/auditlog")
    assert {frozenset(line) for line in log} == {frozenset({"auditTimeStamp", "details"})}
    assert any("Created" in line["details"] for line in log)
    assert align("GET", "/features/201/auditlog").status_code == 404
    columns = align.rows("/GridConfigurations/epics/ColumnConfigurations")
    assert [each["fieldName"] for each in columns] == list(OBJECTS["epic"].fields)
    assert align("GET", "/GridConfigurations/unicorns/ColumnConfigurations").status_code == 404
    items = align.rows("/WorkItems?$filter=itemType eq 'Feature' and itemId eq 201")
    assert [item["title"] for item in items] == [align.rows("/features/201")["title"]]


def test_a_process_flow_can_be_made(network: None) -> None:
    align = Align()
    steps = ["Draft", {"name": "Work", "state": 2}]
    answer = align(
        "POST", "/ValueStreams", json={"name": "Bugs", "level": "Story", "processSteps": steps, "programIds": [11]}
    )
    made = align.rows(answer.headers["Location"])
    assert made == answer.json()
    assert [(step["name"], step["state"]) for step in made["processSteps"]] == [("Draft", None), ("Work", 2)]
    assert (made["isActive"], made["mapToState"], len(align.rows("/ValueStreams"))) == (True, True, 6)
    wrong = align("POST", "/ValueStreams", json={"name": "Bugs", "level": "Story", "processSteps": [7]})
    assert wrong.status_code == 400
    align.close()


def test_the_site_tells_its_version_and_has_one_api(align: Align) -> None:
    about = requests.get(f"{align.running.url}/About", timeout=10)
    assert re.search(r"\b10\.\d{3}\.\d", about.text) is not None
    for path in ("/rest/align/api/1/epics", "/rest/align/api/1/", "/rest/align/api/epics"):
        assert align("GET", align.running.url + path).status_code == 404
    documents = requests.get(f"{align.running.url}/rest/align/api/docs/index.html", timeout=10).text
    for each in OBJECTS.values():
        assert f"/{each.path}<" in documents
        assert all(f"<td>{name}<" in documents for name in each.fields)
    assert "There is no DELETE" in documents
