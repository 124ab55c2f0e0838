"""People as an admin handles them: the list, roles, deactivating with a hand-over, sessions, lost second factors."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.people import services
from alignadmin.due_work import run_due
from connectors.credentials.succession import CredentialHoldings
from connectors.models import Connector, Credential, HistoryRow, System
from tests.conftest import People
from tests.environment import PASSWORD
from tests.support import factories
from tests.support.people_helpers import (
    INVITED,
    LIST,
    NEW,
    at_once,
    entries,
    is_in,
    said,
    send,
    sign_in,
    unwritable_history,
)

pytestmark = pytest.mark.django_db

HOLDINGS = CredentialHoldings()


@pytest.fixture
def boss(signed_in: Callable[[Role], Client]) -> Client:
    """The admin's browser."""
    return signed_in(Role.ADMIN)


@pytest.fixture
def second(people: People) -> Person:
    return factories.person(Role.ADMIN, email="second@example.test", name="Sam Second")


@pytest.fixture
def mail_server(settings: Settings) -> None:
    """E-mails arrive in `mail.outbox`."""
    settings.EMAIL_URL = "smtp://mail.example.test"


# --- roles ------------------------------------------------------------------------------------------------------------


def test_a_role_change_holds_from_the_next_request_and_reads_well_in_the_history(boss: Client, people: People) -> None:
    viewer = people[Role.VIEWER]
    browser = sign_in(viewer.email, PASSWORD)
    assert browser.get("/history/packs/").status_code == 404
    answer = send(boss, "person-role", viewer, role="reviewer", seen="viewer")
    assert answer.headers["Location"] == reverse("person", args=[viewer.pk])
    assert browser.get("/history/packs/").status_code == 200
    (entry,) = entries("person.role_changed")
    assert entry["data"] == {"before": "viewer", "after": "reviewer"}
    row = HistoryRow.objects.get(action="person.role_changed")
    assert row.sentence == "Role of Viewer: Viewer → Reviewer."
    page = said(boss.get("/history/"))
    assert "Viewer → Reviewer" in page
    assert "Role changed" in page


def test_it_refuses_a_role_from_a_page_that_is_out_of_date(boss: Client, people: People) -> None:
    viewer = people[Role.VIEWER]
    Person.objects.filter(pk=viewer.pk).update(role=Role.EDITOR)
    answer = send(boss, "person-role", viewer, role="reviewer", seen="viewer")
    assert answer.status_code == 409
    assert "has become an editor meanwhile" in said(answer)
    viewer.refresh_from_db()
    assert viewer.role == Role.EDITOR
    assert send(boss, "person-role", viewer, role="reviewer", seen="editor").status_code == 303


@pytest.mark.parametrize("role", ["owner", "", "ADMIN", "\x00", "a" * 100_000])
def test_it_refuses_an_unknown_role(boss: Client, people: People, role: str) -> None:
    answer = send(boss, "person-role", people[Role.VIEWER], role=role, seen="viewer")
    assert answer.status_code == 409
    assert "no such role" in said(answer)
    assert not entries("person.role_changed")


def test_the_same_role_again_changes_nothing(boss: Client, people: People) -> None:
    assert send(boss, "person-role", people[Role.VIEWER], role="viewer", seen="viewer").status_code == 303
    assert not entries("person.role_changed")


def test_the_only_active_admin_stays_one(boss: Client, admin: Person, second: Person) -> None:
    for waiting in (True, False):
        if waiting:  # an invited admin may never come
            Person.objects.filter(pk=second.pk).update(password="!", last_login=None)
        else:
            Person.objects.filter(pk=second.pk).update(is_active=False)
        for answer in (
            send(boss, "person-role", admin, role="viewer", seen="admin"),
            boss.post(
                reverse("person-active", args=[admin.pk]), {"active": "no", "seen": HOLDINGS.succession(admin).key}
            ),
        ):
            assert answer.status_code == 409
            assert "is the only active admin" in said(answer)
    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == (Role.ADMIN, True)


def test_nobody_demotes_or_deactivates_themselves(boss: Client, admin: Person, second: Person) -> None:
    answer = send(boss, "person-role", admin, role="viewer", seen="admin")
    assert (answer.status_code, "Nobody changes their own role" in said(answer)) == (409, True)
    answer = send(boss, "person-active", admin, active="no", seen=HOLDINGS.succession(admin).key)
    assert (answer.status_code, "Nobody deactivates themselves" in said(answer)) == (409, True)
    assert send(boss, "person-role", second, role="viewer", seen="admin").status_code == 303


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["demote", "deactivate"])
def test_of_two_admins_who_stop_each_other_one_remains(act: str) -> None:
    for number in range(5):
        Person.objects.all().update(is_active=False)
        ada, ben = (
            factories.person(Role.ADMIN, email=f"{name}{number}@example.test", name=name) for name in ("ada", "ben")
        )
        stop = partial(services.set_role, role=Role.VIEWER) if act == "demote" else services.deactivate
        refusals = at_once([partial(stop, ben, actor=ada), partial(stop, ada, actor=ben)])
        assert Person.objects.filter(role=Role.ADMIN, is_active=True).count() == 1
        assert refusals == ["You are no longer an admin. Nothing was changed."]


# --- deactivating -----------------------------------------------------------------------------------------------------


@pytest.fixture
def owned(admin: Person, second: Person) -> Connector:
    """Both credentials belong to Sam; for Align there is a back-up owner."""
    connector = factories.connector("http://127.0.0.1:9", actor=admin)
    Credential.objects.update(owner=second)
    Credential.objects.filter(system=System.ALIGN).update(backup_owner=admin)
    return connector


def test_deactivating_shows_what_is_handed_over_and_hands_it_over(
    boss: Client, admin: Person, second: Person, owned: Connector
) -> None:
    browser = sign_in(second.email, PASSWORD)
    address = reverse("person-active", args=[second.pk])
    page = boss.get(address)
    assert "Acme, Jira Align credential goes to Admin, its back-up owner" in said(page)
    assert "Acme, Jira credential nobody will own it" in said(page)
    assert "1 credential will have no owner" in said(page)

    answer = boss.post(address, {"active": "no", "seen": HOLDINGS.succession(second).key})
    assert "The Jira credential of Acme has no owner now. Name one" in said(answer)
    assert f'href="/connectors/{owned.slug}/credential/jira/"' in answer.content.decode()
    assert not is_in(browser)
    second.refresh_from_db()
    assert not second.is_active
    align, jira = (Credential.objects.get(system=system) for system in (System.ALIGN, System.JIRA))
    assert (align.owner, align.backup_owner) == (admin, None)
    assert (jira.owner, jira.backup_owner) == (None, None)

    told = [each for each in entries("credential.owners_changed") if each["actor"]["id"] == admin.pk]
    assert {each["subject"] for each in told} == {f"credential {align.uuid}", f"credential {jira.uuid}"}
    assert told[0]["data"]["before"] == {"owner": second.pk, "backup_owner": admin.pk}
    (own,) = entries("person.deactivated")
    assert len(own["data"]["credentials"]) == 2
    assert own["seq"] == told[-1]["seq"] + 1  # last of the same transaction
    assert "owner Sam Second → Admin, back-up owner Admin → none" in said(boss.get("/history/"))


def test_a_back_up_owner_who_goes_is_cleared(boss: Client, admin: Person, second: Person, owned: Connector) -> None:
    Credential.objects.update(owner=admin, backup_owner=second)
    services.deactivate(second, actor=admin)
    assert {(each.owner, each.backup_owner) for each in Credential.objects.all()} == {(admin, None)}


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": Role.VIEWER}])
def test_a_back_up_owner_who_could_do_nothing_with_it_does_not_take_over(
    people: People, admin: Person, second: Person, owned: Connector, change: dict[str, Any]
) -> None:
    Person.objects.filter(pk=people[Role.EDITOR].pk).update(**{"role": Role.ADMIN, **change})
    Credential.objects.update(backup_owner=people[Role.EDITOR])
    services.deactivate(second, actor=admin)
    assert set(Credential.objects.values_list("owner", flat=True)) == {None}


def test_it_refuses_to_hand_over_a_list_that_nobody_has_seen(
    boss: Client, admin: Person, second: Person, owned: Connector
) -> None:
    seen = HOLDINGS.succession(second).key
    Credential.objects.filter(system=System.JIRA).update(backup_owner=admin)
    answer = send(boss, "person-active", second, active="no", seen=seen)
    assert answer.status_code == 409
    assert "What Sam Second owns has changed meanwhile" in said(answer)
    second.refresh_from_db()
    assert second.is_active
    answer = send(boss, "person-active", second, active="no", seen=HOLDINGS.succession(second).key)
    assert answer.status_code == 200


def test_deactivated_twice_or_activated_twice_is_refused_in_words(boss: Client, people: People) -> None:
    viewer = people[Role.VIEWER]
    form = {"active": "no", "seen": HOLDINGS.succession(viewer).key}
    assert send(boss, "person-active", viewer, **form).status_code == 303
    answer = send(boss, "person-active", viewer, **form)
    assert (answer.status_code, "is deactivated. Activate them first." in said(answer)) == (409, True)
    assert len(entries("person.deactivated")) == 1
    assert "Activate Viewer?" in said(boss.get(reverse("person-active", args=[viewer.pk])))
    assert send(boss, "person-active", viewer, active="yes").status_code == 303
    assert send(boss, "person-active", viewer, active="yes").status_code == 409
    assert len(entries("person.activated")) == 1
    assert is_in(sign_in(viewer.email, PASSWORD))
    assert send(boss, "person-active", viewer, active="perhaps").status_code == 400


def test_a_note_beside_the_role_says_what_an_admin_owns(boss: Client, second: Person, owned: Connector) -> None:
    page = said(boss.get(reverse("person", args=[second.pk])))
    assert "stays owner or back-up owner of 2 credentials" in page
    send(boss, "person-role", second, role="viewer", seen="admin")
    assert set(Credential.objects.values_list("owner", flat=True)) == {second.pk}


# --- names, sessions, second factors ----------------------------------------------------------------------------------


def test_an_admin_gives_a_person_another_name(boss: Client, people: People) -> None:
    viewer = people[Role.VIEWER]
    assert send(boss, "person", viewer, name="  Vic \n Viewer ", seen="Viewer").status_code == 303
    viewer.refresh_from_db()
    assert viewer.name == "Vic Viewer"
    (entry,) = entries("person.edited")
    assert entry["data"] == {"before": "Viewer", "after": "Vic Viewer"}
    answer = send(boss, "person", viewer, name="Victor", seen="Viewer")
    assert (answer.status_code, "renamed this person to Vic Viewer" in said(answer)) == (409, True)
    for wrong in ("", "v" * 201, "Vic\u200b"):
        assert send(boss, "person", viewer, name=wrong, seen="Vic Viewer").status_code == 400


def test_ending_sessions_signs_a_person_out_and_nobody_else(boss: Client, people: People) -> None:
    viewer = people[Role.VIEWER]
    browsers = [sign_in(viewer.email, PASSWORD), sign_in(viewer.email, PASSWORD)]
    other = sign_in(people[Role.EDITOR].email, PASSWORD)
    assert "2 sessions" in said(boss.get(reverse("person", args=[viewer.pk])))
    assert send(boss, "person-sessions", viewer).status_code == 303
    assert [is_in(each) for each in (*browsers, other, boss)] == [False, False, True, True]
    (entry,) = entries("person.session_ended")
    assert entry["data"]["sessions"] == 2


def test_removing_a_lost_second_factor_is_loud(boss: Client, people: People, mail_server: None) -> None:
    editor = people[Role.EDITOR]
    browser = sign_in(editor.email, PASSWORD)
    for kind in ("totp", "recovery_codes"):
        Authenticator.objects.create(user=editor, type=kind, data={})
    Authenticator.objects.create(user=people[Role.VIEWER], type="totp", data={})
    assert send(boss, "person-factors", editor).status_code == 303
    assert set(Authenticator.objects.values_list("user", flat=True)) == {people[Role.VIEWER].pk}
    assert not is_in(browser)
    (entry,) = entries("person.factor_removed")
    assert entry["data"]["kinds"] == ["recovery_codes", "totp"]
    assert run_due() == 1
    (message,) = mail.outbox
    assert message.to == [editor.email]
    assert "Admin removed the second factor" in str(message.body)
    answer = send(boss, "person-factors", editor)
    assert (answer.status_code, "has no second factor" in said(answer)) == (409, True)


def test_nobody_removes_their_own_second_factor_here(boss: Client, admin: Person) -> None:
    Authenticator.objects.create(user=admin, type="totp", data={})
    assert send(boss, "person-factors", admin).status_code == 409
    assert Authenticator.objects.filter(user=admin).exists()


# --- nothing without its entry ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("person", {"name": "Vic", "seen": "Viewer"}),
        ("person-role", {"role": "reviewer", "seen": "viewer"}),
        ("person-active", {"active": "no"}),
        ("person-sessions", {}),
        ("person-factors", {}),
        ("person-invitation", {}),
    ],
)
def test_an_act_without_its_entry_does_not_happen(
    boss: Client, people: People, name: str, form: dict[str, str], mail_server: None
) -> None:
    viewer = people[Role.VIEWER]
    browser = sign_in(viewer.email, PASSWORD)
    boss.raise_request_exception = False
    Authenticator.objects.create(user=viewer, type="totp", data={})
    form = form | ({"seen": HOLDINGS.succession(viewer).key} if name == "person-active" else {})
    before = Person.objects.filter(pk=viewer.pk).values().get()
    with unwritable_history():
        assert send(boss, name, viewer, **form).status_code == 500
    assert Person.objects.filter(pk=viewer.pk).values().get() == before
    assert Authenticator.objects.filter(user=viewer).exists()
    assert is_in(browser)
    assert run_due() == 0
    assert mail.outbox == []
    assert send(boss, name, viewer, **form).status_code == 303


# --- the list ---------------------------------------------------------------------------------------------------------


def names_on(page: Any) -> set[str]:
    return set(re.findall(r'<th scope="row"><a [^>]+><bdi class="wrap">([^<]+)</bdi>', page.content.decode()))


def test_the_list_says_who_may_what_and_what_is_missing(boss: Client, second: Person, owned: Connector) -> None:
    boss.post(NEW, INVITED)
    Authenticator.objects.create(user=second, type="totp", data={})
    page = said(boss.get(LIST))
    assert "Nora Newnora@example.test Editor Invited no never none" in page
    assert "Sam Secondsecond@example.test Admin Active yes never owns 2" in page
    assert "back-up of 1" in page


def test_the_list_is_filtered_in_its_address(boss: Client, people: People) -> None:
    boss.post(NEW, INVITED)
    services.deactivate(people[Role.VIEWER], actor=people[Role.ADMIN])
    for query, expected in (
        ("?q=NORA", {"Nora New"}),
        ("?q=reviewer@", {"Reviewer"}),
        ("?role=editor", {"Editor", "Nora New"}),
        ("?state=invited", {"Nora New"}),
        ("?state=deactivated", {"Viewer"}),
        ("?state=active&role=admin", {"Admin"}),
        ("?q=%25", set()),
        (f"?q={'x' * 5000}", set()),
        ("?q=%00&role=nobody&state=%27&page=x", {"Admin", "Editor", "Nora New", "Reviewer", "Viewer"}),
    ):
        assert names_on(boss.get(LIST + query)) == expected, query
    assert "No one matches this filter" in said(boss.get(f"{LIST}?q=zzz"))


def test_the_list_asks_the_same_questions_for_many_people(boss: Client, owned: Connector) -> None:
    def questions(address: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert boss.get(address).status_code == 200
        return len(asked)

    questions(LIST)
    few = questions(LIST)
    Person.objects.bulk_create(
        Person(email=f"p{number}@example.test", name=f"Person {number:03}", password="!") for number in range(120)
    )
    assert questions(LIST) == few
    assert len(names_on(boss.get(LIST))) == 50
    last = boss.get(f"{LIST}?role=viewer&page=3")
    assert "101 to 121 of 121" in said(last)
    assert "role=viewer&amp;page=2" in last.content.decode()


# --- a sign-in that is not fresh --------------------------------------------------------------------------------------


def stale(client: Client) -> None:
    session = client.session
    session["began_at"] = timezone.now().timestamp() - 3600
    session["account_authentication_methods"] = []
    session.save()


@pytest.mark.parametrize(
    "name", ["person-role", "person-active", "person-sessions", "person-factors", "person-invitation", "person"]
)
def test_acts_on_people_need_a_fresh_sign_in(boss: Client, people: People, name: str) -> None:
    stale(boss)
    form = {"role": "admin", "seen": "viewer", "active": "no", "name": "Vic"}
    answer = send(boss, name, people[Role.VIEWER], **form)
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    assert Person.objects.filter(pk=people[Role.VIEWER].pk, role="viewer", is_active=True, name="Viewer").exists()
    assert boss.post(NEW, INVITED).status_code == 303
    assert boss.get(NEW).status_code == 200
    assert not Person.objects.filter(email="nora@example.test").exists()
    assert boss.get(LIST).status_code == 200
