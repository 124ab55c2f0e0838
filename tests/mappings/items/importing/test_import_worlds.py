"""Worlds by chance: what a rehearsal promised is what Align holds once the import has ended.

A few of them here, 1,000 as a soak.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Role
from connectors.align.objects import OBJECTS
from connectors.jobs import runner
from connectors.models import Connector, JobKind, JobState, Project
from mappings.models import ImportRun, ImportState, ItemLink, RehearsedIssue
from tests.conftest import SignIn
from tests.mappings.items.importing.test_importing import imported
from tests.support.import_worlds import HeldItem, ImportWorld, alike, promised_fields
from tests.support.ours_helpers import team
from tests.support.rehearsal_helpers import rehearse
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def configurer(connector: Connector, signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


@pytest.fixture
def project(connector: Connector, sandbox: RunningSandbox, configurer: Client) -> Project:
    found = team(configurer, connector, sandbox)
    connector.refresh_from_db()
    job = runner.run_now(runner.start(connector, JobKind.FIELDS, actor=None))
    assert job.state == JobState.DONE, job.error
    return found


def test_align_holds_what_was_promised(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    hold_worlds(connector, sandbox, configurer, project, seeds=range(3), issues=9)


@pytest.mark.soak
def test_align_holds_what_was_promised_of_a_thousand_worlds(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    start = random.Random(os.environ.get("SEED", "0")).randrange(10**9)
    hold_worlds(connector, sandbox, configurer, project, seeds=range(start, start + 1_000), issues=9)


def hold_worlds(
    connector: Connector,
    sandbox: RunningSandbox,
    configurer: Client,
    project: Project,
    *,
    seeds: range,
    issues: int,
) -> None:
    of_project = sandbox.jira(f"/rest/api/3/project/{project.key}").json()
    types = {each["name"]: int(each["id"]) for each in of_project["issueTypes"]}
    users = sandbox.jira("/rest/api/3/users/search?maxResults=20").json()
    team_id = every(sandbox, "/teams")[0]["id"]
    people = {each["id"]: each["fullName"] for each in every(sandbox, "/users")}
    for seed in seeds:
        world = ImportWorld(
            connector=connector,
            project=project,
            sandbox=sandbox,
            chance=random.Random(seed),
            label=f"world-{seed}",
            types=types,
            accounts=[each["accountId"] for each in users],
            team=team_id,
        )
        world.make(issues)
        before = counts(sandbox)
        rehearsal = rehearse(configurer, project.key, 50)
        run = imported(configurer, project)
        assert run.state == ImportState.FINISHED, (seed, run.error)
        promised = list(rehearsal.lines.all())
        assert {each.issue_key for each in promised} == set(world.keys), seed
        kept = [id_ for each in promised if each.level and (id_ := compare(seed, sandbox, run, each, people))]
        assert counts(sandbox) - before == len(kept), f"world {seed}: as many items more as were promised"
        links = ItemLink.objects.filter(issue_key__in=world.keys, align_id__isnull=False)
        assert links.count() == len(kept), seed


def compare(
    seed: int, sandbox: RunningSandbox, run: ImportRun, promised: RehearsedIssue, people: dict[int, str]
) -> int | None:
    """The item's id; None where Align refused it, as was foretold."""
    line = run.lines.get(issue_key=promised.issue_key)
    told = f"world {seed}, {promised.issue_key}"
    if line.state == "failed":
        above = run.lines.filter(issue_key=promised.parent_key).first()
        foretold = "required-empty" in {each["code"] for each in promised.losses}
        assert foretold or (above is not None and above.state == "failed"), f"{told}: {line.detail}"
        return None
    assert (line.level, line.state) == (promised.level, "done"), f"{told}: {line.detail}"
    assert line.align_id is not None, told
    answer = sandbox.align("GET", f"/{OBJECTS[line.level].path}/{line.align_id}")
    assert answer.status_code == 200, told
    held = HeldItem(record=answer.json(), people=people)
    for key, shown in promised_fields(promised):
        assert alike(shown, held.words(key)), f"{told}: {key} is {held.words(key)!r}, promised was {shown!r}"
    parent = ItemLink.objects.filter(issue_key=promised.parent_key).first() if promised.parent_key else None
    assert bool(parent) == bool(promised.parent_key), told
    if parent is not None:
        assert held.record[line.parent_field] == parent.align_id, told
    return line.align_id


def counts(sandbox: RunningSandbox) -> int:
    return sum(len(every(sandbox, f"/{OBJECTS[level].path}")) for level in ("feature", "story", "task", "defect"))


def every(sandbox: RunningSandbox, path: str) -> list[Any]:
    found: list[Any] = []
    while True:
        answer = sandbox.align("GET", f"{path}?$skip={len(found)}&$top=100&$orderby=id")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page
        if len(page) < 100:
            return found
