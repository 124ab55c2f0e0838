"""The tabs of a connector's page over HTTP: which there are, the table of projects, and the test of the connection."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Role
from alignadmin.accounts.rights import Right
from alignadmin.audit.models import Entry
from connectors.credentials.values import seal_secret
from connectors.models import (
    ConnectionCheck,
    Connector,
    Credential,
    IssueType,
    Project,
    ReachableStatus,
    Status,
    System,
)
from connectors.ports import tabs
from connectors.ports.tabs import ConnectorTab
from connectors.setup.readiness import StepState, readiness
from mappings.models import Mapping, Scope
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
HTMX = {"HX-Request": "true"}
OWN = "/connectors/acme/"
LABELS = ["Overview", "Projects", "Types", "Credentials", "Checks", "Settings"]
pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def bar(page: str) -> tuple[list[str], str]:
    """The labels of its tabs, and that of the current one."""
    shown = page.partition('<nav class="tabs"')[2].partition("</nav>")[0]
    (current,) = re.findall(r'aria-current="page">([\w-]+)<', shown)
    return re.findall(r">([\w-]+)</a>", shown), current


def keys_in(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a [^>]*><bdi>(\w+)</bdi>', page)


# --- tabs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_each_tab_is_an_address_that_everybody_reads(signed_in: SignIn, role: Role, bare_connector: Connector) -> None:
    client = signed_in(role)
    addresses = dict(zip(LABELS, ["", "projects/", "types/", "credentials/", "checks/", "settings/"], strict=True))
    labels = [*LABELS]
    if role != Role.VIEWER:  # single issues are nothing of theirs
        labels[-1:-1] = ["Agreement", "Webhook"]
        addresses |= {"Agreement": "agreement/", "Webhook": "webhook/"}
    for label in labels:
        page = text(client.get(OWN + addresses[label]))
        assert bar(page) == (labels, label)
        assert f"<title>{label} · Acme · AlignAdmin</title>" in page
    assert ("Disconnect" in page) == (role == Role.ADMIN)


def test_a_room_adds_a_tab_in_one_line_for_those_who_may_see_it(signed_in: SignIn, bare_connector: Connector) -> None:
    before = list(tabs.TABS)
    try:
        for _ in range(2):
            tabs.add(ConnectorTab(label="Budget", page="connector-budget"), before="Credentials")
        tabs.add(ConnectorTab(label="Edit", page="connector-edit", right=Right.CONFIGURE), before="Settings")
        assert bar(text(signed_in(Role.VIEWER).get(OWN)))[0] == [*LABELS[:3], "Budget", *LABELS[3:]]
        assert bar(text(signed_in(Role.ADMIN).get(OWN)))[0] == [
            *(*LABELS[:3], "Budget", *LABELS[3:5], "Agreement", "Webhook", "Edit", LABELS[5])
        ]
    finally:
        tabs.TABS[:] = before


def test_a_former_address_of_filtered_projects_leads_to_their_tab(
    configurer: Client, bare_connector: Connector
) -> None:
    for query, then in {
        "q=a%26b&page=2": "q=a%26b&page=2",
        "kind=team&scope=in": "kind=team&scope=in",
        "scope=trouble": "scope=&problem=errors",
    }.items():
        assert configurer.get(f"{OWN}?{query}")["Location"] == f"{OWN}projects/?{then}"


# --- projects ---------------------------------------------------------------------------------------------------------


def add_projects(owner: Connector, count: int, *, first: int = 0) -> None:
    Project.objects.bulk_create(
        Project(
            connector=owner,
            jira_id=number,
            key=f"K{number:03}",
            name=f"Project {number}",
            in_scope=True,
            team_managed=bool(number % 2),
            align_error="no programme" if number % 10 == 0 else "",
        )
        for number in range(first, first + count)
    )


def test_a_refresh_fills_projects_issue_types_and_readiness(
    transactional_db: None, configurer: Client, connector: Connector
) -> None:
    rows = dict(re.findall(r"<bdi>(\w+)</bdi></a>(.*?)</tr>", text(configurer.get(f"{OWN}projects/")), re.DOTALL))
    assert "Core Platform" in rows["PROJ"]
    assert re.search(r">\d+ of \d+<", rows["PROJ"])
    assert rows["PROJ"].count('<i class="sq ') == 4
    assert "<td>team</td>" in rows["PROJ1"]
    states = {each.code: each.state for each in readiness(connector)}
    assert states["api-token"] == states["process-flows"] == states["work-item-types"] == StepState.OK


def test_projects_are_filtered_sorted_and_paged_by_the_address(configurer: Client, bare_connector: Connector) -> None:
    add_projects(bare_connector, 2)
    configurer.get(f"{OWN}projects/")
    with CaptureQueriesContext(connection) as few:
        configurer.get(f"{OWN}projects/")
    add_projects(bare_connector, 118, first=2)
    with CaptureQueriesContext(connection) as many:
        configurer.get(f"{OWN}projects/")
    assert len(many) == len(few)

    def keys(query: str) -> list[str]:
        return keys_in(text(configurer.get(f"{OWN}projects/?{query}")))

    every = [f"K{number:03}" for number in range(120)]
    assert keys("q=k11") == every[110:]
    assert keys("q=project+11") == [every[11], *every[110:]]
    assert keys("page=3") == every[100:]
    assert keys("kind=team&page=2") == every[101::2]
    assert keys("problem=errors") == every[::10]
    assert keys("scope=out") == []
    assert keys("sort=-project")[:2] == ["K119", "K118"]
    assert keys("sort=-kind")[:2] == ["K001", "K003"]
    assert len(keys("kind=nonsense&page=nonsense&q=%00&sort=nonsense&problem=-")) == 50
    page = configurer.get(f"{OWN}projects/?kind=team&sort=-read").content.decode()
    assert 'href="?kind=team&amp;sort=-read&amp;page=2"' in page
    assert '<th scope="col" aria-sort="descending"><a href="?kind=team&amp;sort=read">Statuses read</a>' in page

    Project.objects.filter(key="K007").update(read_at=timezone.now() - timedelta(hours=3), in_scope=False)
    Project.objects.filter(key="K008").update(read_at=timezone.now(), read_error="It refuses (403).")
    assert keys("sort=-read")[0] == "K008"
    assert keys("sort=-read&page=3")[-1] == keys("sort=read&page=3")[-1] == "K007"  # its time is not shown
    assert keys("sort=scope")[0] == keys("scope=out")[0] == "K007"
    assert f'href="{bare_connector.jira_site}/browse/K007"' in text(configurer.get(f"{OWN}projects/?scope=out"))


def test_drift_and_edits_of_a_project_are_its_own_and_shared_ones_are_told_once(
    configurer: Client, bare_connector: Connector
) -> None:
    add_projects(bare_connector, 5)
    for key, situations in {"K001": ["drifted"], "K003": ["drifted", "conflict"], None: ["drifted"]}.items():
        project = Project.objects.get(key=key) if key else None
        scope = Scope.objects.create(
            connector=bare_connector, family="j2a-state", project=project, observed_at=timezone.now()
        )
        for source, situation in enumerate(situations):
            Mapping.objects.create(
                scope=scope, work_item_type="story", source_id=source, situation=situation, waits=key == "K001"
            )
    page = text(configurer.get(f"{OWN}projects/?sort=-drift"))
    assert keys_in(page)[:3] == ["K003", "K001", "K000"]
    assert re.findall(r'/drift/\?project=([\w-]+)">(\d+)', page) == [("-", "1"), ("K003", "2"), ("K001", "1")]
    assert "Shared by 3 company-managed projects:" in page
    for problem, keys in {"drift": ["K001", "K003"], "edits": ["K001"], "unmapped": []}.items():
        filtered = text(configurer.get(f"{OWN}projects/?problem={problem}"))
        assert keys_in(filtered) == keys
    assert 'href="/connectors/acme/plan/">1<' in page
    assert '<option value="-drift" selected>Drift, descending</option>' in page
    listed = text(configurer.get("/connectors/"))
    assert "4 to review" in listed
    assert re.search(r'data-label="Edits:"><a [^>]*>1<', listed)


# --- the test of the connection ---------------------------------------------------------------------------------------


def test_a_passed_test_counts_in_the_readiness_at_once_and_stands_on_top_of_where_it_was_pressed(
    configurer: Client, signed_in: SignIn, bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    assert "test the connection" in text(configurer.get(OWN))
    assert "autofocus>Connection" not in text(configurer.get(f"{OWN}checks/?tested=1"))  # nothing was
    configurer.post(f"{OWN}test/", {"system": "jira"})
    half = text(configurer.get(f"{OWN}checks/?tested=jira"))
    assert "Connection test: 3 checks passed" in half
    assert 'class="tag warn">partly tested' in half
    for on, page in {"overview": OWN, "checks": f"{OWN}checks/", "elsewhere": f"{OWN}checks/"}.items():
        answer = configurer.post(f"{OWN}test/", {"on": on})
        assert (answer.status_code, answer["Location"]) == (303, f"{page}?tested=1")
    assert configurer.post(f"{OWN}test/", {"on": "checks"}, headers=HTMX)["HX-Redirect"] == f"{OWN}checks/?tested=1"
    shown = text(configurer.get(f"{OWN}?tested=1"))
    assert 'tabindex="-1" autofocus>Connection test: 7 checks passed<' in shown
    assert shown.index("Connection test") < shown.index("Readiness")
    assert "test the connection" not in shown
    assert "Connection test" not in text(configurer.get(OWN))
    assert next(each.state for each in readiness(bare_connector) if each.code == "api-token") == StepState.OK
    assert 'class="tag ok">7 checks passed' in text(configurer.get(f"{OWN}checks/"))
    kept = text(signed_in(Role.VIEWER).get(f"{OWN}checks/"))
    assert "autofocus>Connection" not in kept
    assert "Signed in; connector" in kept
    assert re.search(r"tested <time [^>]*>just now</time> by <bdi>Admin</bdi>", kept)
    assert f'action="{OWN}test/"' not in kept


def test_one_system_is_tested_again_and_a_replaced_credential_leaves_its_result_behind(
    configurer: Client, bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    configurer.post(f"{OWN}test/")
    before = dict(ConnectionCheck.objects.filter(system=System.ALIGN).values_list("pk", "ok"))
    wrong = Credential.objects.get(connector=bare_connector, system=System.JIRA)
    seal_secret(wrong, "a-wrong-token")
    wrong.save()
    answer = configurer.post(f"{OWN}test/", {"system": "jira"})
    assert answer["Location"] == f"{OWN}checks/?tested=jira"
    shown = text(configurer.get(answer["Location"]))
    assert "Connection test: 1 of 1 check failed" in shown
    assert 'class="tag bad">1 of 5 checks failed' in shown
    assert "Jira refused the sign-in (401)" in shown
    assert dict(ConnectionCheck.objects.filter(system=System.ALIGN).values_list("pk", "ok")) == before
    assert "was replaced since then" not in shown
    tried = Credential.objects.get(pk=wrong.pk).uuid
    for other, words in {uuid4(): "was replaced since then: test it again", tried: ""}.items():
        Credential.objects.filter(pk=wrong.pk).update(uuid=other)
        page = text(configurer.get(f"{OWN}checks/"))
        assert words in page
        assert ("test again</span>" in page) == bool(words)
    Credential.objects.filter(pk=wrong.pk).delete()
    assert "was removed since then: add one" in text(configurer.get(f"{OWN}checks/"))
    configurer.post(f"{OWN}test/", {"system": "jira"})
    assert "None is stored: add one." in text(configurer.get(f"{OWN}checks/"))
    wrong.pk = None
    wrong.save()
    assert "The first credential was added since then: test it." in text(configurer.get(f"{OWN}checks/"))
    ConnectionCheck.objects.update(checked_at=timezone.now() - timedelta(minutes=6))
    assert "autofocus>Connection" not in text(configurer.get(f"{OWN}checks/?tested=1"))


@pytest.mark.parametrize(
    "change",
    [
        {"align_site": "https://elsewhere.test"},
        {"align_connector_id": 7},
        {"jira_site": "https://elsewhere.test"},
        {"jira_kind": "datacenter"},
        {},
    ],
)
def test_a_test_of_what_the_connector_was_before_is_not_kept(
    configurer: Client, bare_connector: Connector, sandbox: RunningSandbox, change: dict[str, Any]
) -> None:
    def meanwhile(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        """Right after the entry of the test was written, before its requests."""
        result = execute(sql, *rest)
        if sql.startswith("INSERT") and Entry._meta.db_table in sql:
            if change:
                Connector.objects.update(**change)
            else:
                Credential.objects.filter(system=system).update(uuid=uuid4())
        return result

    system = "align" if "align_site" in change or "align_connector_id" in change else "jira"
    with connection.execute_wrapper(meanwhile):
        answer = configurer.post(f"{OWN}test/", {"system": system})
    assert answer.status_code == 409
    assert "result is not kept. Test again." in text(answer)
    assert not ConnectionCheck.objects.exists()


def test_what_is_checked_by_the_clock_is_listed_with_what_was_found_and_asked_again_by_those_who_may(
    transactional_db: None, signed_in: SignIn, connector: Connector
) -> None:
    def rows(role: Role) -> dict[str, str]:
        page = text(signed_in(role).get(f"{OWN}checks/")).partition('id="regular-heading"')[2]
        return dict(re.findall(r'<th scope="row">(?:<a [^>]*>)?([^<]+)(.*?)</tr>', page, re.DOTALL))

    shown = rows(Role.ADMIN)
    assert len(shown) == 7
    assert "0 new changes made elsewhere found." in shown["Mappings in Align"]
    buttons = {label for label, row in shown.items() if "Check now" in row}
    assert buttons == {"Projects, statuses and flows, all of them", "Mappings in Align", "Align's API behaviour"}
    assert "Check now" not in rows(Role.EDITOR)["Align's API behaviour"]
    assert "Check now" not in "".join(rows(Role.VIEWER).values())
    Connector.objects.update(jira_lists_error="Jira did not answer.", is_active=False)
    shown = rows(Role.ADMIN)
    assert "Failed</span> Jira did not answer." in shown["What is new in Jira"]
    assert "Check now" not in "".join(shown.values())


def test_check_now_comes_back_to_the_checks(
    transactional_db: None, configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    for pressed in ("refresh/", "drift/check/", "contract/look/"):
        assert configurer.post(OWN + pressed, {"on": "checks"})["Location"] == f"{OWN}checks/"
    assert 'name="on" value="checks"' in text(configurer.get(f"{OWN}checks/"))


def test_a_row_of_the_list_says_what_needs_a_look_and_a_deactivated_connector_asks_for_nothing(
    configurer: Client, bare_connector: Connector
) -> None:
    now = timezone.now()
    Credential.objects.update(created_at=now - timedelta(days=5000), expires_on=None)
    Credential.objects.filter(system=System.ALIGN).update(expires_on=now.date() + timedelta(days=200))
    Connector.objects.update(jira_lists_at=now - timedelta(days=9), align_lists_at=now, catalogue_at=now)
    listed = text(configurer.get("/connectors/"))
    assert "old, no expiry set</span>" in listed
    assert "not all yet" in listed
    assert 'hx-trigger="revealed"' in listed
    scope = Scope.objects.create(connector=bare_connector, family="j2a-state", observed_at=now)
    Scope.objects.create(connector=bare_connector, family="j2a-step", observed_at=now)
    assert "9 d ago" in text(configurer.get("/connectors/"))
    Mapping.objects.create(scope=scope, work_item_type="story", source_id=1, wanted=2, waits=True)
    assert 'id="attention-heading"' in text(configurer.get(OWN))
    Connector.objects.update(is_active=False)
    assert 'id="attention-heading"' not in text(configurer.get(OWN))
    assert 'hx-trigger="revealed"' not in text(configurer.get("/connectors/"))


def test_coverage_that_is_not_known_comes_last_either_way(configurer: Client, bare_connector: Connector) -> None:
    add_projects(bare_connector, 5)
    story = IssueType.objects.create(connector=bare_connector, jira_id=1, name="Story", hierarchy_level=0)
    statuses = [
        Status.objects.create(connector=bare_connector, jira_id=number, name=f"S{number}", category="todo")
        for number in (1, 2)
    ]
    Scope.objects.create(connector=bare_connector, family="j2a-state", observed_at=timezone.now())
    scope = Scope.objects.get()
    Mapping.objects.create(scope=scope, work_item_type="story", source_id=1, wanted=2)
    for key, reached in {"K000": statuses[:1], "K002": statuses, "K003": statuses}.items():
        for status in reached:
            ReachableStatus.objects.create(project=Project.objects.get(key=key), issue_type=story, status=status)
    for sort, first in {"coverage": ["K002", "K000"], "-coverage": ["K000", "K002"]}.items():
        page = text(configurer.get(f"{OWN}projects/?sort={sort}"))
        assert keys_in(page) == [*first, "K001", "K003", "K004"]  # K003 is team-managed, and its list was not read
        rows = dict(re.findall(r"<bdi>(K\d+)</bdi></a>(.*?)</tr>", page, re.DOTALL))
        assert [key for key, row in rows.items() if "not known" in row] == ["K003"]
        assert "not applicable" in rows["K001"]
    assert keys_in(text(configurer.get(f"{OWN}projects/?problem=unmapped"))) == ["K002"]


def test_readiness_shows_what_is_missing_first_and_folds_what_is_done(
    configurer: Client, bare_connector: Connector
) -> None:
    configurer.post(f"{OWN}confirm/", {"code": "bidirectional-sync"})
    Credential.objects.filter(system=System.JIRA).update(last_answer="Jira refused the sign-in (401).", used_at=None)
    Connector.objects.update(catalogue_at=timezone.now())
    shown = text(configurer.get(OWN)).partition('id="readiness"')[2]
    tags = re.findall(r'<li id="ready-[\w-]+">\s*<div class="row"><span class="tag \w+">(\w+)</span>', shown)
    assert tags == sorted(tags, key=["Missing", "Unconfirmed", "Confirmed", "Done"].index)
    assert tags[0] == "Missing"
    assert shown.index("<details>") < shown.index('id="ready-bidirectional-sync"')
    for step, tab in {"api-token": "credentials", "projects": "projects", "work-item-types": "hierarchy"}.items():
        assert f'<b><a href="{OWN}{tab}/">' in shown.partition(f'id="ready-{step}"')[2].partition("</li>")[0]
