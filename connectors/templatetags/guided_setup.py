"""The rail of the guided set-up on the form that adds a connector, which belongs to another room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template

from alignadmin.egress import OutgoingAddresses, outgoing_addresses
from connectors.setup.steps.guide import guide_before

register = template.Library()


@register.inclusion_tag("connectors/setup/steps/_rail.html")
def rail_before(current: str) -> dict[str, Any]:
    """Of a connector that is not here yet; `current` is the key of the step whose page this is."""
    guide = guide_before()
    return {"guide": guide, "rail": guide.rail(current), "connector": None}


@register.simple_tag
def addresses_we_call_from() -> Sequence[OutgoingAddresses]:
    return outgoing_addresses()
