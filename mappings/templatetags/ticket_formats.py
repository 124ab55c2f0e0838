"""What templates say of a connector's ticket format."""

from __future__ import annotations

from django import template

from mappings.planning.tickets import TEMPLATE_WORDS, is_template, pattern_trouble

register = template.Library()


@register.simple_tag
def ticket_template_words() -> str:
    return TEMPLATE_WORDS


register.filter("is_ticket_template", is_template)
register.filter("ticket_format_trouble", pattern_trouble)
