"""A request that ends in an error: what was done before it is told, and a database that could not is a sentence.

All over HTTP, on the database of the run: locks are held by another connection, as by another process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.http import HttpRequest
from django.test import Client
from django.urls import path

from alignadmin.accounts.guard import requires
from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.rights import Right
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.audit.models import Entry
from alignadmin.urls import handler500 as the_product_s
from alignadmin.urls import urlpatterns as the_product_s_addresses
from alignadmin.web.responses import page
from connectors.models import Connector, HistoryRow
from mappings.models import Plan
from mappings.plans.views import _make
from tests.conftest import SignIn
from tests.environment import PASSWORD
from tests.support.mapping_helpers import edit, mapping

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW = 10013


@pytest.fixture
def client(connector: Connector, signed_in: SignIn) -> Client:
    made = signed_in(Role.ADMIN)
    made.raise_request_exception = False
    return made


# --- an error after what was done -------------------------------------------------------------------------------------


@requires(Right.SEE, Right.EDIT, ("POST",))
def planned_and_broken(request: HttpRequest, slug: str) -> Any:
    """Makes the plan as the page does, then fails while it draws the answer."""
    _make(request, Connector.objects.get(slug=slug), request.user)  # type: ignore[arg-type]
    return page(request, "no/such/template.html", {})


@requires(Right.SEE, Right.EDIT, ("POST",))
def taken_back_and_broken(request: HttpRequest) -> Any:
    """Fails inside of the transaction of the act."""
    with transaction.atomic():
        trail.record(AuditRecord(action="plan.made", actor=None, subject="x", sentence="Never kept."))
        raise RuntimeError("c4n4ry")


@requires(Right.SEE, Right.EDIT, ("POST",))
def recorded_and_broken(request: HttpRequest) -> Any:
    """Keeps an act that is about no plan, then fails."""
    with transaction.atomic():
        trail.record(AuditRecord(action="connector.tested", actor=None, subject="x", sentence="Was kept."))
    raise RuntimeError("c4n4ry")


urlpatterns = [
    path("recorded/", recorded_and_broken),
    path("connectors/<slug:slug>/plan/broken/", planned_and_broken),
    path("taken-back/", taken_back_and_broken),
    *the_product_s_addresses,
]
handler500 = the_product_s


@pytest.fixture
def broken(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__  # no error of that kind can be caused from outside


def test_an_error_after_a_plan_was_made_leads_to_the_plan(
    client: Client, connector: Connector, admin: Person, broken: None
) -> None:
    row = edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    answer = client.post("/connectors/acme/plan/broken/", {"row": row.pk, "reason": "QA column"})
    plan = Plan.objects.get()
    html = unescape(answer.content.decode())
    assert answer.status_code == 500
    assert f'href="/plans/{plan.pk}/"' in html
    assert "This was done before the error and is not undone:" in html
    assert "Planned 0 to create, 1 to update" in html or "Planned 1 to update" in html
    assert "Do not submit the form again" in html
    assert "<form" not in html
    # Sent again all the same, it is the one plan.
    client.post("/connectors/acme/plan/", {"row": row.pk, "reason": "QA column"})
    assert Plan.objects.count() == 1


def test_beside_a_form_the_sentence_says_what_was_done_and_where(
    client: Client, connector: Connector, admin: Person, broken: None
) -> None:
    row = edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    data = {"row": row.pk, "reason": "QA column"}
    answer = client.post("/connectors/acme/plan/broken/", data, headers={"HX-Request": "true"})
    said = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (500, "text/plain; charset=utf-8")
    assert f"Do not send it again; look at /plans/{Plan.objects.get().pk}/." in said


def test_an_error_after_another_act_leads_to_its_row_by_the_number_that_it_has_everywhere(
    client: Client, connector: Connector, admin: Person, broken: None
) -> None:
    Person.objects.filter(pk=admin.pk).update(reviews=True)
    HistoryRow.objects.filter(entry_seq=Entry.objects.latest("seq").seq).delete()  # row keys and numbers part
    html = unescape(client.post("/recorded/").content.decode())
    entry = Entry.objects.latest("seq")
    assert "is not undone: <bdi>Was kept.</bdi>" in html
    assert f'href="/history/{entry.seq}/"' in html
    assert HistoryRow.objects.get(entry_seq=entry.seq).pk != entry.seq
    assert "Was kept." in client.get(f"/history/{entry.seq}/").content.decode()


def test_what_was_taken_back_is_not_told_as_done(client: Client, broken: None) -> None:
    html = client.post("/taken-back/").content.decode()
    assert "Never kept" not in html
    assert "is not undone" not in html
    assert "c4n4ry" not in html
    assert not Entry.objects.filter(body__contains="Never kept").exists()


# --- the database could not -------------------------------------------------------------------------------------------


@contextmanager
def somebody_else_writes() -> Iterator[None]:
    """Another connection is in the middle of an act, longer than anybody here waits for it."""
    holds, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                lock_head()
                holds.set()
                done.wait(30)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert holds.wait(10)
        with shorter_wait():
            yield
    finally:
        done.set()
        thread.join()


@contextmanager
def shorter_wait() -> Iterator[None]:
    """A fifth of a second instead of 20."""
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 200" if is_sqlite else "SET lock_timeout = '200ms'")
    try:
        yield
    finally:
        connection.close()


@contextmanager
def only_readable() -> Iterator[None]:
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON" if is_sqlite else "SET default_transaction_read_only = on")
    try:
        yield
    finally:
        connection.close()


def test_a_database_that_is_locked_for_too_long_is_a_sentence_and_the_form_is_kept(
    client: Client, connector: Connector, admin: Person
) -> None:
    row = edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    typed = {"row": str(row.pk), "reason": 'QA "column" <b>\n</textarea>', "ticket": "CHG-1"}
    with somebody_else_writes():
        answer = client.post("/connectors/acme/plan/", typed)
    html = answer.content.decode()
    assert answer.status_code == 503
    assert "The database was busy" in html
    assert "it was not done" in html
    assert not Plan.objects.exists()
    kept = fields_of(html)
    assert {name: kept[name].replace("\r\n", "\n") for name in typed} == typed
    client.post("/connectors/acme/plan/", kept)
    assert Plan.objects.get().reason == typed["reason"].strip()


def fields_of(html: str) -> dict[str, str]:
    """The kept fields as a browser would send them: the first line break after the tag is not part of the text."""
    pieces = html.split('<textarea name="')[1:]
    named = [piece.partition('" hidden>\n') for piece in pieces]
    return {name: unescape(rest.partition("</textarea>")[0]) for name, _, rest in named}


def test_an_edit_of_a_cell_says_so_beside_the_grid_and_can_be_made_again(client: Client, connector: Connector) -> None:
    seen = mapping(connector, "j2a-state", IN_REVIEW).wanted
    data = {"status": IN_REVIEW, "target": 3, "seen": "" if seen is None else seen, "to": "j2a"}
    url, htmx = "/connectors/acme/mappings/cell/", {"HX-Request": "true"}
    with somebody_else_writes():
        answer = client.post(url, data, headers=htmx)
    assert answer.status_code == 503
    assert answer.content.decode().startswith("The database was busy")
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == seen
    assert client.post(url, data, headers=htmx).status_code == 200
    assert mapping(connector, "j2a-state", IN_REVIEW).wanted == 3


def test_no_secret_is_drawn_again(client: Client) -> None:
    with somebody_else_writes():
        answer = client.post("/accounts/password/change/", {"oldpassword": "s3cret-one", "password1": "s3cret-two"})
    assert "s3cret" not in answer.content.decode()


@pytest.mark.parametrize("how", [somebody_else_writes, only_readable])
def test_pages_are_still_read(client: Client, how: Callable[[], Any]) -> None:
    with how():
        for url in ("/", "/connectors/", "/connectors/acme/mappings/", "/plans/", "/history/", "/api/v1/mappings/"):
            assert client.get(url).status_code == 200, url


def test_a_database_that_only_reads_is_a_sentence(client: Client, connector: Connector, admin: Person) -> None:
    row = edit(connector, "j2a-state", IN_REVIEW, 3, actor=admin)
    with only_readable():
        answer = client.post("/connectors/acme/plan/", {"row": row.pk, "reason": "QA"})
        signing_in = Client(raise_request_exception=False).post(
            "/accounts/login/", {"login": admin.email, "password": "whatever it may be"}
        )
    assert answer.status_code == 503
    assert "can be read at the moment, but not written" in unescape(answer.content.decode())
    assert not Plan.objects.exists()
    # Attempts cannot be counted, so nobody is let in; that is no fault of who signs in, and the page says so.
    assert signing_in.status_code == 503
    said = unescape(signing_in.content.decode())
    assert "can be read at the moment, but not written" in said
    assert "Too many attempts" not in said
    assert "whatever it may be" not in said


def test_a_sign_in_to_a_database_that_is_locked_says_so(client: Client, admin: Person) -> None:
    typed = {"login": admin.email, "password": PASSWORD}
    with somebody_else_writes():
        answer = Client(raise_request_exception=False).post("/accounts/login/", typed)
    assert answer.status_code == 503
    assert "The database was busy" in answer.content.decode()
    assert Client().post("/accounts/login/", typed).status_code == 302


def test_a_forgotten_password_asked_of_a_database_that_only_reads_says_so(
    client: Client, admin: Person, settings: Any
) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1:9"
    with only_readable():
        answer = Client(raise_request_exception=False).post("/accounts/password/reset/", {"email": admin.email})
    assert answer.status_code == 503
    assert "can be read at the moment, but not written" in unescape(answer.content.decode())


def test_an_error_of_the_database_that_is_ours_is_no_excuse(client: Client, broken: None, settings: Any) -> None:
    """A wrong statement is an error of the product, not a busy database."""
    answer = client.post("/taken-back/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()


def test_a_request_that_cannot_be_read_is_answered_with_a_sentence(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["align-admin.example.com"]
    answer = client.get("/", headers={"Host": "elsewhere.example.com"})
    assert answer.status_code == 400
    assert "a host name that this installation does not answer to" in answer.content.decode()
    assert "elsewhere.example.com" not in answer.content.decode()
