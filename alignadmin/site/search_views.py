"""The search over everything: a page of its own, and what the bar shows while somebody types."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person
from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right, may
from alignadmin.parsing import text_in, typed, whole
from alignadmin.search import queries
from alignadmin.search.queries import LONGEST, MOST_SHOWN, FoundGroup
from alignadmin.site.search_pages import PAGES, PLURAL, find_pages
from alignadmin.text import counted
from alignadmin.web.responses import page
from mappings.items.explaining import search as items

MOST_PAGES = 1000  # of results that can be turned
BAR = "find-options"  # the part of the bar that htmx asks for


@dataclass(frozen=True, kw_only=True)
class SearchPage:
    """What was looked for and what was found: a few of each kind, or a page of one."""

    text: str
    groups: list[FoundGroup]
    kind: str = ""
    number: int = 1
    sees_history: bool = False

    @property
    def is_empty(self) -> bool:
        return not queries.words_of(self.text)

    @property
    def sentence(self) -> str:
        """For the live region, and on the page where nothing is found."""
        found = sum(len(group.places) for group in self.groups)
        if self.is_empty:
            return ""
        if not found:
            return f"Nothing is called “{self.text}”."
        return f"{counted(found, 'result')}{', and more' if any(group.more for group in self.groups) else ''}"

    def url(self, **changes: object) -> str:
        asked = {"q": self.text, "kind": self.kind, "page": self.number if self.number > 1 else ""} | changes
        return f"{reverse('search')}?{urlencode({name: value for name, value in asked.items() if value})}"

    @property
    def of_all_kinds(self) -> str:
        return self.url(kind="", page="")

    @property
    def previous(self) -> str:
        return self.url(page=self.number - 1) if self.number > 1 else ""

    @property
    def following(self) -> str:
        return self.url(page=self.number + 1) if self.kind and any(group.more for group in self.groups) else ""

    @property
    def by_kind(self) -> list[tuple[FoundGroup, str]]:
        """With the address of all of the kind, where more of it are to be had than are shown."""
        return [(group, self.url(kind=group.key) if group.more and not self.kind else "") for group in self.groups]


@requires(Right.SEE)
def search(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    text = typed(text_in(request.GET, "q"))[:LONGEST]
    kind = text_in(request.GET, "kind")
    number = whole(text_in(request.GET, "page", "1"), most=MOST_PAGES) or 1
    groups = _of_kind(kind, text, person, number) if kind else _of_every_kind(text, person)
    found = SearchPage(
        text=text, groups=groups, kind=kind, number=number, sees_history=may(person, Right.MAPPING_HISTORY)
    )
    is_bar = request.headers.get("HX-Target") == BAR
    fragment = "alignadmin/site/_search_options.html" if is_bar else "alignadmin/site/_search_results.html"
    return page(request, "alignadmin/site/search.html", {"found": found}, fragment=fragment)


def _of_every_kind(text: str, person: Person) -> list[FoundGroup]:
    groups = queries.find(text, _rights(person))
    if explained := items.find_items(text, person):
        groups = [FoundGroup(key=items.ITEMS, plural=items.PLURAL, places=explained, more=False), *groups]
    pages = find_pages(queries.words_of(text), person)
    of_pages = FoundGroup(key=PAGES, plural=PLURAL, places=pages[:MOST_SHOWN], more=len(pages) > MOST_SHOWN)
    return [*groups, of_pages] if pages else groups


def _of_kind(kind: str, text: str, person: Person, number: int) -> list[FoundGroup]:
    """What one may not see is no kind at all."""
    if kind == PAGES:
        return [FoundGroup(key=PAGES, plural=PLURAL, places=find_pages(queries.words_of(text), person))]
    found = queries.find_of_kind(kind, text, _rights(person), page=number)
    if found is None:
        raise Http404
    return [found] if found.places else []


def _rights(person: Person) -> list[str]:
    return [right.value for right in Right if may(person, right)]
