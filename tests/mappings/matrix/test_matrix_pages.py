"""The matrix page at the HTTP edge: what it shows, what a toggle answers, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alignadmin.accounts.models import Person, Role
from connectors.models import Connector, Job
from connectors.models import Status as CatalogueStatus
from mappings.models import Edit, Mapping, Scope
from tests.support import mapping_helpers
from tests.support.mapping_helpers import edit, mapping, observe
from tests.support.matrix_page import MatrixPieces, with_cells_named
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
MATRIX = "/connectors/acme/mappings/"
IN_REVIEW, QA, BLOCKED = 10013, 10015, 10017
HTMX = {"HX-Request": "true"}
SignIn = Callable[[Role], Client]


@pytest.fixture
def editor(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.EDITOR)


def toggle(client: Client, status: int, target: int, *, seen: int | str = "", to: str = "j2a", **more: str) -> object:
    data = {"scope": "PROJ", "status": status, "target": target, "seen": seen, "to": to, **more}
    return client.post(f"{MATRIX}cell/", data, headers=HTMX)


def cell_tag(html: str, status: int, target: int) -> str:
    found = re.search(rf'<td[^>]*aria-labelledby="r{status} t{target}"[^>]*>', with_cells_named(html))
    assert found, f"no cell {status} {target}"
    return found.group()


# --- showing -----------------------------------------------------------------------------------------------------


def test_a_dot_is_selected_and_a_ring_is_said_in_words(editor: Client) -> None:
    html = editor.get(MATRIX, {"scope": "PROJ"}).content.decode()
    assert "aria-selected=true" in cell_tag(html, 10002, 2)
    assert "aria-selected=false" in cell_tag(html, 10002, 3)
    assert "w-r" in cell_tag(html, 10002, 2), "described by the words of a ring"


def test_an_unmapped_status_is_not_drawn_like_a_chosen_0(editor: Client) -> None:
    html = editor.get(MATRIX, {"scope": "PROJ"}).content.decode()
    chosen, gap = cell_tag(html, 10011, 0), cell_tag(html, BLOCKED, 0)
    assert "aria-selected=true" in chosen
    assert "aria-selected=false" in gap
    row = html[html.index(f"<th scope=row id=h{BLOCKED}") :]
    assert "falls to 0 - Pending approval" in row[: row.index("</th>")]


def test_the_shared_scope_has_dots_only_and_says_how_many_projects_they_touch(editor: Client) -> None:
    html = editor.get(MATRIX).content.decode()
    assert "Shared by 14 company-managed projects" in html
    assert 'data-ringless="' in html


def test_a_task_has_dots_and_says_why_there_are_no_rings(editor: Client) -> None:
    html = editor.get(MATRIX, {"scope": "PROJ", "type": "task"}).content.decode()
    assert (
        "Align does not send tasks&#x27; states to Jira." in html
        or "Align does not send tasks' states to Jira." in html
    )


def test_process_steps_have_no_tasks_and_are_grouped_by_flow(editor: Client) -> None:
    html = editor.get(MATRIX, {"scope": "PROJ", "kind": "step"}).content.decode()
    assert "Align takes no process steps for tasks from Jira." in html.replace("&#x27;", "'")
    assert 'scope="colgroup"' in html


def test_the_toggles_and_the_filter_are_in_the_address(editor: Client) -> None:
    html = editor.get(MATRIX, {"scope": "PROJ", "only": "unmapped"}).content.decode()
    assert f"id=h{BLOCKED}" in html
    assert f"id=h{IN_REVIEW}" not in html
    html = editor.get(MATRIX, {"scope": "PROJ", "q": "review"}).content.decode()
    assert f"id=h{IN_REVIEW}" in html
    assert f"id=h{BLOCKED}" not in html


def test_a_kind_of_problems_is_a_filter_and_the_list_view_has_the_grids_marks(editor: Client) -> None:
    toggle(editor, IN_REVIEW, 3, seen=2)
    html = editor.get(MATRIX, {"scope": "PROJ", "only": "unmapped", "view": "list"}).content.decode()
    assert f'id="h{BLOCKED}"' in html
    assert f'id="h{IN_REVIEW}"' not in html
    html = editor.get(MATRIX, {"scope": "PROJ", "only": ["twin", "no-such-kind"], "view": "list"}).content.decode()
    assert f'id="h{BLOCKED}"' not in html
    for marks in (">twin<", ">unused here<", "<small class=was>was <bdi>2 In progress</bdi>, not applied yet</small>"):
        assert marks in html
    assert "only twin <b>2</b>" in html


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, "A click sets it for 14 company-managed projects."),
        ({"scope": "PROJ"}, "A click sets it for 14 company-managed projects."),
        ({"scope": "PROJ", "direction": "a2j"}, "A click sets the way back for PROJ alone."),
        ({"scope": "PROJ1"}, "A click sets it for PROJ1 alone."),
    ],
)
def test_what_a_click_sets_is_said_once_before_it(editor: Client, query: dict[str, str], said: str) -> None:
    html = editor.get(MATRIX, query).content.decode()
    assert html.count(said) == 1
    assert ('id="w-p" data-shared' in html) == ("14" in said)
    assert 'href="#to-grid">To the matrix' in html


@pytest.mark.parametrize("query", [{"direction": "a2j"}, {"scope": "PROJ", "direction": "a2j", "type": "task"}])
def test_where_every_click_is_refused_none_is_promised(editor: Client, query: dict[str, str]) -> None:
    html = editor.get(MATRIX, query).content.decode()
    assert "A click sets" not in html
    assert "data-ringless=" in html


def test_paper_says_what_it_shows_of_which_place_and_the_list_of_ways_back_is_left_for_a_kinds_rows(
    editor: Client, connector: Connector
) -> None:
    query = {"scope": "PROJ", "direction": "a2j", "view": "list", "only": "changed", "q": "re <b>"}
    html = editor.get(MATRIX, query).content.decode()
    paper = html[html.index('class="on-paper"') :]
    said = "PROJ · Core Platform · Align → Jira · only changed · rows with “re &lt;b&gt;” · "
    assert said in paper[: paper.index("</p>")]
    assert '?scope=PROJ&amp;view=list&amp;only=unmapped">show<' in html
    assert (
        '?scope=PROJ&amp;direction=a2j&amp;only=unmapped">show<'
        in editor.get(MATRIX, {"scope": "PROJ", "direction": "a2j"}).content.decode()
    )


def test_what_a_type_cannot_have_leads_to_no_form_that_refuses_it(editor: Client, connector: Connector) -> None:
    scope = mapping_helpers.scope(connector, "a2j-state", project="PROJ")
    Mapping.objects.create(scope=scope, work_item_type="task", source_id=3, wanted=QA, applied=QA, observed=QA)
    html = editor.get(MATRIX, {"scope": "PROJ", "type": "task"}).content.decode()
    group = html[html.index("id=kind-type-not-allowed") :]
    group = group[: group.index("</div>")]
    assert "<summary>1 status has a mapping that this type cannot have</summary>" in group
    assert ">show<" in group
    assert ">edit<" not in group


def test_htmx_gets_the_fragment_and_the_answer_varies(editor: Client) -> None:
    answer = editor.get(MATRIX, headers=HTMX)
    assert answer.content.lstrip().startswith(b'<div id="matrix"')
    assert "HX-Request" in answer["Vary"]


@pytest.mark.parametrize("query", [{"scope": "NOSUCH"}, {"scope": "'; drop table"}])
def test_an_unknown_project_is_not_found(editor: Client, query: dict[str, str]) -> None:
    assert editor.get(MATRIX, query).status_code == 404


@pytest.mark.parametrize(
    "query", [{"kind": "x", "type": "y", "direction": "z", "only": "w", "view": "v"}, {"q": "\u202e<b>"}]
)
def test_nonsense_in_the_address_shows_the_usual_matrix(editor: Client, query: dict[str, str]) -> None:
    assert editor.get(MATRIX, query).status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_rows(editor: Client, connector: Connector) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert editor.get(MATRIX, {"scope": "PROJ"}).status_code == 200
        return len(queries)

    editor.get(MATRIX, {"scope": "PROJ"})
    before = count()
    scope = mapping_helpers.scope(connector, "j2a-state")
    for number in range(200):
        CatalogueStatus.objects.create(
            connector=connector, jira_id=30_000 + number, name=f"S{number}", category="doing"
        )
    rows = [
        Mapping(scope=scope, work_item_type="story", source_id=30_000 + n, wanted=1, applied=1, observed=1)
        for n in range(200)
    ]
    Mapping.objects.bulk_create(rows)
    assert count() == before <= 25  # one reads a step that no catalogue has; one is the bar's unread notifications


def test_hostile_names_are_text(editor: Client, connector: Connector) -> None:
    name = '<script>alert("x")</script> → \u202e\'"]&'
    CatalogueStatus.objects.filter(connector=connector, jira_id=IN_REVIEW).update(name=name)
    for view in ("grid", "list"):
        html = editor.get(MATRIX, {"scope": "PROJ", "view": view}).content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in html


# --- editing -----------------------------------------------------------------------------------------------------


def test_a_toggle_stores_the_edit_and_answers_only_what_changed(editor: Client, connector: Connector) -> None:
    answer = toggle(editor, IN_REVIEW, 3, seen=2)
    html = answer.content.decode()  # type: ignore[attr-defined]
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == 3
    drawn = set(re.findall(r'aria-labelledby="r(\d+) t(\d+)"', html))
    assert drawn == {("10013", "2"), ("10013", "3")}, "the cell it left and the cell it came to"
    assert "aria-selected=true" in cell_tag(html, IN_REVIEW, 3)


def test_the_first_edit_of_an_empty_draft_reads_the_draft_once(editor: Client, connector: Connector) -> None:
    page = MatrixPieces.of(editor.get(MATRIX, {"scope": "PROJ"}).content.decode())
    form = {"scope": "PROJ", "status": IN_REVIEW, "target": 3, "seen": 2, "to": "j2a"}
    with CaptureQueriesContext(connection) as captured:
        answer = editor.post(f"{MATRIX}cell/", form, headers=page.headers)
    drafts = [each for each in captured.captured_queries if "OVER ()" in each["sql"]]
    page.swap(MatrixPieces.of(answer.content.decode()))
    assert page.differences(MatrixPieces.of(editor.get(MATRIX, {"scope": "PROJ"}).content.decode())) == []
    assert len(drafts) == 1


def test_toggling_the_set_cell_clears_it(editor: Client, connector: Connector) -> None:
    toggle(editor, IN_REVIEW, 2, seen=2)
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted is None


def test_a_ring_is_set_for_the_project_only(editor: Client, connector: Connector) -> None:
    toggle(editor, QA, 4, to="a2j")
    assert mapping(connector, "a2j-state", 4, project="PROJ").wanted == QA
    assert mapping(connector, "a2j-state", 4, project="PAY").wanted != QA


def test_the_second_editor_gets_409_with_the_three_values_and_the_row_as_it_is(
    editor: Client, connector: Connector, admin: Person
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 5, actor=admin)
    answer = toggle(editor, IN_REVIEW, 3, seen=2)
    assert answer.status_code == 409  # type: ignore[attr-defined]
    html = answer.content.decode()  # type: ignore[attr-defined]
    assert "Wanted is now 5 Accepted, applied 2 In progress, Align has 2 In progress" in html
    assert "aria-selected=true" in cell_tag(html, IN_REVIEW, 5)
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == 5


def test_a_toggle_posted_twice_has_one_effect(editor: Client, connector: Connector) -> None:
    toggle(editor, IN_REVIEW, 3, seen=2)
    assert toggle(editor, IN_REVIEW, 3, seen=2).status_code == 409  # type: ignore[attr-defined]
    assert Edit.objects.count() == 1


@pytest.mark.parametrize(
    "data",
    [
        {"status": "", "target": "3"},
        {"status": "abc", "target": "3"},
        {"status": "10013", "target": "99"},
        {"status": "1" * 40, "target": "3"},
        {"status": "-1", "target": "3"},
        {"status": "77777", "target": "3"},
        {"status": "10013", "target": "3", "to": "a2j", "scope": "shared"},
    ],
)
def test_what_no_page_of_ours_would_send_is_refused_with_a_sentence(editor: Client, data: dict[str, str]) -> None:
    answer = editor.post(f"{MATRIX}cell/", {"scope": "PROJ", "seen": "", "to": "j2a", **data}, headers=HTMX)
    assert answer.status_code == 409
    assert answer.content.decode().strip().endswith((".", "</div>"))
    assert Edit.objects.count() == 0


def test_the_list_view_saves_without_javascript(editor: Client, connector: Connector) -> None:
    data = {
        "scope": "PROJ",
        "view": "list",
        f"j2a-{IN_REVIEW}": "3",
        f"seen-j2a-{IN_REVIEW}": "2",
        f"j2a-{QA}": "3",
        f"seen-j2a-{QA}": "3",
        "a2j-4": str(QA),
        "seen-a2j-4": "",
    }
    answer = editor.post(f"{MATRIX}list/", data)
    assert answer.status_code == 303
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == 3
    assert mapping(connector, "a2j-state", 4, project="PROJ").wanted == QA
    assert Edit.objects.count() == 2


def test_the_list_view_keeps_the_other_edits_when_one_row_was_overtaken(
    editor: Client, connector: Connector, admin: Person
) -> None:
    edit(connector, "j2a-state", IN_REVIEW, 5, actor=admin)
    data = {
        "scope": "PROJ",
        "view": "list",
        f"j2a-{IN_REVIEW}": "3",
        f"seen-j2a-{IN_REVIEW}": "2",
        f"j2a-{QA}": "4",
        f"seen-j2a-{QA}": "3",
    }
    answer = editor.post(f"{MATRIX}list/", data)
    assert answer.status_code == 409
    assert b"Stored 1 of 2 edits" in answer.content
    assert mapping(connector, "j2a-state", QA).wanted == 4
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == 5


def test_undo_by_the_page_answers_the_changed_cells(editor: Client, connector: Connector) -> None:
    toggle(editor, IN_REVIEW, 3, seen=2)
    answer = editor.post(f"{MATRIX}undo/", {"scope": "PROJ"}, headers=HTMX)
    assert "aria-selected=true" in cell_tag(answer.content.decode(), IN_REVIEW, 2)


def test_drift_is_decided_on_the_page(editor: Client, connector: Connector, sandbox: RunningSandbox) -> None:
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    observe(connector)
    html = editor.get(MATRIX, {"scope": "PROJ"}).content.decode()
    assert "5 Accepted" in html
    row = mapping(connector, "j2a-state", IN_REVIEW)
    answer = editor.post(f"{MATRIX}decide/", {"scope": "PROJ", "mapping": row.pk, "seen": 5, "decision": "adopt"})
    assert answer.status_code == 303
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == 5


@pytest.mark.parametrize(
    "data",
    [
        {"decision": "accept", "until": "2020-01-01", "reason": "x"},
        {"decision": "accept", "until": "32.13.", "reason": "x"},
        {"decision": "shrug"},
        {},
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(
    editor: Client, connector: Connector, sandbox: RunningSandbox, data: dict[str, str]
) -> None:
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=IN_REVIEW, target=5)
    observe(connector)
    row = mapping(connector, "j2a-state", IN_REVIEW)
    answer = editor.post(f"{MATRIX}decide/", {"scope": "PROJ", "mapping": row.pk, "seen": 5, **data})
    assert answer.status_code == 409
    assert mapping(connector, "j2a-state", IN_REVIEW).situation == "drifted"


def test_reading_again_is_one_job_of_each_kind_however_often_it_is_asked_for(editor: Client) -> None:
    """Its lists in Align, and what is new in each of the two systems."""
    before = Job.objects.count()
    for _ in range(3):
        assert editor.post(f"{MATRIX}refresh/", {"scope": "PROJ"}).status_code == 303
    assert Job.objects.count() == before + 3


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER])
def test_who_may_not_edit_is_told_who_may(connector: Connector, signed_in: SignIn, role: Role) -> None:
    client = signed_in(role)
    assert "aria-disabled=true" in cell_tag(client.get(MATRIX, {"scope": "PROJ"}).content.decode(), IN_REVIEW, 3)
    answer = toggle(client, IN_REVIEW, 3, seen=2)
    assert answer.status_code == 403  # type: ignore[attr-defined]
    assert b"an editor or an admin" in answer.content  # type: ignore[attr-defined]
    assert Edit.objects.count() == 0


@pytest.mark.parametrize("role", Role)
def test_a_list_that_was_never_read_names_the_button_only_to_who_has_it(
    connector: Connector, signed_in: SignIn, role: Role
) -> None:
    Scope.objects.filter(connector=connector).update(observed_at=None)
    html = signed_in(role).get(MATRIX, {"scope": "PROJ"}).content.decode()
    assert "have not been read from Align yet" in html
    has_button = f'action="{MATRIX}refresh/"' in html
    assert has_button == (role in (Role.EDITOR, Role.ADMIN))
    assert ("Use “Refresh” above." in html) == has_button
    assert ("An editor or an admin can refresh them." in html) != has_button
