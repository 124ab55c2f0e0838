"""Putting a new credential beside the one in use, taking it away again, and saying whose it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from connectors.credentials.rotation import checks
from connectors.credentials.rotation.locking import by_stage, entry, last_error, locked, named, subject_of
from connectors.credentials.values import SecretData, seal_secret
from connectors.jobs import runner
from connectors.models import Connector, Credential, CredentialKind, HistoryRow, JobKind, Probe, Stage, System
from connectors.ports.connected import lock_connected

GAP = (
    "The gap has begun: Align keeps one token for each user, so the one in use died when this one was made. "
    "Nothing is applied until the switch, and it cannot be undone."
)


@dataclass(frozen=True, kw_only=True)
class Staging:
    """What a person says about a new credential, besides the secret itself."""

    reason: str = ""
    backup_owner: Person | None = None
    replaces_same_user: bool = False  # an Align token of the user whose token is in use
    replacing: UUID | None = None  # the pending one that the person saw and wants to replace


def stage(
    connector: Connector, secret: SecretData, staging: Staging, *, actor: Person | None, owner: Person | None = None
) -> Credential:
    """Seal a secret as pending; the one in use is not touched. Raises Refused, also for a second pending one.

    Whoever stages it answers for it, if no `owner` is given. The actor is None where they have no account here.
    """
    answering = owner or actor
    checks.refuse_backup_owner(staging.backup_owner, answering)
    with transaction.atomic():
        held = lock_connected(connector)
        stored = by_stage(held, secret.system)
        current, older = stored.get(Stage.CURRENT), stored.get(Stage.PENDING)
        checks.refuse_unfit(held, secret)
        checks.refuse_same(secret, current)
        _refuse_needless_gap(secret, staging, current)
        if older is not None:
            _make_room(older, staging)
        pending = _sealed(held, secret, staging, answering, version=_next_version(stored.values()))
        gap = _store_gap(held, pending)
        entry(
            "credential.staged",
            pending,
            actor,
            f"Staged a new {named(pending)} ({pending.get_kind_display()}).{f' {GAP}' if gap else ''}",
            reason=staging.reason,
            expires_on=secret.expires_on.isoformat() if secret.expires_on else None,
            backup_owner=staging.backup_owner.email if staging.backup_owner else None,
            replaced=str(older.uuid) if older else None,
            gap=gap,
        )
    return pending


def _next_version(stored: Iterable[Credential]) -> int:
    return 1 + max((each.version for each in stored), default=0)


def _refuse_needless_gap(secret: SecretData, staging: Staging, current: Credential | None) -> None:
    if not staging.replaces_same_user:
        return
    if secret.kind != CredentialKind.ALIGN_BEARER or current is None or current.kind != CredentialKind.ALIGN_BEARER:
        raise Refused("Only an Align API token dies when its user makes another: leave that box empty.")


def _make_room(older: Credential, staging: Staging) -> None:
    if staging.replacing != older.uuid:
        raise Refused(
            f"{_staged_by(older)} staged a {older.get_system_display()} credential {_ago(older.created_at)}. "
            "Go on with that one, or discard it first."
        )
    _refuse_while_writing(older)
    older.delete()


def _refuse_while_writing(pending: Credential) -> None:
    if Probe.objects.filter(credential=pending, finished_at=None).exclude(write_key="").exists():
        raise Refused(
            "A probe of this credential writes to Align right now. Wait until it has ended, so that nothing of it "
            "stays behind there."
        )


def _staged_by(pending: Credential) -> str:
    """From the history: the owner may have been changed since."""
    staged = HistoryRow.objects.filter(
        connector=pending.connector, action="credential.staged", object_name=subject_of(pending.uuid)
    )
    return staged.values_list("person_name", flat=True).first() or "The owner of the token"


def _ago(at: datetime) -> str:
    minutes = int((timezone.now() - at).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"


def _sealed(
    connector: Connector, secret: SecretData, staging: Staging, owner: Person | None, *, version: int
) -> Credential:
    pending = Credential(
        uuid=uuid4(),
        connector=connector,
        system=secret.system,
        kind=secret.kind,
        stage=Stage.PENDING,
        version=version,
        user="" if secret.kind in checks.BEARERS else secret.user,
        owner=owner,
        backup_owner=staging.backup_owner,
        reason=staging.reason.strip()[: checks.LONGEST_REASON],
        replaces_same_user=staging.replaces_same_user,
        expires_on=secret.expires_on,
    )
    seal_secret(pending, secret.secret)
    pending.save()
    return pending


def _store_gap(connector: Connector, pending: Credential) -> bool:
    """Since when applies have to wait: from the first pending one that killed the token in use."""
    if pending.system != System.ALIGN:
        return False
    since = (connector.gap_since or timezone.now()) if pending.replaces_same_user else None
    Connector.objects.filter(pk=connector.pk).update(gap_since=since)
    return since is not None


def discard(pending: UUID, *, actor: Person) -> None:
    """Destroy a pending credential; the one in use is not touched."""
    with transaction.atomic():
        found = locked(pending)
        if found.stage != Stage.PENDING:
            raise Refused(f"This credential is {found.get_stage_display().lower()} by now, so it is not discarded.")
        _refuse_while_writing(found)
        found.delete()
        if found.replaces_same_user:
            Connector.objects.filter(pk=found.connector_id).update(gap_since=None)
        entry("credential.discarded", found, actor, f"Discarded the pending {named(found)}.")


def set_owners(
    credential: Credential,
    *,
    owner: Person | None,
    backup_owner: Person | None,
    expires_on: date | None,
    actor: Person,
) -> None:
    """Whose it is and until when it is good; of a current or pending one."""
    with transaction.atomic():
        found = locked(credential.uuid)
        if found.stage == Stage.PREVIOUS:
            raise Refused("A previous credential is about to be destroyed: its owners stay as they are.")
        wanted = {"owner": owner, "backup_owner": backup_owner, "expires_on": expires_on}
        changed = {name: value for name, value in wanted.items() if getattr(found, name) != value}
        if not changed:
            return
        if "expires_on" in changed:
            checks.refuse_past(expires_on)
        _refuse_owners(changed, owner, backup_owner)
        words = ", ".join(f"{name.replace('_', '-')} {value or 'none'}" for name, value in changed.items())
        for name, value in changed.items():
            setattr(found, name, value)
        found.save(update_fields=list(changed))
        facts = {name: str(value) if value else None for name, value in changed.items()}
        entry("credential.owners_changed", found, actor, f"Set of the {named(found)}: {words}.", changed=facts)


def _refuse_owners(changed: Collection[str], owner: Person | None, backup_owner: Person | None) -> None:
    if "owner" in changed and owner is not None and not owner.is_active:
        raise Refused(f"{owner} is deactivated: choose another owner.")
    if "owner" in changed or "backup_owner" in changed:
        checks.refuse_backup_owner(backup_owner, owner)


def try_again(credential: Credential, *, actor: Person) -> None:
    """Let a refused credential be sent once more, after its account has been mended in the remote system."""
    with transaction.atomic():
        found = locked(credential.uuid)
        if found.refused_status is None:
            raise Refused(f"The {named(found)} was not refused: there is nothing to try again.")
        Credential.objects.filter(pk=found.pk).update(refused_status=None, last_answer="")
        if found.stage == Stage.CURRENT:
            Connector.objects.filter(pk=found.connector_id).update(last_error=last_error(found.connector))
            runner.start(found.connector, JobKind.WATCH, actor=actor, subject=found.system)
        entry("credential.tried_again", found, actor, f"Let the {named(found)} be tried again after a refusal.")
