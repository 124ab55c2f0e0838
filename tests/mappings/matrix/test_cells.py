"""The grid's markup: how cells are named and described, what is selected, and that names from Jira stay text."""

from __future__ import annotations

import gzip
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from mappings.engine.checks import check
from mappings.engine.matrix import build
from mappings.engine.redrawing import CheckedView, redrawing
from mappings.engine.values import Category, Direction, Kind, Row, SourceStatus, Target, TypeName, state_targets
from mappings.engine.view import ScopeProject, View
from mappings.matrix import grid_html
from mappings.matrix.grid_html import GridOptions
from tests.support.engine_rows import edit
from tests.support.matrix_page import with_cells_named

TODO, REVIEW, TWIN, QA, DONE = 10001, 10013, 10213, 10015, 10003
HOSTILE = "</button><script>alert('1')</script> \u202egnp.exe → \"q\" & 'a'"
STATUSES = {
    TODO: SourceStatus(id=TODO, name="To Do", category=Category.TODO),
    REVIEW: SourceStatus(id=REVIEW, name="In Review", category=Category.DOING),
    TWIN: SourceStatus(id=TWIN, name="In Review", category=Category.DOING, project_key="PROJ1"),
    QA: SourceStatus(id=QA, name="QA", category=Category.DOING),
    DONE: SourceStatus(id=DONE, name="Done", category=Category.DONE),
}


def row(source_id: int, wanted: int | None, applied: int | None, observed: int | None) -> Row:
    return edit(Row(source_id=source_id, wanted=wanted, applied=applied, observed=observed, remote_id=1), wanted)


def same(source_id: int, value: int | None) -> Row:
    return row(source_id, value, value, value)


def view(**changes: Any) -> View:
    plain = View(
        kind=Kind.STATE,
        work_item_type=TypeName.STORY,
        project_key="PROJ",
        projects=(ScopeProject(key="PROJ"),),
        statuses=STATUSES,
        reachable=frozenset(STATUSES),
        targets={target.id: target for target in state_targets()},
        j2a=(same(TODO, 0), same(REVIEW, 3), same(TWIN, 3), same(DONE, 5)),
        a2j={"PROJ": (same(0, TODO), same(3, REVIEW), same(5, DONE))},
    )
    return replace(plain, **changes)


def look(shown: View, **changes: Any) -> GridOptions:
    return replace(GridOptions(kind=shown.kind, rings={each.source_id: each for each in shown.own_a2j}), **changes)


class Cells(HTMLParser):
    """The attributes of every cell and button by what it is labelled by; every id and tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.by_label: dict[str, dict[str, str | None]] = {}
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.feed(with_cells_named(html))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self.ids += [str(values["id"])] if "id" in values else []
        if tag in ("td", "button"):
            label = str(values["aria-labelledby"])
            assert label not in self.by_label, f"two are labelled by {label}"
            self.by_label[label] = values

    def cell(self, status_id: int, target_id: int) -> dict[str, str | None]:
        return self.by_label[f"r{status_id} t{target_id}"]

    def classes(self, status_id: int, target_id: int) -> set[str]:
        return set((self.cell(status_id, target_id).get("class") or "").split())


def drawn(shown: View, **changes: Any) -> Cells:
    return Cells(grid_html.draw_rows(build(shown), look(shown, **changes)))


# --- names, pressed, described --------------------------------------------------------------------------------------


def test_every_cell_is_named_by_its_row_and_its_column() -> None:
    cells = drawn(view())
    expected = {f"r{status_id} t{target_id}" for status_id in STATUSES for target_id in range(6)}
    assert {label for label in cells.by_label if not label.startswith("w-c")} == expected
    assert {f"r{status_id}" for status_id in STATUSES} <= set(cells.ids)
    assert len(cells.ids) == len(set(cells.ids))


def test_the_dot_is_selected_also_at_state_zero() -> None:
    cells = drawn(view())
    assert cells.cell(TODO, 0)["aria-selected"] == "true"
    assert cells.cell(TODO, 1)["aria-selected"] == "false"
    assert cells.cell(QA, 0)["aria-selected"] == "false"


def test_a_ring_is_described_by_its_words_and_the_row_header() -> None:
    assert drawn(view()).cell(REVIEW, 3)["aria-describedby"] == "w-r r10013"
    assert grid_html.WORDS["w-r"] == "returns to"


def test_all_words_that_cells_are_described_by_exist() -> None:
    shown = view(
        j2a=(row(TODO, 1, 0, 0), row(REVIEW, 3, 3, 2), row(QA, 2, 1, 4)),
        a2j={"PROJ": (row(3, QA, REVIEW, REVIEW), row(5, DONE, DONE, QA))},
    )
    cells = drawn(shown)
    known = {*grid_html.WORDS, *cells.ids}
    for values in cells.by_label.values():
        assert set((values.get("aria-describedby") or "").split()) <= known


def test_where_only_rings_are_shown_the_ring_is_selected() -> None:
    cells = drawn(view(j2a=(same(REVIEW, 2),)), dots=False)
    assert cells.cell(REVIEW, 3)["aria-selected"] == "true"
    assert cells.cell(REVIEW, 2)["aria-selected"] == "false"
    assert cells.classes(REVIEW, 2) == set()


def test_a_button_stands_only_where_a_ring_can_be_removed() -> None:
    assert {label for label in drawn(view()).by_label if label.startswith("w-c")} == {"w-c t0", "w-c t3", "w-c t5"}
    for changes in ({"ringed": False}, {"dots": False}, {"can_edit": False}):
        assert not any(label.startswith("w-c") for label in drawn(view(), **changes).by_label)


def test_without_the_right_to_edit_cells_say_that_they_are_disabled() -> None:
    cells = drawn(view(), can_edit=False)
    assert all(values["aria-disabled"] == "true" for values in cells.by_label.values())


# --- before and after, changed elsewhere ------------------------------------------------------------------------------


def test_an_edit_shows_where_the_dot_was_and_where_it_will_be() -> None:
    cells = drawn(view(j2a=(row(REVIEW, 3, 2, 2),)))
    assert cells.classes(REVIEW, 3) >= {"d", "dn"}
    assert cells.classes(REVIEW, 2) == {"dw"}


def test_an_edited_ring_is_new_beside_an_unchanged_one_in_the_same_row() -> None:
    cells = drawn(view(a2j={"PROJ": (row(3, REVIEW, None, None), same(4, REVIEW))}))
    assert cells.classes(REVIEW, 3) >= {"r", "rn"}
    assert cells.classes(REVIEW, 4) == {"r"}


def test_a_drifted_dot_carries_the_three_values() -> None:
    shown = view(j2a=(row(REVIEW, 3, 3, 2),))
    cells = drawn(shown)
    assert cells.classes(REVIEW, 2) == {"do", "e"}
    assert "e" in cells.classes(REVIEW, 3)
    told = "Wanted here: 3 Dev complete. Last applied: 3 Dev complete. Align has: 2 In progress."
    assert cells.cell(REVIEW, 3)["title"] == told


def test_a_value_deleted_elsewhere_is_told_at_the_wanted_dot() -> None:
    assert "Align has: not mapped." in str(drawn(view(j2a=(row(REVIEW, 3, 3, None),))).cell(REVIEW, 3)["title"])


def test_an_unmapped_row_says_where_it_falls_and_keeps_its_cells() -> None:
    html = grid_html.draw_rows(build(view()), look(view()))
    assert html.count("falls to 0 - Pending approval") == 1
    assert drawn(view()).cell(QA, 0)["aria-selected"] == "false"


# --- what a toggle answers ------------------------------------------------------------------------------------------


def redrawn(before: View, after: View) -> str:
    """What the answer to an edit brings of the grid."""
    checked = (CheckedView(view=each, problems=check(each)) for each in (before, after))
    return grid_html.draw_edited(redrawing(*checked), look(after))


def test_a_toggle_answers_only_what_is_drawn_differently() -> None:
    cells = Cells(redrawn(view(), replace(view(), j2a=(*view().j2a, row(QA, 4, None, None)))))
    assert cells.by_label.keys() == {f"r{QA} t4"}
    assert f"h{QA}" in cells.ids  # no longer "not mapped"


def test_nothing_changed_answers_nothing() -> None:
    assert redrawn(view(), view()) == ""


@pytest.mark.parametrize(
    ("direction", "source_id", "count"), [(Direction.JIRA_TO_ALIGN, QA, 6), (Direction.ALIGN_TO_JIRA, 3, 5)]
)
def test_an_overtaken_edit_is_answered_with_the_whole_mapping(direction: Direction, source_id: int, count: int) -> None:
    cells = Cells(grid_html.draw_row_cells(build(view()), source_id, direction, look(view())))
    assert len([label for label in cells.by_label if not label.startswith("w-c")]) == count


def test_the_page_knows_the_ring_of_every_column_whatever_a_filter_hides() -> None:
    assert grid_html.seen_rings(view()) == "0:10001 3:10013 5:10003"


# --- names from elsewhere, weight -------------------------------------------------------------------------------------


def test_hostile_names_stay_text() -> None:
    statuses = {id_: replace(status, name=HOSTILE, project_key=HOSTILE) for id_, status in STATUSES.items()}
    shown = view(statuses=statuses, j2a=(row(REVIEW, 3, 3, 2), same(99, 1)), a2j={"PROJ": (row(3, QA, QA, REVIEW),)})
    html = grid_html.draw_rows(build(shown), look(shown))
    assert "script" not in Cells(html).tags
    assert HOSTILE not in html
    assert "&lt;script&gt;" in html


def test_three_hundred_statuses_by_thirty_steps_fit_into_25_kilobytes() -> None:
    statuses = {
        id_: SourceStatus(id=id_, name=f"Waiting for team {id_ % 97}", category=list(Category)[id_ % 3])
        for id_ in range(10_000, 10_900, 3)
    }
    targets = {id_: Target(id=id_, name=f"Step {id_}", flow_id=1, flow_name="Delivery") for id_ in range(500, 530)}
    j2a = tuple(same(status_id, 500 + status_id * 7 % 30) for status_id in statuses)
    a2j = tuple(same(target_id, 10_000 + 3 * (target_id * 11 % 300)) for target_id in targets)
    shown = view(
        kind=Kind.STEP, statuses=statuses, targets=targets, reachable=frozenset(statuses), j2a=j2a, a2j={"PROJ": a2j}
    )
    html = grid_html.draw_rows(build(shown), look(shown))
    assert html.count("<td role=gridcell") == 9_000
    assert len(gzip.compress(html.encode(), 6)) < 25_000
