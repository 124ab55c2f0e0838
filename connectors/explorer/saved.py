"""Queries that people keep under a name, for themselves or for all who may use the connector's explorer."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from alignadmin.accounts import saved_names
from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from connectors.align.query import read_query
from connectors.models import Connector, SavedQuery

MOST = 50  # of one person, at one connector
LONGEST_QUERY = 6000  # a saved query stands in an address


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
    found = SavedQuery.objects.filter(saved_names.seen_by(person), connector=connector).select_related(
        "person", "connector"
    )
    shown = [SavedQueryLine(query=each, is_own=each.person_id == person.pk) for each in found.order_by("name", "pk")]
    return sorted(shown, key=lambda each: not each.is_own)


def of(person: Person, connector: Connector) -> QuerySet[SavedQuery]:
    return SavedQuery.objects.filter(person=person, connector=connector)


def save(connector: Connector, name: str, query: str, *, shared: bool, actor: Person) -> SavedQuery:
    """Keep a query that can be read. Raises Refused, QueryRefused among them."""
    name, text = saved_names.name_in(name, what="query"), read_query(query).text()
    if len(text) > LONGEST_QUERY:
        raise Refused(f"The query has {len(text):,} characters; one that is saved may have {LONGEST_QUERY:,}.")
    with transaction.atomic():
        Person.objects.locked().get(pk=actor.pk)  # two tabs at once would pass the count together
        if of(actor, connector).count() >= MOST:
            raise Refused(f"You have {MOST} saved queries of this connector, which is the most: delete one first.")
        made = SavedQuery(connector=connector, person=actor, name=name, query=text, shared=shared)
        made.created_at = timezone.now()
        return saved_names.store(made, name, what="query")


def change(found: SavedQuery, name: str, *, shared: bool) -> SavedQuery:
    """Give one's own query another name, or share it or not. Raises Refused."""
    found.name, found.shared = saved_names.name_in(name, what="query"), shared
    return saved_names.store(found, found.name, what="query")
