"""A key that is renamed in Jira: the history is found by either, the present one is said, old addresses lead on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from connectors.catalogue.project_keys import other_keys
from connectors.jobs import runner
from connectors.models import Connector, FormerKey, JobKind, JobState, Project
from tests.support import mapping_helpers
from tests.support.mapping_helpers import edit
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
IN_REVIEW, DEV_COMPLETE = 10013, 2
MATRIX = "/connectors/acme/mappings/"


@pytest.fixture
def client(connector: Connector, signed_in: Callable[[Role], Client]) -> Client:
    return signed_in(Role.ADMIN)


def rename(connector: Connector, sandbox: RunningSandbox, old: str, new: str) -> None:
    sandbox.edit("rename_project", key=old, new_key=new)
    job = runner.run_now(runner.start(connector, JobKind.REFRESH, actor=None))
    assert job.state == JobState.DONE, job.error


@pytest.fixture
def applied(connector: Connector, admin: Person) -> None:
    edit(connector, "a2j-state", DEV_COMPLETE, IN_REVIEW, actor=admin, project="PAY")
    mapping_helpers.apply_all(connector, actor=admin)


@pytest.mark.parametrize("key", ["PAY", "MONEY", "money"])
def test_the_history_is_found_by_both_keys_and_says_the_present_one(
    client: Client, connector: Connector, sandbox: RunningSandbox, applied: None, key: str
) -> None:
    rename(connector, sandbox, "PAY", "MONEY")
    html = client.get("/history/", {"q": f"project:{key} kind:state source:alignadmin"}).content.decode()
    assert "<bdi>MONEY</bdi>" in html
    assert "(then <bdi>PAY</bdi>)" in html


def test_old_addresses_of_a_matrix_lead_on_and_old_forms_are_taken(
    client: Client, connector: Connector, sandbox: RunningSandbox
) -> None:
    rename(connector, sandbox, "PAY", "MONEY")
    rename(connector, sandbox, "MONEY", "CASH")
    for old in ("PAY", "MONEY"):
        led = client.get(MATRIX, {"scope": old, "direction": "a2j"})
        assert led.status_code == 303
        assert led["Location"] == f"{MATRIX}?scope=CASH&direction=a2j"
    row = {"scope": "PAY", "status": IN_REVIEW, "target": 0, "to": "a2j", "seen": ""}
    assert client.post(f"{MATRIX}cell/", row).status_code == 303
    assert client.get(MATRIX, {"scope": "NEVER"}).status_code == 404


def test_another_project_that_takes_the_old_key_has_its_address(
    client: Client, connector: Connector, sandbox: RunningSandbox, applied: None
) -> None:
    rename(connector, sandbox, "PAY", "MONEY")
    sandbox.edit("add_project", key="PAY", name="Another")
    rename(connector, sandbox, "PROJ", "PROJECT")
    assert client.get(MATRIX, {"scope": "PAY"}).status_code == 200
    assert (connector.pk, "PAY") in other_keys("MONEY")
    html = client.get("/history/", {"q": "project:PAY kind:state source:alignadmin"}).content.decode()
    assert "<bdi>PAY</bdi>" in html
    assert "then <bdi>PAY</bdi>" not in html, "nobody can say which of the two was meant"


def test_a_key_is_remembered_once_however_often_it_comes_and_goes(
    connector: Connector, sandbox: RunningSandbox
) -> None:
    for old, new in (("PAY", "MONEY"), ("MONEY", "PAY"), ("PAY", "MONEY")):
        rename(connector, sandbox, old, new)
    project = Project.objects.get(connector=connector, key="MONEY")
    assert set(FormerKey.objects.filter(project=project).values_list("key", flat=True)) == {"PAY", "MONEY"}
    assert other_keys("MONEY") == [(connector.pk, "PAY")]
