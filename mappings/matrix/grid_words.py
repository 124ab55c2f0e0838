"""Words and looks of a grid as a whole: what a click in it sets, how the headers of its columns stand."""

from __future__ import annotations

from collections.abc import Iterable

from alignadmin.text import counted
from mappings.engine.values import Direction, Target
from mappings.matrix.address import DIRECTIONS
from mappings.matrix.page import MatrixPage

MOST_UPRIGHT = 8  # columns
# Pixels at the narrowest width at which the grid stands beside other cards: of a letter, of padding, of all columns.
LETTER, PADDING, WIDTH = 7.5, 12, 464
LONGEST_ON_PHONE = 9  # letters that fit into a column there


def is_shared(page: MatrixPage) -> bool:
    """Whether a click is of consequence beyond the project shown: its dots are those of all company-managed ones."""
    project = page.address.project
    return not _sets_rings(page) and (project is None or not project.team_managed)


def touches(page: MatrixPage) -> str:
    """What a click sets, said before it; empty where it would be refused, or would be for no project."""
    project = page.address.project
    direction = Direction.ALIGN_TO_JIRA if _sets_rings(page) else Direction.JIRA_TO_ALIGN
    scope = page.facts.scope(page.address.shown, direction)
    if page.locked or page.address.refusal(direction) or scope is None or not scope.known:
        return ""
    if project is None or is_shared(page):
        projects = page.sharing_projects
        of = " of ours" if page.address.is_ours else ""
        return f"A click sets it for {counted(projects, 'company-managed project')}{of}." if projects else ""
    return f"A click sets {'the way back' if _sets_rings(page) else 'it'} for {project.key} alone."


def _sets_rings(page: MatrixPage) -> bool:
    return page.address.direction == Direction.ALIGN_TO_JIRA.value


def on_paper(page: MatrixPage) -> str:
    """What a printed matrix shows of which place: its filters are no controls there.

    "PROJ · Core Platform · Both ways · only unmapped · rows with “review”"
    """
    address = page.address
    project = address.project
    chosen = (label for _, label, is_chosen in page.scope_options if is_chosen)
    place = f"{project.key} · {project.name}" if project else next(chosen)
    filters = [link.label for link in page.toggles if link.current]
    words = [f"rows with “{address.q}”"] if address.q else []
    return " · ".join([place, *(["gone"] if page.gone else []), DIRECTIONS[address.direction], *filters, *words])


def header_class(targets: Iterable[Target]) -> str:
    """Names of columns are turned where a word would have to be broken: "many" always, "long" on a phone."""
    shown = list(targets)
    longest = max((len(word) for target in shown for word in target.name.split()), default=0)
    if len(shown) > MOST_UPRIGHT or (shown and longest * LETTER + PADDING > WIDTH / len(shown)):
        return "many"
    return "long" if longest > LONGEST_ON_PHONE else ""
