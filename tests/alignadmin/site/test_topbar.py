"""The bar on top of every page: the connector switcher and what it remembers, what needs attention, the account."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from connectors.models import Connector
from mappings.models import Plan
from tests.support import factories


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def add(people: dict[Role, Person], name: str, number: int) -> Connector:
    return factories.connector(
        "http://127.0.0.1:9", actor=people[Role.ADMIN], name=name, slug=name.lower(), align_id=100 + number
    )


def test_the_connector_that_somebody_saw_last_is_where_the_navigation_leads(
    client: Client, people: dict[Role, Person]
) -> None:
    editor = people[Role.EDITOR]
    for number, name in enumerate(("Acme", "Umbrella")):
        add(people, name, number)
    client.force_login(editor)
    assert 'href="/mappings/"' in text_of(client, "/")
    assert "last used" not in text_of(client, "/")
    client.get("/connectors/nowhere/")
    client.get("/connectors/umbrella/budget/", headers={"HX-Request": "true"})
    editor.refresh_from_db()
    assert not editor.last_connector  # one that is not there, or a part of a page that is asked for again and again
    text_of(client, "/connectors/umbrella/")
    overview = text_of(client, "/")
    assert 'href="/connectors/umbrella/mappings/"' in overview
    assert 'href="/connectors/umbrella/drift/"' in overview
    assert overview.index("<bdi>Umbrella</bdi> <small>last used</small>") < overview.index("<bdi>Acme</bdi>")
    assert 'aria-current="true"' in text_of(client, "/connectors/acme/")
    assert 'href="/connectors/acme/mappings/"' in text_of(client, "/plans/")
    Connector.objects.filter(slug="acme").update(is_active=False)
    assert 'href="/connectors/umbrella/mappings/"' in text_of(client, "/")  # the only one that is left: no menu


def test_many_connectors_have_a_field_to_type_in(client: Client, people: dict[Role, Person]) -> None:
    client.force_login(people[Role.VIEWER])
    for number in range(7):
        add(people, f"C{number}", number)
    assert "Find a connector" not in text_of(client, "/plans/")
    add(people, "C8", 8)
    assert "Find a connector" in text_of(client, "/plans/")


def test_what_needs_attention_is_listed_with_its_number_for_those_who_can_do_something(
    client: Client, people: dict[Role, Person]
) -> None:
    connector = factories.connector("http://127.0.0.1:9", actor=people[Role.ADMIN])
    now = timezone.now()
    for reason in ("one", "two"):
        Plan.objects.create(
            connector=connector,
            author=people[Role.EDITOR],
            reason=reason,
            fingerprint="0" * 64,
            created_at=now,
            seen_at=now,
        )
    client.force_login(people[Role.ADMIN])
    assert '<a href="/plans/">2 plans to approve or apply</a>' in text_of(client, "/connectors/")
    another = Client()
    another.force_login(people[Role.VIEWER])
    seen = text_of(another, "/connectors/")
    assert "Nothing needs your attention." in seen
    assert "to approve or apply" not in seen


def test_signing_out_is_in_the_menu_of_the_account(client: Client, people: dict[Role, Person]) -> None:
    client.force_login(people[Role.VIEWER])
    page = text_of(client, "/")
    assert page.index('class="menu account"') < page.index('action="/accounts/logout/"') < page.index("Main")


def test_an_alarm_is_listed_for_those_who_can_mend_it_and_said_to_all(people: dict[Role, Person]) -> None:
    connector = factories.connector("http://127.0.0.1:9", actor=people[Role.ADMIN])
    connector.credentials.update(refused_status=401)
    told = {}
    for role in (Role.ADMIN, Role.VIEWER):
        client = Client()
        client.force_login(people[role])
        page = text_of(client, "/connectors/acme/mappings/")
        assert 'aria-label="What is wrong with this connector"' in page
        bell = page[page.index('class="menu attention"') :]
        told[role] = reverse("connector-credential", args=["acme", "align"]) in bell[: bell.index("</details>")]
    assert told == {Role.ADMIN: True, Role.VIEWER: False}, "where a viewer would find nothing"


def test_before_the_second_factor_the_bar_says_nothing_of_the_product(
    client: Client, people: dict[Role, Person], settings: Settings
) -> None:
    settings.MFA_REQUIRED = True
    add(people, "Acme", 23)
    client.force_login(people[Role.ADMIN])
    page = text_of(client, "/accounts/2fa/")
    assert "Acme" not in page
    assert "Nothing needs your attention." in page
