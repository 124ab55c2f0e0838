"""What becomes of the credentials of a person who leaves: the back-up owner takes over, or nobody does."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.audit.entries import AuditRecord
from alignadmin.locking import LockableQuerySet
from connectors.models import Connector, Credential, System
from connectors.ports.audited import context_of


@dataclass(frozen=True, kw_only=True)
class HeldCredential:
    """One credential, as it is, and whose it will be."""

    credential: Credential
    owner: Person | None
    backup_owner: Person | None

    @property
    def name(self) -> str:
        stage = "" if self.credential.stage == "current" else f"{self.credential.get_stage_display().lower()} "
        return f"{stage}{System(self.credential.system).label} credential"

    @property
    def is_owned(self) -> bool:
        return self.owner is not None

    @property
    def words(self) -> str:
        """Of an entry about this credential."""
        old, pairs = self.credential, []
        for label, before, after in (
            ("owner", old.owner, self.owner),
            ("back-up owner", old.backup_owner, self.backup_owner),
        ):
            if before != after:
                pairs.append(f"{label} {before or 'none'} → {after or 'none'}")
        return ", ".join(pairs)


@dataclass(frozen=True, kw_only=True)
class CredentialSuccession:
    person: Person
    lines: Sequence[HeldCredential]

    @property
    def orphans(self) -> list[HeldCredential]:
        return [line for line in self.lines if not line.is_owned]

    @property
    def key(self) -> str:
        """Differs when the list does, so that what is confirmed is what was shown."""
        text = ";".join(
            f"{line.credential.uuid}:{line.credential.owner_id}:{_id(line.owner)}:{_id(line.backup_owner)}"
            for line in self.lines
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def facts(self) -> list[dict[str, str | int | None]]:
        return [
            {"credential": str(line.credential.uuid), "owner": _id(line.owner), "backup_owner": _id(line.backup_owner)}
            for line in self.lines
        ]

    def carry_out(self) -> None:
        """Within the transaction that has locked them."""
        for line in self.lines:
            Credential.objects.filter(pk=line.credential.pk).update(owner=line.owner, backup_owner=line.backup_owner)

    def records(self, actor: Person) -> list[AuditRecord]:
        return [_record(line, self.person, actor) for line in self.lines]


class CredentialHoldings:
    """What people hold, for the pages and services about people."""

    def counts(self, people: Iterable[int]) -> Mapping[int, tuple[int, int]]:
        keys = list(people)
        held = Credential.objects.filter(Q(owner__in=keys) | Q(backup_owner__in=keys))
        pairs = list(held.values_list("owner_id", "backup_owner_id"))
        owners, backups = Counter(owner for owner, _ in pairs), Counter(backup for _, backup in pairs)
        return {key: (owners[key], backups[key]) for key in keys}

    def succession(self, person: Person, *, locked: bool = False) -> CredentialSuccession:
        found = _lock(person) if locked else _owned(person)
        return CredentialSuccession(person=person, lines=[_line(each, person) for each in found])


def _owned(person: Person) -> LockableQuerySet[Credential]:
    found = Credential.objects.filter(Q(owner=person) | Q(backup_owner=person)).defer("sealed")
    return found.select_related("connector", "owner", "backup_owner").order_by(
        "connector__name", "system", "stage", "pk"
    )


def _lock(person: Person) -> list[Credential]:
    # Connectors first, as whatever changes a credential does: the other way round two could wait for each other.
    owners = set(_owned(person).order_by().values_list("connector_id", flat=True))
    list(Connector.objects.locked().filter(pk__in=owners).order_by("pk"))
    return list(_owned(person).filter(connector__in=owners).locked())


def _line(credential: Credential, leaving: Person) -> HeldCredential:
    """A back-up owner who could do nothing with it is no owner; they stay what they are."""
    owner, backup = credential.owner, credential.backup_owner
    if backup == leaving:
        backup = None
    if owner == leaving:
        owner = backup if backup is not None and may(backup, Right.CONFIGURE) else None
        backup = None if owner is not None else backup
    return HeldCredential(credential=credential, owner=owner, backup_owner=backup)


def _record(line: HeldCredential, leaving: Person, actor: Person) -> AuditRecord:
    credential = line.credential
    before = {"owner": _id(credential.owner), "backup_owner": _id(credential.backup_owner)}
    return AuditRecord(
        action="credential.owners_changed",
        actor=actor,
        context=context_of(credential.connector),
        subject=f"credential {credential.uuid}",
        sentence=f"The {line.name} of {credential.connector}: {line.words}, as {leaving} was deactivated.",
        data={
            "system": credential.system,
            "version": credential.version,
            "fingerprint": credential.fingerprint,
            "before": before,
            "after": {"owner": _id(line.owner), "backup_owner": _id(line.backup_owner)},
        },
    )


def _id(person: Person | None) -> int | None:
    return person.pk if person else None
