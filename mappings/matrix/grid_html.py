"""Draws the grid's rows and cells in Python, as the history draws its rows (`connectors/history/search/rows_html.py`):
a template is several times slower at 300 statuses by 30 targets.

A cell takes focus and keys itself, as WAI-ARIA's grid pattern says of cells without a control in them: a browser needs
long for 9,000 buttons. It is named by its row header and its column header, an empty one by the latter alone until
app.js has come, without which the grid is only read; a dot and a ring are classes drawn by the stylesheet, and their
meaning is said by shared hidden words (`WORDS`) that cells are described by. Roles are written out, since rows are laid
out as CSS grids, which a browser may take for no rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.urls import reverse
from django.utils.safestring import SafeString

from alignadmin.web.filled_html import fill_html
from connectors.align.terminology import ALIGNS_OWN, Terminology
from mappings.engine import words
from mappings.engine.cells import Cell, Mark, values_of
from mappings.engine.checks import Problem
from mappings.engine.matrix import Matrix, MatrixRow
from mappings.engine.redrawing import Redrawing
from mappings.engine.values import Direction, Kind, Row, Severity, Situation, SourceStatus, Target, TypeName
from mappings.engine.view import View
from mappings.matrix.page import MatrixPage

J2A, A2J = Direction.JIRA_TO_ALIGN, Direction.ALIGN_TO_JIRA
OPEN = (Situation.DRIFTED, Situation.CONFLICT)
MOST_PROBLEM_TAGS = 2

# Id of a hidden text -> the text. Cells are described by these, so that 9,000 of them carry no sentences.
WORDS: Mapping[str, str] = {
    "w-r": "returns to",
    "w-n": "not applied yet",
    "w-w": "was here, will be removed",
    "w-rw": "the way back was here, will be removed",
    "w-o": "Align has this now: changed elsewhere",
    "w-ro": "Align returns here now: changed elsewhere",
    "w-c": "Remove the way back from",
}
SAID = {"dn": ("w-n",), "rn": ("w-n",), "dw": ("w-w",), "rw": ("w-rw",), "do": ("w-o",), "ro": ("w-ro",)}
TAGS: Mapping[Mark, tuple[str, str]] = {
    Mark.VANISHED: ("bad", "no longer in Jira"),
    Mark.UNUSED: ("", "unused here"),
    Mark.UNKNOWN: ("warn", "not read"),
    Mark.DRIFTED: ("warn", "changed elsewhere"),
    Mark.CONFLICT: ("bad", "conflict"),
}
ELSEWHERE = frozenset({Mark.DRIFTED, Mark.CONFLICT})


@dataclass(frozen=True, kw_only=True)
class GridOptions:
    """How a matrix is looked at. `rings` are the shown project's Align to Jira rows by state or step id."""

    kind: Kind = Kind.STATE
    dots: bool = True
    ringed: bool = True
    can_edit: bool = True
    is_ours: bool = False
    drift: str = ""  # the address of the list of rows changed elsewhere
    rings: Mapping[int, Row] = field(default_factory=dict)
    statuses: Mapping[int, SourceStatus] = field(default_factory=dict)
    counts: Mapping[int, int] = field(default_factory=dict)  # issues now, of those statuses that were counted
    work_item_type: TypeName = TypeName.STORY
    terminology: Terminology = ALIGNS_OWN

    @property
    def presses_rings(self) -> bool:
        """What a click sets, and `aria-selected` says, is the dot, except where only rings are shown."""
        return self.ringed and not self.dots


def grid_options(page: MatrixPage, *, counts: Mapping[int, int] | None = None) -> GridOptions:
    address, view = page.address, page.facts_view
    return GridOptions(
        kind=address.kind,
        dots=address.draws(J2A),
        ringed=address.draws(A2J),
        can_edit=not page.locked,
        is_ours=view.is_ours,
        drift=reverse("drift", args=[page.connector.slug]) + f"?type={address.work_item_type.value}",
        rings={row.source_id: row for row in view.own_a2j},
        statuses=view.statuses,
        counts=page.row_counts if counts is None else counts,
        work_item_type=address.work_item_type,
        terminology=view.terminology,
    )


def draw_rows(matrix: Matrix, options: GridOptions) -> SafeString:
    """All rows of the filtered matrix with their group rows, for the table's body."""
    pen = _Pen(matrix.targets, options)
    parts: list[str] = []
    index = header_rows(options.kind)
    for group in matrix.groups:
        index += 1
        parts.append(_group_row(group.code, group.label, len(group.rows), len(pen.target_ids) + 1, index))
        parts.extend(pen.row(row, number) for number, row in enumerate(group.rows, start=index + 1))
        index += len(group.rows)
    return SafeString("".join(parts))  # nosec B703  # each part is escaped


def header_rows(kind: Kind) -> int:
    """Steps have a row above that with their flows."""
    return 2 if kind is Kind.STEP else 1


def count_rows(matrix: Matrix, kind: Kind) -> int:
    """All of the grid, for `aria-rowcount`: headers, groups and statuses."""
    return header_rows(kind) + sum(1 + len(group.rows) for group in matrix.groups)


def edited_options(page: MatrixPage) -> GridOptions:
    """For what an edit changes: how many issues there are is not, so app.js keeps what stands in the header."""
    return grid_options(page, counts={})


def draw_edited(drawn: Redrawing, options: GridOptions) -> SafeString:
    """What a toggle changed: cells and row headers, each of which takes the place of its namesake on the page.

    Cells have no ids (a third of the page's weight); app.js finds them by what they are labelled by, and leaves out
    those that a filter keeps off the page.
    """
    pen = _Pen(drawn.targets, options)
    return _loose([pen.header(row) for row in drawn.headers] + [pen.cell(row, cell) for row, cell in drawn.cells])


def draw_row_cells(matrix: Matrix, source_id: int, direction: Direction, options: GridOptions) -> SafeString:
    """Every cell of one mapping as it is now: a status's row, or (Align to Jira) a target's column."""
    pen = _Pen(matrix.targets, options)
    of_row = direction is J2A
    cells = [
        (row, cell)
        for row in matrix.rows
        for cell in row.cells
        if (cell.status_id if of_row else cell.target_id) == source_id
    ]
    headers = [pen.header(row) for row in matrix.rows if of_row and row.status.id == source_id]
    return _loose(headers + [pen.cell(row, cell) for row, cell in cells])


def count_of(
    status_id: int, number: int | None, type_: TypeName, called: Terminology, *, oob: bool = False
) -> SafeString:
    """ "143 stories" beside a status, or an empty place for it; `oob`: takes the place of its namesake on the page."""
    return fill_html(
        "<span class='in-use num{none}' id=u{id}{oob}>{text}</span>",
        none=" none" if number == 0 else "",
        id=status_id,
        oob=SafeString(" hx-swap-oob=true") if oob else "",
        text="" if number is None else called.counted(number, type_),
    )


def seen_rings(view: View) -> str:
    """ "3:10015 5:10003": the status each target returns to, which a toggled ring says it saw."""
    return " ".join(f"{target_id}:{status_id}" for target_id, status_id in view.returns_to.items())


def draw_notes(row: MatrixRow, options: GridOptions) -> SafeString:
    """The marks of a status, in the grid and in the list view."""
    return SafeString("".join(_notes(row, options)))  # nosec B703  # each note is escaped


def draw_waiting(
    row: Row | None, options: GridOptions, targets: Iterable[Target], *, of_rings: bool = False
) -> SafeString | str:
    """For the list view: what a changed row was before, and the three values of one that was changed elsewhere."""
    if row is None:
        return ""
    pen = _Pen(targets, options)
    names = {id_: pen.status_words(id_) for id_ in values_of(row)} if of_rings else pen.target_words
    if row.situation in OPEN:
        return fill_html("<small class=was>{}</small>", _three(row, names))
    if row.wanted == row.applied:
        return ""
    was = "not mapped" if row.applied is None else names.get(row.applied, str(row.applied))
    return fill_html("<small class=was>was <bdi>{}</bdi>, not applied yet</small>", was)


def _loose(parts: list[SafeString]) -> SafeString:
    # A parser drops cells that stand outside a table.
    table = f"<table class=changed><tbody><tr>{''.join(parts)}</tr></tbody></table>" if parts else ""
    return SafeString(table)  # nosec B703  # each part is escaped


def _group_row(code: str, label: str, count: int, columns: int, index: int) -> SafeString:
    return fill_html(
        "<tr class=group role=row aria-rowindex={}><th colspan={} scope=rowgroup role=rowheader><span>"
        '<span class="cat {}">{}</span> <span class=count>{}</span></span></th></tr>\n',
        index,
        columns,
        code,
        label,
        count,
    )


class _Pen:
    """Draws one matrix; what cells share is made once."""

    def __init__(self, targets: Iterable[Target], options: GridOptions) -> None:
        self.options = options
        self.targets = tuple(targets)
        self.target_ids = [target.id for target in self.targets]

    @cached_property
    def columns(self) -> dict[int, int]:
        return {target_id: column for column, target_id in enumerate(self.target_ids)}

    @cached_property
    def empty(self) -> list[str]:
        return [self._empty(target_id) for target_id in self.target_ids]

    @cached_property
    def empty_row(self) -> str:
        return "".join(self.empty)

    @cached_property
    def target_words(self) -> dict[int, str]:
        return {target.id: words.target_words(self.options.kind, target) for target in self.targets}

    def status_words(self, status_id: int) -> str:
        return words.status_words(self.options.statuses.get(status_id) or words.unknown_status(status_id))

    # --- a row ---------------------------------------------------------------------------------------------------

    def row(self, row: MatrixRow, index: int) -> str:
        """`index`: which row of the whole grid it is, from 1."""
        begin = f"<tr role=row aria-rowindex={index}>{self.header(row)}"
        if not row.drawn:
            return f"{begin}{self.empty_row}</tr>\n"
        parts = self.empty.copy()
        for target_id, cell in row.drawn.items():
            parts[self.columns[target_id]] = self.cell(row, cell)
        return f"{begin}{''.join(parts)}</tr>\n"

    def header(self, row: MatrixRow) -> SafeString:
        status = row.status
        notes = draw_notes(row, self.options)
        return fill_html(
            "<th scope=row id=h{id} role=rowheader{gap} aria-labelledby=r{id} aria-describedby='{described}u{id}'>"
            "<span id=r{id}><bdi>{name}</bdi> <small class=num>{id}</small></span> {count}{notes}</th>",
            id=status.id,
            name=status.name,
            gap=SafeString(" class=gap") if Mark.UNMAPPED in row.marks else "",
            described=fill_html("n{} ", status.id) if notes else "",
            count=count_of(
                status.id,
                self.options.counts.get(status.id),
                self.options.work_item_type,
                self.options.terminology,
            ),
            notes=fill_html(" <span class=notes id=n{}>{}</span>", status.id, notes) if notes else "",
        )

    # --- a cell --------------------------------------------------------------------------------------------------

    def _empty(self, target_id: int) -> str:
        """Named by its column alone, so that one empty row is as another and is packed into next to nothing; app.js
        puts the row's name before it. Only numbers stand in it, so there is nothing to escape.
        """
        off = "" if self.options.can_edit else " aria-disabled=true"
        return f'<td role=gridcell tabindex=-1 aria-selected=false{off} aria-labelledby="t{target_id}"></td>'

    def cell(self, row: MatrixRow, cell: Cell) -> SafeString:
        dot, ring = [*self._dot_marks(row, cell)], [*self._ring_marks(cell)]
        marks = [*dot, *ring]
        values = self._three_values(row, cell)
        # The ring first: "returns to QA 10015", then what is not applied yet.
        described = [word for mark in (*ring, *dot) for word in _described(mark, cell)]
        described += [f"v-{_name(cell)}"] if values else []
        return fill_html(
            '<td role=gridcell tabindex=-1 aria-selected={selected}{off} aria-labelledby="r{status} t{target}"'
            "{classes}{described}{title}>{values}{ring}</td>",
            status=cell.status_id,
            target=cell.target_id,
            selected="true" if (cell.ring if self.options.presses_rings else cell.dot) else "false",
            off="" if self.options.can_edit else SafeString(" aria-disabled=true"),
            classes=_attribute("class", [*marks, *(["e"] if values else [])]),
            described=_attribute("aria-describedby", described),
            title=fill_html(' title="{}"', values) if values else "",
            values=fill_html("<span hidden id=v-{}>{}</span>", _name(cell), values) if values else "",
            ring=self._ring_button(cell),
        )

    def _dot_marks(self, row: MatrixRow, cell: Cell) -> Iterator[str]:
        if not self.options.dots:
            return
        if cell.dot:
            yield "d"
            if row.j2a is not None and row.j2a.wanted != row.j2a.applied:
                yield "dn"
        elif cell.dot_was:
            yield "dw"
        elif cell.dot_observed:
            yield "do"

    def _ring_marks(self, cell: Cell) -> Iterator[str]:
        if not self.options.ringed:
            return
        ring = self.options.rings.get(cell.target_id)
        if cell.ring:
            yield "r"
            if ring is not None and ring.wanted != ring.applied:
                yield "rn"
        elif cell.ring_was:
            yield "rw"
        elif cell.ring_observed:
            yield "ro"

    def _ring_button(self, cell: Cell) -> SafeString | str:
        """Removes the ring by one click where a click on the cell means the dot."""
        if not (cell.ring and self.options.ringed and self.options.dots and self.options.can_edit):
            return ""
        return fill_html('<button tabindex=-1 class=x aria-labelledby="w-c t{}"></button>', cell.target_id)

    # --- what somebody changed elsewhere ---------------------------------------------------------------------------

    def _three_values(self, row: MatrixRow, cell: Cell) -> str:
        """The three values of a drifted or conflicting mapping whose wanted or observed value is this cell."""
        sentences = []
        if self.options.dots and row.j2a is not None and (cell.dot or cell.dot_observed) and row.j2a.situation in OPEN:
            sentences.append(_three(row.j2a, self.target_words))
        ring = self.options.rings.get(cell.target_id) if self.options.ringed else None
        if ring is not None and (cell.ring or cell.ring_observed) and ring.situation in OPEN:
            names = {id_: self.status_words(id_) for id_ in values_of(ring)}
            sentences.append(_three(ring, names))
        return " ".join(sentences)


def _name(cell: Cell) -> str:
    return f"{cell.status_id}-{cell.target_id}"


def _described(mark: str, cell: Cell) -> tuple[str, ...]:
    """Ids of the texts that say a mark; a ring's words go on with the row header: "returns to QA 10015"."""
    if mark == "r":
        return "w-r", f"r{cell.status_id}"
    return SAID.get(mark, ())


def _attribute(name: str, values: Iterable[str]) -> SafeString | str:
    unique = " ".join(dict.fromkeys(values))
    return fill_html(' {}="{}"', name, unique) if unique else ""


def _three(row: Row, names: Mapping[int, str]) -> str:
    wanted, applied, observed = (
        "not mapped" if value is None else names.get(value, str(value))
        for value in (row.wanted, row.applied, row.observed)
    )
    return f"Wanted here: {wanted}. Last applied: {applied}. Align has: {observed}."


def _notes(row: MatrixRow, options: GridOptions) -> Iterator[SafeString]:
    if Mark.UNMAPPED in row.marks:
        falls = f"falls to {words.FALLS_TO}" if options.kind is Kind.STATE else "No step is sent to Align"
        says = "" if options.is_ours else fill_html(" <span class=falls>{}</span>", falls)
        yield fill_html('<span class="tag warn">not mapped</span>{}', says)
    if row.unknown_type_id is not None:
        stands = f"unknown: a record of type {row.unknown_type_id} stands here"
        yield fill_html('<span class="tag warn">{}</span>', stands)
    if Mark.TWIN in row.marks:
        own = f" · {row.status.project_key}" if row.status.project_key else ""
        yield fill_html('<span class=tag title="Other statuses of this name: {}">twin{}</span>', row.twin_of, own)
    for mark, (tone, text) in TAGS.items():
        if mark in ELSEWHERE & row.marks and options.drift:
            yield fill_html('<a class="tag {}" href="{}">{}</a>', tone, options.drift, text)
        elif mark in row.marks:
            yield fill_html('<span class="tag {}">{}</span>', tone, text)
    for problem in [each for each in row.problems if _has_tag(each)][:MOST_PROBLEM_TAGS]:
        tone = "bad" if problem.severity is Severity.ERROR else "warn"
        yield fill_html(
            '<span class="tag {}" title="{}">{}</span>', tone, problem.sentence, problem.code.replace("-", " ")
        )


def _has_tag(problem: Problem) -> bool:
    """An unmapped row is drawn as a gap already, and an unrecognised record has its own words."""
    return problem.severity is not Severity.INFO and problem.code not in ("unmapped", "unrecognised")
