"""Webhooks of the sandbox's Jira: registered, told of issues, signed, tried again, and astray as the switches say."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from queue import Empty, Queue
from typing import Any

import pytest
import requests

from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox
from tests.support.scripted_server import Reply, Seen, serving

pytestmark = pytest.mark.usefixtures("network")
SECRET = "shared by both"


class Hooked:
    """A sandbox and what hears of its issues. `statuses` are answered one after the other, then 200."""

    def __init__(self, address: str, running: RunningSandbox) -> None:
        self.address = address
        self.running = running
        self.heard: Queue[Seen] = Queue()
        self.statuses: list[int] = []

    def answer(self, seen: Seen) -> Reply:
        self.heard.put(seen)
        return Reply(status=self.statuses.pop(0) if self.statuses else 200)

    def send(self, method: str, path: str, payload: object = None) -> requests.Response:
        root = "" if path.startswith("/rest/") else "/rest/api/2"
        url = f"{self.running.url}{root}{path}"
        return requests.request(method, url, json=payload, auth=(ADMIN, JIRA_TOKEN), timeout=10)

    def hook(self, where: str = "/rest/webhooks/1.0/webhook", **changes: Any) -> str:
        given = {
            "name": "AlignAdmin",
            "url": f"{self.address}/heard?key=${{issue.key}}",
            "events": ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted"],
            "filters": {"issue-related-events-section": "project = PAY"},
            "secret": SECRET,
        }
        made = self.send("POST", where, {**given, **changes})
        assert made.status_code == 201, made.text
        return str(made.json()["self"]).removeprefix(self.running.url)

    def make(self, project: str = "PAY") -> str:
        fields = {"project": {"key": project}, "issuetype": {"name": "Story"}, "summary": "Heard of"}
        return str(self.send("POST", "/issue", {"fields": fields}).json()["key"])

    def next(self) -> Seen:
        return self.heard.get(timeout=5)

    def silent(self) -> bool:
        """Whether nothing more has come, now that an issue of another webhook's has been told."""
        try:
            self.heard.get_nowait()
        except Empty:
            return True
        return False


@pytest.fixture(scope="module")
def running(network: None) -> Iterator[RunningSandbox]:
    sandbox = RunningSandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture
def hooked(running: RunningSandbox) -> Iterator[Hooked]:
    """The sandbox begins anew, with all its switches as they were."""
    running.reset(jira="cloud", webhooks="usual", webhook_retry="0", connector_moves="no")
    hooked = Hooked("", running)
    with serving(hooked.answer) as server:
        hooked.address = server.address
        yield hooked


def signature(seen: Seen, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), seen.body, hashlib.sha256).hexdigest()


def header(seen: Seen, name: str) -> str | None:
    return next((value for key, value in seen.headers.items() if key.lower() == name.lower()), None)


def test_a_webhook_hears_of_what_its_query_finds(hooked: Hooked) -> None:
    """1. made, 2. changed, with what has changed, 3. deleted; not of another project; each stands in the journal."""
    hooked.hook()
    hooked.make("WEB")
    key = hooked.make()
    made = hooked.next()
    told = json.loads(made.body)
    assert (made.path, made.query, told["webhookEvent"]) == ("/heard", {"key": key}, "jira:issue_created")
    assert (told["issue"]["key"], told["issue"]["fields"]["summary"]) == (key, "Heard of")
    assert (told["user"]["displayName"], told["issue_event_type_name"]) == ("Workspace Admin", "issue_created")
    assert (header(made, "X-Hub-Signature"), header(made, "X-Atlassian-Webhook-Retry")) == (signature(made), None)
    hooked.send("POST", f"/issue/{key}/transitions", {"transition": {"id": "31"}})
    items = json.loads(hooked.next().body)["changelog"]["items"]
    assert [(each["field"], each["fromString"], each["toString"]) for each in items] == [("status", "Backlog", "To Do")]
    assert (items[0]["from"], items[0]["to"]) == ("10011", "10001")
    hooked.send("PUT", f"/issue/{key}", {"fields": {"summary": "Other", "labels": ["a"]}})
    items = json.loads(hooked.next().body)["changelog"]["items"]
    assert {each["fieldId"]: each["toString"] for each in items} == {"summary": "Other", "labels": "a"}
    hooked.send("DELETE", f"/issue/{key}")
    gone = json.loads(hooked.next().body)
    assert (gone["webhookEvent"], gone["issue"]["key"], "changelog" in gone) == ("jira:issue_deleted", key, False)
    assert hooked.silent()


@pytest.mark.parametrize("status", [408, 409, 425, 429, 503])
def test_what_failed_for_now_is_tried_again_under_its_name(hooked: Hooked, status: int) -> None:
    hooked.hook()
    hooked.statuses = [status, status]
    hooked.make()
    tries = [hooked.next() for _ in range(3)]
    assert len({header(each, "X-Atlassian-Webhook-Identifier") for each in tries}) == 1
    assert [header(each, "X-Atlassian-Webhook-Retry") for each in tries] == [None, "1", "2"]
    assert len({each.body for each in tries}) == 1


def test_an_address_that_is_no_plain_text_stops_no_other_webhook(hooked: Hooked) -> None:
    hooked.hook(url=f"{hooked.address}/gehört?key=${{issue.key}}")
    hooked.hook(url=f"{hooked.address}/bad\x7f path")
    hooked.hook()
    hooked.make()
    heard = {hooked.next().path.partition("?")[0] for _ in range(2)}
    assert "/heard" in heard | {hooked.next().path.partition("?")[0]}


def test_what_is_refused_for_good_is_not_tried_again(hooked: Hooked) -> None:
    hooked.hook()
    hooked.statuses = [400]
    hooked.make()
    first = hooked.next()
    second_key = hooked.make()
    second = hooked.next()
    assert json.loads(second.body)["issue"]["key"] == second_key
    identifiers = {header(each, "X-Atlassian-Webhook-Identifier") for each in (first, second)}
    assert len(identifiers) == 2
    tries = [entry for entry in hooked.running.journal("POST") if "webhook" in entry]
    assert (tries[0]["status"], tries[0]["attempt"], tries[0]["path"]) == (400, 0, "/heard")


def test_deliveries_go_astray_as_the_switch_says(hooked: Hooked) -> None:
    def told(way: str, issues: int, deliveries: int) -> tuple[list[str], list[Seen]]:
        hooked.running.reset(webhooks=way)
        hooked.hook()
        keys = [hooked.make() for _ in range(issues)]
        return keys, [hooked.next() for _ in range(deliveries)]

    keys, doubled = told("doubled", 1, 2)
    assert len({header(each, "X-Atlassian-Webhook-Identifier") for each in doubled}) == 1
    keys, reordered = told("reordered", 2, 2)
    assert [each.query["key"] for each in reordered] == keys[::-1]
    _, (unsigned,) = told("unsigned", 1, 1)
    assert header(unsigned, "X-Hub-Signature") is None
    _, (other,) = told("other-secret", 1, 1)
    assert header(other, "X-Hub-Signature") == signature(other, f"{SECRET}-changed")
    told("lost", 1, 0)
    hooked.running.reset(webhooks="usual")
    hooked.hook()
    key = hooked.make()
    assert hooked.next().query["key"] == key
    assert hooked.silent()


def test_a_webhook_hears_of_what_its_owner_sees_whoever_changed_it(hooked: Hooked) -> None:
    """1. of what its owner does not see, nothing, whoever sees it; 2. each with the person who did it."""
    narrow = {"site": "jira", "token": "narrow", "user": "narrow@acme.test"}
    hooked.running.edit("add_token", **narrow, projects=["WEB"])
    hooked.hook(filters={}, url=f"{hooked.address}/admins")
    as_narrow = ("narrow@acme.test", "narrow")
    made = {"name": "Narrow", "url": f"{hooked.address}/narrows", "events": ["jira:issue_created"]}
    url = f"{hooked.running.url}/rest/webhooks/1.0/webhook"
    assert requests.post(url, json=made, auth=as_narrow, timeout=10).status_code == 201
    hooked.make("PAY")
    assert hooked.next().path == "/admins"
    key = hooked.make("WEB")
    heard = [hooked.next() for _ in range(2)]
    assert {each.path for each in heard} == {"/admins", "/narrows"}
    assert {json.loads(each.body)["user"]["displayName"] for each in heard} == {"Workspace Admin"}
    hooked.running.edit("set_token", site="jira", token=JIRA_TOKEN, projects=["PAY"])
    url = f"{hooked.running.url}/rest/api/2/issue/{key}"
    hooked.running.edit("set_token", site="jira", token="narrow", projects=["WEB", "PAY"])
    assert requests.delete(url, auth=as_narrow, timeout=10).status_code == 204
    hooked.make("PAY")
    assert {hooked.next().path for _ in range(2)} == {"/admins", "/narrows"}
    assert hooked.silent()


def test_the_journal_keeps_the_beginning_of_a_long_body(hooked: Hooked) -> None:
    hooked.hook()
    key = hooked.make()
    hooked.next()
    hooked.send("PUT", f"/issue/{key}", {"fields": {"description": "long " * 6000}})
    told = hooked.next().body
    assert hooked.make()
    assert hooked.next()
    bodies = [entry for entry in hooked.running.journal() if "long long" in str(entry["body"])]
    assert [len(entry["body"]) for entry in bodies] == [20_000, 2_000]
    assert (bodies[1]["length"], len(told) > 30_000) == (len(told), True)


def test_administrators_list_change_and_delete_webhooks(hooked: Hooked) -> None:
    path = hooked.hook()
    (listed,) = hooked.send("GET", "/rest/webhooks/1.0/webhook").json()
    assert (listed["isSigned"], listed["enabled"], SECRET in json.dumps(listed)) == (True, True, False)
    assert listed["filters"] == {"issue-related-events-section": "project = PAY"}
    changed = hooked.send("PUT", path, {"name": "Other", "enabled": False, "excludeBody": True}).json()
    assert (changed["name"], changed["enabled"], changed["excludeBody"]) == ("Other", False, True)
    assert changed["events"] == listed["events"]
    for wrong in ({"url": "https://example.org/"}, {"events": ["sprint_started"]}, {"name": ""}):
        assert hooked.send("PUT", path, wrong).status_code == 400, wrong
    jql = {"filters": {"issue-related-events-section": "colour = red"}}
    refused = hooked.send("PUT", path, jql)
    assert (refused.status_code, "Field 'colour'" in refused.text) == (400, True)
    assert hooked.send("DELETE", path).status_code == 204
    assert hooked.send("GET", path).status_code == 404
    hooked.running.edit("set_token", site="jira", token=JIRA_TOKEN, global_admin=False)
    assert hooked.send("GET", "/rest/webhooks/1.0/webhook").status_code == 403


def test_data_center_has_a_form_of_its_own_and_before_10_no_signature(hooked: Hooked) -> None:
    hooked.running.reset(jira="server")
    assert hooked.send("GET", "/rest/webhooks/1.0/webhook").status_code == 404
    settings = {"FILTERS": "project = PAY", "EXCLUDE_BODY": "false", "SECRET": SECRET}
    path = hooked.hook("/rest/jira-webhook/1.0/webhooks", configuration=settings, filters={}, secret="not read")
    shape = hooked.send("GET", path).json()
    assert (shape["active"], shape["scopeType"], shape["configuration"]["FILTERS"]) == (True, "global", "project = PAY")
    hooked.make()
    assert header(signed := hooked.next(), "X-Hub-Signature") == signature(signed)
    hooked.running.reset(jira="server-9")
    hooked.hook()
    hooked.statuses = [503]
    hooked.make()
    first = hooked.next()
    key = hooked.make()
    assert (header(first, "X-Hub-Signature"), hooked.next().query["key"]) == (None, key)


def test_a_move_by_aligns_connector_is_told_like_any_other(hooked: Hooked) -> None:
    """Whether Align's API or a person in Align has set the state."""
    hooked.running.reset(connector_moves="yes")
    hooked.hook(filters={})
    hooked.running.align("PATCH", "/stories/3", json={"state": 2})
    told = json.loads(hooked.next().body)
    assert (told["issue"]["key"], told["user"]["displayName"]) == ("PROJ-2", "Align Connector")
    assert {each["toString"] for each in told["changelog"]["items"]} == {"In Progress"}
    hooked.running.edit("set_item", object="story", id=3, values={"state": 1})
    assert json.loads(hooked.next().body)["issue"]["fields"]["status"]["name"] == "To Do"
