"""Whether what stands beside the cells of a matrix in a browser is what the server has."""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

from mappings.engine.matrix import Only, StatusCoverage
from mappings.engine.redrawing import CheckedView


def digest_beside(checked: CheckedView, counts: Mapping[Only, int], coverage: StatusCoverage, *, has_open: bool) -> str:
    """A page with another one is behind, since somebody else was there."""
    view = checked.view
    # As text made here: what a tuple of names and members of enumerations says of itself takes several times as long.
    problems = [f"{each.code} {each.status_id} {each.target_id} {each.sentence}" for each in checked.problems]
    arrows = sorted(view.leads_to.items()), sorted(view.returns_to.items())
    beside = (problems, sorted(counts.items()), arrows, coverage, has_open)
    return f"{crc32(repr(beside).encode()):08x}"
