"""For the step of the statuses: those that Align does not know yet."""

from __future__ import annotations

from django import template

from connectors.models import Connector
from mappings.setup_steps.unpulled import UnpulledStatus, unpulled

register = template.Library()


@register.simple_tag
def unpulled_statuses(connector: Connector) -> list[UnpulledStatus]:
    return unpulled(connector)
