"""The help: every document is a topic, every link and picture in it leads on, and each page has its own topic."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.site import help_rendering
from alignadmin.site.help_keys import KEYS
from alignadmin.site.help_topics import BY_FILE, OF_PAGES, TOPICS, Topic, topic_of


class Parts(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given["id"]} if "id" in given else set()
        self.links += [given["href"]] if tag == "a" else []
        self.pictures += [given["src"]] if tag == "img" else []


@pytest.fixture(scope="module")
def documents() -> dict[str, Parts]:
    return {key: Parts(help_rendering.document(topic).html) for key, topic in TOPICS.items()}


def test_every_document_is_a_topic() -> None:
    assert set(BY_FILE) == {file.name for file in settings.DOCS.glob("*.md")}


def test_every_link_leads_to_a_place_that_is_there(documents: dict[str, Parts]) -> None:
    wrong = []
    for key, parts in documents.items():
        for link in parts.links:
            address, _, place = link.partition("#")
            if re.match(r"https?:|mailto:", link):
                continue
            to = re.fullmatch(r"/help/([\w-]+)/", address)
            target = documents.get(to[1] if to else key) if to or not address else None
            if target is None or (place and place not in target.ids):
                wrong.append(f"{key}: {link}")
    assert wrong == []


def test_every_page_has_its_topic_and_each_of_these_has_its_place(documents: dict[str, Parts]) -> None:
    for topic in OF_PAGES.values():
        key, _, place = topic.partition("#")
        assert key in documents
        assert not place or place in documents[key].ids, topic
    assert topic_of("/connectors/acme/mappings/") == "mapping"
    assert topic_of("/connectors/acme/contract/") == "mapping#type-ids"
    assert topic_of("/history/packs/new/") == "compliance#6-check-an-evidence-pack-yourself"
    assert topic_of("/history/12/") == "compliance"
    assert topic_of("/connectors/acme/") == topic_of("/") == topic_of("/accounts/2fa/") == ""


def test_pictures_are_served_and_nothing_else_of_the_folder(
    db: None, client: Client, people: dict[Role, Person], documents: dict[str, Parts]
) -> None:
    client.force_login(people[Role.VIEWER])
    pictures = {picture for parts in documents.values() for picture in parts.pictures}
    assert len(pictures) > 5
    for address in pictures:
        answer = client.get(address)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/png"), address
        assert answer.getvalue().startswith(b"\x89PNG")
    for address in (
        "mapping.md",
        "pictures/",
        "pictures/../mapping.md",
        "../README.md",
        "pictures/none.png",
        "nothing/",
    ):
        assert client.get(f"/help/{address}").status_code == 404, address


def test_pages_show_the_document_and_lead_to_it(db: None, client: Client, people: dict[Role, Person]) -> None:
    client.force_login(people[Role.VIEWER])
    for topic in TOPICS.values():
        assert topic.title in client.get("/help/").content.decode()
        assert client.get(f"/help/{topic.key}/").status_code == 200
    page = client.get("/help/mapping/").content.decode()
    assert page.count("<h1>") == 1
    assert '<h2 id="type-ids">Type ids</h2>' in page
    assert 'href="/help/compliance/#2-where-it-comes-from"' in page
    assert 'href="/help/operations/#plans-and-applies-the-short-version"' in client.get("/plans/").content.decode()


def test_html_in_a_document_is_shown_as_text(tmp_path: object, settings: object) -> None:
    made = Topic(key="made", file="made.md", title="Made", about="")
    settings.DOCS = tmp_path  # type: ignore[attr-defined]
    (tmp_path / "made.md").write_text(  # type: ignore[operator]
        "# Made\n\n<script>alert(1)</script> a <b>b</b>\n\n"
        "[x](javascript:alert(1)) [up](../README.md) ![p](/etc/x.png)\n"
    )
    html = help_rendering.document(made).html
    assert "<script" not in html
    assert "<b>" not in html
    assert 'href="javascript' not in html
    assert 'href="/help/"' in html


def test_the_keys_are_those_of_the_page(db: None, client: Client, people: dict[Role, Person]) -> None:
    client.force_login(people[Role.VIEWER])
    every = client.get("/help/keys/").content.decode()
    assert all(group.title in every for group in KEYS)
    part = client.get("/help/keys/", {"of": "/plans/"}, headers={"HX-Request": "true"}).content.decode()
    assert "Every page" in part
    assert "grid of a matrix" not in part
    assert "<html" not in part
    assert "grid of a matrix" in client.get("/help/keys/", {"of": "/connectors/acme/mappings/"}).content.decode()
