"""What the owner of a token does by a link: opening it, and storing the secret as a pending credential."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from connectors.credentials import rotation
from connectors.credentials.owner_links import links
from connectors.credentials.values import SecretData
from connectors.models import Connector, Credential, LinkOutcome, OwnerLink, Stage, System

DEAD = (
    "This link does not work: it was used, has expired, was withdrawn or refused too often, or this browser no longer "
    "knows it: open the link once more. If that does not help, ask whoever sent it for a new one."
)
WAITS = (
    "Nothing was stored: another new credential waits here for a decision. Tell {name}, who sent you this link; it "
    "works again once they have decided, until its hour is over."
)


class Dead(Refused):
    """The link does not work, or no longer."""


class NotNow(Refused):
    """Refused for a reason that is not the owner's: it is not counted as a try."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Who uses a link: a person if they happen to be signed in, the client's address, and the mark of the browser."""

    person: Person | None = None
    address: str = ""
    browser: str = ""


def with_hash(token_hash: str) -> OwnerLink | None:
    """The link, dead or not. One query, the same whether it never was, was used or is over."""
    return OwnerLink.objects.filter(token_hash=token_hash).select_related("connector", "made_by").first()


def found(token_hash: str) -> OwnerLink | None:
    """The link of this token while it works."""
    link = with_hash(token_hash)
    return link if link and links.works(link, timezone.now()) else None


def note_opened(link: OwnerLink, visit: Visit) -> None:
    """The first time is an entry."""
    with transaction.atomic():
        now = timezone.now()
        if OwnerLink.objects.filter(pk=link.pk, opened_at=None).update(opened_at=now):
            sentence = f"The {links.words_of(link)} was opened."
            links.entry("opened", link, visit.person, sentence, address=visit.address)


def store(token_hash: str, secret: SecretData, visit: Visit, *, replaces_same_user: bool) -> Credential:
    """Seal it as pending; nothing uses it before an admin probes it and switches. Raises Refused, Dead, NotNow."""
    try:
        with transaction.atomic():
            return _store(_locked(token_hash), secret, visit, replaces_same_user=replaces_same_user)
    except NotNow:
        with transaction.atomic():
            link = _locked(token_hash)
            said = f"What was entered by the {links.words_of(link)} was not stored: another one waits for a decision."
            links.entry("waited", link, visit.person, said, address=visit.address)
        raise


def _store(link: OwnerLink, secret: SecretData, visit: Visit, *, replaces_same_user: bool) -> Credential:
    if Credential.objects.filter(connector=link.connector, system=link.system, stage=Stage.PENDING).exists():
        raise NotNow(WAITS.format(name=link.made_by))
    who = f"{visit.person} entered it by the link for {link.asked}" if visit.person else f"{link.asked} entered it"
    how = f"that {link.made_by} made" if visit.person else f"by a link that {link.made_by} made"
    staging = rotation.Staging(reason=f"{who} {how}.", replaces_same_user=replaces_same_user)
    fixed = replace(secret, kind=link.kind, user=link.user or secret.user)
    pending = rotation.stage(link.connector, fixed, staging, actor=visit.person, owner=link.made_by)
    link.used_in = visit.browser
    said = f"{who} {how}: a new {System(link.system).label} credential."
    links.end(link, LinkOutcome.USED, visit.person, said, address=visit.address)
    return pending


def count_try(token_hash: str, visit: Visit) -> int:
    """A refused one; returns how many are left. The last one ends the link. Raises Dead."""
    with transaction.atomic():
        link = _locked(token_hash)
        link.tries += 1
        link.save(update_fields=["tries"])
        left = links.MOST_TRIES - link.tries
        what = links.words_of(link)
        if left <= 0:
            said = f"The {what} ended: what was entered was refused {links.MOST_TRIES} times."
            links.end(link, LinkOutcome.WORN_OUT, visit.person, said, address=visit.address)
        else:
            said = f"What was entered by the {what} was refused: {link.tries} of {links.MOST_TRIES}."
            links.entry("refused", link, visit.person, said, address=visit.address)
    return max(left, 0)


def _locked(token_hash: str) -> OwnerLink:
    """Behind its connector's row, so that of two that come at once one is first. Raises Dead."""
    seen = found(token_hash)
    connector = Connector.objects.locked().filter(pk=seen.connector_id).first() if seen else None
    link = found(token_hash) if connector else None
    if link is None:
        raise Dead(DEAD)
    return link
