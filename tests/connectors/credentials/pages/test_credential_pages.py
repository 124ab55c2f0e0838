"""The page of one credential over HTTP: staging, probing, switching, going back, and what each refuses in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.due_work import run_due
from connectors.credentials.values import open_secret
from connectors.models import (
    Connector,
    Credential,
    CredentialKind,
    CredentialUse,
    HistoryRow,
    Job,
    JobState,
    LineState,
    Probe,
    ProbeLine,
    Stage,
    System,
)
from tests.support import factories
from tests.support.page_forms import Forms
from tests.support.sandbox_fixture import ADMIN, ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

SignIn = Callable[[Role], Client]
ALIGN = "/connectors/acme/credential/align/"
JIRA = "/connectors/acme/credential/jira/"
HTMX = {"HX-Request": "true"}
NEXT = "the-next-token"
pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    """Without tags and entities, each run of space as one."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def errors(answer: Any) -> str:
    found = re.findall(r'<div class="error"[^>]*>(.*?)</div>', answer.content.decode(), re.DOTALL)
    return " ".join(unescape(each) for each in found)


def typed(**changed: Any) -> dict[str, Any]:
    """The form for Align filled in well, with a token of a second service user."""
    filled = {
        "kind": "align-bearer",
        "user": "",
        "secret": NEXT,
        "expires_on": str(timezone.localdate() + timedelta(days=90)),
        "whose": "another",
        "backup_owner": "",
        "reason": "The old one expires",
    } | changed
    return {f"align-{name}": value for name, value in filled.items() if value is not None}


def typed_for_jira(**changed: Any) -> dict[str, Any]:
    filled = {
        "kind": "jira-cloud",
        "user": ADMIN,
        "secret": NEXT,
        "expires_on": str(timezone.localdate() + timedelta(days=90)),
        "backup_owner": "",
        "reason": "The old one expires",
    } | changed
    return {f"jira-{name}": value for name, value in filled.items() if value is not None}


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


@pytest.fixture
def sam(db: None) -> Person:
    return factories.person(Role.ADMIN, email="sam@example.test", name="Sam Second")


@pytest.fixture
def second(sam: Person) -> Client:
    client = Client()
    client.force_login(sam)
    return client


def stored(stage: Stage, system: System = System.ALIGN) -> Credential | None:
    return Credential.objects.filter(system=system, stage=stage).first()


def the(stage: Stage, system: System = System.ALIGN) -> Credential:
    return Credential.objects.get(system=system, stage=stage)


def staged(client: Client, address: str = ALIGN, **changed: Any) -> Credential:
    system = System.ALIGN if address == ALIGN else System.JIRA
    form = typed(**changed) if system is System.ALIGN else typed_for_jira(**changed)
    answer = client.post(address, form)
    assert (answer.status_code, answer["Location"]) == (303, address), errors(answer)
    return the(Stage.PENDING, system)


def probed(pending: Credential, *, lost: list[str] | None = None, failed: str = "") -> Probe:
    """As the job leaves it behind, with two rights; `failed` is the sentence of a required one."""
    probe = Probe.objects.create(credential=pending, finished_at=timezone.now(), seen=12, expected=14, lost=lost or [])
    state = LineState.FAILED if failed else LineState.OK
    ProbeLine.objects.create(
        probe=probe, position=1, code="a", label="Read mappings", state=state, sentence=failed or "Reads 40 mappings."
    )
    ProbeLine.objects.create(
        probe=probe,
        position=2,
        code="b",
        label="Write mappings",
        state=LineState.SKIPPED,
        required=False,
        sentence="No write was agreed to.",
    )
    return probe


def act(client: Client, name: str, credential: Credential, address: str = ALIGN, **form: str) -> Any:
    return client.post(f"{address}{name}/", {"credential": str(credential.uuid), **form})


# --- staging ----------------------------------------------------------------------------------------------------------


def test_a_staged_secret_is_sealed_beside_the_one_in_use(
    configurer: Client, bare_connector: Connector, sam: Person
) -> None:
    pending = staged(configurer, backup_owner=sam.pk)
    assert open_secret(pending) == NEXT
    assert open_secret(the(Stage.CURRENT)) == ALIGN_TOKEN
    assert (pending.reason, pending.backup_owner) == ("The old one expires", sam)
    shown = text(configurer.get(ALIGN))
    for words in (pending.fingerprint, "back-up Sam Second", "The old one expires", "expires in 90 days", "Probe it"):
        assert words in shown


def test_the_page_holds_no_secret_before_and_after_staging(configurer: Client, bare_connector: Connector) -> None:
    for answer in (configurer.get(ALIGN), configurer.post(ALIGN, typed(reason="")), configurer.get(ALIGN)):
        assert ALIGN_TOKEN not in answer.content.decode()
        assert NEXT not in answer.content.decode()
    staged(configurer)
    after = configurer.get(ALIGN)
    assert NEXT not in after.content.decode()
    assert the(Stage.PENDING).sealed not in after.content.decode()
    assert "no-store" in after["Cache-Control"]
    field = re.search(r'<input[^>]*name="align-secret"[^>]*>', after.content.decode())
    assert field
    assert 'type="password"' in field[0]
    assert 'autocomplete="off"' in field[0]
    assert "value=" not in field[0]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"secret": ""}, "Enter the token or password."),
        ({"secret": "bearer "}, "Enter a token."),
        ({"secret": "x" * 1_000_000}, "longer than 10,000 characters"),
        ({"secret": "one\ntwo"}, "line break"),
        ({"secret": "one\x07two"}, "control character"),
        ({"secret": "one\x00two"}, "Null characters"),
        ({"secret": "“quoted”"}, "no token has"),
        ({"kind": "jira-pat"}, "Select a valid choice"),
        ({"kind": "align-basic"}, "needs the user"),
        ({"kind": "align-basic", "user": "a:b"}, "no colon"),
        ({"kind": "align-basic", "user": "a@b.test", "expires_on": "", "never_expires": "on"}, "Every Atlassian API"),
        ({"expires_on": "2020-01-31"}, "This day has passed"),
        ({"expires_on": "31st of May"}, "year-month-day"),
        ({"expires_on": ""}, "Enter the date it expires"),
        ({"never_expires": "on"}, "not both"),
        ({"whose": ""}, "Say who the token belongs to"),
        ({"whose": "nobody's"}, "Select a valid choice"),
        ({"reason": ""}, "Say why it is replaced"),
        ({"reason": "x" * 501}, "at most 500 characters"),
        ({"backup_owner": "999999"}, "Select a valid choice"),
        ({"replacing": "no-uuid"}, "Reload this page"),
    ],
)
def test_it_refuses_bad_input_beside_the_field_and_stores_nothing(
    configurer: Client, bare_connector: Connector, changed: dict[str, Any], sentence: str
) -> None:
    answer = configurer.post(ALIGN, typed(**changed))
    assert answer.status_code == 400
    assert sentence in errors(answer)
    assert "Nothing is stored." in text(answer)
    assert stored(Stage.PENDING) is None
    assert len(answer.content) < 200_000
    secret = changed.get("secret", NEXT).strip()
    assert len(secret) < 8 or secret not in answer.content.decode()


@pytest.mark.parametrize(
    ("jira_kind", "kind", "sentence"),
    [("cloud", "jira-pat", "Jira Cloud does not take this sign-in"), ("datacenter", "jira-cloud", "Jira Data Center")],
)
def test_it_refuses_a_kind_that_this_jira_does_not_take(
    configurer: Client, bare_connector: Connector, jira_kind: str, kind: str, sentence: str
) -> None:
    Connector.objects.update(jira_kind=jira_kind)
    answer = configurer.post(JIRA, typed_for_jira(kind=kind))
    assert answer.status_code == 400
    assert sentence in errors(answer)
    assert stored(Stage.PENDING, System.JIRA) is None
    fitting = "jira-cloud" if jira_kind == "cloud" else "jira-password"
    assert f'<option value="{fitting}"' in configurer.get(JIRA).content.decode()
    assert f'<option value="{kind}"' not in configurer.get(JIRA).content.decode()


def test_a_rotation_may_change_kind_and_user(configurer: Client, bare_connector: Connector) -> None:
    pending = staged(configurer, kind="align-basic", user="service@acme.test", whose="")
    assert (pending.kind, pending.user) == (CredentialKind.ALIGN_BASIC, "service@acme.test")


def test_a_pasted_prefix_is_dropped_with_a_note(configurer: Client, bare_connector: Connector) -> None:
    pending = staged(configurer, secret=f"  bearer {NEXT}\n")
    assert open_secret(pending) == NEXT
    assert "The word bearer in front of the token was dropped." in text(configurer.get(ALIGN))


def test_a_password_may_hold_any_letter(configurer: Client, bare_connector: Connector) -> None:
    Connector.objects.update(jira_kind="datacenter")
    password = " zażółć “gęślą” "
    pending = staged(configurer, JIRA, kind="jira-password", secret=password, expires_on="", never_expires="on")
    assert open_secret(pending) == password


def test_a_day_that_no_atlassian_token_reaches_is_noted(configurer: Client, bare_connector: Connector) -> None:
    staged(configurer, JIRA, expires_on=str(timezone.localdate() + timedelta(days=500)))
    assert "longer than an Atlassian API token lives" in text(configurer.get(JIRA))


def test_a_user_who_signs_in_here_as_a_person_is_warned_about_but_taken(
    configurer: Client, bare_connector: Connector, sam: Person
) -> None:
    warning = "also signs in to AlignAdmin as a person"
    staged(configurer, JIRA, user="service@acme.test")
    assert warning not in text(configurer.get(JIRA))
    assert act(configurer, "discard", the(Stage.PENDING, System.JIRA), JIRA).status_code == 303
    staged(configurer, JIRA, user="Sam@Example.test")
    assert warning in text(configurer.get(JIRA))
    assert warning not in text(configurer.get(ALIGN))
    Credential.objects.filter(system=System.ALIGN).update(identity=f"Sam Second <{sam.email}>")
    assert warning in text(configurer.get(ALIGN))


def test_the_outgoing_addresses_are_shown_for_firewalls(
    configurer: Client, bare_connector: Connector, settings: Any
) -> None:
    assert "Calls come from" not in text(configurer.get(ALIGN))
    settings.EGRESS_ADDRESSES = ["203.0.113.7", "203.0.113.8"]
    shown = text(configurer.get(ALIGN))
    assert "203.0.113.7" in shown
    assert "203.0.113.8" in shown


def test_the_first_credential_is_staged_on_the_same_page(configurer: Client, bare_connector: Connector) -> None:
    Credential.objects.filter(system=System.ALIGN).delete()
    shown = text(configurer.get(ALIGN))
    assert "Add the first one" in shown
    assert "Token belongs to" not in shown
    staged(configurer, reason="", whose=None)
    probed(the(Stage.PENDING))
    assert act(configurer, "switch", the(Stage.PENDING)).status_code == 303
    assert the(Stage.CURRENT).version == 1
    assert stored(Stage.PREVIOUS) is None


def test_an_unknown_connector_or_system_answers_404(configurer: Client, bare_connector: Connector) -> None:
    assert configurer.get("/connectors/acme/credential/github/").status_code == 404
    assert configurer.get("/connectors/nowhere/credential/align/").status_code == 404
    assert configurer.post("/connectors/acme/credential/github/switch/").status_code == 404


# --- two people -------------------------------------------------------------------------------------------------------


def test_what_another_person_staged_is_replaced_only_by_a_tick(
    configurer: Client, second: Client, bare_connector: Connector
) -> None:
    first = staged(second)
    shown = text(configurer.get(ALIGN))
    assert re.search(rf"Replace what was staged just now \(\s?{re.escape(first.reason)}\s?\)", shown)
    refused = configurer.post(ALIGN, typed(secret="mine"))
    assert refused.status_code == 409
    assert "Sam Second staged a Jira Align credential just now" in text(refused)
    assert the(Stage.PENDING) == first
    staged(configurer, secret="mine", replacing=first.uuid)
    assert open_secret(the(Stage.PENDING)) == "mine"


def test_a_tick_for_a_pending_one_that_has_been_replaced_is_stale(
    configurer: Client, second: Client, bare_connector: Connector
) -> None:
    first = staged(second)
    staged(second, secret="another", replacing=first.uuid)
    refused = configurer.post(ALIGN, typed(secret="mine", replacing=first.uuid))
    assert refused.status_code == 409
    assert "Nothing is stored." in text(refused)
    assert open_secret(the(Stage.PENDING)) == "another"
    tick = re.search(r'<input type="checkbox" name="align-replacing"[^>]*>', refused.content.decode())
    assert tick
    assert str(the(Stage.PENDING).uuid) in tick[0]
    assert "checked" not in tick[0]
    staged(configurer, secret="mine", replacing=the(Stage.PENDING).uuid)


def test_an_act_on_a_credential_that_is_gone_is_refused_beside_its_form(
    configurer: Client, second: Client, bare_connector: Connector
) -> None:
    pending = staged(configurer)
    assert act(second, "discard", pending).status_code == 303
    for name in ("probe", "switch", "discard", "back", "retire", "again"):
        refused = act(configurer, name, pending)
        assert refused.status_code == 409, name
        assert "no longer exists" in text(refused) or "no previous credential" in text(refused)


@pytest.mark.parametrize("uuid", ["", "nonsense", "x" * 1_000_000, "../../etc", "\x00"])
def test_a_malformed_name_of_a_credential_is_refused(configurer: Client, bare_connector: Connector, uuid: str) -> None:
    staged(configurer)
    for name in ("probe", "switch", "discard", "back", "retire", "again"):
        refused = configurer.post(f"{ALIGN}{name}/", {"credential": uuid})
        assert refused.status_code == 409
        assert "names no credential" in text(refused)
    assert stored(Stage.PENDING)


def test_a_credential_of_another_connector_or_system_is_none_of_this_page(
    configurer: Client, bare_connector: Connector, admin: Person
) -> None:
    factories.connector("https://other.example.test", actor=admin, slug="other")
    pending = staged(configurer)
    for address in (JIRA, "/connectors/other/credential/align/"):
        assert act(configurer, "discard", pending, address).status_code == 409
    assert the(Stage.PENDING) == pending
    assert act(configurer, "discard", pending).status_code == 303


def test_a_second_click_on_each_button_changes_nothing_more(configurer: Client, bare_connector: Connector) -> None:
    pending = staged(configurer)
    assert configurer.post(ALIGN, typed()).status_code == 409
    assert act(configurer, "probe", pending).status_code == 303
    assert act(configurer, "probe", pending).status_code == 303
    assert Job.objects.filter(kind="probe").count() == 1
    Job.objects.all().delete()
    probed(pending)
    assert act(configurer, "switch", pending).status_code == 303
    refused = act(configurer, "switch", pending)
    assert refused.status_code == 409
    assert "in use already" in text(refused)
    previous = the(Stage.PREVIOUS)
    assert act(configurer, "back", previous).status_code == 303
    assert act(configurer, "back", previous).status_code == 409
    assert open_secret(the(Stage.CURRENT)) == ALIGN_TOKEN


# --- probing ----------------------------------------------------------------------------------------------------------


def test_the_probe_of_a_good_token_shows_a_line_for_each_right(
    transactional_db: None, configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_token", site="align", token=NEXT, user="second@acme.test")
    pending = staged(configurer)
    assert act(configurer, "probe", pending).status_code == 303
    waiting = configurer.get(ALIGN)
    assert 'hx-trigger="every 1s"' in waiting.content.decode()
    assert "Each right is being tried now." in text(waiting)
    run_due()
    shown = text(configurer.get(ALIGN))
    assert 'hx-trigger="every 1s"' not in configurer.get(ALIGN).content.decode()
    probe = Probe.objects.get()
    assert probe.lines.count() > 2
    for line in probe.lines.all():
        assert line.label in shown
        assert " ".join(line.sentence.split()) in shown
    assert f"{probe.seen} of {probe.expected} projects" in shown
    assert "Ready: running jobs use the new one from their next call." in shown


def test_a_refused_token_blocks_the_switch_and_says_why(
    transactional_db: None, configurer: Client, connector: Connector
) -> None:
    pending = staged(configurer)
    act(configurer, "probe", pending)
    run_due()
    page = configurer.get(ALIGN)
    assert "May not" in text(page)
    assert "401" in text(page)
    assert re.search(r'form="switch-form" disabled', page.content.decode())
    refused = act(configurer, "switch", pending)
    assert refused.status_code == 409
    assert "401" in text(refused)
    assert open_secret(the(Stage.CURRENT)) == ALIGN_TOKEN


def test_a_probe_that_failed_as_a_job_is_told_and_can_be_repeated(
    configurer: Client, bare_connector: Connector
) -> None:
    pending = staged(configurer)
    act(configurer, "probe", pending)
    Job.objects.update(state=JobState.FAILED, error="Jira Align did not answer.", finished_at=timezone.now())
    shown = text(configurer.get(ALIGN))
    assert "Jira Align did not answer." in shown
    assert act(configurer, "probe", pending).status_code == 303
    assert Job.objects.filter(kind="probe", state=JobState.QUEUED).count() == 1


def test_lines_say_what_is_required_and_what_was_not_tried(configurer: Client, bare_connector: Connector) -> None:
    probed(staged(configurer), failed="This token can read mappings but may not create them.")
    shown = text(configurer.get(ALIGN))
    assert "May not Read mappings required This token can read mappings but may not create them." in shown
    assert "Not tried Write mappings optional" in shown
    assert "1 required right missing." in shown
    assert "12 of 14 projects" in shown


@pytest.mark.parametrize(
    ("form", "sentence"),
    [({"write_key": "story 10017"}, "tick that you agree"), ({"consent": "yes"}, "Choose the key")],
)
def test_a_write_needs_a_key_and_consent(
    configurer: Client, bare_connector: Connector, form: dict[str, str], sentence: str
) -> None:
    pending = staged(configurer)
    refused = act(configurer, "probe", pending, **form)
    assert refused.status_code == 409
    assert sentence in text(refused)
    assert not Job.objects.filter(kind="probe").exists()
    assert act(configurer, "probe", pending).status_code == 303


def test_a_key_that_nobody_offered_is_refused(configurer: Client, bare_connector: Connector) -> None:
    pending = staged(configurer)
    refused = act(configurer, "probe", pending, write_key="x" * 1000, consent="yes")
    assert refused.status_code == 409
    assert "Choose another" in text(refused)
    assert not Job.objects.filter(kind="probe").exists()


# --- switching and the way back ---------------------------------------------------------------------------------------


def test_a_switch_needs_a_probe_first(configurer: Client, bare_connector: Connector) -> None:
    pending = staged(configurer)
    refused = act(configurer, "switch", pending)
    assert refused.status_code == 409
    assert "Probe it first" in text(refused)
    assert act(configurer, "switch", pending, confirm_loss="yes").status_code == 409
    probed(pending)
    assert act(configurer, "switch", pending).status_code == 303


def test_losses_have_to_be_confirmed(configurer: Client, bare_connector: Connector) -> None:
    pending = staged(configurer)
    probed(pending, lost=["It does not see PROJ2 and PROJ7."])
    assert "I understand what will be lost: It does not see PROJ2 and PROJ7." in text(configurer.get(ALIGN))
    refused = act(configurer, "switch", pending)
    assert refused.status_code == 409
    assert the(Stage.PENDING) == pending
    assert act(configurer, "switch", pending, confirm_loss="yes").status_code == 303
    assert the(Stage.CURRENT) == pending


def test_the_first_calls_after_a_switch_are_shown_and_a_refusal_offers_the_way_back(
    configurer: Client, bare_connector: Connector
) -> None:
    pending = staged(configurer)
    probed(pending)
    act(configurer, "switch", pending)
    Job.objects.all().delete()
    assert "The first calls with it are on their way." in text(configurer.get(ALIGN))
    Credential.objects.filter(pk=pending.pk).update(used_at=timezone.now())
    assert "last accepted just now" in text(configurer.get(ALIGN))
    Credential.objects.filter(pk=pending.pk).update(refused_status=401, last_answer="Jira Align refused it (401).")
    page = configurer.get(ALIGN)
    assert "Jira Align refused it (401)." in text(page)
    assert re.search(r'<button class="btn primary"[^>]*>Go back</button>', page.content.decode())
    assert act(configurer, "back", the(Stage.PREVIOUS)).status_code == 303
    assert open_secret(the(Stage.CURRENT)) == ALIGN_TOKEN
    assert the(Stage.PENDING) == pending


def test_going_back_names_the_previous_one_that_was_seen(configurer: Client, bare_connector: Connector) -> None:
    pending = staged(configurer)
    probed(pending)
    act(configurer, "switch", pending)
    refused = act(configurer, "back", pending)
    assert refused.status_code == 409
    assert the(Stage.CURRENT) == pending
    assert act(configurer, "back", the(Stage.PREVIOUS)).status_code == 303


def test_the_previous_one_is_destroyed_by_a_click_and_then_there_is_no_way_back(
    configurer: Client, bare_connector: Connector
) -> None:
    pending = staged(configurer)
    probed(pending)
    act(configurer, "switch", pending)
    previous = the(Stage.PREVIOUS)
    assert act(configurer, "retire", previous).status_code == 303
    assert stored(Stage.PREVIOUS) is None
    assert act(configurer, "back", previous).status_code == 409
    assert open_secret(the(Stage.CURRENT)) == NEXT


def test_a_token_of_the_same_user_begins_a_gap_without_a_way_back(
    configurer: Client, bare_connector: Connector
) -> None:
    pending = staged(configurer, whose="same")
    bare_connector.refresh_from_db()
    assert bare_connector.gap_since is not None
    shown = text(configurer.get(ALIGN))
    assert "applies are paused and nothing is read from Align" in shown
    assert "It cannot be undone: probe the pending token" in shown
    probed(pending)
    assert "it cannot be undone" in text(configurer.get(ALIGN))
    act(configurer, "switch", pending)
    after = text(configurer.get(ALIGN))
    assert "applies are paused" not in after
    assert "Go back" not in after


def test_a_locked_out_password_is_tried_again_only_by_a_click(configurer: Client, bare_connector: Connector) -> None:
    Connector.objects.update(jira_kind="datacenter")
    Credential.objects.filter(system=System.JIRA).update(
        kind=CredentialKind.JIRA_PASSWORD, refused_status=401, last_answer="Jira refused the sign-in (401)."
    )
    assert "Try once more" in text(configurer.get(JIRA))
    assert act(configurer, "again", the(Stage.CURRENT, System.JIRA), JIRA).status_code == 303
    assert the(Stage.CURRENT, System.JIRA).refused_status is None
    assert "Try once more" not in text(configurer.get(JIRA))
    refused = act(configurer, "again", the(Stage.CURRENT, System.JIRA), JIRA)
    assert refused.status_code == 409
    assert "nothing to try again" in text(refused)


# --- owners, uses, history --------------------------------------------------------------------------------------------


def owners_form(current: Credential, **changed: Any) -> dict[str, Any]:
    filled = {"credential": current.uuid, "owner": "", "backup_owner": "", "expires_on": ""} | changed
    return {f"owners-{name}": value for name, value in filled.items()}


def test_owners_and_the_expiry_date_change_without_a_rotation(
    configurer: Client, bare_connector: Connector, admin: Person, sam: Person
) -> None:
    current, day = the(Stage.CURRENT), timezone.localdate() + timedelta(days=20)
    form = owners_form(current, owner=sam.pk, backup_owner=admin.pk, expires_on=day)
    assert configurer.post(f"{ALIGN}owners/", form).status_code == 303
    changed = the(Stage.CURRENT)
    assert (changed.owner, changed.backup_owner, changed.expires_on) == (sam, admin, day)
    assert (changed.version, changed.sealed) == (current.version, current.sealed)
    assert "expires in 20 days" in text(configurer.get(ALIGN))


@pytest.mark.parametrize(
    ("changed", "status", "sentence"),
    [
        ({"expires_on": "2020-01-01"}, 400, "This day has passed"),
        ({"owner": "999999"}, 400, "Select a valid choice"),
        ({"owner": "sam", "backup_owner": "sam"}, 400, "someone other than the owner"),
        ({"credential": uuid4()}, 409, "Another credential is in use by now"),
        ({"credential": "x" * 100_000}, 409, "Another credential is in use by now"),
    ],
)
def test_owners_are_refused_in_words_and_stay(
    configurer: Client,
    bare_connector: Connector,
    sam: Person,
    changed: dict[str, Any],
    status: int,
    sentence: str,
) -> None:
    named = {name: sam.pk if value == "sam" else value for name, value in changed.items()}
    current = the(Stage.CURRENT)
    refused = configurer.post(f"{ALIGN}owners/", owners_form(current, **named))
    assert refused.status_code == status
    assert sentence in text(refused)
    assert the(Stage.CURRENT).owner == current.owner


def test_only_active_admins_are_offered_as_owners(
    configurer: Client, bare_connector: Connector, sam: Person, people: dict[Role, Person]
) -> None:
    Person.objects.filter(pk=sam.pk).update(is_active=False)
    shown = text(configurer.get(ALIGN))
    assert "sam@example.test" not in shown
    assert people[Role.VIEWER].email not in shown
    Credential.objects.filter(system=System.ALIGN).update(owner=sam)
    assert "Sam Second (deactivated)" in text(configurer.get(ALIGN))


def test_uses_and_history_of_the_credential_are_listed(configurer: Client, bare_connector: Connector) -> None:
    job = Job.objects.create(connector=bare_connector, kind="refresh", state=JobState.DONE)
    current = the(Stage.CURRENT)
    CredentialUse.objects.create(job=job, credential_uuid=current.uuid, version=7)
    CredentialUse.objects.create(job=job, credential_uuid=the(Stage.CURRENT, System.JIRA).uuid, version=8)
    pending = staged(configurer)
    act(configurer, "discard", pending)
    shown = text(configurer.get(ALIGN))
    assert "Reading projects, statuses and process flows version 7" in shown
    assert "version 8" not in shown
    assert "Discarded the pending Jira Align credential, version 2." in shown
    assert HistoryRow.objects.filter(action="credential.discarded").exists()
    assert "Discarded the pending" not in text(configurer.get(JIRA))


# --- htmx, rights, freshness ------------------------------------------------------------------------------------------


def test_htmx_gets_a_redirect_or_a_sentence(configurer: Client, bare_connector: Connector) -> None:
    answer = configurer.post(ALIGN, typed(), headers=HTMX)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, ALIGN)
    form = {"credential": str(the(Stage.PENDING).uuid)}
    refused = configurer.post(f"{ALIGN}switch/", form, headers=HTMX)
    assert refused.status_code == 409
    assert refused["Content-Type"].startswith("text/plain")
    assert "Probe it first" in refused.content.decode()
    again = configurer.post(ALIGN, typed(secret=""), headers=HTMX)
    assert again.status_code == 400
    assert "Enter the token or password." in again.content.decode()
    assert configurer.post(f"{ALIGN}discard/", form, headers=HTMX)["HX-Redirect"] == ALIGN


def test_a_sign_in_that_is_too_old_sees_the_page_and_sends_nothing(
    configurer: Client, bare_connector: Connector, settings: Any
) -> None:
    staged(configurer)
    pending = the(Stage.PENDING)
    session = configurer.session
    session["began_at"] = timezone.now().timestamp() - settings.FRESH_SIGN_IN - 5
    session.pop("account_authentication_methods", None)
    session.save()
    assert configurer.get(ALIGN).status_code == 200
    for name in ("probe", "switch", "discard", "back", "retire", "again", "owners"):
        assert "reauthenticate" in act(configurer, name, pending)["Location"], name
    assert "reauthenticate" in configurer.post(ALIGN, typed(secret="mine", replacing=pending.uuid))["Location"]
    assert the(Stage.PENDING) == pending


def test_what_was_typed_waits_without_the_secret_and_is_there_again(
    configurer: Client, bare_connector: Connector, sam: Person
) -> None:
    staged(configurer)
    reader = Forms(ALIGN)
    reader.feed(configurer.get(ALIGN).content.decode())
    forms = [(form, resolve(form.address).func.act) for form in reader.found if "/credential/" in form.address]  # type: ignore[attr-defined]
    assert len(forms) >= 5
    assert [(form.address, name) for form, act_ in forms for name in form.fields if not act_.knows(name)] == []
    session = configurer.session
    began = session["began_at"]
    session["began_at"] -= 3600
    session.save()
    configurer.post(ALIGN, typed(backup_owner=sam.pk, whose="same", replacing=the(Stage.PENDING).uuid))
    session = configurer.session
    session["began_at"] = began
    session.save()
    waiting = text(configurer.get("/accounts/confirm/"))
    for words in (
        "Confirm: Store a new Jira Align credential of Acme",
        "Sign-in Align API token (bearer)",
        "Token belongs to Of the same user",
        "Back-up owner Sam Second",
        "Replace what is pending Yes",
        "has to be entered again: the token . Nothing was sent.",
    ):
        assert words in waiting
    filled = configurer.get(f"{ALIGN}?again=1").content.decode()
    assert 'value="The old one expires"' in filled
    assert f'<option value="{sam.pk}" selected>' in filled
    assert NEXT not in waiting + filled
    stage = filled.partition('id="stage"')[2]
    assert '<details class="body" open>' in stage.partition("<form")[0], "what is here again is in sight"
    assert "To replace what is pending, tick that again as well." in filled


def test_the_connector_page_shows_each_stage_and_leads_to_the_rotation(
    configurer: Client, signed_in: SignIn, bare_connector: Connector
) -> None:
    staged(configurer)
    page = configurer.get("/connectors/acme/credentials/")
    assert f'href="{ALIGN}"' in page.content.decode()
    assert "Pending staged just now , owner Admin" in text(page)
    assert f'href="{ALIGN}"' not in signed_in(Role.VIEWER).get("/connectors/acme/credentials/").content.decode()
    probed(the(Stage.PENDING))
    act(configurer, "switch", the(Stage.PENDING))
    assert "Previous kept until" in text(configurer.get("/connectors/acme/credentials/"))


def test_no_secret_is_in_any_entry_or_message(configurer: Client, bare_connector: Connector) -> None:
    pending = staged(configurer, secret=f"bearer {NEXT}")
    act(configurer, "discard", pending)
    from alignadmin.audit.models import Entry

    assert Entry.objects.filter(action="credential.staged").exists()
    for body in Entry.objects.values_list("body", flat=True):
        assert NEXT not in body
        assert ALIGN_TOKEN not in body
        assert JIRA_TOKEN not in body
