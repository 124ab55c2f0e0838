"""`{{ row.action|act }}`: the words of an act, and parts of a row that other pages share with the history's table."""

from __future__ import annotations

from django import template

from connectors.history.search import action_words, rows_html

register = template.Library()

register.filter("before_after", rows_html.before_after)
register.filter("project", rows_html.project)
register.filter("plan_and_ticket", rows_html.plan_and_ticket)
register.filter("source", rows_html.source)
register.filter("type_name", rows_html.type_name)


@register.filter
def act(action: str) -> str:
    return action_words.words_of(action)
