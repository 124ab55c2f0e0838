"""What people keep under a name, for themselves or shared with others: searches of the history, queries of Align."""

from __future__ import annotations

from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model, Q

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused

LONGEST_NAME = 80

Kept = TypeVar("Kept", bound=Model)


def seen_by(person: Person) -> Q:
    """One's own, and what others share who are still there."""
    return Q(person=person) | Q(shared=True, person__is_active=True)


def name_in(text: str, *, what: str) -> str:
    """`what` it is the name of, in one word. Raises Refused."""
    name = " ".join(text.replace("\x00", " ").split())
    if not name:
        raise Refused(f"The {what} needs a name.")
    if len(name) > LONGEST_NAME:
        raise Refused(f"The name has {len(name)} characters; it may have {LONGEST_NAME}.")
    return name


def store(row: Kept, name: str, *, what: str) -> Kept:
    """Raises Refused where its person has another of this name."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Refused(f"You have a saved {what} named “{name}” already: choose another name.") from error
    return row
