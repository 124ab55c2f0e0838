"""A link for the owner of a token: what it stores, how it ends, and that a dead one tells nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.errors import Refused
from connectors.credentials.owner_links import links
from connectors.credentials.values import open_secret
from connectors.models import Connector, Credential, LinkOutcome, OwnerLink, Stage, System
from tests.support.rotation_helpers import secret
from tests.support.sandbox_fixture import ALIGN_TOKEN
from tests.support.side_by_side import Meeting

SignIn = Callable[[Role], Client]
ASK = "/connectors/acme/credential/align/ask/"
ENTER = "/token/enter/"
NEW = "entered-by-its-owner-1"
OWNER = "Ines of operations"

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


def opened(path: str) -> Client:
    """A browser without a sign-in that has followed the link."""
    client = Client()
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (303, ENTER)
    return client


def acts() -> list[str]:
    return list(Entry.objects.filter(action__startswith="credential.").order_by("seq").values_list("action", flat=True))


def test_its_owner_stores_a_pending_one_that_nothing_uses(configurer: Client, admin: Person) -> None:
    path = asked(configurer)
    assert path not in configurer.get(ASK).content.decode(), "it is shown once"
    assert f"{OWNER} was asked for one" in re.sub(r"<[^>]*>", "", configurer.get(ASK[: -len("ask/")]).content.decode())
    owner = opened(path)
    page = owner.get(ENTER).content.decode()
    assert admin.name in page
    assert "<nav" not in page
    assert not re.search(r'<a [^>]*href="/', page), "its page leads nowhere"
    assert ALIGN_TOKEN not in page
    stored = owner.post(ENTER, typed())
    assert stored.status_code == 200
    assert NEW not in stored.content.decode()
    pending = Credential.objects.get(stage=Stage.PENDING)
    assert open_secret(pending) == NEW
    assert (pending.owner, pending.system, pending.replaces_same_user) == (admin, System.ALIGN, False)
    assert pending.reason == f"{OWNER} entered it through a link that {admin} made."
    assert open_secret(Credential.objects.get(system=System.ALIGN, stage=Stage.CURRENT)) == ALIGN_TOKEN
    assert acts()[-3:] == ["credential.link_made", "credential.staged", "credential.link_used"]
    told = Entry.objects.filter(action__in=("credential.staged", "credential.link_used")).order_by("-seq")
    assert [json.loads(each.body)["actor"] for each in told[:2]] == [None, None], "whoever asked did not enter it"
    assert owner.post(ENTER, typed()).status_code == 404
    assert not OwnerLink.objects.filter(token_hash__contains=path.split("/")[2]).exists()


def test_a_dead_link_answers_alike_whatever_it_died_of(configurer: Client, admin: Person) -> None:
    def used() -> None:
        assert links.store(token, secret(NEW), replaces_same_user=False).stage == Stage.PENDING

    def over() -> None:
        OwnerLink.objects.update(ends_at=timezone.now())

    deaths: dict[str, Callable[[], Any]] = {
        "unknown": lambda: OwnerLink.objects.update(token_hash="0" * 64),
        "used": used,
        "over": over,
        "withdrawn": lambda: configurer.post(f"{ASK}withdraw/"),
        "its maker is no admin": lambda: Person.objects.filter(pk=admin.pk).update(role=Role.REVIEWER),
        "its maker has left": lambda: Person.objects.filter(pk=admin.pk).update(is_active=False),
        "disconnected": lambda: Connector.objects.update(is_active=False),
    }
    seen = set()
    for name, dies in deaths.items():
        Person.objects.filter(pk=admin.pk).update(role=Role.ADMIN, is_active=True)
        Connector.objects.update(is_active=True)
        Credential.objects.filter(stage=Stage.PENDING).delete()
        OwnerLink.objects.all().delete()
        path = asked(configurer)
        token = path.split("/")[2]
        dies()
        cache.clear()
        before = Session.objects.count()
        for client, method in ((opened(path), "get"), (opened(path), "post")):
            with CaptureQueriesContext(connection) as queries:
                answer = getattr(client, method)(ENTER, typed())
            about = [each["sql"] for each in queries if "ownerlink" in each["sql"]]
            words = re.sub(r"\s+", " ", answer.content.decode())
            seen.add((method, answer.status_code, words, len(about)))
        assert Session.objects.count() == before, f"{name}: strangers fill no table"
        assert not Credential.objects.filter(stage=Stage.PENDING, reason="").exists()
    assert len(seen) == 2, seen
    assert {(status, count) for _, status, _, count in seen} == {(404, 1)}


def test_five_refused_tries_end_it_and_each_is_an_entry(configurer: Client) -> None:
    owner = opened(asked(configurer, kind="align-basic", user="svc@example.test"))
    shown = owner.get(ENTER).content.decode()
    assert 'value="svc@example.test"' in shown
    for left in (4, 3, 2, 1):
        answer = owner.post(ENTER, {"align-secret": "two\nlines"})
        assert answer.status_code == 400
        assert f"{left} more tr" in answer.content.decode()
        assert "two\nlines" not in answer.content.decode()
    assert owner.post(ENTER, {"align-secret": ""}).status_code == 404
    assert owner.post(ENTER, typed()).status_code == 404
    assert acts()[-5:] == ["credential.link_refused"] * 4 + ["credential.link_worn_out"]
    assert not Credential.objects.filter(stage=Stage.PENDING).exists()


def test_what_the_admin_chose_cannot_be_entered_otherwise(configurer: Client) -> None:
    owner = opened(asked(configurer, kind="align-basic", user="svc@example.test"))
    sent = {"align-kind": "align-bearer", "align-user": "mallory@example.test", "align-secret": NEW}
    later = timezone.localdate() + timedelta(days=90)
    assert owner.post(ENTER, sent | {"align-expires_on": later.isoformat()}).status_code == 200
    pending = Credential.objects.get(stage=Stage.PENDING)
    assert (pending.kind, pending.user, pending.expires_on) == ("align-basic", "svc@example.test", later)


def test_one_that_waits_is_no_try_of_the_owner(configurer: Client, admin: Person) -> None:
    owner = opened(asked(configurer))
    configurer.post(
        "/connectors/acme/credential/align/",
        typed(**{"align-kind": "align-bearer", "align-reason": "Mine came first"}),
    )
    answer = owner.post(ENTER, typed())
    assert answer.status_code == 409
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
    assert owner.post(ENTER, typed(**{"align-whose": "same"})).status_code == 200
    assert Connector.objects.get().gap_since is not None, "its owner says that the token in use has ended"
    refused = configurer.post(ASK, {"asked": "Third", "kind": "align-bearer"})
    assert refused.status_code == 409
    assert "waits here already" in refused.content.decode()
    for form, status in (({"asked": "", "kind": "align-bearer"}, 400), ({"asked": "x" * 81, "kind": "jira-pat"}, 400)):
        assert configurer.post(ASK, form).status_code == status
    assert configurer.get(ASK.replace("align", "nothing")).status_code == 404


def test_its_end_is_told_once(configurer: Client) -> None:
    asked(configurer)
    assert links.end_expired() == 0
    OwnerLink.objects.update(ends_at=timezone.now())
    assert (links.end_expired(), links.end_expired()) == (1, 0)
    assert acts()[-1] == "credential.link_expired"


def test_guesses_are_limited_by_address(db: None) -> None:
    for guess in range(20):
        assert Client().get(f"/token/{guess:043d}/").status_code == 303
    assert Client().get("/token/twenty-first/").status_code == 429
    assert Client().get("/token/other/", REMOTE_ADDR="198.51.100.7").status_code == 303


@pytest.mark.django_db(transaction=True)
def test_of_two_entries_at_once_one_is_stored(configurer: Client) -> None:
    token = asked(configurer).split("/")[2]

    def store() -> object:
        try:
            return links.store(token, secret(NEW), replaces_same_user=False).stage
        except Refused as refused:
            return str(refused)

    Meeting(store, lambda sql: "INSERT" in sql and "connectors_credential" in sql).hold()
    assert Credential.objects.filter(stage=Stage.PENDING).count() == 1
    assert OwnerLink.objects.get().outcome == LinkOutcome.USED
