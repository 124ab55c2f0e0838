"""What tests do with people, in the words of the product: invite, join, sign in, send an admin's form."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client
from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.audit.models import ChainHead, Entry
from alignadmin.errors import Refused

NEW_PASSWORD = "quiet-harbour-lantern-oat"
INVITED = {"email": "Nora@example.test", "name": "Nora New", "role": "editor"}
LIST = "/settings/people/"
NEW = f"{LIST}new/"


def said(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.content.decode()))


def entries(action: str) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in Entry.objects.filter(action=action).order_by("seq")]


def send(client: Client, name: str, person: Person, /, **form: str) -> Any:
    return client.post(reverse(name, args=[person.pk]), form)


def link_in(text: str) -> str:
    found = re.search(r"http://localhost:8000(/accounts/join/\S+?/\S+?/)", text)
    assert found, text
    return found.group(1)


def invite(boss: Client) -> str:
    """Without a mail server: the link that the page shows."""
    return link_in(said(boss.post(NEW, INVITED)))


def open_link(link: str) -> tuple[Client, Any]:
    client = Client()
    return client, client.get(link, follow=True)


def join(link: str, password: str = NEW_PASSWORD, again: str = "") -> Any:
    """Follow the link in a browser of one's own and send the form."""
    client, page = open_link(link)
    return client.post(page.request["PATH_INFO"], {"password": password, "again": again or password})


def sign_in(email: str, password: str) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": email, "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def at_once(acts: list[Callable[[], object]]) -> list[str]:
    """Do them in threads that start together; the sentences of those that were refused."""
    start, refusals = threading.Barrier(len(acts)), list[str]()

    def run(act: Callable[[], object]) -> None:
        start.wait(30)
        try:
            act()
        except Refused as refused:
            refusals.append(str(refused))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return refusals


@contextmanager
def unwritable_history() -> Iterator[None]:
    """The chain's head points at an entry that is there, so that the database refuses the next one."""
    seq = ChainHead.objects.get().seq
    ChainHead.objects.update(seq=0)
    yield
    ChainHead.objects.update(seq=seq)
    assert Entry.objects.count() == seq
