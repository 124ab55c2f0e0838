"""Making a link for the owner of a token, ending it, and storing what its owner enters.

A link is good once, for an hour, for five refused tries, and only while whoever made it could still stage a credential
themselves. Which of these a dead one failed is told to nobody but the history.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import ROLE_RIGHTS, Right
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work
from alignadmin.errors import Refused
from connectors.credentials import rotation
from connectors.credentials.values import SecretData
from connectors.models import Connector, Credential, LinkOutcome, OwnerLink, Stage, System
from connectors.ports.audited import context_of

TOKEN_BYTES = 32
LASTS = timedelta(hours=1)
MOST_TRIES = 5
LONGEST_NAME = 80
MAKERS = frozenset(role for role, rights in ROLE_RIGHTS.items() if Right.CONFIGURE in rights)
DEAD = "This link does not work: it was used, has expired, or was withdrawn. Ask whoever sent it for a new one."
WAITS = (
    "Nothing was stored: another new credential waits here for a decision. Tell {name}, who sent you this link; it "
    "works again once they have decided, until its hour is over."
)


class NotNow(Refused):
    """Refused for a reason that is not the owner's: it is not counted as a try."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Who is asked for what."""

    asked: str
    kind: str
    user: str = ""


# --- what an admin does -----------------------------------------------------------------------------------------------


def make(connector: Connector, system: System, wanted: Request, *, actor: Person) -> str:
    """The address to send to the owner, which is shown this once. Raises Refused while one is open, or not needed."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        owner = Connector.objects.locked().get(pk=connector.pk)
        if not owner.is_active:
            raise Refused(f"{owner} is deactivated, so it needs no credential. Activate it first.")
        _end_expired(_open_links().filter(connector=owner))
        if Credential.objects.filter(connector=owner, system=system, stage=Stage.PENDING).exists():
            raise Refused("A new credential waits here already. Switch to it or discard it before you ask for another.")
        if link := open_link(owner, system):
            raise Refused(f"{link.asked} was asked already, and that link still works. Withdraw it first.")
        if wanted.kind not in rotation.fitting_kinds(owner, system):
            raise Refused("This site does not take that sign-in: choose another.")
        now = timezone.now()
        link = OwnerLink.objects.create(
            connector=owner,
            system=system,
            kind=wanted.kind,
            user=wanted.user,
            asked=wanted.asked,
            token_hash=_hash(token),
            made_by=actor,
            made_at=now,
            ends_at=now + LASTS,
        )
        _entry("made", link, actor, f"Made a link for {link.asked} to store a new {system.label} credential.")
    return str(settings.PUBLIC_ADDRESS).rstrip("/") + reverse("owner-link", args=[token])


def open_link(connector: Connector, system: System) -> OwnerLink | None:
    """Which still works, for the pages of admins."""
    found = _open_links().filter(connector=connector, system=system, ends_at__gt=timezone.now())
    return found.select_related("made_by").first()


def withdraw(connector: Connector, system: System, *, actor: Person) -> None:
    with transaction.atomic():
        Connector.objects.locked().get(pk=connector.pk)
        link = open_link(connector, system)
        if link is None:
            raise Refused("No link is open: it was used, has expired, or somebody withdrew it.")
        _end(link, LinkOutcome.WITHDRAWN, actor, f"Withdrew the link for {link.asked}.")


# --- what its owner does ----------------------------------------------------------------------------------------------


def found(token: str) -> OwnerLink | None:
    """The link of this token while it works. One query, the same whether it never was, was used or is over."""
    works = _open_links().filter(
        token_hash=_hash(token),
        ends_at__gt=timezone.now(),
        connector__is_active=True,
        made_by__is_active=True,
        made_by__role__in=MAKERS,
    )
    return works.select_related("connector", "made_by").first()


def store(token: str, secret: SecretData, *, replaces_same_user: bool) -> Credential:
    """Seal it as pending; nothing uses it before an admin probes it and switches. Raises Refused, NotNow."""
    with transaction.atomic():
        link = _locked(token)
        if Credential.objects.filter(connector=link.connector, system=link.system, stage=Stage.PENDING).exists():
            raise NotNow(WAITS.format(name=link.made_by))
        staging = rotation.Staging(
            reason=f"{link.asked} entered it through a link that {link.made_by} made.",
            replaces_same_user=replaces_same_user,
        )
        fixed = replace(secret, kind=link.kind, user=link.user or secret.user)
        pending = rotation.stage(link.connector, fixed, staging, actor=None, owner=link.made_by)
        _end(link, LinkOutcome.USED, None, f"{link.asked} used the link that {link.made_by} made.")
    return pending


def count_try(token: str) -> int:
    """A refused one; returns how many are left. The last one ends the link."""
    with transaction.atomic():
        link = _locked(token)
        link.tries += 1
        link.save(update_fields=["tries"])
        left = MOST_TRIES - link.tries
        if left <= 0:
            said = f"The link for {link.asked} ended: what was entered was refused {MOST_TRIES} times."
            _end(link, LinkOutcome.WORN_OUT, None, said)
        else:
            said = f"What was entered through the link for {link.asked} was refused: {link.tries} of {MOST_TRIES}."
            _entry("refused", link, None, said)
    return max(left, 0)


def _locked(token: str) -> OwnerLink:
    """Behind its connector's row, so that of two that come at once one is first. Raises Refused."""
    seen = found(token)
    connector = Connector.objects.locked().filter(pk=seen.connector_id).first() if seen else None
    link = found(token)
    if connector is None or link is None:
        raise Refused(DEAD)
    link.connector = connector
    return link


# --- its end ----------------------------------------------------------------------------------------------------------


@due_work
def end_expired() -> int:
    """So that the history says of each link how it ended."""
    over = _open_links().filter(ends_at__lte=timezone.now())
    connectors = over.values_list("connector", flat=True).distinct()
    return sum(_end_expired_of(connector) for connector in list(connectors))


def _end_expired_of(connector: int) -> int:
    with transaction.atomic():
        if not Connector.objects.locked().filter(pk=connector).exists():
            return 0
        return _end_expired(_open_links().filter(connector=connector))


def _end_expired(links: QuerySet[OwnerLink]) -> int:
    over = list(links.filter(ends_at__lte=timezone.now()).select_related("connector"))
    for link in over:
        _end(link, LinkOutcome.EXPIRED, None, f"The link for {link.asked} expired unused.")
    return len(over)


def _open_links() -> QuerySet[OwnerLink]:
    return OwnerLink.objects.filter(outcome=LinkOutcome.OPEN)


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _end(link: OwnerLink, outcome: LinkOutcome, actor: Person | None, sentence: str) -> None:
    link.outcome = outcome
    link.save(update_fields=["outcome"])
    _entry(outcome.value.replace("-", "_"), link, actor, sentence)


def _entry(step: str, link: OwnerLink, actor: Person | None, sentence: str) -> None:
    """To be the last statement of the act's transaction."""
    trail.record(
        AuditRecord(
            action=f"credential.link_{step}",
            actor=actor,
            context=context_of(link.connector),
            subject=f"owner link {link.pk}",
            sentence=sentence,
            data={
                "system": link.system,
                "kind": link.kind,
                "asked": link.asked,
                "made_by": link.made_by.email if link.made_by else None,
                "ends_at": link.ends_at.isoformat(),
            },
        )
    )
