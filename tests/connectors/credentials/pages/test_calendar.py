"""The calendar: every credential of every connector, by what needs doing first."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from connectors.credentials import expiry
from connectors.models import Connector, Credential, Stage, System
from tests.conftest import People, SignIn
from tests.support import factories

CALENDAR = "/connectors/credentials/"
HOSTILE = '<b onclick="x">Acme</b>'


@pytest.fixture
def configurer(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def page(client: Client) -> str:
    answer = client.get(CALENDAR)
    assert answer.status_code == 200
    return answer.content.decode()


def change(of: Connector, system: System, *, left: int | None = None, **fields: Any) -> None:
    if left is not None:
        fields["expires_on"] = expiry.operators_today() + timedelta(days=left)
    assert Credential.objects.filter(connector=of, system=system).update(**fields) == 1


def copied(owner: Connector, system: System, stage: Stage, **fields: Any) -> None:
    made = Credential.objects.get(connector=owner, system=system, stage=Stage.CURRENT)
    made.pk, made.uuid, made.stage = None, uuid.uuid4(), stage
    for name, value in fields.items():
        setattr(made, name, value)
    made.save()


def headings(text: str) -> list[str]:
    return re.findall(r'<h2 id="group-\d+">([^<]+)</h2>', text)


def row(text: str, name: str) -> str:
    """The row whose link is called `name`."""
    (found,) = [each for each in text.split("<tr>") if f'aria-label="{name}"' in each]
    return found


def test_what_needs_doing_first_stands_first(configurer: Client, bare_connector: Connector, admin: Person) -> None:
    other = factories.connector("https://other.example.test", actor=admin, slug="other", name="Other")
    change(bare_connector, System.ALIGN, left=61)
    change(bare_connector, System.JIRA, left=12)
    change(other, System.ALIGN, left=-3)
    text = page(configurer)
    assert headings(text) == ["Expired or refused", "Next 30 days", "Later", "Without an expiry date"]
    assert re.findall(r'aria-label="Rotate the ([^"]+)"', text) == [
        "Jira Align credential of Other",
        "Jira credential of Acme",
        "Jira Align credential of Acme",
        "Jira credential of Other",
    ]
    assert "expired 3 days ago" in row(text, "Rotate the Jira Align credential of Other")
    assert 'href="/connectors/acme/credential/jira/"' in row(text, "Rotate the Jira credential of Acme")


@pytest.mark.parametrize(
    ("fields", "heading"),
    [
        ({"left": -1}, "Expired or refused"),
        ({"left": 0}, "Next 30 days"),
        ({"left": 30}, "Next 30 days"),
        ({"left": 31}, "Next 60 days"),
        ({"left": 60}, "Next 60 days"),
        ({"left": 61}, "Later"),
        ({"expires_on": None}, "Without an expiry date"),
        ({"left": 200, "refused_status": 403}, "Expired or refused"),
        ({"left": -5, "stage": Stage.PREVIOUS}, "Replaced, kept until destroyed"),
        ({"left": 9, "stage": Stage.PENDING, "refused_status": 401}, "Next 30 days"),
    ],
)
def test_each_stands_in_one_group(
    configurer: Client, bare_connector: Connector, fields: dict[str, Any], heading: str
) -> None:
    Credential.objects.filter(system=System.ALIGN).delete()
    change(bare_connector, System.JIRA, **fields)
    assert headings(page(configurer)) == [heading]


def test_a_row_says_date_age_use_and_answer(configurer: Client, bare_connector: Connector) -> None:
    now = timezone.now()
    change(
        bare_connector,
        System.JIRA,
        left=12,
        created_at=now - timedelta(days=80),
        used_at=now - timedelta(minutes=12),
        last_answer="Jira answered 401.",
        refused_status=401,
    )
    found = row(page(configurer), "Rotate the Jira credential of Acme")
    for words in ("expires in 12 days", "stored 80 days ago", "12 min ago", "refused 401", "Jira answered 401."):
        assert words in found


def test_without_a_date_the_age_is_shown_and_warned_when_it_is_old(
    configurer: Client, bare_connector: Connector
) -> None:
    old = '<span class="tag warn">No expiry set, created 93 days ago, rotate within 90 days</span>'
    assert old not in page(configurer)
    change(bare_connector, System.JIRA, created_at=timezone.now() - timedelta(days=93))
    text = page(configurer)
    assert old in row(text, "Rotate the Jira credential of Acme")
    assert re.findall(r'aria-label="Rotate the ([^"]+) credential', text) == ["Jira", "Jira Align"]


def test_an_owner_who_is_gone_is_red(
    configurer: Client, bare_connector: Connector, people: People, admin: Person
) -> None:
    change(bare_connector, System.JIRA, owner=admin, backup_owner=people[Role.EDITOR])
    assert 'tag bad">' not in row(page(configurer), "Rotate the Jira credential of Acme")
    Person.objects.filter(pk=people[Role.EDITOR].pk).update(is_active=False)
    assert 'tag bad">deactivated' in row(page(configurer), "Rotate the Jira credential of Acme")
    change(bare_connector, System.JIRA, owner=None)
    assert 'tag bad">nobody' in row(page(configurer), "Rotate the Jira credential of Acme")


def test_pending_and_previous_ones_are_told_apart(configurer: Client, bare_connector: Connector) -> None:
    change(bare_connector, System.JIRA, left=12)
    copied(bare_connector, System.JIRA, Stage.PENDING)
    copied(bare_connector, System.JIRA, Stage.PREVIOUS, previous_until=timezone.now() + timedelta(hours=5.5))
    text = page(configurer)
    assert "Rotate" not in row(text, "Open the Jira credential of Acme (pending)").split("aria-label")[0]
    assert 'class="tag warn">pending' in row(text, "Open the Jira credential of Acme (pending)")
    assert "in 5 h" in row(text, "Open the Jira credential of Acme (previous)")


def test_no_secret_and_no_markup_of_a_name_is_sent(configurer: Client, bare_connector: Connector) -> None:
    Connector.objects.update(name=HOSTILE)
    Credential.objects.update(last_answer=HOSTILE)
    text = page(configurer)
    assert "&lt;b onclick" in text
    assert HOSTILE not in text
    assert not any(each.sealed in text or each.fingerprint in text for each in Credential.objects.all())


def test_the_number_of_queries_does_not_grow_with_the_connectors(
    configurer: Client, bare_connector: Connector, admin: Person
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(configurer)
        return len(queries)

    page(configurer)
    few = count()
    for number in range(8):
        made = factories.connector(
            f"https://s{number}.example.test", actor=admin, slug=f"more-{number}", name=f"M{number}"
        )
        copied(made, System.JIRA, Stage.PENDING)
    assert count() == few


def test_an_empty_installation_leads_to_the_set_up(configurer: Client) -> None:
    assert 'href="/connectors/new/"' in page(configurer)


def test_the_page_says_how_reminders_are_sent(configurer: Client, settings: Any) -> None:
    assert "on the overview and under Notifications only, since no e-mail is set up" in page(configurer)
    settings.EMAIL_URL, settings.REMINDER_RECIPIENTS = "smtp://mail.example.test", ["group@example.test"]
    text = page(configurer)
    assert "Reminders 60, 30, 14, 7, 1 days ahead: by e-mail to group@example.test, the owner" in text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.REVIEWER])
def test_it_is_for_those_who_may_replace_them(signed_in: SignIn, role: Role) -> None:
    assert signed_in(role).get(CALENDAR).status_code == 404
    assert signed_in(Role.ADMIN).get(CALENDAR).status_code == 200


def test_the_list_of_connectors_leads_to_it(signed_in: SignIn, bare_connector: Connector) -> None:
    assert f'href="{CALENDAR}"' in signed_in(Role.ADMIN).get("/connectors/").content.decode()
    assert f'href="{CALENDAR}"' not in signed_in(Role.VIEWER).get("/connectors/").content.decode()
