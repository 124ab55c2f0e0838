"""Before a connector is added both sites are asked what they are: what is found, and what stands at which field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from connectors.models import Connector
from tests.support import factories
from tests.support.adding_helpers import NEW, asked_first, text, value, wrong
from tests.support.sandbox_fixture import ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox
from tests.support.scripted_server import Reply, Seen, serving

SignIn = Callable[[Role], Client]
HTMX = {"HX-Request": "true"}
ZONE = {"time_zone": "UTC"}
LIST = r"/connectors\?"
LOGIN = {"status": 302, "body": "", "headers": {"Location": "https://login.example.test/?token=canary"}}
pytestmark = pytest.mark.django_db


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def test_little_is_asked_before_the_sites_are(configurer: Client) -> None:
    page = text(configurer.get(NEW))
    for name in ("name", "align_site", "align-secret", "jira_site", "jira-kind", "jira-user", "jira-secret"):
        assert f'name="{name}"' in page
    for name in ("align_connector_id", "jira_kind", "slug", "time_zone", "align-expires_on"):
        assert f'name="{name}"' not in page
    assert page.count("btn primary") == 1


def test_the_kind_is_found_out_and_the_connector_that_leads_there_is_chosen(
    configurer: Client, sandbox: RunningSandbox
) -> None:
    found = configurer.post(NEW, asked_first(f"{sandbox.url}/login", sandbox.url))
    page = text(found)
    assert wrong(found) == {}
    assert "This is <b>Jira Cloud</b>" in page
    assert "Signed in as" in page
    assert (value(found, "jira_kind"), value(found, "align_connector_id")) == ("cloud", "123")
    assert "Leads to this Jira" in page
    assert value(found, "align_site") == sandbox.url, "as it was shortened"
    assert (ALIGN_TOKEN in page, JIRA_TOKEN in page) == (False, False)
    assert "Secrets are never sent back" in page
    assert page.count("btn primary") == 1
    assert len(sandbox.journal(containing="/rest/api/")) == 2
    assert {each["method"] for each in sandbox.journal()} == {"GET"}
    assert not Connector.objects.exists()


def test_with_javascript_only_the_form_comes_back_and_the_browser_keeps_its_secrets(
    configurer: Client, sandbox: RunningSandbox
) -> None:
    found = configurer.post(NEW, asked_first(sandbox.url), headers=HTMX)
    assert text(found).lstrip().startswith('<form id="_connect_form"')
    assert text(found).count("hx-preserve") == 2
    assert "Secrets are never sent back" not in text(found)
    assert "HX-Request" in found["Vary"]


@pytest.mark.parametrize(
    ("jira", "kind", "user", "secret", "words"),
    [
        ("server", "jira-password", "admin", JIRA_TOKEN, "This is <b>Jira Data Center 10"),
        ("server-9", "jira-pat", "", JIRA_TOKEN, "This is <b>Jira Data Center 9.12.15</b>"),
    ],
)
def test_a_data_center_is_told_by_its_version(
    configurer: Client, network: None, jira: str, kind: str, user: str, secret: str, words: str
) -> None:
    running = RunningSandbox(jira=jira)
    typed = asked_first(running.url, **{"jira-kind": kind, "jira-user": user, "jira-secret": secret})
    found = configurer.post(NEW, typed)
    assert (wrong(found), value(found, "jira_kind")) == ({}, "datacenter")
    assert words in text(found)
    added = configurer.post(NEW, typed | {"act": "save", "jira_kind": "datacenter", "align_connector_id": "123"} | ZONE)
    assert added.status_code == 303
    running.close()


def test_a_sign_in_of_the_other_kind_is_named_and_not_tried(configurer: Client, network: None) -> None:
    """A wrong password would be counted there."""
    running = RunningSandbox(jira="server")
    found = configurer.post(NEW, asked_first(running.url))
    assert "Jira Data Center does not take this sign-in" in wrong(found)["jira-kind"]
    assert [each["path"] for each in running.journal(containing="/rest/api/")] == ["/rest/api/2/serverInfo"]
    running.close()


def test_an_account_that_is_locked_is_told_so(configurer: Client, network: None) -> None:
    running = RunningSandbox(jira="server")
    typed = asked_first(running.url, **{"jira-kind": "jira-password", "jira-user": "admin"})
    for _ in range(3):
        found = configurer.post(NEW, typed | {"jira-secret": "wrong"})
        assert "Jira refused the sign-in (401). Check the user and the token" in wrong(found)["jira-secret"]
    assert "Jira wants a CAPTCHA from this account" in wrong(configurer.post(NEW, typed))["jira-secret"]
    running.close()


def test_a_kind_that_was_chosen_wrongly_is_named_and_set_right(configurer: Client, sandbox: RunningSandbox) -> None:
    found = configurer.post(NEW, asked_first(sandbox.url, jira_kind="datacenter"))
    assert wrong(found)["jira_kind"] == (
        "Jira Data Center was chosen, but the site says that it is Jira Cloud: that is chosen now."
    )
    assert value(found, "jira_kind") == "cloud"


@pytest.mark.parametrize("rule", [{"status": 401}, {"status": 403}, {"status": 200, "body": "{}"}])
def test_where_the_site_cannot_tell_an_admin_chooses(
    configurer: Client, sandbox: RunningSandbox, rule: dict[str, Any]
) -> None:
    sandbox.faults({"path": "serverInfo", **rule})
    found = configurer.post(NEW, asked_first(sandbox.url, jira_kind="cloud"))
    assert wrong(found) == {}
    assert "Jira does not tell strangers which kind it is: choose it here." in text(found)
    assert value(found, "jira_kind") == "cloud"


def test_behind_the_address_of_a_scoped_token_the_kind_and_the_connector_are_found_as_well(
    configurer: Client, sandbox: RunningSandbox
) -> None:
    """Jira says there which site it is, and that is what Align's connector names."""
    cloud_id = "11111111-2222-3333-4444-555555555555"

    def gateway(seen: Seen) -> Reply:
        own = seen.path.removeprefix(f"/ex/jira/{cloud_id}")
        if own == seen.path:
            return Reply(status=404, data={})
        answered = sandbox.jira(own, auth=None, headers={"Authorization": seen.headers.get("authorization", "")})
        return Reply(status=answered.status_code, data=answered.json())

    with serving(gateway) as running:
        found = configurer.post(NEW, asked_first(sandbox.url, f"{running.address}/ex/jira/{cloud_id}"))
    assert (wrong(found), value(found, "jira_kind"), value(found, "align_connector_id")) == ({}, "cloud", "123")


def test_no_connector_is_chosen_where_none_leads_to_this_jira(configurer: Client, sandbox: RunningSandbox) -> None:
    body = '[{"id": 7, "name": "Old", "url": "https://old.atlassian.net", "isActive": false}, {"id": 8, "name": "New"}]'
    sandbox.faults({"path": LIST, "status": 200, "body": body})
    found = configurer.post(NEW, asked_first(sandbox.url))
    page = text(found)
    assert value(found, "align_connector_id") == ""
    assert "None of them says that it leads to the Jira you entered" in page
    assert page.index("New") < page.index("Old"), "what is not active comes last"
    assert "Not active in Align" in page
    typed = asked_first(sandbox.url, act="save", jira_kind="cloud", align_connector_number="9", **ZONE)
    assert configurer.post(NEW, typed).status_code == 303
    assert Connector.objects.get().align_connector_id == 9, "a number that is typed counts in place of a choice"


def test_a_connector_that_is_here_already_is_shown_with_its_link(
    configurer: Client, sandbox: RunningSandbox, admin: Person
) -> None:
    factories.connector(sandbox.url, actor=admin)
    found = configurer.post(NEW, asked_first(sandbox.url))
    assert 'value="123" disabled' in text(found)
    assert "Open <bdi>Acme</bdi></a>" in text(found)
    assert value(found, "align_connector_id") == ""


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"status": 403}, "does not let this account do that (403)"),
        ({"status": 404}, "does not know this address (404)"),
        ({"status": 405}, "did not accept the request (405)"),
        ({"status": 500}, "failed to answer (500)"),
        ({"status": 200, "body": "[]"}, "Align lists no connector to this user"),
        ({"status": 200, "body": '{"odd": 1}'}, "Align does not list its connectors here."),
    ],
)
def test_where_align_lists_none_the_number_is_typed_and_it_says_why(
    configurer: Client, sandbox: RunningSandbox, rule: dict[str, Any], sentence: str
) -> None:
    sandbox.faults({"path": LIST, **rule})
    found = configurer.post(NEW, asked_first(sandbox.url))
    assert wrong(found) == {}
    assert sentence in text(found)
    assert "So type its number." in text(found)
    assert '<input type="number" name="align_connector_id"' in text(found)


@pytest.mark.parametrize(
    ("rule", "field", "sentence"),
    [
        ({"path": "serverInfo", "status": 404}, "jira_site", "does not know this address (404)"),
        ({"path": "serverInfo", "status": 503}, "jira_site", "failed to answer (503)"),
        ({"path": "serverInfo", **LOGIN}, "jira_site", "sends us to login.example.test (302)"),
        ({"path": "serverInfo", "status": 200, "body": "<html>Sign in</html>"}, "jira_site", "answers with a web page"),
        ({"path": "/myself", "status": 403}, "jira-secret", "does not let this account do that (403)"),
        ({"path": "/myself", "cut": "before"}, "jira_site", "failed or was cut off"),
        ({"path": LIST, **LOGIN}, "align_site", "sends us to login.example.test (302)"),
        ({"path": LIST, "status": 200, "body": "<html>Sign in</html>"}, "align_site", "answers with a web page"),
        ({"path": LIST, "cut": "before"}, "align_site", "failed or was cut off"),
    ],
)
def test_what_a_site_answers_wrongly_is_said_at_the_field_it_is_about(
    configurer: Client, sandbox: RunningSandbox, rule: dict[str, Any], field: str, sentence: str
) -> None:
    sandbox.faults(rule)
    found = configurer.post(NEW, asked_first(sandbox.url))
    assert list(wrong(found)) == [field]
    assert sentence in wrong(found)[field]
    assert not wrong(found)[field].startswith(("Server information:", "Connectors:")), "the field says what it is about"
    assert field != "jira_site" or "does not tell strangers" not in text(found), "it has told nobody anything"
    assert f'<a href="#id_{field}">' in text(found)
    assert value(found, "name") == "Acme production"
    assert "canary" not in text(found)
    assert text(found).count("btn primary") == 1


@pytest.mark.parametrize(("path", "field"), [("serverInfo", "jira_site"), (LIST, "align_site")])
def test_a_site_that_wants_to_be_left_alone_says_for_how_long(
    configurer: Client, sandbox: RunningSandbox, settings: Any, path: str, field: str
) -> None:
    settings.REQUEST_DEADLINE = 0.5  # for which a page waits
    sandbox.faults({"path": path, "status": 429, "headers": {"Retry-After": "90"}})
    found = configurer.post(NEW, asked_first(sandbox.url))
    assert list(wrong(found)) == [field]
    assert "asked to be left alone for another" in wrong(found)[field]


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"align-secret": "of-another-site"}, "align-secret", "one that was made at another site"),
        ({"jira-secret": "of-another-site"}, "jira-secret", "one that was made at another site"),
        ({"align_site": "http://127.0.0.1:9"}, "align_site", "refuses connections"),
        ({"jira_site": "http://127.0.0.1:9"}, "jira_site", "refuses connections"),
        ({"align_site": "{tls}"}, "align_site", "The certificate of 127.0.0.1 is not trusted"),
        ({"jira_site": "{tls}"}, "jira_site", "The certificate of 127.0.0.1 is not trusted"),
    ],
)
def test_what_is_typed_wrongly_is_said_at_its_field_and_the_rest_stays(
    configurer: Client, sandbox: RunningSandbox, typed: dict[str, str], field: str, sentence: str
) -> None:
    tls = sandbox.url.replace("http://", "https://")
    more = {name: each.format(tls=tls) for name, each in typed.items()}
    found = configurer.post(NEW, asked_first(sandbox.url, **more))
    assert list(wrong(found)) == [field]
    assert sentence in wrong(found)[field]
    assert (value(found, "name"), value(found, "jira-user")) == ("Acme production", "admin@sandbox.test")
    assert "of-another-site" not in text(found)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"align_site": "https://10.0.0.5"}, "align_site"),
        ({"jira_site": "https://a:b@acme.example.test"}, "jira_site"),
        ({"align-secret": ""}, "align-secret"),
        ({"jira-secret": "x" * 10_001}, "jira-secret"),
        ({"jira-user": ""}, "jira-user"),
    ],
)
def test_of_a_wrong_form_nobody_is_asked(
    configurer: Client, sandbox: RunningSandbox, typed: dict[str, str], field: str
) -> None:
    found = configurer.post(NEW, asked_first(sandbox.url, **typed))
    assert list(wrong(found)) == [field]
    assert "Nothing was looked up yet: correct what is marked." in text(found)
    assert sandbox.journal() == []
    assert 'name="jira_kind"' not in text(found), "the rest is not asked yet"


def test_a_name_whose_address_is_taken_is_said_where_another_is_entered(
    configurer: Client, sandbox: RunningSandbox, admin: Person
) -> None:
    factories.connector("https://other.example.test", actor=admin, slug="acme-production", name="The first")
    found = configurer.post(NEW, asked_first(sandbox.url))
    assert list(wrong(found)) == ["slug"]
    assert '<details class="more" open><summary>More' in text(found)
    assert value(found, "align_connector_id") == "123"


def test_only_who_may_configure_looks(signed_in: SignIn, sandbox: RunningSandbox) -> None:
    for role in (Role.VIEWER, Role.EDITOR, Role.REVIEWER):
        assert signed_in(role).post(NEW, asked_first(sandbox.url)).status_code == 404
    assert sandbox.journal() == []
