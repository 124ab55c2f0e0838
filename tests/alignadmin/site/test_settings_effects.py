"""Each setting of the page, at the place where it counts: what was chosen there is what happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.people import invitations
from alignadmin.due_work import run_due
from alignadmin.preferences.declaring import AnyPreference
from alignadmin.preferences.services import TypedSetting, choose
from alignadmin.site.settings_groups import PREFERENCES
from connectors.credentials import expiry
from connectors.credentials.rotation.credential_page import CredentialPage
from connectors.explorer import services as queries
from connectors.explorer.run_views import RunPage
from connectors.history.packs import services as packs
from connectors.models import Connector, Credential, Job, JobKind, JobState, Pack, QueryRun, System
from connectors.setup.services import ConnectorData, add_connector
from mappings.drift import digest
from mappings.models import CheckKind, DriftCheck
from mappings.observing import check_log
from mappings.planning.tickets import ticket_trouble
from tests.support import factories
from tests.support.people_helpers import entries
from tests.support.signin_helpers import shift

pytestmark = pytest.mark.django_db


@pytest.fixture
def chose(admin: Person) -> Callable[..., None]:
    """Of settings by key, in the words of their fields."""

    def save(**texts: str) -> None:
        found = {key: PREFERENCES[key] for key in texts}
        typed = [TypedSetting(preference=each, text=texts[key], seen=_now(each)) for key, each in found.items()]
        assert len(choose(typed, actor=admin)) == len(texts)

    return save


def _now(preference: AnyPreference) -> str:
    return preference.kind.text(preference.value())


# --- reminders and e-mail ---------------------------------------------------------------------------------------------


@pytest.fixture
def mailing(settings: Settings) -> None:
    settings.EMAIL_URL = "smtp://mail.example.test"


def test_reminders_go_out_on_the_chosen_days_to_the_chosen_people(
    bare_connector: Connector, admin: Person, mailing: None, chose: Callable[..., None]
) -> None:
    credential = bare_connector.credentials.get(system=System.JIRA)
    Credential.objects.filter(pk=credential.pk).update(expires_on=expiry.operators_today() + timedelta(days=45))
    run_due()
    assert len(mail.outbox) == 1  # the default of 60 days is passed
    mail.outbox.clear()
    chose(reminder_days="45", reminder_recipients="ops@example.test")
    run_due()
    assert [each.to for each in mail.outbox] == [["ops@example.test", admin.email]]


def test_the_digest_has_its_own_people_or_those_of_reminders(
    mailing: None, chose: Callable[..., None], settings: Settings
) -> None:
    assert digest.recipients() == []
    chose(reminder_recipients="ops@example.test")
    assert digest.recipients() == ["ops@example.test"]
    settings.DIGEST_RECIPIENTS = ["operator@example.test"]
    assert digest.recipients() == ["operator@example.test"]
    chose(digest_recipients="drift@example.test")
    assert digest.recipients() == ["drift@example.test"]
    chose(digest_recipients="")
    assert digest.recipients() == []


def test_the_next_but_one_digest_is_due_at_the_chosen_hour(
    bare_connector: Connector, mailing: None, chose: Callable[..., None], signed_in: Callable[[Role], Client]
) -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    day = timedelta(days=1)
    usual = PREFERENCES["digest_hour"].start()
    for later in (3, 23):  # hours: to a later one, and to an earlier one
        hour = (now.hour + later) % 24
        hour = (hour + 1) % 24 if hour == usual else hour  # which is no choice
        chose(digest_hour=str(hour), digest_recipients=f"drift{later}@example.test")
        Connector.objects.update(digest_due_at=now, catalogue_at=now)
        digest.queue_due()
        due = Connector.objects.get().digest_due_at
        assert due is not None
        assert due.hour == hour
        assert day <= due - now < 2 * day, "once a day at most"
    page = signed_in(Role.ADMIN).get("/connectors/acme/drift/?tab=checks").content.decode()
    assert f"The next digest goes to 1 address after {due:%-d %b %Y, %H:%M} UTC." in page


# --- plans and approval -----------------------------------------------------------------------------------------------


def test_a_new_connector_begins_with_the_chosen_rules_and_its_tickets_are_checked_by_them(
    bare_connector: Connector, admin: Person, chose: Callable[..., None]
) -> None:
    chose(new_four_eyes="true", new_ticket_format="CHG-####", new_typed_above="3", new_typed_share="50")
    data = ConnectorData(
        name="Second",
        align_site="https://second.example.test",
        align_connector_id=77,
        jira_site="https://jira.example.test",
        jira_kind="cloud",
    )
    made = add_connector("second", data, [], actor=admin)
    rules = {"four_eyes": True, "ticket_pattern": "CHG-####", "typed_above": 3, "typed_share": 50}
    assert {name: getattr(made, name) for name in rules} == rules
    added = entries("connector.added")[-1]
    assert added["data"]["rules"] == rules
    assert "second person" not in added["sentence"]
    assert "does not fit" in ticket_trouble(made.ticket_pattern, "INC-1")
    bare_connector.refresh_from_db()
    assert (bare_connector.four_eyes, bare_connector.ticket_pattern) == (False, "")


def test_no_second_person_for_new_connectors_is_told_to_the_other_admins_and_stands_in_their_first_entry(
    bare_connector: Connector, admin: Person, mailing: None, chose: Callable[..., None]
) -> None:
    other = factories.person(Role.ADMIN, email="other@example.test")
    chose(new_four_eyes="true")
    run_due()
    assert not mail.outbox
    chose(new_four_eyes="false", new_typed_above="3")
    run_due()
    (told,) = mail.outbox
    assert told.to == [other.email]
    assert told.subject == f"{admin.name} switched off the second person for plans of new connectors"
    assert "/settings/" in told.body
    (entry,) = entries("rules.told")
    assert (entry["subject"], entry["data"]["told"]) == ("setting new_four_eyes", [other.email])
    data = ConnectorData(
        name="Second",
        align_site="https://second.example.test",
        align_connector_id=77,
        jira_site="https://jira.example.test",
        jira_kind="cloud",
    )
    add_connector("second", data, [], actor=admin)
    assert entries("connector.added")[-1]["sentence"].endswith(
        " Its plans need no second person; ticket format: any; confirmed by typing above 3 changes or 10 % of a list."
    )


# --- retention --------------------------------------------------------------------------------------------------------


def ended(connector: Connector, kind: JobKind, ago: timedelta) -> Job:
    at = timezone.now() - ago
    return Job.objects.create(connector=connector, kind=kind, state=JobState.DONE, finished_at=at)


def test_files_of_packs_go_after_the_chosen_days(
    bare_connector: Connector,
    admin: Person,
    chose: Callable[..., None],
    signed_in: Callable[[Role], Client],
    tmp_path: Any,
) -> None:
    pack = packs.ask("", actor=admin, time_zone="UTC")
    file = tmp_path / "pack.zip"
    file.write_bytes(b"PK")
    Pack.objects.filter(pk=pack.pk).update(path=str(file))
    Job.objects.filter(pk=pack.job_id).update(state=JobState.DONE, finished_at=timezone.now() - timedelta(days=3))
    assert (packs.remove_expired(), file.exists()) == (0, True)
    chose(pack_kept="2")
    assert (packs.remove_expired(), file.exists()) == (1, False)
    chose(pack_kept="30")
    pack.refresh_from_db()
    pack.job.refresh_from_db()
    assert packs.has_expired(pack)
    assert not packs.remove(pack)
    client = signed_in(Role.ADMIN)
    answer = client.get(f"/history/packs/{pack.uuid}/file/")
    assert (answer.status_code, "has been removed" in answer.content.decode()) == (410, True)
    page = client.get(f"/history/packs/{pack.uuid}/").content.decode()
    assert "kept for the time that is set under Settings, and has been removed" in page
    assert "ept until" not in page


def test_rows_of_queries_go_after_the_chosen_minutes(
    bare_connector: Connector, admin: Person, chose: Callable[..., None]
) -> None:
    job = ended(bare_connector, JobKind.QUERY, timedelta(minutes=20))
    run = QueryRun(job=job)
    assert not queries.has_expired(run)
    chose(query_rows_kept="10")
    assert queries.has_expired(run)
    chose(query_rows_kept="60")
    run = QueryRun.objects.create(
        job=job, connector=bare_connector, person=admin, query="/features?$top=3", rows=3, created_at=timezone.now()
    )
    assert queries.has_expired(run), "its rows are deleted, whatever is kept from now on"
    page = RunPage(run, 1)
    assert (page.is_gone, page.rows) == (True, [])


def test_the_list_of_checks_goes_back_for_the_chosen_days(
    bare_connector: Connector, chose: Callable[..., None]
) -> None:
    at = timezone.now() - timedelta(days=20)
    DriftCheck.objects.create(connector=bare_connector, kind=CheckKind.LOG, started_at=at, finished_at=at)
    check_log.forget_old(bare_connector)
    assert DriftCheck.objects.exists()
    chose(drift_checks_kept="10")
    check_log.forget_old(bare_connector)
    assert not DriftCheck.objects.exists()


def test_a_replaced_credential_stays_for_the_chosen_hours(
    bare_connector: Connector, chose: Callable[..., None]
) -> None:
    chose(previous_kept="2")
    page = CredentialPage(bare_connector, System.JIRA)
    assert page.kept_for == "2 h"


# --- sign-in ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "moved", "reason"),
    [
        ({"session_idle": "10"}, {"seen_at": 11 * 60}, "after 10 minutes without activity"),
        ({"session_absolute": "60"}, {"began_at": 61 * 60, "seen_at": 61}, "1 hour after you had signed in"),
    ],
)
def test_an_open_session_ends_at_the_chosen_age(
    signed_in: Callable[[Role], Client],
    chose: Callable[..., None],
    choice: dict[str, str],
    moved: dict[str, float],
    reason: str,
) -> None:
    client = signed_in(Role.EDITOR)
    shift(client, **moved)
    assert client.get("/plans/").status_code == 200
    shift(client, seen_at=moved["seen_at"])
    chose(**choice)
    answer = client.get("/plans/")
    assert answer.status_code == 303
    assert reason in client.get(answer["Location"]).content.decode()


def test_an_act_asks_for_a_sign_in_of_the_chosen_age(
    signed_in: Callable[[Role], Client], chose: Callable[..., None]
) -> None:
    client = signed_in(Role.ADMIN)
    shift(client, began_at=3 * 60)
    assert client.post("/settings/mail/")["Location"] == "/settings/"
    chose(fresh_sign_in="2")
    assert client.post("/settings/mail/")["Location"].startswith("/accounts/reauthenticate/")


def test_an_open_invitation_ends_at_the_chosen_age(admin: Person, mailing: None, chose: Callable[..., None]) -> None:
    guest = factories.person(Role.VIEWER, email="guest@example.test")
    guest.invited_at = timezone.now() - timedelta(hours=3)
    token = invitations.tokens.make_token(guest)
    assert invitations.tokens.check_token(guest, token)
    chose(invitation_age="36")
    invitations.send_invitation(guest)
    run_due()
    assert "The link works once, for 36 hours." in mail.outbox[0].body
    chose(invitation_age="2")
    assert not invitations.tokens.check_token(guest, token)
