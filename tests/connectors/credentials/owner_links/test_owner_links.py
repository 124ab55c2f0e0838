"""A link for the owner of a token: what it stores, how it ends, and that a dead one tells nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.messages import INFO
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import MessageEncoder
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.errors import Refused
from connectors.credentials.owner_links import entering, links
from connectors.credentials.owner_links.entering import Visit
from connectors.credentials.rotation.credential_page import CredentialPage
from connectors.credentials.values import open_secret
from connectors.models import Connector, Credential, CredentialKind, JiraKind, LinkOutcome, OwnerLink, Stage, System
from connectors.setup import services as setup
from connectors.setup.services import ConnectorData
from tests.support.rotation_helpers import secret
from tests.support.sandbox_fixture import ALIGN_TOKEN
from tests.support.side_by_side import Meeting

SignIn = Callable[[Role], Client]
ASK = "/connectors/acme/credential/align/ask/"
NO_LINK = "/token/enter/0/"
NEW = "entered-by-its-owner-1"
OWNER = "Ines of operations"
SENDS = re.compile(r"<(?:input|select|textarea)\b[^>]*>")

pytestmark = pytest.mark.usefixtures("bare_connector")


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def path_of(html: str) -> str:
    found = re.search(r"<textarea[^>]*>https?://[^/]*(/token/[^<]*/)</textarea>", html)
    assert found, html
    return unescape(found[1])


def asked(client: Client, **form: str) -> str:
    """The path of the link that the page shows."""
    answer = client.post(ASK, {"asked": OWNER, "kind": "align-bearer", "user": ""} | form)
    assert answer.status_code == 200
    return path_of(answer.content.decode())


def typed(**form: str) -> dict[str, str]:
    return {"align-secret": NEW, "align-never_expires": "on", "align-whose": "another"} | form


@dataclass(frozen=True)
class Owner:
    """A browser that has followed a link, and where that led."""

    client: Client
    entry: str

    def get(self) -> Any:
        return self.client.get(self.entry)

    def post(self, form: dict[str, str]) -> Any:
        return self.client.post(self.entry, form)


def opened(path: str, client: Client | None = None) -> Owner:
    """Without a sign-in, unless the browser has one."""
    browser = client or Client()
    answer = browser.get(path)
    assert answer.status_code == 303
    return Owner(browser, answer["Location"])


def sent_by(page: str) -> set[str]:
    """The names that a browser sends from this page's form: of what is enabled."""
    names = {re.search(r'name="([^"]+)"', tag) for tag in SENDS.findall(page) if not re.search(r"\sdisabled\b", tag)}
    return {found[1] for found in names if found} - {"csrfmiddlewaretoken"}


def withdrawn(client: Client, link: int | None = None) -> Any:
    pk = OwnerLink.objects.latest("pk").pk if link is None else link
    return client.post(f"{ASK}withdraw/", {"link": pk})


def stored(token: str) -> object:
    return entering.store(links.hash_of(token), secret(NEW), Visit(), replaces_same_user=False).stage


def acts() -> list[str]:
    return list(Entry.objects.filter(action__startswith="credential.").order_by("seq").values_list("action", flat=True))


def test_its_owner_stores_a_pending_one_that_nothing_uses(configurer: Client, admin: Person) -> None:
    path = asked(configurer)
    assert path not in configurer.get(ASK).content.decode(), "it is shown once"
    assert f"{OWNER} was asked for one" in re.sub(r"<[^>]*>", "", configurer.get(ASK[: -len("ask/")]).content.decode())
    owner = opened(path)
    assert owner.client.session["owner_links"], "kept by its hash"
    assert path.split("/")[2] not in json.dumps(dict(owner.client.session)), "the table of sessions opens nothing"
    assert opened(path).entry == owner.entry, "opened twice, which the history tells once"
    page = owner.get().content.decode()
    assert admin.name in page
    assert "<nav" not in page
    assert not re.search(r'<a [^>]*href="/', page), "its page leads nowhere"
    assert ALIGN_TOKEN not in page
    said = owner.post(typed(**{"align-secret": f"bearer {NEW}"}))
    assert (said.status_code, said["Location"]) == (303, owner.entry)
    for again in (owner.get(), owner.post(typed())):
        assert again.status_code == 200, "a reload and a second click are told the same"
        assert ">Stored<" in again.content.decode()
        assert "The word bearer in front of the token was dropped" in again.content.decode()
        assert NEW not in again.content.decode()
    assert opened(path).get().status_code == 404, "another browser is told nothing"
    pending = Credential.objects.get(stage=Stage.PENDING)
    assert open_secret(pending) == NEW
    assert (pending.owner, pending.system, pending.replaces_same_user) == (admin, System.ALIGN, False)
    assert pending.reason == f"{OWNER} entered it by a link that {admin} made."
    assert open_secret(Credential.objects.get(system=System.ALIGN, stage=Stage.CURRENT)) == ALIGN_TOKEN
    assert acts()[-4:] == [f"credential.{each}" for each in ("link_made", "link_opened", "staged", "link_used")]
    told = Entry.objects.filter(action__in=("credential.staged", "credential.link_used")).order_by("-seq")
    assert [json.loads(each.body)["actor"] for each in told[:2]] == [None, None], "whoever asked did not enter it"
    about = CredentialPage(Connector.objects.get(), System.ALIGN).history
    assert {each.action for each in about} >= {"credential.link_made", "credential.link_opened", "credential.link_used"}
    used = json.loads(told[0].body)["data"]
    assert (used["address"], used["user"]) == ("127.0.0.1", "")
    assert not OwnerLink.objects.filter(token_hash__contains=path.split("/")[2]).exists()


def test_a_dead_link_answers_alike_whatever_it_died_of(configurer: Client, admin: Person) -> None:
    def used() -> None:
        assert stored(token) == Stage.PENDING

    def over() -> None:
        OwnerLink.objects.update(ends_at=timezone.now())

    deaths: dict[str, Callable[[], Any]] = {
        "unknown": lambda: OwnerLink.objects.update(token_hash="0" * 64),
        "used": used,
        "over": over,
        "withdrawn": lambda: withdrawn(configurer),
        "its maker is no admin": lambda: Person.objects.filter(pk=admin.pk).update(role=Role.REVIEWER),
        "its maker has left": lambda: Person.objects.filter(pk=admin.pk).update(is_active=False),
        "disconnected": lambda: Connector.objects.update(is_active=False),
        "its connector leads elsewhere": lambda: Connector.objects.update(align_site="https://elsewhere.example"),
    }
    seen, site = set(), Connector.objects.get().align_site
    for name, dies in deaths.items():
        Person.objects.filter(pk=admin.pk).update(role=Role.ADMIN, is_active=True)
        Connector.objects.update(is_active=True, align_site=site)
        Credential.objects.filter(stage=Stage.PENDING).delete()
        OwnerLink.objects.all().delete()
        path = asked(configurer)
        token = path.split("/")[2]
        dies()
        cache.clear()
        before = Session.objects.count()
        for owner, method in ((opened(path), "get"), (opened(path), "post")):
            assert owner.entry == NO_LINK
            with CaptureQueriesContext(connection) as queries:
                answer = getattr(owner.client, method)(NO_LINK, typed())
            about = [each["sql"] for each in queries if "ownerlink" in each["sql"]]
            words = re.sub(r"\s+", " ", answer.content.decode())
            seen.add((method, answer.status_code, words, len(about)))
        assert Session.objects.count() == before, f"{name}: strangers fill no table"
        assert not Credential.objects.filter(stage=Stage.PENDING, reason="").exists()
    assert len(seen) == 2, seen
    assert {(status, count) for _, status, _, count in seen} == {(404, 1)}


def test_five_refused_tries_end_it_and_each_is_an_entry(configurer: Client) -> None:
    owner = opened(asked(configurer, kind="align-basic", user="svc@example.test"))
    assert 'value="svc@example.test"' in owner.get().content.decode()
    for left in ("4 more tries", "3 more tries", "2 more tries", "1 more try."):
        answer = owner.post({"align-secret": "two\nlines"})
        assert answer.status_code == 400
        assert left in answer.content.decode()
        assert "two\nlines" not in answer.content.decode()
    assert owner.post({"align-secret": ""}).status_code == 404
    dead = owner.post(typed())
    assert dead.status_code == 404
    assert "refused too often" in dead.content.decode()
    assert acts()[-5:] == ["credential.link_refused"] * 4 + ["credential.link_worn_out"]
    assert not Credential.objects.filter(stage=Stage.PENDING).exists()


def test_what_the_admin_chose_cannot_be_entered_otherwise(configurer: Client) -> None:
    owner = opened(asked(configurer, kind="align-basic", user="svc@example.test"))
    sent = {"align-kind": "align-bearer", "align-user": "mallory@example.test", "align-secret": NEW}
    later = timezone.localdate() + timedelta(days=90)
    assert owner.post(sent | {"align-expires_on": later.isoformat()}).status_code == 303
    pending = Credential.objects.get(stage=Stage.PENDING)
    assert (pending.kind, pending.user, pending.expires_on) == ("align-basic", "svc@example.test", later)


def test_one_that_waits_is_no_try_of_the_owner(configurer: Client, admin: Person) -> None:
    owner = opened(asked(configurer))
    configurer.post(
        "/connectors/acme/credential/align/",
        typed(**{"align-kind": "align-bearer", "align-reason": "Mine came first"}),
    )
    answer = owner.post(typed())
    assert answer.status_code == 409
    assert acts()[-1] == "credential.link_waited"
    assert "the link works until" in configurer.get(ASK[: -len("ask/")]).content.decode(), "it can still be withdrawn"
    assert f"Tell {admin}" in unescape(answer.content.decode())
    assert OwnerLink.objects.get().tries == 0
    assert Credential.objects.get(stage=Stage.PENDING).reason == "Mine came first"


def test_one_link_at_a_time_and_none_beside_a_pending_one(configurer: Client) -> None:
    asked(configurer)
    again = configurer.post(ASK, {"asked": "Another", "kind": "align-bearer"})
    assert again.status_code == 409
    assert f"{OWNER} was asked already" in again.content.decode()
    OwnerLink.objects.update(ends_at=timezone.now())
    owner = opened(asked(configurer, asked="Another"))
    assert OwnerLink.objects.filter(outcome=LinkOutcome.EXPIRED).count() == 1
    assert owner.post(typed(**{"align-whose": "same"})).status_code == 303
    assert Connector.objects.get().gap_since is not None, "its owner says that the token in use has ended"
    assert "applies nothing" in owner.get().content.decode()
    refused = configurer.post(ASK, {"asked": "Third", "kind": "align-bearer"})
    assert refused.status_code == 409
    assert "waits here already" in refused.content.decode()
    for form, status in (({"asked": "", "kind": "align-bearer"}, 400), ({"asked": "x" * 81, "kind": "jira-pat"}, 400)):
        assert configurer.post(ASK, form).status_code == status
    assert configurer.get(ASK.replace("align", "nothing")).status_code == 404


def test_its_end_is_told_once(configurer: Client, admin: Person) -> None:
    asked(configurer)
    assert links.end_over() == 0
    OwnerLink.objects.update(ends_at=timezone.now())
    assert (links.end_over(), links.end_over()) == (1, 0)
    assert acts()[-1] == "credential.link_expired"
    asked(configurer)
    Person.objects.filter(pk=admin.pk).update(role=Role.REVIEWER)
    assert (links.end_over(), links.end_over()) == (1, 0)
    assert acts()[-1] == "credential.link_void"


def test_what_the_page_sends_is_enough_whatever_the_kind(configurer: Client) -> None:
    day = (timezone.localdate() + timedelta(days=90)).isoformat()
    values = {"user": "svc-b@example.test", "secret": NEW, "expires_on": day, "whose": "another"}
    for kind in CredentialKind:
        is_center = kind in (CredentialKind.JIRA_PASSWORD, CredentialKind.JIRA_PAT)
        Connector.objects.update(jira_kind=JiraKind.DATA_CENTER if is_center else JiraKind.CLOUD)
        Credential.objects.filter(stage=Stage.PENDING).delete()
        cache.clear()
        system = kind.value.split("-")[0]
        form = {"asked": OWNER, "kind": kind.value, "user": ""}
        owner = opened(path_of(configurer.post(ASK.replace("align", system), form).content.decode()))
        names = sent_by(owner.get().content.decode())
        has_user = kind not in (CredentialKind.ALIGN_BEARER, CredentialKind.JIRA_PAT)
        assert (f"{system}-user" in names, f"{system}-whose" in names) == (
            has_user,
            kind == CredentialKind.ALIGN_BEARER,
        )
        for entered, status in (({**values, "secret": "two\n lines"}, 400), (values, 303)):
            form = {name: entered[name.split("-")[1]] for name in names if not name.endswith("never_expires")}
            answer = owner.post(form)
            assert answer.status_code == status, answer.content.decode()
            assert status == 303 or sent_by(answer.content.decode()) == names, "the same fields after a refusal"
        pending = Credential.objects.get(stage=Stage.PENDING)
        assert (pending.kind, pending.user) == (kind.value, values["user"] if has_user else "")


def test_two_links_in_one_browser_keep_apart(configurer: Client) -> None:
    first = opened(asked(configurer))
    other = configurer.post(ASK.replace("align", "jira"), {"asked": OWNER, "kind": "jira-cloud", "user": "svc@x.test"})
    second = opened(path_of(other.content.decode()), first.client)
    assert first.entry != second.entry
    day = (timezone.localdate() + timedelta(days=90)).isoformat()
    assert first.post(typed()).status_code == 303
    assert second.post({"jira-secret": "of-jira", "jira-expires_on": day}).status_code == 303
    pending = Credential.objects.filter(stage=Stage.PENDING)
    assert {(each.system, open_secret(each)) for each in pending} == {("align", NEW), ("jira", "of-jira")}
    assert Client().post(first.entry, typed()).status_code == 404, "the number in the address opens nothing"


def test_a_connector_that_is_led_elsewhere_ends_what_was_asked_for(configurer: Client, admin: Person) -> None:
    owner = opened(asked(configurer))
    connector = Connector.objects.get()
    now = {name: getattr(connector, name) for name in ConnectorData.__dataclass_fields__}
    data = ConnectorData(**now | {"align_site": "https://elsewhere.example"})
    setup.edit_connector(connector, data, actor=admin)
    assert owner.post(typed()).status_code == 404
    assert OwnerLink.objects.get().outcome == LinkOutcome.VOID
    (told,) = Entry.objects.filter(action="credential.link_void")
    assert json.loads(told.body)["actor"]["email"] == admin.email


def test_the_gap_is_said_where_it_is_chosen(configurer: Client) -> None:
    assert "applies pause" in configurer.get(ASK).content.decode()
    page = opened(asked(configurer)).get().content.decode()
    assert "applies nothing from the moment you store it" in page
    assert "cannot be undone" in page
    assert re.search(r"until \d\d:\d\d UTC", page)


def test_a_signed_in_person_who_uses_it_is_named(configurer: Client, admin: Person, signed_in: SignIn) -> None:
    editor = signed_in(Role.EDITOR)
    messages_waiting = "Sign-in news for the editor"
    waiting = editor.session
    waiting["_messages"] = MessageEncoder().encode([Message(INFO, messages_waiting)])
    waiting.save()
    owner = opened(asked(configurer), editor)
    person = Person.objects.get(role=Role.EDITOR)
    assert messages_waiting not in owner.get().content.decode()
    assert owner.post(typed()).status_code == 303
    assert messages_waiting in editor.get("/").content.decode(), "it waits for a page of the person's own"
    for action in ("staged", "link_used"):
        assert json.loads(Entry.objects.get(action=f"credential.{action}").body)["actor"]["email"] == person.email
    pending = Credential.objects.get(stage=Stage.PENDING)
    assert pending.owner == admin, "whoever asked answers for it"
    assert pending.reason.startswith(f"{person} entered it by the link for {OWNER}")


def test_what_an_admin_types_and_withdraws(configurer: Client) -> None:
    assert configurer.post(ASK, {"asked": "Ines\u202e", "kind": "align-bearer"}).status_code == 400
    asked(configurer, user="nobody@example.test")
    link = OwnerLink.objects.get()
    assert link.user == "", "a bearer token has no user"
    assert withdrawn(configurer, link.pk + 1).status_code == 409
    assert OwnerLink.objects.get().outcome == LinkOutcome.OPEN
    assert withdrawn(configurer).status_code == 303
    assert OwnerLink.objects.get().outcome == LinkOutcome.WITHDRAWN


def test_the_secret_in_use_is_told_again_whatever_user_stands_beside_it(configurer: Client) -> None:
    form = typed(**{"align-kind": "align-bearer", "align-reason": "Expires", "align-user": "somebody@example.test"})
    answer = configurer.post(ASK[: -len("ask/")], form | {"align-secret": ALIGN_TOKEN})
    assert answer.status_code == 409
    assert "in use already" in answer.content.decode()


def test_guesses_are_limited_by_address(db: None) -> None:
    for guess in range(20):
        assert Client().get(f"/token/{guess:043d}/").status_code == 303
    refused = Client().get("/token/twenty-first/")
    assert refused.status_code == 429
    assert 14 * 60 < int(refused["Retry-After"]) <= 15 * 60
    assert "15 minutes" in refused.content.decode()
    assert "sign in" not in refused.content.decode().lower()
    assert Client().get("/token/other/", REMOTE_ADDR="198.51.100.7").status_code == 303


@pytest.mark.django_db(transaction=True)
def test_of_two_entries_at_once_one_is_stored(configurer: Client) -> None:
    token = asked(configurer).split("/")[2]

    def store() -> object:
        try:
            return stored(token)
        except Refused as refused:
            return str(refused)

    Meeting(store, lambda sql: "INSERT" in sql and "connectors_credential" in sql).hold()
    assert Credential.objects.filter(stage=Stage.PENDING).count() == 1
    assert OwnerLink.objects.get().outcome == LinkOutcome.USED
