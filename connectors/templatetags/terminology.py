"""How a connector calls a work item type, for pages."""

from __future__ import annotations

from django import template

from connectors.models import Connector

register = template.Library()


@register.filter
def called(level: str, connector: Connector) -> str:
    """ "User Story" for the code "story"."""
    return connector.terminology.name(level)
