"""The explorer over HTTP: who may, what the form builds, runs at the stand-in, refusals, rows as they are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.sealing import stored_values
from connectors.align.query import read_query
from connectors.explorer import services
from connectors.explorer.as_rows import fields_of
from connectors.explorer.completion import suggestions
from connectors.explorer.rows import bound_to
from connectors.models import Connector, Job, JobState, QueryPage, QueryRun, SavedQuery
from tests.support import factories
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
HERE = "/connectors/acme/explorer/"
FEATURES = "/features?$select=id,title&$filter=state eq 2&$orderby=title&$top=20"


@pytest.fixture
def own(transactional_db: None, bare_connector: Connector) -> Connector:
    """Leads to the stand-in; nothing has been read."""
    return bare_connector


def run(client: Client, query: str, **more: Any) -> HttpResponse:
    return client.post(HERE, {"act": "run", "q": query, **more})  # type: ignore[return-value]


def ran(client: Client, query: str, **more: Any) -> QueryRun:
    """To its end, in this thread."""
    answer = run(client, query, **more)
    assert answer.status_code == 303, answer.content.decode()[:2000]
    run_due()
    return QueryRun.objects.select_related("job").latest("id")


def page_of(client: Client, found: QueryRun, number: int = 1) -> str:
    return client.get(f"{HERE}runs/{found.uuid}/?page={number}").content.decode()


# -- a run ------------------------------------------------------------------------------------------------------------


def test_a_query_runs_shows_its_rows_and_is_an_entry_without_them(
    own: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    client = signed_in(Role.ADMIN)
    expected = sandbox.align("GET", "/features?$filter=state eq 2&$orderby=title&$top=20").json()
    sandbox.clear_journal()
    found = ran(client, FEATURES)
    assert (found.job.state, found.rows) == (JobState.DONE, len(expected))
    assert found.rows > 0
    shown = page_of(client, found)
    assert all(row["title"].replace("'", "&#x27;").replace("&", "&amp;")[:10] in shown for row in expected[:1])
    assert {entry["method"] for entry in sandbox.journal()} == {"GET"}
    body = json.loads(Entry.objects.get(action="query.run").body)
    assert body["data"]["query"].startswith("/features?")
    assert body["data"]["rows"] == found.rows
    assert not any(row["title"] in json.dumps(body) for row in expected)
    rows = client.get(f"{HERE}runs/{found.uuid}/rows.json").getvalue()
    assert [row["id"] for row in json.loads(rows)] == [row["id"] for row in expected]


def test_rows_are_encrypted_for_their_run_and_gone_after_an_hour(own: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.ADMIN)
    found = ran(client, FEATURES)
    page = QueryPage.objects.select_related("run").get(run=found)
    assert page.sealed.startswith("v1:")
    assert "title" not in page.sealed
    assert str(found.uuid) in bound_to(page)
    assert all(value.value != page.sealed for value in stored_values())  # which the start and /readyz read whole
    QueryPage.objects.filter(pk=page.pk).update(number=7)  # in another place it does not open
    assert client.get(f"{HERE}runs/{found.uuid}/").status_code == 409
    QueryPage.objects.filter(pk=page.pk).update(number=page.number)
    Job.objects.filter(pk=found.job_id).update(finished_at=timezone.now() - timedelta(hours=1, seconds=1))
    assert "have been deleted" in page_of(client, found)  # before the clock comes by
    assert client.get(f"{HERE}runs/{found.uuid}/rows.csv").status_code == 410
    run_due()
    assert not QueryPage.objects.exists()
    assert QueryRun.objects.filter(pk=found.pk).exists()


def test_another_persons_run_is_not_there_for_an_admin_neither(
    own: Connector, signed_in: SignIn, people: dict[Role, Person]
) -> None:
    services.open_to_editors(own, True, actor=people[Role.ADMIN])
    found = ran(signed_in(Role.EDITOR), FEATURES)
    other = signed_in(Role.ADMIN)
    addresses = [f"{HERE}runs/{found.uuid}/", f"{HERE}runs/{found.uuid}/rows.csv"]
    assert [other.get(address).status_code for address in addresses] == [404, 404]
    assert other.post(f"{HERE}runs/{found.uuid}/stop/").status_code == 404


def test_a_form_sent_twice_runs_once_and_three_runs_are_the_most(own: Connector, signed_in: SignIn) -> None:
    client, uuid = signed_in(Role.ADMIN), uuid4()
    first, second = (run(client, FEATURES, uuid=uuid) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert run(client, "/epics", uuid=uuid).status_code == 409
    assert [run(client, "/epics").status_code for _ in range(3)] == [303, 303, 409]
    assert QueryRun.objects.count() == services.MOST_AT_WORK


def test_a_stopped_run_reads_no_more_and_keeps_what_it_has(
    own: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    client = signed_in(Role.ADMIN)
    run(client, FEATURES)
    found = QueryRun.objects.get()
    sandbox.clear_journal()
    assert client.post(f"{HERE}runs/{found.uuid}/stop/").status_code == 303
    run_due()
    found.refresh_from_db()
    assert (found.rows, found.job.state) == (0, JobState.DONE)
    assert sandbox.journal(containing="features") == []
    assert json.loads(Entry.objects.get(action="query.run").body)["data"]["outcome"] == "stopped by its person"
    assert "Stopped" in page_of(client, found)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"status": 403}, "right"),
        ({"cut": "before"}, "cut off"),
        ({"status": 200, "body": '[{"id": 1, "ti'}, "Features"),
    ],
)
def test_what_align_refuses_or_cuts_off_is_told_and_is_an_entry(
    own: Connector, sandbox: RunningSandbox, signed_in: SignIn, fault: dict[str, Any], sentence: str
) -> None:
    client = signed_in(Role.ADMIN)
    sandbox.faults({"path": "/features", **fault})
    found = ran(client, FEATURES)
    assert found.job.state == JobState.FAILED
    assert sentence in found.job.error
    assert json.loads(Entry.objects.get(action="query.run").body)["data"]["outcome"] == "failed"
    assert "Failed" in page_of(client, found)


def test_csv_holds_no_formula(own: Connector, sandbox: RunningSandbox, signed_in: SignIn) -> None:
    row = sandbox.align("GET", "/features?$top=1&$orderby=id").json()[0]
    changed = [{"op": "replace", "path": "/title", "value": "=1+1"}]
    assert sandbox.align("PATCH", f"/features/{row['id']}", json=changed).ok
    client = signed_in(Role.ADMIN)
    found = ran(client, "/features?$select=id,title&$orderby=id&$top=1")
    answer = client.get(f"{HERE}runs/{found.uuid}/rows.csv")
    assert answer.getvalue().decode("utf-8-sig").splitlines()[1] == f"{row['id']},'=1+1"


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "sentence", "part"),
    [
        ("/features?$filter=titel eq 'x'", "Did you mean title?", "<mark>titel</mark>"),
        ("/users?$filter=isTimeTracking eq true", "Let the field stand alone", "<mark>"),
        ("/features?$filter=lastUpdatedDate gt '2018-02-22'", "A date is written without quotes", "<mark>"),
        ("/features?skip=220", "Write $skip", "<mark>skip</mark>"),
        ("/nowhere", "is no list", "<mark>/nowhere</mark>"),
        ("/features?$top=100001", "100,000 rows at most", ""),
        (f"/features?$filter=title eq '{'x' * 70_000}'", "70,0", ""),
        ("\0'\ud800"[:2], "is no list", ""),
    ],
)
def test_a_refused_query_says_its_rule_and_its_place_and_nothing_is_sent(
    own: Connector, signed_in: SignIn, query: str, sentence: str, part: str
) -> None:
    client = signed_in(Role.ADMIN)
    answer = run(client, query)
    assert answer.status_code == 400
    assert sentence in answer.content.decode().replace("&#x27;", "'").replace("&quot;", '"')
    assert part in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("typed", "label", "text"),
    [
        ("/feat", "features", "/features?"),
        ("/features?$fil", "$filter", "/features?$filter="),
        ("/features?$filter=poi", "points", "/features?$filter=points"),
        ("/features?$filter=points ", "ge", "/features?$filter=points ge"),
        ("/features?$filter=points gt 5 ", "and", "/features?$filter=points gt 5 and"),
        ("/features?$select=id,ti", "title", "/features?$select=id,title"),
        ("/features?$orderby=title ", "desc", "/features?$orderby=title desc"),
        ("/features?expand=ow", "owner", "/features?expand=owner"),
    ],
)
def test_a_typed_query_is_completed_from_the_table(typed: str, label: str, text: str) -> None:
    assert (label, text) in [(each.label, each.text) for each in suggestions(typed)]


@pytest.mark.parametrize(
    ("typed", "label", "text"),
    [
        ("/fea|?$top=5", "features", "/features?|$top=5"),
        ("/features?$fil|=state eq 2", "$filter", "/features?$filter=|state eq 2"),
        ("/features?$filter=poi|ts gt 5&$top=5", "points", "/features?$filter=points| gt 5&$top=5"),
        ("/features?$select=id,ti|,state&$top=5", "title", "/features?$select=id,title|,state&$top=5"),
        ("/features?$filter=cont|(title, 'x')", "contains(", "/features?$filter=contains(|title, 'x')"),
        ("/features?$filter=state | and isBlocked", "ge", "/features?$filter=state ge| and isBlocked"),
    ],
)
def test_in_the_middle_of_a_text_its_word_is_completed_and_the_rest_stays(typed: str, label: str, text: str) -> None:
    begun, _, rest = typed.partition("|")
    before, _, after = text.partition("|")
    found = [(each.label, each.text, each.caret) for each in suggestions(begun + rest, len(begun))]
    assert (label, before + after, len(before)) in found


@pytest.mark.parametrize("typed", ["", "/nowhere?$filter=", "/features?$filter=title eq 'an", "x" * 5000])
def test_where_nothing_is_known_nothing_is_suggested(typed: str) -> None:
    assert [each for each in suggestions(typed) if typed] == []


def test_a_page_of_an_absurd_address_answers(own: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.ADMIN)
    for query in ("object=nothing", "field.0=title&op.0=gt&value.0=5", "field.0=teams&object=user", "top=-1", "top=²"):
        assert client.get(f"{HERE}?{query}").status_code == 200, query
    assert client.get(f"{HERE}?column=nope&object=feature").status_code == 200


# -- by rows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"field.0": "title", "op.0": "startswith", "value.0": "O'Brien"},
            "/features?$select=id,title&$filter=startswith(title, 'O''Brien')&$top=1000",
        ),
        (
            {"field.0": "isBlocked", "op.0": "no", "field.1": "points", "op.1": "gt", "value.1": "2.5", "match": "any"},
            "/features?$select=id,title&$filter=not isBlocked or points gt 2.5&$top=1000",
        ),
        (
            {"field.0": "lastUpdatedDate", "op.0": "ge", "value.0": "2026-03-01", "order.0": "title", "desc.0": "yes"},
            "/features?$select=id,title&$filter=lastUpdatedDate ge 2026-03-01T00:00:00Z&$orderby=title desc&$top=1000",
        ),
        (
            {"field.0": "additionalProgramIds", "op.0": "has", "value.0": "2", "top": "5"},
            "/features?$select=id,title&$filter=additionalProgramIds/any(x: x eq 2)&$top=5",
        ),
        (
            {"expand": "owner", "field.0": "ownerId", "op.0": "filled"},
            "/features?$select=id,title,owner&expand=owner&$filter=ownerId ne null&$top=1000",
        ),
    ],
)
def test_rows_of_the_form_make_a_query(own: Connector, signed_in: SignIn, fields: dict[str, str], text: str) -> None:
    answer = signed_in(Role.ADMIN).get(HERE, {"object": "feature", "column": ["id", "title"], **fields})
    assert answer.context["page"].text == text
    back = fields_of(read_query(text))
    assert back is not None
    assert answer.context["page"].fields.query == back.query
    pages = -(-int(fields.get("top", "1000")) // 100)
    assert answer.context["page"].cost.requests == pages + 1, "the last one proves that there are no more"


@pytest.mark.parametrize(
    "text", ["/features?$filter=points mul 2 gt 5", "/features?$skip=5", "/features?$filter=not (points gt 5)"]
)
def test_what_the_form_cannot_say_stays_a_text(text: str) -> None:
    assert fields_of(read_query(text)) is None


def test_what_cannot_be_asked_of_a_field_is_said_at_its_row(own: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.ADMIN)
    fields = {"object": "feature", "field.0": "points", "op.0": "contains", "field.1": "title", "op.1": "contains"}
    answer = client.post(HERE, {"act": "run", **fields})
    assert answer.status_code == 400
    rows = answer.context["page"].rows
    assert [each["problem"] for each in rows[:2]] == ["Choose what to ask of this field (number).", "Give a value."]
    assert not Job.objects.exists()


def test_people_are_found_by_name_and_me_by_my_address(
    own: Connector, sandbox: RunningSandbox, signed_in: SignIn, people: dict[Role, Person]
) -> None:
    client = signed_in(Role.ADMIN)
    user = sandbox.align("GET", "/users?$top=1&$orderby=id").json()[0]
    Person.objects.filter(pk=people[Role.ADMIN].pk).update(email=user["email"])
    form = {"object": "feature", "column": "id", "field.0": "ownerId", "op.0": "eq"}
    sandbox.clear_journal()
    assert client.get(HERE, {**form, "value.0": "me"}).context["page"].query is None
    assert sandbox.journal() == []  # showing asks nothing
    shown = client.post(HERE, {"act": "show", **form, "value.0": "me"})
    assert f"value.0={user['id']}" in shown.headers["Location"]
    nobody = client.post(HERE, {"act": "run", **form, "value.0": "Nobody at all"})
    assert "shows nothing called" in nobody.content.decode()
    some = client.post(HERE, {"act": "run", **form, "value.0": "a"})
    assert len(some.context["page"].choices[0]) > 1
    assert user["fullName"] in client.get(shown.headers["Location"]).content.decode()
    assert {entry["method"] for entry in sandbox.journal()} == {"GET"}


def test_custom_fields_are_chosen_by_their_label(own: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.ADMIN)
    assert client.post(HERE, {"act": "custom", "object": "feature", "column": "id"}).status_code == 303
    key, label = next(iter(client.get(HERE).context["page"].custom.items()))
    found = ran(client, f"/features?$select=id,{key}&$top=5")
    assert found.labels[key] == label
    assert label in page_of(client, found)


# -- who may ----------------------------------------------------------------------------------------------------------


def test_editors_see_it_once_an_admin_has_opened_it_and_no_longer_when_it_is_closed(
    own: Connector, signed_in: SignIn
) -> None:
    admin, editor = signed_in(Role.ADMIN), signed_in(Role.EDITOR)
    assert editor.get(HERE).status_code == 404
    assert editor.post(f"{HERE}access/", {"editors": "yes"}).status_code == 403
    assert admin.post(f"{HERE}access/", {"editors": "yes"}).status_code == 303
    found = ran(editor, FEATURES)
    assert editor.get(f"{HERE}runs/{found.uuid}/").status_code == 200
    assert [signed_in(role).get(HERE).status_code for role in (Role.VIEWER, Role.REVIEWER)] == [404, 404]
    assert admin.post(f"{HERE}access/", {"editors": "no"}).status_code == 303
    assert editor.get(f"{HERE}runs/{found.uuid}/").status_code == 404
    assert run(editor, FEATURES).status_code == 404
    acts = Entry.objects.filter(action__startswith="explorer.").order_by("seq").values_list("action", flat=True)
    assert list(acts) == ["explorer.opened", "explorer.closed"]


def test_queries_are_saved_shared_and_deleted_by_their_person_alone(
    own: Connector, signed_in: SignIn, people: dict[Role, Person]
) -> None:
    services.open_to_editors(own, True, actor=people[Role.ADMIN])
    admin, editor = signed_in(Role.ADMIN), signed_in(Role.EDITOR)
    for name, shared in (("Mine", ""), ("Ours", "yes")):
        assert admin.post(HERE, {"act": "save", "name": name, "q": FEATURES, "shared": shared}).status_code == 303
    assert admin.post(HERE, {"act": "save", "name": "Ours", "q": FEATURES}).status_code == 400
    assert admin.post(HERE, {"act": "save", "name": "Bad", "q": "/features?$filter=nope"}).status_code == 400
    assert [each.query.name for each in editor.get(HERE).context["page"].saved] == ["Ours"]
    shared_one = SavedQuery.objects.get(name="Ours")
    renamed = {"name": "Theirs", "shared": "yes"}
    assert [editor.post(f"{HERE}saved/{shared_one.pk}/{act}", renamed).status_code for act in ("", "delete/")] == [
        404,
        404,
    ]
    assert admin.post(f"{HERE}saved/{shared_one.pk}/", {"name": "Mine"}).status_code == 400  # there is one
    assert admin.post(f"{HERE}saved/{shared_one.pk}/", renamed).status_code == 303
    assert [each.query.name for each in editor.get(HERE).context["page"].saved] == ["Theirs"]
    assert admin.post(f"{HERE}saved/{shared_one.pk}/delete/").status_code == 303


def test_a_run_of_another_connector_is_not_below_this_one(
    own: Connector, signed_in: SignIn, people: dict[Role, Person]
) -> None:
    client = signed_in(Role.ADMIN)
    found = ran(client, FEATURES)
    factories.connector("http://127.0.0.2:9", actor=people[Role.ADMIN], slug="beta", name="Beta")
    assert client.get(f"/connectors/beta/explorer/runs/{found.uuid}/").status_code == 404
