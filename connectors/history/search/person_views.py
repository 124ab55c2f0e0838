"""The page of what one person had a part in, for whoever sees all of the history."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.web.responses import page
from connectors.history.search.person_changes import changes_of


@requires(Right.HISTORY)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Person, pk=pk)
    context = {
        "person": found,
        "changes": changes_of(found),
        "may_configure": may(request.user, Right.CONFIGURE),
    }
    return page(request, "connectors/history/search/person.html", context)
