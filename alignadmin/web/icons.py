"""The icons of pages, drawn once in a process each: the library makes every one anew from its XML, a dozen a page."""

from __future__ import annotations

from functools import lru_cache

from django import template
from heroicons.templatetags import heroicons

register = template.Library()
MOST = 256  # a name, a size and its attributes each; templates have some dozens


@register.simple_tag
@lru_cache(MOST)
def heroicon_mini(name: str, *, size: int = 20, **attributes: str) -> str:
    return str(heroicons.heroicon_mini(name, size=size, **attributes))


@register.simple_tag
@lru_cache(MOST)
def heroicon_outline(name: str, *, size: int = 24, **attributes: str) -> str:
    return str(heroicons.heroicon_outline(name, size=size, **attributes))
