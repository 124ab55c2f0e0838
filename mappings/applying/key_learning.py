"""What an answer shows of the project's key in a write, and the contract fact that remembers it."""

from __future__ import annotations

from django.utils import timezone

from alignadmin.http.errors import BadRequest, NotFound, RemoteError
from connectors.align.type_id_errors import names_type_id
from mappings.edits.key_on_write import PROJECT_KEY
from mappings.models import Change, ContractFact


def is_about_key(error: RemoteError) -> bool:
    """Whether the key may be why: a 409 is about another record, and some reasons say that it is something else."""
    if isinstance(error, NotFound):
        return True
    return isinstance(error, BadRequest) and error.status == 400 and not names_type_id(error.detail)


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
