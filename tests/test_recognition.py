"""Our own changes are found in Align's log whatever Jira and Align call things, by endpoint and by paste."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from django.test import Client

from connectors.audit.models import Case, Certainty, HistoryRow, Source
from connectors.models import Connector, Person, Role
from connectors.models import Status as CatalogueStatus
from mappings.models import Change, Mapping
from tests import make, mapping_steps, sandbox_fixture
from tests.mapping_steps import edit, mapping, observe
from tests.sandbox_fixture import RunningSandbox

QA, IN_REVIEW, DEV_COMPLETE = 10015, 10013, 3
SignIn = Callable[[Role], Client]


def from_align(sandbox: RunningSandbox) -> str:
    """Align's log as a person copies it off the page."""
    log = sandbox.align("GET", "/connectors/123/auditlog").json()
    return "\n".join("\t".join((line["type"], line["user"], line["timestamp"], line["description"])) for line in log)


def pasted(client: Client, connector: Connector, sandbox: RunningSandbox) -> str:
    answer = client.post("/history/intake/", {"connector": connector.slug, "text": from_align(sandbox)})
    assert answer.status_code == 200
    return answer.content.decode()


def deletion(connector: Connector, actor: Person) -> Change:
    """Our own Align-to-Jira deletion, applied to its end; the log is read after it where it is read by the clock."""
    edit(connector, "a2j-state", DEV_COMPLETE, None, project="PROJ", actor=actor)
    plan = mapping_steps.apply_all(connector, actor=actor)
    assert mapping_steps.states(plan) == ["done"]
    return plan.changes.get()


def assert_recognised(connector: Connector, certainty: Certainty = Certainty.EXACT) -> HistoryRow:
    rows = HistoryRow.objects.filter(connector=connector, action="deleted")
    assert [(row.source, row.certainty) for row in rows] == [(Source.OURS, certainty)]
    assert not Case.objects.filter(connector=connector).exists()
    return rows.get()


# --- Align calls a status otherwise than Jira does --------------------------------------------------------------------


def german(sandbox: RunningSandbox, connector: Connector) -> None:
    sandbox.edit("set_token", site="jira", token=sandbox_fixture.JIRA_TOKEN, language="de")
    make.refreshed(connector)
    assert CatalogueStatus.objects.get(connector=connector, jira_id=IN_REVIEW).name == "In Prüfung"


def renamed_and_not_pulled(sandbox: RunningSandbox, connector: Connector) -> None:
    sandbox.reset(configuration_pull="by-hand")
    sandbox.edit("rename_status", id=IN_REVIEW, name="Code review")
    make.refreshed(connector)
    assert CatalogueStatus.objects.get(connector=connector, jira_id=IN_REVIEW).name == "Code review"


def renamed_since_our_refresh(sandbox: RunningSandbox, connector: Connector) -> None:
    sandbox.edit("rename_status", id=IN_REVIEW, name="Code review")
    observe(connector)


def spelt_otherwise(name: str, in_jira: str) -> Callable[[RunningSandbox, Connector], None]:
    def happens(sandbox: RunningSandbox, connector: Connector) -> None:
        sandbox.edit("rename_status", id=IN_REVIEW, name=name)
        CatalogueStatus.objects.filter(connector=connector, jira_id=IN_REVIEW).update(name=in_jira)

    return happens


NAME = "Prüfung  läuft"
OTHERWISE = {
    "another language": german,
    "not pulled": renamed_and_not_pulled,
    "renamed since": renamed_since_our_refresh,
    "NFD": spelt_otherwise(unicodedata.normalize("NFD", NAME), NAME),
    "zero width": spelt_otherwise("In\u200b Review\ufeff", "In Review"),
    "spaces": spelt_otherwise("In\u00a0Review", "in  review"),
}


@pytest.mark.parametrize("how", OTHERWISE)
def test_our_own_deletion_is_ours_whatever_jira_calls_the_status(
    how: str, connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    OTHERWISE[how](sandbox, connector)
    change = deletion(connector, admin)
    row = assert_recognised(connector)
    assert row.line is not None
    assert change.expected_line == row.line.description


@pytest.mark.parametrize("how", ["another language", "NFD"])
def test_a_pasted_deletion_is_ours_too(
    how: str, connector: Connector, admin: Person, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    Connector.objects.filter(pk=connector.pk).update(log_by_hand=True)
    OTHERWISE[how](sandbox, connector)
    deletion(connector, admin)
    pasted(signed_in(Role.REVIEWER), connector, sandbox)
    assert_recognised(connector)


def test_a_status_that_is_renamed_between_plan_and_apply_is_expected_by_its_new_name(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    edit(connector, "a2j-state", DEV_COMPLETE, None, project="PROJ", actor=admin)
    plan = mapping_steps.approved_plan(connector, actor=admin)
    assert "→ [In Review]" in plan.changes.get().expected_line
    sandbox.edit("rename_status", id=IN_REVIEW, name="Code review")
    mapping_steps.apply(plan, actor=admin)
    change = plan.changes.get()
    assert "→ [Code review]" in change.expected_line
    assert change.before_name == "In Review"  # as we called it when the plan was reviewed
    assert_recognised(connector)


def test_a_deletion_of_another_status_of_the_same_state_stays_an_outside_change(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    """The name is all there is to tell them apart, so it is not given up."""
    german(sandbox, connector)
    deletion(connector, admin)
    other = {"family": "a2j_state", "project": "PAY", "type": 4, "source": DEV_COMPLETE}
    sandbox.edit("create_mapping", **other, target=QA, audit=False)
    sandbox.edit("delete_mapping", **other)
    make.refreshed(connector)
    mapping_steps.read_log(connector)
    assert sorted(HistoryRow.objects.filter(action="deleted").values_list("source", "before_name")) == [
        (Source.OURS, "In Review"),
        (Source.OUTSIDE, "QA"),
    ]


def test_a_further_record_of_a_key_is_deleted_by_the_name_that_align_gives_it(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    sandbox.edit("create_mapping", family="a2j_state", project="PROJ", type=4, source=1, target=QA, audit=False)
    CatalogueStatus.objects.filter(connector=connector, jira_id=QA).update(name="Qualitätssicherung")
    observe(connector)
    row = mapping(connector, "a2j-state", 1, "PROJ")
    assert sorted(names[1] for names in row.names_in_align.values()) == ["QA", "To Do"]
    Mapping.objects.filter(pk=row.pk).update(keep_remote_id=row.remote_id, waits=True)
    plan = mapping_steps.apply_all(connector, actor=admin)
    assert plan.changes.get().is_spare
    assert_recognised(connector)


def test_a_renaming_in_align_takes_no_edit_back(connector: Connector, admin: Person, sandbox: RunningSandbox) -> None:
    row = edit(connector, "a2j-state", DEV_COMPLETE, QA, project="PROJ", actor=admin)
    sandbox.edit("rename_status", id=IN_REVIEW, name="Code review")
    observe(connector)
    after = Mapping.objects.get(pk=row.pk)
    assert after.names_in_align[str(after.remote_id)] == ["Dev complete", "Code review"]
    assert (after.version, after.wanted) == (row.version, QA)
