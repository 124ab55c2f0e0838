"""The way back of a verification where something stands against it, and what keeps one from beginning or holding."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from connectors.models import Connector, Project
from mappings.models import AgreedLine, ImportRun, ImportState, RoundTrip, TripSide, TripState, TripSubject
from tests.mappings.items.round_trip.test_round_trip import STEP, admin_client, moving
from tests.support.ours_helpers import writes
from tests.support.people_helpers import said
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.trip_helpers import PAGE, begin, issue, item, jira, prepare, verified, work

__all__ = ["admin_client", "moving"]
pytestmark = pytest.mark.django_db(transaction=True)


def transitions(sandbox: RunningSandbox) -> int:
    return len([each for each in sandbox.journal("POST") if each["path"].endswith("/transitions")])


def test_each_transition_stands_in_the_journal_before_it_leaves(moving: RunningSandbox, admin_client: Client) -> None:
    moving.clear_journal()
    trip = verified(admin_client)
    assert trip.state == TripState.VERIFIED, trip.error
    moved = trip.writes.filter(side=TripSide.JIRA, what=TripSubject.STATUS, sends__gt=0)
    assert transitions(moving) == moved.count() >= 2
    assert all(each.transition is not None for each in moved)


def test_one_side_that_does_not_answer_keeps_the_other_from_nothing(
    moving: RunningSandbox, admin_client: Client
) -> None:
    before = issue(moving), item(moving)
    trip = prepare(admin_client)
    assert begin(admin_client, trip).status_code == 303

    def revoke(at: str) -> None:
        if "putting back" in at:
            moving.faults({"path": "/rest/align/", "status": 401})

    work(trip, meanwhile=revoke)
    assert trip.state == TripState.LEFT
    assert issue(moving) == before[0], "Jira answers, so it is as before"
    assert {each["side"] for each in trip.left} == {"align"}
    moving.faults()
    # An admin may accept it as well; it is told as ended, not as left changed for ever.
    page = said(admin_client.get(f"/verifications/{trip.pk}/"))
    assert "Try again to put it back" in page
    assert "Leave it as it is" in page
    assert admin_client.post(f"/verifications/{trip.pk}/leave/").status_code == 303
    trip.refresh_from_db()
    assert trip.state == TripState.FAILED
    assert "was left as it is by Admin" in trip.error
    assert "has left something changed" not in said(admin_client.get(STEP))
    again = admin_client.post(f"/verifications/{trip.pk}/leave/")
    assert "nothing of it is left changed" in said(again)
    assert admin_client.post(f"/verifications/{trip.pk}/put-back/").status_code == 409


@pytest.mark.parametrize("what", ["type", "bin", "other issue", "no issue"])
def test_what_is_another_thing_by_now_is_not_written_to(
    moving: RunningSandbox, admin_client: Client, what: str
) -> None:
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Story"}, "summary": "A new one"}
    key = jira(moving, "POST", "/issue", {"fields": fields})["key"]
    trip = prepare(admin_client, key)
    if what == "type":
        jira(moving, "PUT", f"/issue/{key}", {"fields": {"issuetype": {"name": "Bug"}}})
    moving.clear_journal()
    assert begin(admin_client, trip).status_code == 303

    def meddle(at: str) -> None:
        if f"changing the title of {key} in Jira Align" in at:
            if what == "bin":
                moving.edit("archive_item", object="story", id=trip.align_id)
            elif what == "other issue":
                moving.edit("set_item", object="story", id=trip.align_id, values={"externalKey": "PAY-99"})
            elif what == "no issue":
                moving.edit("set_item", object="story", id=trip.align_id, values={"externalKey": ""})

    work(trip, meanwhile=meddle)
    assert trip.state == TripState.FAILED, trip.left
    expected = {"type": "was changed to Bug", "bin": "recycle bin by now", "other issue": "stands for PAY-99 by now"}
    expected["no issue"] = "stands for no issue by now"
    assert expected[what] in trip.error
    if what == "type":
        assert writes(moving) == []
    assert not trip.writes.filter(side=TripSide.ALIGN, purpose="change", sends__gt=0).exists()


def test_the_words_of_a_title_are_in_no_sentence_that_everybody_reads(
    moving: RunningSandbox, admin_client: Client
) -> None:
    trip = prepare(admin_client)
    jira(moving, "PUT", "/issue/PAY-2", {"fields": {"summary": "Zebra secrets"}})
    assert begin(admin_client, trip).status_code == 303
    work(trip)
    assert "The title of PAY-2 in Jira is another one" in trip.error
    assert "Zebra" not in said(admin_client.get(STEP))


def test_a_throw_away_issue_of_which_no_answer_came_is_named_until_it_was_looked_for(
    moving: RunningSandbox, admin_client: Client
) -> None:
    project = Project.objects.get(key="PAY")
    assert admin_client.post(PAGE, {"throw_away": "yes", "project": str(project.pk)}).status_code == 303
    trip = RoundTrip.objects.latest("pk")
    assert begin(admin_client, trip).status_code == 303
    moving.faults(
        {"method": "POST", "path": "/rest/api/3/issue", "cut": "after", "times": 1},
        {"path": "/search", "status": 401},
    )
    work(trip)
    assert (trip.state, trip.jira_id) == (TripState.LEFT, None)
    assert f"AlignAdmin verification {trip.pk}" in trip.left[0]["sentence"]
    moving.faults()
    assert admin_client.post(f"/verifications/{trip.pk}/put-back/").status_code == 303
    work(trip)
    assert (trip.state, trip.left) == (TripState.FAILED, [])
    assert moving.jira(f"/rest/api/2/issue/{trip.issue_key}").status_code == 404


def test_an_import_and_a_verification_of_one_project_wait_for_each_other(
    moving: RunningSandbox, admin_client: Client
) -> None:
    from mappings.items.importing.rules import why_verified

    project = Project.objects.get(key="PAY")
    trip = prepare(admin_client)
    author = trip.author
    run = ImportRun.objects.create(
        connector=trip.connector, project=project, author=author, state=ImportState.RUNNING, created_at=timezone.now()
    )
    assert "An import of PAY is under way" in said(begin(admin_client, trip))
    run.delete()
    assert why_verified(project) == ""
    assert begin(admin_client, trip).status_code == 303
    assert "PAY is being verified live" in why_verified(project)


def test_a_proof_holds_as_long_as_what_it_was_of(
    connector: Connector, moving: RunningSandbox, admin_client: Client
) -> None:
    assert verified(admin_client).state == TripState.VERIFIED
    assert "have changed since" not in said(admin_client.get(STEP))
    line = AgreedLine.objects.create(connector=connector, subject="hierarchy", key="shared:task", value=["Sub-task"])
    assert "have changed since" in said(admin_client.get(STEP))
    line.delete()
    assert "have changed since" not in said(admin_client.get(STEP))
    Project.objects.filter(key="PAY").update(vanished_at=timezone.now())
    assert "have changed since" in said(admin_client.get(STEP))


def test_an_issue_that_is_hidden_on_the_way_back_is_no_proof_and_is_tried_again(
    moving: RunningSandbox, admin_client: Client
) -> None:
    before = issue(moving), item(moving)
    trip = prepare(admin_client)
    assert begin(admin_client, trip).status_code == 303

    def hide(at: str) -> None:
        if "putting back" in at:
            moving.faults({"path": "/rest/api/3/issue/", "status": 404})

    work(trip, meanwhile=hide)
    assert trip.state == TripState.LEFT
    moving.faults()
    run = ImportRun.objects.create(
        connector=trip.connector,
        project=trip.project,
        author=trip.author,
        state=ImportState.RUNNING,
        created_at=timezone.now(),
    )
    assert "An import of PAY is under way" in said(admin_client.post(f"/verifications/{trip.pk}/put-back/"))
    run.delete()
    assert admin_client.post(f"/verifications/{trip.pk}/put-back/").status_code == 303
    work(trip)
    assert trip.left == []
    assert (issue(moving), item(moving)) == before


def test_a_value_that_was_refused_and_then_set_by_somebody_is_no_proof(
    moving: RunningSandbox, admin_client: Client
) -> None:
    trip = prepare(admin_client)
    assert begin(admin_client, trip).status_code == 303
    done: list[str] = []

    def meddle(at: str) -> None:
        if at.strip() == "putting back the title in Jira" and not done:
            done.append(at)
            jira(moving, "PUT", "/issue/PAY-2", {"fields": {"summary": "Somebody else"}})
            moving.faults({"method": "PUT", "path": "/rest/api/3/issue/", "status": 400})

    work(trip, meanwhile=meddle)
    assert done
    assert trip.state in (TripState.FAILED, TripState.LEFT)
