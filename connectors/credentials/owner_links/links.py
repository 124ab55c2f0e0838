"""What a link for the owner of a token is: when it works, how it ends, and the entries about it.

A link is good once, for an hour, for five refused tries, for the site that it was made for, and only while whoever made
it could still stage a credential themselves. Which of these a dead one failed is told to nobody but the history.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import due_work
from connectors.credentials.rotation import fitting_kinds
from connectors.models import Connector, LinkOutcome, OwnerLink, System
from connectors.ports.audited import context_of

LASTS = timedelta(hours=1)
MOST_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class End:
    """`words` complete "The link for Ines to store a new Jira credential ..."."""

    outcome: LinkOutcome
    words: str


OF_AGE = End(outcome=LinkOutcome.EXPIRED, words="expired unused")
OF_ITS_MAKER = End(outcome=LinkOutcome.VOID, words="ended: whoever made it may no longer store credentials")
DISCONNECTED = End(outcome=LinkOutcome.WITHDRAWN, words="ended: its connector was disconnected")
MOVED = End(outcome=LinkOutcome.VOID, words="ended: its connector leads to another site by now")


def hash_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def site_of(connector: Connector, system: str) -> str:
    return connector.align_site if system == System.ALIGN else connector.jira_site


def open_links() -> QuerySet[OwnerLink]:
    return OwnerLink.objects.filter(outcome=LinkOutcome.OPEN).select_related("connector", "made_by")


def works(link: OwnerLink, now: datetime) -> bool:
    """While its connector is deactivated it waits."""
    return link.outcome == LinkOutcome.OPEN and link.connector.is_active and why_over(link, now) is None


def why_over(link: OwnerLink, now: datetime) -> End | None:
    """Of one whose end is not stored yet."""
    if link.ends_at <= now:
        return OF_AGE
    if not may(link.made_by, Right.CONFIGURE):
        return OF_ITS_MAKER
    is_here = link.site == site_of(link.connector, link.system)
    return None if is_here and link.kind in fitting_kinds(link.connector, System(link.system)) else MOVED


# --- its end ----------------------------------------------------------------------------------------------------------


@due_work
def end_over() -> int:
    """So that the history says of each link how it ended."""
    now = timezone.now()
    connectors = {link.connector_id for link in open_links() if why_over(link, now)}
    return sum(_end_over_of(connector, now) for connector in sorted(connectors))


def _end_over_of(connector: int, now: datetime) -> int:
    with transaction.atomic():
        held = Connector.objects.locked().filter(pk=connector).first()
        return end_over_at(held, now) if held else 0


def end_over_at(connector: Connector, now: datetime) -> int:
    """Behind the connector's row."""
    over = [(link, why) for link in open_links().filter(connector=connector) if (why := why_over(link, now))]
    for link, why in over:
        _end_with(link, why, None)
    return len(over)


def end_moved(connector: Connector, systems: Collection[System], *, actor: Person) -> None:
    """The connector leads elsewhere: what was asked for belongs to the site before. Behind its row."""
    for link in open_links().filter(connector=connector, system__in=systems):
        _end_with(link, MOVED, actor)


def end_disconnected(connector: Connector, *, actor: Person) -> int:
    """The connector takes no credential any more; how many were open. Behind its row."""
    open_now = list(open_links().filter(connector=connector))
    for link in open_now:
        _end_with(link, DISCONNECTED, actor)
    return len(open_now)


def _end_with(link: OwnerLink, why: End, actor: Person | None) -> None:
    end(link, why.outcome, actor, f"The {words_of(link)} {why.words}.")


def end(link: OwnerLink, outcome: LinkOutcome, actor: Person | None, sentence: str, **data: object) -> None:
    link.outcome = outcome
    link.save(update_fields=["outcome", "used_in"])
    entry(outcome.value.replace("-", "_"), link, actor, sentence, **data)


def words_of(link: OwnerLink) -> str:
    """Names the system like every sentence about a credential: the page of a credential finds its history by that."""
    return f"link for {link.asked} to store a new {System(link.system).label} credential"


def entry(step: str, link: OwnerLink, actor: Person | None, sentence: str, **data: object) -> None:
    """To be the last statement of the act's transaction."""
    facts = {
        "system": link.system,
        "site": link.site,
        "kind": link.kind,
        "user": link.user,
        "asked": link.asked,
        "made_by": link.made_by.email if link.made_by else None,
        "ends_at": link.ends_at.isoformat(),
    }
    trail.record(
        AuditRecord(
            action=f"credential.link_{step}",
            actor=actor,
            context=context_of(link.connector),
            subject=f"owner link {link.pk}",
            sentence=sentence,
            data=facts | data,
        )
    )
