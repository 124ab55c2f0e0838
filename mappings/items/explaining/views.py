"""The page that explains an issue and its item. It reads both when it is asked for one, and writes nothing anywhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.errors import Refused
from alignadmin.parsing import text_in
from alignadmin.web.responses import page
from connectors.ports.requests import with_credentials_or_404
from mappings.items.explaining.asked import LONGEST, asked_item
from mappings.items.explaining.page import ExplainPage, steps_of
from mappings.items.explaining.reading import read_item

TEMPLATE = "mappings/items/explaining/explain.html"


@requires(Right.ITEMS)
def explain(request: HttpRequest, slug: str) -> HttpResponse:
    """Its address says what is explained, so that it can be passed on; whoever opens it has it read anew."""
    connector = with_credentials_or_404(slug)
    text, level = text_in(request.GET, "item"), text_in(request.GET, "level")
    if "item" not in request.GET:
        return page(request, TEMPLATE, {"connector": connector, "page": ExplainPage(connector)})
    try:
        asked = asked_item(text, level)
    except Refused as refused:
        shown = ExplainPage(connector, typed=text[:LONGEST], level=level, trouble=str(refused))
        return page(request, TEMPLATE, {"connector": connector, "page": shown})
    reading = read_item(connector, asked, actor=person_of(request), steps=steps_of(connector))
    shown = ExplainPage(connector, typed=text.strip(), level=level, reading=reading)
    return page(request, TEMPLATE, {"connector": connector, "page": shown})
