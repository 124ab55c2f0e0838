"""docs/compliance.md names nothing that is not there: pictures, settings, actions, and what the search understands."""

from __future__ import annotations

import re

from django.conf import settings

from connectors.history.search import query_language
from tests import ROOT

DOCS = ROOT / "docs"
PAGE = (DOCS / "compliance.md").read_text()
CODE = re.findall(r"`([^`\n]+)`", PAGE)
LARGEST_PICTURE = 150_000


def test_its_pictures_are_there_and_small() -> None:
    names = re.findall(r"\]\((pictures/[^)]+)\)", PAGE)
    assert names
    assert {name: (DOCS / name).stat().st_size > LARGEST_PICTURE for name in names} == dict.fromkeys(names, False)


def test_its_settings_are_settings() -> None:
    named = {text for text in CODE if re.fullmatch("[A-Z]+_[A-Z_]+", text)} - {"SEAL_KEYS"}
    assert named
    assert [name for name in named if not hasattr(settings, name)] == []


def test_its_actions_are_written_by_the_product() -> None:
    sources = "".join(
        path.read_text() for app in ("alignadmin", "connectors", "mappings") for path in (ROOT / app).rglob("*.py")
    )
    named = {text for text in CODE if re.fullmatch(r"(change|credential)\.[a-z_]+", text)}
    named |= {found for text in CODE for found in re.findall(r"action:([a-z]+\.[a-z_]+)", text)}
    assert len(named) > 4
    assert [name for name in named if f'"{name}"' not in sources] == []


def test_its_searches_are_understood() -> None:
    searches = [text for text in CODE if re.match(r"[a-z]+:\S", text)]
    assert len(searches) > 8
    assert {text: query_language.parse(text).problems for text in searches} == dict.fromkeys(searches, ())


def test_its_anchors_lead_somewhere() -> None:
    heads = re.findall("^## (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads}
    assert set(re.findall(r"\(#([^)]+)\)", PAGE)) <= anchors
