"""People as the search finds them: by name and e-mail, and by those alone who may see people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q
from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right
from alignadmin.search.kinds import FoundPlace, Name, SearchKind


def _names(chosen: Q) -> Iterable[Name]:
    rows = Person.objects.filter(chosen).values_list("pk", "name", "email")
    return (Name(target=pk, label=name or email, terms=email) for pk, name, email in rows)


def _places(ids: Sequence[int]) -> Mapping[int, FoundPlace]:
    return {
        each.pk: FoundPlace(
            label=str(each),
            where=" · ".join([each.email, each.get_role_display(), *([] if each.is_active else ["deactivated"])]),
            href=reverse("person", args=[each.pk]),
        )
        for each in Person.objects.filter(pk__in=ids)
    }


PEOPLE = SearchKind(
    key="person",
    position=5,
    plural="People",
    right=Right.CONFIGURE,
    model=Person,
    names=_names,
    places=_places,
)
