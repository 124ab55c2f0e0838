"""Disconnecting a connector: what its page says, what ends, what stays, what it refuses; and connecting it again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from connectors.credentials import clients, rotation
from connectors.credentials.owner_links import asking
from connectors.credentials.values import SecretData
from connectors.explorer import services as explorer
from connectors.jobs import runner
from connectors.models import (
    BudgetSlot,
    Connector,
    Credential,
    CredentialKind,
    HistoryRow,
    Job,
    JobKind,
    JobState,
    LinkOutcome,
    OwnerLink,
    ScopeChoice,
    System,
    WorkItemType,
)
from connectors.ports.extensions import extensions
from connectors.setup import maintenance, services
from connectors.setup.connection_test import data_of
from connectors.setup.disconnecting import disconnect
from connectors.setup.level_names import name_levels, version_of
from connectors.setup.pull_address import set_pull_address
from connectors.setup.scope.services import choose_scope
from mappings.configuration.agreed import store_agreed
from mappings.configuration.draft import DraftState
from mappings.configuration.proposing import approve, propose
from mappings.contract.reading import PAGE_LIMIT
from mappings.engine.configuration import LineChange
from mappings.hierarchy.subject import HIERARCHY
from mappings.models import ContractFact, Mapping, Plan, PlanState
from mappings.planning import rules
from tests.conftest import SignIn
from tests.support import factories
from tests.support import mapping_helpers as steps
from tests.support.sandbox_fixture import ADMIN, ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, AGAIN, EXPORT = "/connectors/acme/disconnect/", "/connectors/acme/connect-again/", "/connectors/acme/export/"
REASON = "Align is given up, CHG-91"


@pytest.fixture
def configurer(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def led_to(answer: Any) -> str:
    return str(answer.headers["Location"])


def text(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def leave(client: Client, **fields: str) -> Any:
    return client.post(PAGE, {"reason": REASON, "confirm": "acme", **fields})


def typed_again(client: Client, **fields: str) -> dict[str, str]:
    """What its page would send, with good credentials of the sandbox."""
    found = re.search(r'name="seen" value="([^"]*)"', client.get(AGAIN).content.decode())
    return {
        "seen": found[1] if found else "",
        "act": "save",
        "align-kind": CredentialKind.ALIGN_BEARER,
        "align-secret": ALIGN_TOKEN,
        "jira-kind": CredentialKind.JIRA_CLOUD,
        "jira-user": ADMIN,
        "jira-secret": JIRA_TOKEN,
        **fields,
    }


def said(action: str) -> list[str]:
    return list(HistoryRow.objects.filter(action=action).order_by("id").values_list("sentence", flat=True))


# --- what its page says -----------------------------------------------------------------------------------------------


def test_settings_lead_there_and_it_says_what_ends_what_stays_and_what_was_exported(
    configurer: Client, connector: Connector, admin: Person
) -> None:
    settings = configurer.get("/connectors/acme/settings/").content.decode()
    assert f'href="{PAGE}"' in settings
    assert 'href="/connectors/acme/credentials/"' in settings
    asking.make(connector, System.JIRA, asking.AskedOwner(asked="Ines", kind=CredentialKind.JIRA_CLOUD), actor=admin)
    steps.edit(connector, "j2a-state", 10017, 2, actor=admin)
    Connector.objects.update(level_names={"story": "User Story"})
    store_agreed(connector, "hierarchy", [LineChange(key="shared:epic", before=None, after=["Initiative"])])
    left = connector.projects.filter(in_scope=True, team_managed=True).earliest("pk")
    choose_scope(connector, [left.pk], ScopeChoice.OUT, actor=admin)
    told = text(configurer.get(PAGE))
    assert "Jira Align, current, version 1" in told
    assert "that for Ines , withdrawn" in told
    assert "1 edit not planned yet waits" in told
    assert "drafts and proposals of how it is set up, to be read" in told
    assert "not exported yet" in told
    assert "none was made yet" in told

    answer = configurer.post(EXPORT)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="acme-')
    document = json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert document["connector"]["align_connector_id"] == 123
    assert document["rules"]["typed_above"] == connector.typed_above
    assert "Story" in document["issue_types"]["story"]
    assert document["configuration"]["hierarchy"] == {"shared:epic": ["Initiative"]}
    assert document["level_names"] == {"story": "User Story"}
    facts = {each["key"]: (each["carried"], each["scope_choice"], each["in_scope"]) for each in document["projects"]}
    assert (facts["PROJ"], facts[left.key]) == (("yes", "align", True), ("yes", "out", False))
    edited = [each for each in document["mappings"] if each["source"]["id"] == 10017 and each["family"] == "j2a-state"]
    assert [each["wanted_here"]["id"] for each in edited if each["work_item_type"] == "story"] == [2]
    in_align = Mapping.objects.filter(scope__connector=connector, observed__isnull=False).count()
    assert sum(each["in_align"] is not None for each in document["mappings"]) == in_align
    assert not re.search("sealed|secret|token", json.dumps(document["connector"]))
    assert "exported not yet" not in (told := text(configurer.get(PAGE)))
    assert "Download the document exported" in told
    assert said("connector.exported") == [f"Exported the choices of Acme and {len(document['mappings'])} mappings."]


# --- doing it ---------------------------------------------------------------------------------------------------------


def test_credentials_are_destroyed_links_end_and_no_request_leaves_any_more(
    configurer: Client, connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    pending = SecretData(system=System.ALIGN, kind=CredentialKind.ALIGN_BEARER, user="", secret="another-token")
    rotation.stage(connector, pending, rotation.Staging(), actor=admin)
    asking.make(connector, System.JIRA, asking.AskedOwner(asked="Ines", kind=CredentialKind.JIRA_CLOUD), actor=admin)
    services.start_refresh(connector, actor=admin)
    mapped = Mapping.objects.filter(scope__connector=connector, observed__isnull=False).count()
    sandbox.clear_journal()
    slots = list(BudgetSlot.objects.order_by("pk").values_list("pk", "free_at"))

    answer = leave(configurer)
    assert (answer.status_code, led_to(answer)) == (303, PAGE)
    connector.refresh_from_db()
    assert (connector.is_active, connector.state, connector.disconnected_by) == (False, "disconnected", admin)
    assert not Credential.objects.filter(connector=connector).exists()
    assert OwnerLink.objects.get().outcome == LinkOutcome.WITHDRAWN
    assert said("credential.wiped") == [
        "Destroyed the current Jira Align credential, version 1.",
        "Destroyed the current Jira credential, version 1.",
        "Destroyed the pending Jira Align credential, version 2.",
    ]
    assert said(disconnect.DISCONNECTED) == [
        "Disconnected Acme: 3 credentials destroyed, nothing is read or applied any more. "
        "1 link for owners of tokens withdrawn. Nothing was changed in Jira Align or Jira."
    ]
    assert [(each.state, each.error) for each in Job.objects.filter(connector=connector, error__gt="")] == [
        (JobState.FAILED, disconnect.STOPPED)
    ]
    past = timezone.now()
    Connector.objects.update(audit_due_at=past, observe_due_at=past, jira_lists_due_at=past, align_lists_due_at=past)
    run_due()
    assert not Job.objects.filter(connector=connector, state__in=(JobState.QUEUED, JobState.RUNNING)).exists()
    assert sandbox.journal() == []
    assert Mapping.objects.filter(scope__connector=connector, observed__isnull=False).count() == mapped
    assert list(BudgetSlot.objects.order_by("pk").values_list("pk", "free_at")) == slots


def test_a_job_that_runs_sends_nothing_more_and_ends(
    configurer: Client, connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    services.start_refresh(connector, actor=admin)
    run = runner.claim("tester")
    assert run is not None
    client = clients.align_client(connector, job=run.job)
    assert client.projects()
    assert leave(configurer).status_code == 303
    sandbox.clear_journal()
    with pytest.raises(clients.NoCredential, match="Acme was disconnected meanwhile"):
        client.projects()
    runner.execute(run)
    assert sandbox.journal() == []
    run.job.refresh_from_db()
    assert (run.job.state, run.job.error) == (JobState.FAILED, disconnect.STOPPED)


# --- what stands against it -------------------------------------------------------------------------------------------


def test_a_maintenance_ends_with_it(configurer: Client, connector: Connector) -> None:
    Connector.objects.update(maintenance_since=timezone.now(), maintenance_reason="A move")
    assert leave(configurer).status_code == 303
    connector.refresh_from_db()
    assert (connector.maintenance_since, connector.maintenance_reason) == (None, "")
    assert "Its maintenance ended with it." in said(disconnect.DISCONNECTED)[0]


def test_an_open_plan_is_named_with_its_link_and_keeps_it_connected(
    configurer: Client, connector: Connector, admin: Person
) -> None:
    steps.edit(connector, "j2a-state", 10017, 2, actor=admin)
    plan = steps.approved_plan(connector, actor=admin)
    page = configurer.get(PAGE)
    assert f'href="/plans/{plan.pk}/"' in page.content.decode()
    assert 'name="confirm"' not in page.content.decode()
    refused = leave(configurer)
    assert refused.status_code == 409
    assert f"Plan {plan.pk} of Admin (approved)" in text(refused)
    connector.refresh_from_db()
    assert connector.is_active
    assert Credential.objects.filter(connector=connector).count() == 2
    Plan.objects.update(state=PlanState.CANCELLED)
    assert leave(configurer).status_code == 303


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"confirm": "Acme"}, 'Type "acme" to confirm'),
        ({"confirm": ""}, "required"),
        ({"reason": " "}, "Say why"),
        ({"reason": "x" * 501}, "longer than 500 characters"),
    ],
)
def test_it_refuses_what_is_not_typed_as_asked(
    configurer: Client, connector: Connector, fields: dict[str, str], says: str
) -> None:
    refused = leave(configurer, **fields)
    assert refused.status_code == 400
    assert says in text(refused)
    connector.refresh_from_db()
    assert connector.is_active


def test_two_at_once_are_one_and_a_second_click_is_none(
    configurer: Client, connector: Connector, admin: Person
) -> None:
    def attempt(reason: str) -> str:
        try:
            disconnect.disconnect(connector, reason=reason, actor=admin)
        except Refused as refused:
            return str(refused)
        finally:
            connections.close_all()
        return ""

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(attempt, ["one", "two"]))
    assert answers[0] == ""
    assert "was disconnected on" in answers[1]
    assert Entry.objects.filter(action=disconnect.DISCONNECTED).count() == 1
    done = Connector.objects.get(pk=connector.pk)
    assert leave(configurer, reason=done.disconnected_reason).status_code == 303  # the same click once more
    assert Entry.objects.filter(action=disconnect.DISCONNECTED).count() == 1


def test_only_an_admin_who_has_just_proved_who_they_are_may(
    signed_in: SignIn, connector: Connector, settings: Settings
) -> None:
    for role in Role:
        if role != Role.ADMIN:
            assert signed_in(role).get(PAGE).status_code == 404
            assert leave(signed_in(role)).status_code == 404
    stale = signed_in(Role.ADMIN)
    session = stale.session
    session["began_at"] -= settings.FRESH_SIGN_IN + 1
    session.save()
    assert led_to(leave(stale)).startswith("/accounts/reauthenticate/")
    connector.refresh_from_db()
    assert connector.is_active


# --- afterwards -------------------------------------------------------------------------------------------------------


def test_its_pages_are_read_and_offer_no_act_and_what_is_sent_is_refused(
    configurer: Client, connector: Connector, admin: Person
) -> None:
    steps.edit(connector, "j2a-state", 10017, 2, actor=admin)
    steps.apply_all(connector, actor=admin)
    plan = Plan.objects.get()
    assert leave(configurer).status_code == 303
    own = re.compile(r'<form[^>]*method="post"[^>]*action="(/connectors/acme/[^"]*|/plans/[^"]*)"')
    tabs = ("", "projects/", "types/", "credentials/", "checks/", "settings/", "mappings/", "drift/", "contract/")
    for path in (*(f"/connectors/acme/{tab}" for tab in (*tabs, "set-up/statuses/")), f"/plans/{plan.pk}/"):
        page = configurer.get(path)
        assert page.status_code == 200, path
        assert not own.findall(page.content.decode()), path
        if path.startswith("/connectors/"):
            assert "Disconnected since" in text(page), path
    for path in ("edit/", "hand-over/", "rules/", "credential/align/", "plan/", "maintenance/", "explorer/"):
        assert led_to(configurer.get(f"/connectors/acme/{path}")) == PAGE
    for path in ("refresh/", "active/", "test/", "mappings/cell/", "edit/", "drift/check/", "explorer/", "plan/"):
        refused = configurer.post(f"/connectors/acme/{path}", {"active": "yes"})
        assert (refused.status_code, "was disconnected on" in text(refused)) == (409, True), path
    assert "was disconnected on" in text(configurer.post(f"/plans/{plan.pk}/roll-back/", {"reason": "x"}))
    connector.refresh_from_db()
    assert connector.state == "disconnected"
    with pytest.raises(Refused, match="was disconnected on"):
        services.set_active(connector, True, actor=admin)


def test_its_set_up_says_that_it_is_disconnected_and_calls_no_step_broken(
    configurer: Client, connector: Connector
) -> None:
    """Its credentials are gone: what needs them would fail, and lead to a page where nobody can mend it."""
    connected = configurer.get("/api/v1/set-up/acme/").json()
    assert connected["disconnected"] == ""
    assert {"done"} < {step["state"] for step in connected["steps"]}
    leave(configurer)
    found = configurer.get("/api/v1/set-up/acme/").json()
    assert "was disconnected on" in found["disconnected"]
    assert {step["state"] for step in found["steps"]} <= {"disconnected", "later"}
    assert not any(step["checks"] for step in found["steps"])
    for step in ("key", "projects", "statuses"):
        page = configurer.get(f"/connectors/acme/set-up/{step}/")
        assert ">Open<" not in page.content.decode()
        assert "Disconnected since" in text(page)


def test_what_was_sent_before_it_and_comes_in_after_it_changes_nothing(
    configurer: Client, connector: Connector, admin: Person
) -> None:
    """Each act with the connector as it was read before."""
    own, seen = rules.rules_of(connector), version_of(connector)
    project = connector.projects.get(key="PROJ").pk
    acts: dict[str, Callable[[], object]] = {
        "edit": lambda: services.edit_connector(connector, replace(data_of(connector), name="New"), actor=admin),
        "types": lambda: extensions().draft_levels(connector, {"story": ["Bug"]}, admin),
        "terms": lambda: services.decide_terms(connector, {"User Story": "story"}, actor=admin),
        "names": lambda: name_levels(connector, {"story": "User Story"}, seen=seen, actor=admin),
        "scope": lambda: choose_scope(connector, [project], ScopeChoice.OUT, actor=admin),
        "rules": lambda: rules.set_rules(connector, replace(own, typed_above=7), seen=own.stamp, actor=admin),
        "maintenance": lambda: maintenance.begin(connector, reason="CHG-1", actor=admin),
        "explorer": lambda: explorer.open_to_editors(connector, True, actor=admin),
        "address": lambda: set_pull_address(connector, f"{connector.align_site}/pull", actor=admin),
    }
    assert leave(configurer).status_code == 303
    entries = Entry.objects.count()
    for name, act in acts.items():
        with pytest.raises(Refused, match="was disconnected on"):
            act()
        assert Entry.objects.count() == entries, name


def test_jobs_of_a_connection_made_again_are_not_stopped_by_the_disconnection_before(
    configurer: Client, connector: Connector
) -> None:
    """As when somebody connects it again between its end and the stopping of its jobs."""
    assert leave(configurer).status_code == 303
    over = Connector.objects.get(pk=connector.pk)
    assert configurer.post(AGAIN, typed_again(configurer)).status_code == 303
    assert disconnect.stop_jobs(over) == 0
    assert Job.objects.filter(connector=connector, state=JobState.QUEUED).exists()


def test_lists_search_api_and_health_say_so_and_nothing_alarms(
    configurer: Client, connector: Connector, signed_in: SignIn
) -> None:
    now, alarm = timezone.now(), "Jira Align answers Acme differently from before"
    ContractFact.objects.create(
        connector=connector, family="j2a-state", name=PAGE_LIMIT, value=50, before=100, seen_at=now, changed_at=now
    )
    assert alarm in text(configurer.get("/connectors/acme/"))
    assert leave(configurer).status_code == 303
    assert alarm not in text(configurer.get("/connectors/acme/"))
    listed = text(configurer.get("/connectors/"))
    assert "1 disconnected" in listed
    assert REASON in listed
    assert "No credential" not in listed
    assert "No connector is active" in text(configurer.get("/"))
    assert "CONFIG 123 · disconnected" in text(configurer.get("/search/?q=acme"))
    (told,) = [each for each in configurer.get("/api/v1/connectors/").json()["results"] if each["slug"] == "acme"]
    assert (told["state"], told["is_active"], bool(told["disconnected_at"])) == ("disconnected", False, True)
    operator = text(configurer.get("/operator/"))
    assert "failed in the last 24 hours" not in operator
    assert "Align says that Acme" not in operator
    assert "Disconnected Acme" in text(signed_in(Role.REVIEWER).get("/history/?q=connector:acme"))


# --- again ------------------------------------------------------------------------------------------------------------


def test_connected_again_the_same_row_goes_on_with_new_credentials(
    configurer: Client, connector: Connector, admin: Person
) -> None:
    services.decide_terms(connector, {"User Story": "story"}, actor=admin)
    assert leave(configurer).status_code == 303
    form = typed_again(configurer)
    tested = configurer.post(AGAIN, {**form, "act": "test"})
    assert tested.status_code == 200
    assert "Works" in text(tested)
    assert not Credential.objects.filter(connector=connector).exists()
    answer = configurer.post(AGAIN, form)
    assert (answer.status_code, led_to(answer)) == (303, "/connectors/acme/")
    runner.run_jobs()
    connector.refresh_from_db()
    assert (connector.state, connector.disconnected_at, connector.disconnected_reason) == ("active", None, "")
    assert connector.last_error == ""
    assert Job.objects.filter(connector=connector, kind=JobKind.OBSERVE).latest("pk").state == JobState.DONE
    assert said("connector.connected_again")[0].startswith("Connected Acme again, on the same day: connector 123")
    assert len(said("connector.added")) == 1
    second = configurer.post(AGAIN, form)
    assert second.status_code == 303  # to the connector, which is connected
    assert len(said("connector.connected_again")) == 1


def test_it_refuses_a_stale_page_and_bad_input(configurer: Client, connector: Connector, admin: Person) -> None:
    assert leave(configurer).status_code == 303
    form = typed_again(configurer)
    assert configurer.post(AGAIN, {**form, "seen": "2026-01-01T00:00:00+00:00"}).status_code == 409
    for wrong in ({"seen": "no"}, {"seen": ""}, {"align-secret": ""}, {"jira-kind": CredentialKind.JIRA_PAT}):
        refused = configurer.post(AGAIN, {**form, **wrong})
        assert refused.status_code == 400, wrong
        assert JIRA_TOKEN not in refused.content.decode()
    assert not Credential.objects.filter(connector=connector).exists()


def test_the_form_that_adds_a_connector_leads_to_the_one_that_was_disconnected(
    configurer: Client, connector: Connector
) -> None:
    assert leave(configurer).status_code == 303
    details = {
        "name": "Acme new",
        "align_site": connector.align_site,
        "align_connector_id": "123",
        "jira_site": connector.jira_site,
        "jira_kind": connector.jira_kind,
        "time_zone": "UTC",
    }
    refused = configurer.post("/connectors/new/", {**details, **typed_again(configurer)})
    assert refused.status_code == 400
    assert "Acme (acme), which is disconnected: connect it again" in text(refused)
    assert f'href="{AGAIN}"' in refused.content.decode()
    another = {**details, "align_connector_id": "124", "slug": "next"}
    added = configurer.post("/connectors/new/", {**another, **typed_again(configurer)}, follow=True)
    assert added.redirect_chain
    assert 'href="/connectors/next/former/">take over its choices</a>' in added.content.decode()


# --- its choices, for another one -------------------------------------------------------------------------------------


@pytest.fixture
def successor(configurer: Client, connector: Connector, sandbox: RunningSandbox, admin: Person) -> Connector:
    """Another connector of both sites, read; the first one had choices of its own and is disconnected."""
    services.store_type_matches(connector, {None: {"story": ["Story", "Bug"], "feature": ["Epic"]}})
    services.decide_terms(connector, {"User Story": "story"}, actor=admin)
    Connector.objects.update(ticket_pattern="CHG-[0-9]+", typed_above=7, observe_every=1800)
    names = {"feature": "Outcome", "story": "User Story"}
    name_levels(connector, names, seen=version_of(connector), actor=admin)
    left = connector.projects.filter(key__in=["PROJ", "PROJ1"]).values_list("pk", flat=True)
    choose_scope(connector, left, ScopeChoice.OUT, actor=admin)
    assert leave(configurer).status_code == 303
    sandbox.edit("add_connector", id=124, name="Acme anew", copy_of=123)
    made = factories.connector(sandbox.url, actor=admin, slug="next", name="Next", align_id=124)
    return factories.refreshed(made)


def offered(client: Client) -> dict[str, Any]:
    """What the page would send, all ticked as it is drawn."""
    html = client.get("/connectors/next/former/").content.decode()
    ticked = re.findall(r'name="choice" value="([^"]+)" checked', html)
    seen = re.search(r'name="seen" value="([^"]+)"', html)
    return {"of": "acme", "seen": seen[1] if seen else "", "choice": ticked}


def test_former_choices_are_shown_beside_those_of_now_and_only_the_ticked_are_taken(
    configurer: Client, successor: Connector, connector: Connector, sandbox: RunningSandbox
) -> None:
    told = text(configurer.get("/connectors/next/former/"))
    assert "Issue types of Story Story Bug, Story" in told
    assert "Ticket format any CHG-[0-9]+" in told
    assert "Terms of Align’s log nothing Outcome is Feature; User Story is Story" in told
    assert "Projects chosen out of scope chosen otherwise 2 projects: PROJ, PROJ1" in told
    form = offered(configurer)
    assert "Names of the levels Align's own Feature is called Outcome; Story is called User Story" in told
    assert {"type-story", "terms", "level-names", "ticket_pattern", "typed_above", "observe_every"} <= {*form["choice"]}
    sandbox.clear_journal()
    form["choice"].remove("typed_above")
    answer = configurer.post("/connectors/next/former/", form)
    assert (answer.status_code, led_to(answer)) == (303, "/connectors/next/settings/")
    successor.refresh_from_db()
    assert (successor.ticket_pattern, successor.observe_every) == ("CHG-[0-9]+", 1800)
    assert successor.typed_above != 7
    assert dict(successor.draft_lines.values_list("key", "wanted")) == {"shared:story": ["Bug", "Story"]}
    assert not successor.type_matches.exists(), "nobody has approved them"
    assert successor.level_names == {"feature": "Outcome", "story": "User Story"}
    assert {*successor.type_labels.values_list("label", "work_item_type")} == {
        ("User Story", "story"),
        ("Outcome", "feature"),
    }
    out = successor.projects.filter(scope_choice=ScopeChoice.OUT, in_scope=False).values_list("key", flat=True)
    assert sorted(out) == ["PROJ", "PROJ1"]
    assert sandbox.journal() == []
    assert said("connector.choices_taken")[0].startswith("Took over ")
    assert (
        "terms of Align’s log, names of the levels, projects chosen out of scope" in said("connector.choices_taken")[0]
    )
    assert [*offered(configurer)["choice"]] == ["typed_above"]


def test_levels_of_the_former_are_drafted_together_and_need_the_second_person_that_the_rule_asks_for(
    configurer: Client, successor: Connector, connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    """One level higher than here: taken one after the other they would stand twice in between."""
    levels = {"epic": ["Epic"], "feature": ["Story"], "story": ["Sub-task"], "task": [], "defect": []}
    store_agreed(connector, "hierarchy", [LineChange(key="shared:epic", before=None, after=["Epic"])])
    services.store_type_matches(connector, {None: {type_: levels[type_] for type_ in WorkItemType.values}})
    Connector.objects.filter(pk=successor.pk).update(four_eyes=True)
    form = offered(configurer)
    form["choice"] = [each for each in form["choice"] if each.startswith("type-")]
    assert form["choice"] == [f"type-{level}" for level in levels]
    taken = text(configurer.post("/connectors/next/former/", form, follow=True))
    assert "Issue types are in the draft of the hierarchy: propose them there." in taken
    drafted = dict(successor.draft_lines.values_list("key", "wanted"))
    assert drafted == {f"shared:{level}": names for level, names in levels.items()}
    assert not successor.type_matches.exists()
    assert not successor.agreed_lines.exists()
    state = DraftState(HIERARCHY, successor)
    proposal = propose(HIERARCHY, successor, seen=state.fingerprint, reason="As before", actor=admin)
    with pytest.raises(Refused, match="asks for a second person"):
        approve(proposal, proposal.fingerprint, ticked=True, actor=admin)


def test_a_stale_preview_nothing_ticked_and_another_connector_are_refused(
    configurer: Client, successor: Connector
) -> None:
    form = offered(configurer)
    for wrong, status in (({"seen": "x"}, 409), ({"choice": []}, 409), ({"of": "nobody"}, 400), ({"of": "next"}, 400)):
        assert configurer.post("/connectors/next/former/", {**form, **wrong}).status_code == status, wrong
    Connector.objects.filter(pk=successor.pk).update(ticket_pattern="A-.*")
    assert configurer.post("/connectors/next/former/", form).status_code == 409
    successor.refresh_from_db()
    assert successor.ticket_pattern == "A-.*"
    assert not said("connector.choices_taken")


# --- a new name -------------------------------------------------------------------------------------------------------


def test_a_new_name_touches_nothing_else(configurer: Client, connector: Connector) -> None:
    rows = HistoryRow.objects.filter(connector=connector).count()
    mapped = list(Mapping.objects.filter(scope__connector=connector).order_by("pk").values())
    credentials = list(Credential.objects.filter(connector=connector).order_by("pk").values())
    names = ("align_site", "align_connector_id", "jira_site", "jira_kind", "time_zone")
    form = {name: getattr(connector, name) for name in names}
    assert configurer.post("/connectors/acme/edit/", {**form, "name": "Acme of Europe"}).status_code == 303
    renamed = Connector.objects.get(pk=connector.pk)
    assert (renamed.slug, renamed.name) == ("acme", "Acme of Europe")
    assert list(Mapping.objects.filter(scope__connector=connector).order_by("pk").values()) == mapped
    assert list(Credential.objects.filter(connector=connector).order_by("pk").values()) == credentials
    assert HistoryRow.objects.filter(connector=connector).count() == rows + 1
    for path in ("/connectors/acme/", "/connectors/acme/mappings/", "/history/?q=connector:acme"):
        assert configurer.get(path).status_code == 200
    assert "Acme of Europe" in text(configurer.get("/search/?q=europe"))
    assert "Acme of Europe" in text(configurer.get("/search/?q=acme"))
