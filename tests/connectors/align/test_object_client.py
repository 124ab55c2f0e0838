"""The client of Align's objects against a scripted server: lists to their end, single records, writes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import pytest

from alignadmin.http import NoBudget, Remote, Retry, Site
from connectors.align import ALIGN_WORDING, Bearer
from connectors.align.errors import Malformed, NotFound, NotJson, ReadOnlyRefused
from connectors.align.object_client import MethodRefused, ObjectClient, requests_at_most
from connectors.align.object_values import PatchOperation, ValueRefused, body_of, replacing
from connectors.align.objects import OBJECTS, AlignObject
from connectors.align.query import Q, QueryRefused, query_of
from tests.support.sandbox_fixture import ALIGN_TOKEN
from tests.support.scripted_server import Reply, ScriptedServer, Seen, in_turn, serving

pytestmark = pytest.mark.usefixtures("network")
ONCE = Retry(tries=1, first_pause=0.001)
EPIC, FEATURE, RISK = OBJECTS["epic"], OBJECTS["feature"], OBJECTS["risk"]


@contextmanager
def answering(
    script: Callable[[Seen], Reply], *, read_only: bool = False
) -> Iterator[tuple[ObjectClient, ScriptedServer]]:
    with serving(script) as server:
        site = Site(address=server.address, allow_private=True, wording=ALIGN_WORDING)
        remote = Remote(site, budget=NoBudget(), auth=Bearer(ALIGN_TOKEN), retry=ONCE, read_only=read_only)
        with remote:
            yield ObjectClient(remote, connector_id=123), server


def list_of(count: int, *, cap: int = 100, **more: Any) -> Callable[[Seen], Reply]:
    """A site that holds so many records and answers at most `cap` at once."""

    def script(seen: Seen) -> Reply:
        skip, top = int(seen.query.get("$skip", "0")), int(seen.query.get("$top", "100"))
        return Reply(data=[{"id": number, **more} for number in range(skip, min(count, skip + min(top, cap)))])

    return script


@pytest.mark.parametrize(
    ("count", "cap", "most", "skip", "sizes"),
    [
        (250, 100, None, None, [100, 100, 50, 0]),  # a short page is no proof: the site may answer fewer at once
        (200, 100, None, None, [100, 100, 0]),
        (90, 40, None, None, [40, 40, 10, 0]),
        (0, 100, None, None, [0]),
        (250, 100, 120, None, [100, 20]),
        (250, 100, 120, 200, [50, 0]),
        (250, 40, 70, 10, [40, 30]),
        (5, 100, 0, None, []),
    ],
)
def test_a_list_is_read_to_its_proven_end_or_as_far_as_is_wanted(
    count: int, cap: int, most: int | None, skip: int | None, sizes: list[int]
) -> None:
    query = query_of("feature")
    query = query if most is None else query.top(most)
    query = query if skip is None else query.skip(skip)
    with answering(list_of(count, cap=cap)) as (client, server):
        assert [len(page) for page in client.pages(query)] == sizes
        assert len(server.seen) == len(sizes)
        first, last = skip or 0, count if most is None else (skip or 0) + most
        assert [row["id"] for row in client.rows(query)] == list(range(first, min(count, last)))


@pytest.mark.parametrize(("count", "most"), [(50, 60), (500, 1000), (500, 120)])
def test_a_site_that_answers_the_whole_list_each_time_is_read_once(count: int, most: int) -> None:
    with answering(lambda _: Reply(data=[{"id": number} for number in range(count)])) as (client, _):
        assert [row["id"] for row in client.rows(query_of("feature").top(most))] == list(range(min(count, most)))


def test_a_list_has_ids_and_an_order_by_which_nothing_is_missed() -> None:
    with answering(list_of(1)) as (client, server):
        list(client.rows(query_of("feature").select("title").ordered("priority", descending=True)))
        list(client.rows(query_of("feature").where(Q("title").startswith("T")).ordered("id")))
        client.page(query_of("feature").select("title").top(20).skip(5))
    assert server.seen[0].path == "/rest/align/api/2/features"
    assert server.seen[0].query == {
        "$select": "id,title",
        "$orderby": "priority desc,id",
        "$top": "100",
        "$skip": "0",
    }
    assert server.seen[2].query["$filter"] == "startswith(title, 'T')"
    assert server.seen[2].query["$orderby"] == "id"
    assert server.seen[-1].query == {"$select": "title", "$top": "20", "$skip": "5"}


def test_rows_stream_and_memory_stays_flat() -> None:
    """What is kept of each row is its id: of 5,000 rows of 5 kB, less than 3 MB."""
    with answering(list_of(5000, text="x" * 5000)) as (client, server):
        tracemalloc.start()
        rows = client.rows(query_of("feature"))
        next(rows)
        assert len(server.seen) == 1
        server.seen.clear()
        before = tracemalloc.get_traced_memory()[0]
        assert sum(1 for _ in rows) == 4999
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak - before < 3_000_000


def _cut_off(wire: BinaryIO) -> None:
    wire.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[{"id": 1')


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(raw=_cut_off), NotJson),
        (Reply(data=[1, 2]), Malformed),
        (Reply(data={"title": "no list"}), Malformed),
        (Reply(data=[{"id": 1}, {"id": 1}]), Malformed),
        (Reply(status=404), NotFound),
    ],
)
def test_what_is_no_list_is_told_with_the_name_of_the_list(reply: Reply, error: type[Exception]) -> None:
    with answering(in_turn(reply)) as (client, _), pytest.raises(error, match=r"^Features: "):
        list(client.rows(query_of("feature")))


def test_one_record_is_asked_for_with_its_fields_and_entities() -> None:
    with answering(in_turn(Reply(data={"id": 7, "title": "T"}), Reply(data=[]))) as (client, server):
        assert client.get(query_of("feature").select("title").expand("owner"), 7)["title"] == "T"
        assert (server.seen[0].path, server.seen[0].query) == (
            "/rest/align/api/2/features/7",
            {"$select": "title", "expand": "owner"},
        )
        with pytest.raises(QueryRefused, match="no filter"):
            client.get(query_of("feature").where(Q("isBlocked")), 7)
        client.page(query_of("board"))
        assert server.seen[-1].path == "/rest/align/api/2/connectors/123/boards"
    assert [requests_at_most(query_of("feature").top(most)) for most in (0, 100, 101)] == [0, 2, 3]


@pytest.mark.parametrize(
    ("reply", "id_", "has_record"),
    [
        (Reply(status=201, data={"id": 7, "title": "T"}), 7, True),
        (Reply(status=201, data=7), 7, False),
        (Reply(status=201, text="7", headers={"Content-Type": "text/plain"}), 7, False),
        (Reply(status=201, text="", headers={"Location": "https://x.test/rest/align/api/2/features/7"}), 7, False),
        (Reply(status=201, text=""), None, False),
    ],
)
def test_each_answer_to_a_create_is_understood(reply: Reply, id_: int | None, has_record: bool) -> None:
    with answering(in_turn(reply)) as (client, server):
        created = client.create(FEATURE, {"Title": "T", "programId": 11})
    assert (created.status, created.id, created.record is not None) == (201, id_, has_record)
    assert server.seen[0].body == b'{"title": "T", "programId": 11}'


def test_updates_and_patches_are_sent_as_align_takes_them() -> None:
    when = datetime(2026, 3, 1, 12, tzinfo=UTC)
    patch = [
        *replacing({"title": "New", "targetCompletionDate": when, "customfield_90791": [{"value": "Monday"}]}),
        PatchOperation(op="add", field="releaseIds", value=5),
        PatchOperation(op="remove", field="ownerId"),
    ]
    with answering(in_turn(Reply(status=204, text=""))) as (client, server):
        assert client.update(EPIC, 7, {"title": "New", "isBlocked": False, "releaseIds": None}) == 204
        assert client.patch(EPIC, 7, patch) == 204
    assert [(seen.method, seen.path.rpartition("/2/")[2]) for seen in server.seen] == [
        ("PUT", "epics/7"),
        ("PATCH", "epics/7"),
    ]
    assert server.seen[0].body == b'{"title": "New", "isBlocked": false, "releaseIds": []}'
    assert server.seen[1].body.decode() == (
        '[{"op": "replace", "path": "/title", "value": "New"}, '
        '{"op": "replace", "path": "/targetCompletionDate", "value": "2026-03-01T12:00:00Z"}, '
        '{"op": "replace", "path": "/customfield_90791", "value": [{"value": "Monday"}]}, '
        '{"op": "add", "path": "/releaseIds/-", "value": 5}, {"op": "remove", "path": "/ownerId"}]'
    )


@pytest.mark.parametrize("asked", OBJECTS.values(), ids=OBJECTS)
def test_only_what_the_table_allows_is_sent(asked: AlignObject) -> None:
    attempts: list[tuple[bool, Callable[[ObjectClient], object], str]] = [
        (asked.creates, lambda client: client.create(asked, {}), "created"),
        (asked.updates, lambda client: client.update(asked, 1, {}), "updated"),
        (asked.updates, lambda client: client.patch(asked, 1, []), "updated"),
    ]
    with answering(in_turn(Reply(status=204, text=""))) as (client, server):
        for allowed, attempt, done in attempts:
            before = len(server.seen)
            if allowed:
                attempt(client)
            else:
                with pytest.raises(MethodRefused) as refused:
                    attempt(client)
                sentence = str(refused.value)
                assert sentence.startswith(asked.plural)
                assert "only be read" in sentence or sentence.endswith(f"cannot be {done} through Align's API.")
            assert len(server.seen) - before == allowed


def test_a_reading_client_sends_no_write() -> None:
    with answering(in_turn(Reply(data=[])), read_only=True) as (client, server):
        for attempt in (
            lambda: client.create(EPIC, {"title": "T"}),
            lambda: client.update(EPIC, 1, {"title": "T"}),
            lambda: client.patch(EPIC, 1, replacing({"title": "T"})),
        ):
            with pytest.raises(ReadOnlyRefused):
                attempt()
        assert server.seen == []


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"titel": "T"}, "Did you mean title"),
        ({"id": 5}, "sets it itself"),
        ({"createDate": datetime(2026, 1, 1, tzinfo=UTC)}, "sets it itself"),
        ({"title": 5}, "title takes a text"),
        ({"ownerId": "5"}, "a whole number"),
        ({"ownerId": True}, "a whole number"),
        ({"points": float("inf")}, "a number"),
        ({"isBlocked": 1}, "yes or no"),
        ({"releaseIds": 5}, "a list of ids"),
        ({"releaseIds": ["5"]}, "a list of ids"),
        ({"targetCompletionDate": "2026-01-01"}, "a date"),
        ({"targetCompletionDate": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001
        ({"customFields": []}, "sets it itself"),
    ],
)
def test_a_value_that_does_not_fit_is_not_sent(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueRefused, match=says):
        body_of(EPIC, values)
    with pytest.raises(ValueRefused):
        body_of(RISK, {"customfield_1": "a"})
    with pytest.raises(ValueRefused, match="no list of ids"):
        PatchOperation(op="add", field="title", value="a").as_json(EPIC)


def test_values_that_fit_are_sent_as_json_has_them() -> None:
    given = {"Points": Decimal("2.50"), "budget": Decimal(3), "targetCompletionDate": date(2026, 3, 1), "ownerId": None}
    assert body_of(EPIC, given) == {
        "points": 2.5,
        "budget": 3,
        "targetCompletionDate": "2026-03-01T00:00:00Z",
        "ownerId": None,
    }
