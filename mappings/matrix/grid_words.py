"""Words and looks of a grid as a whole: what a click in it sets, how the headers of its columns stand."""

from __future__ import annotations

from collections.abc import Iterable

from alignadmin.text import counted
from mappings.engine.values import Direction, Target
from mappings.matrix.page import MatrixPage

MOST_UPRIGHT = 8  # columns
# Pixels at the narrowest width at which the grid stands beside other cards: of a letter, of padding, of all columns.
LETTER, PADDING, WIDTH = 7.5, 12, 464
LONGEST_ON_PHONE = 9  # letters that fit into a column there


def is_shared(page: MatrixPage) -> bool:
    """Whether a click is of consequence beyond the project shown: its dots are those of all company-managed ones."""
    project = page.address.project
    return project is None or not (project.team_managed or _sets_rings(page))


def touches(page: MatrixPage) -> str:
    """What a click sets, said before it; empty where nobody can set anything."""
    project = page.address.project
    if page.locked:
        return ""
    if project is None or is_shared(page):
        return f"A click sets it for {counted(page.sharing_projects, 'company-managed project')}."
    return f"A click sets {'the way back' if _sets_rings(page) else 'it'} for {project.key} alone."


def _sets_rings(page: MatrixPage) -> bool:
    return page.address.direction == Direction.ALIGN_TO_JIRA.value


def header_class(targets: Iterable[Target]) -> str:
    """Names of columns are turned where a word would have to be broken: "many" always, "long" on a phone."""
    shown = list(targets)
    longest = max((len(word) for target in shown for word in target.name.split()), default=0)
    if len(shown) > MOST_UPRIGHT or (shown and longest * LETTER + PADDING > WIDTH / len(shown)):
        return "many"
    return "long" if longest > LONGEST_ON_PHONE else ""
