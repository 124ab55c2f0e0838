"""An issue and its item explained over HTTP: both sides read live, each for itself, and nothing written."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Role
from alignadmin.audit.models import Entry
from connectors.models import (
    Connector,
    Credential,
    CredentialKind,
    HistoryRow,
    InboxDelivery,
    Project,
    Source,
    WatchedIssue,
)
from mappings.items.explaining.reading import MOST_LOOKS
from mappings.models import Change, ItemLink, Scope
from mappings.models import Mapping as MappingRow
from tests.conftest import SignIn
from tests.support import factories
from tests.support.ours_helpers import kept, planned, team, writes
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/connectors/acme/explain/"
PAY_3 = 100010003  # a story in Backlog, which Align has as story 2
BACKLOG = 10011
MOST_REQUESTS = 30
AT_JIRA, AT_ALIGN = "/rest/api/", "/rest/align/"


@pytest.fixture
def editor(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.EDITOR)


def words(answer: Any) -> str:
    """Of a page, with a blank for each mark, so that cells and tags stand apart."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def explained(client: Client, item: object, level: str = "") -> str:
    """What stands below the form."""
    answer = client.get(PAGE, {"item": str(item), "level": level})
    assert answer.status_code == 200, words(answer)
    return words(answer).partition("Both are read now, and nothing is written .")[2]


def test_both_sides_are_read_now_and_set_beside_the_rules_and_the_next_moves(
    connector: Connector, sandbox: RunningSandbox, editor: Client
) -> None:
    assert sandbox.align("PATCH", "/stories/2", json=_replace(state=2)).ok
    sandbox.clear_journal()
    shown = explained(editor, " pay-3 ")
    assert writes(sandbox) == []
    requests = sandbox.journal(containing="/rest/")
    assert f"Read just now with {len(requests)} requests" in shown
    assert len([each for each in requests if "/transitions" in each["path"]]) <= 1 + MOST_LOOKS
    assert len(requests) <= MOST_REQUESTS
    assert "PAY-3 · Story 2 Differs" in shown
    assert "Align’s own connector carries PAY" in shown
    assert "Backlog 0 - Pending approval 2 - In progress differs The mapping says otherwise" in shown
    assert "PAY-1 Feature of PAY-1, 201 201 as configured" in shown
    assert "Assignee ; both ways, user Hiro Ito Hiro Ito Hiro Ito (user 9) as configured" in shown
    assert "Level Story → Story shared by all projects as Jira tells it" in shown
    assert "State, Jira to Align Backlog → 0 Pending approval shared by the company-managed projects record 6" in shown
    assert "State, Align to Jira In progress → In Progress project PAY record" in shown
    assert "Selected for Development Selected for Development 1 - Ready to start. Process step Ready." in shown
    assert "Cancelled Cancelled 0 - Pending approval. The status has no mapping, so it falls to 0. not mapped" in shown
    assert "3 - Dev complete – no record Nothing happens in Jira" in shown
    assert "2 - In progress In Progress reached “Selected for Development”, then In Progress." in shown
    html = editor.get(PAGE, {"item": "PAY-3"}).content.decode()
    assert f'href="/connectors/acme/mappings/?cell=0#h{BACKLOG}"' in html
    by_id, by_item = explained(editor, PAY_3), explained(editor, "2", "story")
    assert by_id == shown
    assert by_item == shown.replace(" Found by its key.", "")
    used = [each for each in Entry.objects.filter(action="credential.used") if "Explaining items" in str(each.body)]
    assert len(used) == 2, "one entry of each system for what is asked within ten minutes"


def test_data_center_is_read_by_its_own_addresses(
    connector: Connector, sandbox: RunningSandbox, editor: Client
) -> None:
    sandbox.reset(jira="server")
    Connector.objects.update(jira_kind="datacenter")
    Credential.objects.filter(system="jira").update(kind=CredentialKind.JIRA_PASSWORD)
    sandbox.clear_journal()
    shown = explained(editor, "PAY-3")
    assert "PAY-3 · Story 2" in shown
    assert "Selected for Development Selected for Development 1 - Ready to start." in shown
    assert {each["path"].split("/")[3] for each in sandbox.journal(containing=AT_JIRA)} == {"2"}


def test_what_one_side_refuses_is_said_and_the_other_is_shown(
    connector: Connector, sandbox: RunningSandbox, editor: Client
) -> None:
    sandbox.faults({"path": AT_ALIGN, "status": 503})
    shown = explained(editor, "PAY-3")
    assert "Jira Align could not tell." in shown
    assert "Hiro Ito – –" in shown, "who he is in Align is not known, and nothing is called lost"
    assert "has no user" not in shown
    assert "Selected for Development" in shown
    sandbox.faults()
    sandbox.faults({"path": AT_JIRA, "status": 503})
    shown = explained(editor, "PAY-3")
    assert "Jira could not tell." in shown
    assert "Story 2" in shown
    assert "Choose an address" in shown
    assert "Rules that apply" not in shown
    _watched(connector)
    shown = explained(editor, "PAY-3")
    assert "Of Jira this is what the last look saw" in shown
    assert "State, Jira to Align Backlog → 0 Pending approval" in shown
    assert "Not known while Jira cannot be asked." in shown
    assert "In Progress not known" in shown
    sandbox.faults({"path": AT_ALIGN, "status": 503})
    both = explained(editor, "2", "story")
    assert "Jira Align could not tell." in both
    assert "Nothing was found" in both


def _watched(connector: Connector) -> WatchedIssue:
    now = timezone.now()
    return WatchedIssue.objects.create(
        connector=connector,
        jira_id=PAY_3,
        key="PAY-3",
        project_id=10001,
        status_id=BACKLOG,
        issue_type_id=10001,
        updated_at=now - timedelta(minutes=2),
        looked_at=now,
    )


def test_unknown_foreign_and_malformed_names_are_answered_in_words_and_read_nothing_more(
    connector: Connector, sandbox: RunningSandbox, editor: Client
) -> None:
    shown = explained(editor, "NO-99999")
    assert "Jira could not tell. It is not there, or not shown to our account." in shown
    assert "It is not there" in explained(editor, "999999", "feature")
    assert len(sandbox.journal(containing="/rest/")) <= MOST_REQUESTS
    Project.objects.filter(key="PAY").update(in_scope=False, scope_choice="out")
    assert "PAY is not in scope here." in explained(editor, "PAY-3")
    sandbox.clear_journal()
    for item, level in (
        ("", ""),
        ("PAY", ""),
        ("PAY-0", ""),
        ("PAY-3; DROP", ""),
        ("../../x", ""),
        ("0", "story"),
        ("PAY-3", "story"),
        ("9" * 400, ""),
        ("x" * 500_000, ""),
        ("A" * 300 + "-1", ""),
        ("2", "initiative"),
        ("\0", ""),
    ):
        answer = editor.get(PAGE, {"item": item, "level": level})
        assert answer.status_code == 200, item[:40]
        assert len(answer.content) < 60_000
        assert 'aria-invalid="true"' in answer.content.decode()
    assert "no key of an issue" in words(editor.get(PAGE, {"item": "PAY-0"}))
    Connector.objects.update(is_active=False)
    assert "is deactivated, so nothing is asked of it." in explained(editor, "PAY-3")
    assert sandbox.journal(containing="/rest/") == []


def test_one_of_ours_goes_by_lists_kept_here_and_its_link_finds_the_item(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn, editor: Client
) -> None:
    found = team(signed_in(Role.ADMIN), connector, sandbox)
    issue = sandbox.jira("/rest/api/3/issue/LAB-2?fields=status").json()
    status = int(issue["fields"]["status"]["id"])
    kept(Scope.objects.get(family="j2a-state", project=found, is_ours=True), status, 4)
    ItemLink.objects.create(
        connector=connector,
        jira_id=int(issue["id"]),
        issue_key="LAB-2",
        project=found,
        level="story",
        align_id=2,
        sent_at=timezone.now(),
    )
    shown = explained(editor, "LAB-2")
    assert "LAB-2 · Story 2 Differs" in shown
    assert "LAB is ours: its mappings are kept here" in shown
    assert "4 Test complete project LAB, kept here" in shown
    assert "It is among the issues to import ." in shown
    assert "Linked by an import." in shown
    assert "Nothing carries these moves by itself." in shown


def test_the_last_change_of_a_record_leads_to_its_plan_or_to_aligns_log(
    connector: Connector, signed_in: SignIn, editor: Client
) -> None:
    row = MappingRow.objects.get(
        scope__family="j2a-state", work_item_type="story", source_id=BACKLOG, scope__project=None
    )
    mapping, number = row, row.applied
    assert editor.post(
        "/connectors/acme/mappings/cell/", {"scope": "shared", "status": BACKLOG, "target": 1, "seen": str(number)}
    ).status_code in (200, 204, 303)
    mapping.refresh_from_db()
    assert "1 Ready to start is wanted, and not applied yet." in explained(editor, "PAY-3")
    plan = planned(editor, mapping)
    Change.objects.filter(plan=plan).update(state="done", answered_at=timezone.now())
    html = editor.get(PAGE, {"item": "PAY-3"}).content.decode()
    assert f'href="/plans/{plan.pk}/#change-{Change.objects.get(plan=plan).position}">Plan {plan.pk}</a>' in html
    HistoryRow.objects.create(
        at=timezone.now() + timedelta(minutes=1),
        connector=connector,
        source=Source.OUTSIDE,
        action="updated",
        kind="state",
        direction="j2a",
        work_item_type="story",
        object_id=BACKLOG,
        person_name="Grace in Align",
    )
    assert "Changed outside Grace in Align" in explained(editor, "PAY-3")


def test_links_and_the_search_lead_there_and_deliveries_are_shown(
    connector: Connector, editor: Client, signed_in: SignIn
) -> None:
    _watched(connector)
    delivery = factories.inbox_delivery(connector)
    InboxDelivery.objects.filter(pk=delivery.pk).update(issue_id=PAY_3, issue_key="PAY-3", outcome="Status: A → B")
    assert f"/connectors/acme/explain/?item={PAY_3}" in editor.get("/connectors/acme/webhook/").content.decode()
    shown = explained(editor, "PAY-3")
    assert "jira:issue_updated Taken Status: A → B" in shown
    assert "Looked at last" in shown
    found = editor.get("/search/", {"q": "pay-3"}).content.decode()
    assert '<a href="/connectors/acme/explain/?item=PAY-3"><bdi>Explain PAY-3</bdi></a>' in found
    assert "Explain PAY-3" not in words(signed_in(Role.VIEWER).get("/search/", {"q": "pay-3"}))
    assert "Explain NO-3" not in words(editor.get("/search/", {"q": "no-3"}))
    assert signed_in(Role.REVIEWER).get(PAGE, {"item": "PAY-3"}).status_code == 200
    assert signed_in(Role.VIEWER).get(PAGE, {"item": "PAY-3"}).status_code == 404


def _replace(**values: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": f"/{name}", "value": value} for name, value in values.items()]
