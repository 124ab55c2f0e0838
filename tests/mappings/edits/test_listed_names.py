"""What no catalogue has held is called as Align's own records call it, and said to be gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from connectors.models import Connector, ProcessStep, Status
from mappings.edits.names import names_for
from mappings.models import Mapping

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def row(connector: Connector) -> Mapping:
    """A process step mapping whose step and status the catalogue forgets."""
    found = Mapping.objects.select_related("scope__connector", "scope__project").filter(scope__family="j2a-step")
    row = found.filter(scope__connector=connector, scope__project=None, observed__isnull=False).earliest("pk")
    ProcessStep.objects.filter(align_id=row.observed or 0).delete()
    Status.objects.filter(jira_id=row.source_id).delete()
    return row


def test_sentences_name_it_with_its_id(row: Mapping) -> None:
    status, step = row.names_in_align[str(row.remote_id)]
    names = names_for([row])
    assert names.steps[row.observed or 0] == f"{step} ({row.observed}, gone)"
    assert names.statuses[row.source_id] == f"{status} ({row.source_id}, gone)"


def test_the_matrix_and_the_plan_form_name_it(
    row: Mapping, connector: Connector, admin: Person, signed_in: Callable[[Role], Client]
) -> None:
    client, (status, step) = signed_in(Role.ADMIN), row.names_in_align[str(row.remote_id)]
    shown = {"kind": "step", "type": row.work_item_type}
    html = client.get("/connectors/acme/mappings/", shown).content.decode()
    assert f"<bdi>{step}</bdi>" in html
    assert f"Step {row.observed}" not in html
    assert f"<bdi>{status}</bdi>" in html
    assert f"Status {row.source_id}" not in html
    Mapping.objects.filter(pk=row.pk).update(wanted=None, waits=True, situation="edited", wanted_by=admin)
    assert f"{step} ({row.observed}, gone)" in client.get("/connectors/acme/plan/").content.decode()
