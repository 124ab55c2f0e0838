"""Notes that a reviewer prepares while a week is still running. Nobody else reads one, and none is an entry: nothing is
said by it until it is signed.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.audit.entries import lock_head
from alignadmin.errors import Refused
from alignadmin.parsing import plain
from connectors.history.reviews import week_counts
from connectors.history.reviews.notes import lines_of_browser, refuse_long_note
from connectors.history.reviews.weeks import Week
from connectors.models import ReviewDraft


def keep(week: Week, note: str, *, actor: Person) -> bool:
    """In place of the one before; an empty one is none. Whether there is one now. Raises Refused."""
    note = lines_of_browser(plain(note))
    refuse_long_note(note)
    with transaction.atomic():
        lock_head()  # nobody signs the week meanwhile
        if not may(Person.objects.filter(pk=actor.pk).first(), Right.REVIEW):
            raise Refused("You are no longer a reviewer. Nothing was kept.")
        line = week_counts.line_of(week, timezone.now())
        if note and line.is_over and not line.is_to_sign and line.review:
            raise Refused(f"{line.review.person_name} has signed this week meanwhile: it needs no other note.")
        if note:
            values = {"note": note, "kept_at": timezone.now()}
            ReviewDraft.objects.update_or_create(week=week.monday, person=actor, defaults=values)
        else:
            ReviewDraft.objects.filter(person=actor, week=week.monday).delete()
    return bool(note)


def notes_of(person: Person, chosen: Sequence[Week]) -> dict[Week, str]:
    found = ReviewDraft.objects.filter(person=person, week__in=[week.monday for week in chosen])
    return {Week(monday=monday): note for monday, note in found.values_list("week", "note")}


def forget(chosen: Sequence[Week]) -> None:
    """Of everybody: a week is signed once."""
    ReviewDraft.objects.filter(week__in=[week.monday for week in chosen]).delete()
