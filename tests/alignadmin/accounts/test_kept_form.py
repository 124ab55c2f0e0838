"""A form that was sent with an old sign-in: kept sealed without its secrets, shown once more, sent by a click alone."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import LazySettings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import resolve, reverse
from django.utils import timezone

from alignadmin import sealing
from alignadmin.accounts import kept_form
from alignadmin.accounts.acts import ACTOR, Act, consent, tick
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


def opened(client: Client) -> str:
    """What is sealed in the session, unsealed: a secret in it is looked for here, not in the cipher."""
    kept = client.session[kept_form.KEPT]
    person = int(client.session["_auth_user_id"])
    return sealing.unseal(kept["sealed"], bound_to=f"session|kept form|person {person}|until {kept['until']}")


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
    assert "canary" not in str(dict(boss.session)) + opened(boss)
    assert "service@acme.test" in opened(boss)
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
    stale(boss)
    assert "Acme production" not in page(boss, f"{CONNECTOR}?again=1"), "this page is read without the proof"


BARE = {**TYPED, "align-secret": "", "jira-secret": ""}
TOO_MUCH = {**INVITED, "name": "n" * kept_form.MOST_KEPT}
NOT_KEPT = {
    "larger than what is kept": (INVITE, TOO_MUCH, "It was larger than 32 KB"),
    "a field that is not the form's": (INVITE, {**INVITED, "more": "canary"}, "It has fields that this page does not"),
    "a file": (INVITE, {**INVITED, "photo": SimpleUploadedFile("x.png", b"canary")}, "<b>the file of photo</b>"),
    "a sign-in within an address": (
        CONNECTOR,
        {**BARE, "jira_site": "https://me:canary@acme.atlassian.net"},
        "<b>Jira site</b>",
    ),
    "a token within an address": (
        CONNECTOR,
        {**BARE, "align_site": "https://a.test/?key=canary"},
        "<b>Jira Align site",
    ),
    "a token after the mark": (CONNECTOR, {**BARE, "jira_site": "https://a.test/#canary"}, "<b>Jira site</b>"),
    "a token behind the user": (CONNECTOR, {**BARE, "jira-user": "me@acme.test:canary"}, "<b>Jira user</b>"),
    "a field twice": (INVITE, {**INVITED, "name": ["Nora", "canary"]}, "It has a field twice"),
}


@pytest.mark.parametrize("what", NOT_KEPT)
def test_what_cannot_wait_is_filled_in_again_and_the_page_says_why(boss: Client, what: str) -> None:
    address, form, sentence = NOT_KEPT[what]
    boss.post(address, form)
    text = confirmed(boss)
    assert sentence in text
    assert sending(text) is None
    assert f'<a class="btn primary" href="{address}' in text
    assert "canary" not in text + opened(boss)


def test_what_is_sent_is_said_empty_or_long_and_a_box_that_is_not_ticked_is_no() -> None:
    act = Act(does="Save {pk}", shown={"note": "Note", "why": "Why", "reviews": tick("Reviews"), "gone": "Not sent"})
    lines = dict(act.lines([("note", "x" * 1234), ("why", "")], {}))
    assert lines == {"Note": "x" * 1234, "Why": "(empty)", "Reviews": "No"}, "the button sends it whole"
    assert dict(act.lines([("reviews", "on")], {})) == {"Reviews": "Yes"}
    assert dict(act.lines([("reviews", "false")], {})) == {"Reviews": "false"}, "its form takes it for no"
    agreed = Act(does="Do it", shown={"consent": consent("I agree", "yes")})
    assert [dict(agreed.lines([("consent", sent)], {})) for sent in ("yes", "no")] == [
        {"I agree": "Yes"},
        {"I agree": "no"},
    ]
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


def test_who_comes_back_too_late_is_not_told_that_it_was_sent(boss: Client, people: People) -> None:
    change_role(boss, people[Role.EDITOR])
    session = boss.session
    session["seen_at"] -= kept_form.KEPT_FOR + 1
    until = session[kept_form.KEPT]["until"] - kept_form.KEPT_FOR - 1
    session[kept_form.KEPT] = {**session[kept_form.KEPT], "until": until}
    session.save()
    boss.get("/help/")
    assert boss.session[kept_form.KEPT] == {"until": until}, "what nobody came back for goes with the next activity"
    assert "those are over. Nothing was sent" in confirmed(boss)
    assert kept_form.KEPT not in boss.session


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
    admin = Person.objects.get(pk=people[Role.ADMIN].pk)
    boss.force_login(admin)
    stale(boss)
    change_role(boss, people[Role.VIEWER])
    assert kept_form.KEPT in boss.session
    boss.post("/accounts/logout/")
    boss.force_login(admin)
    assert "No form is waiting" in page(boss)


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
    asked = change_role(boss, people[Role.VIEWER])["Location"]
    assert kept_form.KEPT not in boss.session
    text = page(boss, asked)
    assert f"What you sent (Change the role of {people[Role.VIEWER]}) was not done, and it cannot be kept" in text
    assert "one click" not in text, "nothing else is promised"
    assert asked == f"{REAUTHENTICATE}?next=%2Fsettings%2Fpeople%2F{people[Role.VIEWER].pk}%2F%3Fx%3D1"
    assert asked.partition("=")[2] in text, "where it is entered once more"


# --- one of several ---------------------------------------------------------------------------------------------------


def test_another_form_to_the_same_address_is_said_to_replace_it_and_does_not_use_it_up(boss: Client) -> None:
    boss.post(INVITE, INVITED)
    boss.post(INVITE, {**INVITED, "email": "ole@example.test"})
    text = confirmed(boss)
    assert "Before this you had sent another form: <b><bdi>Invite a person" in text
    boss.post(INVITE, {**INVITED, "email": "pia@example.test"})
    assert "ole@example.test" in page(boss)


def test_what_a_release_before_has_kept_does_not_open(boss: Client, people: People) -> None:
    change_role(boss, people[Role.VIEWER])
    session, person = boss.session, int(boss.session["_auth_user_id"])
    until = session[kept_form.KEPT]["until"]
    text = opened(boss).replace('"title"', '"heading"')
    bound = f"session|kept form|person {person}|until {until}"
    session[kept_form.KEPT] = {"sealed": sealing.seal(text, bound_to=bound), "until": until}
    session.save()
    assert "No form is waiting" in confirmed(boss)


def test_a_page_that_fills_nothing_in_says_so_and_the_title_is_that_of_the_whole_form(boss: Client) -> None:
    boss.get("/help/")
    boss.post("/accounts/2fa/webauthn/add/", {"name": "Ring", "passwordless": "on", "credential": "{}"})
    text = confirmed(boss)
    assert "<b>the answer of the key</b>. Nothing was sent: fill in everything again." in text
    assert "Ring" not in text
    assert 'href="/accounts/2fa/webauthn/add/">Back to the form' in text
    stale(boss)
    boss.post(CONNECTOR, {**TYPED, "act": "test", "more": "1"})
    assert "Confirm: <bdi>Test the connector Acme production</bdi>" in confirmed(boss)


# --- what it is done to -----------------------------------------------------------------------------------------------


def test_an_act_names_the_key_or_session_that_it_is_done_to_if_it_is_ones_own(people: People) -> None:
    owner, other = people[Role.ADMIN], people[Role.VIEWER]
    key = Authenticator.objects.create(
        user=owner, type=Authenticator.Type.WEBAUTHN, data={"name": "Ring", "credential": {}, "passwordless": False}
    )
    seen = UserSession.objects.create(
        user=owner, session_key="k", ip="192.0.2.7", user_agent="Firefox Windows", last_seen_at=timezone.now()
    )
    titles = {
        ("mfa_remove_webauthn", key.pk): ('Remove the security key "Ring"', "Remove the security key"),
        ("mfa_edit_webauthn", key.pk): ('Rename the security key "Ring"', "Rename the security key"),
        ("usersessions_end", seen.pk): (
            "End the session in Firefox on Windows, from 192.0.2.7",
            "End the session that has ended already",
        ),
    }
    for (name, pk), expected in titles.items():
        act = resolve(reverse(name, args=[pk])).func.act  # type: ignore[attr-defined]
        assert tuple(act.title({}, {"pk": pk, ACTOR: person.pk}) for person in (owner, other)) == expected
