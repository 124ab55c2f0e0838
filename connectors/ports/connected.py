"""Whether a connector is connected at all: one that was disconnected is read and acted on by nobody."""

from __future__ import annotations

from alignadmin.errors import Refused
from connectors.models import Connector


def disconnected_sentence(connector: Connector) -> str:
    """What a disconnected connector is, for a place that has no markup."""
    who = connector.disconnected_by or "somebody who is no longer here"
    return f"{connector} is disconnected since {connector.disconnected_at:%Y-%m-%d %H:%M} UTC, by {who}."


def refuse_disconnected(connector: Connector) -> None:
    """Raises Refused. To be asked behind the connector's row, of a row that was read there."""
    if connector.disconnected_at is not None:
        raise Refused(f"{disconnected_sentence(connector)} Nothing was changed: an admin may connect it again.")
