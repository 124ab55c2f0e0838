"""The document of figures: a run replaces the section of its own command and no other."""

from __future__ import annotations

import pytest

from tests.bench import performance


def test_a_run_replaces_its_own_section_alone() -> None:
    document = performance.with_section("", "make bench BENCH=plan", "first")
    document = performance.with_section(document, "make bench BENCH=matrix", "a table")
    document = performance.with_section(document, "make bench BENCH=plan", "second")
    assert document.startswith("# Figures\n")
    assert document.count("## `make bench BENCH=plan`") == 1
    assert "first" not in document
    assert document.index("second") < document.index("a table")
    assert performance.with_section(document, "make bench BENCH=plan", "second") == document


def test_a_bar_in_a_title_or_cell_is_no_column() -> None:
    table = performance.as_table("Plan", [("what", "measured"), ("a|b", "1 s")])
    assert table.splitlines() == ["**Plan**", "", "| what | measured |", "| --- | --- |", r"| a\|b | 1 s |"]


@pytest.mark.usefixtures("processes")
def test_figures_say_the_commit_and_the_machine() -> None:
    said = performance.circumstances()
    assert " UTC, commit " in said
    assert " cores, " in said
