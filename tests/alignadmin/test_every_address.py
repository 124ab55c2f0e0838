"""What holds at every address of the resolver and in every form of the pages, for whoever asks.

Each test is one loop that names all that is wrong; what a request does is taken back before the next one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import DateTimeField, Field, ForeignKey, Model, UUIDField
from django.test import Client
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.acts import Act
from alignadmin.accounts.models import Person, Role
from alignadmin.site.error_views import SECRETS
from connectors.models import Connector, HistoryRow, WorkerHeartbeat
from connectors.setup.adding.forms import ADD
from mappings.models import ChangeState, Plan, PlanState
from tests.alignadmin.test_roles import ADMINS, TABLE, wrong_outcome
from tests.environment import PASSWORD
from tests.support.address_world import ADDRESSES, METHODS, SAFE, Address, World, answers, send, world
from tests.support.headers import HSTS, wrong_headers, wrong_html
from tests.support.page_forms import Form, Targets, forms_of, forms_of_everybody, pages, post_form, taken_back

__all__ = ["world"]
pytestmark = [pytest.mark.django_db, pytest.mark.once]
EVIL = "https://evil.example.test/"
NOBODY = "nobody"
ROLES: dict[str, Role | None] = {**{str(role): role for role in Role}, NOBODY: None}


@pytest.fixture
def everybody(people: dict[Role, Person]) -> dict[str, Client]:
    """A client for each role, and one without a sign-in."""
    made = {str(role): Client(raise_request_exception=False) for role in Role}
    for role, person in people.items():
        made[str(role)].force_login(person)
    return {**made, NOBODY: Client(raise_request_exception=False)}


_shown: dict[str, list[tuple[str, str]]] = {}


@pytest.fixture
def shown_pages(world: World, everybody: dict[str, Client]) -> dict[str, list[tuple[str, str]]]:
    """Address and text of each page that each is shown, for tests that only read them: got by the first of these, as
    the worlds of two tests differ in keys alone."""
    if not _shown:
        _shown.update({who: list(pages(client, world)) for who, client in everybody.items()})
    return _shown


def asked(everybody: dict[str, Client], world: World, method: str, **more: Any) -> Iterator[tuple[str, Address, Any]]:
    """Who asked which address, and the answer."""
    for who, client in everybody.items():
        for address in ADDRESSES.values():
            with taken_back(client):
                answer = send(client, method, address, world, **more)
            yield who, address, answer


# --- every answer -----------------------------------------------------------------------------------------------------

# What a session is: when its person was last here, a message that was shown, the address it came from. And the counts
# of attempts: a HEAD at four addresses of the sign-in counts as one, since allauth exempts GET alone.
OF_THE_SESSION = {"django_session", "usersessions_usersession", "connectors_cache"}
LAST_SEEN = re.compile(r'UPDATE "accounts_person" SET "last_(seen_at|connector)" = [^,]+ WHERE')
WRITES = re.compile(
    r"""\s*(?:WITH\b.*?\b)?(?:INSERT(?:\sOR\s\w+)?\sINTO|UPDATE|DELETE\sFROM|REPLACE\sINTO|TRUNCATE(?:\sTABLE)?|COPY)
        \s+"?(\w+)"?""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


@contextmanager
def tables_written() -> Iterator[list[str]]:
    """The tables that statements sent within write to, also where nothing differs; when a person was here set aside."""
    found: list[str] = []

    def look(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if (match := WRITES.match(str(sql))) and not LAST_SEEN.match(str(sql)):
            found.append(match[1])
        return execute(sql, *rest)

    with connection.execute_wrapper(look):
        yield found


# What every request of the sweep says of where to go next, by its address, its form, the referring page and htmx.
ELSEWHERE = {"next": EVIL, "login": "viewer@example.test", "password": PASSWORD}
REFERRED = {"Referer": EVIL, "HX-Current-URL": EVIL}
FRAGMENT = {"HX-Request": "true"}
LEADS = ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url")


def test_what_holds_of_every_answer(world: World, everybody: dict[str, Client], settings: Settings) -> None:
    """Over https, as behind TLS, as a page and as a fragment. It is what the table of roles says. Its headers are ours,
    a page has no code in it and htmx neither evaluates nor keeps anything, nothing leads to another site, and reading
    writes to no table: of the session and of attempts alone something is kept."""
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 3600
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    # On a busy machine this takes longer than a worker may be silent for.
    WorkerHeartbeat.objects.update(heard_at=timezone.now() + timedelta(hours=1))
    kinds, pages, led, wrong = Counter[int](), set(), 0, []
    for method, more in [*((method, {}) for method in METHODS), *((method, FRAGMENT) for method in ("GET", "POST"))]:
        sweep = asked(everybody, world, method, query=ELSEWHERE, form=ELSEWHERE, headers=REFERRED | more, secure=True)
        while True:
            with tables_written() as written:
                found = next(sweep, None)
            if found is None:
                break
            who, address, answer = found
            what = f"{who}: {method} {address.name} -> {answer.status_code}"
            kinds[answer.status_code] += 1
            if not more and (outcome := wrong_outcome(ROLES[who], address, method, answer)):
                wrong.append(f"{who}: {outcome}")
            wrong += [f"{what}: {each}" for each in wrong_headers(answer)]
            if answer.headers.get("Strict-Transport-Security") != HSTS:
                wrong.append(f"{what}: no HSTS")
            if method == "GET" and not more and answer.headers.get("Content-Type", "").startswith("text/html"):
                pages.add(address.name)
                wrong += [f"{what}: {each}" for each in wrong_html(answer.content.decode())]
            if method in SAFE:
                wrong += [f"{what}: {table}" for table in dict.fromkeys(written) if table not in OF_THE_SESSION]
            targets = [target for name in LEADS if (target := answer.headers.get(name))]
            led += len(targets)
            wrong += [f"{what}: {target}" for target in targets if is_elsewhere(target)]
    assert not wrong, "\n".join(wrong)
    assert {200, 302, 303, 400, 403, 404, 405, 409} <= set(kinds), kinds
    assert len(pages) > 60
    assert led > 200


def is_elsewhere(target: str) -> bool:
    parts = urlsplit(target)
    return parts.netloc not in ("", "testserver") or parts.scheme not in ("", "http", "https")


# --- only a form of our own changes something -------------------------------------------------------------------------


def test_a_write_is_seen_however_it_is_written(world: World) -> None:
    with tables_written() as written, connection.cursor() as cursor:
        Person.objects.filter(role=Role.VIEWER).update(name="Vic")
        cursor.execute("WITH x AS (SELECT 1) UPDATE accounts_person SET name = name")
        cursor.execute("delete from connectors_job where 1 = 0")
        Person.objects.select_for_update().first()
    assert written == ["accounts_person", "accounts_person", "connectors_job"]


def test_every_form_that_writes_has_a_token_and_is_refused_without_it(
    world: World, shown_pages: dict[str, list[tuple[str, str]]], people: dict[Role, Person]
) -> None:
    """By the check of the token, not by a rule of its own; also without a sign-in, so that nobody is signed in so."""
    forms = [(who, form) for who, form in forms_of(shown_pages) if form.method == "POST"]
    assert len(forms) > 40
    assert [f"{who}: {form.address}" for who, form in forms if not form.fields.get("csrfmiddlewaretoken")] == []
    stranger = Client(enforce_csrf_checks=True, raise_request_exception=False)
    signed_in = Client(enforce_csrf_checks=True, raise_request_exception=False)
    signed_in.force_login(people[Role.ADMIN])
    let_through = [
        f"{address.name} -> {answer.status_code}"
        for client in (stranger, signed_in)
        for address in ADDRESSES.values()
        if answers(address, "POST")
        for answer in [send(client, "POST", address, world)]
        if answer.status_code != 403 or "This form has expired" not in answer.content.decode()
    ]
    # Whose token is looked at after who sends it, because an upload is first told where to go: sent to sign in.
    # Jira has no token of a form: what it sends is signed, and to nobody's address nothing is let through.
    assert let_through == ["history-intake -> 302", "hook -> 404", "hook -> 404"]


# --- fields that are not a form's own ---------------------------------------------------------------------------------

OURS = ("accounts", "audit", "connectors", "mappings", "mail", "account", "mfa")
# What differs between two same acts: sealed with a nonce of their own, or hashed with the time.
DIFFERS = re.compile(r"sealed|hash|digest|fingerprint|body|terms|^data$|^password$|_seq$|signature|prev")
FILLED = {
    "reason": "A reason for it", "note": "A note about it", "text": "Words about it", "name": "Another name",
    "email": "new@example.test", "confirm": "acme", "oldpassword": PASSWORD, "password1": "quiet-harbour-lantern-oat",
    "password2": "quiet-harbour-lantern-oat", "code": "acme", "ticket": "CHG-1",
}  # fmt: skip


def own_models() -> list[type[Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.app_label in OURS]


def is_compared(field: Field[Any, Any]) -> bool:
    """Keys of new rows count on after they are taken back; whose a row is has to be the same."""
    if field.primary_key or isinstance(field, (DateTimeField, UUIDField)) or DIFFERS.search(field.name):
        return False
    if field.model is HistoryRow and field.name in ("object_id", "object_name", "plan", "text"):
        return False  # of an act on a new row: its key
    return not isinstance(field, ForeignKey) or field.related_model is Person


def stored() -> dict[str, list[tuple[Any, ...]]]:
    """As the driver gives it: by querysets, reading ninety tables again and again took a third of the longest test."""
    kept = {}
    with connection.cursor() as cursor:
        for table, columns in compared_columns().items():
            cursor.execute(f"SELECT {columns} FROM {table}")
            kept[table] = sorted(cursor.fetchall(), key=repr)
    return kept


@cache
def compared_columns() -> dict[str, str]:
    """Of each table of ours that has any, as a SELECT takes them."""
    quote, found = connection.ops.quote_name, {}
    for model in own_models():
        columns = [str(field.column) for field in model._meta.concrete_fields if is_compared(field)]
        if columns:
            found[model._meta.db_table] = ", ".join(map(quote, columns))
    return found


def after(client: Client, form: Form, more: dict[str, str]) -> tuple[int, dict[str, list[tuple[Any, ...]]]]:
    typed = {name: value or FILLED.get(name, "") for name, value in form.fields.items()}
    with taken_back(client):
        answer = post_form(client, form.address, {**more, **typed})
        return answer.status_code, stored()


def test_a_form_takes_no_field_that_is_not_its_own(
    world: World, everybody: dict[str, Client], people: dict[Role, Person]
) -> None:
    """With each column of each table as a further field, a form does what it does without them, or nothing at all."""
    columns = {field.name for model in own_models() for field in model._meta.concrete_fields}
    assert {"role", "is_active", "state", "author", "approver", "four_eyes", "applied"} <= columns
    forms = [(who, form) for who, form in forms_of_everybody(everybody, world) if form.method == "POST"]
    own: dict[str, set[str]] = {}
    for _, form in forms:  # another form of the same address may have them
        own.setdefault(urlsplit(form.address).path, set()).update(form.fields)
    own[reverse("connector-new")].update(ADD.shown)  # which that form shows once both sites were asked
    before, same, wrong = stored(), 0, []
    for who, form in forms:
        taken = own[urlsplit(form.address).path]
        plain = after(client := everybody[who], form, {})
        for value in ("1", str(people[Role.ADMIN].pk), "admin"):
            more = {**dict.fromkeys(columns, value), **dict.fromkeys((f"{name}_id" for name in columns), value)}
            sent = after(client, form, {name: value for name, value in more.items() if name not in taken})
            same += plain == sent and plain[1] != before
            if sent[1] not in (plain[1], before):
                differing = [table for table in before if plain[1][table] != sent[1][table]]
                wrong.append(f"{who}: {form.address} with {value}: {plain[0]}, {sent[0]}, {differing}")
    assert not wrong, "\n".join(wrong)
    assert same > 60, f"{same} did something, and the same with further fields"


def test_no_form_with_a_secret_is_drawn_again_after_an_error(shown_pages: dict[str, list[tuple[str, str]]]) -> None:
    """What is kept on the page when the database could not: a form with such a name in it is not."""
    forms = [form for _, form in forms_of(shown_pages) if form.hidden]
    assert len(forms) >= 5
    assert [
        (form.address, form.hidden)
        for form in forms
        if not any(word in name.lower() for name in form.fields for word in SECRETS)
    ] == []


# --- for whom a page is -----------------------------------------------------------------------------------------------


def test_no_role_is_shown_a_link_or_button_that_it_cannot_use(
    world: World, everybody: dict[str, Client], shown_pages: dict[str, list[tuple[str, str]]]
) -> None:
    """By the table of roles: what leads to a page has to be for its readers, what sends for its writers."""
    looked_at, wrong = 0, set()
    for role in Role:
        for here, text in chain(shown_pages[str(role)], busier_pages(everybody[str(role)], world)):
            reader = Targets(here)
            reader.feed(text)
            for method, target in reader.found:
                name = name_at(target)
                if name is None or (expected := TABLE[name]).public:
                    continue
                looked_at += 1
                if role not in (expected.readers if method == "GET" else expected.writers):
                    wrong.add(f"{role}: {here} has {method} {urlsplit(target).path}")
    assert not wrong, "\n".join(sorted(wrong))
    assert looked_at > 2000


def busier_pages(client: Client, world: World) -> Iterator[tuple[str, str]]:
    """Those whose buttons depend on how far something is: a plan in each state with a change in each, a maintenance."""
    plan, connector = Plan.objects.get(pk=world.parameters["pk"]), Connector.objects.get(slug=world.parameters["slug"])
    states = [(PlanState.DRAFT, ChangeState.PLANNED), *((state, ChangeState.FAILED) for state in PlanState)]
    states += [(PlanState.FINISHED, state) for state in ChangeState]
    for state, of_change in states:
        Plan.objects.filter(pk=plan.pk).update(state=state)
        plan.changes.update(state=of_change)
        yield from shown(client, reverse("plan", args=[plan.pk]))
    Connector.objects.filter(pk=connector.pk).update(maintenance_since=timezone.now(), maintenance_reason="A move")
    yield from shown(client, reverse("connector", args=[connector.slug]))
    yield from shown(client, reverse("connector-maintenance", args=[connector.slug]))
    Connector.objects.filter(pk=connector.pk).update(maintenance_since=None)
    Plan.objects.filter(pk=plan.pk).update(state=plan.state)


def shown(client: Client, address: str) -> Iterator[tuple[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    yield address, answer.content.decode()


def name_at(target: str) -> str | None:
    """None for what is no address of the product: a file, a mail, another site."""
    parts = urlsplit(target)
    try:
        found = resolve(parts.path or "/") if parts.netloc == "testserver" else None
    except Resolver404:
        return None
    return found.url_name if found and found.url_name in TABLE else None


# --- who has to prove what --------------------------------------------------------------------------------------------

OWN_PAGES = ("account", "mfa_", "usersessions_")


def test_without_its_second_factor_a_role_that_needs_one_gets_nothing_but_its_own_pages(
    world: World, everybody: dict[str, Client], settings: Settings
) -> None:
    settings.MFA_REQUIRED = True
    # By hand: whoever may configure, approve or apply.
    assert {role for name in ("connector-edit", "plan-approve", "plan-apply") for role in TABLE[name].writers} == ADMINS
    wrong = []
    admin = {str(Role.ADMIN): everybody[str(Role.ADMIN)]}
    sweep = ((method, *each) for method in ("GET", "POST") for each in asked(admin, world, method))
    for method, _, address, answer in sweep:
        if TABLE[address.name].public or address.name.startswith(OWN_PAGES) or answer.status_code in (404, 405):
            continue
        if answer.status_code == 403 and method == "POST" and Role.ADMIN not in TABLE[address.name].writers:
            continue
        led = answer.status_code == 303 and answer["Location"] == reverse("mfa_index")
        if not led and not (address.is_rest and answer.status_code == 403):
            wrong.append(f"{method} {address.name} -> {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_secrets_applies_people_and_factors_ask_for_a_fresh_sign_in(
    world: World, everybody: dict[str, Client], settings: Settings
) -> None:
    client = everybody[str(Role.ADMIN)]
    wanted = {name for name in TABLE if name.startswith(("credential-", "person-")) and name != "person-join"}
    wanted |= {"connector-credential", "owner-link-ask", "owner-link-withdraw", "person", "plan-apply", "plan-approve"}
    wanted |= {"usersessions_end", "usersessions_end_others", "mfa_activate_totp", "mfa_add_webauthn"}
    old = client.session
    old["began_at"] -= settings.FRESH_SIGN_IN + 1
    old.save()
    before, wrong = stored(), []
    for name in sorted(wanted):
        with taken_back(client):
            answer = send(client, "POST", ADDRESSES[name], world)
            if not answer.headers.get("Location", "").startswith("/accounts/reauthenticate/") or stored() != before:
                wrong.append(f"{name} -> {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_every_field_of_an_act_s_form_is_said_to_be_kept_or_not(shown_pages: dict[str, list[tuple[str, str]]]) -> None:
    """What the act does not know would have to be filled in again, each time; what is typed unseen is never kept."""
    acts, wrong = set(), []
    for _, form in forms_of({who: shown_pages[who] for who in (str(Role.ADMIN), str(Role.REVIEWER))}):
        act = getattr(resolve(urlsplit(form.address).path).func, "act", None)
        if form.method == "POST" and isinstance(act, Act):
            acts.add(urlsplit(form.address).path)
            wrong += [f"{form.address}: {name} is not declared" for name in form.fields if not act.knows(name)]
            wrong += [f"{form.address}: {name} would be kept" for name in form.hidden if act.may_keep(name)]
    assert not wrong, "\n".join(wrong)
    assert len(acts) > 20


# --- bodies -----------------------------------------------------------------------------------------------------------


class Unread:
    """A body that must not be touched."""

    def read(self, *size: int) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def test_no_address_that_takes_a_form_reads_a_body_that_is_too_long(world: World, everybody: dict[str, Client]) -> None:
    """Which is asked before who it is: so as an admin, and without a sign-in."""
    too_long: dict[str, Any] = {"CONTENT_LENGTH": str(10**9), "wsgi.input": Unread()}
    wrong = [
        f"{who}: {address.name} -> {answer.status_code}"
        for who, client in everybody.items()
        if who in (str(Role.ADMIN), NOBODY)
        for address in ADDRESSES.values()
        if answers(address, "POST")
        for answer in [client.post(world.url(address), **too_long)]
        if answer.status_code != 413
    ]
    assert not wrong, "\n".join(wrong)
