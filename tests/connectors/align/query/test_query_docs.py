"""docs/queries.md shows queries that are read, refusals in the words that are said, and code that runs."""

from __future__ import annotations

import re

import pytest

from connectors.align.query import EACH, AlignQuery, Q, QueryRefused, query_of, read_options, read_query
from tests import ROOT

pytestmark = pytest.mark.usefixtures("sources")
# Filters stand without their object, so each is asked of the first that has its fields.
ANY_OBJECT = ("feature", "epic", "risk")


def section(name: str) -> str:
    page = (ROOT / "docs/queries.md").read_text()
    return page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_its_examples_are_read() -> None:
    page = (ROOT / "docs/queries.md").read_text()
    blocks = re.findall(r"^```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    examples = [line for block in blocks for line in block.splitlines()]
    assert len(examples) >= 6
    for example in examples:
        assert read_query(example).text() == example


def test_what_it_calls_refused_is_refused_in_these_words() -> None:
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \|$", section("What is refused"), re.MULTILINE)
    assert len(rows) >= 12
    for typed, sentence in rows:
        with pytest.raises(QueryRefused) as refused:
            read_query(typed)
        assert refused.value.sentence == sentence


def test_its_filters_can_be_asked() -> None:
    rows = re.findall(r"^\| [^`|]+ \| (`.+) \|$", section("Filters"), re.MULTILINE)
    filters = [each for row in rows for each in re.findall(r"`(.+?)`", row) if not each.startswith("expand")]
    assert len(filters) >= 20
    for each in filters:
        assert asked(each) is not None, each


def asked(typed: str) -> AlignQuery | None:
    for key in ANY_OBJECT:
        try:
            return read_options(query_of(key).asked, f"expand=true&$filter={typed}")
        except QueryRefused:
            continue
    return None


def test_its_python_sends_what_it_says() -> None:
    rows = re.findall(r"^\| `(query_of.+?)` \| `(.+?)` \|$", section("In Python"), re.MULTILINE)
    assert len(rows) >= 5
    for code, sent in rows:
        assert eval(code, {"query_of": query_of, "Q": Q, "EACH": EACH}).text() == sent
