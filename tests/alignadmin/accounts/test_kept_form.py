"""A form that was sent with an old sign-in: kept sealed without its secrets, shown once more, sent by a click alone."""

from __future__ import annotations

from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from alignadmin import sealing
from alignadmin.accounts import kept_form
from alignadmin.accounts.acts import Act, tick
from alignadmin.accounts.models import Person, Role
from tests.conftest import SignIn
from tests.environment import PASSWORD
from tests.support.page_forms import Form, Forms

People = dict[Role, Person]
pytestmark = pytest.mark.django_db
WAITING, REAUTHENTICATE, INVITE, CONNECTOR = (
    "/accounts/confirm/",
    "/accounts/reauthenticate/",
    "/settings/people/new/",
    "/connectors/new/",
)
INVITED = {"email": "nora@example.test", "name": "Nora", "role": "editor"}
TYPED = {
    "name": "Acme production", "align_site": "https://acme.jiraalign.com", "align_connector_id": "123",
    "jira_site": "https://acme.atlassian.net", "jira_kind": "cloud", "time_zone": "Europe/Warsaw", "log_by_hand": "on",
    "align-kind": "align-bearer", "align-secret": "canary-of-align", "jira-kind": "jira-cloud",
    "jira-user": "service@acme.test", "jira-secret": "canary-of-jira", "act": "save",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_attempts_of_other_tests(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["tests.support.signin_helpers.CountingHasher"]
    cache.clear()


@pytest.fixture
def boss(signed_in: SignIn) -> Client:
    client = signed_in(Role.ADMIN)
    stale(client)
    return client


def stale(client: Client) -> None:
    session = client.session
    session["began_at"] -= 3600
    session.pop("account_authentication_methods", None)
    session.save()


def confirmed(client: Client) -> str:
    """By the password, then the page that it leads to."""
    answer = client.post(f"{REAUTHENTICATE}?next={WAITING}", {"password": PASSWORD, "next": WAITING})
    assert answer["Location"] == WAITING
    return page(client)


def page(client: Client, address: str = WAITING) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def sending(text: str) -> Form | None:
    """The form that sends what was kept, if the page has one."""
    reader = Forms(WAITING)
    reader.feed(text.partition('<main class="main"')[2])
    return next((form for form in reader.found if form.method == "POST"), None)


def role_of(people: People, role: Role) -> str:
    return str(Person.objects.get(pk=people[role].pk).role)


def change_role(client: Client, person: Person, role: str = "editor") -> Any:
    address = f"/settings/people/{person.pk}/"
    form = {"role": role, "seen": person.role, "csrfmiddlewaretoken": "of the page before"}
    return client.post(f"{address}role/", form, headers={"Referer": f"http://testserver{address}?x=1"})


# --- by one click -----------------------------------------------------------------------------------------------------


def test_it_is_shown_in_words_and_sent_by_one_click_and_never_by_itself(boss: Client, people: People) -> None:
    viewer = people[Role.VIEWER]
    assert change_role(boss, viewer)["Location"] == f"{REAUTHENTICATE}?next=%2Faccounts%2Fconfirm%2F"
    assert boss.get(WAITING)["Location"].startswith(REAUTHENTICATE), "nobody looks at it without the proof"
    text = confirmed(boss)
    assert f"Confirm: <bdi>Change the role of {viewer}</bdi>" in text
    assert '<dt>Role</dt><dd class="wrap"><bdi>Editor</bdi></dd>' in text
    assert f'href="/settings/people/{viewer.pk}/?x=1"' in text
    assert role_of(people, Role.VIEWER) == "viewer"
    form = sending(text)
    assert form
    assert form.fields.pop("csrfmiddlewaretoken") != "of the page before"
    assert (form.address, form.fields) == (f"/settings/people/{viewer.pk}/role/", {"role": "editor", "seen": "viewer"})
    assert boss.post(form.address, form.fields)["Location"] == f"/settings/people/{viewer.pk}/"
    assert role_of(people, Role.VIEWER) == "editor"
    assert "It was sent already" in page(boss)
    assert boss.post(form.address, form.fields).status_code == 409, "sent once more it is judged as any form"


def test_of_two_that_wait_the_last_is_kept_and_the_page_says_so(boss: Client, people: People) -> None:
    change_role(boss, people[Role.VIEWER])
    boss.post(INVITE, INVITED)
    text = confirmed(boss)
    assert "Confirm: <bdi>Invite a person</bdi>" in text
    assert f"Before this you had sent another form: <b><bdi>Change the role of {people[Role.VIEWER]}</bdi>" in text
    assert "editor: " not in text
    assert "Editor: edits mappings" in text, "a choice is shown in the words of its form"
    boss.post(INVITE, INVITED)  # from its own page, not by the button
    assert kept_form.KEPT not in boss.session


# --- what is not kept -------------------------------------------------------------------------------------------------


def test_secrets_are_left_out_named_and_typed_again_on_the_filled_page(boss: Client) -> None:
    boss.post(CONNECTOR, TYPED)
    kept = boss.session[kept_form.KEPT]
    admin = int(boss.session["_auth_user_id"])
    opened = sealing.unseal(kept["sealed"], bound_to=f"session|kept form|person {admin}|until {kept['until']}")
    assert "canary" not in str(dict(boss.session)) + opened
    assert "service@acme.test" not in str(dict(boss.session)), "sealed"
    text = confirmed(boss)
    assert "<b>Align API token</b>, <b>Jira token or password</b>" in text
    assert sending(text) is None
    assert '<dt>Jira user</dt><dd class="wrap"><bdi>service@acme.test</bdi>' in text
    filled = page(boss, f"{CONNECTOR}?again=1")
    assert f'href="{CONNECTOR}?again=1"' in text
    assert "Secrets are never kept" in filled
    assert "canary" not in text + filled
    for value in ("Acme production", "https://acme.atlassian.net", "Europe/Warsaw", "service@acme.test"):
        assert f'value="{value}"' in filled
    assert "Acme production" not in page(boss, CONNECTOR)


TOO_MUCH = {**INVITED, "name": "n" * kept_form.MOST_KEPT}
NOT_KEPT = {
    "larger than what is kept": (INVITE, TOO_MUCH, "It was larger than 32 KB"),
    "a field that is not the form's": (INVITE, {**INVITED, "more": "canary"}, "It has fields that this page does not"),
    "a file": (INVITE, {**INVITED, "photo": SimpleUploadedFile("x.png", b"canary")}, "<b>the file of photo</b>"),
    "a sign-in within an address": (
        CONNECTOR,
        {**TYPED, "align-secret": "", "jira-secret": "", "jira_site": "https://me:canary@acme.atlassian.net"},
        "<b>Jira site</b>",
    ),
}


@pytest.mark.parametrize("what", NOT_KEPT)
def test_what_cannot_wait_is_filled_in_again_and_the_page_says_why(boss: Client, what: str) -> None:
    address, form, sentence = NOT_KEPT[what]
    boss.post(address, form)
    text = confirmed(boss)
    assert sentence in text
    assert sending(text) is None
    assert f'<a class="btn primary" href="{address}' in text
    assert "canary" not in text + str(dict(boss.session))


def test_what_is_sent_is_said_empty_or_long_and_a_box_that_is_not_ticked_is_no() -> None:
    act = Act(does="Save {pk}", shown={"note": "Note", "why": "Why", "reviews": tick("Reviews"), "gone": "Not sent"})
    lines = dict(act.lines([("note", "x" * 1234), ("why", "")], {}))
    assert lines == {"Note": f"{'x' * 200}… (1,234 characters in all)", "Why": "(empty)", "Reviews": "No"}
    assert dict(act.lines([("why", "a"), ("why", "b"), ("reviews", "on")], {})) == {"Why": "a, b", "Reviews": "Yes"}
    assert act.title({}, {"pk": 12}) == "Save 12"


def test_a_field_that_is_named_like_a_secret_cannot_be_declared_to_be_kept() -> None:
    for declared in ({"shown": {"new_password": "Word"}}, {"carried": ("API-Token",)}):
        with pytest.raises(ValueError, match="named like a secret"):
            Act(does="Do it", **declared)


# --- for one person and five minutes ----------------------------------------------------------------------------------


def test_it_waits_for_five_minutes_and_then_is_gone(
    boss: Client, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_form, "KEPT_FOR", -1)
    change_role(boss, people[Role.VIEWER])
    text = confirmed(boss)
    assert "A form waits for 5 minutes, and those are over" in text
    assert sending(text) is None
    assert kept_form.KEPT not in boss.session
    change_role(boss, people[Role.VIEWER], "reviewer")
    assert role_of(people, Role.VIEWER) == "reviewer", "with a proof of just now nothing waits"
    stale(boss)
    change_role(boss, people[Role.EDITOR])
    session = boss.session
    session["seen_at"] -= 61
    session.save()
    boss.get("/help/")
    assert kept_form.KEPT not in boss.session, "what nobody came back for goes with the next activity"


def test_nobody_else_sees_or_sends_it_and_signing_out_ends_it(boss: Client, people: People, signed_in: SignIn) -> None:
    change_role(boss, people[Role.VIEWER])
    kept = boss.session[kept_form.KEPT]
    for stored in (
        kept,
        {**kept, "until": kept["until"] + 3600},
    ):  # of another person; made to last longer
        client = boss if stored is not kept else signed_in(Role.EDITOR)
        session = client.session
        session[kept_form.KEPT] = stored
        session.save()
        text = confirmed(client)
        assert "No form is waiting" in text
        assert kept_form.KEPT not in client.session
    stale(boss)
    change_role(boss, people[Role.VIEWER])
    boss.force_login(people[Role.REVIEWER])  # without signing out before
    assert kept_form.KEPT not in boss.session


def test_who_may_not_do_it_any_more_is_told_and_has_no_button(boss: Client, people: People) -> None:
    change_role(boss, people[Role.VIEWER])
    Person.objects.filter(pk=people[Role.ADMIN].pk).update(role=Role.VIEWER)
    text = confirmed(boss)
    assert "Your role does not include this any more" in text
    assert sending(text) is None
    assert kept_form.KEPT not in boss.session


def test_who_can_only_sign_in_again_is_told_that_it_is_not_kept(boss: Client, people: People) -> None:
    people[Role.ADMIN].set_unusable_password()
    people[Role.ADMIN].save()
    boss.force_login(people[Role.ADMIN])
    stale(boss)
    change_role(boss, people[Role.VIEWER])
    text = page(boss, f"{REAUTHENTICATE}?next={WAITING}")
    assert f"What you sent (<bdi>Change the role of {people[Role.VIEWER]}</bdi>) was not done" in text
    assert quote(f"/settings/people/{people[Role.VIEWER].pk}/?x=1", safe="") in text, "where it is entered once more"
    assert kept_form.KEPT not in boss.session
