"""The bar of tabs on the pages of a connector, for whoever looks at it."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from alignadmin.accounts.rights import may
from connectors.models import Connector
from connectors.ports.tabs import TABS

register = template.Library()


@register.inclusion_tag("connectors/setup/_tabs.html", takes_context=True)
def connector_tabs(context: dict[str, Any], connector: Connector) -> dict[str, Any]:
    """The current tab is the one whose page answers, also where it answers what a form had sent."""
    request = context["request"]
    match = request.resolver_match
    shown = match.url_name if match else ""
    found = [
        {"label": tab.label, "href": reverse(tab.page, args=[connector.slug]), "current": tab.page == shown}
        for tab in TABS
        if may(request.user, tab.right)
    ]
    return {"connector": connector, "tabs": found}
