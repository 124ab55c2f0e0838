"""The history pages: every act and every line of Align's log, searched, explained and checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.audit import checkpoints
from alignadmin.parsing import text_in
from alignadmin.web.responses import page, redirect
from connectors.history.intake.page import intake_states
from connectors.history.mirror import search_terms
from connectors.history.search import day_bars, numbers, queries, query_language, saved_views
from connectors.history.search.forms import SearchFields, asked
from connectors.history.search.page import HistoryUrl
from connectors.history.verification import services
from connectors.history.verification.row_status import RowStatuses


@requires(Right.HISTORY)
def history(request: HttpRequest) -> HttpResponse:
    """The table with its search; `as=align` shows Align's four columns, `row` opens one row beside it."""
    place = HistoryUrl(asked=asked(request.GET), as_align=text_in(request.GET, "as") == "align")
    if "tidy" in request.GET:  # from the fields, most of which are empty
        return redirect(request, place.address())
    chosen = query_language.select(place.asked)
    if place.as_align:
        chosen = queries.in_aligns_log(chosen)
    keys = {name: queries.read_key(text_in(request.GET, name)) for name in ("before", "after")}
    shown = queries.history_page(chosen, before=keys["before"], after=keys["after"])
    queries.tell_present_keys(shown.rows)
    here = {name: str(key) for name, key in keys.items() if key}
    bars = day_bars.bars(chosen, None if here else shown)
    context: dict[str, Any] = {
        "place": place,
        "troubles": query_language.trouble(place.asked),
        "left_out": [text for text in place.asked.words if not search_terms.split(text)],
        "fields": SearchFields(place.asked),
        "actions": queries.ACTIONS,
        "rows": shown.rows,
        "older": shown.older and place.address(before=str(shown.older)),
        "newer": shown.newer and place.address(after=str(shown.newer)),
        "newest": place.address(),
        "as_align": place.as_align,
        "ours_address": replace(place, as_align=False).address(),
        "align_address": replace(place, as_align=True).address(),
        "row_address": place.address(**here, row=""),
        "selected": _selected(request),
        "close": place.address(**here),
        "bars": bars,
        "bar_links": place.bar_links(bars),
        "views": saved_views.seen_by(person_of(request)),
        "shows_utc": timezone.get_current_timezone_name() != "UTC",
        **_head(),
    }
    context["row_statuses"] = RowStatuses(shown.rows, context["chain"].found)
    return page(request, "connectors/history/search/history.html", context)


def _head() -> dict[str, Any]:
    """The state of everything: what is kept, whether it is whole, and whether the log came in."""
    intakes = intake_states()
    return {
        "intakes": intakes,
        "last_intake": max((each.connector.intake_at for each in intakes if each.connector.intake_at), default=None),
        "open_gaps": [each.gaps.sentence for each in intakes if each.gaps.sentence],
        "gap_count": sum(len(each.gaps.gaps) for each in intakes),
        "chain": queries.chain_state(),
        "check": services.latest(),
        "kept": queries.kept(),
        "checkpoint": checkpoints.state(),
    }


@requires(Right.HISTORY)
def row(request: HttpRequest, row: str) -> HttpResponse:
    """One row in full: as a page, or as the panel beside the table."""
    found = numbers.found_or_404(row)
    if found.number != row:  # a line that has found its cause since somebody wrote its number down
        return redirect(request, reverse("history-row", args=[found.number]))
    context = {"selected": queries.detail(found)}
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


def _selected(request: HttpRequest) -> queries.Detail | None:
    found = numbers.find(text_in(request.GET, "row"))
    return queries.detail(found) if found else None
