"""Which rows of the history a person sees: the one place that narrows, for pages, API, counts, exports and one row.

Whoever has the right HISTORY sees all. Whoever sees mappings sees what was done to them. The condition is part of the
query, so that no other row can show through a count, a word that is searched for, or a place between two pages.

The name of an act alone does not tell: a credential's probe, and a look at how Align answers, create a record and
delete it again by entries like those of any change. They are of a credential, and of no plan; every change of a mapping
is of one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import Q, QuerySet

from alignadmin.accounts.rights import Right, may
from connectors.history.search import query_language
from connectors.history.search.action_words import OF_CHANGES, OF_MAPPINGS
from connectors.history.search.query_language import HistoryFilter, Search
from connectors.models import HistoryRow, Source

OF_PROBES = Q(source=Source.OURS, plan=None, action__in=OF_CHANGES)
MAPPINGS_ONLY = Q(action__in=tuple(OF_MAPPINGS)) & ~OF_PROBES
NOTHING = Q(pk__in=())


def condition(person: Any) -> Q:
    """Nothing for whoever is not signed in."""
    if may(person, Right.HISTORY):
        return Q()
    return MAPPINGS_ONLY if may(person, Right.MAPPING_HISTORY) else NOTHING


def rows(person: Any) -> QuerySet[HistoryRow]:
    return HistoryRow.objects.filter(condition(person))


def select(search: Search, person: Any) -> HistoryFilter | None:
    """What of a search the person sees; None where something in it is not understood."""
    chosen = query_language.select(search)
    return chosen and replace(chosen, columns=chosen.columns & condition(person))
