"""What no page of ours would send, at every address and in every form, for every role: a sentence, never an error.

Each request is taken back afterwards, so that the next one finds the same world.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit
from wsgiref.util import setup_testing_defaults

import pytest
from django.db import connection
from django.test import Client
from django.urls import Resolver404, resolve

from alignadmin.accounts.models import Person, Role
from mappings.models import Mapping
from tests.support.address_world import ADDRESSES, Address, World, answers, world
from tests.support.page_forms import forms_of_everybody, post_form, taken_back

__all__ = ["world"]
pytestmark = pytest.mark.django_db

HOSTILE = {
    "NUL": "a\0b",
    "5,000 digits": "9" * 5000,
    "65 bits": str(2**64),
    "a negative one": "-1",
    "a digit that is none": "²",
    "a lone quote and percent": "'%\"\\",
    "300 letters": "a" * 300,
}
# Every name that a view or a form of ours reads from an address or a form, besides those that the pages' forms show.
NAMES = [
    "action",
    "actor",
    "active",
    "after",
    "among",
    "as",
    "before",
    "case",
    "changed_at",
    "confirm",
    "connector",
    "cursor",
    "decision",
    "direction",
    "every",
    "fact",
    "family",
    "fingerprint",
    "kind",
    "limit",
    "mapping",
    "name",
    "newest",
    "next",
    "note",
    "number",
    "offset",
    "one",
    "only",
    "page",
    "project",
    "project_key",
    "q",
    "reason",
    "record",
    "role",
    "row",
    "rows",
    "sample",
    "scope",
    "seen",
    "since",
    "size",
    "source",
    "source_id",
    "state",
    "status",
    "tab",
    "target",
    "text",
    "ticked",
    "to",
    "ticket",
    "type",
    "until",
    "user",
    "view",
    "warnings",
    "whose",
    "work_item_type",
]
NUMBERS = ("before", "cursor", "limit", "newest", "offset", "page", "row", "sample", "size", "source_id", "until")


@pytest.fixture
def clients(people: dict[Role, Person]) -> dict[Role, Client]:
    made = {}
    for role, person in people.items():
        made[role] = Client(raise_request_exception=False)
        made[role].force_login(person)
    return made


def failure_of(client: Client, method: str, url: str, data: dict[str, Any] | None = None) -> str:
    """Empty when the answer is one: no 5xx. What the request did is taken back, a sign-out too."""
    return failure_in(answer_of(client, method, url, data or {}), method, url, data)


def answer_of(client: Client, method: str, url: str, data: dict[str, Any]) -> Any:
    with taken_back(client):
        return client.get(url) if method == "GET" else post_form(client, url, data)


def failure_in(answer: Any, method: str, url: str, data: dict[str, Any] | None = None) -> str:
    if answer.status_code < 500:
        return ""
    error = getattr(answer, "exc_info", None)
    return f"{method} {url[:200]} {str(data)[:200]}: {answer.status_code} {error and repr(error[1])[:200]}"


# --- every address ----------------------------------------------------------------------------------------------------


# What reads a value is the same code for everybody who is let to it, and PostgreSQL refuses whatever SQLite does, and a
# NUL besides. So each value is tried there as an admin, and elsewhere one for each address, of which the next has the
# next, and the next role too; each as everybody among the long tests.
WHOLE_ON = "postgresql"
FIRST = {role: number for number, role in enumerate(Role)}
EXTENT = [
    (Role.ADMIN, connection.vendor == WHOLE_ON),
    *(pytest.param(role, False, marks=pytest.mark.once) for role in Role if role != Role.ADMIN),
    *(pytest.param(role, True, marks=pytest.mark.soak) for role in Role if role != Role.ADMIN),
    *([] if connection.vendor == WHOLE_ON else [pytest.param(Role.ADMIN, True, marks=pytest.mark.soak)]),
]


def looks_at_query(answer: Any) -> bool:
    """Django parses it when it is first asked for. Where nothing asks for it, another value in it is the same request;
    two addresses of three have none."""
    return "GET" in vars(answer.wsgi_request)


def some(values: Sequence[str], number: int, is_whole: bool) -> Sequence[str]:
    return values if is_whole else [values[number % len(values)]]


@pytest.mark.parametrize(("role", "is_whole"), EXTENT)
def test_no_value_in_an_address_ends_in_an_error(
    role: Role, is_whole: bool, world: World, clients: dict[Role, Client]
) -> None:
    """Each name with each value: all of them at once, so that the first that is read meets it."""
    failed, read = [], 0
    for number, address in enumerate(ADDRESSES.values(), start=FIRST[role]):
        for value in some([*HOSTILE.values()], number, is_whole):
            query = urlencode(dict.fromkeys(NAMES, value[:60]) | {"q": value, "page": value})
            url = f"{world.url(address)}?{query}"
            answer = answer_of(clients[role], "GET", url, {})
            failed.append(failure_in(answer, "GET", url))
            if not looks_at_query(answer):
                break
            read += 1
    assert [each for each in failed if each] == []
    assert read > (400 if is_whole else 40)


def test_no_number_in_an_address_ends_in_an_error(world: World, clients: dict[Role, Client]) -> None:
    """Without the names of things that are not there, which would be refused first."""
    client, failed = clients[Role.ADMIN], []
    reading = [each for each in ADDRESSES.values() if looks_at_query(answer_of(client, "GET", world.url(each), {}))]
    for value in ("9" * 5000, str(2**64)):
        query = urlencode(dict.fromkeys(NUMBERS, value))
        failed += [failure_of(client, "GET", f"{world.url(address)}?{query}") for address in reading]
    assert len(reading) > 60
    assert [each for each in failed if each] == []


IN_PLACES = ("a%00b", "9" * 5000, str(2**64), "%C2%B2", "a" * 300)


def places(address: Address, world: World) -> Iterator[list[str]]:
    """The address with each of its parameters replaced by each value, whether or not the pattern takes it."""
    url, fixed = world.url(address), set(address.route.strip("^$/").split("/"))
    parts = url.strip("/").split("/")
    for place in [place for place, part in enumerate(parts) if part not in fixed]:
        altered = ["/".join([*parts[:place], value, *parts[place + 1 :]]) for value in IN_PLACES]
        yield [f"/{each}" + "/" * url.endswith("/") for each in altered]


def methods(url: str) -> Sequence[str]:
    """What no pattern takes is answered before anything asks for the method."""
    try:
        resolve(unquote(url))
    except Resolver404:
        return ["GET"]
    return ["GET", "POST"]


@pytest.mark.parametrize(("role", "is_whole"), EXTENT)
def test_no_part_of_an_address_ends_in_an_error(
    role: Role, is_whole: bool, world: World, clients: dict[Role, Client]
) -> None:
    found = [urls for address in ADDRESSES.values() for urls in places(address, world)]
    chosen = {url for number, urls in enumerate(found, start=FIRST[role]) for url in some(urls, number, is_whole)}
    failed = [failure_of(clients[role], method, url) for url in sorted(chosen) for method in methods(url)]
    assert [each for each in failed if each] == []


# --- every form -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "is_whole"), EXTENT)
def test_no_value_in_a_form_ends_in_an_error(
    role: Role, is_whole: bool, world: World, clients: dict[Role, Client]
) -> None:
    """To every address that takes one, with every name at once."""
    failed = []
    posts = [world.url(address) for address in ADDRESSES.values() if answers(address, "POST")]
    for number, url in enumerate(posts, start=FIRST[role]):
        for value in some([*HOSTILE.values()], number, is_whole):
            data = dict.fromkeys([*NAMES, f"j2a-{value}", "j2a-²", f"seen-{value}"], value)
            failed.append(failure_of(clients[role], "POST", url, data))
    assert [each for each in failed if each] == []


@pytest.mark.parametrize("is_whole", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_no_field_of_a_page_s_form_ends_in_an_error(is_whole: bool, world: World, clients: dict[Role, Client]) -> None:
    """As the page fills it in: all fields altered with a value, then one field after the other, the next with the next
    value; each with each among the long tests. Each form by the first who is shown it."""
    forms = forms_of_everybody({str(role): client for role, client in clients.items()}, world)
    assert len(forms) > 40
    values, failed, numbers = [*HOSTILE.values()], [], count()
    for who, form in forms:
        of_all = some(values, next(numbers), is_whole or connection.vendor == WHOLE_ON)
        altered = [dict.fromkeys(form.fields, value) for value in of_all]
        for name in form.fields:
            altered += [{**form.fields, name: value} for value in some(values, next(numbers), is_whole)]
        for data in altered:
            url = form.address if form.method == "POST" else f"{urlsplit(form.address).path}?{urlencode(data)}"
            failed.append(failure_of(clients[Role(who)], form.method, url, data))
    assert [each for each in failed if each] == []


# --- what is said, and what no page shows -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("/connectors/acme/mappings/?scope=a%00b", 404, ""),
        ("/connectors/acme/mappings/?q=%00", 200, ""),
        ("/connectors/acme/drift/?project=%00", 200, ""),
        ("/connectors/acme/projects/?q=%00&scope=%00&kind=%00&sort=%00&problem=%00", 200, ""),
        ("/plans/?connector=%00", 200, "No plan"),
        ("/plans/{pk}/?project_key=%00", 200, ""),
        ("/history/?q=%00", 200, ""),
        ("/history/?connector=%00", 200, "There is no connector"),
        ("/settings/people/?q=%00", 200, ""),
        ("/api/v1/mappings/?project=%00", 200, '"count":0'),
        ("/api/v1/plans/?ticket=%00", 200, '"count":0'),
        ("/api/v1/connectors/%00/", 404, ""),
        ("/accounts/join/%00/x/", 303, ""),
    ],
)
def test_a_nul_in_an_address_finds_nothing(
    url: str, status: int, said: str, world: World, clients: dict[Role, Client]
) -> None:
    answer = clients[Role.ADMIN].get(url.replace("{pk}", str(world.parameters["pk"])))
    assert answer.status_code == status
    assert said in answer.content.decode()


def test_a_nul_in_a_field_of_a_list_is_refused_or_kept_as_a_visible_mark(
    world: World, clients: dict[Role, Client]
) -> None:
    """A field that is read without a form: what was typed is drawn again, with U+FFFD where the NUL was."""
    Mapping.objects.update(waits=True, wanted=3)
    answer = clients[Role.ADMIN].post("/connectors/acme/plan/", {"reason": "one\0two", "ticket": "T\0", "row": ""})
    assert answer.status_code == 409
    assert "one\ufffdtwo" in answer.content.decode()


def test_a_cookie_with_a_nul_is_as_if_it_had_not_been_sent(client: Client) -> None:
    client.raise_request_exception = False
    for name in ("session", "csrf", "__Host-session", "__Host-csrf"):
        client.cookies.load({name: "abc\0defghijk"})
    assert client.get("/").status_code == 302
    assert client.get("/accounts/login/").status_code == 200


def test_a_source_that_only_looks_like_a_number_is_no_row_of_the_list(
    world: World, clients: dict[Role, Client]
) -> None:
    data = {"view": "list", "j2a-²": "3", "j2a-" + "9" * 500: "3", f"j2a-{2**64}": "3"}
    answer = clients[Role.EDITOR].post("/connectors/acme/mappings/list/", data)
    assert answer.status_code == 303
    assert Mapping.objects.count() == 1


@pytest.mark.parametrize("name", ["a" * 300, "https://" + "a" * 64 + ".example.com", "a." * 130 + "com", "ü" * 60])
def test_a_host_longer_than_hosts_are_is_refused_beside_its_field(
    name: str, world: World, clients: dict[Role, Client]
) -> None:
    form = {"name": "Other", "align_site": name, "align_connector_id": 4, "jira_site": "https://j.example.com"}
    answer = clients[Role.ADMIN].post("/connectors/new/", form)
    assert answer.status_code == 400
    assert "longer than the name of a host can be" in answer.content.decode()


@pytest.mark.parametrize("charset", ["rot13", "base64", "idna", '"rot13"', "no-such-codec", "utf-16"])
def test_a_request_is_read_as_utf_8_whatever_it_says(charset: str) -> None:
    """Django takes any codec of Python for the address, before any of our code is asked."""
    from alignadmin.wsgi import application

    said: list[str] = []
    environ: dict[str, Any] = {"QUERY_STRING": "next=%41%ff", "PATH_INFO": "/accounts/login/"}
    setup_testing_defaults(environ)
    environ |= {"CONTENT_TYPE": f"text/plain; charset={charset}", "HTTP_HOST": "127.0.0.1"}
    b"".join(application(environ, lambda status, *_: said.append(status)))
    assert said == ["200 OK"]
