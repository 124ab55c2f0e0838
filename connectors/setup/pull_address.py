"""Where the configuration data pull is run in a site's own Jira Align: an address that an admin enters, for a link.

Nothing of ours ever calls it. It leads to the connector's Align or to a host of Atlassian's for Align, by https.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.db import transaction

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.parsing import typed
from connectors.models import Connector
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected

SET = "connector.pull_address_set"
HOSTED = ".jiraalign.com"
LONGEST = 500


def set_pull_address(connector: Connector, address: str, *, actor: Person) -> None:
    """Empty takes the link away. Raises Refused; then nothing was changed."""
    with transaction.atomic():
        found = lock_connected(connector)
        plain = typed(address).strip()
        if plain and (trouble := _trouble(plain, found.align_site)):
            raise Refused(f"{trouble} Nothing was changed.")
        if plain == found.pull_address:
            return
        before, found.pull_address = found.pull_address, plain
        found.save(update_fields=["pull_address"])
        what = f"Set it to {plain}" if plain else "Removed it"
        trail.record(
            AuditRecord(
                action=SET,
                actor=actor,
                context=context_of(found),
                subject=f"connector {found.slug}",
                sentence=f"Address of the configuration data pull in Jira Align: {what}.",
                data={"before": before, "after": plain},
            )
        )


def _trouble(address: str, align_site: str) -> str:
    """Why this is no address to lead people to; empty where it is one."""
    if len(address) > LONGEST:
        return f"The address is longer than {LONGEST} characters."
    if re.search(r"[\x00-\x20\x7f\\<>\"']", address):
        return "The address has a blank or a character that no address has."
    try:
        parts, align = urlsplit(address), urlsplit(align_site)
        port, align_port = parts.port, align.port
    except ValueError:
        return "This is not an address: copy it from your browser."
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or not host:
        return "The address begins with https://."
    if parts.username is not None or parts.password is not None:
        return "The address holds a sign-in: copy it without what stands before the @."
    is_own = host == (align.hostname or "").lower() and port in (None, 443, align_port)
    if is_own or (host.endswith(HOSTED) and port in (None, 443)):
        return ""
    return f"The address leads to {host}, which is neither {align.hostname} nor a host of jiraalign.com."
