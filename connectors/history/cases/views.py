"""The pages of outside changes: the list with its filters, one case, and saying why or that it was put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.text import day_end
from alignadmin.web.responses import failure, page, redirect
from connectors.history.cases import services
from connectors.models import Case, CaseState
from connectors.models.connector import Connector

PER_PAGE = 50
ALL = "all"


class CaseFilter(forms.Form):
    """Everything is optional; the open ones are shown where nothing is said."""

    state = forms.ChoiceField(required=False, choices=[*CaseState.choices, (ALL, "All")], label="State")
    connector = forms.ModelChoiceField(
        Connector.objects.all(), required=False, to_field_name="slug", empty_label="All", label="Connector"
    )
    until = forms.DateField(
        required=False, label="Not after", widget=forms.DateInput(attrs={"type": "date"})
    )  # so that what is older than the product is explained at once


class NoteForm(forms.Form):
    """Never bound: the service refuses what is missing, in its words, and what was typed is shown again."""

    note = forms.CharField(
        label="Why it was made, and by whom if you know",
        help_text="Needed: without a note nothing is explained. It is kept in the history, with your name.",
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": services.LONGEST_NOTE}),
    )


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The cases that the filter leaves, and its fields as a form carries them on."""

    form: CaseFilter
    state: str
    fields: list[tuple[str, str]]
    found: Any

    @property
    def query(self) -> str:
        return urlencode(self.fields)


def _chosen(data: Any) -> Chosen:
    form = CaseFilter(data)
    given = form.cleaned_data if form.is_valid() else {}
    state = given.get("state") or CaseState.OPEN.value
    until = given.get("until")
    found = services.select(
        state="" if state == ALL else state, connector=given.get("connector"), until=day_end(until) if until else None
    )
    names = ("state", "connector", "until")
    fields = [(name, text_in(data, name)) for name in names if data.get(name)]
    return Chosen(form=form, state=state, fields=fields, found=found if form.is_valid() else found.none())


@requires(Right.SEE)
def case_list(request: HttpRequest) -> HttpResponse:
    return _list(request, _chosen(request.GET), NoteForm())


def _list(request: HttpRequest, chosen: Chosen, note: NoteForm, *, trouble: str = "") -> HttpResponse:
    shown = Paginator(chosen.found, PER_PAGE).get_page(text_in(request.GET, "page"))
    context = {
        "filter": chosen.form,
        "state": chosen.state,
        "fields": chosen.fields,
        "query": chosen.query,
        "page": shown,
        "outsides": services.with_rows(shown.object_list),
        "newest": chosen.found.order_by("-pk").values_list("pk", flat=True).first() or 0,
        "note": note,
        "trouble": trouble,
        "may_explain": may(request.user, Right.EXPLAIN),
        "sees_history": may(request.user, Right.MAPPING_HISTORY),
    }
    return page(request, "connectors/history/cases/cases.html", context, status=400 if trouble else 200)


@requires(Right.SEE, Right.EXPLAIN, ("POST",))
def explain_many(request: HttpRequest) -> HttpResponse:
    """The ticked ones, or all that the filter left when the page was drawn: what came in since is not swept along."""
    chosen, note = _chosen(request.POST), _note_of(request)
    try:
        done = services.explain(_ticked(request, chosen), text_in(request.POST, "note"), actor=person_of(request))
    except Refused as refused:
        return _list(request, chosen, note, trouble=str(refused))
    messages.info(request, f"Explained {done} outside {'change' if done == 1 else 'changes'}.")
    return redirect(request, f"{reverse('cases')}?{chosen.query}")


def _note_of(request: HttpRequest) -> NoteForm:
    return NoteForm(initial={"note": text_in(request.POST, "note")})


def _ticked(request: HttpRequest, chosen: Chosen) -> list[int]:
    if text_in(request.POST, "every"):
        newest = whole(text_in(request.POST, "newest"))
        return list(chosen.found.filter(pk__lte=newest or 0).order_by().values_list("pk", flat=True)[: _more()])
    ticked = [whole(value) for value in request.POST.getlist("case")]
    return [number for number in ticked if number is not None]


def _more() -> int:
    return services.AT_ONCE + 1  # one more than the service takes, so that it says so


@requires(Right.SEE, Right.EXPLAIN, ("GET", "POST"))
def case(request: HttpRequest, case: int) -> HttpResponse:
    """One outside change; sent to, it is explained (`note`) or said to be put back (`reverted`)."""
    found = get_object_or_404(Case.objects.select_related("connector", "line"), pk=case)
    if request.method == "POST":
        try:
            _decide(request, found)
        except Refused as refused:
            found.refresh_from_db()
            return _one(request, found, _note_of(request), trouble=str(refused))
        return redirect(request, reverse("case", args=[found.pk]))
    return _one(request, found, NoteForm())


def _decide(request: HttpRequest, found: Case) -> None:
    note, actor = text_in(request.POST, "note"), person_of(request)
    if text_in(request.POST, "reverted"):
        services.take_back(found.pk, note, actor=actor)
    else:
        services.explain([found.pk], note, actor=actor)


def _one(request: HttpRequest, found: Case, note: NoteForm, *, trouble: str = "") -> HttpResponse:
    context = {
        "outside": services.with_rows([found])[0],
        "note": note,
        "trouble": trouble,
        "may_explain": may(request.user, Right.EXPLAIN),
        "sees_history": may(request.user, Right.MAPPING_HISTORY),
    }
    if trouble and getattr(request, "htmx", False):
        return failure(request, trouble, status=400)
    return page(request, "connectors/history/cases/case.html", context, status=400 if trouble else 200)
