"""Step 6 over HTTP: what is offered, what is refused and why, from a draft into force, and what changes later."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alignadmin.accounts.models import Person, Role
from alignadmin.errors import Refused
from connectors.jobs import runner
from connectors.models import Connector, FieldRow, Job, JobKind, JobState
from mappings.configuration.agreed import agreed_lines
from mappings.fields.page import PER_PAGE
from mappings.fields.sides import sides_of
from mappings.fields.subject import MOST_OPTIONS, FieldPairs
from mappings.findings.lines import attention
from mappings.models import ConfigurationProposal, DraftLine
from mappings.setup_steps.fields_facts import facts_of_fields
from mappings.setup_steps.fields_rules import fields_step
from tests.conftest import SignIn
from tests.support.field_helpers import ALIGN, JIRA, PAGE, agree, chosen, row, small
from tests.support.finding_helpers import found
from tests.support.people_helpers import at_once, said
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(bare_connector: Connector) -> Connector:
    return small(bare_connector)


@pytest.fixture
def editor(acme: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.EDITOR)


def drafted() -> dict[str, Any]:
    return dict(DraftLine.objects.values_list("key", "wanted"))


# --- what is offered --------------------------------------------------------------------------------------------------


def test_only_fields_of_its_type_are_offered_and_the_others_are_listed_with_why_not(editor: Client) -> None:
    html = editor.get(f"{PAGE}?type=feature").content.decode()
    select = html.split('name="jira:customfield_1"')[1].split("</select>")[0]
    assert "customfield_51" in select
    assert "customfield_52" not in select
    page = said(editor.get(f"{PAGE}pair/?type=feature&field=customfield_1"))
    assert "Ticket customfield_51 text" in page
    assert "Code (customfield_1) in Jira Align is of type text, and Effort (customfield_52) in Jira of type" in page
    assert "is of a type that is not known here (unknown)" in page
    assert "Statuses are mapped in the matrix" in said(editor.get(PAGE))


def test_core_fields_pair_by_themselves_and_take_no_choice(editor: Client) -> None:
    html = editor.get(PAGE).content.decode()
    assert 'name="jira:title"' not in html
    assert "both ways, by itself" in html
    assert chosen(editor, "title", "customfield_51").status_code == 303, "no field of this form"
    assert drafted() == {}


def test_a_formula_of_align_is_offered_one_way(editor: Client) -> None:
    html = editor.get(PAGE).content.decode()
    select = html.split('name="to:customfield_4"')[1].split("</select>")[0]
    assert "to-jira" in select
    assert "both" not in select.replace("as far as both", "")


def test_hundreds_are_shown_fifty_at_a_time_and_found_by_words_in_as_many_queries(
    acme: Connector, editor: Client
) -> None:
    editor.get(PAGE)  # the first visit of a person writes where they were
    with CaptureQueriesContext(connection) as few:
        editor.get(PAGE)
    for number in range(100, 400):
        for system in (ALIGN, JIRA):
            row(acme, system, f"customfield_{number}{system == JIRA:d}", name=f"Field {number}")
    with CaptureQueriesContext(connection) as many:
        first = editor.get(PAGE).content.decode()
    assert len(many) == len(few)
    assert first.count('name="jira:') == PER_PAGE - 1, "the title takes no choice"
    assert "1 to 50 of 305" in said(editor.get(PAGE))
    assert len(first) < 1_500_000
    found_ = editor.get(f"{PAGE}?type=feature&q=field%20%20377").content.decode()
    assert found_.count('name="jira:') == 1
    assert "No field of Align has these words." in said(editor.get(f"{PAGE}?q=nowhere"))
    saved = editor.post(f"{PAGE}?type=feature&page=3", {"jira:customfield_3770": "customfield_3771"})
    assert saved["Location"] == f"{PAGE}?type=feature&page=3#draft"


# --- saving -----------------------------------------------------------------------------------------------------------


def test_a_pair_goes_from_the_draft_over_an_approval_into_force(
    acme: Connector, editor: Client, signed_in: SignIn
) -> None:
    assert chosen(editor, "customfield_1", "customfield_51")["Location"] == f"{PAGE}?type=feature#draft"
    assert drafted() == {"feature:customfield_1": {"jira": "customfield_51", "direction": "both", "options": []}}
    page = said(editor.get(PAGE))
    assert "Feature: Code (customfield_1)" in page
    assert "not paired →becomes Ticket (customfield_51), both ways" in page
    assert agreed_lines(acme, "fields") == {}
    seen = editor.get(PAGE).content.decode().split('name="seen" value="')[1].split('"')[0]
    made = editor.post("/connectors/acme/draft/fields/propose/", {"seen": seen, "reason": "Tickets in both"})
    proposal = ConfigurationProposal.objects.get()
    assert made["Location"] == f"/proposals/{proposal.pk}/"
    refused = chosen(editor, "customfield_2", "customfield_52")
    assert refused.status_code == 409
    admin = signed_in(Role.ADMIN)
    admin.post(f"/proposals/{proposal.pk}/approve/", {"fingerprint": proposal.fingerprint})
    assert list(agreed_lines(acme, "fields")) == ["feature:customfield_1"]
    assert fields_step(facts_of_fields(acme)).state == "done"


def test_a_pair_of_two_types_cannot_be_saved_names_both_and_keeps_what_was_typed(editor: Client) -> None:
    answer = chosen(editor, "customfield_2", "customfield_51", "to-jira")
    assert answer.status_code == 409
    assert "is of type number, and Ticket (customfield_51) in Jira of type text" in said(answer)
    html = answer.content.decode()
    assert '<option value="customfield_51" selected>' in html
    assert '<option value="to-jira" selected>' in html.split('name="to:customfield_2"')[1]
    assert drafted() == {}


@pytest.mark.parametrize(
    ("align", "jira", "direction", "words"),
    [
        ("customfield_4", "customfield_52", "to-align", "is a formula, which is a source only"),
        ("customfield_1", "customfield_99", "both", "customfield_99 of Jira is told no more"),
        ("customfield_1", "summary", "sideways", "is no direction"),
        ("customfield_1", "x" * 300, "both", "Choose one from the list"),
        ("customfield_1", "customfield_54", "both", "not known here"),
    ],
)
def test_what_cannot_be_carried_is_refused_with_why(
    editor: Client, align: str, jira: str, direction: str, words: str
) -> None:
    answer = chosen(editor, align, jira, direction)
    assert answer.status_code == 409
    assert words in said(answer)
    assert drafted() == {}


def test_where_nobody_chooses_a_direction_it_is_as_far_as_both_can_be_written(editor: Client) -> None:
    chosen(editor, "customfield_4", "customfield_52")
    chosen(editor, "customfield_1", "customfield_51")
    assert {key: value["direction"] for key, value in drafted().items()} == {
        "feature:customfield_4": "to-jira",
        "feature:customfield_1": "both",
    }


def test_a_page_that_is_overtaken_saves_nothing_and_says_who_was_there(editor: Client, signed_in: SignIn) -> None:
    chosen(signed_in(Role.ADMIN), "customfield_2", "customfield_52", "to-align")
    answer = chosen(editor, "customfield_2", "customfield_52", "to-jira")
    assert answer.status_code == 409
    assert "Admin changed 1 of these choices" in said(answer)
    assert drafted()["feature:customfield_2"]["direction"] == "to-align"


SHOWN: dict[str, Any] = {"jira": "customfield_51", "direction": "both", "options": []}


@pytest.mark.parametrize(
    "seen",
    [
        *("{", "[]", "1", "null", '{"jira": 1}', "x" * 200_000, "\x00", "[" * 90_000, '{"a":' * 15_000),
        *(json.dumps({**SHOWN, "options": [each]}) for each in (1, None, ["1"], ["\x00", "21"], ["11", "\ud800"])),
        json.dumps({**SHOWN, "jira": "\ud800"}),
    ],
)
def test_what_a_page_never_showed_is_refused(editor: Client, seen: str) -> None:
    answer = chosen(editor, "customfield_1", "customfield_51", seen=seen)
    assert answer.status_code == 409
    assert "nothing was saved" in said(answer)
    assert drafted() == {}


def test_the_same_form_sent_twice_changes_nothing_the_second_time(editor: Client) -> None:
    for _ in range(2):
        assert chosen(editor, "customfield_1", "customfield_51").status_code == 303
    assert len(drafted()) == 1


@committing
def test_of_two_people_at_once_one_is_told_that_the_other_was_first(
    acme: Connector, people: dict[Role, Person], signed_in: SignIn
) -> None:
    clients = [signed_in(Role.EDITOR), signed_in(Role.ADMIN)]
    ways = ["to-jira", "to-align"]
    answered: list[int] = []

    def send(client: Client, way: str) -> None:
        answered.append(chosen(client, "customfield_1", "customfield_51", way).status_code)

    assert at_once([partial(send, *each) for each in zip(clients, ways, strict=True)]) == []
    assert sorted(answered) == [303, 409]
    assert len(drafted()) == 1


def test_who_may_not_edit_sees_everything_and_changes_nothing(acme: Connector, signed_in: SignIn) -> None:
    viewer = signed_in(Role.VIEWER)
    html = viewer.get(PAGE).content.decode()
    assert "Ticket" in html
    assert "<select" not in html
    assert chosen(viewer, "customfield_1", "customfield_51").status_code == 403
    assert viewer.post(f"{PAGE}read/").status_code == 403
    assert drafted() == {}


# --- options ----------------------------------------------------------------------------------------------------------


def options(client: Client, **matches: str) -> Any:
    page = f"{PAGE}pair/?type=feature&field=customfield_3"
    html = client.get(page).content.decode()
    seen = html.split('name="seen:customfield_3" value="')[1].split('"')[0].replace("&quot;", '"')
    return client.post(page, {"seen:customfield_3": seen, **{f"option:{id_}": to for id_, to in matches.items()}})


def test_options_of_one_name_are_suggested_and_stored_only_when_saved(editor: Client) -> None:
    chosen(editor, "customfield_3", "customfield_53")
    assert drafted()["feature:customfield_3"]["options"] == []
    page = said(editor.get(f"{PAGE}pair/?type=feature&field=customfield_3"))
    assert "1 option below is suggested" in page
    assert "suggested: same name" in page
    assert options(editor, **{"11": "21", "12": ""}).status_code == 303
    assert drafted()["feature:customfield_3"]["options"] == [["11", "21"]]
    assert "1 of the options of Size (customfield_3) in Jira Align lead nowhere: Large." in said(editor.get(PAGE))
    chosen(editor, "customfield_3", "customfield_53", "to-jira", seen=json.dumps(drafted()["feature:customfield_3"]))
    assert drafted()["feature:customfield_3"]["options"] == [["11", "21"]], "another direction keeps them"


@pytest.mark.parametrize(
    ("matches", "words"),
    [({"11": "21", "12": "21"}, "matched twice"), ({"11": "99"}, "has no option 99 any more")],
)
def test_options_that_cannot_be_matched_so_are_refused_and_stay_in_the_form(
    editor: Client, matches: dict[str, str], words: str
) -> None:
    chosen(editor, "customfield_3", "customfield_53")
    answer = options(editor, **matches)
    assert answer.status_code == 409
    assert words in said(answer)
    assert drafted()["feature:customfield_3"]["options"] == []


@pytest.mark.parametrize(
    "value",
    [
        {"jira": "a"},
        {"jira": "a", "direction": "both", "options": [["1"]]},
        {"jira": "a", "direction": "both", "options": [["1", ""]]},
        {"jira": "a", "direction": "both", "options": [[str(n), str(n)] for n in range(MOST_OPTIONS + 1)]},
        {"jira": "a", "direction": ["both"], "options": []},
        {"jira": "", "direction": "both", "options": []},
        {"jira": "a", "direction": "both", "options": [], "more": 1},
        "a",
        [],
    ],
)
def test_a_value_of_another_shape_is_refused(acme: Connector, value: object) -> None:
    with pytest.raises(Refused):
        FieldPairs().cleaned(acme, "feature:customfield_1", value)


# --- what changes later -----------------------------------------------------------------------------------------------


def test_a_type_that_changes_stops_that_pair_alone_and_is_told(
    acme: Connector, people: dict[Role, Person], editor: Client
) -> None:
    pairs = {"customfield_1": ("customfield_51", "both"), "customfield_2": ("customfield_52", "both")}
    agree(acme, people[Role.EDITOR], people[Role.ADMIN], **pairs)
    FieldRow.objects.filter(key="customfield_51").update(type="number")
    facts = facts_of_fields(acme)
    assert [each.align for found_ in facts.types for each in found_.stopped] == ["customfield_1"]
    step = {each.id: each for each in fields_step(facts).checks}
    assert step["field-pairs"].state == "failed"
    assert "1 pair carries nothing until somebody mends it" in step["field-pairs"].sentence
    assert "is of type text, and Ticket (customfield_51) in Jira of type number" in said(editor.get(PAGE))
    answer = chosen(editor, "customfield_2", "", seen=json.dumps(agreed_lines(acme, "fields")["feature:customfield_2"]))
    assert answer.status_code == 303, "what was wrong before keeps nobody from another pair"


def test_only_differences_of_fields_in_use_ask_for_somebody(acme: Connector, people: dict[Role, Person]) -> None:
    agree(acme, people[Role.EDITOR], people[Role.ADMIN], customfield_1=("customfield_51", "both"))
    told = {"system": "jira", "kind": "field-type", "before": "of type text", "after": "of type number"}
    found(acme, 1, "moved", remote_key="customfield_51", name="Ticket", **told)
    found(acme, 2, "moved", remote_key="customfield_77", name="Elsewhere", **told)
    found(acme, 3, "new", remote_key="customfield_78", name="Fresh", kind="field", system="jira")
    needed = {"kind": "field-use", "before": "optional", "after": "required"}
    found(acme, 4, "moved", remote_key="customfield_79", name="Needed", system="align", **needed)
    lines = {line.first.name: line for line in attention(acme)}
    assert set(lines) == {"Ticket", "Needed"}
    assert lines["Ticket"].sentence(since="09:12") == (
        "Ticket (customfield_51) is of type number since 09:12, and was of type text: its pair carries nothing until "
        "both sides have one type again"
    )
    assert lines["Ticket"].href == PAGE


def test_a_required_field_without_a_source_is_an_error_of_the_step(acme: Connector) -> None:
    row(acme, ALIGN, "customfield_9", name="Found in", of="defect", is_required=True)
    row(acme, JIRA, "summary", of="defect")
    step = {each.id: each for each in fields_step(facts_of_fields(acme)).checks}
    assert step["fields-required"].state == "failed"
    assert "Found in (customfield_9) in Jira Align is required, and nothing gives it a value" in (
        step["fields-required"].sentence
    )
    assert step["fields-required"].mend
    assert step["fields-required"].mend.href == f"{PAGE}?type=defect"


# --- with a site ------------------------------------------------------------------------------------------------------


@committing
def test_both_sides_are_read_by_a_click_with_progress_and_a_pair_of_them_is_saved(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    editor = signed_in(Role.EDITOR)
    assert "were not read from both systems yet" in said(editor.get(PAGE))
    answer = editor.post(f"{PAGE}read/", {"on": "set-up-fields"})
    assert answer["Location"] == "/connectors/acme/set-up/fields/"
    assert "Reading the fields of both systems Queued" in said(editor.get(PAGE))
    assert runner.run_now(Job.objects.get(kind=JobKind.FIELDS)).state == JobState.DONE
    page = said(editor.get(PAGE))
    assert "Align’s own connector carries" in page
    assert "saving changes nothing in Jira Align" in page
    channel, environments = "customfield_91301", "customfield_10031"
    assert chosen(editor, channel, environments).status_code == 303
    assert len(sides_of(connector, "feature").align) > 20  # type: ignore[arg-type]
    rest = signed_in(Role.VIEWER).get("/api/v1/set-up/acme/").json()
    checks = {check["id"]: check["state"] for step in rest["steps"] for check in step["checks"]}
    assert checks["fields-read"] == "ok"
    assert checks["fields-required"] == "failed", "Found in of defects"
