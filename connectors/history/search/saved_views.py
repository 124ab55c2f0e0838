"""Searches of the history that people keep under a name, for themselves or for everybody who sees the history."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from connectors.history.search import query_language
from connectors.models import SavedView

MOST = 50  # of one person
LONGEST_NAME, LONGEST_QUERY = 80, 4000


@dataclass(frozen=True, kw_only=True)
class SavedViewLine:
    """A view as it stands in a list."""

    view: SavedView
    is_own: bool

    @property
    def address(self) -> str:
        return f"{reverse('history')}?{urlencode({'q': self.view.query})}"


def seen_by(person: Person) -> list[SavedViewLine]:
    """One's own first, then what others share."""
    found = SavedView.objects.filter(Q(person=person) | Q(shared=True, person__is_active=True)).select_related("person")
    shown = [SavedViewLine(view=view, is_own=view.person_id == person.pk) for view in found.order_by("name", "pk")]
    return sorted(shown, key=lambda each: not each.is_own)


def of(person: Person) -> QuerySet[SavedView]:
    return SavedView.objects.filter(person=person)


def save(name: str, query: str, *, shared: bool, actor: Person) -> SavedView:
    """Keep a search. Raises Refused."""
    name, query = _name(name), _query(query)
    with transaction.atomic():
        Person.objects.locked().get(pk=actor.pk)  # two tabs at once would pass the count together
        if of(actor).count() >= MOST:
            raise Refused(f"You have {MOST} saved searches, which is the most: delete one first.")
        return _stored(SavedView(person=actor, name=name, query=query, shared=shared, created_at=timezone.now()))


def change(view: SavedView, name: str, *, shared: bool) -> SavedView:
    """Give one's own view another name, or share it or not. Raises Refused."""
    view.name, view.shared = _name(name), shared
    return _stored(view)


def _stored(view: SavedView) -> SavedView:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        raise Refused(f"You have a saved search named “{view.name}” already: choose another name.") from error
    return view


def _name(text: str) -> str:
    name = " ".join(text.replace("\x00", " ").split())
    if not name:
        raise Refused("The search needs a name.")
    if len(name) > LONGEST_NAME:
        raise Refused(f"The name has {len(name)} characters; it may have {LONGEST_NAME}.")
    return name


def _query(text: str) -> str:
    wanted = query_language.parse(text)
    if troubles := query_language.trouble(wanted):
        raise Refused(f"This search is not understood, so it was not saved. {' '.join(troubles)}")
    query = query_language.write(wanted)
    if len(query) > LONGEST_QUERY:
        raise Refused(f"The search has {len(query)} characters; one that is saved may have {LONGEST_QUERY}.")
    return query
