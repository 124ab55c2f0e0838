"""The forms of the product's pages, as a browser reads them, and requests whose effects are taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from tests.support.address_world import ADDRESSES, World, answers


class Forms(HTMLParser):
    """The forms of a page: method, address, and what a browser would send."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here, self.found = here, list[Form]()
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("method", "get").upper(), given.get("action") or self.here, {}))
        elif self.found and (name := given.get("name")):
            if tag == "select":
                self.select = name
            self.found[-1].fields.setdefault(name, given.get("value", ""))
            if given.get("type") == "password":
                self.found[-1].hidden.add(name)
        elif tag == "option" and self.found and self.select and "selected" in given:
            self.found[-1].fields[self.select] = given.get("value", "")


HTMX = {"hx-get": "GET", "hx-post": "POST"}


class Targets(HTMLParser):
    """Where a page's links, forms and buttons lead: method and address."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here, self.found = here, set[tuple[str, str]]()
        self.method = "GET"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.method = given.get("method", "get").upper()
            self._add(self.method, given.get("action", ""))
        if tag == "a" and "href" in given:
            self._add("GET", given["href"])
        if "formaction" in given:
            self._add(given.get("formmethod", self.method).upper(), given["formaction"])
        for name, method in HTMX.items():
            if name in given:
                self._add(method, given[name])

    def _add(self, method: str, address: str) -> None:
        if method != "DIALOG":  # closes its dialog and sends nothing
            self.found.add((method, urljoin(f"http://testserver{self.here}", address)))


@dataclass(frozen=True)
class Form:
    method: str
    address: str
    fields: dict[str, str]
    hidden: set[str] = field(default_factory=set)  # what is typed there is not shown


def pages(client: Client, world: World) -> Iterator[tuple[str, str]]:
    """The address and the text of each page that the client is shown."""
    for address in ADDRESSES.values():
        if not answers(address, "GET") or address.is_rest or address.name == "account_logout":
            continue
        url = world.url(address)
        answer = client.get(url)
        if answer.status_code == 200 and "html" in answer["Content-Type"]:
            yield url, answer.content.decode()


def forms_of(shown: Mapping[str, Iterable[tuple[str, str]]]) -> list[tuple[str, Form]]:
    """Each form once, with the first who is shown it, of the addresses and texts of the pages that each is shown."""
    found: dict[tuple[str, str, frozenset[str]], tuple[str, Form]] = {}
    for who, texts in shown.items():
        for url, text in texts:
            reader = Forms(url)
            reader.feed(text)
            for form in reader.found:
                found.setdefault((form.method, urlsplit(form.address).path, frozenset(form.fields)), (who, form))
    return list(found.values())


def forms_of_everybody(everybody: Mapping[str, Client], world: World) -> list[tuple[str, Form]]:
    return forms_of({who: pages(client, world) for who, client in everybody.items()})


def post_form(client: Client, address: str, fields: Mapping[str, str]) -> HttpResponse:
    """As a browser sends a form without a file. A test client's own way makes a part of each field, which takes most
    of the time of a request with hundreds of them."""
    kind = "application/x-www-form-urlencoded"
    return client.post(address, urlencode(fields), content_type=kind)  # type: ignore[return-value]


@contextmanager
def taken_back(client: Client) -> Iterator[None]:
    """What requests within have done is undone, a sign-out too, so that the next one finds the same world."""
    cookies = copy(client.cookies)  # an answer puts others in their places, and alters none
    point = transaction.savepoint()  # and no atomic block: some acts insist on being the outermost
    yield
    transaction.set_rollback(False)
    transaction.savepoint_rollback(point)
    client.cookies = cookies
