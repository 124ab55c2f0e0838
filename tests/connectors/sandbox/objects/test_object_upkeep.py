"""The company as a whole: made once and beside the lock; deletions, renamed steps, what a PUT leaves as it is."""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from connectors.sandbox.objects import stock
from tests.connectors.sandbox.objects import object_helpers
from tests.connectors.sandbox.objects.object_helpers import Align
from tests.connectors.sandbox.objects.test_object_queries import broken_links
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.usefixtures("network")
align = object_helpers.align


@pytest.fixture
def large(network: None) -> Iterator[RunningSandbox]:
    running = RunningSandbox()
    running._server.site.world.objects.begin("large")  # the seed's 100,000 mappings take longer, and say nothing here
    yield running
    running.close()


def test_a_large_company_is_made_once_and_nobody_but_its_readers_waits(
    large: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    at_once: list[int] = []
    begun, go_on = threading.Event(), threading.Event()
    whole = stock.BASES["large"]

    def slowly() -> Mapping[str, Mapping[int, dict[str, Any]]]:
        if not made:
            at_once.append(1)
            begun.set()
            go_on.wait(20)
            made.append(1)
            at_once.pop()
        return whole()

    monkeypatch.setitem(stock.BASES, "large", slowly)
    answers: list[requests.Response] = []
    readers = [threading.Thread(target=lambda: answers.append(large.align("GET", "/stories?$top=1"))) for _ in range(3)]
    for reader in readers:
        reader.start()
    assert begun.wait(20)
    paths = ("/connectors/123/mappings/states", "/connectors/123/projects", "/ValueStreams")
    assert [large.align("GET", path).status_code for path in paths] == [200, 200, 200]  # nobody waits for the company
    assert (answers, at_once) == ([], [1])
    go_on.set()
    for reader in readers:
        reader.join(20)
    assert [answer.status_code for answer in answers] == [200] * 3
    assert made == [1]


def test_a_portfolio_of_the_large_company_is_deleted_at_once_with_all_that_needs_it(large: RunningSandbox) -> None:
    before = len(large.align("GET", "/programs?$filter=portfolioId eq 1").json())
    began = time.process_time()
    large.edit("delete_item", object="portfolio", id=1)
    took = time.process_time() - began
    held = large._server.site.world.objects.held
    assert before > 0
    assert broken_links(held) == set()
    assert not any(row["portfolioId"] == 1 for row in held["program"].values())
    assert list(held["story"]) == sorted(held["story"])
    assert took < 2  # of processor, against a mistake: it took many seconds when each record was written by itself


def test_a_renamed_step_has_its_name_on_items_of_work_and_an_unknown_step_is_refused(align: Align) -> None:
    asked = "/features?$filter=processStepId eq 503&$select=id,processStepName"
    before = align.rows(asked)
    assert {row["processStepName"] for row in before} == {"Building"}
    align.running.edit("rename_step", id=503, name="Making")
    found = align.rows("/features?$filter=processStepName eq 'Making'&$select=id")
    assert [row["id"] for row in found] == [row["id"] for row in before]
    url = align("POST", "/features", json={"title": "New", "programId": 11, "processStepId": 503}).headers["Location"]
    assert align.rows(url)["processStepName"] == "Making"
    align.running.edit("add_step", flow=7, name="Watched", id=599)
    assert align("PATCH", url, json={"processStepId": 599}).status_code == 204
    assert align.rows(url)["processStepName"] == "Watched"
    refused = align("PATCH", url, json={"processStepId": 999})
    assert (refused.status_code, "processStepId 999 does not exist" in refused.text) == (400, True)


def test_a_put_empties_nothing_that_cannot_be_set(network: None) -> None:
    own = Align(state_writable="no", recycle="no", external_key="ignored")
    own.running.edit("archive_item", object="feature", id=201)
    kept = ("state", "processStepId", "processStepName", "isRecycled", "externalKey")
    before = own.rows("/features/201")
    assert all(before[name] is not None for name in ("state", "processStepId", "isRecycled"))
    body = {"title": "Replaced", "programId": before["programId"]}
    assert own("PUT", "/features/201", json=body).status_code == 204
    after = own.rows("/features/201")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert (after["title"], after["priority"]) == ("Replaced", None)
    for name in ("state", "processStepId", "isRecycled"):
        assert own("PATCH", "/features/201", json={name: None}).status_code == 400, name
    own.close()


@pytest.mark.parametrize("query", ["$top=2&limit=1&top=3", "limit=1&top=3&$top=2", "top=3&$top=2&limit=1"])
def test_bare_options_that_are_honoured_count_in_any_order(query: str) -> None:
    own = Align(bare_options="honoured")
    assert len(own.rows(f"/programs?{query}")) == 2
    assert len(own.rows("/programs?limit=1&top=3")) == len(own.rows("/programs?top=3&limit=1")) == 3
    own.close()
