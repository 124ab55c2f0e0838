"""The help: the documents of this version within the product, their pictures, and the keys of a page."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.rights import Right
from alignadmin.parsing import text_in
from alignadmin.site import help_rendering
from alignadmin.site.help_keys import KEYS, keys_of
from alignadmin.site.help_rendering import PICTURE
from alignadmin.site.help_topics import GROUPS, TOPICS
from alignadmin.web.responses import page


@requires(Right.SEE)
def topics(request: HttpRequest) -> HttpResponse:
    return page(request, "alignadmin/site/help.html", {"groups": GROUPS})


@requires(Right.SEE)
def topic(request: HttpRequest, topic: str) -> HttpResponse:
    if (found := TOPICS.get(topic)) is None:
        raise Http404
    context = {"topic": found, "document": help_rendering.document(found)}
    return page(request, "alignadmin/site/help_topic.html", context)


@requires(Right.SEE)
def picture(request: HttpRequest, picture: str) -> HttpResponse:
    """One of the pictures in the folder of documents, and no other file of it."""
    if not PICTURE.fullmatch(picture) or not (file := settings.DOCS / picture).is_file():
        raise Http404
    return HttpResponse(file.read_bytes(), content_type="image/png")


@requires(Right.SEE)
def keys(request: HttpRequest) -> HttpResponse:
    """Of the page at the address `of`, or of all; app.js shows the fragment in a dialog."""
    of = text_in(request.GET, "of")
    context = {"groups": keys_of(of) if of else KEYS}
    return page(request, "alignadmin/site/keys.html", context, fragment="alignadmin/site/_keys.html")
