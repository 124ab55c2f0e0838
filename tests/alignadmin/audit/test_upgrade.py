"""An installation of an earlier version is migrated with its history: nothing of it is called wrong afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import ROOT
from tests.support.processes import Site, created_database

SEARCH = """
import json, re
from django.test import Client
from django.test.utils import setup_test_environment
from alignadmin.accounts.models import Person
setup_test_environment()
client = Client()
client.force_login(Person.objects.filter(role="admin").first())
found = {}
for query in json.loads(QUERIES):
    page = client.get("/history/", {"q": query})
    assert page.status_code == 200, page.headers
    found[query] = sorted(set(re.findall(r"row=((?:line-)?[0-9]+)", page.content.decode())))
print("FOUND" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def upgraded(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Migrated from that version to this one, for tests that only read it."""
    with created_database() as database_url:
        site = Site(data_dir=tmp_path_factory.mktemp("upgraded"), database_url=database_url)
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.old_database"],
            cwd=ROOT,
            env=site.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        site.migrate()
        yield site
        site.stop()


def searched(site: Site, *queries: str) -> dict[str, list[str]]:
    script = f"QUERIES = {json.dumps(json.dumps(queries))}\n{SEARCH}"
    said = site.command("shell", "-c", script)
    found: dict[str, list[str]] = json.loads(said.partition("FOUND")[2])
    return found


def test_the_history_of_an_earlier_version_is_migrated_and_nothing_of_it_differs(upgraded: Site) -> None:
    said = upgraded.command("verify_history")
    assert "nothing missing or altered" in said, said


def test_a_migrated_history_is_searched_as_before(upgraded: Site) -> None:
    found = searched(upgraded, "applier:admin action:updated", "applier:nobody", "完成", "type:defect")
    assert found == {
        "applier:admin action:updated": ["16"],
        "applier:nobody": [],
        "完成": ["line-6"],
        "type:defect": ["line-4"],
    }


AGES = """
from connectors.models import Connector, Project
owner = Connector.objects.get()
times = {owner.jira_lists_at, owner.align_lists_at, owner.jira_lists_due_at, owner.align_lists_due_at}
projects = Project.objects.filter(in_scope=True, vanished_at=None)
ages = set(projects.values_list("read_at", flat=True))
print("FOUND", owner.catalogue_at is not None, times == ages == {owner.catalogue_at})
"""


def test_what_was_read_before_counts_as_read_then_and_the_clock_goes_on_from_there(upgraded: Site) -> None:
    assert "FOUND True True" in upgraded.command("shell", "-c", AGES)
