"""Which share of the rate budget each kind of work may use: people's for what a click waits for, else bulk work's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.due_work import run_due
from connectors.budget.slots import limits_from_settings, now
from connectors.credentials import rotation
from connectors.jobs import runner
from connectors.models import BudgetSlot, Connector, Job, JobKind, JobState
from mappings import planning
from tests.conftest import SignIn
from tests.support import mapping_helpers as steps
from tests.support.browser_helpers import set_up_form
from tests.support.rotation_helpers import NEW_TOKEN, SECOND, run_probe, stage
from tests.support.sandbox_fixture import RunningSandbox

BULK, PEOPLES = "bulk", "people's"


@dataclass(frozen=True, kw_only=True)
class Scene:
    connector: Connector
    admin: Person
    client: Client
    sandbox: RunningSandbox

    def job(self, kind: JobKind) -> None:
        assert runner.run_now(runner.start(self.connector, kind, actor=self.admin)).state == JobState.DONE

    def post(self, path: str, **form: object) -> None:
        assert self.client.post(f"/connectors/{path}", form).status_code in (200, 303)
        run_due()


@pytest.fixture
def scene(connector: Connector, admin: Person, signed_in: SignIn, sandbox: RunningSandbox) -> Scene:
    return Scene(connector=connector, admin=admin, client=signed_in(Role.ADMIN), sandbox=sandbox)


Work = Callable[[], object]


def reading_the_catalogue(scene: Scene) -> Work:
    return lambda: scene.job(JobKind.REFRESH)


def reading_all_lists(scene: Scene) -> Work:
    return lambda: scene.job(JobKind.OBSERVE)


def taking_in_the_log(scene: Scene) -> Work:
    return lambda: scene.job(JobKind.INTAKE)


def reading_one_matrix_again(scene: Scene) -> Work:
    return lambda: scene.post("acme/mappings/refresh/", scope="PROJ")


def refreshing_a_plan(scene: Scene) -> Work:
    steps.edit(scene.connector, "j2a-state", 10017, 2, actor=scene.admin)
    plan = steps.approved_plan(scene.connector, actor=scene.admin)
    return lambda: runner.run_now(planning.start_refresh(plan, actor=scene.admin))


def applying_a_plan(scene: Scene) -> Work:
    steps.edit(scene.connector, "j2a-state", 10017, 2, actor=scene.admin)
    plan = steps.approved_plan(scene.connector, actor=scene.admin)
    return lambda: steps.apply(plan, actor=scene.admin)


def probing_a_credential(scene: Scene) -> Work:
    scene.sandbox.edit("add_token", site="align", token=NEW_TOKEN, user=SECOND)
    pending = stage(scene.connector, NEW_TOKEN, actor=scene.admin)
    return lambda: run_probe(pending, actor=scene.admin)


def trying_the_new_credential(scene: Scene) -> Work:
    scene.sandbox.edit("add_token", site="align", token=NEW_TOKEN, user=SECOND)
    pending = stage(scene.connector, NEW_TOKEN, actor=scene.admin)
    run_probe(pending, actor=scene.admin)
    rotation.switch(pending.uuid, confirm_loss=True, actor=scene.admin)
    return lambda: runner.run_now(Job.objects.get(kind="watch", state=JobState.QUEUED))


def trying_the_stored_connection(scene: Scene) -> Work:
    return lambda: scene.post("acme/test/")


def trying_a_typed_connection(scene: Scene) -> Work:
    form = set_up_form(scene.sandbox.url, "another", "Another")
    return lambda: scene.post("new/", **{**form, "align_connector_id": 124, "act": "test"})


CLASSES = {
    reading_the_catalogue: BULK,
    reading_all_lists: BULK,
    taking_in_the_log: BULK,
    refreshing_a_plan: BULK,
    applying_a_plan: BULK,
    reading_one_matrix_again: PEOPLES,
    probing_a_credential: PEOPLES,
    trying_the_new_credential: PEOPLES,
    trying_the_stored_connection: PEOPLES,
    trying_a_typed_connection: PEOPLES,
}


@pytest.mark.parametrize(("prepared", "share"), [pytest.param(*each, id=each[0].__name__) for each in CLASSES.items()])
def test_a_kind_of_work_uses_its_share(
    prepared: Callable[[Scene], Work], share: str, scene: Scene, settings: LazySettings
) -> None:
    settings.FRESH_SIGN_IN = 7200
    work = prepared(scene)
    begun_at = let_the_reserved_slots_be_the_first_choice()
    work()
    taken = BudgetSlot.objects.filter(free_at__gt=begun_at).values_list("number", flat=True)
    used = {PEOPLES if number >= limits_from_settings().for_bulk() else BULK for number in taken}
    assert used == {share}


def let_the_reserved_slots_be_the_first_choice() -> object:
    """Whoever may take them does: the slot that has been free for longest is taken first."""
    moment = now()
    BudgetSlot.objects.update(free_at=moment - timedelta(minutes=1))
    reserved = BudgetSlot.objects.filter(number__gte=limits_from_settings().for_bulk())
    reserved.update(free_at=moment - timedelta(hours=1))
    return moment
