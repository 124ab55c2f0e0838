"""Maintenance of a connector: while somebody works on Jira or Align, nothing is applied and no drift is told.

What only reads the log, the catalogue or a credential goes on, so that nothing is missed. On return the lists are
read at once, and plans that were paused stay paused until somebody resumes them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from connectors.models import Connector
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from connectors.ports.extensions import HeldUp, extensions
from connectors.ports.reasons import plain_reason

LONGEST = timedelta(days=31)
LACKS_MAINTENANCE_REASON = "Say why: everybody reads it on the pages of this connector while it lasts."


def is_on(connector: Connector) -> bool:
    """Asked of the database: the caller's row may be older than the maintenance."""
    return Connector.objects.filter(pk=connector.pk, maintenance_since__isnull=False).exists()


def refuse(connector: Connector) -> None:
    """Raise Refused, with who, since when and why, while the connector is in maintenance."""
    found = Connector.objects.select_related("maintenance_by").get(pk=connector.pk)
    if found.maintenance_since is not None:
        raise Refused(f"{sentence(found)} Nothing is applied until an admin ends it.")


def sentence(connector: Connector) -> str:
    """Of a connector in maintenance, for a place that has no markup."""
    since = f"{connector.maintenance_since:%Y-%m-%d %H:%M} UTC"
    return f"{connector} is in maintenance since {since} ({who(connector)}: {connector.maintenance_reason})."


def who(connector: Connector) -> str:
    return str(connector.maintenance_by or "somebody who is no longer here")


def held_up(connector: Connector) -> list[HeldUp]:
    return extensions().held_up(connector)


def begin(connector: Connector, *, reason: str, until: datetime | None = None, actor: Person) -> Connector:
    """Raises Refused when it is on already, unless this is the same request once more (a double click)."""
    reason = plain_reason(reason, lacks=LACKS_MAINTENANCE_REASON)
    now = timezone.now()
    _refuse_end(until, now)
    with transaction.atomic():
        found = lock_connected(connector)
        if found.maintenance_since is not None:
            if (found.maintenance_by_id, found.maintenance_reason) == (actor.pk, reason):
                return found
            raise Refused(f"{sentence(found)} Nothing was changed.")
        found.maintenance_since, found.maintenance_until = now, until
        found.maintenance_reason, found.maintenance_by = reason, actor
        _save(found)
        expected = f" Expected until {until:%Y-%m-%d %H:%M} UTC." if until else ""
        trail.record(
            AuditRecord(
                action="maintenance.begun",
                actor=actor,
                context=context_of(found),
                subject=f"connector {found.slug}",
                sentence=f"Began maintenance of {found}: nothing is applied and no drift is told.{expected}",
                data={"until": until.isoformat() if until else None},
                reason=reason,
            )
        )
    return found


def end(connector: Connector, *, since: datetime | None = None, actor: Person) -> bool:
    """End it and start a check; False when it was over already. `since`: the maintenance that the person saw."""
    with transaction.atomic():
        found = Connector.objects.locked().get(pk=connector.pk)
        began = found.maintenance_since
        if began is None:
            return False
        if since is not None and since != began:
            raise Refused(f"{sentence(found)} That is not the maintenance you saw: look at it first.")
        reason, found.maintenance_reason = found.maintenance_reason, ""
        found.maintenance_since = found.maintenance_until = found.maintenance_by = None
        _save(found)
        extensions().on_return(found, actor)
        trail.record(
            AuditRecord(
                action="maintenance.ended",
                actor=actor,
                context=context_of(found),
                subject=f"connector {found.slug}",
                sentence=(
                    f"Ended maintenance of {found}, which began {began:%Y-%m-%d %H:%M} UTC. Every list is read again."
                ),
                data={"since": began.isoformat()},
                reason=reason,
            )
        )
    return True


def _save(connector: Connector) -> None:
    fields = ("maintenance_since", "maintenance_until", "maintenance_reason", "maintenance_by")
    connector.save(update_fields=fields)


def _refuse_end(until: datetime | None, now: datetime) -> None:
    if until is None:
        return
    if until <= now:
        raise Refused("The expected end has passed already: give a later one, or none.")
    if until > now + LONGEST:
        raise Refused(f"The expected end is more than {LONGEST.days} days away: give an earlier one, or none.")
