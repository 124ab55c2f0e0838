"""What is new or gone in Jira and Align, told on three pages: what it leads to, and where to look."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from connectors.jobs import runner
from connectors.models import Connector, Finding, JobKind, JobState, Project
from mappings.findings.lines import attention, clock
from mappings.models import Scope
from tests.conftest import SignIn
from tests.support import mapping_helpers
from tests.support.mapping_helpers import edit, observe
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
QA, WAITING, OWN = 10015, 10777, 10888
DRIFT = "/connectors/acme/drift/"


def look(owner: Connector) -> None:
    """What the clock does of its own, in this thread."""
    for system in ("jira", "align"):
        projects = list(Project.objects.filter(in_scope=True).values_list("pk", flat=True))
        params = {"lists": True, "projects": projects}
        job = runner.run_now(runner.start(owner, JobKind.LISTS, actor=None, subject=system, params=params))
        assert job.state == JobState.DONE, job.error


def told(owner: Connector) -> list[str]:
    return [line.text for line in attention(owner)]


def since(owner: Connector) -> str:
    return clock(Finding.objects.filter(connector=owner).earliest("pk").found_at)


@pytest.fixture
def noticed(connector: Connector, sandbox: RunningSandbox) -> Connector:
    sandbox.edit("add_status", id=WAITING, name="Waiting for vendor", projects=["PROJ"], issue_types=["Story"])
    look(connector)
    return connector


# --- what it leads to -------------------------------------------------------------------------------------------------


def test_a_new_status_says_where_since_when_and_that_its_stories_fall_to_0(noticed: Connector) -> None:
    assert told(noticed) == [
        f"Waiting for vendor (10777) is new in PROJ since {since(noticed)}: "
        "stories that reach it fall to 0 - Pending approval."
    ]


def test_it_names_each_kind_of_item_and_the_projects(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("add_status", id=WAITING, name="Waiting for vendor", projects=["PROJ", "PAY", "SRCH", "PROJ1"])
    look(connector)
    (line,) = told(connector)
    assert "is new in PAY, PROJ and 2 other projects since" in line
    assert line.endswith(": features, stories, tasks and defects that reach it fall to 0 - Pending approval.")


def test_a_mapped_status_is_no_longer_told_and_an_edit_that_waits_is(
    noticed: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(noticed, "j2a-state", WAITING, 2, actor=admin)
    assert told(noticed)[0].endswith("fall to 0 - Pending approval until the edit is applied.")
    mapping_helpers.apply_all(noticed, actor=admin)
    assert told(noticed) == []
    assert Finding.objects.filter(seen_at=None, ended_at=None).exists(), "it was found all the same"


def test_the_status_of_a_team_managed_project_is_looked_up_in_its_own_list(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_status", id=OWN, name="Own", projects=["PROJ1"], issue_types=["Story"])
    look(connector)
    assert "Own (10888) is new in PROJ1" in told(connector)[0]
    sandbox.edit("create_mapping", family="j2a_state", type=4, source=OWN, target=2)
    observe(connector)
    assert told(connector)[0].endswith("stories that reach it fall to 0 - Pending approval.")
    sandbox.edit("create_mapping", family="j2a_state", project="PROJ1", type=4, source=OWN, target=2)
    observe(connector)
    assert told(connector) == []


def test_where_aligns_list_could_not_be_read_nobody_says_that_it_falls(noticed: Connector) -> None:
    Scope.objects.filter(family="j2a-state", project=None).update(error="Align refused: 403.")
    assert told(noticed)[0].endswith("whether it is mapped is not known, since Align's list could not be read.")


def test_a_status_that_no_project_in_scope_reaches_is_told_without_alarm(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("add_status", id=WAITING, name="Waiting for vendor")
    look(connector)
    (line,) = attention(connector)
    assert line.text.endswith(
        f"is new in Jira since {since(connector)}: no project in scope that Align carries reaches it so far."
    )
    assert not line.is_falling


def test_what_is_gone_says_how_many_mappings_name_it(connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("remove_status", id=QA)
    sandbox.edit("remove_step", id=517)
    look(connector)
    lines = " ".join(told(connector))
    assert re.search(r"QA \(10015\) is gone from Jira since [0-9:]+: \d+ mappings name it\.", lines)
    assert re.search(r"\(517\) is gone from Jira Align since [0-9:]+: (no mapping|\d+ mappings?) names? it\.", lines)


def test_the_day_stands_beside_the_time_of_what_is_older_than_today(noticed: Connector) -> None:
    before = timezone.now() - timedelta(days=3)
    Finding.objects.update(found_at=before)
    assert f"since {before:%-d %b %Y, %H:%M}:" in told(noticed)[0]


# --- where it is told -------------------------------------------------------------------------------------------------


def links(page: str) -> list[str]:
    return [address.replace("&amp;", "&") for address in re.findall(r'href="([^"]+)"[^>]*>(?:<bdi>)?Waiting for', page)]


@pytest.mark.parametrize("address", ["/", "/connectors/acme/mappings/?scope=PROJ", f"{DRIFT}?tab=found"])
def test_a_page_tells_it_with_a_link_to_its_row(noticed: Connector, signed_in: SignIn, address: str) -> None:
    client = signed_in(Role.VIEWER)
    page = client.get(address).content.decode()
    assert "stories that reach it fall to 0 - Pending approval" in page
    (link,) = set(links(page))
    shown = client.get(link).content.decode()
    assert re.findall(r"<th scope=row id=h(\d+)", shown) == [str(WAITING)]


def test_the_matrix_of_another_project_does_not_tell_it(noticed: Connector, signed_in: SignIn) -> None:
    Finding.objects.filter(project=None).delete()
    client = signed_in(Role.VIEWER)
    assert (
        "Waiting for vendor (10777) is new" not in client.get("/connectors/acme/mappings/?scope=PAY").content.decode()
    )
    assert "Waiting for vendor (10777) is new" in client.get("/connectors/acme/mappings/").content.decode()


def test_an_overview_names_five_and_says_how_many_more(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    for number in range(7):
        sandbox.edit("add_status", id=10900 + number, name=f"Stage {number}")
    look(connector)
    page = signed_in(Role.VIEWER).get("/").content.decode()
    assert len(re.findall(r"Stage \d \(\d+\) is new in Jira", page)) == 5
    assert "2 more differences found in Jira and Align" in page


# --- taking note ------------------------------------------------------------------------------------------------------


@pytest.fixture
def editor(noticed: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.EDITOR)


def test_one_that_somebody_has_seen_is_not_told_again_and_stays_in_the_list(
    editor: Client, noticed: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.edit("rename_status", id=QA, name="Testing")
    look(noticed)
    until = Finding.objects.latest("pk").pk
    answer = editor.post(f"{DRIFT}seen/", {"until": until, "key": f"status.new.{WAITING}"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{DRIFT}?tab=found")
    assert [line for line in told(noticed) if "Waiting" in line] == []
    assert len(told(noticed)) == 1
    page = editor.get(f"{DRIFT}?tab=found").content.decode()
    assert "seen by <bdi>Editor</bdi>" in page
    assert Entry.objects.filter(action="findings.seen").count() == 1


def test_all_at_once_are_those_that_were_shown(editor: Client, noticed: Connector, sandbox: RunningSandbox) -> None:
    until = Finding.objects.latest("pk").pk
    sandbox.edit("rename_status", id=QA, name="Testing")
    look(noticed)
    assert editor.post(f"{DRIFT}seen/", {"until": until, "key": ""}).status_code == 303
    assert told(noticed) == [
        f"QA (10015) is called Testing since {clock(Finding.objects.latest('pk').found_at)}: "
        "mappings go by its id and stay as they are."
    ]


@pytest.mark.parametrize("form", [{}, {"until": "x"}, {"until": "9", "key": "status"}, {"until": "9", "key": "a.b.1"}])
def test_a_request_that_names_nothing_is_refused(editor: Client, noticed: Connector, form: dict[str, str]) -> None:
    assert editor.post(f"{DRIFT}seen/", form).status_code == 409
    assert not Finding.objects.exclude(seen_at=None).exists()


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_many_are_told_with_as_many_queries_as_one(noticed: Connector, sandbox: RunningSandbox) -> None:
    with CaptureQueriesContext(database) as of_one:
        assert len(attention(noticed)) == 1
    for number in range(20):
        sandbox.edit("add_status", id=10900 + number, name=f"Stage {number}", projects=["PROJ", "PAY", "PROJ1"])
    look(noticed)
    with CaptureQueriesContext(database) as of_many:
        assert len(attention(noticed)) == 21
    assert len(of_many) <= len(of_one)


def test_with_nothing_to_tell_it_is_one_query(connector: Connector) -> None:
    with CaptureQueriesContext(database) as queries:
        assert attention(connector) == []
    assert len(queries) == 1
