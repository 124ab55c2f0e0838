"""Which rows of a week are a person's own changes: nobody signs a week off in which there is one."""

from __future__ import annotations

import json

from django.db.models import Exists, OuterRef, Q, QuerySet

from connectors.audit import weeks
from connectors.audit.models import Entry, HistoryRow
from connectors.audit.weeks import Week
from connectors.models.person import Person

# What a reviewer does as such, and what everybody does with their own account, changes nothing that is reviewed.
REVIEWING = ("history.", "question.", "case.", "log.", "pack.", "schedule.", "view.")
MOST = 20  # are named


def own_changes(person: Person, week: Week) -> list[HistoryRow]:
    """The first rows of the week of which they are the person, the approver or the applier (who is the row's person).

    The user of a line of Align's log is compared by name, since the log has nothing else.
    """
    rows = weeks.rows_of(week).exclude(_no_changes(person))
    theirs = rows.filter(_by_name(person)).order_by("at", "id")[:MOST]
    approved = rows.exclude(approver_name="").filter(Exists(_approvals(person))).order_by("at", "id")[:MOST]
    found = {row.pk: row for row in [*theirs, *approved]}
    return sorted(found.values(), key=lambda row: (row.at, row.pk))[:MOST]


def _by_name(person: Person) -> Q:
    at_align = Q(person_name__iexact=person.email)
    named = Q(person_email=person.email) | Q(approver_name=str(person))
    if person.name:
        at_align |= Q(person_name__iexact=person.name)
    return named | (Q(entry_seq=None) & at_align)


def _approvals(person: Person) -> QuerySet[Entry]:
    """By the entry, since the row has no more of an approver than a name, which may have been changed."""
    stated = f'"approver":{{"email":{json.dumps(person.email)},'
    return Entry.objects.filter(seq=OuterRef("entry_seq"), body__contains=stated)


def _no_changes(person: Person) -> Q:
    found = Q(action__startswith="person.", object_name=f"person {person.pk}")
    for prefix in REVIEWING:
        found |= Q(action__startswith=prefix)
    return found
