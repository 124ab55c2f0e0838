"""Which sites a connector leads to, as the rate budget tells them apart."""

from __future__ import annotations

from alignadmin.http.address import origin_of
from alignadmin.http.errors import AddressRefused
from connectors.budget.slots import System
from connectors.models import Connector


def origins(connector: Connector, system: System) -> list[str]:
    """Of the one site; none where an address that was stored once is one no longer."""
    try:
        return [origin_of(connector.align_site if system == "align" else connector.jira_site)]
    except AddressRefused:
        return []
