"""Where Align refuses a work item type id, the page that mends it is one click away."""

from __future__ import annotations

from django import template

from connectors.align.refusals import names_type_id

register = template.Library()


@register.filter
def is_about_type_id(text: str) -> bool:
    return names_type_id(text)
