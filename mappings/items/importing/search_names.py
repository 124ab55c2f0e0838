"""Imports as the search finds them: by number, project, reason and ticket, which never change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q
from django.template.defaultfilters import truncatechars
from django.urls import reverse

from alignadmin.accounts.rights import Right
from alignadmin.search.kinds import FoundPlace, Name, SearchKind
from alignadmin.text import one_line
from mappings.models import ImportRun

LONGEST_REASON = 120  # that is looked through and shown


def _label(run: ImportRun) -> str:
    return f"Import {run.pk} of {run.project.key}: {truncatechars(one_line(run.reason), LONGEST_REASON)}"


def _names(chosen: Q) -> Iterable[Name]:
    rows = ImportRun.objects.filter(chosen).order_by().select_related("project")
    return (
        Name(target=each.pk, connector=each.connector_id, label=_label(each), terms=f"imports {each.ticket}".strip())
        for each in rows
    )


def _places(ids: Sequence[int]) -> Mapping[int, FoundPlace]:
    found = ImportRun.objects.filter(pk__in=ids).select_related("connector", "project")
    return {
        each.pk: FoundPlace(
            label=_label(each),
            where=" · ".join(filter(None, [each.connector.name, each.get_state_display(), each.ticket])),
            href=reverse("import-run", args=[each.pk]),
        )
        for each in found
    }


IMPORTS = SearchKind(
    key="import",
    position=6,
    plural="Imports",
    right=Right.ITEMS,
    model=ImportRun,
    names=_names,
    places=_places,
)
