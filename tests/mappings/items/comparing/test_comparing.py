"""What issues become beside the items that Align has of them: found, compared, and counted where they are not."""

from __future__ import annotations

import pytest
from django.test import Client

from alignadmin.accounts.models import Role
from connectors.models import Connector
from tests.conftest import SignIn
from tests.support.ours_helpers import writes
from tests.support.people_helpers import said
from tests.support.rehearsal_helpers import line, page_of, rehearse
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def editor(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.EDITOR)


def test_items_that_align_carries_are_found_by_their_keys_and_compared(
    connector: Connector, sandbox: RunningSandbox, editor: Client
) -> None:
    sandbox.clear_journal()
    found = rehearse(editor, "PAY")
    assert writes(sandbox) == []
    assert sum(found.found.values()) == found.issues
    real = line(found, "PAY-2").real
    assert (real["outcome"], real["ids"]) == ("differs", [1])
    reasons = {each["key"]: each["reason"] for each in real["differences"]}
    assert reasons["description"] == "empty-in-jira"
    assert line(found, "PAY-3").real["outcome"] == "not-found", "its item is in Align's recycle bin"
    assert line(found, "PAY-28").real["outcome"] == "not-found"
    shown = said(editor.get(f"{page_of('PAY')}?issue=PAY-2"))
    assert "Differs from the item that Align has" in shown
    one = said(editor.get(f"{page_of('PAY')}?outcome=not-found"))
    assert "Show all items" in one
    assert "PAY-28" in one
    assert "PAY-2 Story" not in one
    twin_of = {"title": "Twin", "programId": 11, "featureId": 201, "externalKey": "PAY-2"}
    twin = sandbox.align("POST", "/stories", json=twin_of)
    assert twin.status_code < 300, twin.text
    again = rehearse(editor, "PAY")
    assert line(again, "PAY-2").real == {"outcome": "twice", "ids": [1, twin.json()["id"]], "differences": []}


def test_where_the_site_refuses_to_filter_by_keys_its_items_are_read_once(
    connector: Connector, sandbox: RunningSandbox, editor: Client
) -> None:
    by_keys = rehearse(editor, "PAY")
    sandbox.faults({"path": "filter=externalKey", "status": 400})
    sandbox.clear_journal()
    by_reading = rehearse(editor, "PAY")
    assert by_reading.found == by_keys.found
    assert any("programId eq" in str(each["query"]) for each in sandbox.journal(containing="/stories"))
