"""What people are told: once, as each chose, and nothing to who may not know of it any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.rights import Right
from alignadmin.audit.models import ChainHead
from alignadmin.due_work import run_due
from alignadmin.mail import sending
from alignadmin.mail.models import OutgoingMail
from alignadmin.notifications import digest, services
from alignadmin.notifications.choices import Choice, set_choices
from alignadmin.notifications.kinds import NotificationKind
from alignadmin.notifications.models import ByMail, Notification
from alignadmin.notifications.telling import News, tell
from connectors.credentials.preferences import REMINDER_RECIPIENTS
from mappings.drift.preferences import DIGEST_RECIPIENTS
from mappings.planning.approval_asks import ASKED
from mappings.planning.plan_outcomes import OUTCOME
from tests.conftest import SignIn
from tests.support import factories
from tests.support.people_helpers import at_once, entries, said

pytestmark = pytest.mark.django_db
PAGE = "/accounts/notifications/"


@pytest.fixture
def dana(settings: Settings) -> Person:
    """An admin, with a mail server."""
    settings.EMAIL_URL = "smtp://mail.example.test"
    settings.DIGEST_HOUR = 6
    return factories.person(Role.ADMIN, email="dana@example.test", name="Dana")


def browser(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def news(about: str = "plan 1", kind: NotificationKind = OUTCOME, title: str = "Sam approved plan 1 of Acme") -> News:
    return News(kind=kind, about=about, title=title, details="An admin can apply it now.", address="/plans/1/")


def choose(client: Client, *, shown: bool = True, by_mail: str = "now") -> Any:
    """The same for each kind of an admin's."""
    keys = [key.removeprefix("mail-") for key in client.get(PAGE).context["form"].fields if key.startswith("mail-")]
    form = {f"mail-{key}": by_mail for key in keys} | ({f"shown-{key}": "on" for key in keys} if shown else {})
    return client.post(PAGE, form)


def test_one_thing_is_told_once_and_read_by_opening_it_or_all_at_once(dana: Person) -> None:
    for about in ("plan 1", "plan 1", "plan 2", "plan 3"):
        tell(news(about), [dana, dana])
    assert (Notification.objects.count(), OutgoingMail.objects.count()) == (3, 3)
    page = browser(dana).get(PAGE)
    assert "Notifications: 3 unread" in said(page)
    assert said(page).count("Sam approved plan 1 of Acme") == 3
    row = Notification.objects.order_by("id")[0]
    opened = browser(dana).get(f"{PAGE}{row.pk}/")
    assert (opened.status_code, opened.headers["Location"]) == (303, "/plans/1/")
    assert "Notifications: 2 unread" in said(browser(dana).get(PAGE))
    tell(news("plan 4"), [dana])  # came after the page was drawn
    newest = page.context["newest"]
    browser(dana).post(f"{PAGE}read/", {"until": newest})
    assert "Notifications: 1 unread" in said(browser(dana).get(PAGE))
    assert browser(dana).post(f"{PAGE}read/").status_code == 409  # of which page?
    browser(dana).post(f"{PAGE}read/", {"until": browser(dana).get(PAGE).context["newest"]})
    assert "Notifications: none unread" in said(browser(dana).get(PAGE))
    other = factories.person(Role.ADMIN, email="other@example.test")
    assert browser(other).get(f"{PAGE}{row.pk}/").status_code == 404
    assert "Sam approved" not in said(browser(other).get(PAGE))


def test_each_kind_is_turned_off_or_told_once_a_day_by_choice_and_the_choice_is_an_entry(dana: Person) -> None:
    client = browser(dana)
    assert choose(client, by_mail="sometimes").status_code == 400
    assert choose(client, by_mail="digest").status_code == 303
    (entry,) = entries("person.notifications")
    assert "What became of a plan of yours: shown, by e-mail once a day, together" in entry["sentence"]
    assert choose(client, by_mail="digest").status_code == 303
    assert len(entries("person.notifications")) == 1  # nothing changed
    tell(news("plan 1", title="The first of them"), [dana])
    tell(news("plan 2", title="One that was read"), [dana])
    Notification.objects.filter(about="plan 2").update(read_at=timezone.now())
    at = datetime(2026, 11, 30, 5, 0, tzinfo=UTC)
    Notification.objects.update(made_at=at)
    assert digest.queue_digests(at + timedelta(minutes=59)) == 0
    assert digest.queue_digests(at + timedelta(minutes=60)) == 1
    assert digest.queue_digests(at + timedelta(days=1, hours=2)) == 0
    run_due()
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["dana@example.test"], "AlignAdmin: 1 notification")
    assert "The first of them" in message.body
    assert "One that was read" not in message.body
    assert "/plans/1/" in message.body
    assert PAGE in message.body

    assert choose(client, shown=False, by_mail="never").status_code == 303
    assert tell(news("plan 3"), [dana]) == []
    assert choose(client, shown=True, by_mail="never").status_code == 303
    assert tell(news("plan 3"), [dana]) == [dana]
    run_due()
    assert len(mail.outbox) == 1


def test_two_digests_on_the_day_of_a_later_hour_are_two_messages(dana: Person, settings: Settings) -> None:
    choose(browser(dana), by_mail="digest")
    at = datetime(2026, 11, 30, 5, 0, tzinfo=UTC)
    for hour in (6, 8):
        settings.DIGEST_HOUR = hour
        tell(news(f"plan {hour}"), [dana])
        Notification.objects.filter(about=f"plan {hour}").update(made_at=at.replace(hour=hour - 1))
        assert digest.queue_digests(at.replace(hour=hour)) == 1
    assert len(set(OutgoingMail.objects.values_list("message_id", flat=True))) == 2


def test_who_was_deactivated_or_lost_the_right_gets_no_mail_and_sees_no_row(dana: Person) -> None:
    assert ASKED.right is Right.APPROVE
    tell(news("ask", ASKED, "Sam asks you to approve plan 1"), [dana])
    dana.role = Role.VIEWER
    dana.save()
    run_due()  # the e-mail waited for the worker
    assert mail.outbox == []
    assert "turned this kind off, or may not read it now" in OutgoingMail.objects.get().error
    assert "Sam asks you" not in said(browser(dana).get(PAGE))
    row = Notification.objects.get()
    assert browser(dana).get(f"{PAGE}{row.pk}/").status_code == 404
    assert "You are asked to approve a plan" not in said(browser(dana).get(PAGE))
    assert tell(news("ask again", ASKED), [dana]) == []
    dana.is_active = False
    dana.save()
    assert tell(news("plan 9"), [dana]) == []
    Notification.objects.update(waits_for_digest=True, made_at=timezone.now() - timedelta(days=2))
    assert digest.queue_digests(timezone.now()) == 0
    assert not Notification.objects.filter(waits_for_digest=True).exists()


def test_a_digest_that_waits_leaves_out_a_kind_that_is_not_wanted_any_more_and_keeps_the_rest(dana: Person) -> None:
    client = browser(dana)
    choose(client, by_mail="digest")
    tell(news("plan 1", title="The one that is wanted"), [dana])
    tell(news("ask", ASKED, title="The one that is not"), [dana])
    Notification.objects.update(made_at=timezone.now() - timedelta(days=1, hours=1))
    assert digest.queue_digests(timezone.now()) == 1
    with CaptureQueriesContext(connection) as queries:
        set_choices(dana, {ASKED.key: Choice(is_shown=True, by_mail=ByMail.NEVER)}, actor=dana)
    sending.send_due()
    assert mail.outbox == []
    assert list(Notification.objects.filter(waits_for_digest=True).values_list("about", flat=True)) == ["plan 1"]
    run_due()
    run_due()
    (message,) = mail.outbox
    assert "The one that is wanted" in message.body
    assert "The one that is not" not in message.body
    # Other acts hold the head of the history when they touch these rows.
    sent = [each["sql"] for each in queries]
    rows = next(n for n, sql in enumerate(sent) if sql.startswith(f'UPDATE "{Notification._meta.db_table}"'))
    assert any(ChainHead._meta.db_table in sql for sql in sent[:rows])
    assert '"waits_for_digest"' in sent[rows].split("WHERE")[1]


def test_what_is_older_than_90_days_is_deleted_and_a_long_list_has_pages(dana: Person) -> None:
    now = timezone.now()
    Notification.objects.bulk_create(
        Notification(
            person=dana,
            kind=OUTCOME.key,
            about=f"plan {n}",
            text=f"<b>Plan</b> {n}\nmore",
            address="/plans/1/",
            made_at=now - timedelta(days=n),
        )
        for n in range(120)
    )
    page = browser(dana).get(PAGE)
    assert "1 to 50 of 90" in said(page)
    assert b"&lt;b&gt;Plan&lt;/b&gt; 89" in page.content
    last = browser(dana).get(f"{PAGE}?page=9")
    assert "51 to 90 of 90" in said(last)
    newest = Notification.objects.get(about="plan 89").pk
    assert last.context["newest"] == page.context["newest"] == newest
    assert services.remove_old() == 30
    assert services.remove_old() == 0
    assert Notification.objects.count() == 90


def test_the_page_says_what_goes_to_lists_of_addresses_and_a_viewer_chooses_of_their_kinds_alone(
    dana: Person, settings: Settings, signed_in: SignIn
) -> None:
    settings.EMAIL_URL, settings.DIGEST_RECIPIENTS = "", ["Dana@example.test", "group@example.test"]
    page = said(browser(dana).get(PAGE))
    assert "Drift, once a dayGoes to a list of addresses that is set for the whole installation" in page
    assert page.count(f"Settings, &quot;{DIGEST_RECIPIENTS.label}&quot;. Your address is on it.") == 2
    assert f"Settings, &quot;{REMINDER_RECIPIENTS.label}&quot;. Nobody is on it." in page
    assert "“Once a day” is at 06:00 UTC, with" in page
    assert "group@example.test" not in page
    viewer = said(signed_in(Role.VIEWER).get(PAGE))
    assert "What became of a plan of yours" in viewer
    assert "You are asked to approve a plan" not in viewer
    assert "A credential of yours ends" not in viewer
    assert "Emergency approvals" not in viewer


@pytest.mark.django_db(transaction=True)
def test_two_who_tell_one_thing_at_once_tell_it_once(dana: Person) -> None:
    Notification.objects.create(
        person=dana,
        kind=OUTCOME.key,
        about="other",
        text="t",
        address="/",
        made_at=timezone.now(),
        waits_for_digest=True,
    )
    later = timezone.now() + timedelta(days=2)
    assert at_once([lambda: tell(news(), [dana])] * 2) == []
    assert (Notification.objects.count(), OutgoingMail.objects.filter(kind="notification").count()) == (2, 1)
    assert at_once([lambda: digest.queue_digests(later)] * 2) == []
    assert OutgoingMail.objects.filter(kind="notification-digest").count() == 1
