"""Conditions on custom fields: options are picked by their value, nothing of them is sent, and rows are chosen."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from alignadmin.accounts.models import Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.align.custom_fields import is_kept
from connectors.align.query import KeepRule, QueryRefused, read_query
from connectors.explorer import rows as stored
from connectors.explorer.as_rows import fields_of
from connectors.models import Connector, QueryRun, RunOutcome
from tests.connectors.explorer.test_explorer import HERE, SignIn, own
from tests.support.sandbox_fixture import RunningSandbox

__all__ = ["own"]

CHANNEL = "customfield_91301"  # of the stand-in's features: Web, App or Phone


def test_an_option_is_picked_by_its_value_and_the_rows_that_have_it_are_kept(
    own: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    client: Client = signed_in(Role.ADMIN)
    form = {"object": "feature", "column": ["id", "title"], "field.0": CHANNEL, "op.0": "eq", "top": "200"}
    assert client.post(HERE, {"act": "custom", **form}).status_code == 303
    shown = client.get(HERE, form).context["page"]
    assert [value for value, _ in shown.rows[0]["options"]] == ["Web", "App", "Phone"]
    assert any(choice.name == CHANNEL and choice.label.startswith("Channel") for choice in shown.askable)

    features = sandbox.align("GET", "/features").json()
    wanted = [each["id"] for each in features if any(o["value"] == "App" for o in each[CHANNEL] or ())]
    assert 0 < len(wanted) < len(features)
    answered = {o["value"]: o["id"] for each in features for o in each[CHANNEL] or ()}
    meta = sandbox.align("GET", "/features/editmeta").json()[CHANNEL]["allowedValues"]
    assert all(answered[each["value"]] != each["id"] for each in meta if each["value"] in answered)

    sandbox.clear_journal()
    assert client.post(HERE, {"act": "run", **form, "value.0": "App"}).status_code == 303
    run_due()
    found = QueryRun.objects.get()
    assert sorted(row["id"] for row in stored.from_row(found, 0)) == sorted(wanted)
    assert (found.read, found.rows, found.outcome) == (len(features), len(wanted), RunOutcome.COMPLETE)
    sent = [entry["query"] for entry in sandbox.journal(containing="/features") if "editmeta" not in entry["path"]]
    assert not any("keep" in query or "App" in query for query in sent)
    assert CHANNEL in sent[0]
    body = json.loads(Entry.objects.get(action="query.run").body)["data"]
    assert (body["query"], body["read"]) == (
        f"/features?$select=id,title&$top=200&keep={CHANNEL} eq 'App'",
        len(features),
    )
    page = client.get(f"{HERE}runs/{found.uuid}/").content.decode()
    assert f"Kept of {len(features)} rows that were read" in page


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (KeepRule(key="customfield_1", value="app"), [1, 4]),
        (KeepRule(key="customfield_1", value="App", is_not=True), [2, 3]),
        (KeepRule(key="customfield_1", value=None), [3]),
        (KeepRule(key="customfield_1", value=None, is_not=True), [1, 2, 4]),
        (KeepRule(key="customfield_2", value="5.5"), [2]),
    ],
)
def test_a_rule_goes_by_values_wherever_a_site_keeps_them(rule: KeepRule, kept: list[int]) -> None:
    rows = [
        {"id": 1, "customfield_1": [{"value": "Web", "id": 1}, {"value": "App", "id": 9}]},
        {"id": 2, "customFields": {"Customfield_1": {"value": "Web", "id": 9}, "customfield_2": 5.5}},
        {"id": 3, "customfield_1": []},
        {"id": 4, "customfield_1": "App"},
    ]
    assert [row["id"] for row in rows if is_kept(row, [rule])] == kept


@pytest.mark.parametrize(
    "keep",
    [
        "customfield_1 eq 'R&D'",
        "customfield_1 ne 'O''Brien' and customfield_2 eq null",
        "customfield_1 ne null",
    ],
)
def test_what_is_typed_is_read_written_and_shown_by_rows(keep: str) -> None:
    text = f"/epics?$select=id&$filter=state eq 2&$top=10&keep={keep}"
    query = read_query(text)
    assert query.text() == text
    assert "keep" not in dict(query.pairs())
    by_rows = fields_of(query)
    assert by_rows is not None
    assert by_rows.query == query


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("/features?keep=title eq 'x'", "keep compares custom fields"),
        ("/features?keep=customfield_1 gt 5", "keep compares custom fields"),
        ("/features?keep=customfield_1 eq 'x' or customfield_1 eq 'y'", "keep compares custom fields"),
        ("/regions?keep=customfield_1 eq 'x'", "Regions have no custom fields"),
        ("/features?$filter=customfield_1 eq 'x'", "keep=customfield_1"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_sentence(text: str, sentence: str) -> None:
    with pytest.raises(QueryRefused, match=sentence):
        read_query(text)


def test_one_of_several_conditions_cannot_be_on_a_custom_field(own: Connector, signed_in: SignIn) -> None:
    form = {"object": "feature", "field.0": CHANNEL, "op.0": "eq", "value.0": "App", "match": "any"}
    client = signed_in(Role.ADMIN)
    answer = client.post(HERE, {"act": "run", **form, "field.1": "state", "op.1": "eq", "value.1": "2"})
    assert answer.status_code == 400
    assert "Align filters by no custom field" in answer.content.decode()
    assert client.post(HERE, {"act": "run", **form}).status_code == 303
