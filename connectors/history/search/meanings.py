"""What a value of a qualifier means to the database, and the sentence for one that means nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Q

from connectors.history.mirror import search_terms
from connectors.history.mirror.search_index import Group


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a value selects: a condition on the columns, and the words any of which an index finds it by."""

    columns: Q = field(default_factory=Q)
    any_of: Group = ()


class NotUnderstood(ValueError):
    """A value that its qualifier does not take; the message is a sentence for people."""


def phrase(qualifier: str, value: str) -> str:
    wanted = search_terms.phrase(value)
    if not wanted:
        raise NotUnderstood(f"{qualifier}: needs a letter or a digit to look for, and {shown(value)} has none.")
    return wanted


def shown(value: str) -> str:
    text = " ".join(value.split())
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"
