"""Live verifications over HTTP, against a sandbox whose Align connector moves items both ways, or does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import verification
from alignadmin.audit.models import Entry
from connectors.models import Connector, Project
from mappings.items.round_trip.job import end_orphans
from mappings.models import HopState, Mapping, RoundTrip, TripState
from tests.conftest import SignIn
from tests.mappings.items.importing.test_importing import imported, lines
from tests.support.ours_helpers import team, writes
from tests.support.people_helpers import said
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.trip_helpers import (
    PAGE,
    QUICK,
    active_job,
    begin,
    hops,
    issue,
    item,
    jira,
    prepare,
    reason,
    verified,
    work,
)
from tests.support.webhook_helpers import hooked_connector

pytestmark = pytest.mark.django_db(transaction=True)
STEP = "/connectors/acme/set-up/verify/"
TO_DO, IN_PROGRESS = 10012, 3


@pytest.fixture
def admin_client(connector: Connector, signed_in: SignIn, settings: LazySettings) -> Client:
    for name, value in QUICK.items():
        setattr(settings, name, value)
    settings.REQUEST_DEADLINE, settings.SENDING_GRACE = 0.6, 0.1
    return signed_in(Role.ADMIN)


@pytest.fixture
def moving(sandbox: RunningSandbox, admin_client: Client) -> RunningSandbox:
    """Its Align connector works, and carries titles both ways."""
    sandbox.reset(connector_moves="yes", connector_titles="both")
    sandbox.clear_journal()
    return sandbox


def test_changes_come_over_both_ways_and_are_put_back_and_nothing_else_is_written(
    connector: Connector, moving: RunningSandbox, admin_client: Client, signed_in: SignIn
) -> None:
    before = issue(moving), item(moving)
    assert "Nothing was verified yet" in said(admin_client.get(STEP))
    trip = prepare(admin_client, "pay-2")
    assert writes(moving) == [], "preparing writes nothing"
    page = said(admin_client.get(f"/verifications/{trip.pk}/"))
    assert "Keep an address (verification" in page
    assert "title of PAY-2 in Jira; status of PAY-2 in Jira; title of Story 1 in Jira Align; state of Story 1" in page
    assert begin(admin_client, trip).status_code == 303
    work(trip)
    assert trip.state == TripState.VERIFIED, (trip.error, trip.left, hops(trip))
    assert (issue(moving), item(moving)) == before
    assert set(hops(trip).values()) == {HopState.CAME, HopState.NOT_REGISTERED}
    assert all(each.seconds is not None for each in trip.hops.filter(state=HopState.CAME))
    sent = writes(moving)
    assert {each["path"].rsplit("/api/", 1)[1] for each in sent} <= {
        "3/issue/100010002",
        "3/issue/100010002/transitions",
        "2/stories/1",
    }
    entries = [json.loads(each.body)["data"] for each in Entry.objects.filter(action="verification.sending")]
    assert len(entries) == len(sent), "each write has its entry"
    assert "Keep an address" not in json.dumps(entries)
    assert verification.verify().ok
    assert "PAY-2 and Story 1: each change came over" in said(admin_client.get(STEP))
    assert "Verified both ways" in said(admin_client.get(PAGE))
    assert "Verified both ways" in said(signed_in(Role.REVIEWER).get(f"/verifications/{trip.pk}/"))

    Mapping.objects.filter(scope__connector=connector, work_item_type="story").update(applied=2)
    assert "have changed since PAY-2 and Story 1 were verified" in said(admin_client.get(STEP))
    assert "Out of date" in said(admin_client.get(f"/verifications/{trip.pk}/"))


def test_a_webhook_is_a_hop_of_its_own(
    connector: Connector,
    moving: RunningSandbox,
    admin_client: Client,
    people: dict[Role, Person],
    settings: LazySettings,
) -> None:
    settings.ROUND_TRIP_LONGEST = settings.ROUND_TRIP_USUAL_LAG = 3.0
    hook = hooked_connector(connector, moving, people[Role.ADMIN])

    def deliver(at: str) -> None:
        if "the webhook announced it" in at:
            assert hook.deliver(hook.payload(hook.issue("PAY-2"))) in (200, 202, 204)

    heard = verified(admin_client, meanwhile=deliver)
    assert heard.state == TripState.VERIFIED, (heard.error, hops(heard))
    assert (hops(heard)["webhook"], hops(heard)["webhook-back"]) == ("came", "came")
    settings.ROUND_TRIP_LONGEST = settings.ROUND_TRIP_USUAL_LAG = 0.1
    silent = verified(admin_client)
    assert silent.state == TripState.INCOMPLETE
    assert {code for code, state in hops(silent).items() if state != "came"} == {"webhook", "webhook-back"}
    assert "No delivery announced the change" in reason(silent, "webhook")
    assert "The webhook announced it" in said(admin_client.get(STEP))


def test_what_does_not_come_is_named_with_its_likely_reason_and_all_is_put_back(
    sandbox: RunningSandbox, admin_client: Client
) -> None:
    before = issue(sandbox), item(sandbox)
    trip = verified(admin_client)
    assert trip.state == TripState.INCOMPLETE
    assert (issue(sandbox), item(sandbox)) == before
    assert {code: state for code, state in hops(trip).items() if state == "missing"} == dict.fromkeys(
        ("align-title", "align-status", "jira-title"), "missing"
    )
    assert hops(trip)["jira-status"] == "impossible", "as nothing came over, Align shows that state still"
    assert "may not carry PAY both ways" in reason(trip, "align-status")
    page = said(admin_client.get(STEP))
    assert "did not see everything: Jira Align shows the title; Jira Align shows the state" in page
    sandbox.reset(connector_moves="yes", connector_titles="to-align")
    one_way = verified(admin_client)
    assert {code for code, state in hops(one_way).items() if state == "missing"} == {"jira-title"}
    assert "may carry titles from Jira alone" in reason(one_way, "jira-title")
    assert (issue(sandbox), item(sandbox)) == before
    form = {"item": "PAY-2"}  # without the title in Align
    assert admin_client.post(PAGE, form).status_code == 303
    trip = RoundTrip.objects.latest("pk")
    assert begin(admin_client, trip).status_code == 303
    assert work(trip).state == TripState.VERIFIED


def test_a_status_that_is_not_mapped_is_said_before_and_after(
    connector: Connector, moving: RunningSandbox, admin_client: Client
) -> None:
    before = issue(moving), item(moving)
    there = int(str(prepare(admin_client).writes.get(side="jira", what="status").after))
    moving.edit("delete_mapping", family="j2a_state", type=4, source=there)
    trip = verified(admin_client)
    assert (trip.state, trip.left) == (TripState.INCOMPLETE, []), trip.error
    assert {code for code, state in hops(trip).items() if state == "missing"} == {"align-status"}
    assert "may not be mapped in Align as it is here" in reason(trip, "align-status")
    Mapping.objects.filter(source_id=there, work_item_type="story").update(observed=None)
    trip = verified(admin_client)
    assert "Align’s list was last read without this mapping" in reason(trip, "align-status")
    assert (issue(moving), item(moving)) == before

    own = Mapping.objects.filter(scope__family="j2a-state", work_item_type="story")
    own.exclude(source_id=TO_DO).update(applied=None)
    trip = prepare(admin_client)
    page = said(admin_client.get(f"/verifications/{trip.pk}/"))
    assert "No status that it can go to now is mapped" in page
    assert not trip.writes.filter(side="jira", what="status").exists()
    assert begin(admin_client, trip).status_code == 303
    assert work(trip).state == TripState.INCOMPLETE
    assert hops(trip)["align-status"] == "impossible"
    assert (issue(moving), item(moving)) == before


def test_what_somebody_sets_meanwhile_is_left_and_said(moving: RunningSandbox, admin_client: Client) -> None:
    def rename(at: str) -> None:
        if "changing the title of PAY-2 in Jira Align" in at:
            jira(moving, "PUT", "/issue/PAY-2", {"fields": {"summary": "Another name"}})

    status = issue(moving)[1]
    trip = verified(admin_client, meanwhile=rename)
    assert issue(moving) == ("Another name", status)
    assert [each["by"] for each in trip.left if each["side"] == "jira"] == ["others"]
    assert trip.state == TripState.FAILED, "its title in Align was not its own any more"
    page = said(admin_client.get(f"/verifications/{trip.pk}/"))
    assert "The title of PAY-2 in Jira was set to Another name by somebody else meanwhile" in page


def test_what_has_changed_since_the_preview_is_not_written_over(moving: RunningSandbox, admin_client: Client) -> None:
    trip = prepare(admin_client)
    jira(moving, "PUT", "/issue/PAY-2", {"fields": {"summary": "Renamed"}})
    moving.clear_journal()
    assert begin(admin_client, trip).status_code == 303
    work(trip)
    assert (trip.state, writes(moving), trip.left) == (TripState.FAILED, [], [])
    assert "somebody has changed it since it was looked at" in trip.error
    assert "broke off" in said(admin_client.get(STEP))


def test_a_dead_token_leaves_nothing_changed_silently_and_another_go_puts_it_back(
    moving: RunningSandbox, admin_client: Client
) -> None:
    before = issue(moving), item(moving)
    trip = prepare(admin_client)
    assert begin(admin_client, trip).status_code == 303

    def revoke(at: str) -> None:
        if "changing the title of PAY-2 in Jira Align" in at:
            moving.faults({"path": "/rest/api/", "status": 401})

    work(trip, meanwhile=revoke)
    assert trip.state == TripState.LEFT
    named = [each["sentence"] for each in trip.left]
    assert any(each.startswith("The status of PAY-2 in Jira may still be") for each in named), named
    page = said(admin_client.get(f"/verifications/{trip.pk}/"))
    assert "Left changed" in page
    assert "has left something changed" in said(admin_client.get(STEP))
    moving.faults()
    assert admin_client.post(f"/verifications/{trip.pk}/put-back/").status_code == 303
    work(trip)
    assert (trip.state, trip.left) == (TripState.FAILED, [])
    assert (issue(moving), item(moving)) == before
    assert admin_client.post(f"/verifications/{trip.pk}/put-back/").status_code == 409


@pytest.mark.parametrize("jira_kind", ["cloud", "server"])
def test_a_throw_away_issue_is_made_followed_and_deleted(
    moving: RunningSandbox, admin_client: Client, jira_kind: str
) -> None:
    if jira_kind == "server":
        moving.reset(jira="server")
        Connector.objects.update(jira_kind="datacenter")
    project = Project.objects.get(key="PAY")
    answer = admin_client.post(PAGE, {"throw_away": "yes", "project": str(project.pk), "title_back": "on"})
    assert answer.status_code == 303, said(answer)
    trip = RoundTrip.objects.latest("pk")
    assert "I agree that a Story is made in PAY" in said(admin_client.get(f"/verifications/{trip.pk}/"))
    assert begin(admin_client, trip).status_code == 303
    work(trip)
    assert trip.state == TripState.VERIFIED, (trip.error, hops(trip), trip.left)
    assert trip.remains == []
    gone = moving.jira(f"/rest/api/2/issue/{trip.issue_key}")
    assert gone.status_code == 404
    made = moving.align("GET", f"/stories/{trip.align_id}").json()
    assert made["isRecycled"]


def test_what_a_throw_away_issue_leaves_behind_is_named(sandbox: RunningSandbox, admin_client: Client) -> None:
    form = {"throw_away": "yes", "project": str(Project.objects.get(key="PAY").pk)}
    assert admin_client.post(PAGE, form).status_code == 303
    trip = RoundTrip.objects.latest("pk")
    assert begin(admin_client, trip).status_code == 303
    sandbox.faults({"method": "DELETE", "path": "/issue/", "status": 403, "body": ""})
    work(trip)
    assert trip.state == TripState.INCOMPLETE
    assert hops(trip)["item-made"] == "missing"
    assert "has made no item" in reason(trip, "item-made")
    assert f"{trip.issue_key} stays in Jira" in trip.remains[0]
    assert trip.remains[0] in said(admin_client.get(f"/verifications/{trip.pk}/"))
    sandbox.faults()
    assert admin_client.post(PAGE, form).status_code == 303
    trip = RoundTrip.objects.latest("pk")
    assert begin(admin_client, trip).status_code == 303
    sandbox.faults({"method": "POST", "path": "/rest/api/3/issue", "cut": "after", "times": 1})
    work(trip)
    assert trip.jira_id is not None, trip.error
    assert sandbox.jira(f"/rest/api/3/issue/{trip.issue_key}").status_code == 404
    titles = [each["fields"]["summary"] for each in found(sandbox, "project = PAY ORDER BY created DESC")]
    assert not any(f"verification {trip.pk}" in each for each in titles)


def found(sandbox: RunningSandbox, jql: str) -> Any:
    return sandbox.jira("/rest/api/3/search/jql", params={"jql": jql, "fields": "summary"}).json()["issues"]


def test_of_a_project_of_ours_only_what_exists_is_proven(
    connector: Connector, sandbox: RunningSandbox, admin_client: Client
) -> None:
    from mappings.models import AgreedLine

    project = team(admin_client, connector, sandbox)
    AgreedLine.objects.create(
        connector=connector, subject="scope", key="shared:landing", value={"program": {"id": 11, "name": "Payments"}}
    )
    AgreedLine.objects.create(connector=connector, subject="scope", key="shared:jql", value="issuetype = Story")
    story = lines(imported(admin_client, project))[0]
    title = item(sandbox, story.align_id or 0)[0]
    before = issue(sandbox, story.issue_key), (title, 0)  # it never had a state
    trip = prepare(admin_client, str(story.align_id), level="story")
    assert (trip.issue_key, trip.is_carried) == (story.issue_key, False)
    assert "nothing carries changes of our projects yet" in said(admin_client.get(f"/verifications/{trip.pk}/"))
    assert begin(admin_client, trip).status_code == 303
    work(trip)
    assert trip.state == TripState.PROVEN, (trip.error, hops(trip))
    assert hops(trip) == {"jira-changed": "came", "webhook": "unregistered", "align-changed": "came"}
    assert (issue(sandbox, story.issue_key), item(sandbox, story.align_id or 0)) == before
    refused = admin_client.post(PAGE, {"throw_away": "yes", "project": str(project.pk)})
    assert "choose an imported one" in said(refused)
    assert "Nothing was verified yet" in said(admin_client.get(STEP)), "another project is carried"


def test_bad_input_is_refused_in_words(
    connector: Connector, sandbox: RunningSandbox, admin_client: Client, people: dict[Role, Person]
) -> None:
    def refusal(item: str, **more: str) -> str:
        answer = admin_client.post(PAGE, {"item": item, "title_back": "on", **more})
        assert answer.status_code == 409, said(answer)
        assert not RoundTrip.objects.exists()
        return said(answer)

    assert "no key of an issue" in refusal("nonsense")
    assert "no key of an issue" in refusal("9" * 400, level="story")
    assert "no key of an issue" in refusal("PAY-2\x00' OR 1=1")
    assert "choose the type of the item" in refusal("1")
    assert "choose the type of the item" in refusal("1", level="nonsense")
    assert "shows no Story 987654321" in refusal("987654321", level="story")
    assert "shows no issue PAY-999999" in refusal("PAY-999999")
    lone = sandbox.align("POST", "/stories", json={"title": "From nowhere", "programId": 11}).json()["id"]
    assert "comes from no issue of Jira" in refusal(str(lone), level="story")
    twin = {"title": "Twin", "programId": 11, "externalKey": "PAY-2"}
    twin_id = sandbox.align("POST", "/stories", json=twin).json()["id"]
    assert f"more than one Story in Jira Align: 1 and {twin_id}" in refusal("PAY-2")
    sandbox.edit("delete_item", object="story", id=twin_id)
    sandbox.align("PATCH", "/stories/1", json={"title": "Apart"})
    assert "different titles already" in refusal("PAY-2")
    made = jira(
        sandbox,
        "POST",
        "/issue",
        {"fields": {"project": {"key": "PAY"}, "issuetype": {"name": "Story"}, "summary": "New"}},
    )
    assert "made none yet" in refusal(made["key"])
    sandbox.faults({"path": "/rest/api/", "status": 503})
    assert refusal("PAY-2")
    sandbox.faults()
    assert "Choose the project" in refusal("", throw_away="yes", project="nonsense")
    Project.objects.filter(key="PAY").update(scope_choice="out", in_scope=False)
    assert "is not in scope here" in refusal("PAY-2")
    Connector.objects.update(maintenance_since="2026-12-01T00:00Z")
    assert "in maintenance" in refusal("PAY-2")


def test_it_begins_once_as_it_was_shown_by_an_admin_who_agrees(
    connector: Connector, moving: RunningSandbox, admin_client: Client, signed_in: SignIn, people: dict[Role, Person]
) -> None:
    trip = prepare(admin_client)
    assert "not what is on your page" in said(begin(admin_client, trip, fingerprint="another"))
    assert "Tick that you agree" in said(begin(admin_client, trip, agreed=""))
    assert signed_in(Role.EDITOR).post(PAGE, {"item": "PAY-2"}).status_code == 403
    assert begin(signed_in(Role.EDITOR), trip).status_code == 403
    assert signed_in(Role.VIEWER).get(f"/verifications/{trip.pk}/").status_code in (403, 404)
    Connector.objects.update(four_eyes=True)
    assert "asks for a second person" in said(begin(admin_client, trip))
    Connector.objects.update(four_eyes=False)
    shared = Mapping.objects.filter(scope__family="j2a-state", scope__project=None, scope__is_ours=False)
    row = shared.filter(work_item_type="story", applied__isnull=False).first()
    assert row is not None
    Mapping.objects.filter(pk=row.pk).update(applied=5)
    assert "have changed since" in said(begin(admin_client, trip))
    Mapping.objects.filter(pk=row.pk).update(applied=row.applied)
    other = RoundTrip.objects.create(
        connector=connector,
        project=trip.project,
        author=people[Role.ADMIN],
        level="story",
        type_name="Story",
        created_at=trip.created_at,
        state=TripState.RUNNING,
    )
    assert "Another verification of this connector is under way" in said(begin(admin_client, trip))
    assert end_orphans() == 1
    other.refresh_from_db()
    assert other.state == TripState.FAILED
    moving.clear_journal()
    assert begin(admin_client, trip).status_code == 303
    assert begin(admin_client, trip).status_code == 409
    assert end_orphans() == 0
    assert admin_client.post(f"/verifications/{trip.pk}/discard/").status_code == 409
    assert admin_client.post(f"/verifications/{trip.pk}/stop/").status_code == 303
    assert work(trip).state == TripState.STOPPED
    assert writes(moving) == [], "nothing had been sent"
    draft = prepare(admin_client)
    assert prepare(admin_client).pk != draft.pk
    assert not RoundTrip.objects.filter(pk=draft.pk).exists(), "a draft gives way to the next one"
    last = RoundTrip.objects.latest("pk")
    assert admin_client.post(f"/verifications/{last.pk}/discard/").status_code == 303
    assert admin_client.post(f"/verifications/{last.pk}/discard/").status_code == 404


def test_a_stop_ends_the_waiting_and_puts_back(
    sandbox: RunningSandbox, admin_client: Client, settings: LazySettings
) -> None:
    settings.ROUND_TRIP_LONGEST = settings.ROUND_TRIP_USUAL_LAG = 5.0
    before = issue(sandbox), item(sandbox)
    trip = prepare(admin_client)
    assert begin(admin_client, trip).status_code == 303

    def stop(at: str) -> None:
        if at.startswith("waiting until"):
            admin_client.post(f"/verifications/{trip.pk}/stop/")

    work(trip, meanwhile=stop)
    assert trip.state == TripState.STOPPED
    assert trip.writes.filter(side="align", state="skipped").exists()
    assert (issue(sandbox), item(sandbox)) == before
    assert active_job_count(trip) == 0


def active_job_count(trip: RoundTrip) -> int:
    from connectors.models import Job

    with pytest.raises(Job.DoesNotExist):
        active_job(trip)
    return 0
