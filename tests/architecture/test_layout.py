"""The tree: nothing at the top level that does not belong there, nothing in any file that belongs to one machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tests import ROOT
from tests.bench.__main__ import NAMES

pytestmark = [pytest.mark.usefixtures("processes"), pytest.mark.once]

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "alignadmin",
    "connectors",
    "constraints.txt",
    "docs",
    "manage.py",
    "mappings",
    "pyproject.toml",
    "static",
    "templates",
    "tests",
}
# Written in pieces, so that this file does not contain what it looks for.
ELSEWHERE = [
    ("a home directory", r"(?<![\w.])/(root|home/\w+)" + "/"),
    ("a workplace", r"(?<![\w.])/wo" + r"rk/"),
    ("a package registry", "https?://" + r"(\w+\.)*(pypi\.|pythonhosted|npmjs|registry\.)"),
]


def tracked() -> list[Path]:
    """What git has, or would take: files that are ignored or deleted do not count."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_the_top_level_holds_only_what_belongs_there() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert "manage.py" in found
    assert found <= TOP_LEVEL


@pytest.mark.parametrize(("what", "pattern"), ELSEWHERE)
def test_no_file_names(what: str, pattern: str) -> None:
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked()
        for number, line in enumerate(path.read_text(errors="ignore").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert named == [], f"{what} is named"


def test_it_finds_what_it_looks_for() -> None:
    samples = ["open /ro" + "ot/.netrc", "cd /wo" + "rk/main", "https://py" + "pi.org/simple"]
    assert all(re.search(pattern, sample) for (_, pattern), sample in zip(ELSEWHERE, samples, strict=True))


def test_constraints_are_plain_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+", line)] == []


def test_constraints_name_every_package_that_the_product_and_its_checks_need() -> None:
    """With what they need themselves, on this Python."""
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {canonicalize_name(pin.partition("==")[0]) for pin in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting = [Requirement(each) for each in project["dependencies"]]
    waiting += [Requirement(each) for extra in project["optional-dependencies"].values() for each in extra]
    needed: dict[NormalizedName, frozenset[str]] = {}
    while waiting:
        asked = waiting.pop()
        name, extras = canonicalize_name(asked.name), frozenset(asked.extras)
        if name in needed and extras <= needed[name]:
            continue
        needed[name] = extras | needed.get(name, frozenset())
        for each in map(Requirement, metadata.requires(name) or []):
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append(each)
    assert len(needed) > 40
    assert set(needed) - pinned == set()


def test_nothing_of_others_is_copied_in() -> None:
    """Libraries for the browser come from installed packages."""
    copied = [path for path in tracked() if re.search(r"(\.min\.(js|css)|/(vendor|node_modules)/)", str(path))]
    assert copied == []


def test_a_lock_of_a_row_never_stops_those_who_only_refer_to_it() -> None:
    """On PostgreSQL they look at it when they commit, and hold the head of the history then: a deadlock otherwise."""
    texts = [
        path.read_text() for app in ("alignadmin", "connectors", "mappings") for path in (ROOT / app).rglob("*.py")
    ]
    locks = [found for text in texts for found in re.findall(r"select_for_update\(((?:[^()]|\([^()]*\))*)\)", text)]
    assert sum(text.count(".locked(") for text in texts) > 30  # by the one that alignadmin.locking has
    assert locks
    assert all("no_key=True" in lock for lock in locks)


def test_no_attribute_and_no_title_holds_an_element() -> None:
    """These filters write a <time> with attributes of its own: inside another's quotes the page shows its rest."""
    element = r"\{\{[^}]*\|(?:moment|stamp|clock|ago)\b[^}]*\}\}"
    wrong = re.compile(rf"""[a-z-]+="[^"<>]*{element}|block title %\}}(?:(?!endblock).)*{element}""")
    found = [path.name for path in (ROOT / "templates").rglob("*.html") if wrong.search(path.read_text())]
    assert found == []


def test_no_alarm_holds_bare_text() -> None:
    """It is a flex box: text beside an element such as <time> would be boxes of their own, one below the other."""
    alarms = [
        (path.name, inside)
        for path in (ROOT / "templates").rglob("*.html")
        for inside in re.findall(r"""class="[^"]*\balarm\b[^"]*"[^>]*>\s*(\S)""", path.read_text())
    ]
    assert len(alarms) > 3
    assert [name for name, inside in alarms if inside != "<"] == []


def test_a_page_waits_for_a_test_as_long_as_two_sites_may_take() -> None:
    """Each of seven steps may take the whole deadline of a request, and the web gives nothing up before that."""
    new = dict.fromkeys(("adding/_save.html", "adding/_connect_form.html"), "connector-new")
    pages = {"_test.html": "connector-test", **new}
    for name, tests in pages.items():
        text = (ROOT / "templates/connectors/setup" / name).read_text()
        asked = re.findall(rf"""hx-post="{{% url '{tests}'[^>]*hx-request='\{{"timeout": (\d+)\}}'""", text)
        assert len(asked) == text.count(f"hx-post=\"{{% url '{tests}'") == 1
        assert int(asked[0]) >= 7 * 20_000


def test_every_benchmark_can_be_started() -> None:
    """Each reads the settings of its own copy, so it imports nothing of Django's world before it has them."""
    modules = ", ".join(f"tests.bench.{name.replace('-', '_')}" for name in (*NAMES, "prepare"))
    subprocess.run([sys.executable, "-c", f"import {modules}"], cwd=ROOT, check=True, timeout=60)
