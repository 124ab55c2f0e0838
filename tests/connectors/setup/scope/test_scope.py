"""Step 4 over HTTP: which projects Align carries, which are in scope here, and what follows from each."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from connectors.jobs import runner
from connectors.models import AlignOnlyProject, Carried, Connector, Finding, JobKind, JobState, Project, ScopeChoice
from mappings.findings.lines import attention
from mappings.models import Mapping, Plan, Scope
from mappings.observing.scopes import scopes_in_use
from tests.support.mapping_helpers import edit, make_plan
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
STEP = "/connectors/acme/set-up/projects/"
SCOPE, CHECK = f"{STEP}scope/", f"{STEP}check/"
IN_REVIEW, DEV_COMPLETE = 10013, 2
pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def project(key: str) -> Project:
    return Project.objects.get(key=key)


def choose(client: Client, choice: str, *keys: str, **more: str) -> Any:
    return client.post(SCOPE, {"ticked": [project(key).pk for key in keys], "choice": choice, **more})


def row(page: str, key: str) -> str:
    rows = page.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr>")
    return next(each for each in rows if f"<bdi>{key}</bdi>" in each)


def keys(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a [^>]*><bdi>([^<]+)</bdi>', page)


def read_catalogue(connector: Connector) -> None:
    job = runner.run_now(runner.start(connector, JobKind.REFRESH, actor=None))
    assert job.state == JobState.DONE, job.error


def some_projects(owner: Connector, count: int, *, first: int = 0) -> None:
    Project.objects.bulk_create(
        Project(
            connector=owner,
            jira_id=number,
            key=f"K{number:04}",
            name=f"Project {number}",
            team_managed=bool(number % 2),
            category="" if number % 4 else "Platform",
            programme_id=11 + number % 3,
            carried=Carried.YES if number % 5 else Carried.NO,
            in_scope=bool(number % 5),
        )
        for number in range(first, first + count)
    )


# --- what Align carries -----------------------------------------------------------------------------------------------


def test_carried_is_read_from_aligns_list_and_one_that_leaves_it_is_gone_with_a_finding(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    pay = project("PAY")
    assert (pay.carried, pay.left_align_at, pay.in_scope) == (Carried.YES, None, True)
    never = Project.objects.filter(carried=Carried.NO)
    assert set(never.values_list("in_scope", "left_align_at")) <= {(False, None)}
    mapped = Mapping.objects.filter(scope__project=pay).count()
    sandbox.edit("set_project", key="PAY", in_align=False)
    read_catalogue(connector)
    pay.refresh_from_db()
    assert (pay.carried, pay.in_scope) == (Carried.NO, False)
    assert pay.left_align_at is not None
    found = Finding.objects.get(remote_id=pay.jira_id, change="moved")
    assert (found.before, found.after) == ("in Align's connector", "not in Align's connector")
    assert Mapping.objects.filter(scope__project=pay).count() == mapped > 0
    told = [line.text for line in attention(connector)]
    [of_pay] = [each for each in told if "PAY (10001) is not in Align's connector" in each]
    assert "its mappings stay here, and its lists are not read" in of_pay
    sandbox.edit("set_project", key="PAY", in_align=True)
    read_catalogue(connector)
    pay = project("PAY")
    assert (pay.carried, pay.left_align_at, pay.in_scope) == (Carried.YES, None, True)
    newest = Finding.objects.filter(remote_id=pay.jira_id, change="moved").latest("pk")
    assert newest.after == "in Align's connector"


def test_before_the_list_was_read_it_is_unknown_which_counts_as_carried(
    configurer: Client, bare_connector: Connector
) -> None:
    made = Project.objects.create(connector=bare_connector, jira_id=1, key="NEW", name="New")
    assert (made.carried, made.in_scope, made.left_align_at) == (Carried.UNKNOWN, False, None)
    shown = row(text(configurer.get(STEP)), "NEW")
    assert "not known yet" in shown
    assert "Align moves its items" in shown
    assert choose(configurer, "in", "NEW").status_code == 303
    assert project("NEW").has_lists


def test_a_list_without_any_project_says_of_none_that_it_is_not_carried(
    bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    for each in sandbox.jira("/rest/api/3/project/search", params={"maxResults": 50}).json()["values"]:
        sandbox.edit("set_project", key=each["key"], in_align=False)
    read_catalogue(bare_connector)
    assert set(Project.objects.values_list("carried", flat=True)) == {Carried.UNKNOWN}


def test_a_project_of_aligns_list_that_jira_does_not_show_is_named_below_the_table(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    assert not AlignOnlyProject.objects.exists()
    AlignOnlyProject.objects.create(connector=connector, align_id=77, key="GONE", name="Of another Jira")
    assert "not shown by this Jira: 1 project" in text(configurer.get(STEP))
    read_catalogue(connector)
    assert not AlignOnlyProject.objects.exists()


# --- in scope here ----------------------------------------------------------------------------------------------------


def test_out_of_scope_hides_a_project_everywhere_and_deletes_nothing(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    pay = project("PAY")
    lists, rows = scopes_in_use(connector).count(), Mapping.objects.count()
    Mapping.objects.filter(scope__project=pay).update(situation="drifted")
    drifted = "/connectors/acme/drift/?project=PAY"
    assert "PAY" in text(configurer.get(drifted)).partition("<table")[2]
    assert configurer.get("/connectors/acme/mappings/?scope=PAY").status_code == 200

    answer = choose(configurer, "out", "PAY", q="pay", page="1")
    assert answer["Location"] == f"{STEP}?q=pay#projects"
    pay.refresh_from_db()
    assert (pay.scope_choice, pay.in_scope, pay.carried) == (ScopeChoice.OUT, False, Carried.YES)
    assert scopes_in_use(connector).count() == lists - 2
    assert "PAY" not in text(configurer.get(drifted)).partition("<table")[2]
    assert ">PAY<" not in text(configurer.get("/connectors/acme/coverage/"))
    sandbox.clear_journal()
    runner.run_now(runner.start(connector, JobKind.OBSERVE, actor=None))
    assert not [each for each in sandbox.journal("GET") if "/projects/PAY/" in each["path"]]
    assert (Mapping.objects.count(), Scope.objects.filter(project=pay).count()) == (rows, 2)

    choose(configurer, "align", "PAY")
    assert scopes_in_use(connector).count() == lists
    assert "PAY" in text(configurer.get(drifted)).partition("<table")[2]
    said = [each.body for each in Entry.objects.filter(action="projects.scope").order_by("seq")]
    assert len(said) == 2
    assert "Took PAY out of scope. Mappings and history stay." in said[0]


def test_what_was_chosen_outlives_what_align_says(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    choose(configurer, "out", "PAY")
    sandbox.edit("set_project", key="PAY", in_align=False)
    read_catalogue(connector)
    sandbox.edit("set_project", key="PAY", in_align=True)
    read_catalogue(connector)
    assert (project("PAY").carried, project("PAY").in_scope) == (Carried.YES, False)


def test_in_scope_without_align_its_statuses_are_read_and_no_list_is_asked_for(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("set_project", key="LAB", in_align=False)
    read_catalogue(connector)
    lists = scopes_in_use(connector).count()
    assert choose(configurer, "in", "LAB").status_code == 303
    sandbox.clear_journal()
    run_due()
    lab = project("LAB")
    assert (lab.in_scope, lab.has_lists, lab.rights_error) == (True, False, "")
    assert lab.rights["BROWSE_PROJECTS"] is True
    asked = [each["path"] for each in sandbox.journal("GET")]
    assert any(path.endswith("/project/LAB/statuses") for path in asked)
    assert not [path for path in asked if "/projects/LAB/" in path]
    assert scopes_in_use(connector).count() == lists
    shown = row(text(configurer.get(STEP)), "LAB")
    assert "gone from its list" in shown
    assert "nobody moves its items" in shown
    assert "chosen here" in shown
    assert "Readable" in shown


def test_a_project_with_changes_in_an_open_plan_stays_and_the_plan_is_named(
    configurer: Client, connector: Connector, admin: Person
) -> None:
    edit(connector, "a2j-state", DEV_COMPLETE, IN_REVIEW, actor=admin, project="PAY")
    plan = make_plan(connector, actor=admin)
    answer = choose(configurer, "out", "PAY", "PROJ")
    assert answer.status_code == 409
    assert f"plan {plan.pk} has changes of these projects. Apply or cancel" in text(answer)
    assert project("PAY").in_scope
    assert project("PROJ").in_scope
    Plan.objects.filter(pk=plan.pk).update(state="cancelled")
    plan.changes.update(state="cancelled")
    assert choose(configurer, "out", "PAY", "PROJ").status_code == 303


def test_all_that_a_filter_shows_are_chosen_unless_these_are_others_by_now(
    configurer: Client, bare_connector: Connector
) -> None:
    some_projects(bare_connector, 120)
    form = {"choice": "out", "all": "30", "category": "Platform"}
    assert configurer.post(SCOPE, form).status_code == 303
    assert Project.objects.filter(scope_choice="out").count() == 30
    refused = configurer.post(SCOPE, {**form, "all": "31"})
    assert refused.status_code == 409
    assert "The filter shows 30 projects now" in text(refused)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"choice": "out"}, 409),
        ({"choice": "out", "ticked": "x"}, 409),
        ({"choice": "out", "ticked": "9" * 400}, 409),
        ({"choice": "out", "ticked": "0"}, 409),
        ({"choice": "out", "ticked": [str(number) for number in range(900)]}, 409),
        ({"choice": "ours", "ticked": "1"}, 400),
        ({"choice": "out", "all": "x"}, 409),
        ({}, 400),
    ],
)
def test_a_form_that_names_no_projects_is_refused_in_words(
    configurer: Client, bare_connector: Connector, form: dict[str, Any], status: int
) -> None:
    some_projects(bare_connector, 3)
    answer = configurer.post(SCOPE, form)
    assert answer.status_code == status
    assert set(Project.objects.values_list("scope_choice", flat=True)) == {"align"}


def test_only_an_admin_chooses_and_the_others_see_what_was_chosen(signed_in: SignIn, bare_connector: Connector) -> None:
    some_projects(bare_connector, 3)
    assert choose(signed_in(Role.ADMIN), "out", "K0001").status_code == 303
    for role, may_check in ((Role.VIEWER, False), (Role.EDITOR, True), (Role.REVIEWER, False)):
        client = signed_in(role)
        page = text(client.get(STEP))
        assert "chosen here" in row(page, "K0001")
        assert 'value="out">Out of scope' not in page.partition("<table")[0].replace("<option ", "")
        assert ("Check rights in Jira" in page) == may_check
        assert choose(client, "in", "K0001").status_code == 403
    assert not project("K0001").in_scope


def test_the_table_keeps_what_scope_follows_from(bare_connector: Connector) -> None:
    made = Project.objects.create(connector=bare_connector, jira_id=1, key="A", carried=Carried.YES, in_scope=True)
    for wrong in ({"in_scope": False}, {"scope_choice": "out"}, {"carried": Carried.NO}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Project.objects.filter(pk=made.pk).update(**wrong)


# --- the table of two thousand ----------------------------------------------------------------------------------------


def test_projects_are_found_by_each_filter_and_paged(configurer: Client, bare_connector: Connector) -> None:
    some_projects(bare_connector, 2)
    configurer.get(STEP)
    with CaptureQueriesContext(connection) as few:
        configurer.get(STEP)
    some_projects(bare_connector, 118, first=2)
    with CaptureQueriesContext(connection) as many:
        configurer.get(STEP)
    assert len(many) == len(few)

    def found(query: str) -> list[int]:
        return [int(key[1:]) for key in keys(text(configurer.get(f"{STEP}?{query}")))]

    assert found("") == list(range(50))
    assert found("page=3") == list(range(100, 120))
    assert found("q=k0011") == [11]
    assert found("kind=team&page=2") == list(range(101, 120, 2))
    assert found("category=Platform") == list(range(0, 120, 4))
    assert found("category=-&page=2")[-1] == 119
    assert found("programme=12") == list(range(1, 120, 3))
    assert found("carried=no&scope=out") == list(range(0, 120, 5))
    assert found("carried=left") == found("scope=chosen") == []
    assert len(found("kind=nonsense&carried=%00&programme=x&page=nonsense&scope=-")) == 50
    page = text(configurer.get(f"{STEP}?kind=team&q=project"))
    assert 'href="?q=project&kind=team&page=2"' in page
    assert '<input type="hidden" name="kind" value="team">' in page


def test_names_of_projects_and_categories_are_never_taken_for_markup(
    configurer: Client, bare_connector: Connector
) -> None:
    hostile = "<script>alert(1)</script>"
    Project.objects.create(connector=bare_connector, jira_id=1, key="A", name=hostile, category=hostile)
    AlignOnlyProject.objects.create(connector=bare_connector, align_id=1, key=hostile, name=hostile)
    page = configurer.get(STEP).content.decode()
    assert hostile not in page
    assert "&lt;script&gt;" in page


# --- rights and boards ------------------------------------------------------------------------------------------------


def test_rights_are_checked_of_the_chosen_projects_and_stand_with_their_time(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.clear_journal()
    answer = configurer.post(CHECK, {"ticked": [project("PAY").pk, project("PROJ").pk]})
    assert answer["Location"] == f"{STEP}#projects"
    run_due()
    asked = [each for each in sandbox.journal("GET") if each["path"].endswith("/mypermissions")]
    assert len(asked) == 3  # which keys this Jira knows, and each project
    pay = project("PAY")
    assert pay.rights_at is not None
    assert pay.rights_at > connector.catalogue_at  # type: ignore[operator]
    assert pay.rights["BROWSE_PROJECTS"] is True
    assert project("WEB").rights_at is None
    Project.objects.filter(pk=pay.pk).update(rights={**pay.rights, "CREATE_ISSUES": False})
    shown = row(text(configurer.get(STEP)), "PAY")
    assert "Lacks 1 right of import" in shown
    assert "Create issues: needed for creating issues" in shown


def test_who_forgot_to_tick_is_led_back_to_the_filter_that_was_set(configurer: Client, connector: Connector) -> None:
    before = f"{STEP}?q=PAY&kind=company"
    for sent, link in (
        (f"http://testserver{before}#projects", f'href="{STEP}?q=PAY&amp;kind=company">Back to the page'),
        ("https://elsewhere.example.test/", ""),
        (f"http://testserver{SCOPE}", ""),
        ("", ""),
    ):
        answer = configurer.post(SCOPE, {"choice": "out"}, headers={"Referer": sent})
        assert answer.status_code == 409
        page = answer.content.decode()
        assert link in page
        assert ("Back to the page" in page) == bool(link), sent
    boards = configurer.post(f"{STEP}{project('PAY').pk}/boards/", {"q": "PAY", "kind": "company"}).content.decode()
    assert f'href="{STEP}?q=PAY&amp;kind=company#projects">Back to the projects' in boards


def test_boards_are_asked_for_only_when_somebody_presses_and_nothing_is_kept(
    configurer: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    address = f"{STEP}{project('PAY').pk}/boards/"
    sandbox.clear_journal()
    assert "Show boards" in text(configurer.get(address))
    configurer.get(STEP)
    assert sandbox.journal("GET") == []
    shown = text(configurer.post(address))
    assert "PAY board" in shown
    assert "<code>project = PAY ORDER BY Rank ASC</code>" in shown
    assert (shown.count("<small>active, from"), shown.count("<small>future")) == (1, 1)
    kanban = text(configurer.post(f"{STEP}{project('SRCH').pk}/boards/"))
    assert "It has no sprints, as it is a Kanban board." in kanban
    sandbox.faults({"path": "/agile/", "status": 500, "times": 9})
    failed = configurer.post(address)
    assert failed.status_code == 409
    assert text(failed).count("The boards of PAY could not be read.") == 1
    assert configurer.post(f"{STEP}999999/boards/").status_code == 404


def test_the_api_has_the_three_facts_of_each_project(signed_in: SignIn, bare_connector: Connector) -> None:
    some_projects(bare_connector, 6)
    choose(signed_in(Role.ADMIN), "out", "K0001")
    client = signed_in(Role.VIEWER)
    found = client.get("/api/v1/projects/?connector=acme&carried=yes").json()["results"]
    told = [(each["key"], each["scope_choice"], each["in_scope"], each["left_align_at"]) for each in found]
    assert told[0] == ("K0001", "out", False, None)
    assert {each[1:3] for each in told[1:]} == {("align", True)}
    assert client.get("/api/v1/projects/?connector=acme&in_scope=true").json()["count"] == 3
    assert client.get("/api/v1/projects/?connector=nowhere").json()["count"] == 0
    assert client.get("/api/v1/projects/?carried=maybe").status_code == 400
    assert Client().get("/api/v1/projects/").status_code in (401, 403)
