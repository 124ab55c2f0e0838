"""What an admin does: making a link for the owner of a token, looking whether one is open, and withdrawing it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from alignadmin.mail.outbox import in_product
from connectors.credentials.owner_links import links
from connectors.credentials.rotation import fitting_kinds
from connectors.models import Connector, Credential, LinkOutcome, OwnerLink, Stage, System
from connectors.ports.connected import lock_connected

TOKEN_BYTES = 32
LONGEST_NAME = 80


@dataclass(frozen=True, kw_only=True)
class AskedOwner:
    """Who is asked for what."""

    asked: str
    kind: str
    user: str = ""


def make(connector: Connector, system: System, wanted: AskedOwner, *, actor: Person) -> str:
    """The address to send to the owner, which is shown this once. Raises Refused while one is open, or not needed."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now = timezone.now()
    with transaction.atomic():
        held = lock_connected(connector)
        if not held.is_active:
            raise Refused(f"{held} is deactivated, so it needs no credential. Activate it first.")
        if Credential.objects.filter(connector=held, system=system, stage=Stage.PENDING).exists():
            raise Refused("A new credential waits here already. Switch to it or discard it before you ask for another.")
        if wanted.kind not in fitting_kinds(held, system):
            raise Refused("This site does not take that sign-in: choose another.")
        links.end_over_at(held, now)
        if link := open_link(held, system):
            raise Refused(f"{link.asked} was asked already, and that link still works. Withdraw it first.")
        link = OwnerLink.objects.create(
            connector=held,
            system=system,
            site=links.site_of(held, system),
            kind=wanted.kind,
            user=wanted.user,
            asked=wanted.asked,
            token_hash=links.hash_of(token),
            made_by=actor,
            made_at=now,
            ends_at=now + links.LASTS,
        )
        links.entry("made", link, actor, f"Made a {links.words_of(link)}.")
    return in_product(reverse("owner-link", args=[token]))


def open_link(connector: Connector, system: System) -> OwnerLink | None:
    """Which works now."""
    link = links.open_links().filter(connector=connector, system=system).first()
    return link if link and links.works(link, timezone.now()) else None


def withdraw(connector: Connector, system: System, link: int, *, actor: Person) -> None:
    """`link` is the key of the one that the person saw. Raises Refused for another one, and for one that is over."""
    with transaction.atomic():
        Connector.objects.locked().get(pk=connector.pk)
        found = open_link(connector, system)
        if found is None:
            raise Refused("No link is open: it was used, has ended, or somebody withdrew it.")
        if found.pk != link:
            raise Refused("Another link is open by now: look at it before you withdraw it.")
        links.end(found, LinkOutcome.WITHDRAWN, actor, f"Withdrew the {links.words_of(found)}.")
