"""Which sites a connector leads to, as the rate budget tells them apart."""

from __future__ import annotations

from alignadmin.http.address import origin_of
from alignadmin.http.errors import AddressRefused
from connectors.budget.slots import System
from connectors.models import Connector

SYSTEMS: tuple[System, ...] = ("align", "jira")


def origins(connector: Connector, system: System) -> list[str]:
    """Of the one site; none where an address that was stored once is one no longer."""
    try:
        return [origin_of(connector.align_site if system == "align" else connector.jira_site)]
    except AddressRefused:
        return []


def sites() -> list[tuple[System, str]]:
    """Those that an active connector leads to, each once, whichever connectors share it."""
    active = Connector.objects.filter(is_active=True).order_by("name").only("align_site", "jira_site")
    found = [(system, origin) for each in active for system in SYSTEMS for origin in origins(each, system)]
    return list(dict.fromkeys(found))
