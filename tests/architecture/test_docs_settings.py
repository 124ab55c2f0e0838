"""The tables of settings in README and docs/operations.md: each is read from the environment, with this default.

A default is compared with the one in the source, so that neither the run's environment nor a data folder counts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT

PAGES = ["README.md", "docs/operations.md"]
SOURCES = ("alignadmin/settings.py", "alignadmin/web_worker.py")
# What tables say in words, by what the source says.
IN_WORDS: dict[str, list[Any]] = {
    "none": ["", [], None],
    "nothing is sent": [""],
    "on": [True],
    "off": [False],
    "this machine": [["localhost", "127.0.0.1", "[::1]"]],
    "SQLite in `DATA_DIR`": ["sqlite:///DATA_DIR/alignadmin.sqlite3"],
    "`var/`": ["TOP/var"],
    "those of reminders": [None],
}
UNITS = {"": 1, " s": 1, " days": 24 * 3600, " MB": 1024 * 1024}
# What the expressions of defaults refer to.
NAMES = {
    "DATA_DIR": Path("DATA_DIR"),
    "BASE_DIR": Path("TOP"),
    "str": str,
}


@cache
def defaults() -> dict[str, Any]:
    """By the name of the variable, from the sources; None where there is none."""
    found: dict[str, Any] = {}
    for source in SOURCES:
        for node in ast.walk(ast.parse((ROOT / source).read_text())):
            if isinstance(node, ast.Call) and re.fullmatch(r"env\.\w+|os\.environ\.get", ast.unparse(node.func)):
                name, *rest = node.args
                given = [*rest, *(each.value for each in node.keywords if each.arg == "default")]
                if isinstance(name, ast.Constant):  # the file that is read is none
                    found.setdefault(str(name.value), eval(ast.unparse(given[0]), NAMES.copy()) if given else None)
    return found


def tables_of(text: str) -> Iterator[tuple[list[str], str]]:
    """The names in a row of a table of settings, and its cell of defaults."""
    for table in re.findall(r"^\| (?:variable|setting) \| default \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE):
        for row in table.splitlines():
            cells = re.split(r"(?<!\\)\|", row)
            yield re.findall(r"`([A-Z_]+)`", cells[1]), cells[2].strip()


def is_said(cell: str, default: Any) -> bool:
    if cell in IN_WORDS:
        return default in IN_WORDS[cell]
    if folder := re.fullmatch(r"`(\w+)` in `DATA_DIR`", cell):
        return str(default) == f"DATA_DIR/{folder[1]}"
    if literal := re.fullmatch(r"`([^`]+)`", cell):
        return literal[1] == (",".join(map(str, default)) if isinstance(default, list) else str(default))
    number = re.fullmatch(r"([\d.,]+)( \w+)?", cell)
    if not number or isinstance(default, (bool, list)) or (number[2] or "") not in UNITS:
        return cell == str(default)
    return float(number[1]) * UNITS[number[2] or ""] == float(default)


def wrong_defaults(text: str) -> Iterator[str]:
    for names, cell in tables_of(text):
        said = re.findall(r"(?:`[^`]*`|[^,`])+", cell)
        if len(said) not in (1, len(names)):
            yield f"{names}: {len(said)} defaults"
            continue
        unit = re.search(r"\d( s)$", cell)  # of all the numbers before it
        for name, each in zip(names, said if len(said) > 1 else said * len(names), strict=True):
            if name not in defaults():
                yield f"{name} is read nowhere"
            elif not is_said(each.strip(), defaults()[name]):
                yield f"{name} is {defaults()[name]!r}, not {each.strip()}{unit[1] if unit else ''}"


@pytest.mark.parametrize("name", PAGES)
def test_each_setting_has_the_default_that_its_table_states(name: str) -> None:
    text = (ROOT / name).read_text()
    assert len(list(tables_of(text))) > 15
    assert list(wrong_defaults(text)) == []


def test_each_variable_that_the_settings_read_stands_in_the_table_of_the_readme() -> None:
    told = [name for names, _ in tables_of((ROOT / "README.md").read_text()) for name in names]
    assert len(defaults()) > 60
    assert set(defaults()) - set(told) == set()
    assert sorted(told) == sorted(set(told)), "each stands there once"


def test_nothing_else_of_the_product_reads_the_environment() -> None:
    """Besides the demo and `serve`, whose own variables the README has in its text."""
    read = re.compile(r"""(?:env\.\w+|environ\.get)\(\s*["']|environ\[["']""")
    elsewhere = {
        path.relative_to(ROOT).as_posix()
        for floor in ("alignadmin", "connectors", "mappings")
        for path in (ROOT / floor).rglob("*.py")
        if read.search(path.read_text())
    }
    allowed = {*SOURCES, "alignadmin/wsgi.py", "connectors/management/commands/demo.py"}
    assert elsewhere - allowed == {each for each in elsewhere if each.startswith("connectors/demo/")}


def test_it_finds_a_default_that_is_another() -> None:
    head = "| setting | default | what |\n|---|---|---|\n"
    assert list(wrong_defaults(f"{head}| `TICK`, `JOB_LEASE` | 5, 30 s | |\n| `SECURE` | on | |\n")) == []
    wrong = (
        f"{head}| `TICK` | 6 | |\n| `NO_SUCH` | 1 | |\n| `SECURE` | off | |\n| `TICK`, `DEBUG`, `SECURE` | 5, off | |\n"
    )
    assert len(list(wrong_defaults(wrong))) == 4
