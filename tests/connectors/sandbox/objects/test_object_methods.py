"""Objects, methods and rights, generated from the table; and the links between the records of the small company."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from connectors.sandbox.objects.objects import OBJECTS
from tests.connectors.sandbox.objects import object_helpers
from tests.connectors.sandbox.objects.object_helpers import BLIND, READER, SHOPKEEPER, Align, listed, smallest
from tests.support.sandbox_fixture import ALIGN_TOKEN

pytestmark = pytest.mark.usefixtures("network")
align = object_helpers.align


# -- links -----------------------------------------------------------------------------------------


def test_every_link_and_every_self_of_the_company_answers(align: Align) -> None:
    lists = {each.key: align.rows(f"/{each.path}?expand=true") for each in listed()}
    for key in ("board", "teammapping"):
        lists[key] = align.rows(f"/connectors/123/{OBJECTS[key].path}?expand=true")
    ids = {key: {row["id"] for row in rows} for key, rows in lists.items()}
    followed: set[tuple[str, str]] = set()
    for key, rows in lists.items():
        described = OBJECTS[key]
        for row in rows:
            for field in described.fields.values():
                value = row[field.name]
                for each in value if isinstance(value, list) else [value]:
                    if field.target and each is not None:
                        assert each in ids[field.target], f"{key} {row['id']}.{field.name} leads nowhere"
                        followed.add((key, field.name))
            for name, by in described.expands.items():
                entity, value = row[name], row[by]
                found = [each["id"] for each in entity] if isinstance(entity, list) else entity and entity["id"]
                assert found == value, f"{key} {row['id']}.{name} is another"
    links = {(key, each.name) for key in lists for each in OBJECTS[key].fields.values() if each.target}
    assert links - followed == {("valuestream", "teamId"), ("valuestream", "regionId"), ("valuestream", "customerIds")}
    selves = [row["self"] for rows in lists.values() for row in rows]
    assert [url for url in selves if align("GET", url).status_code != 200] == []
    assert len(selves) > 200
    assert {key: len(rows) for key, rows in lists.items() if len(rows) < 5} == {}


def test_what_comes_from_the_connector_has_its_objects(align: Align) -> None:
    """Projects, boards, process flows and the token's own user lead to records that answer."""
    projects = align.rows("/connectors/123/projects")
    programs = {row["id"] for row in align.rows("/programs")}
    assert {row["programId"] for row in projects} <= programs
    owner = align.rows("/users/current", token=SHOPKEEPER)
    assert align.rows(owner["self"])["email"] == "shop@sandbox.test"
    steps = {step["id"]: step["name"] for flow in align.rows("/ValueStreams") for step in flow["processSteps"]}
    features = align.rows("/features?$filter=processStepId ne null&$select=processStepId,processStepName")
    assert all(steps[row["processStepId"]] == row["processStepName"] for row in features)


# -- methods and rights ----------------------------------------------------------------------------


def attempts(align: Align) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
    """Each object with each method: object, address, method, whether it is allowed, and a body that fits."""
    for each in listed():
        whole = align.rows(f"/{each.path}?$top=1")[0]
        one = f"/{each.path}/{whole['id']}"
        name = next((field.name for field in each.fields.values() if field.required and field.kind == "text"), "title")
        yield each.key, f"GET /{each.path}", True, {}
        yield each.key, f"GET {one}", True, {}
        yield each.key, f"GET /{each.path}/{align.rows(f'/{each.path}?$top=1&$orderby=id desc')[0]['id']}", True, {}
        yield each.key, f"POST /{each.path}", each.creates, smallest(each)
        yield each.key, f"PUT {one}", each.updates, whole
        yield each.key, f"PATCH {one}", each.updates, {name: "Named by a test"}
        yield each.key, f"DELETE {one}", False, {}
        yield each.key, f"DELETE /{each.path}", False, {}
        yield each.key, f"PUT /{each.path}", False, whole
        yield each.key, f"POST {one}", False, smallest(each)


def test_each_yes_of_the_table_works_and_each_no_is_405_and_each_lacking_right_403(align: Align) -> None:
    """A reader of one portfolio finds single records that stand in its lists, and no others."""
    done = {"GET": 200, "POST": 201, "PUT": 204, "PATCH": 204}
    wrong, read = [], set()
    for key, line, allowed, body in attempts(align):
        method, _, path = line.partition(" ")
        sent: dict[str, Any] = {} if method == "GET" else {"json": body}
        lacking = [align(method, path, token=token, **sent) for token in (SHOPKEEPER, BLIND if sent == {} else READER)]
        codes = [answer.status_code for answer in lacking]
        answer = align(method, path, **sent)
        expected = done[method] if allowed else 405
        of_list, _, number = path.rpartition("/")
        seen = align.rows(of_list, token=SHOPKEEPER) if method == "GET" and number.isdigit() else None
        found = 200 if seen is None or int(number) in {row["id"] for row in seen} else 404
        rights = [found if method == "GET" else 403 if allowed else 405, 403]
        read |= {found} if method == "GET" else set()
        if (answer.status_code, codes) != (expected, rights):
            wrong.append((line, answer.status_code, codes, answer.text[:200]))
        if answer.status_code == 405:
            described = OBJECTS[key]
            single = path != f"/{described.path}"
            assert answer.headers["Allow"] == ", ".join(described.methods(single=single))
    assert wrong == []
    assert read == {200, 404}


def test_a_reader_of_one_portfolio_reads_that_one_only(align: Align) -> None:
    def ids(path: str) -> list[int]:
        return [row["id"] for row in align.rows(path, token=SHOPKEEPER)]

    assert ids("/portfolios?$select=id") == [1]
    assert ids("/programs?$filter=id lt 98&$select=id") == [10, 11]
    features = align.rows("/features?$filter=id lt 211&$select=id,programId", token=SHOPKEEPER)
    assert [row["id"] for row in features] == [201, 202, 204, 210]
    assert ids("/stories?$filter=id lt 11&$select=id") == [1, 2, 4, 5]
    assert ids("/tasks?$filter=id lt 9&$select=id") == [1, 2, 3, 5, 6]
    assert len(ids("/regions?$filter=id lt 6")) == 5  # of no portfolio by its nature
    assert align("GET", "/features/203", token=SHOPKEEPER).status_code == 404
    seen = align.rows("/features/204?expand=true", token=SHOPKEEPER)
    assert (seen["additionalProgramIds"], [each["id"] for each in seen["additionalPrograms"]]) == ([11, 97], [11])


# -- writing ---------------------------------------------------------------------------------------


def made(align: Align, path: str = "/features", **values: Any) -> str:
    body = {"title": "A record of its own", "programId": 11, **values}
    answer = align("POST", path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def test_a_put_replaces_and_a_patch_changes_what_it_names(align: Align) -> None:
    url = made(align, ownerId=2, priority=3, releaseVehicleIds=[17])
    before = align.rows(url)
    assert (before["createdBy"], before["lastUpdatedBy"], before["isBlocked"]) == (1, 1, None)
    patch = [
        {"op": "test", "path": "/ownerId", "value": 2},
        {"op": "replace", "path": "/Title", "value": "Other"},
        {"op": "add", "path": "/releaseVehicleIds/-", "value": 18},
        {"op": "remove", "path": "/priority"},
        {"op": "copy", "from": "/title", "path": "/description"},
    ]
    assert align("PATCH", url, json=patch).status_code == 204
    merge: dict[str, Any] = {"headers": {"Content-Type": "application/merge-patch+json"}}
    merge["data"] = '{"points": 2.5, "ownerId": null}'
    assert align("PATCH", url, **merge).status_code == 204
    after = align.rows(url)
    changed = {name: after[name] for name in after if after[name] != before[name] and name != "lastUpdatedDate"}
    assert changed == {
        "title": "Other",
        "description": "Other",
        "releaseVehicleIds": [17, 18],
        "priority": None,
        "points": 2.5,
        "ownerId": None,
    }
    assert align("PUT", url, json={"title": "Only this", "programId": 11}).status_code == 204
    put = align.rows(url)
    assert (put["points"], put["releaseVehicleIds"], put["title"]) == (None, [], "Only this")
    assert (put["createDate"], put["id"]) == (before["createDate"], before["id"])


REFUSED_BODIES: tuple[tuple[Any, str], ...] = (
    ({"priority": "3"}, "converted to an integer: '3'"),
    ({"points": "3"}, "converted to a number"),
    ({"title": 3}, "converted to a string"),
    ({"title": "half a \ud83d"}, "converted to a string"),
    ({"priority": 2**31}, "converted to an integer"),
    ({"points": float("nan")}, "converted to a number"),
    ({"isBlocked": "yes"}, "converted to a boolean"),
    ({"acceptedDate": "yesterday"}, "is no date"),
    ({"releaseVehicleIds": 17}, "list of integers"),
    ({"releaseVehicleIds": [1000]}, "releaseVehicleIds 1000 does not exist"),
    ({"ownerId": 4711}, "ownerId 4711 does not exist"),
    ({"title": None}, "title field is required"),
    ({"programId": None}, "programId field is required"),
    ({"id": 7}, "id cannot be set"),
    ({"createDate": "2026-01-01T00:00:00Z"}, "createDate cannot be set"),
    ({"colour": "red"}, "named 'colour'"),
    ([{"op": "replace", "path": "/colour", "value": 1}], "'/colour' was not found"),
    ([{"op": "replace", "path": "/title/0", "value": 1}], "'/title/0' was not found"),
    ([{"op": "replace", "path": "title", "value": 1}], "is a pointer"),
    ([{"op": "replace", "path": "/title"}], "needs a value"),
    ([{"op": "paint", "path": "/title"}], "has an op"),
    ([{"op": "test", "path": "/title", "value": "no"}], "tested for"),
    ([{"op": "remove", "path": "/releaseVehicleIds/5"}], "no element 5"),
    ("text", "JSON Patch is a list"),
)


def test_a_wrong_body_is_refused_by_a_sentence_and_changes_nothing(align: Align) -> None:
    url = made(align)
    before = align.rows(url)
    for body, sentence in REFUSED_BODIES:
        answer = align("PATCH", url, data=json.dumps(body), headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, body
        assert sentence in str(answer.json()["errors"]), answer.text
    above = align("PATCH", "/epics/1001", json={"parentId": 1003})
    assert (above.status_code, "above itself" in above.text) == (400, True)
    assert align("PATCH", f"{url}0000", json={}).status_code == 404
    missing = align("POST", "/features", json={"title": "No program"})
    assert (missing.status_code, "programId field is required" in missing.text) == (400, True)
    assert align.rows(url) == before


def test_a_body_is_json_and_may_come_in_chunks(align: Align) -> None:
    body = b'{"name": "Antarctica"}'
    json_type: dict[str, Any] = {"headers": {"Content-Type": "application/json; charset=utf-8"}}
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = align("POST", "/regions", data=body, headers={"Content-Type": content_type})
        assert (answer.status_code, answer.json()["status"]) == (415, 415)
    chunked = align("POST", "/regions", data=iter([body[:7], body[7:]]), **json_type)
    assert (chunked.status_code, chunked.json()["name"]) == (201, "Antarctica")
    assert align("POST", "/regions", data=iter([b'{"name":', b"]"]), **json_type).status_code == 400
    assert align("POST", "/regions", data=b"", **json_type).status_code == 400
    assert align("GET", chunked.headers["Location"]).status_code == 200  # the connection can still be used


def test_chunks_without_a_length_are_refused_and_hold_up_no_thread(align: Align) -> None:
    head = b"POST /rest/align/api/2/regions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    host, port = urlsplit(align.running.url).hostname, urlsplit(align.running.url).port
    for first in (b"zz\r\n", b"\r\n", b""):
        with socket.create_connection((host, port or 80), timeout=10) as sent:
            sent.sendall(head + first)
            if not first:
                sent.shutdown(socket.SHUT_WR)
            assert sent.makefile("rb").readline().startswith(b"HTTP/1.1 400 "), first


def test_a_patch_of_what_is_no_list_any_more_is_refused(align: Align) -> None:
    url = made(align)
    emptied = {"op": "replace", "path": "/releaseVehicleIds", "value": None}
    for place in ("-", "0", "9" * 5000):
        added = {"op": "add", "path": f"/releaseVehicleIds/{place}", "value": 17}
        assert align("PATCH", url, json=[emptied, added]).status_code == 400
    assert align("PATCH", url, json=[{**added, "path": f"/releaseVehicleIds/{'9' * 5000}"}]).status_code == 400


def test_an_id_is_not_given_twice_even_where_the_last_record_went_first(network: None) -> None:
    own = Align()
    try:
        last = max(row["id"] for row in own.rows("/cities"))
        own.running.edit("delete_item", object="city", id=last)
        body = smallest(OBJECTS["city"])
        assert own("POST", "/cities", json=body).headers["Location"].endswith(f"/{last + 1}")
    finally:
        own.close()


# -- switches --------------------------------------------------------------------------------------


def test_what_the_documents_leave_open_is_a_switch(network: None) -> None:
    """external_key, state_writable, recycle, priorities, basic_apitoken, post_answer, single_get, page_limit."""
    align = Align()
    body = {"externalKey": "PROJ-1", "state": 3, "isRecycled": True}
    priority = "/connectors/123/priorities/2"

    def codes() -> list[int]:
        basic = requests.get(f"{align.running.url}/align/api/2/regions", auth=("apitoken", ALIGN_TOKEN), timeout=10)
        sent = [align("PATCH", "/features/201", json={name: value}) for name, value in body.items()]
        sent.append(align("PUT", priority, json={"priorityId": 5}))
        return [*(answer.status_code for answer in sent), basic.status_code]

    assert align.rows(priority)["priorityId"] == 2
    assert codes() == [204, 204, 204, 405, 401]
    row = align.rows("/features/201")
    assert {name: row[name] for name in body} == body
    switches = {"external_key": "ignored", "state_writable": "no", "recycle": "no", "basic_apitoken": "yes"}
    align.running.reset(priorities="write", post_answer="id", **switches)
    assert codes() == [204, 400, 400, 204, 200]
    assert align.running.journal("PATCH")[0]["notes"] == ["externalKey is ignored"]
    assert align.rows("/features/201")["externalKey"] != "PROJ-1"
    assert align.rows(priority)["priorityId"] == 5
    number = align("POST", "/stories", json={"title": "Bare", "programId": 11}).json()
    assert align.rows(f"/story/{number}")["title"] == "Bare"
    align.running.reset(post_answer="empty", page_limit="20", single_get="405", top_over_limit="400")
    empty = align("POST", "/stories", json={"title": "Nothing", "programId": 11})
    assert (empty.content, re.search(r"/stories/\d+$", empty.headers["Location"]) is not None) == (b"", True)
    assert [align("GET", path).status_code for path in ("/stories/1", "/stories?$top=21")] == [405, 400]
    align.close()


# -- edits by somebody else, and the state file ----------------------------------------------------


def test_a_person_changes_moves_archives_and_deletes_in_align(align: Align) -> None:
    edit = align.running.edit
    url = made(align, ownerId=2)
    number = int(url.rpartition("/")[2])
    story = made(align, "/stories", featureId=number)
    below = {"title": "Below", "storyId": int(story.rpartition("/")[2])}
    task = align("POST", "/tasks", json=below).headers["Location"]
    edit("set_item", object="feature", id=number, values={"title": "By somebody"})
    edit("move_item", object="features", id=number, to={"programId": 12, "releaseId": 3})
    edit("archive_item", object="feature", id=number)
    row = align.rows(url)
    told = [row[name] for name in ("title", "programId", "releaseId", "isRecycled", "lastUpdatedBy")]
    assert told == ["By somebody", 12, 3, True, 2]
    edit("archive_item", object="feature", id=number, archived=False)
    assert align.rows(url)["isRecycled"] is False
    edit("delete_item", object="feature", id=number)
    assert [align("GET", each).status_code for each in (url, story)] == [404, 200]
    assert align.rows(story)["featureId"] is None
    edit("delete_item", object="story", id=int(story.rpartition("/")[2]))
    assert align("GET", task).status_code == 404  # a task is nothing without its story
    assert int(made(align).rpartition("/")[2]) > number
    wrong = [
        {"action": "set_item", "object": "feature", "id": 201, "values": {"colour": 1}},
        {"action": "move_item", "object": "feature", "id": 201, "to": {"title": "x"}},
        {"action": "delete_item", "object": "feature", "id": 999_999},
        {"action": "delete_item", "object": "unicorns", "id": 1},
        {"action": "add_token", "site": "align", "token": "x", "portfolio": "one"},
    ]
    answers = [requests.post(f"{align.running.url}/_sandbox/edit", json=each, timeout=10) for each in wrong]
    assert [answer.status_code for answer in answers] == [400] * 5


def test_a_restart_finds_what_was_written_to_objects(network: None, tmp_path: Any) -> None:
    first = Align(state=str(tmp_path / "state"))
    url = made(first, customfield_91301="Web")
    row = first.rows(url)
    first.running.edit("delete_item", object="feature", id=202)
    first.close()
    second = Align(state=str(tmp_path / "state"))
    path = "/features/211"
    again = second.rows(path)
    assert {**again, "self": None} == {**row, "self": None}
    assert second("GET", "/features/202").status_code == 404
    assert made(second).endswith("/features/212")
    second.running.reset()
    assert [second("GET", each).status_code for each in (path, "/features/202")] == [404, 200]
    second.close()
