"""The pages of evidence packs: asking for one, seeing how far it is, taking it, and what is packed by the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.acts import Act, Params, Typed, shown_in
from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from alignadmin.web.responses import failure, page, redirect
from connectors.history.packs import mail, schedules, selection, services
from connectors.history.packs.forms import PackForm, ScheduleForm
from connectors.history.packs.mail import PackMail
from connectors.history.packs.selection import BadQuery
from connectors.history.search import query_language
from connectors.models import Every, Pack, PackSchedule, PackState

PAGE = 50
GONE = "This pack was kept for the time that is set under Settings, and has been removed. Ask for it again."
LOST = "The file of this pack is not where it was written, in {}. Look for it there, or ask for the pack again."
SWITCHES: dict[str, Callable[..., None]] = {
    "pause": schedules.pause,
    "resume": schedules.resume,
    "delete": schedules.delete,
}


ASK = Act(does="Request an evidence pack", shown={"q": "Filter"}, carried=("uuid",))
SCHEDULE = Act(does="Schedule evidence packs", shown=shown_in(ScheduleForm))


def _switch_words(_typed: Typed, params: Params) -> str:
    name = PackSchedule.objects.filter(pk=params["schedule"]).values_list("name", flat=True).first() or "that is gone"
    return f"{str(params['switch']).capitalize()} the schedule {name}"


@dataclass(frozen=True, kw_only=True)
class PackView:
    """A pack as the pages draw it."""

    pack: Pack
    words: str
    name: str
    mail: PackMail | None  # None: nobody is to get it
    expires_at: datetime | None
    is_active: bool
    is_there: bool  # and can be downloaded
    is_gone: bool  # it was kept long enough


# -- asking -----------------------------------------------------------------------------------------------------------


@requires(Right.HISTORY, Right.HISTORY, ("GET", "POST"), fresh=ASK)
def new(request: HttpRequest) -> HttpResponse:
    """How many rows the filter leaves, then the pack of them; a form sent twice is one pack."""
    if request.method == "POST":
        return _asked(request)
    return _ask_page(request, text_in(request.GET, "q"))


def _asked(request: HttpRequest) -> HttpResponse:
    form = PackForm(request.POST)
    if not form.is_valid():
        return _ask_page(request, text_in(request.POST, "q")[: selection.LONGEST], problem="Reload this page.")
    query, uuid = form.cleaned_data["q"], form.cleaned_data["uuid"]
    try:
        pack = services.ask(query, actor=person_of(request), time_zone=_zone(), uuid=uuid)
    except (BadQuery, Refused) as error:
        return _ask_page(request, query, problem=str(error))
    return redirect(request, reverse("history-pack", args=[pack.uuid]))


def _ask_page(request: HttpRequest, query: str, *, problem: str = "") -> HttpResponse:
    context = {"form": PackForm(initial={"q": query, "uuid": uuid4()}), "query": query, "zone": _zone()}
    try:
        chosen = selection.select(query, _zone())
    except BadQuery as error:
        problem, chosen = problem or str(error), None
    context |= {
        "problem": problem,
        "chosen": chosen,
        "form": PackForm(initial={"q": chosen.query if chosen else query, "uuid": uuid4()}),
        "count": selection.count(chosen) if chosen else None,
    }
    return page(request, "connectors/history/packs/pack_new.html", context, status=400 if problem else 200)


# -- looking and taking -----------------------------------------------------------------------------------------------


@requires(Right.HISTORY)
def listed(request: HttpRequest) -> HttpResponse:
    """One's own packs, or with `whose=all` everybody's; `before` is the number of the pack a page starts after."""
    everybody = text_in(request.GET, "whose") == "all"
    found = Pack.objects.select_related("asked_by", "schedule", "job").order_by("-id")
    if not everybody:
        found = found.filter(asked_by=person_of(request))
    if (before := whole(text_in(request.GET, "before"))) is not None:
        found = found.filter(id__lt=before)
    rows = list(found[: PAGE + 1])
    context = {
        "packs": _shown(rows[:PAGE]),
        "everybody": everybody,
        "is_busy": any(pack.is_active for pack in rows[:PAGE]),
        "older": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "address": request.get_full_path(),
    }
    return page(
        request, "connectors/history/packs/packs.html", context, fragment="connectors/history/packs/_packs.html"
    )


@requires(Right.HISTORY)
def one(request: HttpRequest, pack: UUID) -> HttpResponse:
    found = _found(pack)
    count, first = services.differences(found)
    (shown,) = _shown([found])
    context = {"shown": shown, "differences": count, "first_differences": first}
    return page(request, "connectors/history/packs/pack.html", context, fragment="connectors/history/packs/_pack.html")


@requires(Right.HISTORY, fresh_to_read=True)
def file(request: HttpRequest, pack: UUID) -> HttpResponse:
    """The zip itself; taking it is an entry."""
    found = _found(pack)
    if found.state != PackState.DONE:
        return failure(request, "This pack is not ready. Wait until its page says so.")
    if services.has_expired(found):
        services.remove(found)
        return failure(request, GONE, status=410)
    try:
        stream = Path(found.path).open("rb")  # noqa: SIM115  (the answer closes it)
    except OSError:
        return failure(request, LOST.format(settings.PACK_FOLDER), status=410)
    if request.method == "GET":
        services.record_download(found, actor=person_of(request))
    name = mail.file_name(found)
    # Django sends it block by block.
    return FileResponse(stream, as_attachment=True, filename=name, content_type="application/zip")  # type: ignore[return-value]


def _again_words(_typed: Typed, params: Params) -> str:
    found = Pack.objects.filter(uuid=params["pack"]).first()
    if found is None:
        return "Request an evidence pack again that is gone"
    query = f"the filter {found.query}" if found.query else "everything"
    return f"Request the evidence pack of {query} again, first requested {found.created_at:%-d %b %Y, %H:%M} UTC"


@requires(Right.HISTORY, Right.HISTORY, ("POST",), fresh=Act(does=_again_words))
def again(request: HttpRequest, pack: UUID) -> HttpResponse:
    try:
        made = services.again(_found(pack), actor=person_of(request))
    except (BadQuery, Refused) as error:
        return failure(request, str(error))
    return redirect(request, reverse("history-pack", args=[made.uuid]))


def _found(uuid: UUID) -> Pack:
    return get_object_or_404(Pack.objects.select_related("asked_by", "schedule", "job"), uuid=uuid)


def _shown(packs: Sequence[Pack]) -> list[PackView]:
    mails = mail.mail_of(packs)
    return [_view_of(pack, mails.get(pack.pk)) for pack in packs]


def _view_of(pack: Pack, sent: PackMail | None) -> PackView:
    is_done, is_gone = pack.state == PackState.DONE, services.has_expired(pack)
    return PackView(
        pack=pack,
        words=selection.in_words(query_language.parse(pack.query)),
        name=mail.file_name(pack),
        mail=sent,
        expires_at=services.expires_at(pack),
        is_active=pack.is_active,
        is_there=is_done and not is_gone,
        is_gone=is_done and is_gone,
    )


# -- by the clock -----------------------------------------------------------------------------------------------------


@requires(Right.HISTORY)
def scheduled(request: HttpRequest) -> HttpResponse:
    found = PackSchedule.objects.select_related("created_by").order_by("name")
    context = {
        "schedules": [(each, selection.in_words(query_language.parse(each.query))) for each in found],
        "may_change": may(request.user, Right.CONFIGURE),
        "folder": settings.PACK_FOLDER,
        "has_mail": bool(settings.EMAIL_URL),
    }
    return page(request, "connectors/history/packs/pack_schedules.html", context)


@requires(Right.CONFIGURE, Right.CONFIGURE, ("GET", "POST"), fresh=SCHEDULE)
def schedule_new(request: HttpRequest) -> HttpResponse:
    form = (
        ScheduleForm(request.POST)
        if request.method == "POST"
        else ScheduleForm(initial={"q": text_in(request.GET, "q")})
    )
    if form.is_bound and form.is_valid() and _scheduled(form, person_of(request)):
        messages.info(request, "The packs are scheduled.")
        return redirect(request, reverse("history-pack-schedules"))
    context = {"form": form, "has_mail": bool(settings.EMAIL_URL), "folder": settings.PACK_FOLDER}
    return page(
        request, "connectors/history/packs/pack_schedule_new.html", context, status=400 if form.is_bound else 200
    )


def _scheduled(form: ScheduleForm, actor: Person) -> bool:
    said = form.cleaned_data
    try:
        schedules.add(said["name"], said["q"], Every(said["every"]), said["recipients"], actor=actor)
    except BadQuery as error:
        form.add_error("q", str(error))
    except Refused as error:
        form.add_error(None, str(error))
    return not form.errors


@requires(Right.CONFIGURE, Right.CONFIGURE, ("POST",), fresh=Act(does=_switch_words))
def schedule_switch(request: HttpRequest, schedule: int, switch: str) -> HttpResponse:
    """`switch` is pause, resume or delete."""
    found = get_object_or_404(PackSchedule, pk=schedule)
    if switch not in SWITCHES:
        raise Http404
    SWITCHES[switch](found, actor=person_of(request))
    return redirect(request, reverse("history-pack-schedules"))


# -- common -----------------------------------------------------------------------------------------------------------


def _zone() -> str:
    return str(timezone.get_current_timezone())
