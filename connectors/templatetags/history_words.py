"""`{{ row.action|act }}`: the words of an act, as the history's pages write them."""

from __future__ import annotations

from django import template

from connectors.history.search import action_words

register = template.Library()


@register.filter
def act(action: str) -> str:
    return action_words.words_of(action)
