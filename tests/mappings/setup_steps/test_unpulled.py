"""Step 8 names the statuses that Align does not know, and leads to where they are pulled."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from connectors.models import Connector, HistoryRow
from connectors.setup import services
from mappings.models import Mapping
from mappings.setup_steps.unpulled import unpulled
from tests.conftest import SignIn
from tests.support import mapping_helpers as steps
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
STEP, ADDRESS = "/connectors/acme/set-up/statuses/", "/connectors/acme/pull-address/"
RELEASED = 10020  # in Jira, and not pulled into Align


def text(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def test_a_refused_status_is_named_until_align_takes_it_or_somebody_confirms(
    connector: Connector, sandbox: RunningSandbox, admin: Person, signed_in: SignIn
) -> None:
    client = signed_in(Role.ADMIN)
    assert "None: Align refused no status" in text(client.get(STEP))
    sandbox.reset(pulled_statuses="listed")
    steps.edit(connector, "j2a-state", RELEASED, 5, actor=admin)
    plan = steps.apply_all(connector, actor=admin)
    (found,) = unpulled(connector)
    assert (found.id, found.name, found.href) == (RELEASED, "Released", f"/plans/{plan.pk}/")
    told = text(client.get(STEP))
    assert "Released 10020 : refused" in told
    assert "has not been pulled from Jira" in told
    assert "Settings > Jira Settings > Resync Configuration > Configuration data pull" in told
    services.confirm_prerequisite(connector, "statuses-pulled", actor=admin)
    assert unpulled(connector) == []
    connector.confirmations.all().delete()
    assert [each.id for each in unpulled(connector)] == [RELEASED]
    sandbox.reset(pulled_statuses="all")
    steps.observe(connector)
    steps.apply_all(connector, actor=admin)
    assert unpulled(connector) == []


def test_a_status_that_align_s_list_does_not_name_is_told(connector: Connector) -> None:
    row = Mapping.objects.filter(scope__connector=connector, scope__family="j2a-state", observed__isnull=False).first()
    assert row is not None
    Mapping.objects.filter(pk=row.pk).update(names_in_align={str(row.remote_id): ["", "Accepted"]})
    (found,) = unpulled(connector)
    assert (found.id, found.at, found.said) == (row.source_id, None, "Align’s list has no name for it.")
    Mapping.objects.filter(pk=row.pk).update(names_in_align={str(row.remote_id): ["", ""]})
    assert unpulled(connector) == []  # a list without any names says nothing


def test_it_leads_to_the_matrix_on_which_the_status_stands(connector: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.VIEWER)
    own = Mapping.objects.filter(scope__connector=connector, scope__project__team_managed=True, observed__isnull=False)
    for row in (
        own.filter(scope__family="j2a-state").first(),
        Mapping.objects.filter(scope__connector=connector, scope__family="j2a-step", observed__isnull=False).first(),
    ):
        assert row is not None
        before = row.names_in_align
        Mapping.objects.filter(pk=row.pk).update(names_in_align={str(row.remote_id): ["", "Accepted"]})
        (found,) = unpulled(connector)
        page, _, place = found.href.partition("#")
        assert place == f"h{row.source_id}"
        assert f"id={place}" in client.get(page).content.decode().replace('"', "")
        Mapping.objects.filter(pk=row.pk).update(names_in_align=before)


# --- the button -------------------------------------------------------------------------------------------------------


def enter(client: Client, address: str) -> Any:
    return client.post(ADDRESS, {"address": address})


def test_an_address_on_the_align_site_becomes_a_plain_link(connector: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.ADMIN)
    for address in ("https://127.0.0.1/settings?pull=1#config", "https://acme.jiraalign.com/settings"):
        answer = enter(client, address)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{STEP}#pull")
        html = client.get(STEP).content.decode()
        assert f'href="{address}" rel="noreferrer noopener" target="_blank"' in html
    assert enter(client, "https://acme.jiraalign.com/settings").status_code == 303  # once more: no second entry
    assert enter(client, "").status_code == 303
    assert "Open it in Jira Align" not in client.get(STEP).content.decode()
    said = HistoryRow.objects.filter(action="connector.pull_address_set").order_by("id")
    assert [row.sentence.partition(": ")[2] for row in said] == [
        "Set it to https://127.0.0.1/settings?pull=1#config.",
        "Set it to https://acme.jiraalign.com/settings.",
        "Removed it.",
    ]
    assert enter(signed_in(Role.EDITOR), "https://acme.jiraalign.com/x").status_code == 403
    assert f'action="{ADDRESS}"' not in signed_in(Role.EDITOR).get(STEP).content.decode()


@pytest.mark.parametrize(
    "address",
    [
        "http://acme.jiraalign.com/",
        "javascript:alert(1)",
        "//acme.jiraalign.com/",
        "https://evil.test/",
        "https://evil.test/.jiraalign.com",
        "https://acme.jiraalign.com.evil.test/",
        "https://jiraalign.com@evil.test/",
        "https://me:pw@acme.jiraalign.com/",
        "https://acme.jiraalign.com:8443/",
        "https://evil.test\\.jiraalign.com/",
        "https://acme.jiraalign.com/a b",
        'https://acme.jiraalign.com/"x',
        "https://[::1/",
        "https://acme.jiraalign.com/" + "x" * 500,
    ],
)
def test_another_address_is_refused_with_a_sentence(connector: Connector, signed_in: SignIn, address: str) -> None:
    refused = enter(signed_in(Role.ADMIN), address)
    assert refused.status_code == 409
    assert "Nothing was changed." in text(refused)
    connector.refresh_from_db()
    assert connector.pull_address == ""


def test_it_goes_with_the_align_site(connector: Connector, admin: Person) -> None:
    Connector.objects.update(pull_address="https://acme.jiraalign.com/x")
    connector.refresh_from_db()
    names = ("name", "align_connector_id", "jira_site", "jira_kind", "time_zone", "log_by_hand")
    data = {name: getattr(connector, name) for name in names}
    services.edit_connector(
        connector, services.ConnectorData(**data, align_site="https://other.jiraalign.com"), actor=admin
    )
    connector.refresh_from_db()
    assert connector.pull_address == ""
