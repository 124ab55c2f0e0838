"""The history pages: every act and every line of Align's log, searched, explained and checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from alignadmin.pages import failure, page, redirect
from connectors.audit import chain, intake, queries, trail
from connectors.audit.columns import FORMS, SLASHED_EXAMPLE, AskDayOrder
from connectors.audit.forms import LARGEST, TOO_LARGE, HistoryFilter, IntakeForm
from connectors.audit.models import HistoryRow
from connectors.models.connector import AuditSource, Connector
from connectors.models.person import Person
from connectors.rights import Right, requires

# Of one page, not of the selection: they go when a filter changes.
PLACES = ("before", "after", "row")
FORM_OVERHEAD = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Chip:
    """One active filter and the address without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True, kw_only=True)
class BarLink:
    bar: queries.Bar
    address: str


@dataclass(frozen=True, kw_only=True)
class IntakeState:
    """By which way a connector's log comes in, and why."""

    connector: Connector
    why: str


@requires(Right.HISTORY)
def history(request: HttpRequest) -> HttpResponse:
    """The table with its filters; `as=align` shows Align's four columns, `row` opens one row beside it."""
    filters = HistoryFilter(request.GET, queryset=HistoryRow.objects.all())
    valid = filters.is_valid()
    rows = filters.qs if valid else HistoryRow.objects.none()
    as_align = request.GET.get("as") == "align"
    if as_align:
        rows = queries.in_aligns_log(rows)
    shown = queries.history_page(
        rows,
        before=queries.read_key(request.GET.get("before", "")),
        after=queries.read_key(request.GET.get("after", "")),
    )
    days = filters.form.cleaned_data if valid else {}
    bars = queries.bars(rows, days.get("since"), days.get("until"))
    return page(
        request,
        "history/history.html",
        {
            "filters": filters,
            "chips": _chips(request, filters) if valid else [],
            "rows": shown.rows,
            "older": shown.older and address(request, before=str(shown.older)),
            "newer": shown.newer and address(request, after=str(shown.newer)),
            "newest": address(request),
            "as_align": as_align,
            "ours_address": address(request, **{"as": None}),
            "align_address": address(request, **{"as": "align"}),
            "raw_address": address(request, raw="true"),
            "query": _query(request, {"row": None}).urlencode(),
            "selected": _selected(request),
            "close": f"{reverse('history')}?{_query(request, {'row': None}).urlencode()}",
            "bars": bars,
            "bar_links": _bar_links(request, bars),
            "chain": queries.chain_state(),
            "kept_raw": queries.kept_raw(),
            "intakes": [_intake_state(connector) for connector in queries.connectors()],
        },
    )


@requires(Right.HISTORY)
def row(request: HttpRequest, row: int) -> HttpResponse:
    """One row in full: as a page, or as the panel beside the table."""
    found = get_object_or_404(HistoryRow.objects.select_related("connector", "line"), pk=row)
    context = {"selected": queries.detail(found)}
    return page(request, "history/row.html", context, fragment="history/_panel.html")


View = Callable[[HttpRequest], HttpResponse]


def small_enough(view: View) -> View:
    """Refuse more than 10 MB by its announced length, before anything has read the body."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if int(length) > LARGEST + FORM_OVERHEAD:
            return failure(request, TOO_LARGE, status=413)
        return view(request)

    return guarded


# The check of the CSRF token reads the body, so it comes after the check of its length.
@requires(Right.HISTORY, Right.HISTORY, ("GET", "POST"))
@csrf_exempt
@small_enough
@csrf_protect
def take_in(request: HttpRequest) -> HttpResponse:
    """Paste or upload the four columns of Align's log."""
    form = (
        IntakeForm(request.POST, request.FILES) if request.method == "POST" else IntakeForm(initial=_initial(request))
    )
    result = _take_in(form, _person(request)) if form.is_bound and form.is_valid() else None
    context = {
        "form": form,
        "result": result,
        "forms": FORMS,
        "slashed": SLASHED_EXAMPLE,
        "intakes": [_intake_state(connector) for connector in queries.connectors()],
    }
    return page(request, "history/intake.html", context, status=400 if form.is_bound and result is None else 200)


@requires(Right.HISTORY, Right.HISTORY, ("POST",))
def verify(request: HttpRequest) -> HttpResponse:
    """Check the whole chain now; that it was checked is an entry too."""
    verdict = chain.verify()
    with transaction.atomic():
        trail.append(
            "history.verified",
            actor=_person(request),
            connector=None,
            subject="audit trail",
            sentence=verdict.sentence,
            data={"ok": verdict.ok, "rows": verdict.rows, "first_wrong_seq": verdict.first_wrong_seq},
        )
    messages.add_message(request, messages.INFO if verdict.ok else messages.ERROR, verdict.sentence)
    return redirect(request, reverse("history"))


# -- addresses --------------------------------------------------------------------------------------------------------


def address(request: HttpRequest, **changes: str | None) -> str:
    """This selection with some of it changed, from its first page."""
    query = _query(request, dict.fromkeys(PLACES) | changes).urlencode()
    return f"{reverse('history')}?{query}" if query else reverse("history")


def _query(request: HttpRequest, changes: dict[str, str | None]) -> QueryDict:
    query = request.GET.copy()
    for name in [name for name, value in query.items() if not value]:
        del query[name]
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return query


def _chips(request: HttpRequest, filters: HistoryFilter) -> list[Chip]:
    return [
        Chip(label=field.label or name, value=_told(field, value), without=address(request, **{name: None}))
        for name, field in filters.form.fields.items()
        if (value := filters.form.cleaned_data.get(name)) not in (None, "", False)
    ]


def _told(field: Any, value: Any) -> str:
    if value is True:
        return "yes"
    return dict(getattr(field, "choices", None) or {}).get(value, str(value)) if isinstance(value, str) else str(value)


def _bar_links(request: HttpRequest, bars: queries.Bars | None) -> Sequence[BarLink]:
    if bars is None:
        return []
    return [
        BarLink(bar=bar, address=address(request, since=bar.day.isoformat(), until=bar.day.isoformat()))
        for bar in bars.bars
        if bar.rows
    ]


def _selected(request: HttpRequest) -> queries.Detail | None:
    number = request.GET.get("row", "")
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    found = HistoryRow.objects.select_related("connector", "line").filter(pk=int(number)).first()
    return queries.detail(found) if found else None


# -- intake -----------------------------------------------------------------------------------------------------------


def _intake_state(connector: Connector) -> IntakeState:
    whys = {
        AuditSource.ENDPOINT: f"read from {intake.endpoint_of(connector)}",
        AuditSource.NONE: intake.why_no_endpoint(connector),
        AuditSource.UNTRIED: "not tried yet whether this Jira Align answers with its log",
    }
    return IntakeState(connector=connector, why=whys[AuditSource(connector.audit_source)])


def _initial(request: HttpRequest) -> dict[str, str]:
    return {"connector": request.GET.get("connector", "")}


def _take_in(form: IntakeForm, actor: Person) -> intake.IntakeResult | None:
    given = form.cleaned_data
    try:
        return intake.take_in(
            given["connector"], given["text"], intake=given["intake"], actor=actor, order=given["order"] or None
        )
    except AskDayOrder:
        form.add_error("order", "These dates can be read in two ways: say whether the day or the month comes first.")
        return None


def _person(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)  # noqa: S101  (`requires` let nobody else in)
    return request.user
