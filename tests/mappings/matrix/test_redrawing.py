"""What the answer to an edit brings of the grid is all that a matrix drawn anew has otherwise, and drawn like there.

Worlds by chance: twins, statuses that are gone or never reached, shared scopes with projects of their own ways back,
drift, accepted differences, several records of a key, records of unknown types, lists that were not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.engine.checks import check
from mappings.engine.matrix import build
from mappings.engine.redrawing import CheckedView, redrawing
from mappings.engine.values import Category, DuplicateRecord, Kind, Row, SourceStatus, Target, TypeName, state_targets
from mappings.engine.view import ScopeProject, View
from mappings.matrix import grid_html
from mappings.matrix.grid_html import GridOptions
from tests.support.engine_rows import edit
from tests.support.matrix_page import with_cells_named

IDS = range(101, 109)
STRANGER = 900  # in no catalogue
PIECES = re.compile(
    r"(<th scope=row id=(h\d+).*?</th>|<td role=gridcell [^>]*aria-labelledby=\"(r\d+ t\d+)\".*?</td>)", re.DOTALL
)
EMPTY = re.compile(r"<td role=gridcell tabindex=-1 aria-selected=false aria-labelledby=\"r\d+ t\d+\"></td>")


@given(st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_the_answer_to_an_edit_is_all_that_is_drawn_otherwise(number: int) -> None:
    compare(number)


@pytest.mark.soak
def test_the_same_of_ten_thousand_edits(seed: int) -> None:
    for number in range(10_000):
        compare(seed * 10_000 + number)


def compare(number: int) -> None:
    """The answer to one edit in the world of this number with that world drawn anew."""
    chance = Random(number)
    before = world(chance)
    after = edited(before, chance)
    old, new = pieces(whole(before)), pieces(whole(after))
    answer = pieces(answer_to(before, after))
    # A row or a column that comes with an edit (of a page that is not as the lists are) is there when it is next drawn.
    differing = {name for name in old.keys() & new.keys() if old[name] != new[name]}
    assert differing <= answer.keys()
    for name, html in answer.items():
        if name in new:
            assert html == new[name]
        elif name.startswith("r"):  # of a row or a column that is no longer there: nothing is left in it
            assert EMPTY.fullmatch(html), html


def whole(view: View) -> str:
    return grid_html.draw_rows(build(view), options(view))


def answer_to(before: View, after: View) -> str:
    checked = (CheckedView(view=each, problems=check(each)) for each in (before, after))
    return grid_html.draw_edited(redrawing(*checked), options(after))


def options(view: View) -> GridOptions:
    rings = {row.source_id: row for row in view.own_a2j}
    return GridOptions(kind=view.kind, rings=rings, statuses=view.statuses, drift="/drift/")


def pieces(html: str) -> dict[str, str]:
    """Header or cell by its name; of a problem's sentence, which names other rows, a header's tag has all."""
    return {header or cell: piece for piece, header, cell in PIECES.findall(with_cells_named(html))}


# --- worlds -----------------------------------------------------------------------------------------------------------


def world(chance: Random) -> View:
    kind, shared = chance.choice(list(Kind)), chance.random() < 0.3
    targets = {each.id: each for each in (state_targets() if kind is Kind.STATE else steps(chance))}
    statuses = {id_: status(chance, id_) for id_ in IDS}
    dots = rows(chance, [*IDS, STRANGER], list(targets))
    projects = [f"P{number}" for number in range(3 if shared else 1)]
    return View(
        kind=kind,
        work_item_type=chance.choice(list(TypeName)),
        project_key=None if shared else projects[0],
        team_managed=not shared and chance.random() < 0.3,
        projects=tuple(ScopeProject(key=key, programme_ids=frozenset({chance.randrange(2)})) for key in projects),
        statuses=statuses,
        reachable=frozenset(chance.sample(list(IDS), 6)),
        targets=targets,
        j2a=dots,
        j2a_known=chance.random() < 0.9,
        a2j={key: rows(chance, list(targets), [*IDS, STRANGER]) for key in projects if chance.random() < 0.9},
        a2j_known=chance.random() < 0.9,
        sibling_j2a=rows(chance, list(IDS), [1, 2, 3]),
        sibling_targets={each.id: each for each in state_targets()} if kind is Kind.STEP else {},
        unrecognised={chance.choice(IDS): 77} if chance.random() < 0.2 else {},
    )


def status(chance: Random, id_: int) -> SourceStatus:
    return SourceStatus(
        id=id_,
        name=chance.choice(["To Do", "In Review", "QA", "Done"]),
        category=chance.choice(list(Category)),
        project_key=chance.choice([None, None, "P0", "ELSE"]),
        vanished=chance.random() < 0.1,
    )


def steps(chance: Random) -> Iterator[Target]:
    for number in range(6):
        yield Target(
            id=500 + number,
            name=chance.choice(["QA", "Build", "Done"]),
            map_to_state=chance.choice([None, 1, 2, 3]),
            flow_id=number // 3,
            flow_name=f"Flow {number // 3}",
            flow_active=chance.random() < 0.8,
            programme_ids=frozenset({chance.randrange(2)}),
            vanished=chance.random() < 0.2,
        )


def rows(chance: Random, sources: list[int], values: list[int]) -> tuple[Row, ...]:
    return tuple(row(chance, id_, values) for id_ in sources if chance.random() < 0.7)


def row(chance: Random, source_id: int, values: list[int]) -> Row:
    """In order, edited, changed elsewhere, accepted, or with a further record."""
    at = chance.choice([None, *values])
    found = Row(source_id=source_id, wanted=at, applied=at, observed=at, remote_id=1)
    if chance.random() < 0.3:
        found = replace(found, observed=chance.choice([None, *values]), accepted=chance.random() < 0.3)
    if chance.random() < 0.1:
        found = replace(found, duplicates=(DuplicateRecord(remote_id=2, target_id=chance.choice(values)),))
    return edit(found, chance.choice([at, at, None, *values]))


def edited(before: View, chance: Random) -> View:
    """One row of those shown, or one that had no record, with another wanted value."""
    own = before.project_key
    if own is not None and own in before.a2j and chance.random() < 0.5:
        rings = with_edit(before.a2j[own], chance.choice(list(before.targets)), [*IDS, STRANGER], chance)
        return replace(before, a2j={**before.a2j, own: rings})
    return replace(before, j2a=with_edit(before.j2a, chance.choice(IDS), list(before.targets), chance))


def with_edit(before: tuple[Row, ...], source_id: int, values: list[int], chance: Random) -> tuple[Row, ...]:
    old = {each.source_id: each for each in before}
    blank = Row(source_id=source_id, wanted=None, applied=None, observed=None)
    old[source_id] = edit(old.get(source_id, blank), chance.choice([None, *values]))
    return tuple(old[id_] for id_ in sorted(old))
