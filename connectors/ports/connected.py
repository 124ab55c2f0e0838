"""Whether a connector is connected at all: one that was disconnected is read and acted on by nobody."""

from __future__ import annotations

from alignadmin.errors import Refused
from connectors.models import Connector


def disconnected_sentence(connector: Connector) -> str:
    """What a disconnected connector is, for a place that has no markup."""
    who = connector.disconnected_by or "somebody who is no longer here"
    return f"{connector} was disconnected on {connector.disconnected_at:%Y-%m-%d at %H:%M} UTC, by {who}."


def lock_connected(connector: Connector) -> Connector:
    """Its row as it is now, locked until the transaction ends: for what a person changes. Raises Refused.

    A form that was sent before the connector was disconnected, and comes in after it, changes nothing.
    """
    found = Connector.objects.locked().get(pk=connector.pk)
    if found.disconnected_at is not None:
        raise Refused(f"{disconnected_sentence(found)} Nothing was changed: an admin may connect it again.")
    return found
