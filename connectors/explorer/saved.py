"""Queries that people keep under a name, for themselves or for all who may use the connector's explorer."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from connectors.align.query import read_query
from connectors.models import Connector, SavedQuery

MOST = 50  # of one person, at one connector
LONGEST_NAME, LONGEST_QUERY = 80, 6000  # a saved query stands in an address


@dataclass(frozen=True, kw_only=True)
class SavedQueryLine:
    """One as it stands in a list."""

    query: SavedQuery
    is_own: bool

    @property
    def address(self) -> str:
        return f"{reverse('explorer', args=[self.query.connector.slug])}?{urlencode({'q': self.query.query})}"


def seen_by(person: Person, connector: Connector) -> list[SavedQueryLine]:
    """One's own first, then what others share."""
    visible = Q(person=person) | Q(shared=True, person__is_active=True)
    found = SavedQuery.objects.filter(visible, connector=connector).select_related("person", "connector")
    shown = [SavedQueryLine(query=each, is_own=each.person_id == person.pk) for each in found.order_by("name", "pk")]
    return sorted(shown, key=lambda each: not each.is_own)


def of(person: Person, connector: Connector) -> QuerySet[SavedQuery]:
    return SavedQuery.objects.filter(person=person, connector=connector)


def save(connector: Connector, name: str, query: str, *, shared: bool, actor: Person) -> SavedQuery:
    """Keep a query that can be read. Raises Refused, QueryRefused among them."""
    name, text = _name(name), read_query(query).text()
    if len(text) > LONGEST_QUERY:
        raise Refused(f"The query has {len(text):,} characters; one that is saved may have {LONGEST_QUERY:,}.")
    with transaction.atomic():
        Person.objects.locked().get(pk=actor.pk)  # two tabs at once would pass the count together
        if of(actor, connector).count() >= MOST:
            raise Refused(f"You have {MOST} saved queries of this connector, which is the most: delete one first.")
        made = SavedQuery(connector=connector, person=actor, name=name, query=text, shared=shared)
        made.created_at = timezone.now()
        try:
            with transaction.atomic():
                made.save()
        except IntegrityError as error:
            raise Refused(f"You have a saved query named “{name}” already: choose another name.") from error
    return made


def _name(text: str) -> str:
    name = " ".join(text.replace("\x00", " ").split())
    if not name:
        raise Refused("The query needs a name.")
    if len(name) > LONGEST_NAME:
        raise Refused(f"The name has {len(name)} characters; it may have {LONGEST_NAME}.")
    return name
