"""What a person had a part in lately: how many changes of mappings as each of the four, and where the history has them.

By the person's number, as the rows have it: names are shared, and change.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from alignadmin.accounts.extensions import PartOfPerson, PersonChanges
from alignadmin.accounts.models import Person
from connectors.align.audit_sentences import CREATED, DELETED, UPDATED
from connectors.history.search.people_terms import PARTS, is_part
from connectors.history.search.periods import MINUTE
from connectors.history.search.query_language import KINDS, Term
from connectors.models import HistoryRow

DAYS = 90
DONE = (CREATED, UPDATED, DELETED)
LABELS = {
    "actor": "Any part",
    "author": "Author",
    "planner": "Planned",
    "approver": "Approved",
    "applier": "Applied",
}


def changes_of(person: Person) -> PersonChanges:
    """In one query. Each part leads to exactly the rows that it counts: what was done in Align, probes included."""
    since = (timezone.now() - timedelta(days=DAYS)).replace(second=0, microsecond=0)
    rows = HistoryRow.objects.filter(at__gte=since, kind__in=KINDS, action__in=DONE)
    parts = {name: Count("pk", filter=is_part(columns, person.pk)) for name, columns in PARTS.items()}
    counts = rows.filter(is_part(PARTS["actor"], person.pk)).aggregate(**parts)
    changes = [Term(name="action", value=action) for action in DONE] + [Term(name="kind", value=kind) for kind in KINDS]
    recent = Term(name="since", value=f"{since:{MINUTE}}")
    return PersonChanges(
        days=DAYS,
        parts=[
            PartOfPerson(
                label=label,
                changes=counts[name],
                address=_address(Term(name=name, value=f"#{person.pk}"), *changes, recent),
            )
            for name, label in LABELS.items()
        ],
        address=_address(Term(name="actor", value=f"#{person.pk}"), recent),
    )


def _address(*terms: Term) -> str:
    return f"{reverse('history')}?{urlencode({'q': ' '.join(map(str, terms))})}"
