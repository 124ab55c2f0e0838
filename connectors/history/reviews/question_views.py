"""The pages of questions: what is asked about a row, the list for reviewers, and one question with its answers."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.responses import failure, page, redirect
from connectors.history.reviews import questions
from connectors.history.search import numbers
from connectors.models import Question

PER_PAGE = 50


@requires(Right.HISTORY)
def listed(request: HttpRequest) -> HttpResponse:
    """The open ones; with `state=all` every one, newest first."""
    every = text_in(request.GET, "state") == "all"
    found = Question.objects.select_related("asked_by", "to", "answered_by").order_by("-pk")
    found = found if every else found.filter(answered_at=None)
    shown = Paginator(found, PER_PAGE).get_page(text_in(request.GET, "page"))
    query = "state=all" if every else ""
    return page(request, "connectors/history/reviews/questions.html", {"found": shown, "every": every, "query": query})


@requires(Right.HISTORY, Right.REVIEW, ("POST",))
def ask(request: HttpRequest, row: str) -> HttpResponse:
    found = numbers.found_or_404(row, person_of(request))
    number, text = whole(text_in(request.POST, "to")) or 0, text_in(request.POST, "text")
    try:
        asked = questions.ask(found, number, text, actor=person_of(request))
    except Refused as refused:
        return failure(request, str(refused))
    messages.success(request, f"{asked.to} is asked, on the overview and by e-mail where one is set up.")
    return redirect(request, reverse("history-row", args=[found.number]) + "#questions")


@requires(Right.SEE, Right.SEE, ("GET", "POST"))
def question(request: HttpRequest, pk: int) -> HttpResponse:
    """For whoever was asked, and whoever reads the history; for others it is not there."""
    found = get_object_or_404(Question.objects.select_related("asked_by", "to", "answered_by"), pk=pk)
    if not questions.may_read(found, person_of(request)):
        raise Http404
    if request.method != "POST":
        return _show(request, found)
    text = text_in(request.POST, "text")
    try:
        questions.answer(found, text, actor=person_of(request))
    except Refused as refused:
        return _show(request, found, trouble=str(refused), text=text, status=409)
    messages.success(request, "Your answer is kept in the history.")
    return redirect(request, reverse("question", args=[found.pk]))


def _show(
    request: HttpRequest, found: Question, *, trouble: str = "", text: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "question": found,
        "row": questions.row_of(found),
        "may_answer": questions.may_answer(found, person_of(request)),
        "sees_history": may(request.user, Right.HISTORY),
        "longest": questions.LONGEST,
        "trouble": trouble,
        "text": text,
    }
    return page(request, "connectors/history/reviews/question.html", context, status=status)
