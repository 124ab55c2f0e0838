"""How long credentials last, in words, and the red line on every page of a connector that cannot work."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from connectors.credentials import expiry
from connectors.models import Connector, Credential, CredentialKind, Stage, System
from mappings.models import Plan
from tests.conftest import SignIn

TODAY = date(2026, 3, 10)
HOSTILE = '<b onclick="x">Acme</b>'

# --- deadlines --------------------------------------------------------------------------------------------------------


def credential(*, left: int | None = None, age: int = 5) -> Credential:
    created = datetime(2026, 3, 10, 12, tzinfo=UTC) - timedelta(days=age)
    return Credential(created_at=created, expires_on=None if left is None else TODAY + timedelta(days=left))


@pytest.mark.parametrize(
    ("left", "style", "words"),
    [
        (31, "ok", "expires in 31 days"),
        (30, "warn", "expires in 30 days"),
        (1, "warn", "expires in 1 day"),
        (0, "bad", "expires today"),
        (-1, "bad", "expired 1 day ago"),
        (-400, "bad", "expired 400 days ago"),
    ],
)
def test_the_days_to_an_expiry_date_are_told_in_words(left: int, style: str, words: str) -> None:
    told = expiry.deadline(credential(left=left), today=TODAY)
    assert (told.days_left, told.style, told.words) == (left, style, words)
    assert told.has_passed is (left < 0)


@pytest.mark.parametrize(
    ("age", "style", "words"),
    [
        (0, "ok", "No expiry set, created today, rotate within 90 days"),
        (71, "ok", "No expiry set, created 71 days ago, rotate within 90 days"),
        (72, "warn", "No expiry set, created 72 days ago, rotate within 90 days"),
        (93, "warn", "No expiry set, created 93 days ago, rotate within 90 days"),
    ],
)
def test_without_an_expiry_date_the_age_is_told_and_warned_at_four_fifths(age: int, style: str, words: str) -> None:
    told = expiry.deadline(credential(age=age), today=TODAY)
    assert (told.days_left, told.age_days, told.style, told.words) == (None, age, style, words)


def test_days_are_the_operators_and_not_the_viewers() -> None:
    with timezone.override("Pacific/Kiritimati"):
        here = expiry.operators_today()
    assert here == timezone.localdate(timezone=timezone.get_default_timezone())


# --- the red line -----------------------------------------------------------------------------------------------------

PAGES = (
    "/connectors/acme/",
    "/connectors/acme/edit/",
    "/connectors/acme/mappings/",
    "/connectors/acme/plan/",
    "/connectors/acme/credential/align/",
)


def change(owner: Connector, system: System = System.JIRA, *, left: int | None = None, **fields: Any) -> None:
    if left is not None:
        fields["expires_on"] = expiry.operators_today() + timedelta(days=left)
    assert Credential.objects.filter(connector=owner, system=system, stage=Stage.CURRENT).update(**fields) == 1


def body(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"left": -1}, "The Jira credential of Acme expired 1 day ago."),
    "refused": ({"refused_status": 401}, "Jira refuses the credential of Acme (401)."),
    "blocked": ({"refused_status": 403}, "Jira forbade the credential of Acme something"),
    "locked": (
        {"refused_status": 401, "kind": CredentialKind.JIRA_PASSWORD},
        "Nothing more is sent with them, since another refusal may lock the account.",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_every_page_of_the_connector_says_what_is_broken_and_leads_there(
    signed_in: SignIn, bare_connector: Connector, case: str
) -> None:
    fields, sentence = BROKEN[case]
    client = signed_in(Role.ADMIN)
    for address in PAGES:
        assert 'class="alarms"' not in body(client, address)
    change(bare_connector, **fields)
    for address in PAGES:
        page = body(client, address)
        assert sentence in page, address
        assert 'href="/connectors/acme/credential/jira/">' in page.split('class="alarms"')[1].split("</section>")[0]


def test_the_page_that_mends_it_has_no_button_to_itself(signed_in: SignIn, bare_connector: Connector) -> None:
    change(bare_connector, refused_status=401)
    alarms = body(signed_in(Role.ADMIN), "/connectors/acme/credential/jira/").split('class="alarms"')[1]
    assert "Jira refuses the credential of Acme" in alarms
    assert "btn" not in alarms.split("</section>")[0]


def test_who_may_not_mend_it_reads_whom_to_ask(signed_in: SignIn, bare_connector: Connector) -> None:
    change(bare_connector, refused_status=401)
    alarms = body(signed_in(Role.VIEWER), "/connectors/acme/").split('class="alarms"')[1].split("</section>")[0]
    assert "Ask an admin to replace the Jira credential." in alarms
    assert "href" not in alarms


def test_a_gap_is_one_line_that_says_since_when_and_that_plans_pause(
    signed_in: SignIn, bare_connector: Connector
) -> None:
    began = timezone.now() - timedelta(hours=2)
    Connector.objects.filter(pk=bare_connector.pk).update(gap_since=began)
    change(bare_connector, System.ALIGN, refused_status=401)
    alarms = body(signed_in(Role.ADMIN), "/connectors/acme/mappings/").split('class="alarms"')[1].split("</section>")[0]
    assert "was replaced by one of the same user and no longer works. Plans pause" in alarms
    assert f"{began:%Y-%m-%dT%H:%M:%SZ}" in alarms
    assert alarms.count("note bad") == 1
    assert 'href="/connectors/acme/credential/align/"' in alarms


def test_a_plans_page_belongs_to_its_connector(signed_in: SignIn, bare_connector: Connector, admin: Person) -> None:
    plan = Plan.objects.create(
        connector=bare_connector, author=admin, created_at=timezone.now(), seen_at=timezone.now()
    )
    client = signed_in(Role.ADMIN)
    assert 'class="alarms"' not in body(client, f"/plans/{plan.pk}/")
    change(bare_connector, refused_status=401)
    assert "Jira refuses the credential of Acme" in body(client, f"/plans/{plan.pk}/")
    refused = client.post(f"/plans/{plan.pk}/approve/", {"fingerprint": "no"})
    assert refused.status_code == 409
    assert "Jira refuses the credential of Acme" in refused.content.decode()


def test_a_deactivated_connector_shows_its_alarm_too(signed_in: SignIn, bare_connector: Connector) -> None:
    Connector.objects.filter(pk=bare_connector.pk).update(is_active=False)
    change(bare_connector, refused_status=401)
    assert "Jira refuses the credential of Acme" in body(signed_in(Role.ADMIN), "/connectors/acme/")


@pytest.mark.parametrize("stage", [Stage.PENDING, Stage.PREVIOUS])
def test_a_credential_that_carries_no_work_is_no_alarm(
    signed_in: SignIn, bare_connector: Connector, stage: Stage
) -> None:
    client = signed_in(Role.ADMIN)
    change(bare_connector, refused_status=401, left=-1)
    assert 'class="alarms"' in body(client, "/connectors/acme/")
    change(bare_connector, stage=stage)
    assert 'class="alarms"' not in body(client, "/connectors/acme/")


def test_a_name_is_never_taken_for_markup(signed_in: SignIn, bare_connector: Connector) -> None:
    Connector.objects.filter(pk=bare_connector.pk).update(name=HOSTILE)
    change(bare_connector, refused_status=401)
    page = body(signed_in(Role.ADMIN), "/connectors/acme/")
    assert 'class="alarms"' in page
    assert HOSTILE not in page


def test_credentials_are_counted_with_the_rest_of_a_page_and_read_where_something_is_wrong(
    signed_in: SignIn, bare_connector: Connector
) -> None:
    client = signed_in(Role.ADMIN)

    def asked(address: str) -> list[bool]:
        """Of each query that names credentials, whether it counts other things, too."""
        with CaptureQueriesContext(connection) as queries:
            body(client, address)
        named = [each["sql"] for each in queries if 'FROM "connectors_credential"' in each["sql"]]
        return ['FROM "notifications_notification"' in sql for sql in named]

    assert asked("/connectors/acme/mappings/") == [True]
    change(bare_connector, refused_status=401)
    assert asked("/connectors/acme/mappings/") == [True, False]
    assert asked("/plans/") == []


@pytest.mark.parametrize("status", [None, 200, 401, 403, 404])
@pytest.mark.parametrize("left", [None, -2, -1, 0, 1])
@pytest.mark.parametrize("gap", [False, True])
def test_what_is_counted_is_what_an_alarm_is_made_from(
    bare_connector: Connector, status: int | None, left: int | None, gap: bool
) -> None:
    Connector.objects.filter(pk=bare_connector.pk).update(gap_since=timezone.now() if gap else None)
    change(bare_connector, refused_status=status, left=left)
    bare_connector.refresh_from_db()
    told = expiry.ALARM.alarms(bare_connector.slug)
    assert told == expiry.alarms(bare_connector)
    assert bool(told) == expiry.ALARM.rows(bare_connector.slug).exists()


def test_alarms_of_a_connector_cost_one_query(bare_connector: Connector, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    change(bare_connector, refused_status=401)
    change(bare_connector, System.ALIGN, left=-1)
    with django_assert_num_queries(1):
        found = expiry.alarms(bare_connector)
    assert [each.action for each in found] == ["Replace the Jira Align credential", "Replace the Jira credential"]
