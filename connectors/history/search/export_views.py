"""The page that says how many rows an export has, and the file."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils import timezone

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.responses import page
from connectors.history.search import export
from connectors.history.search.page import HistoryUrl
from connectors.history.search.query_language import Search


@requires(Right.MAPPING_HISTORY, Right.MAPPING_HISTORY, ("GET", "POST"))
def exported(request: HttpRequest) -> HttpResponse:
    """How many rows the search leaves; a POST takes the file."""
    person, wanted, trouble = person_of(request), Search(), ""
    try:
        wanted = export.read(text_in(request.POST if request.method == "POST" else request.GET, "q"))
        if request.method == "POST":
            file = export.write(wanted, actor=person)
            name = f"history-{timezone.now():%Y-%m-%d-%H%M}.csv"
            return FileResponse(file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")  # type: ignore[return-value]
    except Refused as refused:
        trouble = str(refused)
    context = {
        "place": HistoryUrl(asked=wanted),
        "trouble": trouble,
        "count": 0 if trouble else export.count(wanted, person),
        "most": export.MOST,
    }
    return page(request, "connectors/history/search/export.html", context, status=400 if trouble else 200)
