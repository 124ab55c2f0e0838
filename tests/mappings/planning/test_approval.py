"""The rules of a connector's plans at the HTTP edge: who approves, the emergency, tickets, what is typed to confirm."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from alignadmin.due_work import run_due
from alignadmin.errors import Refused
from alignadmin.mail.models import OutgoingMail
from connectors.models import Connector, HistoryRow, Job, Status
from mappings import planning
from mappings.models import Plan, PlanState, Scope
from tests.conftest import SignIn
from tests.support import factories, mapping_helpers
from tests.support.mapping_helpers import edit
from tests.support.people_helpers import entries, said

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)  # for threads and jobs, which have connections of their own
IN_REVIEW, QA = 10013, 10015
NEW, RULES, PAGE = "/connectors/acme/plan/", "/connectors/acme/rules/", "/connectors/acme/settings/"
USUAL = {"ticket_pattern": "", "typed_above": "25", "typed_share": "10", "observe_every": "15"}


@pytest.fixture
def acme(bare_connector: Connector) -> Connector:
    """Enough to plan with, and nothing read: one list of mappings, as if it had been seen a moment ago."""
    for number, name in ((IN_REVIEW, "In Review"), (QA, "QA")):
        Status.objects.create(connector=bare_connector, jira_id=number, name=name, category="doing")
    Scope.objects.create(connector=bare_connector, family="j2a-state", observed_at=timezone.now(), rows=100)
    return bare_connector


@pytest.fixture
def author(acme: Connector, admin: Person, signed_in: SignIn) -> Client:
    """The admin who makes the plan, in a browser."""
    return signed_in(Role.ADMIN)


@pytest.fixture
def second(acme: Connector) -> Person:
    return factories.person(Role.ADMIN, email="second@example.test", name="Sam Second")


@pytest.fixture
def other(second: Person) -> Client:
    """Another admin's browser."""
    return browser_of(second)


@pytest.fixture
def plan(acme: Connector, admin: Person) -> Plan:
    edit(acme, "j2a-state", IN_REVIEW, 3, actor=admin)
    return mapping_helpers.make_plan(acme, actor=admin)


@pytest.fixture
def four_eyes(acme: Connector) -> None:
    change(four_eyes=True)


@pytest.fixture
def mail_server(settings: Settings) -> None:
    """E-mails arrive in `mail.outbox`."""
    settings.EMAIL_URL = "smtp://mail.example.test"
    settings.PUBLIC_ADDRESS = "https://align.example.test/"


def browser_of(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def change(**values: object) -> None:
    Connector.objects.update(**values)


def approve(client: Client, plan: Plan, **data: str) -> Any:
    return client.post(f"/plans/{plan.pk}/approve/", {"fingerprint": plan.fingerprint, "warnings": "on", **data})


def emergency(client: Client, plan: Plan, reason: str = "Align shows all Stories as done", **data: str) -> Any:
    form = {"fingerprint": plan.fingerprint, "warnings": "on", "emergency": reason, **data}
    return client.post(f"/plans/{plan.pk}/emergency/", form)


def apply(client: Client, plan: Plan, **data: str) -> Any:
    return client.post(f"/plans/{plan.pk}/apply/", data)


def state(plan: Plan) -> str:
    return Plan.objects.get(pk=plan.pk).state


def seen(client: Client) -> str:
    """The stamp in the form of the rules, as it is drawn now."""
    found = re.search(r'name="seen" value="(\w+)"', client.get(RULES).content.decode())
    assert found
    return found.group(1)


def save(client: Client, stamp: str, **data: str) -> Any:
    return client.post(RULES, {**USUAL, "seen": stamp, **data})


# --- the page of the rules ---------------------------------------------------------------------------------------


def test_an_admin_sets_the_rules_and_everybody_reads_them(author: Client, signed_in: SignIn) -> None:
    answer = save(
        author, seen(author), four_eyes="on", ticket_pattern=r"CHG-\d{4,8}", typed_above="7", observe_every="0"
    )
    assert answer.status_code == 303
    stored = Connector.objects.get()
    assert (stored.four_eyes, stored.ticket_pattern, stored.typed_above) == (True, r"CHG-\d{4,8}", 7)
    assert (stored.typed_share, stored.observe_every) == (10, 0)
    (entry,) = entries("rules.changed")
    assert (entry["data"]["before"]["four_eyes"], entry["data"]["after"]["four_eyes"]) == (False, True)
    assert (entry["data"]["before"]["observe_every"], entry["data"]["after"]["observe_every"]) == (900, 0)
    assert entry["sentence"] == (
        "Changed the rules of plans: a second person approves from no to yes; ticket format from any to "
        r"CHG-\d{4,8}; confirmed by typing above from 25 changes to 7 changes; lists are read from every 15 min to "
        "manually only."
    )
    shown = said(signed_in(Role.VIEWER).get(PAGE))
    assert "an admin who neither planned nor edited it" in shown
    assert "more than 7 changes" in shown
    assert RULES not in signed_in(Role.VIEWER).get(PAGE).content.decode()


def test_rules_that_another_admin_changed_meanwhile_are_not_overwritten(author: Client, other: Client) -> None:
    stamp = seen(author)
    save(other, seen(other), typed_above="40")
    late = save(author, stamp, typed_above="5")
    assert late.status_code == 409
    assert "Sam Second changed these rules at" in said(late)
    assert Connector.objects.get().typed_above == 40
    assert 'value="40"' in late.content.decode(), "the page shows theirs"
    assert save(author, seen(author), typed_above="5").status_code == 303
    assert Connector.objects.get().typed_above == 5


def test_the_same_rules_sent_twice_are_stored_once(author: Client) -> None:
    stamp = seen(author)
    assert [save(author, stamp, typed_above="5").status_code for _ in range(2)] == [303, 303]
    assert len(entries("rules.changed")) == 1


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("typed_above", "-1"),
        ("typed_above", "9" * 30),
        ("typed_above", ""),
        ("typed_share", "101"),
        ("typed_share", "ten"),
        ("observe_every", "1.5"),
        ("observe_every", "10081"),
        ("ticket_pattern", "CHG-\x00"),
        ("ticket_pattern", "C" * 201),
        ("ticket_pattern", "CHG-["),
        ("ticket_pattern", r"(CHG-\d+)\1"),
        ("ticket_pattern", r"CHG-\pL{200}"),
        ("ticket_pattern", "CHG-\x1f#"),
    ],
)
def test_it_refuses_odd_rules_at_their_field_and_keeps_what_was_typed(author: Client, field: str, typed: str) -> None:
    stamp = seen(author)
    answer = save(author, stamp, **{"typed_above": "33", field: typed})
    assert answer.status_code == 400
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert field == "typed_above" or 'value="33"' in answer.content.decode()
    assert not entries("rules.changed")
    assert save(author, stamp, typed_above="33").status_code == 303


def test_the_only_admin_is_told_what_the_switch_means_for_them(author: Client) -> None:
    assert "You are the only active admin" in said(author.get(RULES))
    factories.person(Role.ADMIN, email="second@example.test")
    assert "You are the only active admin" not in said(author.get(RULES))


@committing
def test_switching_the_second_person_off_is_told_to_the_other_admins(
    author: Client, second: Person, four_eyes: None, mail_server: None
) -> None:
    save(author, seen(author), four_eyes="on", typed_above="3")
    run_due()
    assert not mail.outbox
    save(author, seen(author), typed_above="3")
    run_due()
    (told,) = mail.outbox
    assert told.to == [second.email]
    assert told.subject == "Admin switched off the second person for plans of Acme"
    assert entries("rules.told")[0]["data"]["told"] == [second.email]


# --- tickets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ticket", "trouble"),
    [
        ("CHG-2291", ""),
        ("", ""),
        ("  CHG-2291\x00 ", ""),
        ("CHG-12", "does not fit the ticket format of this connector"),
        ("see CHG-2291", "does not fit the ticket format of this connector"),
        ("CHG-2291\nCHG-2292", "does not fit the ticket format of this connector"),
        ("CHG-" + "1" * 97, "at most 100 characters"),
    ],
)
def test_a_ticket_is_optional_and_fits_the_pattern_as_a_whole(
    author: Client, acme: Connector, admin: Person, ticket: str, trouble: str
) -> None:
    change(ticket_pattern=r"CHG-\d{4,}")
    row = edit(acme, "j2a-state", IN_REVIEW, 3, actor=admin)
    assert r"CHG-\d{4,}" in author.get(NEW).content.decode()
    answer = author.post(NEW, {"row": row.pk, "reason": "QA column added", "ticket": ticket})
    if trouble:
        assert answer.status_code == 409
        assert trouble in said(answer)
        assert not Plan.objects.exists()
    else:
        assert Plan.objects.get().ticket == ticket.strip(" \x00")


@pytest.mark.parametrize(("reason", "status"), [("a" * 2000, 303), ("a" * 2001, 409), (" \x00 ", 409), ("a\x00b", 303)])
def test_a_reason_is_given_and_not_endless(
    author: Client, acme: Connector, admin: Person, reason: str, status: int
) -> None:
    row = edit(acme, "j2a-state", IN_REVIEW, 3, actor=admin)
    assert author.post(NEW, {"row": row.pk, "reason": reason}).status_code == status


# --- a second person ---------------------------------------------------------------------------------------------


def test_another_admin_approves_and_then_the_author_applies(
    author: Client, other: Client, plan: Plan, four_eyes: None
) -> None:
    own = approve(author, plan)
    assert own.status_code == 409
    assert "another admin has to approve it" in said(own)
    assert f"/plans/{plan.pk}/approve/" not in author.get(f"/plans/{plan.pk}/").content.decode()
    assert approve(other, plan).status_code == 303
    assert Plan.objects.get().approver.name == "Sam Second"  # type: ignore[union-attr]
    assert apply(author, plan).status_code == 303
    assert state(plan) == PlanState.APPLYING


def test_whoever_edited_any_of_a_plan_is_not_its_second_person(
    author: Client, other: Client, acme: Connector, admin: Person, second: Person, four_eyes: None
) -> None:
    edit(acme, "j2a-state", IN_REVIEW, 3, actor=admin)
    edit(acme, "j2a-state", QA, 4, actor=second)
    plan = mapping_helpers.make_plan(acme, actor=admin)
    late = factories.person(Role.ADMIN, email="late@example.test", name="Too Late")
    edit(acme, "j2a-state", IN_REVIEW, 4, actor=late)
    html = other.get(f"/plans/{plan.pk}/").content.decode()
    assert "It holds edits of Admin, Sam Second (you)." in " ".join(re.sub("<[^>]*>", "", html).split())
    assert "some of these edits are yours: an admin with no part in it has to approve it" in html
    assert f"/plans/{plan.pk}/approve/" not in html
    assert "the plan is yours: an admin with no part in it" in said(author.get(f"/plans/{plan.pk}/"))
    refused = approve(other, plan)
    assert refused.status_code == 409
    assert "This plan holds edits of yours, and this connector asks for a second person" in said(refused)
    assert approve(browser_of(late), plan).status_code == 303, "the edit came after the plan"


def test_an_editors_approval_stops_counting_when_the_switch_is_turned_on(
    author: Client, other: Client, acme: Connector, admin: Person, second: Person
) -> None:
    edit(acme, "j2a-state", QA, 4, actor=second)
    plan = mapping_helpers.make_plan(acme, actor=admin)
    assert approve(other, plan).status_code == 303
    save(author, seen(author), four_eyes="on")
    for client in (author, other):
        refused = apply(client, plan)
        assert refused.status_code == 409
        assert "Sam Second approved a plan that holds edits of theirs before it did" in said(refused)
    assert approve(author, plan).status_code == 409
    third = factories.person(Role.ADMIN, email="third@example.test", name="Tia Third")
    assert approve(browser_of(third), plan).status_code == 303
    assert apply(other, plan).status_code == 303, "of an applier nothing is asked"


@committing
def test_in_an_emergency_an_editor_approves_alone_and_the_others_are_told_what_it_was(
    other: Client, acme: Connector, admin: Person, second: Person, four_eyes: None, mail_server: None
) -> None:
    edit(acme, "j2a-state", QA, 4, actor=second)
    plan = mapping_helpers.make_plan(acme, actor=admin)
    assert f"/plans/{plan.pk}/emergency/" in other.get(f"/plans/{plan.pk}/").content.decode()
    assert emergency(other, plan).status_code == 303
    run_due()
    (told,) = mail.outbox
    assert told.to == [admin.email]
    assert "Sam Second approved a plan that holds edits of theirs for Acme alone" in told.body
    assert apply(other, plan).status_code == 303


def test_an_own_approval_stops_counting_when_the_switch_is_turned_on(author: Client, other: Client, plan: Plan) -> None:
    assert approve(author, plan).status_code == 303
    save(author, seen(author), four_eyes="on")
    refused = apply(author, plan)
    assert refused.status_code == 409
    sentence = "This connector asks for a second person, and Admin approved a plan of their own before it did."
    assert sentence in said(refused)
    assert sentence in said(other.get(f"/plans/{plan.pk}/"))
    assert approve(author, plan).status_code == 409
    assert approve(other, plan).status_code == 303
    assert apply(author, plan).status_code == 303


@pytest.mark.parametrize("lost", [{"is_active": False}, {"role": Role.EDITOR}])
def test_the_approval_of_somebody_who_is_no_admin_any_more_does_not_count(
    author: Client, other: Client, second: Person, plan: Plan, lost: dict[str, Any]
) -> None:
    approve(other, plan)
    Person.objects.filter(pk=second.pk).update(**lost)
    refused = apply(author, plan)
    assert refused.status_code == 409
    assert "Sam Second approved this plan and is no longer an admin" in said(refused)
    assert approve(author, plan).status_code == 303
    assert apply(author, plan).status_code == 303


@pytest.mark.parametrize("lost", [{"is_active": False}, {"role": Role.VIEWER}])
def test_a_plan_outlives_the_rights_of_its_author(
    author: Client, other: Client, admin: Person, plan: Plan, four_eyes: None, lost: dict[str, Any]
) -> None:
    Person.objects.filter(pk=admin.pk).update(**lost)
    assert approve(other, plan).status_code == 303
    assert apply(other, plan).status_code == 303


def test_a_role_that_is_lost_while_the_request_is_under_way_is_seen(admin: Person, second: Person, plan: Plan) -> None:
    """`second` is as the request knew them at its start."""
    Person.objects.filter(pk=second.pk).update(role=Role.EDITOR)
    with pytest.raises(Refused, match="no longer an admin"):
        planning.approve(plan, plan.fingerprint, ticked=True, actor=second)
    planning.approve(plan, plan.fingerprint, ticked=True, actor=admin)
    with pytest.raises(Refused, match="no longer an admin"):
        planning.start_apply(plan, actor=second)
    assert state(planning.start_apply(plan, actor=admin)) == PlanState.APPLYING


@pytest.mark.parametrize(
    ("moved", "sentence"),
    [
        ({"state": PlanState.REPLACED}, "This plan is replaced"),
        ({"state": PlanState.CANCELLED}, "This plan is cancelled"),
        ({"seen_at": timezone.now() - timedelta(hours=1)}, "Refresh it"),
        ({"fingerprint": "0" * 64}, "not the one on your page"),
    ],
)
def test_a_plan_that_moved_on_is_approved_by_nobody(
    author: Client, other: Client, plan: Plan, four_eyes: None, moved: dict[str, Any], sentence: str
) -> None:
    stored = {name: getattr(plan, name) for name in moved}
    Plan.objects.filter(pk=plan.pk).update(**moved)
    for answer in (approve(other, plan), emergency(author, plan)):
        assert answer.status_code == 409
        assert sentence in said(answer)
    Plan.objects.filter(pk=plan.pk).update(**stored)
    assert approve(other, plan).status_code == 303


# --- the emergency -----------------------------------------------------------------------------------------------


@committing
def test_in_an_emergency_the_author_approves_alone_and_loudly(
    author: Client, other: Client, second: Person, plan: Plan, four_eyes: None, mail_server: None
) -> None:
    factories.person(Role.ADMIN, email="gone@example.test", name="Gone")
    Person.objects.filter(email="gone@example.test").update(is_active=False)
    assert emergency(author, plan, "Align shows all\nStories as done").status_code == 303
    run_due()
    (told,) = mail.outbox
    assert told.to == [second.email]
    assert told.subject == f"Emergency approval by Admin: plan {plan.pk} of Acme"
    assert "Align shows all\nStories as done" in told.body
    assert f"https://align.example.test/plans/{plan.pk}/" in told.body
    (entry,) = entries("plan.emergency_approved")
    assert entry["data"]["emergency_reason"] == "Align shows all\nStories as done"
    assert entries("plan.emergency_told")[0]["data"]["told"] == [second.email]
    assert HistoryRow.objects.filter(action="plan.emergency_approved", plan=plan.pk).exists()
    assert apply(author, plan).status_code == 303


def test_an_emergency_stays_on_the_overview_until_another_admin_has_taken_note(
    author: Client, other: Client, signed_in: SignIn, plan: Plan, four_eyes: None
) -> None:
    emergency(author, plan)
    noting = f"/plans/{plan.pk}/noted/"
    for client, may_acknowledge in ((author, False), (other, True), (signed_in(Role.VIEWER), False)):
        html = client.get("/").content.decode()
        assert "Approved alone, in an emergency:" in html
        assert "Align shows all Stories as done" in html
        assert (noting in html) is may_acknowledge
    assert author.post(noting).status_code == 409
    assert other.post(noting).status_code == 303
    assert "Approved alone, in an emergency:" not in said(author.get("/"))
    assert "Sam Second acknowledged it" in said(author.get(f"/plans/{plan.pk}/"))
    third = browser_of(factories.person(Role.ADMIN, email="third@example.test"))
    again = third.post(noting)
    assert again.status_code == 409
    assert "Sam Second acknowledged it at" in said(again)
    assert len(entries("plan.emergency_noted")) == 1


def test_an_emergency_is_the_authors_and_has_a_reason(
    author: Client, other: Client, plan: Plan, four_eyes: None
) -> None:
    for client, reason, sentence in (
        (author, " \x00", "Say what the emergency is"),
        (author, "a" * 2001, "shorten it"),
        (other, "I know better", "You can approve this plan as usual"),
    ):
        answer = emergency(client, plan, reason)
        assert answer.status_code == 409
        assert sentence in said(answer)
    change(four_eyes=False)
    assert "You can approve this plan as usual" in said(emergency(author, plan))
    change(four_eyes=True)
    assert not entries("plan.emergency_told")
    assert emergency(author, plan).status_code == 303
    (entry,) = entries("plan.emergency_told")
    assert entry["data"]["troubles"] == ["second@example.test (no mail server is set)"]


Act = Callable[[Client, Plan], tuple[str, str]]


def approve_alone(client: Client, plan: Plan) -> tuple[str, str]:
    """How the sentence of the entry about its e-mails begins, and the entry's action."""
    assert emergency(client, plan).status_code == 303
    return f"Emergency approval of plan {plan.pk}: ", "plan.emergency_told"


def switch_off(client: Client, plan: Plan) -> tuple[str, str]:
    assert save(client, seen(client)).status_code == 303
    return "A second person is no longer asked for: ", "rules.told"


both = pytest.mark.parametrize("act", [approve_alone, switch_off])


@both
@committing
def test_each_e_mail_has_an_entry_that_says_whom_it_told(
    author: Client, second: Person, plan: Plan, four_eyes: None, mail_server: None, act: Act
) -> None:
    """One arrives, the other does not: neither entry speaks for both."""
    factories.person(Role.ADMIN, email="third@example.test", name="Tom Third")
    opening, action = act(author, plan)
    assert not entries(action), "nobody knows yet"
    OutgoingMail.objects.filter(recipients__0__address="third@example.test").update(expires_at=timezone.now())
    run_due()
    by_told = {str(entry["data"]["told"]): entry for entry in entries(action)}
    assert len(by_told) == len(entries(action)) == 2
    arrived, given_up = by_told["['second@example.test']"], by_told["[]"]
    assert (arrived["sentence"], arrived["data"]["troubles"]) == (f"{opening}told second@example.test.", [])
    assert given_up["sentence"] == f"{opening}not told: {given_up['data']['troubles'][0]}."
    assert given_up["data"]["troubles"][0].startswith("third@example.test (")
    assert [entry["actor"] for entry in entries(action)] == [None, None]


@both
def test_where_no_other_admin_is_active_the_entry_says_that_nobody_was_told(
    author: Client, plan: Plan, four_eyes: None, mail_server: None, act: Act
) -> None:
    Person.objects.filter(pk=factories.person(Role.ADMIN, email="gone@example.test").pk).update(is_active=False)
    opening, action = act(author, plan)
    (entry,) = entries(action)
    assert entry["sentence"] == f"{opening}nobody was told by e-mail."
    assert (entry["data"]["told"], entry["data"]["troubles"]) == ([], [])


@both
def test_without_a_mail_server_the_entry_says_that_nobody_was_told_and_who_should_have_been(
    author: Client, second: Person, plan: Plan, four_eyes: None, act: Act
) -> None:
    opening, action = act(author, plan)
    (entry,) = entries(action)
    trouble = "second@example.test (no mail server is set)"
    assert entry["sentence"] == f"{opening}nobody was told by e-mail; not told: {trouble}."
    assert (entry["data"]["told"], entry["data"]["troubles"]) == ([], [trouble])


def test_warnings_want_their_tick_in_an_emergency_too(author: Client, plan: Plan, four_eyes: None) -> None:
    Plan.objects.update(warnings=["Status QA is not mapped."])
    assert "Tick that you have read the warnings" in said(emergency(author, plan, warnings=""))
    assert emergency(author, plan).status_code == 303


@committing
def test_a_dead_mail_server_does_not_stop_it_and_is_tried_again(
    author: Client, other: Client, second: Person, plan: Plan, four_eyes: None, mail_server: None, settings: Settings
) -> None:
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = 1
    assert emergency(author, plan).status_code == 303
    run_due()
    waiting = OutgoingMail.objects.get(kind="emergency-approval")
    assert waiting.is_waiting
    assert "No admin could be told by e-mail" in said(other.get("/"))
    settings.EMAIL_BACKEND = working
    run_due()
    assert not mail.outbox, "not at every tick"
    OutgoingMail.objects.update(next_try_at=timezone.now())
    run_due()
    assert [told.to for told in mail.outbox] == [[second.email]]
    assert "No admin could be told by e-mail" not in said(other.get("/"))
    run_due()
    assert len(mail.outbox) == 1


# --- at once -----------------------------------------------------------------------------------------------------


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """The answers of acts that start together."""
    start, answers = threading.Barrier(len(acts)), dict[int, Any]()

    def run(number: int) -> None:
        start.wait(30)
        try:
            answers[number] = acts[number]()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return [answers[number] for number in range(len(acts))]


@committing
def test_of_two_admins_who_approve_at_once_one_does_and_the_other_is_told_who(
    author: Client, other: Client, plan: Plan
) -> None:
    answers = at_once(lambda: approve(author, plan), lambda: approve(other, plan))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    winner = Plan.objects.get().approver
    (late,) = [answer for answer in answers if answer.status_code == 409]
    assert f"Already approved by {winner} at" in said(late)
    assert len(entries("plan.approved")) == 1


@committing
def test_of_two_admins_who_apply_at_once_one_does(author: Client, other: Client, plan: Plan) -> None:
    approve(author, plan)
    answers = at_once(lambda: apply(author, plan), lambda: apply(other, plan))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert len(entries("plan.started")) == 1
    assert Job.objects.filter(kind="apply").count() == 1


@committing
def test_the_switch_comes_before_or_after_an_apply_and_never_between(author: Client, other: Client, plan: Plan) -> None:
    approve(author, plan)
    stamp = seen(other)
    applied, switched = at_once(lambda: apply(author, plan), lambda: save(other, stamp, four_eyes="on"))
    assert switched.status_code == 303
    order = list(Entry.objects.filter(action__in=["plan.started", "rules.changed"]).order_by("seq"))
    if applied.status_code == 303:
        assert [entry.action for entry in order] == ["plan.started", "rules.changed"]
    else:
        assert [entry.action for entry in order] == ["rules.changed"]
        assert state(plan) == PlanState.APPROVED


# --- before an apply ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "share", "rows", "why"),
    [
        (25, 10, 100, ""),
        (1, 100, 20, ""),
        (25, 5, 20, ""),
        (25, 4, 20, "changes 1 of 20 mappings of a list, more than 4 %"),
        (25, 4, 19, ""),
        (0, 10, 100, "every apply is confirmed"),
        (25, 0, 100, "every apply is confirmed"),
        (25, 0, 1, "every apply is confirmed"),
    ],
)
def test_what_is_typed_follows_the_connectors_limits(
    author: Client, plan: Plan, above: int, share: int, rows: int, why: str
) -> None:
    approve(author, plan)
    change(typed_above=above, typed_share=share)
    Scope.objects.update(rows=rows)
    html = said(author.get(f"/plans/{plan.pk}/"))
    assert ("to confirm" in html) is bool(why)
    if why:
        assert why in html
        refused = apply(author, plan, confirm="Acme")
        assert refused.status_code == 409
        assert why in said(refused)
    assert apply(author, plan, confirm=" acme ").status_code == 303


def test_above_the_number_of_changes_the_name_is_typed(author: Client, acme: Connector, admin: Person) -> None:
    change(typed_above=1, typed_share=100)
    for status in (IN_REVIEW, QA):
        edit(acme, "j2a-state", status, 3, actor=admin)
    plan = mapping_helpers.approved_plan(acme, actor=admin)
    assert "makes 2 changes, more than 1" in said(apply(author, plan))
    assert apply(author, plan, confirm="acme").status_code == 303


def test_the_page_tells_sizes_and_duration_before_the_apply(author: Client, plan: Plan) -> None:
    approve(author, plan)
    html = said(author.get(f"/plans/{plan.pk}/"))
    assert "1 to create" in html
    assert f"{plan.api_calls} API calls, less than 1 s expected" in html


def test_nothing_is_applied_while_the_connector_is_in_maintenance(author: Client, admin: Person, plan: Plan) -> None:
    approve(author, plan)
    change(maintenance_since=timezone.now(), maintenance_by=admin, maintenance_reason="Jira 11 upgrade")
    refused = apply(author, plan)
    assert refused.status_code == 409
    assert "Jira 11 upgrade" in said(refused)
    change(maintenance_since=None)
    assert apply(author, plan).status_code == 303


def test_a_second_apply_is_told_who_holds_the_connector_since_when(
    author: Client, other: Client, acme: Connector, admin: Person, plan: Plan
) -> None:
    edit(acme, "j2a-state", QA, 4, actor=admin)
    second_plan = mapping_helpers.approved_plan(acme, actor=admin)
    approve(author, plan)
    assert apply(other, plan).status_code == 303
    refused = apply(author, second_plan)
    assert refused.status_code == 409
    assert re.search(rf"Plan {plan.pk} of Sam Second has held this connector since [-\d]+ [:\d]+ UTC", said(refused))
    Plan.objects.filter(pk=plan.pk).update(state=PlanState.FINISHED)
    assert apply(author, second_plan).status_code == 303


# --- by command --------------------------------------------------------------------------------------------------


def test_the_commands_keep_the_same_rules(acme: Connector, admin: Person, second: Person) -> None:
    change(ticket_pattern=r"CHG-\d+", typed_above=0)
    edit(acme, "j2a-state", IN_REVIEW, 3, actor=admin)
    make_it = ["mappings", "plan", "acme", "--as", admin.email, "--reason", "x", "--ticket"]
    with pytest.raises(CommandError, match="does not fit the ticket format"):
        call_command(*make_it, "INC-1")
    with pytest.raises(SystemExit):
        call_command(*make_it, "CHG-1")
    plan = Plan.objects.get()
    planning.approve(plan, plan.fingerprint, ticked=True, actor=admin)
    change(four_eyes=True)
    apply_it = ["mappings", "apply", "--plan", str(plan.pk), "--as", admin.email, "--reason", "now"]
    with pytest.raises(CommandError, match="asks for a second person"):
        call_command(*apply_it)
    planning.approve(plan, plan.fingerprint, ticked=True, actor=second)
    with pytest.raises(CommandError, match='Type "acme" to confirm'):
        call_command(*apply_it)
    assert state(plan) == PlanState.APPROVED
