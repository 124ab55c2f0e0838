"""The contract fact that remembers whether a write had to carry the project's key."""

from __future__ import annotations

from django.utils import timezone

from mappings.edits.key_on_write import PROJECT_KEY
from mappings.models import Change, ContractFact


def store_key_fact(change: Change) -> None:
    """Within the caller's commit, whose entry about the change says how it was sent."""
    found = ContractFact.objects.filter(connector=change.plan.connector, family=change.family, name=PROJECT_KEY)
    fact = found.first() or ContractFact(
        connector=change.plan.connector, family=change.family, name=PROJECT_KEY, value={}
    )
    before, fact.value = fact.value, {**fact.value, change.method: change.carries_key}
    now = timezone.now()
    if before.get(change.method) not in (None, change.carries_key):
        fact.before, fact.changed_at = before, now
    fact.seen_at = now
    fact.save()
