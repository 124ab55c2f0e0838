"""The connector pages over HTTP: set-up, test, edit, credentials, readiness, and what each refuses in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.audit.models import Entry
from connectors.catalogue.reported import UNTOLD
from connectors.credentials import expiry
from connectors.credentials.values import open_secret
from connectors.models import (
    Connector,
    Credential,
    CredentialKind,
    IssueType,
    Job,
    JobState,
    ProcessFlow,
    ProcessStep,
    Project,
    Stage,
    System,
    TypeMatch,
)
from connectors.ports.audited import context_of
from connectors.setup import services
from connectors.setup.readiness import CONFIGURATION_PULL, StepState, readiness
from tests.support import factories
from tests.support.sandbox_fixture import ADMIN, ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

SignIn = Callable[[Role], Client]
NEW = "/connectors/new/"
HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script> \"'& → \u202eabc"
pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


def errors(answer: Any) -> str:
    """What stands beside the fields."""
    return " ".join(
        unescape(each) for each in re.findall(r'<div class="error"[^>]*>(.*?)</div>', answer.content.decode())
    )


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


@pytest.fixture
def typed(sandbox: RunningSandbox) -> dict[str, Any]:
    """The set-up form filled in well."""
    return {
        "name": "Acme production",
        "slug": "",
        "align_site": sandbox.url,
        "align_connector_id": "123",
        "jira_site": sandbox.url,
        "jira_kind": "cloud",
        "time_zone": "Europe/Warsaw",
        "align-kind": "align-bearer",
        "align-user": "",
        "align-secret": ALIGN_TOKEN,
        "align-expires_on": "",
        "jira-kind": "jira-cloud",
        "jira-user": ADMIN,
        "jira-secret": JIRA_TOKEN,
        "jira-expires_on": "",
        "act": "save",
    }


def messages_of(client: Client, address: str) -> str:
    return text(client.get(address, follow=True))


# --- adding -----------------------------------------------------------------------------------------------------------


def test_an_admin_adds_a_connector_and_its_reading_begins(configurer: Client, typed: dict[str, Any]) -> None:
    answer = configurer.post(NEW, typed)
    assert (answer.status_code, answer["Location"]) == (303, "/connectors/acme-production/set-up/")
    made = Connector.objects.get()
    assert (made.slug, made.align_connector_id, made.time_zone) == ("acme-production", 123, "Europe/Warsaw")
    stored = {each.system: open_secret(each) for each in Credential.objects.filter(stage=Stage.CURRENT)}
    assert stored == {System.ALIGN: ALIGN_TOKEN, System.JIRA: JIRA_TOKEN}
    job = Job.objects.get()
    assert (job.kind, job.params) == ("refresh", {"then": "observe"})


def test_a_form_sent_twice_makes_one_connector(configurer: Client, typed: dict[str, Any]) -> None:
    assert configurer.post(NEW, typed).status_code == 303
    second = configurer.post(NEW, typed)
    assert second.status_code == 400
    assert "already here: Acme production" in errors(second)
    assert Connector.objects.count() == 1


def test_what_is_pasted_around_site_and_token_is_dropped_with_a_note(
    configurer: Client, typed: dict[str, Any], sandbox: RunningSandbox
) -> None:
    typed |= {"align_site": f"{sandbox.url}/rest/align/api/2/connectors", "align-secret": f"bearer {ALIGN_TOKEN}\n"}
    answer = configurer.post(NEW, typed)
    assert answer.status_code == 303, errors(answer)
    assert Connector.objects.get().align_site == sandbox.url
    shown = messages_of(configurer, answer["Location"])
    assert f"shortened to {sandbox.url}" in shown
    assert "The word bearer in front of the token was dropped." in shown
    assert open_secret(Credential.objects.get(system=System.ALIGN)) == ALIGN_TOKEN


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("slug", "new", "an address of AlignAdmin itself"),
        ("slug", "Credentials", "an address of AlignAdmin itself"),
        ("slug", "not a slug", "letters, digits, hyphens"),
        ("name", "", "This field is required."),
        ("name", "→", "has no letter that can be used in a URL"),
        ("align_site", "http://acme.example.test", "must start with https://"),
        ("align_site", "https://10.0.0.5", "private or local network address"),
        ("align_site", "https://[::1]/", "private or local network address"),
        ("align_site", "https://169.254.169.254", "private or local network address"),
        ("align_site", "https://localhost", "private or local network address"),
        ("align_site", "https://a:b@acme.example.test", "user name or password"),
        ("align_site", "ftp://acme.example.test", "not a web address"),
        ("jira_site", "http://jira.example.test", "must start with https://"),
        ("align_connector_id", "0", "whole number above 0"),
        ("align_connector_id", "-3", "whole number above 0"),
        ("align_connector_id", "12x", "whole number above 0"),
        ("align_connector_id", "99999999999", "whole number above 0"),
        ("time_zone", "Mars/Olympus", "not a time zone"),
        ("align-secret", "", "Enter the token or password."),
        ("align-secret", "bearer ", "Enter a token."),
        ("align-secret", "one\ntwo", "line break"),
        ("align-secret", "one\x07two", "control character"),
        ("align-secret", "x" * 10_001, "longer than 10,000 characters"),
        ("align-secret", "“quoted”", "no token has"),
        ("align-expires_on", "2020-01-31", "This day has passed"),
        ("align-expires_on", "31st of May", "year-month-day"),
        ("align-kind", "align-basic", "needs the user"),
        ("jira-kind", "jira-pat", "Jira Cloud does not take this sign-in"),
        ("jira-kind", "align-bearer", "Select a valid choice"),
        ("jira-user", "", "needs the user"),
        ("jira-user", "a:b", "no colon"),
    ],
)
def test_it_refuses_bad_input_beside_the_field_and_keeps_the_rest(
    configurer: Client, typed: dict[str, Any], field: str, value: str, sentence: str
) -> None:
    answer = configurer.post(NEW, typed | {field: value})
    assert answer.status_code == 400
    assert sentence in errors(answer)
    assert not Connector.objects.exists()
    assert 'value="Europe/Warsaw"' in text(answer) or field == "time_zone"
    assert JIRA_TOKEN not in text(answer)
    assert ALIGN_TOKEN not in text(answer)


def test_a_taken_slug_names_the_connector_that_has_it(configurer: Client, typed: dict[str, Any], admin: Person) -> None:
    factories.connector("https://other.example.test", actor=admin, slug="acme", name="The first")
    assert "The first" in errors(configurer.post(NEW, typed | {"slug": "acme"}))


def test_a_password_of_data_center_may_hold_any_letter(configurer: Client, typed: dict[str, Any]) -> None:
    typed |= {"jira_kind": "datacenter", "jira-kind": "jira-password", "jira-secret": " zażółć “gęślą” "}
    answer = configurer.post(NEW, typed)
    assert answer.status_code == 303, errors(answer)
    assert open_secret(Credential.objects.get(system=System.JIRA)) == " zażółć “gęślą” "


# --- testing before saving --------------------------------------------------------------------------------------------


def test_the_test_answers_a_line_per_check_and_stores_nothing(
    configurer: Client, typed: dict[str, Any], sandbox: RunningSandbox
) -> None:
    answer = configurer.post(NEW, typed | {"act": "test"}, headers=HTMX)
    shown = text(answer)
    assert shown.lstrip().startswith('<section id="checks"')
    assert "Align: connector" in shown
    assert "Jira: sign-in" in shown
    assert "Fails" not in shown
    assert "HX-Request" in answer["Vary"]
    assert not Connector.objects.exists()
    assert {each["method"] for each in sandbox.journal()} == {"GET"}


def test_without_javascript_the_test_comes_back_with_what_was_typed_but_no_secret(
    configurer: Client, typed: dict[str, Any]
) -> None:
    shown = text(configurer.post(NEW, typed | {"act": "test"}))
    assert "Jira: sign-in" in shown
    assert 'value="Acme production"' in shown
    assert "Secrets are never sent back" in shown
    assert ALIGN_TOKEN not in shown
    assert JIRA_TOKEN not in shown


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("align-secret", "a-wrong-token", "refused the sign-in (401)"),
        ("align_connector_id", "999", "does not know this address (404)"),
        ("jira-secret", "a-wrong-token", "refused the sign-in (401)"),
    ],
)
def test_a_failing_test_says_which_check_and_why(
    configurer: Client, typed: dict[str, Any], field: str, value: str, sentence: str
) -> None:
    shown = text(configurer.post(NEW, typed | {"act": "test", field: value}, headers=HTMX))
    assert "Fails" in shown
    assert sentence in shown
    assert "a-wrong-token" not in shown


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"status": 200, "body": "<html><body>Sign in</body></html>"}, "web page"),
        ({"status": 200, "body": '{"id": 123, "na'}, "cut off or is not JSON"),
        ({"status": 500}, "failed to answer (500)"),
    ],
)
def test_a_site_that_answers_strangely_is_told_in_words(
    configurer: Client, typed: dict[str, Any], sandbox: RunningSandbox, fault: dict[str, Any], sentence: str
) -> None:
    sandbox.faults({"path": "/connectors/123", **fault})
    assert sentence in text(configurer.post(NEW, typed | {"act": "test"}, headers=HTMX))


def test_a_site_that_does_not_answer_is_told_in_words(configurer: Client, typed: dict[str, Any]) -> None:
    shown = text(configurer.post(NEW, typed | {"act": "test", "align_site": "http://127.0.0.1:9"}, headers=HTMX))
    assert "Fails" in shown
    assert "127.0.0.1" in shown


def test_a_test_of_a_wrong_form_asks_nobody(configurer: Client, typed: dict[str, Any], sandbox: RunningSandbox) -> None:
    shown = text(configurer.post(NEW, typed | {"act": "test", "align_connector_id": "x"}, headers=HTMX))
    assert "Align connector id: The connector id is a whole number above 0" in shown
    assert sandbox.journal() == []


# --- the list and one connector ---------------------------------------------------------------------------------------


def test_the_list_is_a_table_of_connectors_with_the_same_number_of_queries(
    configurer: Client, sandbox: RunningSandbox, admin: Person
) -> None:
    factories.connector(sandbox.url, actor=admin)
    configurer.get("/connectors/")
    with CaptureQueriesContext(connection) as one:
        assert "Acme" in text(configurer.get("/connectors/"))
    for number in range(5):
        factories.connector(
            f"https://site{number}.example.test", actor=admin, slug=f"more-{number}", name=f"More {number}"
        )
    with CaptureQueriesContext(connection) as six:
        assert "More 4" in text(configurer.get("/connectors/"))
    assert len(six) == len(one)
    soon = expiry.operators_today() + timedelta(days=12)
    Credential.objects.filter(connector__slug="more-1", system=System.JIRA).update(expires_on=soon)
    Credential.objects.filter(connector__slug="more-2", system=System.ALIGN).delete()
    page = text(configurer.get("/connectors/"))
    rows = dict(re.findall(r'<th scope="row"><a href="/connectors/([\w-]+)/"(.*?)</tr>', page, re.DOTALL))
    assert len(rows) == 6
    assert "expires in 12 days" in rows["more-1"]
    assert "none for Jira Align" in rows["more-2"]
    assert "No credential" in rows["more-2"]
    assert "not yet" in rows["more-3"]


def test_an_empty_installation_offers_the_first_set_up_to_an_admin_only(signed_in: SignIn) -> None:
    assert f'href="{NEW}set-up/"' in text(signed_in(Role.ADMIN).get("/connectors/"))
    assert f'href="{NEW}' not in text(signed_in(Role.VIEWER).get("/connectors/"))


def test_names_are_never_taken_for_markup(configurer: Client, bare_connector: Connector) -> None:
    Connector.objects.update(name=HOSTILE, last_error=HOSTILE)
    Project.objects.create(
        connector=bare_connector, jira_id=1, key="PROJ", name=HOSTILE, in_scope=True, align_error=HOSTILE
    )
    IssueType.objects.create(connector=bare_connector, jira_id=1, name=HOSTILE)
    for address in ("/connectors/", "/connectors/acme/", "/connectors/acme/projects/", "/connectors/acme/edit/"):
        raw = configurer.get(address).content.decode()
        assert "<script>alert" not in raw
        assert "&lt;script&gt;alert(1)" in raw


def test_the_page_shows_credentials_without_their_secrets_and_the_sites_documents(
    configurer: Client, bare_connector: Connector
) -> None:
    assert f'{bare_connector.align_site}/rest/align/api/docs/index.html"' in text(configurer.get("/connectors/acme/"))
    shown = text(configurer.get("/connectors/acme/credentials/"))
    for credential in bare_connector.credentials.all():
        assert credential.fingerprint in shown
        assert credential.sealed not in shown
    assert ALIGN_TOKEN not in shown


def test_an_expired_credential_is_bad_health(configurer: Client, bare_connector: Connector) -> None:
    Connector.objects.update(answered_at=timezone.now())
    Credential.objects.filter(system=System.JIRA).update(expires_on=timezone.localdate() - timedelta(days=1))
    assert "Replace the credential for Jira." in text(configurer.get("/connectors/acme/"))


@pytest.mark.parametrize("address", ["/connectors/nowhere/", "/connectors/nowhere/edit/", "/connectors/acme/job/999/"])
def test_what_is_not_there_answers_404(configurer: Client, bare_connector: Connector, address: str) -> None:
    answer = configurer.get(address)
    assert answer.status_code == 404
    assert "There is nothing at this address" in text(answer)


# --- editing ----------------------------------------------------------------------------------------------------------


def details(owner: Connector, **changed: Any) -> dict[str, Any]:
    names = ("name", "align_site", "align_connector_id", "jira_site", "jira_kind", "time_zone")
    return {name: getattr(owner, name) for name in names} | changed


def test_a_rename_keeps_the_slug(configurer: Client, bare_connector: Connector) -> None:
    answer = configurer.post("/connectors/acme/edit/", details(bare_connector, name="Acme Europe"))
    assert answer["Location"] == "/connectors/acme/settings/"
    bare_connector.refresh_from_db()
    assert (bare_connector.name, bare_connector.slug) == ("Acme Europe", "acme")


def test_an_edit_that_missed_a_part_is_filled_in_again_with_all_that_was_changed(
    configurer: Client, bare_connector: Connector
) -> None:
    Connector.objects.update(log_by_hand=True)
    session = configurer.session
    began = session["began_at"]
    session["began_at"] -= 3600
    session.save()
    site = "https://me:canary@jira.example.test"
    configurer.post("/connectors/acme/edit/", details(bare_connector, name="Acme Europe", jira_site=site))
    session = configurer.session
    session["began_at"] = began
    session.save()
    assert 'href="/connectors/acme/edit/?again=1"' in text(configurer.get("/accounts/confirm/"))
    shown = text(configurer.get("/connectors/acme/edit/?again=1"))
    assert 'value="Acme Europe"' in shown
    assert f'value="{bare_connector.align_site}"' in shown
    assert not re.search(r'name="jira_site"[^>]* value=', shown), "neither the stored one nor the secret"
    assert not re.search(r'name="log_by_hand"[^>]* checked', shown)
    assert "canary" not in shown
    assert re.search(r'name="log_by_hand"[^>]* checked', text(configurer.get("/connectors/acme/edit/")))


def test_an_edit_cannot_make_two_of_one_align_connector(
    configurer: Client, bare_connector: Connector, admin: Person
) -> None:
    factories.connector("https://other.example.test", actor=admin, slug="other", name="Other")
    answer = configurer.post("/connectors/acme/edit/", details(bare_connector, align_site="https://other.example.test"))
    assert answer.status_code == 400
    assert "already here: Other" in errors(answer)


# --- credentials ------------------------------------------------------------------------------------------------------

ALIGN_CREDENTIAL = "/connectors/acme/credential/align/"


def test_a_new_secret_is_staged_and_the_one_in_use_stays(configurer: Client, bare_connector: Connector) -> None:
    typed = {
        "align-kind": "align-bearer",
        "align-secret": "another-token",
        "align-never_expires": "on",
        "align-whose": "another",
        "align-reason": "A test",
    }
    assert configurer.post(ALIGN_CREDENTIAL, typed)["Location"] == ALIGN_CREDENTIAL
    stored = Credential.objects.filter(connector=bare_connector, system=System.ALIGN)
    assert open_secret(stored.get(stage=Stage.CURRENT)) == ALIGN_TOKEN
    assert open_secret(stored.get(stage=Stage.PENDING)) == "another-token"


# --- acts on a connector ----------------------------------------------------------------------------------------------


def test_a_refresh_is_started_once_and_followed_on_the_page(signed_in: SignIn, bare_connector: Connector) -> None:
    editor = signed_in(Role.EDITOR)
    assert editor.post("/connectors/acme/refresh/").status_code == 303
    assert editor.post("/connectors/acme/refresh/").status_code == 303
    first = Job.objects.get()
    assert f'hx-get="/connectors/acme/job/{first.pk}/"' in text(editor.get("/connectors/acme/"))


def test_a_deactivated_connector_is_not_refreshed(configurer: Client, bare_connector: Connector) -> None:
    left = configurer.post("/connectors/acme/active/", {"active": "no"})
    assert (left.status_code, left["Location"]) == (303, "/connectors/acme/settings/")
    refused = configurer.post("/connectors/acme/refresh/")
    assert refused.status_code == 409
    assert "activate it first" in text(refused)
    configurer.post("/connectors/acme/active/", {"active": "yes"})
    assert configurer.post("/connectors/acme/refresh/").status_code == 303


def test_a_job_is_polled_while_it_runs_and_gives_way_to_the_next(configurer: Client, bare_connector: Connector) -> None:
    first = Job.objects.create(
        connector=bare_connector,
        kind="refresh",
        state=JobState.RUNNING,
        started_at=timezone.now() - timedelta(seconds=10),
        done=40,
        total=1200,
        item=HOSTILE,
        waits_for="rate limit: resumes in 14 s",
    )
    address = f"/connectors/acme/job/{first.pk}/"
    running = text(configurer.get(address, headers=HTMX))
    assert running.startswith('<div id="job"')
    assert 'hx-trigger="every 1s"' in running
    for words in ('value="40" max="1200"', "40 of 1200", "4 a second", "resumes in 14 s"):
        assert words in running
    following = Job.objects.create(connector=bare_connector, kind="observe")
    Job.objects.filter(pk=first.pk).update(state=JobState.DONE, finished_at=timezone.now())
    assert f"/job/{following.pk}/" in text(configurer.get(address, headers=HTMX))
    Job.objects.filter(pk=following.pk).update(state=JobState.FAILED, error="It stopped: " + HOSTILE)
    ended = configurer.get(f"/connectors/acme/job/{following.pk}/", headers=HTMX).content.decode()
    assert "hx-trigger" not in ended
    assert "It stopped: &lt;script&gt;" in ended


def test_the_minutely_reading_of_the_log_is_shown_only_when_it_fails(
    configurer: Client, bare_connector: Connector
) -> None:
    routine = Job.objects.create(connector=bare_connector, kind="intake", state=JobState.DONE)
    assert "Reading Align's audit log" not in text(configurer.get("/connectors/acme/"))
    Job.objects.filter(pk=routine.pk).update(state=JobState.FAILED, error="It did not answer.")
    assert "It did not answer." in text(configurer.get("/connectors/acme/"))


def test_issue_types_are_chosen_by_name_and_kept_by_id(configurer: Client, bare_connector: Connector) -> None:
    for number, name in enumerate(("Epic", "Story", "Sub-task", "Bug", "Task")):
        IssueType.objects.create(connector=bare_connector, jira_id=number, name=name)
    services.store_type_matches(bare_connector, {None: {"story": ["Story", "Task"], "defect": []}})
    stories = TypeMatch.objects.filter(connector=bare_connector, work_item_type="story")
    assert list(stories.values_list("issue_type_name", "issue_type_ids")) == [("Story", [1]), ("Task", [4])]
    assert configurer.post("/connectors/acme/types/", {"story": ["Bug"]}).status_code == 405
    shown = text(configurer.get("/connectors/acme/types/"))
    assert "Story, Task" in shown
    assert "nothing" in shown


# --- readiness --------------------------------------------------------------------------------------------------------


def state_of(owner: Connector, code: str) -> tuple[StepState, str]:
    found = next(each for each in readiness(Connector.objects.get(pk=owner.pk)) if each.code == code)
    return found.state, found.sentence


def test_a_person_confirms_what_the_api_does_not_show(configurer: Client, bare_connector: Connector) -> None:
    assert state_of(bare_connector, "bidirectional-sync")[0] == StepState.UNKNOWN
    assert configurer.post("/connectors/acme/confirm/", {"code": "bidirectional-sync"}).status_code == 303
    assert state_of(bare_connector, "bidirectional-sync")[0] == StepState.CONFIRMED
    assert "Confirmed by Admin" in text(configurer.get("/connectors/acme/")).replace("<bdi>", "").replace("</bdi>", "")
    assert configurer.post("/connectors/acme/confirm/", {"code": "projects"}).status_code == 400


def failed_change(owner: Connector, detail: str, *, plan: int = 7, action: str = "change.failed") -> Entry:
    with transaction.atomic():
        return trail.record(
            AuditRecord(
                action=action,
                actor=None,
                context=context_of(owner),
                subject="plan",
                sentence="x",
                plan=plan,
                data={"detail": detail},
            )
        )


def test_a_status_that_align_refuses_names_the_menu_path_until_confirmed_again(
    configurer: Client, bare_connector: Connector
) -> None:
    configurer.post("/connectors/acme/confirm/", {"code": "statuses-pulled"})
    failed_change(bare_connector, "jiraStatusId: The status Archived (10019) has not been pulled from Jira.")
    state, sentence = state_of(bare_connector, "statuses-pulled")
    assert state == StepState.MISSING
    assert CONFIGURATION_PULL in sentence
    assert "Archived (10019)" in sentence
    configurer.post("/connectors/acme/confirm/", {"code": "statuses-pulled"})
    assert state_of(bare_connector, "statuses-pulled")[0] == StepState.CONFIRMED


def test_only_the_newest_apply_counts_against_the_statuses(bare_connector: Connector) -> None:
    failed_change(bare_connector, "The status QA has not been pulled.", plan=7)
    failed_change(bare_connector, "Jira Align failed to answer (500).", plan=8)
    assert state_of(bare_connector, "statuses-pulled")[0] == StepState.UNKNOWN


def test_readiness_says_what_is_missing(bare_connector: Connector) -> None:
    assert state_of(bare_connector, "api-token")[0] == StepState.UNKNOWN
    assert state_of(bare_connector, "projects")[0] == StepState.UNKNOWN
    Connector.objects.update(catalogue_at=timezone.now())
    Credential.objects.filter(system=System.JIRA).update(last_answer="Jira refused the sign-in (401).")
    assert state_of(bare_connector, "api-token") == (
        StepState.MISSING,
        "The Jira Align credential has not been used yet: test the connection. Jira: Jira refused the sign-in (401).",
    )
    assert state_of(bare_connector, "projects")[0] == StepState.MISSING
    assert state_of(bare_connector, "process-flows")[0] == StepState.MISSING
    Project.objects.create(connector=bare_connector, jira_id=1, key="K000", in_scope=True, align_error="no programme")
    assert "K000 (no programme)" in state_of(bare_connector, "projects")[1]
    IssueType.objects.create(connector=bare_connector, jira_id=1, name="Epic")
    assert "stands for Story, Task, Defect." in state_of(bare_connector, "work-item-types")[1]


def test_a_flow_without_steps_is_not_ready(bare_connector: Connector) -> None:
    Connector.objects.update(catalogue_at=timezone.now())
    flow = ProcessFlow.objects.create(connector=bare_connector, align_id=7, name="Feature flow")
    assert state_of(bare_connector, "process-flows")[0] == StepState.MISSING
    ProcessStep.objects.create(connector=bare_connector, flow=flow, align_id=501, name="Funnel")
    assert state_of(bare_connector, "process-flows") == (StepState.OK, "1 active flow, 1 step.")


# --- rights, REST, health ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.REVIEWER])
def test_only_an_admin_sees_the_forms_or_sends_them(signed_in: SignIn, role: Role, bare_connector: Connector) -> None:
    client = signed_in(role)
    for address in (NEW, "/connectors/acme/edit/", ALIGN_CREDENTIAL):
        assert client.get(address).status_code == 404
    for act in ("test", "active", "confirm"):
        assert client.post(f"/connectors/acme/{act}/").status_code == 403
    assert client.get("/connectors/acme/").status_code == 200
    refresh: HttpResponse = client.post("/connectors/acme/refresh/")  # type: ignore[assignment]
    assert refresh.status_code == (303 if role == Role.EDITOR else 403)


def test_the_rest_answer_holds_no_secret(signed_in: SignIn, bare_connector: Connector) -> None:
    answer = signed_in(Role.VIEWER).get("/api/v1/connectors/acme/")
    assert answer.status_code == 200
    assert set(answer.json()) == {
        "slug", "name", "align_site", "align_connector_id", "jira_site", "jira_kind", "is_active",
        "state", "disconnected_at", "catalogue_at", "answered_at", "last_error", "audit_source", "intake_at",
    }  # fmt: skip
    assert ALIGN_TOKEN not in answer.content.decode()


def test_the_health_check_needs_no_sign_in(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"web": "ok", "database": "ok"})


def test_every_kind_of_credential_belongs_to_one_system() -> None:
    from connectors.credentials.rotation.forms import KINDS_OF

    assert sorted(kind for kinds in KINDS_OF.values() for kind in kinds) == sorted(CredentialKind)


def test_the_private_sandbox_is_reached_only_because_the_operator_allows_it(
    configurer: Client, typed: dict[str, Any], settings: Any
) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = []
    assert configurer.post(NEW, typed).status_code == 400
    assert not Connector.objects.exists()
    settings.ALLOWED_PRIVATE_HOSTS = ["127.0.0.1"]
    assert configurer.post(NEW, typed).status_code == 303


def test_a_stored_credential_is_never_sent_to_another_site(configurer: Client, bare_connector: Connector) -> None:
    configurer.post("/connectors/acme/edit/", details(bare_connector, align_site="https://other.example.test"))
    assert list(bare_connector.credentials.values_list("system", flat=True)) == [System.JIRA]


@pytest.mark.parametrize(
    ("changed", "is_kept"),
    [
        ({"name": "New"}, True),
        ({"align_site": "https://other.example.test"}, False),
        ({"align_connector_id": 9}, False),
    ],
)
def test_what_align_has_said_of_a_connector_is_not_said_of_another(
    configurer: Client, bare_connector: Connector, changed: dict[str, Any], is_kept: bool
) -> None:
    now, mine = timezone.now(), Connector.objects.filter(pk=bare_connector.pk)
    said = {"align_active": False, "align_told_at": now, "align_message": "off", "align_ask_again_at": now}
    mine.update(**said)
    assert configurer.post("/connectors/acme/edit/", details(bare_connector, **changed)).status_code == 303
    assert mine.values(*said).get() == (said if is_kept else UNTOLD)


def test_another_align_connector_is_not_made_of_one_whose_mappings_were_read(
    configurer: Client, connector: Connector
) -> None:
    answer = configurer.post("/connectors/acme/edit/", details(connector, align_connector_id="124"))
    assert answer.status_code in (400, 409)
    connector.refresh_from_db()
    assert connector.align_connector_id == 123
