"""The history pages: every act and every line of Align's log, searched, explained and checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right, may
from alignadmin.audit import checkpoints
from alignadmin.parsing import text_in
from alignadmin.web.responses import page, redirect
from connectors.history.intake import gaps
from connectors.history.intake.page import intake_states
from connectors.history.mirror import search_terms
from connectors.history.search import (
    day_bars,
    drawer,
    folding,
    numbers,
    queries,
    query_language,
    rows_html,
    saved_views,
    visibility,
)
from connectors.history.search.forms import SearchFields, asked
from connectors.history.search.page import HistoryUrl, names_of
from connectors.history.verification import services
from connectors.history.verification.row_status import RowStatuses
from connectors.history.verification.services import CheckResult
from connectors.models import HistoryRow

HERE = "connectors/history/search/history.html"
DRAWER = "_drawer"


@requires(Right.MAPPING_HISTORY)
def history(request: HttpRequest) -> HttpResponse:
    """The table with its search. `as=align` shows Align's four columns, `days` a bar per day, `row` one row beside it.

    1. Read the search and make it ready for what this person sees.
    2. A script that opens a row gets its drawer alone.
    3. Else the page of the table, with what stands around it.
    """
    person = person_of(request)
    wanted = asked(request.GET)
    place = HistoryUrl(
        asked=wanted,
        as_align=text_in(request.GET, "as") == "align",
        with_days=text_in(request.GET, "days") == "yes",
        names=names_of(wanted) if may(person, Right.HISTORY) else {},
    )
    if "tidy" in request.GET:  # from the fields, most of which are empty
        return redirect(request, place.address())
    chosen = visibility.select(place.asked, person)
    if place.as_align:
        chosen = queries.in_aligns_log(chosen)
    keys = {name: queries.read_key(text_in(request.GET, name)) for name in ("before", "after")}
    here = {name: str(key) for name, key in keys.items() if key}

    row = drawer.find(text_in(request.GET, "row"), chosen)
    opened = drawer.of(row, chosen, place, here, person=person) if row else None
    context: dict[str, Any] = {
        "drawer": opened,
        "selected": opened and opened.detail,
        "sees_all": may(person, Right.HISTORY),
    }
    if request.headers.get("HX-Request") and request.headers.get("HX-Target") == DRAWER:
        if opened is None:
            raise Http404
        return page(request, HERE, context, fragment="connectors/history/search/_panel.html")

    shown = queries.history_page(chosen, before=keys["before"], after=keys["after"])
    queries.tell_present_keys(shown.rows)
    bars = day_bars.bars(chosen, None if here else shown) if place.with_days else None
    links = _links(place, shown, here, bars)
    context |= {
        **links,
        "place": place,
        "is_left_out": row is None and bool(text_in(request.GET, "row")),
        "troubles": query_language.trouble(place.asked),
        "left_out": [text for text in place.asked.words if not search_terms.split(text)],
        "fields": SearchFields(place.asked),
        "actions": queries.ACTIONS,
        "rows": shown.rows,
        "as_align": place.as_align,
        "bars": bars,
        "views": saved_views.seen_by(person),
        "audience": saved_views.audience(person),
        **_head(person),
    }
    if not place.as_align:
        context["drawn_rows"] = _drawn(place, shown, links, row, found=context["chain"].found)
    # The same address answers with the drawer alone, so that no cache may mix the two up.
    return page(request, HERE, context, fragment=HERE)


def _drawn(
    place: HistoryUrl,
    shown: queries.HistoryPage,
    links: dict[str, Any],
    opened: HistoryRow | None,
    *,
    found: CheckResult | None,
) -> SafeString:
    """The table's rows. `found` by the last check of the whole history; `opened` stands in the drawer."""
    selected = opened.pk if opened else None
    options = rows_html.RowOptions(
        statuses=RowStatuses(shown.rows, found),
        own_pages=links["own_pages"],
        row_address=links["row_address"],
        selected=selected,
    )
    groups = folding.folded(shown.rows, opened=selected, is_on=not place.asked.values("plan"))
    return rows_html.draw_groups(groups, options)


def _links(
    place: HistoryUrl, shown: queries.HistoryPage, here: dict[str, str], bars: day_bars.Bars | None
) -> dict[str, Any]:
    """Where the page leads; `here` is the place of this page in the table."""
    return {
        "older": shown.older and place.address(before=str(shown.older)),
        "newer": shown.newer and place.address(after=str(shown.newer)),
        "newest": place.address(),
        "ours_address": replace(place, as_align=False).address(),
        "align_address": replace(place, as_align=True).address(),
        "days_address": replace(place, with_days=not place.with_days).address(**here),
        "row_address": place.address(**here, row=""),
        "own_pages": reverse("history"),  # of rows, with their number: finding each address costs 0.1 ms
        "bar_links": place.bar_links(bars),
    }


def _head(person: Person) -> dict[str, Any]:
    """The state of everything: what is kept, whether it is whole, and whether the log came in.

    How many entries there are, and where the chain ends, is told to whoever sees all of them. It is no secret: the
    numbers of the rows that everybody sees have gaps (docs/THREAT_MODEL.md).
    """
    intakes = intake_states()
    sees_all = may(person, Right.HISTORY)
    return {
        "intakes": intakes if sees_all else [],
        "gap_states": [each.gaps for each in intakes if gaps.is_awaited(each.connector)],
        "last_intake": max((each.connector.intake_at for each in intakes if each.connector.intake_at), default=None),
        "open_gaps": [each.gaps.sentence for each in intakes if each.gaps.sentence],
        "gap_count": sum(len(each.gaps.gaps) for each in intakes),
        "chain": queries.chain_state(),
        "check": services.latest() if sees_all else None,
        "kept": queries.kept() if sees_all else None,
        "checkpoint": checkpoints.state() if sees_all else None,
    }


@requires(Right.MAPPING_HISTORY)
def row(request: HttpRequest, row: str) -> HttpResponse:
    """One row in full, on a page of its own."""
    person = person_of(request)
    found = numbers.found_or_404(row, person)
    if found.number != row:  # a line that has found its cause since somebody wrote its number down
        return redirect(request, reverse("history-row", args=[found.number]))
    context = {"selected": queries.detail(found, person), "sees_all": may(person, Right.HISTORY)}
    return page(
        request, "connectors/history/search/row.html", context, fragment="connectors/history/search/_panel.html"
    )


@requires(Right.HISTORY, Right.HISTORY, ("POST",))
def verify(request: HttpRequest) -> HttpResponse:
    """Have everything checked in the background; what was found is an entry."""
    check = services.ask(actor=person_of(request))
    if check.asked_by_id != person_of(request).pk:
        messages.info(request, "A check of the whole history is under way already: its result is this one's, too.")
    return redirect(request, reverse("history"))


@requires(Right.HISTORY)
def verification_state(request: HttpRequest) -> HttpResponse:
    """How far the check is; a page that has waited for its end is drawn anew."""
    check = services.latest()
    response = page(
        request,
        "connectors/history/verification/verification.html",
        {"check": check},
        fragment="connectors/history/verification/_verification.html",
    )
    if request.headers.get("HX-Request") and not (check and check.is_active):
        response.headers["HX-Refresh"] = "true"
    return response
