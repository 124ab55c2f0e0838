"""The table of rows that people take: what is refused before it is built, and what is recorded of it."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from connectors.history.search import export
from connectors.models import Connector
from tests.connectors.history.search.test_history_pages import align, done, people, signed_in
from tests.support.events import EVENT

__all__ = ["align", "people"]


@pytest.fixture
def editor(align: Connector, people: dict[Role, Person]) -> Client:
    done(align, people[Role.ADMIN], EVENT, EVENT)
    return signed_in(people[Role.EDITOR])


def refusal(client: Client, query: str) -> str:
    answer = client.post("/history/export/", {"q": query})
    assert answer.status_code == 400
    assert not Entry.objects.filter(action=export.EXPORTED).exists()
    return unescape(answer.content.decode())


def test_it_refuses_a_search_that_is_too_long_before_anything_else(editor: Client) -> None:
    long = "a:" * 2001
    assert "The search has 4,002 characters; one that is exported may have 4,000." in refusal(editor, long)
    assert editor.get("/history/export/", {"q": long}).status_code == 400


def test_it_refuses_an_export_of_no_rows(editor: Client) -> None:
    assert "No row matches, so nothing was exported." in refusal(editor, "nowhere")


def test_it_counts_first_and_builds_nothing_that_is_too_large(editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST", 1)
    with CaptureQueriesContext(connection) as queries:
        assert "More than 1 rows match" in refusal(editor, "")
    of_rows = [each["sql"] for each in queries if 'FROM "connectors_historyrow"' in each["sql"]]
    assert all("COUNT(" in sql for sql in of_rows), of_rows


def test_one_person_has_one_export_at_a_time(editor: Client, people: dict[Role, Person]) -> None:
    key = f"history.export.{people[Role.EDITOR].pk}"
    cache.add(key, True, 60)
    assert "Another export of yours is being made" in refusal(editor, "")
    cache.delete(key)
    for _ in range(2):
        assert editor.post("/history/export/", {"q": ""}).status_code == 200


def test_the_sentence_of_its_entry_has_a_shortened_query_and_its_data_all_of_it(editor: Client) -> None:
    query = " ".join(f"ticket:CHG-{number}{'0' * 40}" for number in range(20)) + " ticket:CHG-2291"
    answer: Any = editor.post("/history/export/", {"q": query})
    assert answer.status_code == 200
    entry = Entry.objects.get(action=export.EXPORTED)
    said = json.loads(entry.body)
    assert said["sentence"] == f"Exported 2 rows of the history: {query[:300]}…."
    assert said["data"]["query"] == query
