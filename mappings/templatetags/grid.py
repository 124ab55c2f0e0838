"""The grid for templates: its rows, what its buttons are described by, and the words of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from mappings.engine.checks import Problem
from mappings.engine.values import Row
from mappings.engine.words import target_words
from mappings.matrix import grid_html, lines_html
from mappings.matrix.page import MatrixPage

register = template.Library()


@register.simple_tag
def grid_rows(page: MatrixPage) -> SafeString:
    return grid_html.draw_rows(page.matrix, grid_html.grid_options(page))


@register.simple_tag
def count_of(page: MatrixPage, status_id: int) -> SafeString:
    """Of a row of the list view."""
    return grid_html.count_of(status_id, page.row_counts.get(status_id), page.address.work_item_type)


@register.simple_tag
def grid_words() -> list[tuple[str, str]]:
    return list(grid_html.WORDS.items())


@register.simple_tag
def seen_rings(page: MatrixPage) -> str:
    return grid_html.seen_rings(page.facts_view)


@register.simple_tag
def rings_of(page: MatrixPage) -> Mapping[int, Row]:
    """Target id -> its Align to Jira row, for the list view."""
    return grid_html.grid_options(page).rings


@register.simple_tag
def grid_options(page: MatrixPage) -> grid_html.GridOptions:
    return grid_html.grid_options(page)


@register.simple_tag
def column_words(page: MatrixPage) -> list[tuple[int, str]]:
    """Target id and words of every column, for selects."""
    return [(target.id, target_words(page.address.kind, target)) for target in page.matrix.targets]


@register.simple_tag(takes_context=True)
def hidden_fields(context: Context, page: MatrixPage) -> SafeString:
    return lines_html.hidden_fields(page, context.get("csrf_token"))


@register.simple_tag(takes_context=True)
def edit_lines(context: Context, page: MatrixPage) -> SafeString:
    return lines_html.draw_edits(page, lines_html.hidden_fields(page, context.get("csrf_token")))


@register.simple_tag
def problem_lines(problems: Sequence[Problem]) -> SafeString:
    return lines_html.draw_problems(problems)
