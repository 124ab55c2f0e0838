"""What people type to explain themselves: trimmed, and refused when it is missing, endless or misshapen."""

from __future__ import annotations

from alignadmin.errors import Refused
from alignadmin.parsing import typed
from connectors.models import Connector
from mappings.planning.tickets import ticket_trouble

LONGEST_REASON = 2000


def reason_typed(text: str, *, lacks: str) -> str:
    """`lacks` is what somebody is told who typed nothing."""
    plain = typed(text)
    if not plain:
        raise Refused(lacks)
    if len(plain) > LONGEST_REASON:
        raise Refused(f"The reason is longer than {LONGEST_REASON} characters: shorten it.")
    return plain


def ticket_typed(connector: Connector, text: str) -> str:
    """Optional; by the pattern as it is now, which may be another one than on the page."""
    ticket = typed(text)
    pattern = Connector.objects.values_list("ticket_pattern", flat=True).get(pk=connector.pk)
    if trouble := ticket_trouble(pattern, ticket):
        raise Refused(trouble)
    return ticket
