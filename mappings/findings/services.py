"""Findings that somebody has seen: they stay in the list, and nobody is asked to look at them any more."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.parsing import whole
from alignadmin.text import counted
from connectors.models import Connector, Finding, FindingChange, FindingKind
from connectors.ports.audited import context_of

SEEN = "findings.seen"


def mark_seen(connector: Connector, *, until: int, key: str = "", actor: Person) -> int:
    """Of all that were found until the one with this number, or of those of one line; how many they were."""
    found = Finding.objects.filter(connector=connector, seen_at=None, ended_at=None, pk__lte=until)
    if key:
        kind, change, remote_id = _read_key(key)
        found = found.filter(kind=kind, change=change, remote_id=remote_id)
    with transaction.atomic():
        number = found.update(seen_at=timezone.now(), seen_by=actor)
        if number:
            what = counted(number, "difference")
            trail.record(
                AuditRecord(
                    action=SEEN,
                    actor=actor,
                    context=context_of(connector),
                    subject="catalogue",
                    sentence=f"Marked {what} found in Jira and Jira Align as seen.",
                    data={"count": number, "key": key, "until": until},
                )
            )
    return number


def _read_key(key: str) -> tuple[str, str, int]:
    kind, _, rest = key.partition(".")
    change, _, number = rest.partition(".")
    remote_id = whole(number)
    if kind not in FindingKind.values or change not in FindingChange.values or remote_id is None:
        raise Refused("This request does not name a difference. Reload the page.")
    return kind, change, remote_id
