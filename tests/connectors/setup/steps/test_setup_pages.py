"""The pages of the guided set-up over HTTP: before a connector, step by step, and what each role sees and reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Role
from connectors.models import Confirmation, ConnectionCheck, Connector, Credential, System
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
OWN = "/connectors/acme/set-up/"
CONFIRM = "/connectors/acme/confirm/"
pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def rail(page: str) -> dict[str, str]:
    """The state of each step by its title, as drawn; of one without a state, nothing."""
    shown = page.partition('class="rail"')[2].partition("</nav>")[0]
    found = re.findall(r"</span>([^<]+)</b>(?: <small>([^<]+)</small>)?", shown)
    return dict(found)


def check(page: str, code: str) -> str:
    return page.partition(f'id="check-{code}"')[2].partition('<li id="check-')[0]


def test_before_there_is_a_connector_an_admin_reads_what_it_needs(
    configurer: Client, signed_in: SignIn, settings: Any
) -> None:
    assert 'href="/connectors/new/set-up/">Set up your first connector' in text(configurer.get("/"))
    for role in (Role.VIEWER, Role.EDITOR):
        home = text(signed_in(role).get("/"))
        assert "An admin can set up the first." in home
        assert "/connectors/new/" not in home
    settings.EGRESS_ADDRESSES = ["production US=203.0.113.7", "production US=203.0.113.8", "EU=198.51.100.1"]
    need = text(configurer.get("/connectors/new/set-up/"))
    assert "Jira System Administrator" in need
    assert re.search(r"<dt>production US</dt><dd[^>]*>203.0.113.7, 203.0.113.8</dd><dt>EU</dt>", need)
    assert list(rail(need)) == [
        "Terminology",
        "Key",
        "Connect",
        "Projects",
        "Hierarchy",
        "Fields",
        "First import",
        "Statuses",
        "Webhook",
        "Verify",
    ]
    for page, following in (("", "terms/"), ("terms/", "key/")):
        assert f'rel="next" href="/connectors/new/set-up/{following}"' in text(
            configurer.get(f"/connectors/new/set-up/{page}")
        )
    assert 'rel="next" href="/connectors/new/"' in text(configurer.get("/connectors/new/set-up/key/"))
    new = text(configurer.get("/connectors/new/"))
    assert 'aria-label="Steps of the set-up"' in new
    assert "203.0.113.8" in new
    settings.EGRESS_ADDRESSES = []
    assert "whoever operates this installation does so in its setting EGRESS_ADDRESSES" in text(
        configurer.get("/connectors/new/")
    )
    for wrong in ("projects/", "fields/", "need/"):
        assert configurer.get(f"/connectors/new/set-up/{wrong}").status_code == 404


def test_the_first_step_with_something_undone_opens_and_each_is_an_address(
    configurer: Client, bare_connector: Connector
) -> None:
    assert configurer.get(OWN)["Location"] == f"{OWN}connect/"
    first = ("need", "terms", "key", "connect", "projects")
    for step in (*first, "types", "fields", "import", "statuses", "webhook", "verify"):
        assert configurer.get(f"{OWN}{step}/").status_code == 200, step
    assert configurer.get(f"{OWN}nowhere/").status_code == 404
    states = rail(text(configurer.get(f"{OWN}key/")))
    assert states == {
        "Terminology": "optional",
        "Key": "done",
        "Connect": "to do",
        "Projects": "to do",
        "Hierarchy": "to do",
        "Fields": "optional",
        "First import": "optional",
        "Statuses": "to do",
        "Webhook": "optional",
        "Verify": "optional",
    }
    Credential.objects.filter(system=System.JIRA).delete()
    assert configurer.get(OWN)["Location"] == f"{OWN}key/"
    assert "No" not in check(text(configurer.get(f"{OWN}key/")), "align-key")
    assert "None is stored for Jira." in check(text(configurer.get(f"{OWN}key/")), "jira-key")


def test_a_check_is_run_again_by_itself_and_comes_back_to_its_step(
    configurer: Client, bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    assert "To do" in check(text(configurer.get(f"{OWN}connect/")), "jira-rights")
    answer = configurer.post("/connectors/acme/test/", {"system": "jira", "on": "set-up-connect"})
    assert answer["Location"] == f"{OWN}connect/?tested=jira"
    page = text(configurer.get(answer["Location"]))
    assert "3 checks passed." in check(page, "jira-rights")
    assert "Signed in as" in check(page, "jira-rights")
    assert "To do" in check(page, "align-rights")
    ConnectionCheck.objects.filter(system=System.JIRA).update(ok=False)
    failed = text(configurer.get(f"{OWN}connect/"))
    assert "3 of 3 checks failed. Mend that, then test again." in check(failed, "jira-rights")
    assert rail(failed)["Connect"] == "broken"
    for on, then in {"set-up-projects": f"{OWN}projects/", "set-up-../x": "/connectors/acme/"}.items():
        assert configurer.post("/connectors/acme/refresh/", {"on": on})["Location"] == then


def test_a_person_confirms_on_the_step_what_no_address_shows(configurer: Client, bare_connector: Connector) -> None:
    answer = configurer.post(CONFIRM, {"code": "integration-user", "on": "set-up-key"})
    assert answer["Location"] == f"{OWN}key/"
    assert "Confirmed by" in check(text(configurer.get(f"{OWN}key/")), "integration-user")
    assert Confirmation.objects.get().code == "integration-user"


def test_a_set_up_is_finished_line_by_line_and_the_overview_says_so_until_it_is(
    transactional_db: None, configurer: Client, signed_in: SignIn, connector: Connector
) -> None:
    """Of the sandbox, whose statuses are not all mapped."""
    line = "Finish set-up: 4 of 5 steps done, next 8 Statuses"
    assert line in text(configurer.get("/"))
    assert line in text(configurer.get("/connectors/acme/"))
    assert "Finish set-up" not in text(signed_in(Role.EDITOR).get("/"))
    assert configurer.get(OWN)["Location"] == f"{OWN}statuses/"
    page = text(configurer.get(f"{OWN}statuses/"))
    assert "fall to 0 - Pending approval" in check(page, "statuses-left")
    assert "only for process steps" in check(page, "step-field")
    assert 'href="/connectors/acme/mappings/?type=story"' in page
    for code in ("statuses-left", "statuses-pulled", "bidirectional-sync"):
        configurer.post(CONFIRM, {"code": code, "on": "set-up-statuses"})
    assert "Finish set-up" not in text(configurer.get("/"))
    done = text(configurer.get(f"{OWN}statuses/"))
    assert "5 of 5 steps done" in done
    assert 'href="/connectors/acme/set-up/webhook/"' in done
    assert "It is not set up yet." in check(text(configurer.get(f"{OWN}webhook/")), "webhook-heard")
    last = text(configurer.get(f"{OWN}verify/"))
    assert "Nothing was verified yet." in check(last, "verified-both-ways")
    assert 'href="/connectors/acme/">To the connector' in last
    assert configurer.get(OWN)["Location"] == f"{OWN}verify/"


def test_projects_and_types_are_chosen_on_their_steps(
    transactional_db: None, configurer: Client, connector: Connector
) -> None:
    page = text(configurer.get(f"{OWN}projects/?q=core"))
    assert "Core Platform" in page
    assert f'<form class="body inline" method="get" action="{OWN}projects/#projects">' in page
    assert re.search(r"\d+ projects seen in Jira, \d+ carried by Align, \d+ in scope\.", page)
    shown = text(configurer.get(f"{OWN}types/"))
    assert 'href="/connectors/acme/hierarchy/"' in shown
    assert 'name="on" value="set-up-types"' in shown
    assert shown.count("btn primary") == 1, "the way to the next step"


def test_everybody_reads_the_steps_and_only_who_may_is_offered_to_act(
    signed_in: SignIn, bare_connector: Connector
) -> None:
    for role, confirms, refreshes in ((Role.VIEWER, 0, 0), (Role.EDITOR, 0, 1), (Role.ADMIN, 1, 1)):
        client = signed_in(role)
        assert ("Confirm: " in text(client.get(f"{OWN}statuses/"))) == bool(confirms)
        assert ("Refresh: " in text(client.get(f"{OWN}projects/"))) == bool(refreshes)
        assert ("Send a link to its owner" in text(client.get(f"{OWN}key/"))) == bool(confirms)
        assert ("You have it." in text(client.get(f"{OWN}need/"))) == bool(confirms)


def test_the_api_has_each_check_with_its_last_result(signed_in: SignIn, bare_connector: Connector) -> None:
    Connector.objects.update(catalogue_at=timezone.now())
    answer = signed_in(Role.VIEWER).get("/api/v1/set-up/acme/")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["connector"], len(found["steps"])) == ("acme", 10)
    projects = next(step for step in found["steps"] if step["key"] == "projects")
    catalogue = next(check for check in projects["checks"] if check["id"] == "catalogue")
    assert catalogue["at"]
    assert {name: catalogue[name] for name in ("severity", "state", "serves", "by")} == {
        "severity": "required",
        "state": "ok",
        "serves": ["statuses"],
        "by": "",
    }
    ids = [check["id"] for step in found["steps"] for check in step["checks"]]
    assert len(ids) == len(set(ids))
    assert signed_in(Role.VIEWER).get("/api/v1/set-up/nowhere/").status_code == 404
    assert Client().get("/api/v1/set-up/acme/").status_code in (401, 403)
