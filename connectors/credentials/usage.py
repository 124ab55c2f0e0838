"""Use of a secret, written down before it is opened: one entry per job and credential version, one per trial.

If the entry cannot be written, the secret stays sealed and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache
from django.db import connection, transaction

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from connectors.models import Credential, CredentialUse, Job, System
from connectors.ports.audited import CREDENTIAL_USED, context_of

USED, TESTED = CREDENTIAL_USED, "credential.tested"


def record_use(job: Job, credential: Credential) -> None:
    """A job that is taken over, or that comes back to a secret it had before, writes nothing twice."""
    # Durable: in the transaction of somebody else the entry could be undone after the secret was used.
    with _on_disk(), transaction.atomic(durable=True):
        _, is_first = CredentialUse.objects.get_or_create(
            job=job, credential_uuid=credential.uuid, version=credential.version
        )
        if is_first:
            _append(
                USED,
                credential,
                job.requested_by,
                f"Job {job.pk} ({job.kind}) used the {_named(credential)}.",
                job=job.pk,
                kind=job.kind,
            )


def record_connection_test(credential: Credential, *, actor: Person) -> None:
    """A person tries a stored secret from its page, without a job."""
    with transaction.atomic(durable=True):
        _append(TESTED, credential, actor, f"Tested the {_named(credential)}.")


def record_lookup(credential: Credential, *, actor: Person, what: str = "names") -> None:
    """A person has `what` looked up from a page, without a job."""
    with _on_disk(), transaction.atomic(durable=True):
        _append(USED, credential, actor, f"Looking up {what} used the {_named(credential)}.", kind="lookup")


def record_counting(credential: Credential, *, actor: Person) -> None:
    """A person has issues counted from a page, without a job: one entry for what is counted within ten minutes."""
    _record_often(credential, actor, "Counting issues", kind="count")


def record_explaining(credential: Credential, *, actor: Person) -> None:
    """A person has one issue or item explained by a page, without a job: one entry for those within ten minutes."""
    _record_often(credential, actor, "Explaining items", kind="explain")


def _record_often(credential: Credential, actor: Person, doing: str, *, kind: str) -> None:
    mark = f"{kind}|{actor.pk}|{credential.uuid}|{credential.version}"
    if cache.get(mark):
        return
    with _on_disk(), transaction.atomic(durable=True):
        _append(USED, credential, actor, f"{doing} used the {_named(credential)}.", kind=kind)
    cache.set(mark, True, 600)  # last: a mark without its entry would hide a use


def _named(credential: Credential) -> str:
    return f"{System(credential.system).label} credential, version {credential.version}, as it is {credential.stage}"


def _append(action: str, credential: Credential, actor: Person | None, sentence: str, **more: object) -> None:
    trail.record(
        AuditRecord(
            action=action,
            actor=actor,
            context=context_of(credential.connector),
            subject=f"credential {credential.uuid}",
            sentence=sentence,
            data={
                "system": credential.system,
                "stage": credential.stage,
                "version": credential.version,
                "fingerprint": credential.fingerprint,
                **more,
            },
        )
    )


@contextmanager
def _on_disk() -> Iterator[None]:
    """Threads of a pool do not wait for the disk with their commits (see connectors.jobs.threads); an entry has to."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:  # the ORM sets nothing of a connection
        cursor.execute("PRAGMA synchronous")
        before = cursor.fetchone()[0]
        cursor.execute("PRAGMA synchronous=FULL")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA synchronous={int(before)}")
