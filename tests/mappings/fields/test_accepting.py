"""What is suggested for a field is accepted by one button, or all of it by another, into the draft like any choice."""

from __future__ import annotations

import pytest
from django.test import Client

from alignadmin.accounts.models import Role
from connectors.models import Connector
from mappings.fields.page import PER_PAGE
from mappings.models import DraftLine
from tests.conftest import SignIn
from tests.support.field_helpers import ALIGN, JIRA, PAGE, row, small
from tests.support.people_helpers import said

pytestmark = pytest.mark.django_db
OF_FEATURE = f"{PAGE}?type=feature"


@pytest.fixture
def acme(bare_connector: Connector) -> Connector:
    """Code and Spend have namesakes in Jira, Twice has two, and two fields called Same have one."""
    owner = small(bare_connector)
    for key, type_, name in (("71", "text", "Code"), ("72", "number", "Spend"), ("73", "date", "Same")):
        row(owner, JIRA, f"customfield_{key}", type_, name=name)
    for key in ("74", "75"):
        row(owner, JIRA, f"customfield_{key}", name="Twice")
        row(owner, ALIGN, f"customfield_{key}", "date", name="Same")
    row(owner, ALIGN, "customfield_5", name="Twice")
    return owner


def drafted() -> dict[str, str]:
    return dict(DraftLine.objects.values_list("key", "wanted__jira"))


def test_one_suggestion_is_accepted_and_what_else_was_chosen_is_kept(acme: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.EDITOR)
    html = client.get(OF_FEATURE).content.decode()
    assert 'name="accept" value="customfield_1">' in html
    form = {"jira:customfield_1": "", "jira:customfield_2": "customfield_52", "accept": "customfield_1"}
    assert client.post(OF_FEATURE, form).status_code == 303
    assert drafted() == {"feature:customfield_1": "customfield_71", "feature:customfield_2": "customfield_52"}
    assert 'name="accept" value="customfield_1">' not in client.get(OF_FEATURE).content.decode()


def test_all_that_fit_are_accepted_also_of_other_pages_and_none_for_two(acme: Connector, signed_in: SignIn) -> None:
    for number in range(PER_PAGE):
        row(acme, ALIGN, f"customfield_9{number:02}", name=f"Aaa {number}")
    client = signed_in(Role.EDITOR)
    first = client.get(OF_FEATURE)
    assert "Accept all that fit (2)" in said(first)
    on_page = {f"jira:customfield_9{number:02}": "" for number in range(PER_PAGE)}
    assert client.post(OF_FEATURE, {**on_page, "accept": "*"}).status_code == 303
    assert drafted() == {"feature:customfield_1": "customfield_71", "feature:customfield_2": "customfield_72"}
    assert "Accept all" not in said(client.get(OF_FEATURE))


def test_a_partner_that_somebody_chose_for_another_field_is_not_taken_from_it(
    acme: Connector, signed_in: SignIn
) -> None:
    client = signed_in(Role.EDITOR)
    form = {"jira:customfield_5": "customfield_71", "jira:customfield_1": "", "accept": "*"}
    assert client.post(OF_FEATURE, form).status_code == 303
    assert drafted() == {"feature:customfield_5": "customfield_71", "feature:customfield_2": "customfield_72"}


@pytest.mark.parametrize("key", ["customfield_5", "nothing", "summary", "\x00"])
def test_what_is_not_suggested_is_refused_and_nothing_is_lost(acme: Connector, signed_in: SignIn, key: str) -> None:
    client = signed_in(Role.EDITOR)
    answer = client.post(OF_FEATURE, {"jira:customfield_2": "customfield_52", "accept": key})
    assert answer.status_code == 409
    assert "is not any more, so nothing was saved" in said(answer)
    assert '<option value="customfield_52" selected>' in answer.content.decode()
    assert drafted() == {}


def test_who_only_reads_has_no_button(acme: Connector, signed_in: SignIn) -> None:
    reader: Client = signed_in(Role.VIEWER)
    page = reader.get(OF_FEATURE)
    assert "Suggested, same name" in said(page)
    assert "accept" not in page.content.decode()
    assert reader.post(OF_FEATURE, {"accept": "*"}).status_code == 403
