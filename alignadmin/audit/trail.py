"""Our own trail: acts are appended to one gapless hash chain, in the transaction of the act they record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from django.db import connection
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import noting
from alignadmin.audit.bulk_insert import insert
from alignadmin.audit.models import ChainHead, Entry
from connectors.align.audit_sentences import MappingEvent
from connectors.history.mirror import matching, projection
from connectors.models import HistoryRow
from connectors.models.connector import Connector

START = "0" * 64
TAG = b"alignadmin.audit.v1"
CHANGE_SENT, CHANGE_DONE, CREDENTIAL_USED = "change.sent", "change.done", "credential.used"
LOG_READ, LOG_TAKEN_IN, LOG_WITHDRAWN = "log.read", "log.taken-in", "log.withdrawn"
# `change.sent` is the journal of a request on its way; its outcome is the row people read. Every minute's intake uses
# a secret and may bring lines, and such rows would drown all others.
WITHOUT_ROW = frozenset({CHANGE_SENT, CREDENTIAL_USED, LOG_READ})


class Head(NamedTuple):
    """Where the chain ends: the last entry's sequence number and its hash."""

    seq: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class PersonCopy:
    """Somebody as they were when they did it: an entry about it may be written much later."""

    id: int
    name: str
    email: str
    role: str


Somebody: TypeAlias = "Person | PersonCopy | None"


@dataclass(frozen=True, kw_only=True)
class Act:
    """What somebody did. `actor` is None only for the product itself; `happened_at` is for acts told late.

    Of a change the actor is who applies it. `author` is who decided on the value, `earlier` are those whose values of
    the same mapping it replaced since that was last in sync, `planner` is who put it into a plan.
    """

    action: str  # dotted lower-case words: change.done, plan.approved
    actor: Person | None
    connector: Connector | None
    subject: str
    sentence: str
    data: Mapping[str, Any] = field(default_factory=dict)
    event: MappingEvent | None = None
    plan: int | None = None
    project_key: str = ""
    author: Somebody = None
    earlier: Sequence[PersonCopy] = ()
    planner: Somebody = None
    approver: Person | None = None
    reason: str = ""
    ticket: str = ""
    happened_at: datetime | None = None  # when Align was written to, if a settled change is told only now


def append(
    action: str,
    *,
    actor: Person | None,
    connector: Connector | None,
    subject: str,
    sentence: str,
    data: Mapping[str, Any] | None = None,
    event: MappingEvent | None = None,
    plan: int | None = None,
    project_key: str = "",
    author: Somebody = None,
    planner: Somebody = None,
    approver: Person | None = None,
    reason: str = "",
    ticket: str = "",
    happened_at: datetime | None = None,
) -> Entry:
    """Append one act as the last statement of the caller's `transaction.atomic()` block."""
    act = Act(
        action=action,
        actor=actor,
        connector=connector,
        subject=subject,
        sentence=sentence,
        data=data or {},
        event=event,
        plan=plan,
        project_key=project_key,
        author=author,
        planner=planner,
        approver=approver,
        reason=reason,
        ticket=ticket,
        happened_at=happened_at,
    )
    return append_many([act])[0]


def append_many(acts: Sequence[Act]) -> list[Entry]:
    """Append acts in their order, as the last statement of the caller's `transaction.atomic()` block."""
    if not acts:
        return []
    head = lock_head()
    now = timezone.now()
    entries = []
    for act in acts:
        seq, prev = head.seq + 1, head.hash
        body = canonical(_body(act, seq=seq, at=now))
        entry = Entry(seq=seq, prev=prev, hash=digest(prev, body), body=body, at=now, action=act.action)
        head = Head(seq=entry.seq, hash=entry.hash)
        entries.append(entry)
    insert(entries)
    _move_head(head)
    _project(entries)
    noting.note(entries)
    return entries


# Every act waits for the head, and Django takes ten times as long to put such a statement together as a database to
# run it: hence plain SQL here, and where the join looks whether it has anything to do.


def lock_head() -> Head:
    """The row behind which appends and intakes queue until the transaction ends."""
    if not connection.in_atomic_block:
        raise RuntimeError("An audit entry is appended in the transaction of the act it records.")
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT seq, hash FROM {ChainHead._meta.db_table} WHERE id = 1{lock}")  # noqa: S608  # nosec B608
        found = cursor.fetchone()
    if found is None:
        ChainHead.objects.bulk_create([ChainHead(pk=1)], ignore_conflicts=True)
        return lock_head()
    return Head(*found)


def _move_head(head: Head) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {ChainHead._meta.db_table} SET seq = %s, hash = %s WHERE id = 1", head)  # noqa: S608  # nosec B608


def digest(prev: str, body: str) -> str:
    """Lengths are hashed too, so that no two pairs of `prev` and `body` are the same bytes."""
    parts = (prev.encode(), body.encode())
    return hashlib.sha256(TAG + b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()


def canonical(body: Mapping[str, Any]) -> str:
    """The stored text is what is hashed. It is plain ASCII, so no database or encoding can alter it."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def row_of(entry: Entry | projection.EntryText, *, is_told: bool = False) -> HistoryRow | None:
    """The entry as the history pages show it; None for an act they do not show."""
    return None if entry.action in WITHOUT_ROW else projection.of_entry(entry, is_told=is_told)


def _body(act: Act, *, seq: int, at: datetime) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": at.isoformat(),
        "action": act.action,
        "actor": _person(act.actor),
        "approver": _person(act.approver),
        "people": _people(act),
        "connector": _connector(act.connector),
        "subject": act.subject,
        "sentence": act.sentence,
        "plan": act.plan,
        "project_key": act.project_key,
        "reason": act.reason,
        "ticket": act.ticket,
        "happened_at": act.happened_at.isoformat() if act.happened_at else None,
        "event": vars(act.event) if act.event else None,
        "data": dict(act.data),
    }


def _people(act: Act) -> dict[str, Any] | None:
    if not (act.author or act.planner or act.earlier):
        return None
    earlier = [_person(each) for each in act.earlier]
    return {"author": _person(act.author), "planner": _person(act.planner), "earlier": earlier}


def _person(person: Somebody) -> dict[str, Any] | None:
    if person is None:
        return None
    return {"id": person.id, "name": person.name, "email": person.email, "role": person.role}


def copy_of(person: Person) -> PersonCopy:
    return PersonCopy(id=person.pk, name=person.name, email=person.email, role=person.role)


def _connector(connector: Connector | None) -> dict[str, Any] | None:
    if connector is None:
        return None
    return {
        "id": connector.pk,
        "slug": connector.slug,
        "name": connector.name,
        "align_site": connector.align_site,
        "align_connector_id": connector.align_connector_id,
    }


def _project(entries: Iterable[Entry]) -> None:
    made = insert([row for entry in entries if (row := row_of(entry))])
    matching.after_ours(made)
