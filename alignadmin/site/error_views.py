"""What a person is told when a request ends in an error: what was done before it, and what to do about the database.

Nothing here may need what has just failed: the page is drawn without the shell, and every look is allowed to fail.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse, RawPostDataException
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse

from alignadmin.audit import request_entries
from alignadmin.audit.models import Entry
from connectors.history.search import visibility

NOTHING_DONE = "Nothing of what you sent is in the history, so it was not done."
BROKEN = "Something broke on our side. The error is in the server log."
MOST_KEPT, LONGEST_KEPT = 200, 100_000  # fields of a form, and characters of them
SECRETS = ("password", "secret", "token", "code", "credential")  # in the name of a field: never drawn again
# What a database says, of each kind, in lower case; the first that is found.
SAYINGS = {
    ("locked", "lock timeout", "statement timeout"): (
        "The database was busy with something else for 20 seconds or more and did not let this request in. "
        "Wait a moment, then send it again; if it stays so, tell your operator."
    ),
    ("readonly database", "read-only transaction"): (
        "The database can be read at the moment, but not written. Tell your operator: its disk may be full, its file "
        "may belong to someone else, or it is a copy that only reads."
    ),
    ("disk is full", "no space left", "disk i/o error"): (
        "The database could not store anything: its disk is full or failing. Tell your operator."
    ),
    ("unable to open", "connection", "server closed", "could not connect", "starting up", "shutting down"): (
        "The database cannot be reached at the moment. Try again in a minute; if it stays so, tell your operator."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the request had done before it failed, and where that is shown."""

    sentence: str
    address: str


def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler500: 503 where the database could not, else 500."""
    saying = _saying(sys.exc_info()[1])
    sentence, status = saying or BROKEN, 503 if saying else 500
    recorded, is_known = _recorded(request)
    sent = request.method == "POST"
    if saying and sent and is_known and not recorded:
        sentence = f"{sentence} {NOTHING_DONE}"
    if request.path.startswith("/api/"):
        return JsonResponse({"error": sentence}, status=status)
    if "HX-Request" in request.headers:
        return HttpResponse(_plain_text(sentence, recorded), status=status, content_type="text/plain; charset=utf-8")
    context = {
        "sentence": sentence,
        "is_ours": not saying,
        "recorded": recorded,
        "form": _form(request) if saying and sent and is_known and not recorded else [],
        "path": request.get_full_path(),
        "token": get_token(request),
        "sent": sent,
    }
    return HttpResponse(render_to_string("500.html", context), status=status)


def _saying(error: BaseException | None) -> str:
    """The sentence for what the database said; empty when it is not the database that failed."""
    for each in _chain(error):
        if isinstance(each, DatabaseError | InterfaceError):
            said = str(each).lower()
            return next((saying_of for words, saying_of in SAYINGS.items() if any(word in said for word in words)), "")
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _recorded(request: HttpRequest) -> tuple[Recorded | None, bool]:
    """What was recorded, and whether that could be looked up at all."""
    try:
        entries = request_entries.kept()
        return _of(request, entries[-1]) if entries else None, True
    except (DatabaseError, InterfaceError):
        return None, False


def _of(request: HttpRequest, entry: Entry) -> Recorded:
    body = json.loads(entry.body)
    return Recorded(sentence=body["sentence"], address=_address(request, entry, body.get("plan"), body["connector"]))


def _address(request: HttpRequest, entry: Entry, plan: int | None, connector: dict[str, str] | None) -> str:
    """The plan, else the row of the history for whoever reads it, else the connector."""
    if plan is not None:
        return reverse("plan", args=[plan])
    if visibility.rows(request.user).filter(entry_seq=entry.seq).exists():
        return reverse("history-row", args=[entry.seq])
    return reverse("connector", args=[connector["slug"]]) if connector else "/"


def _plain_text(sentence: str, recorded: Recorded | None) -> str:
    if recorded is None:
        return sentence
    return f"{sentence} This was done before it: {recorded.sentence} Do not send it again; look at {recorded.address}."


def _form(request: HttpRequest) -> list[tuple[str, str]]:
    """What was sent, to be sent again by one click; nothing where it holds a secret, a file, or too much."""
    try:
        pairs = [(name, value) for name, values in request.POST.lists() for value in values]
        files = request.FILES
    except (OSError, ValueError, RawPostDataException):
        return []
    fields = [(name, value) for name, value in pairs if name != "csrfmiddlewaretoken"]
    is_secret = any(word in name.lower() for name, _ in fields for word in SECRETS)
    is_long = len(fields) > MOST_KEPT or sum(len(value) for _, value in fields) > LONGEST_KEPT
    return [] if is_secret or is_long or files else fields
