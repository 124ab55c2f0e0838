"""Issues beside their items: alike, apart with one reason, not found, and links that are severed or followed."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from alignadmin.accounts.models import Person
from connectors.models import Connector
from mappings.items.agreement.page import AgreementPage
from mappings.models import ComparedItem, Mapping
from tests.support.agreement_helpers import TwoSides, compare_project, pair, verdict
from tests.support.ours_helpers import writes

pytestmark = pytest.mark.django_db(transaction=True)

IN_PROGRESS = 2


def test_each_issue_of_a_project_is_compared_and_has_one_reason_where_it_stands_apart(
    connector: Connector, sides: TwoSides, admin: Person
) -> None:
    sides.move("PAY-2", "In Progress")
    sides.sandbox.clear_journal()
    asked = compare_project(connector, "PAY", admin)
    assert writes(sides.sandbox) == []
    assert sum(asked.counts.values()) == asked.issues == ComparedItem.objects.count()
    assert asked.requests == len(sides.sandbox.journal("GET"))
    assert asked.finished_at is not None
    # Only the description differs, which nobody carries since.
    assert [each["key"] for each in pair("PAY-2").differences] == ["description"]
    assert verdict("PAY-2") == ("apart", "changed-by-hand")
    assert verdict("PAY-28") == ("not-found", "out-of-scope")
    assert verdict("PAY-3") == ("severed", "changed-by-hand")  # in Align's recycle bin
    shown = AgreementPage(connector, admin, {})
    outcomes = [each.outcome for each in ComparedItem.objects.all()]
    assert (shown.linked, shown.apart) == (outcomes.count("alike") + outcomes.count("apart"), outcomes.count("apart"))
    assert sum(each.number for each in shown.reasons) == shown.rows().count()


def test_what_align_has_as_configured_agrees(connector: Connector, sides: TwoSides, admin: Person) -> None:
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Story"}, "summary": "Agrees"}
    made = sides.jira("POST", "/issue", {"fields": fields})["key"]
    compare_project(connector, "PAY", admin, made)
    assert verdict(made) == ("alike", "")


def test_a_state_set_in_align_says_why_the_issue_did_not_follow(
    connector: Connector, sides: TwoSides, admin: Person
) -> None:
    """1. No status stands for it. 2. No transition leads there. 3. It is resolved. 4. It has arrived."""
    sides.move("PAY-2", "In Progress")
    assert Mapping.objects.filter(scope__project__key="PAY", scope__family="a2j-state").exists()
    led: dict[int, str] = {}
    for state in range(6):
        sides.set("story", 1, state=state)
        compare_project(connector, "PAY", admin, "PAY-2")
        found = pair("PAY-2")
        first = found.differences[0]
        if first["key"] == "state":
            led[state] = found.reason
            assert first["reason"] == found.reason
        else:
            assert sides.items("story")["PAY-2"]["state"] == state
    assert "no-mapping-there" in led.values(), led
    assert set(led.values()) <= {"no-mapping-there", "no-transition", "refused-there", "changed-by-hand"}
    sides.move("PAY-2", "Cancelled")
    compare_project(connector, "PAY", admin, "PAY-2")
    assert pair("PAY-2").differences[0]["key"] != "state"  # it falls to 0, as is predicted
    sides.set("story", 1, state=IN_PROGRESS)
    compare_project(connector, "PAY", admin, "PAY-2")
    assert verdict("PAY-2") == ("apart", "refused-there")
    assert "resolved" in pair("PAY-2").sentence


def test_what_changed_a_moment_ago_is_not_carried_yet_and_is_looked_at_again(
    connector: Connector, sides: TwoSides, admin: Person, settings: Settings
) -> None:
    settings.AGREEMENT_LEAST_LAG = 600.0
    sides.sandbox.reset(connector_moves="no")  # nothing carries it
    sides.move("PAY-2", "In Progress")
    compare_project(connector, "PAY", admin, "PAY-2")
    found = pair("PAY-2")
    assert (found.outcome, found.reason) == ("apart", "not-carried-yet")
    assert found.due_at is not None
    assert found.jira_updated_at is not None
    assert (found.due_at - found.jira_updated_at).total_seconds() == 600.0
    since = found.since
    compare_project(connector, "PAY", admin, "PAY-2")
    assert pair("PAY-2").since == since
    settings.AGREEMENT_LEAST_LAG = 0.0
    compare_project(connector, "PAY", admin, "PAY-2")
    assert pair("PAY-2").reason == "changed-by-hand"
    assert pair("PAY-2").due_at is None


def test_what_is_gone_on_one_side_is_severed_and_what_is_gone_on_both_is_forgotten(
    connector: Connector, sides: TwoSides, admin: Person
) -> None:
    compare_project(connector, "PAY", admin)
    item = pair("PAY-2").align_id
    assert item is not None
    sides.sandbox.edit("archive_item", object="story", id=item, archived=True)
    compare_project(connector, "PAY", admin, "PAY-2")
    assert verdict("PAY-2") == ("severed", "changed-by-hand")
    assert "recycle bin" in pair("PAY-2").sentence
    sides.jira("DELETE", "/issue/PAY-4")  # Align's connector puts its item into the bin, too
    compare_project(connector, "PAY", admin)
    assert not ComparedItem.objects.filter(issue_key="PAY-4").exists()
    sides.sandbox.edit("archive_item", object="story", id=item, archived=False)
    compare_project(connector, "PAY", admin, "PAY-2")
    assert pair("PAY-2").outcome == "apart"


def test_an_issue_that_has_another_key_is_followed_by_the_id_of_its_item(
    connector: Connector, sides: TwoSides, admin: Person
) -> None:
    compare_project(connector, "PAY", admin)
    before = pair("PAY-2")
    sides.sandbox.edit("rename_project", key="PAY", new_key="PAYS")
    assert "PAY-2" in sides.items("story")  # Align does not know yet
    compare_project(connector, "PAY", admin)
    after = pair("PAYS-2")
    assert (after.pk, after.align_id, after.outcome) == (before.pk, before.align_id, before.outcome)
    assert after.since == before.since
