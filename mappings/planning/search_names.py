"""Plans as the search finds them: by number, reason and ticket, which never change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q
from django.template.defaultfilters import truncatechars
from django.urls import reverse

from alignadmin.accounts.rights import Right
from alignadmin.search.kinds import FoundPlace, Name, SearchKind
from alignadmin.text import one_line
from mappings.models import Plan

LONGEST_REASON = 120  # that is looked through and shown


def _label(number: int, reason: str) -> str:
    return f"Plan {number}: {truncatechars(one_line(reason), LONGEST_REASON)}"


def _names(chosen: Q) -> Iterable[Name]:
    rows = Plan.objects.filter(chosen).order_by().values_list("pk", "connector_id", "reason", "ticket")
    return (
        Name(target=pk, connector=connector, label=_label(pk, reason), terms=ticket)
        for pk, connector, reason, ticket in rows
    )


def _places(ids: Sequence[int]) -> Mapping[int, FoundPlace]:
    found = Plan.objects.filter(pk__in=ids).select_related("connector")
    return {
        each.pk: FoundPlace(
            label=_label(each.pk, each.reason),
            where=" · ".join(filter(None, [each.connector.name, each.get_state_display(), each.ticket])),
            href=reverse("plan", args=[each.pk]),
        )
        for each in found
    }


PLANS = SearchKind(
    key="plan",
    position=3,
    plural="Plans",
    right=Right.SEE,
    model=Plan,
    names=_names,
    places=_places,
)
