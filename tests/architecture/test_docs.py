"""README, CHANGELOG and docs/ name nothing that is not there: files, code, tests, commands, settings and make targets.

What they may say, so that it can be looked up:

- a file or folder by its path from the top, `connectors/jobs/runner.py`, `connectors/history/`, with `*` for any name;
- what stands in a file as `connectors/jobs/runner.py::start`, a test as `test_apply::test_a_kill`, without its folder;
- a module by its dotted name, `alignadmin.audit.trail`;
- a command with its options, `manage.py archive_history --remove`; a make target, `make check`;
- a setting by its name in capitals; a button, link or heading of the product as *Verify now*.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from tests import ROOT
from tests.architecture.test_docs_settings import defaults
from tests.architecture.test_layout import TOP_LEVEL, tracked
from tests.bench import performance

pytestmark = [pytest.mark.usefixtures("processes"), pytest.mark.once]

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
FOLDERS = "alignadmin|connectors|mappings|tests|templates|static|docs"
BARE = re.compile(r"[\w.-]+\.(?:py|html|txt|md|toml|env|sqlite3)")
# A folder at the top and what follows, not within an address, a longer path or a word.
PATH = re.compile(rf"(?<![\w/.:{{}}-])(?:{FOLDERS})/(?:[\w.*-]+/)*[\w.*-]*(?:::\w+)?")
MODULE = re.compile(r"(?:alignadmin|connectors|mappings|tests)(?:\.\w+)+")
OF_THE_DEMO = {"AUDIT_ENDPOINT", "DEMO_PASSWORD", "EMPTY", "SANDBOX_PORT"}
# Of the demo, of gunicorn, and of a test.
OF_OTHERS = OF_THE_DEMO | {"FORWARDED_ALLOW_IPS", "JIRA_OPENAPI"}
# Files that the product writes, and others that are not of this tree.
MADE = {
    "README.txt", "alignadmin.sqlite3", "checker.py", "checkpoints.jsonl", "entries.jsonl", "keys.json", "lines.jsonl",
    "manifest.json", "manifest.sig", "plans.jsonl", "rows.csv", "rows.jsonl", "settings.env",
    "statements.txt",
}  # fmt: skip

EMPHASISED = {"Not met", "Not met by the product", "Partly"}  # words that are no label
# What a room has as far as it needs it, where any room is meant.
SKELETON = {
    "apps.py",
    "forms.py",
    "job.py",
    "page.py",
    "preferences.py",
    "queries.py",
    "services.py",
    "urls.py",
    "views.py",
}


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


# Made by commands, at the first start or at an installation.
MADE_FOLDERS = ("installation/", "var/", ".venv/", "DATA_DIR/")


def missing_places(text: str) -> Iterator[str]:
    """Whatever in a span or a block looks like a path, hidden folders too, and each address of the product."""
    for code in code_of(text):
        for found in re.findall(r"(?<![^\s=`])\.?[\w-]*(?:/[\w.*{}-]+)*/?(?=[\s,;)]|$)", code):
            if "/" not in found.strip("/") and not re.fullmatch(r"/\S+|\S+/", found):
                continue
            if found.startswith("/"):
                if found.startswith("/dev/") or is_address(re.sub(r"{\w+}", "1", found)):
                    continue
            elif found.startswith(MADE_FOLDERS) or is_there(found):
                continue
            yield found


BEGINNINGS = ("/token/", "/accounts/join/", "/accounts/password/reset/key/")  # of addresses that hold a secret


def is_address(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return path in (*BEGINNINGS, "/api/", "/accounts/oidc/login/callback/")  # the last with single sign-on alone
    return True


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md", "docs/CONTRIBUTING.md"])
def test_whatever_looks_like_a_path_or_an_address_is_one(name: str) -> None:
    assert list(missing_places(text_of(name))) == []


def anchors_of(page: Path) -> set[str]:
    heads = re.findall("^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", head.lower()).replace(" ", "-") for head in heads}


# -- tests -------------------------------------------------------------------------------------------------------------


# `test_apply::test_a_kill`, `tests/a/test_apply.py::Class::test_a_kill`, tests.a.test_apply.test_a_kill, test_apply.
TEST = re.compile(r"(?<![\w.*])(?:(?!test_)\w+[/.])*(test_\w+)(\.py\b)?((?:(?:::|\.)(?!py\b)\w+)*)")


@cache
def of_file(file: str) -> tuple[frozenset[str], ...]:
    """All that is defined in each file of that name, as `Class.test_it` and `test_it`."""
    return tuple(
        frozenset(_defined(ast.parse(path.read_text()).body)) for path in sorted((ROOT / "tests").rglob(f"{file}.py"))
    )


def _defined(body: list[ast.stmt], within: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield f"{within}{node.name}"
            if isinstance(node, ast.ClassDef):
                # By `file::test`, too, without the class.
                yield from (name for each in _defined(node.body) for name in (f"{within}{node.name}.{each}", each))
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (f"{within}{target.id}" for target in targets if isinstance(target, ast.Name))


def missing_tests(text: str) -> Iterator[str]:
    """Wherever it stands, in a span, a block or a sentence."""
    for found in TEST.finditer(text):
        file, _, rest = found.groups()
        name = rest.replace("::", ".").strip(".")
        in_files = of_file(file)
        if not (any(name in each for each in in_files) if name else in_files):
            yield found[0]


@pytest.mark.parametrize("name", NAMES)
def test_its_tests_are_there(name: str) -> None:
    assert list(missing_tests(text_of(name))) == []


def test_what_is_promised_is_shown_by_tests() -> None:
    for name, least in (("docs/security.md", 100), ("docs/operations.md", 50), ("docs/THREAT_MODEL.md", 20)):
        assert len(TEST.findall(text_of(name))) > least, name


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


def wrong_settings(text: str) -> Iterator[str]:
    for code in code_of(text):
        for name in re.findall(r"^[A-Z][A-Z]*_[A-Z_]*[A-Z](?==|$)", code):
            if not (hasattr(settings, name) or name in {*defaults(), *OF_OTHERS, *performance.VARIABLES}):
                yield name


@pytest.mark.parametrize("name", NAMES)
def test_its_settings_are_settings(name: str) -> None:
    assert list(wrong_settings(text_of(name))) == []


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
    dotted = "`test_docs.test_it_finds_what_is_not_there`, tests.architecture.test_docs.missing_tests, `test_docs`"
    file, test = "tests/alignadmin/audit/test_audit_trail.py", "test_an_act_that_cannot_be_told_does_not_happen"
    assert list(missing_tests(f"{dotted}, `{file}::TestAppending::{test}`")) == []
    nowhere = ["test_docs::test_nothing", "test_nowhere::test_it", "test_docs.test_dotted", "tests/a/test_gone.py"]
    nowhere += [f"{file}::TestNone::{test}", "tests.alignadmin.test_roles.test_gone"]
    assert list(missing_tests(", ".join(f"`{each}`" for each in nowhere) + " and test_in_a_sentence.")) == [
        *nowhere,
        "test_in_a_sentence",
    ]
    places = "`.ci/run`, `/plans/1/`, `var/x`, `make test`, `.ci/gone`, `tools/x.py`, `/nowhere/`, `cat lib/y`"
    assert list(missing_places(places)) == [".ci/gone", "tools/x.py", "/nowhere/", "lib/y"]
    commands = "`manage.py checkpoint --new-key`, `manage.py checkpoint --old-key`, `manage.py takefactors me`"
    assert list(wrong_commands(commands)) == ["checkpoint --old-key", "takefactors"]
    assert list(wrong_targets("`make demo PORT=1`, `make coffee`")) == ["coffee"]
    assert list(wrong_settings("`PACK_FOLDER`, `BAG_FOLDER`, `LOG_LEVEL=DEBUG`")) == ["BAG_FOLDER"]
    labels = "*History → Verify now*, *Verify yesterday*, *Lost*.\n\n## Lost\n\n- *Slow*: word. *any* word, **Bold**"
    assert list(wrong_labels(labels)) == ["Verify yesterday"]
