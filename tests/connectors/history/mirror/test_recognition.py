"""Our own changes are found in Align's log whatever Jira and Align call things, by endpoint and by paste."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from connectors.history.mirror import labels
from connectors.models import Case, Certainty, Connector, HistoryRow, Source, TypeLabel
from connectors.models import Status as CatalogueStatus
from mappings.engine.values import TypeName
from mappings.models import Change, Mapping
from tests.connectors.history.verification.test_comparison import differences
from tests.support import factories, mapping_helpers, sandbox_fixture
from tests.support.intake_helpers import import_lines
from tests.support.mapping_helpers import edit, mapping, observe
from tests.support.sandbox_fixture import RunningSandbox

QA, IN_REVIEW, DEV_COMPLETE = 10015, 10013, 3
SignIn = Callable[[Role], Client]


def from_align(sandbox: RunningSandbox) -> str:
    """Align's log as a person copies it off the page."""
    log = sandbox.align("GET", "/connectors/123/auditlog").json()
    return "\n".join("\t".join((line["type"], line["user"], line["timestamp"], line["description"])) for line in log)


def pasted(client: Client, connector: Connector, sandbox: RunningSandbox) -> str:
    answer = import_lines(client, slug=connector.slug, text=from_align(sandbox))
    assert answer.status_code == 200
    return answer.content.decode()


def deletion(connector: Connector, actor: Person) -> Change:
    """Our own Align-to-Jira deletion, applied to its end; the log is read after it where it is read by the clock."""
    edit(connector, "a2j-state", DEV_COMPLETE, None, project="PROJ", actor=actor)
    plan = mapping_helpers.apply_all(connector, actor=actor)
    assert mapping_helpers.states(plan) == ["done"]
    return plan.changes.get()


def assert_recognised(connector: Connector, certainty: Certainty = Certainty.EXACT) -> HistoryRow:
    rows = HistoryRow.objects.filter(connector=connector, action="deleted")
    assert [(row.source, row.certainty) for row in rows] == [(Source.OURS, certainty)]
    assert not Case.objects.filter(connector=connector).exists()
    return rows.get()


# --- Align calls a status otherwise than Jira does --------------------------------------------------------------------


def german(sandbox: RunningSandbox, connector: Connector) -> None:
    sandbox.edit("set_token", site="jira", token=sandbox_fixture.JIRA_TOKEN, language="de")
    factories.refreshed(connector)
    assert CatalogueStatus.objects.get(connector=connector, jira_id=IN_REVIEW).name == "In Prüfung"


def renamed_and_not_pulled(sandbox: RunningSandbox, connector: Connector) -> None:
    sandbox.reset(configuration_pull="by-hand")
    sandbox.edit("rename_status", id=IN_REVIEW, name="Code review")
    factories.refreshed(connector)
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
    plan = mapping_helpers.approved_plan(connector, actor=admin)
    assert "→ [In Review]" in plan.changes.get().expected_line
    sandbox.edit("rename_status", id=IN_REVIEW, name="Code review")
    mapping_helpers.apply(plan, actor=admin)
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
    factories.refreshed(connector)
    mapping_helpers.read_log(connector)
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
    plan = mapping_helpers.apply_all(connector, actor=admin)
    assert plan.changes.get().is_spare
    assert_recognised(connector)


def test_a_renaming_in_align_takes_no_edit_back(connector: Connector, admin: Person, sandbox: RunningSandbox) -> None:
    row = edit(connector, "a2j-state", DEV_COMPLETE, QA, project="PROJ", actor=admin)
    sandbox.edit("rename_status", id=IN_REVIEW, name="Code review")
    observe(connector)
    after = Mapping.objects.get(pk=row.pk)
    assert after.names_in_align[str(after.remote_id)] == ["Dev complete", "Code review"]
    assert (after.version, after.wanted) == (row.version, QA)


# --- Align's log calls work item types by terms of the site -----------------------------------------------------------


def with_terms(sandbox: RunningSandbox, connector: Connector, labels: str = "Story=User Story") -> None:
    sandbox.reset(audit_labels=labels)
    factories.refreshed(connector)


def outside(sandbox: RunningSandbox, **change: object) -> None:
    """A change of a Story's mapping by somebody else."""
    named = {"family": "j2a_state", "type": 4, "source": 10017, **change}
    sandbox.edit("create_mapping", **named, target=2)
    sandbox.edit("update_mapping", **named, target=3)
    sandbox.edit("delete_mapping", **named)


def test_a_term_is_learned_from_an_own_change_and_used_for_all_lines(
    connector: Connector, admin: Person, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    with_terms(sandbox, connector)
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)  # an update: its sentence has no type id
    plan = mapping_helpers.apply_all(connector, actor=admin)
    row = HistoryRow.objects.get(connector=connector, action="updated")
    assert (row.source, row.certainty, row.work_item_type) == (Source.OURS, Certainty.EXACT, "story")
    assert row.line is not None
    assert "User Story" in row.line.description
    assert not Case.objects.exists()
    learned = TypeLabel.objects.get(connector=connector)
    assert (learned.label, learned.work_item_type) == ("User Story", "story")
    assert learned.evidence == [{"line": row.line_id, "entry": row.entry_seq}]
    entry = Entry.objects.get(action="terms.learned")
    assert "“User Story” is Story" in json.loads(entry.body)["sentence"]
    page = signed_in(Role.VIEWER).get("/connectors/acme/types/").content.decode()
    assert f"Learned from our own changes (entry {row.entry_seq})" in page

    deletion(connector, admin)
    assert HistoryRow.objects.get(action="deleted", plan=plan.pk + 1).certainty == Certainty.EXACT
    outside(sandbox)
    mapping_helpers.read_log(connector)
    found = signed_in(Role.REVIEWER).get("/history/", {"q": "type:story source:outside"}).content.decode()
    assert found.count('<span class="nowrap"><bdi>Story</bdi> state</span>') == 3
    assert HistoryRow.objects.filter(source=Source.OUTSIDE, work_item_type="story").count() == 3
    assert differences() == []
    TypeLabel.objects.update(evidence=[{"line": row.line_id, "entry": 1}])
    TypeLabel.objects.filter(label="User Story").update(decided_by="Admin")
    assert {each.field for each in differences()} == {"evidence", "decided by"}


def test_a_pasted_log_teaches_a_term_too_and_says_so(
    connector: Connector, admin: Person, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    with_terms(sandbox, connector, "Story=Anwendererzählung mit sehr langem Namen")
    Connector.objects.filter(pk=connector.pk).update(log_by_hand=True)
    deletion(connector, admin)
    said = pasted(signed_in(Role.REVIEWER), connector, sandbox)
    assert "Learned what “Anwendererzählung mit sehr langem Namen” means" in said
    assert_recognised(connector)


def test_the_type_id_in_a_creation_is_believed_by_the_table_of_its_family(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    """3 is a Feature where states are mapped, and a Story where steps are."""
    with_terms(sandbox, connector, "Story=Saga,Feature=Program increment item")
    sandbox.edit("create_mapping", family="j2a_state", type=3, source=10017, target=2)
    sandbox.edit("create_mapping", family="j2a_step", type=3, source=10017, target=513)
    mapping_helpers.read_log(connector)
    rows = HistoryRow.objects.filter(source=Source.OUTSIDE)
    assert set(rows.values_list("kind", "work_item_type")) == {("state", "feature"), ("step", "story")}
    assert dict(TypeLabel.objects.values_list("label", "work_item_type")) == {
        "Program increment item": "feature",
        "Saga": "story",
    }


def test_a_published_name_means_another_type_only_where_our_own_id_says_so(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    with_terms(sandbox, connector, "Feature=Story,Story=Task")
    sandbox.edit("create_mapping", family="j2a_state", type=3, source=10017, target=2)
    mapping_helpers.read_log(connector)
    assert HistoryRow.objects.get(source=Source.OUTSIDE).work_item_type == "feature"  # by the id in its line
    assert not TypeLabel.objects.exists()
    edit(connector, "j2a-state", 10014, 2, type_=TypeName.FEATURE, actor=admin)
    mapping_helpers.apply_all(connector, actor=admin)
    assert dict(TypeLabel.objects.values_list("label", "work_item_type")) == {"Story": "feature"}
    edit(connector, "j2a-state", 10014, 3, type_=TypeName.FEATURE, actor=admin)
    mapping_helpers.apply_all(connector, actor=admin)
    row = HistoryRow.objects.get(source=Source.OURS, action="updated")
    assert (row.work_item_type, row.certainty) == ("feature", Certainty.EXACT)


def test_a_published_name_that_a_person_has_given_back_its_meaning_is_not_learned_again(
    connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    with_terms(sandbox, connector, "Feature=Story,Story=Task")
    for type_ in ("feature", "story"):
        labels.decide(connector, {"Story": type_}, actor=admin)
    edit(connector, "j2a-state", 10014, 2, type_=TypeName.FEATURE, actor=admin)
    mapping_helpers.apply_all(connector, actor=admin)
    mapping_helpers.read_log(connector)
    assert dict(TypeLabel.objects.values_list("label", "work_item_type")) == {"Story": "story"}
    assert differences() == []


def test_a_term_that_may_be_two_types_is_asked_and_its_lines_follow_the_answer(
    connector: Connector, admin: Person, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    with_terms(sandbox, connector, "Story=Work,Defect=Flaw")
    for type_ in (TypeName.STORY, TypeName.DEFECT):  # the same change, of both
        edit(connector, "j2a-state", IN_REVIEW, 3, type_=type_, actor=admin)
    mapping_helpers.apply_all(connector, actor=admin)
    assert not TypeLabel.objects.exists()
    assert HistoryRow.objects.filter(source=Source.OUTSIDE).count() == 2
    boss = signed_in(Role.ADMIN)
    page = boss.get("/connectors/acme/types/").content.decode()
    assert "In 1 line." in page
    asked = {"label": ["Work", "Flaw", ""], "type": ["story", "defect", "story"]}
    assert boss.post("/connectors/acme/terms/", asked).status_code == 303
    rows = HistoryRow.objects.filter(action="updated")
    assert set(rows.values_list("source", "certainty")) == {(Source.OURS, Certainty.EXACT)}
    assert rows.count() == 2
    assert set(Case.objects.values_list("state", flat=True)) == {"explained"}
    assert Entry.objects.get(action="terms.decided")


def test_a_wrong_meaning_is_taken_back_with_everything_that_followed_from_it(
    connector: Connector, admin: Person, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    with_terms(sandbox, connector)
    edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    mapping_helpers.apply_all(connector, actor=admin)
    boss = signed_in(Role.ADMIN)
    for type_, source, expected in (("defect", Source.OUTSIDE, "defect"), ("", Source.OUTSIDE, "user story")):
        assert boss.post("/connectors/acme/terms/", {"label": "User Story", "type": type_}).status_code == 303
        row = HistoryRow.objects.get(action="updated", line__isnull=False)
        assert (row.source, row.work_item_type) == (source, expected)
        assert HistoryRow.objects.get(source=Source.OURS, action="updated").certainty == Certainty.NONE
        assert Case.objects.get().state == "open"
    outside(sandbox)  # a term that a person has decided is not learned again
    mapping_helpers.read_log(connector)
    assert TypeLabel.objects.get().work_item_type == ""
    assert boss.post("/connectors/acme/terms/", {"label": "user  STORY", "type": "story"}).status_code == 303
    assert HistoryRow.objects.get(action="updated", line__isnull=False, plan__isnull=False).certainty == Certainty.EXACT
    assert TypeLabel.objects.count() == 1
    assert differences() == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"label": "x" * 256, "type": "story"}, "between 1 and 255 letters"),
        ({"label": "a\x00b", "type": "story"}, "on one line"),
        ({"label": "Story", "type": ""}, "say which of them your site means"),
        ({"label": "Saga", "type": "saga"}, "no work item type saga"),
        ({"label": ["Saga", "Saga"], "type": ["story", "task"]}, "twice, with two meanings"),
        ({"label": ["Saga"], "type": []}, "load the page again"),
    ],
)
def test_what_cannot_be_a_meaning_is_refused_in_a_sentence(
    typed: dict[str, object], sentence: str, connector: Connector, signed_in: SignIn
) -> None:
    answer = signed_in(Role.ADMIN).post("/connectors/acme/terms/", typed)
    assert answer.status_code in (400, 409)
    assert sentence in answer.content.decode()
    assert not TypeLabel.objects.exists()


# --- rows of an earlier version ---------------------------------------------------------------------------------------
