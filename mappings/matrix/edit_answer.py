"""What the answer to an edit brings: the cells and the parts of the page that are another than before, and no more."""

from __future__ import annotations

from functools import cached_property

from django.utils.safestring import SafeString

from mappings.engine.problem_groups import ProblemGroup
from mappings.engine.redrawing import redrawing
from mappings.matrix import grid_html
from mappings.matrix.lines import EditLine
from mappings.matrix.page import MatrixPage
from mappings.matrix.pending import Pending
from mappings.models import Mapping


class EditAnswer:
    """Two pages of one address, before an edit and after it. What has its own time (counts, jobs) is no part of it.

    `digests` (see `MatrixPage`): of the page in the browser. Where that is not the page before the edit, because
    somebody else was there meanwhile, all that stands beside the cells is sent, or the whole card of pending edits.
    """

    def __init__(self, before: MatrixPage, after: MatrixPage, mapping: Mapping, digests: str = "") -> None:
        self._before = before
        self._after = after
        self._mapping = mapping
        beside, _, pending = digests.partition("-")
        self._is_behind = beside != before.beside_digest
        is_current = pending == before.pending.digest
        self._pending = self._followed() if is_current else None
        if is_current and not before.pending.number and mapping.waits:
            after.list_alone(mapping)
        if self._pending is not None:
            after.pending = self._pending

    def _followed(self) -> Pending | None:
        """What the card lists now, where its other lines stay as they are in the browser; None: it is sent whole."""
        before, was_pending = self._before.pending, self._before.facts.was_pending(self._mapping)
        if self.has_sidebar or was_pending is None or not before.number:
            return None
        after = before.after(self._mapping, was_pending=was_pending, person=self._after.person)
        is_same_form = after is not None and after.number and after.has_more == before.has_more
        return after if is_same_form else None

    @property
    def has_edits(self) -> bool:
        """The whole card; else only the lines that differ."""
        return self._pending is None

    @property
    def gone_edits(self) -> list[int]:
        """Mappings whose line goes; the one of the edit comes anew."""
        left = set(self._after.pending.entries)
        return [entry.mapping_id for entry in self._before.pending.entries if entry not in left]

    @cached_property
    def edit_line(self) -> EditLine | None:
        """The one that is new; it stands at the top."""
        return self._after.edit_lines([self._mapping])[0] if self._mapping.waits else None

    @cached_property
    def cells(self) -> SafeString:
        drawn = redrawing(self._before.checked, self._after.checked)
        return grid_html.draw_edited(drawn, grid_html.edited_options(self._after))

    @property
    def has_sidebar(self) -> bool:
        """All of it, where there is or was a row to decide on; else only those cards of it that differ."""
        return self._is_behind or self._before.has_open or self._after.has_open

    @property
    def has_rings(self) -> bool:
        return self._is_behind or self._before.facts_view.returns_to != self._after.facts_view.returns_to

    @property
    def has_toggles(self) -> bool:
        return self._is_behind or self._before.toggle_numbers != self._after.toggle_numbers

    @cached_property
    def has_problems(self) -> bool:
        """All of the card, where another kind of problems stands in it; else only those kinds that differ."""
        return list(self._groups(self._before)) != list(self._groups(self._after))

    @property
    def problem_groups(self) -> list[ProblemGroup]:
        before, after = self._groups(self._before), self._groups(self._after)
        return [] if self.has_problems else [after[code] for code in after if before[code] != after[code]]

    @property
    def has_problem_count(self) -> bool:
        return not self.has_problems and self._before.problem_places != self._after.problem_places

    @staticmethod
    def _groups(page: MatrixPage) -> dict[str, ProblemGroup]:
        return {group.code: group for group in page.problem_groups}

    @property
    def has_flow(self) -> bool:
        before, after = self._before, self._after
        return before.coverage != after.coverage or before.picture != after.picture
