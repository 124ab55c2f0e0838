"""Searches of the history that people keep under a name, for themselves or shared with others.

What whoever sees all of it looks for, and in which words, tells of what others do not see, as an inquiry into somebody
does: what they share is shared with those who see as much, and stays so when their own role changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from alignadmin.accounts import saved_names
from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from connectors.history.search import query_language
from connectors.models import SavedView

MOST = 50  # of one person
LONGEST_QUERY = 4000


@dataclass(frozen=True, kw_only=True)
class SavedViewLine:
    """A view as it stands in a list."""

    view: SavedView
    is_own: bool

    @property
    def address(self) -> str:
        return f"{reverse('history')}?{urlencode({'q': self.view.query})}"

    @property
    def audience(self) -> str:
        return _audience(restricted=self.view.restricted)


def audience(person: Person) -> str:
    """Who sees what the person shares, in words."""
    return _audience(restricted=may(person, Right.HISTORY))


def _audience(*, restricted: bool) -> str:
    return "reviewers and admins" if restricted else "everybody who sees the history"


def seen_by(person: Person) -> list[SavedViewLine]:
    """One's own first, then what others share."""
    found = SavedView.objects.filter(saved_names.seen_by(person)).select_related("person")
    if not may(person, Right.HISTORY):
        found = found.filter(Q(person=person) | Q(restricted=False))
    shown = [SavedViewLine(view=view, is_own=view.person_id == person.pk) for view in found.order_by("name", "pk")]
    return sorted(shown, key=lambda each: not each.is_own)


def of(person: Person) -> QuerySet[SavedView]:
    return SavedView.objects.filter(person=person)


def save(name: str, query: str, *, shared: bool, actor: Person) -> SavedView:
    """Keep a search. Raises Refused."""
    name, query = saved_names.name_in(name, what="search"), _query(query)
    with transaction.atomic():
        Person.objects.locked().get(pk=actor.pk)  # two tabs at once would pass the count together
        if of(actor).count() >= MOST:
            raise Refused(f"You have {MOST} saved searches, which is the most: delete one first.")
        made = SavedView(person=actor, name=name, query=query, shared=shared, created_at=timezone.now())
        made.restricted = may(actor, Right.HISTORY)
        return saved_names.store(made, name, what="search")


def change(view: SavedView, name: str, *, shared: bool) -> SavedView:
    """Give one's own view another name, or share it or not. Raises Refused."""
    view.name, view.shared = saved_names.name_in(name, what="search"), shared
    view.restricted |= may(view.person, Right.HISTORY)
    return saved_names.store(view, view.name, what="search")


def _query(text: str) -> str:
    wanted = query_language.parse(text)
    if troubles := query_language.trouble(wanted):
        raise Refused(f"This search is not understood, so it was not saved. {' '.join(troubles)}")
    query = query_language.write(wanted)
    if len(query) > LONGEST_QUERY:
        raise Refused(f"The search has {len(query)} characters; one that is saved may have {LONGEST_QUERY}.")
    return query
