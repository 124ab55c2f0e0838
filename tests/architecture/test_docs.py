"""README, CHANGELOG and docs/ name nothing that is not there: files, code, tests, commands, settings and make targets.

What they may say, so that it can be looked up:

- a file or folder by its path from the top, `connectors/jobs/runner.py`, `connectors/history/`, with `*` for any name;
- what stands in a file as `connectors/jobs/runner.py::start`, a test as `test_apply::test_a_kill`, without its folder;
- a module by its dotted name, `alignadmin.audit.trail`;
- a command with its options, `manage.py archive_history --remove`; a make target, `make check`;
- a setting by its name in capitals; a button, link or heading of the product as *Verify now*.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

from tests import ROOT
from tests.architecture.test_layout import TOP_LEVEL, tracked

pytestmark = pytest.mark.usefixtures("processes")

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
FOLDERS = "alignadmin|connectors|mappings|tests|templates|static|docs"
BARE = re.compile(r"[\w.-]+\.(?:py|html|txt|md|toml|env|sqlite3)")
# A folder at the top and what follows, not within an address, a longer path or a word.
PATH = re.compile(rf"(?<![\w/.:{{}}-])(?:{FOLDERS})/(?:[\w.*-]+/)*[\w.*-]*(?:::\w+)?")
MODULE = re.compile(r"(?:alignadmin|connectors|mappings|tests)(?:\.\w+)+")
OF_THE_DEMO = {"AUDIT_ENDPOINT", "DEMO_PASSWORD", "SANDBOX_PORT"}
# Of the demo and of gunicorn.
OF_OTHERS = OF_THE_DEMO | {"FORWARDED_ALLOW_IPS"}
# Files that the product writes, and others that are not of this tree.
MADE = {
    "README.txt", "alignadmin.sqlite3", "checker.py", "checkpoints.jsonl", "entries.jsonl", "keys.json", "lines.jsonl",
    "manifest.json", "manifest.sig", "plans.jsonl", "rows.csv", "rows.jsonl", "settings.env",
    "statements.txt",
}  # fmt: skip

EMPHASISED = {"Not met", "Not met by the product", "Partly"}  # words that are no label
# What a room has as far as it needs it, where any room is meant.
SKELETON = {"apps.py", "forms.py", "job.py", "page.py", "queries.py", "services.py", "urls.py", "views.py"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def code_of(text: str) -> list[str]:
    """Spans and the lines of blocks."""
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return [*spans, *(line for block in blocks for line in block.splitlines())]


# -- files and what stands in them -------------------------------------------------------------------------------------


@cache
def files() -> frozenset[str]:
    return frozenset(path.relative_to(ROOT).as_posix() for path in tracked())


def is_there(path: str) -> bool:
    if "*" in path:
        return any(ROOT.glob(path.rstrip("/")))
    return path in files() or any(each.startswith(path.rstrip("/") + "/") for each in files())


def defines(path: Path, name: str) -> bool:
    """A class, a function or a value, at whatever depth."""
    pattern = rf"^\s*(?:(?:async )?def|class) {name}\b|^\s*{name}\b[^=\n(]*="
    return re.search(pattern, path.read_text(), re.MULTILINE) is not None


def missing_paths(text: str) -> Iterator[str]:
    for found in PATH.findall(text):
        path, _, name = found.rstrip(".").partition("::")
        if not is_there(path) or (name and not defines(ROOT / path, name)):
            yield found


@pytest.mark.parametrize("name", NAMES)
def test_its_files_are_there_with_what_is_said_to_be_in_them(name: str) -> None:
    assert list(missing_paths(text_of(name))) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_named_by_its_whole_path(name: str) -> None:
    """Of two `services.py` nobody knows which is meant, and a file that is gone would not be missed."""
    bare = [
        each for each in code_of(text_of(name)) if re.fullmatch(r"[\w.-]+\.(py|html|txt|md|toml|env|sqlite3)", each)
    ]
    assert [each for each in bare if each not in MADE | TOP_LEVEL | SKELETON] == []


@pytest.mark.parametrize("name", NAMES)
def test_its_modules_are_there(name: str) -> None:
    named = [each for each in code_of(text_of(name)) if MODULE.fullmatch(each) and each not in MADE]
    # The last part may be what stands in the module.
    there = (ROOT.joinpath(*parts) for each in named for parts in [each.split(".")])
    paths = [(each, path) for each, path in zip(named, there, strict=True) if not path.is_dir()]
    wrong = [
        each
        for each, path in paths
        if not path.with_suffix(".py").is_file()
        and not (path.parent.with_suffix(".py").is_file() and defines(path.parent.with_suffix(".py"), path.name))
    ]
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_its_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    wrong = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if re.match(r"https?:|mailto:", link):
            continue
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            wrong.append(link)
    assert wrong == []


def anchors_of(page: Path) -> set[str]:
    heads = re.findall("^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", head.lower()).replace(" ", "-") for head in heads}


# -- tests -------------------------------------------------------------------------------------------------------------


@cache
def of_file(file: str) -> frozenset[str]:
    """The tests in all files of that name."""
    sources = [path.read_text() for path in (ROOT / "tests").rglob(f"{file}.py")]
    return frozenset(found for source in sources for found in re.findall(r"^\s*def (test_\w+)\(", source, re.MULTILINE))


def missing_tests(text: str) -> Iterator[str]:
    for code in code_of(text):
        if not code.startswith("test_"):
            continue
        file, _, test = code.partition("::")
        if test not in of_file(file):
            yield code


@pytest.mark.parametrize("name", NAMES)
def test_its_tests_are_there(name: str) -> None:
    assert list(missing_tests(text_of(name))) == []


def test_what_is_promised_is_shown_by_tests() -> None:
    for name, least in (("docs/security.md", 100), ("docs/operations.md", 50), ("docs/THREAT_MODEL.md", 20)):
        assert len([code for code in code_of(text_of(name)) if code.startswith("test_")]) > least, name


# -- commands, targets, settings ---------------------------------------------------------------------------------------


def wrong_commands(text: str) -> Iterator[str]:
    for code in code_of(text):
        for command, rest in re.findall(r"manage\.py (\w+)([^|&;#]*)", code):
            app = get_commands().get(command)
            if app is None:
                yield command
                continue
            made = load_command_class(app, command)
            known = made.create_parser("manage.py", command)._option_string_actions
            yield from (f"{command} {option}" for option in re.findall(r"(--[\w-]+)", rest) if option not in known)


@pytest.mark.parametrize("name", NAMES)
def test_its_commands_are_there_with_their_options(name: str) -> None:
    assert list(wrong_commands(text_of(name))) == []


def wrong_targets(text: str) -> Iterator[str]:
    (listed,) = re.findall(r"^\.PHONY: (.+)$", text_of("Makefile"), re.MULTILINE)
    for code in code_of(text):
        for target in re.findall(r"(?:^|\W)make ([a-z]+)", code):
            if target not in listed.split():
                yield target


@pytest.mark.parametrize("name", NAMES)
def test_its_make_targets_are_there(name: str) -> None:
    assert list(wrong_targets(text_of(name))) == []


@cache
def read_from_environment() -> frozenset[str]:
    sources = text_of("alignadmin/settings.py") + text_of("alignadmin/web_worker.py")
    return frozenset(re.findall(r"""(?:env\.\w+|environ\.get)\("([A-Z_]+)\"""", sources))


def wrong_settings(text: str) -> Iterator[str]:
    for code in code_of(text):
        for name in re.findall(r"^[A-Z][A-Z]*_[A-Z_]*[A-Z](?==|$)", code):
            if not (hasattr(settings, name) or name in read_from_environment() | OF_OTHERS):
                yield name


@pytest.mark.parametrize("name", NAMES)
def test_its_settings_are_settings(name: str) -> None:
    assert list(wrong_settings(text_of(name))) == []


def test_every_setting_of_the_environment_stands_in_the_readme() -> None:
    assert len(read_from_environment()) > 60
    told = {name for code in code_of(text_of("README.md")) for name in re.findall(r"^[A-Z_]+$", code)}
    assert read_from_environment() - told == set()


def test_the_demo_reads_its_own() -> None:
    source = "".join(path.read_text() for path in (ROOT / "connectors").glob("*/*.py"))
    assert [name for name in OF_THE_DEMO if f'"{name}"' not in source] == []


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    needed = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.split(r"[\[<>=]", each)[0] for each in needed}
    table = text_of("README.md").partition("## Dependencies")[2].partition("\n## ")[0]
    assert names - set(re.findall(r"[\w-]+", table)) == set()


# -- pages of the product ----------------------------------------------------------------------------------------------


@cache
def words_of_the_product() -> str:
    """All that stands in templates and sources, line breaks as spaces."""
    folders = ("templates", "static", "alignadmin", "connectors", "mappings")
    found = (
        path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in {".html", ".py", ".js"}
    )
    return re.sub(r"\s+", " ", "".join(path.read_text() for path in found))


def wrong_labels(page: str) -> Iterator[str]:
    """*Labels* of buttons, links and headings, as *History → Import*; and *Headings* of the same page. n: a number."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page, flags=re.MULTILINE | re.DOTALL)
    headings = {head.strip("# ") for head in text.splitlines() if head.startswith("#")}
    for found in re.findall(r"(?<![*\w])(?<!- )\*([A-Z][^*]{1,80})\*(?![*\w])", text):
        for label in re.sub(r"\s+", " ", found).split(" → "):
            pattern = re.sub(r"\\ n\\ ", " (?:[^ ]+|{{.*?}}) ", re.escape(label))
            if label not in headings | EMPHASISED and not re.search(pattern, words_of_the_product()):
                yield label


@pytest.mark.parametrize("name", NAMES)
def test_its_labels_stand_on_pages(name: str) -> None:
    assert list(wrong_labels(text_of(name))) == []


# -- this file itself --------------------------------------------------------------------------------------------------


def test_it_finds_what_is_not_there() -> None:
    good = "`connectors/jobs/runner.py::start` and `tests/*/jobs/`, `test_docs::test_it_finds_what_is_not_there`"
    assert (list(missing_paths(good)), list(missing_tests(good))) == ([], [])
    bad = "`connectors/jobs/running.py`, connectors/views, `connectors/jobs/runner.py::begin`, `connectors/x*/`"
    assert len(list(missing_paths(bad))) == 4
    assert len(list(missing_tests("`test_docs::test_nothing`, `test_nowhere::test_it`, `test_docs.test_dotted`"))) == 3
    commands = "`manage.py checkpoint --new-key`, `manage.py checkpoint --old-key`, `manage.py takefactors me`"
    assert list(wrong_commands(commands)) == ["checkpoint --old-key", "takefactors"]
    assert list(wrong_targets("`make demo PORT=1`, `make coffee`")) == ["coffee"]
    assert list(wrong_settings("`PACK_FOLDER`, `BAG_FOLDER`, `LOG_LEVEL=DEBUG`")) == ["BAG_FOLDER"]
    labels = "*History → Verify now*, *Verify yesterday*, *Lost*.\n\n## Lost\n\n- *Slow*: word. *any* word, **Bold**"
    assert list(wrong_labels(labels)) == ["Verify yesterday"]
