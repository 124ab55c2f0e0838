"""The credentials of one connector and system under its lock, and the entries about them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from connectors.models import Connector, Credential, Stage, System
from connectors.ports.audited import context_of

GONE = "This credential no longer exists: it was discarded, replaced or destroyed. Reload the page."


def locked(uuid: UUID) -> Credential:
    """The credential as it is once its connector's row is ours; its `connector` is that row. Raises Refused."""
    owner = Credential.objects.filter(uuid=uuid).values_list("connector_id", flat=True).first()
    connector = Connector.objects.locked().filter(pk=owner or 0).first()
    found = Credential.objects.filter(uuid=uuid, connector=connector).first() if connector else None
    if connector is None or found is None:
        raise Refused(GONE)
    found.connector = connector
    return found


def by_stage(connector: Connector, system: str) -> Mapping[str, Credential]:
    found = Credential.objects.filter(connector=connector, system=system).select_related("owner", "backup_owner")
    stored = {each.stage: each for each in found}
    for each in stored.values():
        each.connector = connector
    return stored


def last_error(connector: Connector) -> str:
    """What a current credential was refused with last; empty when none was."""
    refused = Credential.objects.filter(connector=connector, stage=Stage.CURRENT).exclude(last_answer="")
    return refused.values_list("last_answer", flat=True).first() or ""


def named(credential: Credential) -> str:
    return f"{System(credential.system).label} credential, version {credential.version}"


def subject_of(uuid: UUID) -> str:
    return f"credential {uuid}"


def entry(
    action: str, credential: Credential, actor: Person | None, sentence: str, *, reason: str = "", **data: object
) -> None:
    """To be the last statement of the act's transaction."""
    facts = {
        "system": str(credential.system),
        "kind": str(credential.kind),
        "user": credential.user,
        "version": credential.version,
        "fingerprint": credential.fingerprint,
    }
    trail.record(
        AuditRecord(
            action=action,
            actor=actor,
            context=context_of(credential.connector),
            subject=subject_of(credential.uuid),
            sentence=sentence,
            reason=reason,
            data=facts | data,
        )
    )
