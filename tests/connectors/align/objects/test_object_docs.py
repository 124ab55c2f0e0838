"""docs/objects.md is the table of objects; with WRITE_OBJECTS=1 it is written anew."""

from __future__ import annotations

import os

import pytest

from connectors.align.objects import OBJECTS
from tests import ROOT
from tests.support.object_pages import rendered

PAGE = ROOT / "docs/objects.md"


@pytest.mark.usefixtures("sources")
def test_the_page_is_the_table() -> None:
    if os.environ.get("WRITE_OBJECTS"):
        PAGE.write_text(rendered())
    assert PAGE.read_text() == rendered()


def test_the_page_names_every_field() -> None:
    page = rendered()
    assert all(field in page for each in OBJECTS.values() for field in each.fields)
    assert page.count("\n## ") == len(OBJECTS)
