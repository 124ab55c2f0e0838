"""Counting by a click on the matrix: a few statuses a request, from the people's reserve, and what a failure says."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client

from alignadmin.accounts.models import Role
from alignadmin.audit.models import Entry
from connectors.models import Connector, Credential, CredentialKind
from mappings.in_use import counting
from tests.conftest import SignIn
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
MATRIX, COUNT = "/connectors/acme/mappings/", "/connectors/acme/mappings/count/"
HTMX = {"HX-Request": "true"}
CELL = re.compile(r"<span class='in-use num(?: none)?' id=u(\d+) hx-swap-oob=true>([\d,]+) (\w+)</span>")


@pytest.fixture
def editor(connector: Connector, signed_in: SignIn) -> Client:
    cache.clear()
    return signed_in(Role.EDITOR)


def chain(client: Client, **fields: str) -> dict[int, int]:
    """What htmx does: asks until an answer asks for nothing more. Numbers by status."""
    found: dict[int, int] = {}
    html = client.post(COUNT, {"after": "0", **fields}, headers=HTMX).content.decode()
    assert not CELL.search(html), "the first answer only says that it begins"
    while "hx-trigger" in html:
        after = re.search(r'name="after" value="(\d+)"', html)
        assert after
        html = client.post(COUNT, {"after": after[1], "go": "1", **fields}, headers=HTMX).content.decode()
        found |= {int(id_): int(number.replace(",", "")) for id_, number, _ in CELL.findall(html)}
    return found


def in_jira(sandbox: RunningSandbox, jql: str) -> int:
    params = {"jql": jql, "maxResults": "5000"}
    return len(sandbox.jira("/rest/api/3/search/jql", params=params).json()["issues"])


def test_each_row_says_how_many_items_it_has_now_and_everybody_sees_it(
    editor: Client, sandbox: RunningSandbox, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_AT_ONCE", 5)
    assert "Count issues" in editor.get(MATRIX, {"scope": "PROJ"}).content.decode()
    sandbox.clear_journal()
    counts = chain(editor, scope="PROJ")
    asked = sandbox.journal(containing="approximate-count")
    assert len(asked) == len(counts) > 5
    assert {
        status: in_jira(sandbox, f"project = PROJ AND issuetype = Story AND status = {status}") for status in counts
    } == counts
    assert sum(counts.values())
    by_ids = re.compile(r"project in \(\d+\) AND issuetype in \(\d+\) AND status in \(\d+\)")
    assert all(by_ids.fullmatch(entry["body"]["jql"]) for entry in asked), "never by a name"
    used = [each for each in Entry.objects.filter(action="credential.used") if "Counting issues" in str(each.body)]
    assert len(used) == 1, "one entry for what is counted within ten minutes"
    viewer = signed_in(Role.VIEWER).get(MATRIX, {"scope": "PROJ", "view": "list"}).content.decode()
    assert "issues counted" in viewer
    assert "Count again" not in viewer, "a role that cannot ask has no button"
    for status, number in counts.items():
        assert f"id=u{status}>{number} {'story' if number == 1 else 'stories'}</span>" in viewer


def test_without_javascript_a_request_counts_some_and_leads_to_the_list(
    editor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_AT_ONCE", 5)
    answer = editor.post(COUNT, {"scope": "PROJ", "after": "0"})
    assert answer["Location"] == f"{MATRIX}?scope=PROJ&view=list"
    html = editor.get(answer["Location"]).content.decode()
    assert len(re.findall(r"id=u\d+>\d", html)) == 5
    rest = re.search(r"Count the other (\d+)", html)
    assert rest
    assert 'name="after" value="5"' in html, "and goes on from there"


def test_shared_counts_are_of_the_company_managed_projects_and_a_teams_of_its_own(
    editor: Client, sandbox: RunningSandbox
) -> None:
    shared, own = chain(editor), chain(editor, scope="PROJ1")
    assert shared[10018] == in_jira(sandbox, "issuetype = Story AND status = 10018")
    assert own.keys() == {10201, 10202, 10203, 10204, 10205}
    assert sum(own.values()) == in_jira(sandbox, "project = PROJ1 AND issuetype = Story")


def test_data_center_counts_by_its_own_search(editor: Client, sandbox: RunningSandbox) -> None:
    sandbox.reset(jira="server")
    Connector.objects.update(jira_kind="datacenter")
    Credential.objects.filter(system="jira").update(kind=CredentialKind.JIRA_PASSWORD)
    sandbox.clear_journal()
    assert sum(chain(editor, scope="PROJ").values())
    assert {entry["path"] for entry in sandbox.journal(containing="search")} == {"/rest/api/2/search"}


def test_where_jira_does_not_answer_the_row_says_nothing_and_the_page_says_why(
    editor: Client, sandbox: RunningSandbox
) -> None:
    sandbox.faults({"path": "approximate-count", "status": 503, "body": ""})
    html = editor.post(COUNT, {"scope": "PROJ", "after": "0", "go": "1"}, headers=HTMX).content.decode()
    assert 'role="alert"' in html
    assert "Counted 0 of" in html
    assert "hx-trigger" not in html, "it is not asked again by itself"
    assert not CELL.search(html)
    plain = editor.post(COUNT, {"scope": "PROJ", "after": "0"})
    assert plain.status_code == 409
    Credential.objects.filter(system="jira").delete()
    html = editor.post(COUNT, {"scope": "PROJ", "after": "0", "go": "1"}, headers=HTMX).content.decode()
    assert "No Jira credential is stored" in html
    Connector.objects.update(is_active=False)
    assert "deactivated" in editor.post(COUNT, {"scope": "PROJ", "go": "1"}, headers=HTMX).content.decode()
