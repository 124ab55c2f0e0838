"""Connecting a connector again that was disconnected: the same row with new credentials, so that its history goes on.

Nothing is linked by itself: what both systems hold is read, and what differs from before is shown as drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.search import writing
from alignadmin.text import counted
from connectors.credentials.values import SecretData
from connectors.models import Connector
from connectors.ports.audited import context_of
from connectors.setup import services
from connectors.setup.search_names import CONNECTORS

CONNECTED_AGAIN = "connector.connected_again"


def connect_again(connector: Connector, secrets: Sequence[SecretData], *, seen: datetime, actor: Person) -> Connector:
    """`seen`: the disconnection that the person saw. Raises Refused when it is over, or was another one."""
    with transaction.atomic():
        found = Connector.objects.locked().get(pk=connector.pk)
        since = found.disconnected_at
        if since is None:
            raise Refused(f"{found} is connected already: somebody was faster. Nothing was stored.")
        if since != seen:
            raise Refused(f"{found} was connected and disconnected again meanwhile: reload this page, then try again.")
        _take_up(found)
        for secret in secrets:
            services.store_credential(found, secret, actor=actor)
        services.start_refresh(found, actor=actor)
        _record(found, since, actor)
    return found


def _take_up(connector: Connector) -> None:
    """Everything is due; what is known of before stays until it is read."""
    now = timezone.now()
    values = {
        "is_active": True,
        "disconnected_at": None,
        "disconnected_by": None,
        "disconnected_reason": "",
        "last_error": "",
        "catalogue_error": "",
        "jira_lists_error": "",
        "align_lists_error": "",
        "audit_failures": 0,
        "audit_problem": "",
        "audit_due_at": now,
        "jira_lists_due_at": now,
        "align_lists_due_at": now,
        "observe_due_at": now if connector.observe_every else connector.observe_due_at,
    }
    for name, value in values.items():
        setattr(connector, name, value)
    connector.save(update_fields=list(values))
    writing.write(CONNECTORS, [connector.pk])


def _record(connector: Connector, since: datetime, actor: Person) -> None:
    apart = timezone.now() - since
    days = f"after {counted(apart.days, 'day')}" if apart.days else "on the same day"
    trail.record(
        AuditRecord(
            action=CONNECTED_AGAIN,
            actor=actor,
            context=context_of(connector),
            subject=f"connector {connector.slug}",
            sentence=(
                f"Connected {connector.name} again, {days}: connector {connector.align_connector_id} of Jira Align. "
                f"Its log is not covered since {since:%Y-%m-%d %H:%M} UTC."
            ),
            data={"disconnected_at": since.isoformat()},
        )
    )
