"""Kill -9 at points of a trial and of a roll back: no second item, none forgotten, and both come to their end."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from connectors.models import ACTIVE, Connector, Job, JobKind, Project
from mappings.models import AgreedLine, ItemLink, ItemTrial
from tests.mappings.items.importing.test_import_crash import SHORT, do_import, recover_jobs
from tests.mappings.items.importing.test_importing import configurer, imported, item, lines, project
from tests.mappings.items.importing.trial.test_item_trials import agree, made
from tests.mappings.items.importing.undoing.test_undoing import approve, ask, worked
from tests.support.crash import At, dying
from tests.support.sandbox_fixture import RunningSandbox

__all__ = ["configurer", "project"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("processes")]

OF_A_TRIAL = [
    At("before the commit of item-trial.sent"),
    At("before POST"),
    At("after POST"),
    At("after the commit of item-trial.created"),
    At("after PATCH"),
    At("after PATCH", 2),
    At("before the commit of item-trial.recycled"),
]
OF_A_ROLL_BACK = [
    At("after the commit of import-undo.batch"),
    At("before PATCH"),
    At("after PATCH", 2),
    At("before the commit of import-undo.sent"),
    At("before the commit of import-undo.finished"),
]


def test_a_killed_trial_leaves_no_item_behind(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project, settings: LazySettings
) -> None:
    for name, value in SHORT.items():
        setattr(settings, name, value)
    environment = {name: str(value) for name, value in SHORT.items()}
    with dying(do_import, environment=environment) as die:
        for point in OF_A_TRIAL:
            assert agree(configurer, project).status_code == 303
            job = Job.objects.get(kind=JobKind.ITEM_TRIAL, state__in=ACTIVE)
            crash = die(point, [job.pk])
            assert crash.killed, f"nothing died at {point}: {crash.passed}"
            recover_jobs(JobKind.ITEM_TRIAL)
            trial = ItemTrial.objects.latest("pk")
            there = made(sandbox, trial)
            assert trial.state in ("done", "not-made"), f"{point}: {trial.state} {trial.error}"
            assert [each["isRecycled"] for each in there] == ([True] if trial.state == "done" else []), str(point)


def test_a_killed_roll_back_comes_to_its_end(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project, settings: LazySettings
) -> None:
    for name, value in SHORT.items():
        setattr(settings, name, value)
    few = f"issuetype != Bug AND key in ({', '.join(f'LAB-{number}' for number in range(1, 9))})"
    AgreedLine.objects.filter(subject="scope", key="shared:jql").update(value=few)
    environment = {name: str(value) for name, value in SHORT.items()}
    with dying(do_import, environment=environment) as die:
        for point in OF_A_ROLL_BACK:
            run = imported(configurer, project)
            assert ask(configurer, run).status_code == 303
            found = worked(run)
            assert approve(configurer, found).status_code == 303
            job = Job.objects.get(kind=JobKind.IMPORT, subject=f"undo-{found.pk}", state__in=ACTIVE)
            crash = die(point, [job.pk])
            assert crash.killed, f"nothing died at {point}: {crash.passed}"
            recover_jobs(JobKind.IMPORT)
            found.refresh_from_db()
            assert found.state == "finished", f"{point}: {found.error}"
            assert set(found.lines.values_list("state", flat=True)) == {"done"}, str(point)
            assert found.finished_at is not None
            assert found.finished_at <= timezone.now()
            assert all(item(sandbox, each)["isRecycled"] for each in lines(run)), str(point)
            assert not ItemLink.objects.exists(), str(point)
