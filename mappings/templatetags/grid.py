"""The grid for templates: its rows, what its cells are described by, and the words of columns."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from mappings.engine.matrix import MatrixRow
from mappings.engine.problem_groups import ProblemGroup
from mappings.engine.values import Row, Target
from mappings.engine.words import target_words
from mappings.matrix import grid_html, grid_words, lines_html
from mappings.matrix.choices_html import Choices
from mappings.matrix.edit_answer import EditAnswer
from mappings.matrix.page import MatrixPage

register = template.Library()


@register.simple_tag
def grid_rows(page: MatrixPage) -> SafeString:
    return grid_html.draw_rows(page.matrix, grid_html.grid_options(page))


@register.simple_tag
def count_rows(page: MatrixPage) -> int:
    return grid_html.count_rows(page.matrix, page.address.kind)


@register.simple_tag
def count_of(page: MatrixPage, status_id: int) -> SafeString:
    """Of a row of the list view."""
    number, called = page.row_counts.get(status_id), page.connector.terminology
    return grid_html.count_of(status_id, number, page.address.work_item_type, called)


@register.simple_tag
def hidden_words() -> list[tuple[str, str]]:
    return list(grid_html.WORDS.items())


@register.simple_tag
def touches(page: MatrixPage) -> str:
    return grid_words.touches(page)


@register.simple_tag
def is_shared(page: MatrixPage) -> bool:
    return grid_words.is_shared(page)


@register.simple_tag
def on_paper(page: MatrixPage) -> str:
    return grid_words.on_paper(page)


@register.simple_tag
def header_class(page: MatrixPage) -> str:
    return grid_words.header_class(page.matrix.targets)


@register.simple_tag
def notes_of(options: grid_html.GridOptions, row: MatrixRow) -> SafeString:
    """The marks of a row of the list view, as in the grid."""
    return grid_html.draw_notes(row, options)


@register.simple_tag
def waiting_of(
    page: MatrixPage, options: grid_html.GridOptions, row: Row | None, of_rings: bool = False
) -> SafeString | str:
    """Of a row of the list view: what it was before an edit, or its three values where it was changed elsewhere."""
    return grid_html.draw_waiting(row, options, page.matrix.targets, of_rings=of_rings)


@register.simple_tag
def seen_rings(page: MatrixPage) -> str:
    return grid_html.seen_rings(page.facts_view)


@register.simple_tag
def grid_options(page: MatrixPage) -> grid_html.GridOptions:
    return grid_html.grid_options(page)


@register.simple_tag
def column_words(page: MatrixPage) -> list[tuple[int, str]]:
    """Target id and words of every column, for selects."""
    return [(target.id, target_words(page.address.kind, target)) for target in page.matrix.targets]


@register.simple_tag
def choices_of_dots(columns: Iterable[tuple[int, str]]) -> Choices:
    return Choices(columns)


@register.simple_tag
def choices_of_rings(page: MatrixPage) -> Choices:
    return Choices((row.status.id, f"{row.status.name} · {row.status.id}") for row in page.matrix.rows)


@register.simple_tag
def dot_choices(choices: Choices, target: Target | None) -> SafeString:
    """The options of a status: its target is chosen."""
    return choices.with_chosen(target.id if target else None)


@register.simple_tag
def ring_choices(choices: Choices, ring: Row | None) -> SafeString:
    """The options of a target: the status that it returns to is chosen."""
    return choices.with_chosen(ring.wanted if ring else None)


@register.simple_tag(takes_context=True)
def hidden_fields(context: Context, page: MatrixPage) -> SafeString:
    return lines_html.hidden_fields(page, context.get("csrf_token"))


@register.simple_tag(takes_context=True)
def edit_lines(context: Context, page: MatrixPage) -> SafeString:
    return lines_html.draw_edits(page, lines_html.hidden_fields(page, context.get("csrf_token")))


@register.simple_tag(takes_context=True)
def edited_lines(context: Context, page: MatrixPage, answer: EditAnswer) -> SafeString:
    """Out of band, in the answer to an edit."""
    hidden = lines_html.hidden_fields(page, context.get("csrf_token"))
    return lines_html.draw_edited_lines(page, answer.gone_edits, answer.edit_line, hidden)


@register.simple_tag
def edit_count(page: MatrixPage) -> SafeString:
    return lines_html.draw_edit_count(page)


@register.simple_tag
def problem_count(page: MatrixPage, *, oob: bool = False) -> SafeString:
    return lines_html.draw_problem_count(page, oob=oob)


@register.simple_tag
def problem_groups(page: MatrixPage) -> SafeString:
    return lines_html.draw_problem_groups(page)


@register.simple_tag
def problem_group(page: MatrixPage, group: ProblemGroup) -> SafeString:
    """Out of band, in the answer to an edit."""
    return lines_html.draw_problem_group(page, group, oob=True)
