"""Asking for the approval of a plan, and hearing what became of it, at the HTTP edge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import ChainHead
from alignadmin.due_work import run_due
from alignadmin.mail.models import OutgoingMail
from alignadmin.notifications.models import Notification
from connectors.models import Connector, Status
from mappings import planning
from mappings.applying.journal import Journal
from mappings.models import ApprovalAsk, Change, ChangeState, Plan, PlanState, Scope
from mappings.planning import approval_asks, refresh
from tests.support import factories, mapping_helpers
from tests.support.mapping_helpers import edit
from tests.support.people_helpers import at_once, entries, said

pytestmark = pytest.mark.django_db
IN_REVIEW, QA = 10013, 10015


@pytest.fixture
def acme(bare_connector: Connector, settings: Settings) -> Connector:
    """Two statuses to map and a mail server; four eyes are asked for."""
    settings.EMAIL_URL = "smtp://mail.example.test"
    settings.PUBLIC_ADDRESS = "https://align.example.test/"
    for number, name in ((IN_REVIEW, "In Review"), (QA, "QA")):
        Status.objects.create(connector=bare_connector, jira_id=number, name=name, category="doing")
    Scope.objects.create(connector=bare_connector, family="j2a-state", observed_at=timezone.now(), rows=100)
    bare_connector.four_eyes = True
    bare_connector.save()
    return bare_connector


@pytest.fixture
def dana(acme: Connector) -> Person:
    return factories.person(Role.EDITOR, email="dana@example.test", name="Dana Editor")


@pytest.fixture
def sam(acme: Connector) -> Person:
    return factories.person(Role.ADMIN, email="sam@example.test", name="Sam Second")


@pytest.fixture
def plan(acme: Connector, admin: Person, dana: Person, sam: Person) -> Plan:
    """Planned by Dana; the admin of the fixture edited one of its rows, so that only Sam may approve it."""
    edit(acme, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(acme, "j2a-state", QA, 4, actor=dana)
    return mapping_helpers.make_plan(acme, actor=dana)


def browser(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def ask(client: Client, plan: Plan, people: Iterable[Person], note: str = "") -> Any:
    form = {"admin": [person.pk for person in people], "note": note}
    return client.post(f"/plans/{plan.pk}/ask/", form)


def told(person: Person, kind: str = "") -> list[str]:
    """The titles of what a person was told, the oldest first."""
    rows = Notification.objects.filter(person=person, **({"kind": kind} if kind else {})).order_by("id")
    return [row.title for row in rows]


def test_the_chosen_admin_is_told_in_the_product_and_by_one_e_mail_and_the_author_hears_the_outcome(
    plan: Plan, admin: Person, dana: Person, sam: Person
) -> None:
    page = said(browser(dana).get(f"/plans/{plan.pk}/"))
    assert "Ask for approval" in page
    assert "Sam Second" in page
    assert admin.name not in page.split("Ask for approval")[1].split("Note")[0]  # an author of an edit
    assert "@example.test" not in page.split("Ask for approval")[1]

    assert ask(browser(dana), plan, [sam], "Needed\nbefore Friday").status_code == 303
    (entry,) = entries("plan.asked")
    assert entry["sentence"] == f"Asked Sam Second to approve plan {plan.pk}: Needed\nbefore Friday"
    assert told(sam) == [f"Dana Editor asks you to approve plan {plan.pk} of Acme"]
    assert told(admin) == told(dana) == []
    run_due()
    (message,) = mail.outbox
    assert message.to == ["sam@example.test"]
    assert message.subject == f"Dana Editor asks you to approve plan {plan.pk} of Acme"
    for part in ("2 changes, planned by Dana Editor", "Needed", f"https://align.example.test/plans/{plan.pk}/"):
        assert part in message.body
    assert "https://align.example.test/accounts/notifications/" in message.body
    assert "Dana Editor asked Sam Second (you) to approve this" in said(browser(sam).get(f"/plans/{plan.pk}/"))

    overview = said(browser(sam).get("/"))
    assert overview.count(f"Dana Editor asks you to approve plan {plan.pk}") == 1
    assert f"Plan {plan.pk}: to approve" not in overview
    assert f"Plan {plan.pk}: to approve" in said(browser(admin).get("/"))
    assert "Notifications: 1 unread" in overview

    approved = browser(sam).post(f"/plans/{plan.pk}/approve/", {"fingerprint": plan.fingerprint, "warnings": "on"})
    assert approved.status_code == 303
    assert not ApprovalAsk.objects.filter(ended_at=None).exists()
    assert Notification.objects.get(person=sam).read_at is not None
    assert told(dana) == told(admin) == [f"Sam Second approved plan {plan.pk} of Acme"]
    assert told(sam, "plan-outcome") == []
    run_due()
    assert sorted(each.to[0] for each in mail.outbox[1:]) == sorted([admin.email, "dana@example.test"])
    assert "asked" not in said(browser(dana).get(f"/plans/{plan.pk}/")).split("Apply", 1)[1].split("Changes")[0]


def test_an_ask_that_nobody_may_make_or_answer_is_refused_with_a_sentence_and_asks_nobody(
    plan: Plan, acme: Connector, admin: Person, dana: Person, sam: Person
) -> None:
    gone = factories.person(Role.ADMIN, email="gone@example.test")
    gone.is_active = False
    gone.save()
    invited = Person.objects.create_user("invited@example.test", None, name="Ina Invited", role=Role.ADMIN)
    assert "Ina Invited" not in said(browser(dana).get(f"/plans/{plan.pk}/"))
    cannot = "Somebody whom you chose cannot approve this plan now."
    for chosen, sentence in (
        ([], "Choose at least one admin to ask."),
        ([admin], cannot),
        ([dana], cannot),
        ([gone], cannot),
        ([invited], cannot),
        ([sam, gone], cannot),
    ):
        answer = ask(browser(dana), plan, chosen)
        assert (answer.status_code, sentence in said(answer)) == (409, True), sentence
    assert "A note has at most 1,000 characters" in said(ask(browser(dana), plan, [sam], "x" * 1001))
    assert "You can approve this plan yourself" in said(ask(browser(sam), plan, [sam]))
    viewer = factories.person(Role.VIEWER, email="reader@example.test")
    assert ask(browser(viewer), plan, [sam]).status_code == 403
    assert "Ask for approval" not in said(browser(viewer).get(f"/plans/{plan.pk}/"))
    assert not ApprovalAsk.objects.exists()

    assert ask(browser(dana), plan, [sam]).status_code == 303
    again = said(ask(browser(admin), plan, [sam]))
    assert "Dana Editor asked Sam Second at" in again
    assert "Nobody was asked now: ask again after" in again
    assert ApprovalAsk.objects.count() == Notification.objects.count() == 1
    ApprovalAsk.objects.update(asked_at=timezone.now() - approval_asks.PAUSE)
    assert ask(browser(admin), plan, [sam]).status_code == 303
    first, second = ApprovalAsk.objects.order_by("pk")
    assert (first.ended_at is None, second.ended_at is None) == (False, True)  # the new one took its place
    assert Notification.objects.filter(read_at=None).count() == 1
    # Without a second person an author of an edit may approve; the editor may still not.
    acme.four_eyes = False
    acme.save()
    assert ask(browser(dana), plan, [admin]).status_code == 303
    planning.control(plan, "cancel", actor=sam)
    assert "is cancelled by now and needs no approval" in said(ask(browser(dana), plan, [sam]))


@pytest.mark.parametrize(
    ("states", "title"),
    [
        (["done", "done"], "Plan {} of Acme was applied: 2 done"),
        (["done", "failed"], "Plan {} of Acme was partly applied: 1 done, 1 failed"),
        (["stale", "failed"], "Plan {} of Acme failed, nothing was changed in Align: 1 failed, 1 stale"),
        (
            ["done", "unknown"],
            "Plan {} of Acme ended; of 1 change it is not known whether Align took it: 1 done, 1 unknown",
        ),
        (
            ["unknown", "unknown"],
            "Plan {} of Acme ended; of 2 changes it is not known whether Align took them: 2 unknown",
        ),
        (["done", "cancelled"], "Sam Second cancelled the rest of plan {} of Acme: 1 done, 1 cancelled"),
    ],
)
def test_the_end_of_an_apply_is_told_by_its_outcome_and_never_to_who_did_it(
    plan: Plan, admin: Person, dana: Person, sam: Person, states: list[str], title: str
) -> None:
    applier = sam if "cancelled" not in states else admin
    Plan.objects.filter(pk=plan.pk).update(state=PlanState.APPLYING, applier=applier, started_at=timezone.now())
    if "cancelled" in states:
        planning.control(plan, "cancel", actor=sam)
    for position, state in enumerate(states):
        Change.objects.filter(plan=plan, position=plan.changes.order_by("position")[position].position).update(
            state=ChangeState(state)
        )
    stored = Plan.objects.select_related("connector", "author", "applier").get(pk=plan.pk)
    Journal(run=Held(), plan=stored).finish()  # type: ignore[arg-type]
    Journal(run=Held(), plan=stored).finish()  # type: ignore[arg-type]  # a second end finds nothing to end
    assert told(dana) == [title.format(plan.pk)]
    assert told(admin) == [title.format(plan.pk)]
    assert told(sam) == []
    details = Notification.objects.get(person=dana).details
    assert ("done is not confirmed by reading back" in details) is (states.count("done") == 1)


class Held:
    """A run whose lease nobody took."""

    def assert_lease(self) -> None: ...


def test_a_cancelled_a_replaced_and_a_stopped_plan_are_told_to_everybody_but_who_did_it(
    plan: Plan, acme: Connector, admin: Person, dana: Person, sam: Person
) -> None:
    ask(browser(dana), plan, [sam])
    made = refresh.replace(plan, {}, actor=admin)
    assert made is not None
    assert told(dana) == [
        f"{admin.name} refreshed plan {plan.pk} of Acme, whose rows had moved: plan {made.pk} replaces it"
    ]
    assert Notification.objects.get(person=dana).address == f"/plans/{made.pk}/"
    assert told(admin) == []
    assert not ApprovalAsk.objects.filter(ended_at=None).exists()
    Plan.objects.filter(pk=made.pk).update(state=PlanState.APPLYING, applier=admin, started_at=timezone.now())
    other = factories.person(Role.ADMIN, email="other@example.test")
    Plan.objects.filter(pk=made.pk).update(applier=other)
    stored = Plan.objects.select_related("connector", "author", "applier").get(pk=made.pk)
    Journal(run=Held(), plan=stored).pause_after_failure("Align refused the token.")  # type: ignore[arg-type]
    stopped = f"The apply of plan {made.pk} of Acme stopped: 2 of 2 changes are left"
    assert told(admin) == [stopped]
    assert told(other) == [stopped]  # by itself, so that whoever applies it hears of it, too
    browser(sam).post(f"/plans/{made.pk}/cancel/")
    assert told(dana)[1:] == [stopped, f"Sam Second cancelled plan {made.pk} of Acme"]
    assert told(sam, "plan-outcome") == []


def test_asks_made_while_an_approval_did_not_count_end_with_the_start_and_are_no_task_when_it_counts_again(
    plan: Plan, admin: Person, dana: Person, sam: Person
) -> None:
    planning.approve(plan, plan.fingerprint, ticked=True, actor=sam)
    other = factories.person(Role.ADMIN, email="other@example.test", name="Otto Other")
    Person.objects.filter(pk=sam.pk).update(role=Role.EDITOR)
    assert ask(browser(dana), plan, [other]).status_code == 303
    line = f"Dana Editor asks you to approve plan {plan.pk}"
    assert line in said(browser(other).get("/"))
    Person.objects.filter(pk=sam.pk).update(role=Role.ADMIN)
    assert line not in said(browser(other).get("/"))
    planning.start_apply(plan, typed=planning.confirmation(plan).word, actor=sam)
    assert not ApprovalAsk.objects.filter(ended_at=None).exists()
    assert Notification.objects.get(person=other).read_at is not None


def test_an_e_mail_that_waits_is_not_sent_once_the_plan_is_decided(plan: Plan, dana: Person, sam: Person) -> None:
    ask(browser(dana), plan, [sam])
    with CaptureQueriesContext(connection) as queries:
        planning.control(plan, "cancel", actor=sam)
    run_due()
    assert [each.to for each in mail.outbox if each.to == ["sam@example.test"]] == []
    assert "nothing left to do" in OutgoingMail.objects.get(kind="notification", about__contains="ask").error
    # Whoever holds the head of the history may want these rows next: all take it first.
    said_to = [each["sql"] for each in queries]
    head = next(n for n, sql in enumerate(said_to) if ChainHead._meta.db_table in sql)
    rows = next(n for n, sql in enumerate(said_to) if sql.startswith(f'UPDATE "{Notification._meta.db_table}"'))
    assert head < rows


def test_an_old_plan_shows_who_was_asked_and_nobody_else_can_be_asked_before_its_refresh(
    plan: Plan, dana: Person, sam: Person, settings: Settings
) -> None:
    ask(browser(dana), plan, [sam], "Before Friday")
    settings.PLAN_MAX_AGE = 0.0
    page = said(browser(dana).get(f"/plans/{plan.pk}/"))
    assert "Dana Editor asked Sam Second to approve this" in page
    assert "Note optional" not in page
    ApprovalAsk.objects.update(asked_at=timezone.now() - approval_asks.PAUSE)
    answer = ask(browser(dana), plan, [sam])
    assert (answer.status_code, "Refresh it, then ask." in said(answer)) == (409, True)
    assert ApprovalAsk.objects.get().ended_at is None
    Connector.objects.update(align_connector_id=99, former_numbers=[[7, timezone.now().isoformat()]])
    answer = ask(browser(dana), plan, [sam])
    assert (answer.status_code, "made anew in Jira Align as 99" in said(answer)) == (409, True)


def test_an_apply_ends_also_where_its_people_cannot_be_told(
    plan: Plan, dana: Person, sam: Person, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    Plan.objects.filter(pk=plan.pk).update(state=PlanState.APPLYING, applier=sam, started_at=timezone.now())
    plan.changes.update(state=ChangeState.DONE, confirmed=True)
    settings.PUBLIC_ADDRESS = None  # of which no link is made
    stored = Plan.objects.select_related("connector", "author", "applier").get(pk=plan.pk)
    Journal(run=Held(), plan=stored).finish()  # type: ignore[arg-type]
    plan.refresh_from_db()
    assert plan.state == PlanState.FINISHED
    assert len(entries("plan.finished")) == 1
    assert told(dana) == []
    assert f"Nobody was told of the end of plan {plan.pk}" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_two_asks_at_once_are_one_ask_one_notification_and_one_e_mail(
    plan: Plan, admin: Person, dana: Person, sam: Person
) -> None:
    refusals = at_once(
        [lambda who=who: approval_asks.ask(plan, [sam.pk], note="", actor=who) for who in (dana, admin)]  # type: ignore[misc]
    )
    assert len(refusals) == 1
    assert "Nobody was asked now" in refusals[0]
    counts = ApprovalAsk.objects.count(), Notification.objects.count(), OutgoingMail.objects.count()
    assert counts == (1, 1, 1)
