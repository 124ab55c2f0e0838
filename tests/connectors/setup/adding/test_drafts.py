"""What is typed of a new connector is kept for its author, over a closed tab and a new sign-in; no secret is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from connectors.models import Connector, SetUpDraft
from connectors.setup.adding import drafts
from tests.support import factories
from tests.support.adding_helpers import NEW, asked_first, text, value
from tests.support.sandbox_fixture import ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

SignIn = Callable[[Role], Client]
DRAFT, OVER, NEED = "/connectors/new/draft/", "/connectors/new/start-over/", "/connectors/new/set-up/"
HTMX = {"HX-Request": "true"}
SITE = "https://acme.jiraalign.com"
pytestmark = pytest.mark.django_db


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def test_what_is_typed_is_there_again_after_a_new_sign_in(
    configurer: Client, signed_in: SignIn, people: dict[Role, Person]
) -> None:
    kept = configurer.post(DRAFT, asked_first(SITE, **{"jira-kind": "jira-pat"}), headers=HTMX)
    assert text(kept).lstrip().startswith('<p id="_draft"')
    assert "Kept for you alone" in text(kept)
    configurer.logout()
    again = Client()
    again.force_login(people[Role.ADMIN])
    page = again.get(NEW)
    assert (value(page, "name"), value(page, "align_site"), value(page, "jira-kind")) == (
        "Acme production",
        SITE,
        "jira-pat",
    )
    assert "You began this" in text(page)
    assert "go on with it" in text(again.get(NEED))


def test_no_secret_is_kept_wherever_it_was_pasted(configurer: Client) -> None:
    typed = asked_first(f"{SITE}/?token=canary", "https://me:canary@acme.atlassian.net", **{"jira-user": "me:canary"})
    configurer.post(DRAFT, typed | {"align-secret": "canary", "jira-secret": "canary", "unknown": "canary"})
    stored = SetUpDraft.objects.get()
    assert "canary" not in json.dumps(stored.typed)
    assert stored.typed == {"name": "Acme production", "align-kind": "align-bearer", "jira-kind": "jira-cloud"}


@pytest.mark.parametrize("act", ["look", "test", "save"])
def test_whatever_fails_keeps_what_was_sent(configurer: Client, sandbox: RunningSandbox, act: str) -> None:
    typed = asked_first(sandbox.url, act=act, time_zone="Europe/Warsaw", jira_kind="cloud", align_connector_id="x")
    configurer.post(NEW, typed | {"align-secret": "wrong"})
    again = configurer.get(NEW)
    assert (value(again, "name"), value(again, "time_zone")) == ("Acme production", "Europe/Warsaw")
    assert "wrong" not in json.dumps(SetUpDraft.objects.get().typed)


def test_what_the_sites_told_is_there_again_until_other_addresses_are_typed(
    configurer: Client, sandbox: RunningSandbox
) -> None:
    configurer.post(NEW, asked_first(sandbox.url))
    sandbox.clear_journal()
    again = configurer.get(NEW)
    assert "Leads to this Jira" in text(again)
    assert (value(again, "align_connector_id"), value(again, "jira_kind")) == ("123", "cloud")
    configurer.post(DRAFT, {**SetUpDraft.objects.get().typed, "name": "Renamed"})
    assert "Leads to this Jira" in text(configurer.get(NEW))
    configurer.post(DRAFT, {**SetUpDraft.objects.get().typed, "jira_site": "https://other.atlassian.net"})
    assert "Leads to this Jira" not in text(configurer.get(NEW))
    assert sandbox.journal() == []


def test_what_a_browser_sends_late_takes_no_choice_away(configurer: Client, sandbox: RunningSandbox) -> None:
    """It was on its way while the sites were looked up, from a form that asked for no connector yet."""
    begun = asked_first(sandbox.url)
    configurer.post(NEW, begun)
    kept = SetUpDraft.objects.get().typed
    assert (kept["align_connector_id"], kept["jira_kind"]) == ("123", "cloud")
    late = {name: typed for name, typed in begun.items() if name != "act"}
    configurer.post(DRAFT, late | {"name": "Renamed meanwhile"})
    assert SetUpDraft.objects.get().typed == kept | {"name": "Renamed meanwhile"}
    configurer.post(DRAFT, late | {"jira_site": "https://other.atlassian.net"})
    assert "align_connector_id" not in SetUpDraft.objects.get().typed


def test_only_its_author_sees_it(configurer: Client, admin: Person) -> None:
    configurer.post(DRAFT, asked_first(SITE))
    other = Client()
    other.force_login(factories.person(Role.ADMIN, email="second@example.test"))
    assert value(other.get(NEW), "name") == ""
    assert "go on with it" not in text(other.get(NEED))
    other.post(OVER)
    assert value(configurer.get(NEW), "name") == "Acme production"


def test_it_ends_when_the_connector_is_added(configurer: Client, sandbox: RunningSandbox) -> None:
    typed = asked_first(sandbox.url)
    configurer.post(NEW, typed)
    whole = typed | {"act": "save", "jira_kind": "cloud", "align_connector_id": "123", "time_zone": "UTC"}
    assert configurer.post(NEW, whole).status_code == 303
    assert not SetUpDraft.objects.exists()
    configurer.post(DRAFT, whole)
    assert not SetUpDraft.objects.exists(), "what the browser sends late"
    assert value(configurer.get(NEW), "name") == ""
    assert Connector.objects.count() == 1


def test_the_number_of_a_connector_that_is_here_takes_nothing_that_is_typed_away(
    configurer: Client, sandbox: RunningSandbox, admin: Person
) -> None:
    there = factories.connector(sandbox.url, actor=admin, slug="there", name="There", align_id=123)
    configurer.post(NEW, asked_first(sandbox.url))
    typed = {**SetUpDraft.objects.get().typed, "align_connector_number": "123"}
    configurer.post(DRAFT, typed)
    refused = configurer.post(NEW, asked_first(sandbox.url, act="save") | typed | {"time_zone": "UTC"})
    assert f"is already here: {there.name}" in text(refused)
    again = configurer.get(NEW)
    assert (value(again, "name"), value(again, "align_site")) == ("Acme production", there.align_site)
    assert "Leads to this Jira" in text(again)
    configurer.post(DRAFT, {**typed, "align_connector_number": "9" * 30})
    assert value(configurer.get(NEW), "name") == "Acme production"


def test_it_ends_when_its_author_starts_over_or_empties_it(configurer: Client) -> None:
    configurer.post(DRAFT, asked_first(SITE))
    assert configurer.post(OVER)["Location"] == NEW
    assert "What you had typed is discarded." in text(configurer.get(NEW))
    configurer.post(DRAFT, asked_first(SITE))
    configurer.post(DRAFT, {"name": " ", "align-kind": "align-bearer"})
    assert not SetUpDraft.objects.exists()


def test_after_thirty_days_it_is_gone(configurer: Client) -> None:
    configurer.post(DRAFT, asked_first(SITE))
    SetUpDraft.objects.update(kept_at=timezone.now() - timedelta(days=29))
    assert drafts.remove_old_drafts() == 0
    assert value(configurer.get(NEW), "name") == "Acme production"
    SetUpDraft.objects.update(kept_at=timezone.now() - timedelta(days=30))
    assert value(configurer.get(NEW), "name") == ""
    assert drafts.remove_old_drafts() == 1


def test_more_than_a_form_holds_is_not_kept_and_it_says_so(configurer: Client, sandbox: RunningSandbox) -> None:
    configurer.post(DRAFT, asked_first(SITE))
    huge = asked_first(SITE, name="ü" * 20_000)
    refused = configurer.post(DRAFT, huge, headers=HTMX)
    assert refused.status_code == 409
    assert "This is more than 16 KB" in text(refused)
    assert "This is more than 16 KB" in text(configurer.post(NEW, huge))
    assert SetUpDraft.objects.get().typed["name"] == "Acme production", "the one before stays"


def test_without_javascript_a_button_keeps_it(configurer: Client) -> None:
    page = text(configurer.get(NEW))
    assert f'<noscript><button class="btn" formaction="{DRAFT}">Keep for later</button></noscript>' in page
    assert configurer.post(DRAFT, asked_first(SITE))["Location"] == NEW


def test_nobody_else_keeps_one(signed_in: SignIn) -> None:
    for role in (Role.VIEWER, Role.EDITOR, Role.REVIEWER):
        for address in (DRAFT, OVER):
            assert signed_in(role).post(address, asked_first(SITE)).status_code == 404
    assert not SetUpDraft.objects.exists()


def test_what_a_release_before_kept_with_other_fields_is_no_trouble(configurer: Client, admin: Person) -> None:
    old: dict[str, Any] = {"typed": {"name": "Acme", "gone": "x", "align_site": SITE}, "discovery": {"gone": 1}}
    SetUpDraft.objects.create(person=admin, kept_at=timezone.now(), **old)
    assert value(configurer.get(NEW), "name") == "Acme"


def test_a_form_that_waited_for_a_proof_comes_before_what_was_kept(configurer: Client, sandbox: RunningSandbox) -> None:
    configurer.post(DRAFT, asked_first(SITE, name="Kept before"))
    session = configurer.session
    began = session["began_at"]
    session["began_at"] -= 3600
    session.save()
    configurer.post(NEW, asked_first(sandbox.url, name="Sent last"))
    session = configurer.session
    session["began_at"] = began
    session.save()
    assert value(configurer.get(f"{NEW}?again=1"), "name") == "Sent last"
    assert sandbox.journal() == []
    assert (ALIGN_TOKEN in text(configurer.get(NEW)), JIRA_TOKEN in text(configurer.get(NEW))) == (False, False)
