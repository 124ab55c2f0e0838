"""Answering htmx and plain browsers from one view: a fragment or the whole page, and a redirect for both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import Truncator

LONGEST_NOTICE = 1900  # characters; app.js takes a longer text for no sentence of ours


def page(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, fragment: str | None = None, status: int = 200
) -> HttpResponse:
    """Render `template`, or only `fragment` (a template of its own) when htmx asks for that root id."""
    wanted = fragment and getattr(request, "htmx", False) and not request.htmx.boosted  # type: ignore[attr-defined]
    response = render(request, fragment if wanted and fragment else template, dict(context), status=status)
    if fragment:
        patch_vary_headers(response, ["HX-Request"])
    return response


def redirect(request: HttpRequest, address: str) -> HttpResponse:
    """Send the browser to `address`: htmx by its header, others by 303 so that a reload does not send again."""
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response


def failure(request: HttpRequest, sentence: str, *, status: int = 409) -> HttpResponse:
    """A refused or failed act: one sentence, beside the thing for htmx (app.js announces it), else a small page."""
    if getattr(request, "htmx", False):
        shown = Truncator(sentence).chars(LONGEST_NOTICE)
        return HttpResponse(shown, status=status, content_type="text/plain; charset=utf-8")
    before = page_before(request)
    back = before if before not in ("/", request.get_full_path()) else ""
    return render(request, "refused.html", {"sentence": sentence, "back": back}, status=status)


def page_before(request: HttpRequest) -> str:
    """The page of our own site that the form, link or fragment is on, without its fragment; "/" where none is told."""
    address = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    parts = urlsplit(address) if ours else urlsplit("/")
    found = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    return found if url_has_allowed_host_and_scheme(found, None) else "/"  # "https://ours//elsewhere" is no page
