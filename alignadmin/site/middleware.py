"""What every answer gets: no copies in caches of pages with data, and times in the viewer's zone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.template.defaultfilters import filesizeformat
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from alignadmin.accounts.models import Person
from alignadmin.accounts.recent_sign_in import page_to_return_to, reads
from alignadmin.accounts.rights import Right
from alignadmin.accounts.signin import sessions
from alignadmin.audit import request_entries
from alignadmin.parsing import LARGEST, NUL, plain
from alignadmin.preferences.reading import one_turn
from alignadmin.web.responses import failure, redirect

logger = logging.getLogger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]
LONGEST_NUMBER = 15  # digits of a length


class Noting:
    """Keeps in mind what a request has recorded: an error after it leads there (alignadmin.site.error_views)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with request_entries.collecting():
            return self.get_response(request)


class OneReading:
    """What admins have set is read once for a request, and only by what asks for it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with one_turn():
            return self.get_response(request)


class BodyLimit:
    """Refuses a body that is too long before a byte of it is read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """Before the check of the CSRF token, which reads the body; what is refused gets every header a page gets."""
        sentence, status = _why_refused(request.META)
        if not sentence:
            return None
        if request.path.startswith("/api/"):
            return JsonResponse({"error": sentence}, status=status)
        return failure(request, sentence, status=status)


def _why_refused(meta: Mapping[str, str]) -> tuple[str, int]:
    """A sentence and a status; an empty sentence when the body may be read."""
    if meta.get("HTTP_TRANSFER_ENCODING"):
        return "The request does not say how long it is (Content-Length), so nothing of it was read.", 411
    length = (meta.get("CONTENT_LENGTH") or "0").strip()
    if not (length.isascii() and length.isdigit()):
        return "The length that the request gives (Content-Length) is no number, so nothing of it was read.", 400
    digits = length.lstrip("0") or "0"
    # Python refuses to read a number of thousands of digits.
    if len(digits) > LONGEST_NUMBER or int(digits) > settings.MAX_BODY:
        most = filesizeformat(settings.MAX_BODY)
        return f"The request is larger than {most}, so nothing of it was read. Send it in smaller parts.", 413
    return "", 200


class PlainText:
    """Takes out of a request, before anything looks there, what no name and no id can be.

    A NUL in the address becomes a mark that nothing is named like, and a number that no column holds names nothing.
    A cookie with a NUL (written "\\000") is as if it had not been sent: the session is looked up by it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if NUL not in value}
        if "%00" in request.META.get("QUERY_STRING", ""):
            asked = QueryDict(mutable=True)
            for name, values in request.GET.lists():
                asked.setlist(plain(name), [plain(value) for value in values])
            request.GET = asked  # type: ignore[assignment]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: dict[str, object]) -> None:
        """In place: the view gets these, and so does whatever is drawn around a page that is not found."""
        for name, each in kwargs.items():
            if isinstance(each, int) and each > LARGEST:
                raise Http404
            if isinstance(each, str):
                kwargs[name] = plain(each)


class SessionLimits:
    """Ends a session that was idle or has lasted too long, and notes when a person was last seen.

    What app.js marks as polled (`X-Polling`) is no activity: a page left open does not keep its session alive.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if SESSION_KEY not in request.session:
            return self.get_response(request)
        now = timezone.now()
        if reason := sessions.ended_why(request.session, now.timestamp()):
            return self._end(request, reason)
        is_due = "X-Polling" not in request.headers and sessions.is_due(request.session, now.timestamp())
        if is_due and isinstance(request.user, Person):
            sessions.store_activity(request.session, request.user, now)
        return self.get_response(request)

    def _end(self, request: HttpRequest, reason: str) -> HttpResponse:
        sessions.end_here(request.session)
        request.user = AnonymousUser()
        if request.path.startswith("/api/"):
            return JsonResponse({"error": f"{reason} Sign in again."}, status=401)
        if _is_public(request):
            return self.get_response(request)
        messages.warning(request, reason if reads(request) else f"{reason} Nothing was sent.")
        return redirect(request, f"{reverse(settings.LOGIN_URL)}?{urlencode({'next': page_to_return_to(request)})}")


def _is_public(request: HttpRequest) -> bool:
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return False
    return getattr(view, "rule", (None,))[0] is Right.PUBLIC


class NoStore:
    """Everything but static files shows data of a signed-in person: neither proxies nor the browser keep it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response


class ViewersZone:
    """Times are drawn in the zone the signed-in person chose; without a choice, in UTC."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(zone_of(getattr(request.user, "time_zone", ""))):
            return self.get_response(request)


class LastConnector:
    """Remembers of which connector a person had a page last. Written when it is another one, not with every page."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match, person = request.resolver_match, request.user
        slug = str(match.kwargs.get("slug", "")) if match else ""
        is_page = request.method == "GET" and response.status_code == 200 and not _is_fragment(request)
        if slug and is_page and isinstance(person, Person) and person.last_connector != slug:
            try:
                Person.objects.filter(pk=person.pk).update(last_connector=slug)
            except DatabaseError:  # busy: the page is there, and the next one remembers
                logger.warning("the last connector of a person could not be kept", exc_info=True)
        return response


def _is_fragment(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False)) or request.path.startswith("/api/")


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or settings.TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name of another system's list, or no name at all
        return ZoneInfo(settings.TIME_ZONE)
