"""A connector that is handed over to another number of its Align site: through its page, or at a time of the test."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.test import Client

from connectors.models import Connector

PAGE = "/connectors/acme/hand-over/"
REASON = "Deleted and made again in Jira Align, CHG-90"


def look(client: Client, number: object = 124, *, reason: str = REASON, former: int = 123) -> Any:
    return client.post(PAGE, {"act": "look", "number": number, "reason": reason, "former": former})


def hand_over(client: Client, number: object = 124, *, former: int = 123, **fields: Any) -> Any:
    typed = {"act": "confirm", "number": number, "reason": REASON, "former": former, "confirm": "acme"}
    return client.post(PAGE, {**typed, **fields})


def handed_over_at(owner: Connector, moment: datetime, number: int = 124) -> Connector:
    """As the page leaves the connector's row, where there is no Align to be asked and nothing to be read."""
    owner.former_numbers = [*owner.former_numbers, [owner.align_connector_id, moment.isoformat()]]
    owner.align_connector_id = number
    owner.save(update_fields=["former_numbers", "align_connector_id"])
    return owner
