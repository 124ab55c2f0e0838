"""The house: which room may know which, and that a name, a file and a room have one job each."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests import ROOT
from tests.architecture.sources import FLOORS, Import, imports, modules

pytestmark = pytest.mark.usefixtures("sources")

LARGEST = 400  # lines of a file
MAY_BE_LARGER = {"alignadmin/audit/standalone_checker.py"}  # one file, since an auditor runs it alone
# Above all floors: found by the settings or by the server, and imported by nothing of ours.
SHELL = ("alignadmin.urls", "alignadmin.settings", "alignadmin.wsgi", "alignadmin.site")
SAME_EVERYWHERE = {"Meta", "Command", "Migration", "Media"}
# Before the settings can be read, nothing that reads them may be imported.
LATE = {"alignadmin.starting"}
ROOMS_WITHOUT_TESTS = {
    "connectors",
    "connectors/history",
    "connectors/management",
    "connectors/management/commands",
    "connectors/models",
    "connectors/templatetags",
    "mappings/items",
    "mappings/management",
    "mappings/management/commands",
    "mappings/models",
    "mappings/templatetags",
}


def test_no_rooms_stand_in_a_circle() -> None:
    knows: dict[str, set[str]] = defaultdict(set)
    for each in imports():
        here, there = each.importer.room, modules()[each.imported].room
        if here != there and each.importer.path.name != "__init__.py":
            knows[here].add(there)
    assert len(knows) > 30
    assert circle_in(knows) == []


@pytest.mark.parametrize("floor", FLOORS)
def test_no_modules_stand_in_a_circle(floor: str) -> None:
    knows: dict[str, set[str]] = defaultdict(set)
    for each in imports():
        if each.importer.name.startswith(floor) and each.importer.path.name not in ("__init__.py", "apps.py"):
            knows[each.importer.name].add(each.imported)
    assert circle_in(knows) == []


def test_no_floor_knows_the_one_above_it() -> None:
    assert [told(each) for each in imports() if is_upward(each)] == []


def is_upward(each: Import) -> bool:
    here, there = (name.partition(".")[0] for name in (each.importer.name, each.imported))
    return FLOORS.index(there) > FLOORS.index(here) and not each.importer.name.startswith(SHELL)


def test_nothing_of_ours_is_imported_inside_a_function() -> None:
    """It would hide a circle. An app's `ready` comes before the models can be imported."""
    late = [each for each in imports() if each.is_inside and each.importer.path.name != "apps.py"]
    assert {each.importer.name for each in late} == LATE, [told(each) for each in late]


# What opens connections, or could.
NETWORK = re.compile(r"(requests|requests_hardened|urllib3|urllib\.request|http\.client|socket|smtplib|ftplib)\b")
WITH_NETWORK = {
    "alignadmin/mail/sending.py": "the errors of Django's e-mail backend, which connects to the server of EMAIL_URL",
    "alignadmin/web_worker.py": "hangs up on who is too slow",
    "alignadmin/accounts/signin/single_sign_on.py": "the errors of allauth, which asks the provider of OIDC_SERVER",
    "connectors/jobs/runner.py": "the name of this machine",
    "connectors/jobs/heartbeat.py": "the name of this machine",
    "connectors/credentials/held.py": "a type",
    "connectors/local/machine.py": "looks whether a port of this machine is free",
    "connectors/local/children.py": "asks its own processes on this machine",
}


def test_only_the_room_of_http_opens_connections_to_elsewhere() -> None:
    """Whoever needs another module of these says here what for."""
    found = {
        module.path.relative_to(ROOT).as_posix()
        for module in modules().values()
        for node in ast.walk(module.tree)
        for name in _imported(node)
        if NETWORK.match(name)
    }
    rooms = ("alignadmin/http/", "connectors/sandbox/")  # the second stands in for another system
    assert {each for each in found if not each.startswith(rooms)} == set(WITH_NETWORK)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [f"{node.module}"] if isinstance(node, ast.ImportFrom) else []


def test_a_class_name_stands_in_one_file() -> None:
    where: dict[str, set[str]] = defaultdict(set)
    for module in modules().values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and node.name not in SAME_EVERYWHERE:
                where[node.name].add(str(module.path.relative_to(ROOT)))
    assert len(where) > 300
    assert {name: sorted(files) for name, files in where.items() if len(files) > 1} == {}


def test_no_file_is_longer_than_one_reads() -> None:
    lines = {str(each.path.relative_to(ROOT)): len(each.path.read_text().splitlines()) for each in modules().values()}
    assert {name: count for name, count in lines.items() if count > LARGEST and name not in MAY_BE_LARGER} == {}


def test_each_room_has_its_room_of_tests() -> None:
    rooms = {each.room for each in modules().values()}
    lacking = {room for room in rooms if not any((ROOT / "tests" / room).glob("test_*.py"))}
    assert lacking == ROOMS_WITHOUT_TESTS


def test_migrations_import_nothing_that_lives() -> None:
    found = [path for floor in FLOORS for path in (ROOT / floor).rglob("migrations/0*.py")]
    assert len(found) >= 4
    assert [f"{path}: {name}" for path in found for name in imported_by(path) if name.startswith(FLOORS)] == []


def imported_by(path: Path) -> list[str]:
    tree = ast.walk(ast.parse(path.read_text()))
    return [
        name
        for node in tree
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]


def circle_in(knows: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(knows).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def test_a_circle_would_be_found() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) != []
    assert circle_in({"a": {"b", "c"}, "b": {"c"}}) == []


def told(each: Import) -> str:
    return f"{each.importer.path.relative_to(ROOT)}:{each.line} imports {each.imported}"
