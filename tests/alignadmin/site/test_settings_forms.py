"""The forms of the settings page: saving, bounds, two admins at once, back to default, and what the history says."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.preferences import SESSION_IDLE
from alignadmin.preferences.models import InstallationChoice
from alignadmin.preferences.reading import one_turn
from alignadmin.preferences.services import TWO_WISHES, TypedSetting, choose
from alignadmin.site.settings_groups import ACT, PREFERENCES
from connectors.credentials.preferences import REMINDER_DAYS, REMINDER_RECIPIENTS
from connectors.history.search.action_words import OF_THE_REST, words_of
from mappings.drift.preferences import DIGEST_RECIPIENTS
from tests.support.people_helpers import entries, said
from tests.support.signin_helpers import shift

pytestmark = pytest.mark.django_db

PAGE, MAIL, SIGN_IN, PLANS = "/settings/", *(f"/settings/choices/{key}/" for key in ("mail", "sign-in", "plans"))
DAYS = "60, 30, 14, 7, 1"


@pytest.fixture
def boss(signed_in: Callable[[Role], Client]) -> Client:
    return signed_in(Role.ADMIN)


def post(client: Client, address: str, key: str, text: str, *, seen: str, **more: str) -> Any:
    return client.post(address, {key: text, f"seen-{key}": seen, **more})


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_a_saved_setting_says_by_whom_and_when_and_is_one_entry(boss: Client, admin: Person) -> None:
    assert "Default" in said(boss.get(PAGE))
    answer = post(boss, MAIL, "reminder_days", "7 90", seen=DAYS)
    assert (answer.status_code, answer["Location"]) == (303, "/settings/#mail")
    page = said(boss.get(PAGE))
    assert "Saved: Remind these days before a credential ends." in page
    assert f"Set by {admin.name} on {timezone.localdate():%-d %b %Y}" in page
    assert f"Back to default: {DAYS} days" in page
    (entry,) = entries("setting.changed")
    assert entry["data"] == {"setting": "reminder_days", "before": [60, 30, 14, 7, 1], "after": [90, 7]}
    assert entry["sentence"].endswith(f"a credential ends, from {DAYS} days to 90, 7 days.")
    assert REMINDER_DAYS.value() == [90, 7]


def test_each_changed_setting_is_an_entry_and_what_was_not_changed_is_none(boss: Client) -> None:
    boss.post(
        SIGN_IN,
        {
            "session_idle": "20",
            "seen-session_idle": "30",
            "session_absolute": "600",
            "seen-session_absolute": "720",
            "fresh_sign_in": "10",
            "seen-fresh_sign_in": "10",
        },
    )
    assert [each["subject"] for each in entries("setting.changed")] == [
        "setting session_idle",
        "setting session_absolute",
    ]
    assert "Nothing was changed." in said(
        boss.post(SIGN_IN, {"session_idle": "20", "seen-session_idle": "20"}, follow=True)
    )
    assert set(InstallationChoice.objects.values_list("key", flat=True)) == {"session_idle", "session_absolute"}


def test_back_to_default_is_an_entry_too(boss: Client) -> None:
    post(boss, MAIL, "reminder_days", "5", seen=DAYS)
    post(boss, MAIL, "reminder_days", "5", seen="5", **{"default-reminder_days": "on"})
    assert not InstallationChoice.objects.exists()
    (entry,) = entries("setting.back_to_default")
    assert (entry["data"]["before"], entry["data"]["after"]) == ([5], [60, 30, 14, 7, 1])
    assert said(boss.get(PAGE)).count("Set by") == 1  # the heading of what the operator sets


def test_what_is_refused_is_shown_as_it_was_typed_and_nothing_is_stored(boss: Client) -> None:
    sent = {"reminder_days": "0, soon", "seen-reminder_days": DAYS}
    sent |= {"reminder_recipients": "ops@example.test\nnobody", "seen-reminder_recipients": ""}
    answer = boss.post(MAIL, sent)
    page = text_of(answer)
    assert answer.status_code == 400
    assert "Nothing is saved. Correct the marked fields." in page
    assert "Enter whole numbers from 1 to 365, with commas between them." in page
    assert "nobody is no e-mail address. Correct it, or take it out." in page
    assert 'value="0, soon"' in page
    assert "ops@example.test\nnobody</textarea>" in page
    assert not InstallationChoice.objects.exists()
    assert entries("setting.changed") == []


OUT_OF_BOUNDS = [
    (SIGN_IN, "session_idle", "31", "30", "from 5 to 30; the operator allows no more."),
    (SIGN_IN, "session_idle", "4", "30", "from 5 to 30; the operator allows no more."),
    (PLANS, "new_typed_share", "101", "10", "Enter a whole number from 0 to 100."),
    (PLANS, "new_ticket_format", "(?=C)CHG", "", "nothing looks ahead or back"),
    (PLANS, "new_ticket_format", "CHG-\x00", "", "Null characters are not allowed."),
    (PLANS, "new_four_eyes", "maybe", "false", "Choose one of the list."),
    (MAIL, "digest_hour", "24", "6", "Choose one of the list."),
    (MAIL, "reminder_recipients", "a" * 8001, "", "at most 8000 characters"),
    (MAIL, "reminder_recipients", " ".join(f"p{n}@example.test" for n in range(21)), "", "Enter at most 20 addresses"),
]


@pytest.mark.parametrize(("address", "key", "text", "seen", "sentence"), OUT_OF_BOUNDS)
def test_bounds_are_told_at_the_field(
    boss: Client, address: str, key: str, text: str, seen: str, sentence: str
) -> None:
    answer = post(boss, address, key, text, seen=seen)
    assert answer.status_code == 400
    assert sentence in text_of(answer)
    assert not InstallationChoice.objects.exists()


def test_of_two_admins_the_second_one_sees_both_values_and_may_then_replace_it(
    boss: Client, signed_in: Callable[[Role], Client], admin: Person
) -> None:
    post(boss, MAIL, "reminder_days", "90", seen=DAYS)
    stale = {"reminder_days": "14", "seen-reminder_days": DAYS, "digest_hour": "7", "seen-digest_hour": "6"}
    answer = boss.post(MAIL, stale)
    page = text_of(answer)
    assert answer.status_code == 409
    assert f"{admin.name} set this after your page was loaded. It is 90 days; you entered 14 days." in page
    assert 'name="seen-reminder_days" value="90"' in page
    assert REMINDER_DAYS.value() == [90]
    assert "digest_hour" not in InstallationChoice.objects.values_list("key", flat=True)
    again = boss.post(MAIL, stale | {"seen-reminder_days": "90"})
    assert again.status_code == 303
    assert REMINDER_DAYS.value() == [14]
    # What was not touched here, and changed elsewhere, stays as it is there.
    boss.post(MAIL, {"reminder_days": DAYS, "seen-reminder_days": DAYS, "digest_hour": "8", "seen-digest_hour": "7"})
    assert REMINDER_DAYS.value() == [14]


def test_of_two_admins_who_go_back_to_the_default_the_second_one_has_nothing_to_do(boss: Client) -> None:
    post(boss, MAIL, "reminder_days", "5", seen=DAYS)
    box = {"default-reminder_days": "on"}
    assert post(boss, MAIL, "reminder_days", "5", seen="5", **box).status_code == 303
    answer = boss.post(MAIL, {"reminder_days": "5", "seen-reminder_days": "5", **box}, follow=True)
    assert "Nothing was changed." in said(answer)
    assert not InstallationChoice.objects.exists()
    assert len(entries("setting.back_to_default")) == 1


def test_another_value_and_the_box_for_the_default_are_refused_together_and_both_stay(boss: Client) -> None:
    post(boss, MAIL, "reminder_days", "5", seen=DAYS)
    answer = post(boss, MAIL, "reminder_days", "9", seen="5", **{"default-reminder_days": "on"})
    page = text_of(answer)
    assert answer.status_code == 400
    assert TWO_WISHES in page
    assert 'name="reminder_days" value="9"' in page
    assert 'name="default-reminder_days" checked' in page
    assert REMINDER_DAYS.value() == [5]


def test_a_stale_box_for_the_default_can_be_sent_again(boss: Client) -> None:
    post(boss, MAIL, "reminder_days", "5", seen=DAYS)
    box = {"default-reminder_days": "on"}
    answer = post(boss, MAIL, "reminder_days", "7", seen="7", **box)
    assert answer.status_code == 409
    assert 'name="reminder_days" value="5"' in text_of(answer)
    assert post(boss, MAIL, "reminder_days", "5", seen="5", **box).status_code == 303
    assert not InstallationChoice.objects.exists()


def test_the_address_of_a_refused_save_leads_to_its_group_when_it_is_opened(boss: Client) -> None:
    answer = boss.get(MAIL)
    assert (answer.status_code, answer["Location"]) == (303, "/settings/#mail")
    assert boss.get("/settings/choices/nothing/").status_code == 404


def test_addresses_of_the_environment_with_blanks_can_be_changed(boss: Client, settings: Settings) -> None:
    settings.REMINDER_RECIPIENTS = [" ops@example.test ", " ", "b@example.test"]
    settings.DIGEST_RECIPIENTS = ["  ", "c@example.test "]
    sent = {"reminder_recipients": "", "seen-reminder_recipients": "ops@example.test\r\nb@example.test"}
    sent |= {"digest_recipients": "d@example.test", "seen-digest_recipients": "c@example.test"}
    assert boss.post(MAIL, sent).status_code == 303
    assert (REMINDER_RECIPIENTS.value(), DIGEST_RECIPIENTS.value()) == ([], ["d@example.test"])


def test_the_digest_follows_the_reminders_and_says_so_also_in_entries(boss: Client) -> None:
    post(boss, MAIL, "reminder_recipients", "a@example.test", seen="")
    page = said(boss.get(PAGE))
    assert "The same as: Who gets reminders" in page
    answer = post(boss, MAIL, "digest_recipients", "d@example.test", seen="")
    assert answer.status_code == 409
    assert "It changed after your page was loaded. It is a@example.test; you entered d@" in text_of(answer)
    post(boss, MAIL, "digest_recipients", "d@example.test", seen="a@example.test")
    both = {"reminder_recipients": "b@example.test", "seen-reminder_recipients": "a@example.test"}
    both |= {"digest_recipients": "d@example.test", "seen-digest_recipients": "d@example.test"}
    assert boss.post(MAIL, both | {"default-digest_recipients": "on"}).status_code == 303
    (entry,) = entries("setting.back_to_default")
    assert (entry["data"]["before"], entry["data"]["after"]) == (["d@example.test"], ["b@example.test"])


def test_a_save_judges_by_what_is_stored_and_not_by_what_its_turn_has_read(admin: Person) -> None:
    typed = TypedSetting(preference=DIGEST_RECIPIENTS, text="d@example.test", seen="a@example.test")
    with one_turn():
        assert DIGEST_RECIPIENTS.value() == []
        stored("reminder_recipients", ["a@example.test"])  # by another process
        assert choose([typed], actor=admin) == [DIGEST_RECIPIENTS]
    (entry,) = entries("setting.changed")
    assert entry["data"]["before"] == ["a@example.test"]


def stored(key: str, value: object) -> None:
    InstallationChoice.objects.update_or_create(
        key=key, defaults={"value": value, "by_name": "Dana", "at": timezone.now()}
    )


ODD: list[object] = ["soon", False, [], {}, -5, 10**15, 2.5, True, ["x"], [[1]], {"a": 1}, " CHG"]


def test_a_stored_value_that_is_none_of_its_setting_counts_for_nothing_and_is_told(boss: Client) -> None:
    starts = {key: each.start() for key, each in PREFERENCES.items()}
    for odd in ODD:
        for key in PREFERENCES:
            stored(key, odd)
        for key, each in PREFERENCES.items():
            held = each.value()
            assert held == starts[key] or each.kind.fits(held), (key, odd)
    for key in PREFERENCES:
        stored(key, {"a": 1})
    assert {key: each.value() for key, each in PREFERENCES.items()} == starts
    answer = boss.get(PAGE)
    day = f"{timezone.localdate():%-d %b %Y}"
    assert said(answer).count(f"what Dana set on {day} is no value of this setting any more") == len(PREFERENCES)
    assert post(boss, MAIL, "reminder_days", "5", seen=DAYS).status_code == 303
    assert REMINDER_DAYS.value() == [5]


def test_it_says_what_comes_from_the_environment(boss: Client, settings: Settings) -> None:
    settings.REMINDER_DAYS, settings.IN_ENVIRONMENT = [9], frozenset({"REMINDER_DAYS"})
    page = text_of(boss.get(PAGE))
    assert "From the environment: REMINDER_DAYS" in page
    assert 'name="reminder_days" value="9"' in page


def test_a_limit_that_the_operator_lowers_later_is_told(boss: Client, settings: Settings) -> None:
    post(boss, SIGN_IN, "session_idle", "20", seen="30")
    settings.SESSION_IDLE = 600
    page = text_of(boss.get(PAGE))
    assert "the operator allows less by now, so it is 10 minutes: SESSION_IDLE" in page
    assert 'name="session_idle" value="20"' in page
    post(boss, SIGN_IN, "session_idle", "10", seen="20")
    settings.SESSION_IDLE = 1800
    assert SESSION_IDLE.value() == 600, "what the choice was cut to can be chosen"
    said_last = entries("setting.changed")[-1]
    assert said_last["data"] == {"setting": "session_idle", "before": 600, "after": 600}
    assert "(20 minutes was chosen, and the operator allows less)" in said_last["sentence"]


def test_saving_asks_for_a_recent_sign_in_and_the_form_waits(boss: Client, settings: Settings) -> None:
    shift(boss, began_at=settings.FRESH_SIGN_IN + 1)
    answer = post(boss, MAIL, "reminder_days", "5", seen=DAYS)
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not InstallationChoice.objects.exists()


def test_what_waits_for_the_sign_in_is_shown_in_words() -> None:
    sent = [
        ("session_idle", "20"),
        ("seen-session_idle", "30"),
        ("new_four_eyes", "true"),
        ("default-digest_hour", "on"),
    ]
    assert ACT.title({}, {"group": "sign-in"}) == "Change settings: Sign-in"
    assert list(ACT.lines(sent, {"group": "sign-in"})) == [
        ("Send daily e-mails after: back to default", "Yes"),
        ("New connectors require a second approver", "Yes"),
        ("Sign out after this long without activity, in minutes", "20"),
    ]


def test_an_unknown_group_is_not_there(boss: Client) -> None:
    assert boss.post("/settings/choices/nothing/").status_code == 404


def test_both_acts_have_words_and_only_reviewers_and_admins_read_them() -> None:
    assert words_of("setting.changed") == "Setting changed"
    assert words_of("setting.back_to_default") == "Setting back to default"
    assert {"setting.changed", "setting.back_to_default"} <= OF_THE_REST.keys()


def test_every_setting_shows_its_value_and_what_it_is_counted_in(boss: Client) -> None:
    page = text_of(boss.get(PAGE))
    for key, each in PREFERENCES.items():
        assert f'name="seen-{key}"' in page
        assert each.kind.read(each.kind.text(each.value())) == each.value(), key
        assert not each.kind.unit or f"in {each.kind.unit}" in page
