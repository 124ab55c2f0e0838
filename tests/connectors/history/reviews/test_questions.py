"""Questions about rows of the history: whom a reviewer may ask, who answers, and where both are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from alignadmin.accounts.models import Person, Role
from alignadmin.due_work import run_due
from alignadmin.notifications.choices import Choice, set_choices
from alignadmin.notifications.models import ByMail, Notification
from connectors.history.reviews.weeks import Week
from connectors.models import Connector, HistoryRow, Question
from tests.conftest import People
from tests.support import factories
from tests.support.people_helpers import entries, said, unwritable_history
from tests.support.review_helpers import act, address, change, first_entry, outside, past_week, sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def align(people: People) -> Connector:
    first_entry(past_week(4).since + timedelta(hours=1), people[Role.ADMIN])
    return factories.connector("http://127.0.0.1:9", actor=people[Role.ADMIN])


@pytest.fixture
def week() -> Week:
    return past_week(2)


@pytest.fixture
def reviewer(align: Connector, signed_in: Callable[[Role], Client]) -> Client:
    return signed_in(Role.REVIEWER)


@pytest.fixture
def editor(align: Connector, signed_in: Callable[[Role], Client]) -> Client:
    return signed_in(Role.EDITOR)


@pytest.fixture
def row(align: Connector, week: Week, people: People) -> HistoryRow:
    """The editor's, approved by the admin."""
    entry = change(week, people[Role.EDITOR], align, approver=people[Role.ADMIN])
    return HistoryRow.objects.get(entry_seq=entry.seq)


def ask(client: Client, row: HistoryRow, to: Person | int, text: str = "Why so late?") -> Any:
    number = to.pk if isinstance(to, Person) else to
    return client.post(reverse("question-ask", args=[row.number]), {"to": str(number), "text": text})


def answer(client: Client, question: Question, text: str = "The freeze ended that day.") -> Any:
    return client.post(reverse("question", args=[question.pk]), {"text": text})


def choices(client: Client, row: HistoryRow) -> list[str]:
    page = client.get(reverse("history-row", args=[row.number])).content.decode()
    found = [each for each in Person.objects.order_by("pk") if f'value="{each.pk}"' in page]
    return [str(each) for each in found]


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_question_reaches_the_person_and_its_answer_the_reviewer(
    reviewer: Client, editor: Client, row: HistoryRow, week: Week, people: People
) -> None:
    assert ask(reviewer, row, people[Role.EDITOR]).status_code == 303
    question = Question.objects.get()
    (asked,) = entries("question.asked")
    assert asked["actor"]["name"] == "Reviewer"
    assert asked["sentence"] == "Asked Editor: Why so late?"
    assert asked["data"]["about_entry"] == row.entry_seq
    overview = said(editor.get("/"))
    assert "Questions to you" in overview
    assert "Why so late?" in overview
    assert "Overview1 needs attention" in overview
    assert answer(editor, question).status_code == 303
    (answered,) = entries("question.answered")
    assert answered["sentence"] == "Answered Reviewer: The freeze ended that day."
    assert "Questions to you" not in said(editor.get("/"))
    for place in (reverse("history-row", args=[row.number]), address(week), reverse("question", args=[question.pk])):
        text = said(reviewer.get(place))
        assert "Why so late?" in text, place
        assert "The freeze ended that day." in text, place


def test_the_person_and_the_approver_of_a_change_can_be_asked(
    reviewer: Client, row: HistoryRow, people: People
) -> None:
    assert set(choices(reviewer, row)) == {"Editor", "Admin"}
    assert ask(reviewer, row, people[Role.VIEWER]).status_code == 409
    assert not Question.objects.exists()
    assert ask(reviewer, row, people[Role.ADMIN]).status_code == 303


def test_any_active_editor_or_admin_can_be_asked_about_an_outside_change(
    reviewer: Client, align: Connector, week: Week, people: People
) -> None:
    (row,) = outside(week, align, people[Role.REVIEWER])
    gone = factories.person(Role.EDITOR, email="gone@example.test", name="Gus Gone")
    gone.is_active = False
    gone.save()
    assert set(choices(reviewer, row)) == {"Editor", "Admin"}
    for nobody in (gone, people[Role.VIEWER], people[Role.REVIEWER], 0, 2**62):
        assert ask(reviewer, row, nobody).status_code == 409
    assert ask(reviewer, row, people[Role.EDITOR]).status_code == 303
    assert Question.objects.get().line == row.line


def test_editors_are_asked_where_the_person_of_a_row_has_left(
    reviewer: Client, row: HistoryRow, people: People
) -> None:
    Person.objects.filter(role__in=[Role.EDITOR, Role.ADMIN]).update(is_active=False)
    assert "no one else to ask" in said(reviewer.get(reverse("history-row", args=[row.number])))
    other = factories.person(Role.EDITOR, email="other@example.test", name="Ola Other")
    assert choices(reviewer, row) == ["Ola Other"]
    assert "Ask Ola Other" in said(reviewer.get(reverse("history-row", args=[row.number])))
    assert ask(reviewer, row, other).status_code == 303


def test_a_question_stays_with_a_line_that_finds_its_cause_later(
    reviewer: Client, align: Connector, week: Week, people: People
) -> None:
    (row,) = outside(week, align, people[Role.REVIEWER])
    ask(reviewer, row, people[Role.EDITOR])
    ours = HistoryRow.objects.get(entry_seq=change(week, people[Role.EDITOR], align).seq)
    line = row.line
    row.delete()
    HistoryRow.objects.filter(pk=ours.pk).update(line=line)
    assert "Why so late?" in said(reviewer.get(reverse("history-row", args=[ours.number])))
    assert "Why so late?" in said(reviewer.get(address(week)))


@pytest.mark.parametrize("text", ["", "  \n\t", "x" * 4001])
def test_it_refuses_a_question_without_words_or_of_too_many(
    reviewer: Client, row: HistoryRow, people: People, text: str
) -> None:
    assert ask(reviewer, row, people[Role.EDITOR], text).status_code == 409
    assert not Question.objects.exists()
    assert ask(reviewer, row, people[Role.EDITOR], "x" * 4000).status_code == 303


def test_a_double_click_asks_once(reviewer: Client, editor: Client, row: HistoryRow, people: People) -> None:
    assert ask(reviewer, row, people[Role.EDITOR]).status_code == 303
    second = ask(reviewer, row, people[Role.EDITOR])
    assert second.status_code == 409
    assert "has been asked this" in said(second)
    answer(editor, Question.objects.get())
    assert ask(reviewer, row, people[Role.EDITOR]).status_code == 303, "once it is answered it may be asked again"


def test_fifty_open_questions_are_enough_for_one_person(
    reviewer: Client, editor: Client, row: HistoryRow, people: People
) -> None:
    for number in range(50):
        assert ask(reviewer, row, people[Role.EDITOR], f"Question {number}").status_code == 303
    other = factories.person(Role.REVIEWER, email="other@example.test", name="Olga Other")
    client = Client()
    client.force_login(other)
    assert "50 of your questions are open" in said(ask(reviewer, row, people[Role.ADMIN]))
    assert "Editor has 50 questions to answer" in said(ask(client, row, people[Role.EDITOR]))
    answer(editor, Question.objects.earliest("pk"))
    assert ask(client, row, people[Role.EDITOR]).status_code == 303


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.ADMIN])
def test_only_reviewers_ask(
    signed_in: Callable[[Role], Client], reviewer: Client, row: HistoryRow, people: People, role: Role
) -> None:
    assert ask(signed_in(role), row, people[Role.EDITOR]).status_code in (403, 404)
    assert not Question.objects.exists()
    assert ask(reviewer, row, people[Role.EDITOR]).status_code == 303


def test_names_and_questions_are_shown_as_text(
    reviewer: Client, editor: Client, row: HistoryRow, people: People
) -> None:
    text = "<script>alert(1)</script> =cmd \u202e\u0000 →"
    ask(reviewer, row, people[Role.EDITOR], text)
    page = reviewer.get(reverse("question", args=[Question.objects.get().pk])).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\x00" not in page


# --- answering --------------------------------------------------------------------------------------------------------


def test_only_the_person_who_was_asked_answers(
    signed_in: Callable[[Role], Client], reviewer: Client, editor: Client, row: HistoryRow, people: People
) -> None:
    ask(reviewer, row, people[Role.EDITOR])
    question = Question.objects.get()
    assert answer(signed_in(Role.VIEWER), question).status_code == 404
    for client in (reviewer, signed_in(Role.ADMIN)):
        assert answer(client, question).status_code == 409
        assert 'name="text"' not in client.get(reverse("question", args=[question.pk])).content.decode()
    assert not entries("question.answered")
    assert answer(editor, question).status_code == 303


def test_an_answer_can_be_added_to_and_none_is_lost(
    reviewer: Client, editor: Client, row: HistoryRow, people: People
) -> None:
    ask(reviewer, row, people[Role.EDITOR])
    question = Question.objects.get()
    answer(editor, question, "First.")
    answer(editor, question, "Then.")
    assert answer(editor, question, "First.").status_code == 409, "the same again says nothing"
    text = said(reviewer.get(reverse("question", args=[question.pk])))
    assert text.index("First.") < text.index("UTC: Then.")
    assert [each["data"]["answer"][:6] for each in entries("question.answered")] == ["First.", "First."]


@pytest.mark.parametrize("text", ["", " ", "x" * 4001])
def test_it_refuses_an_answer_without_words_or_of_too_many(
    reviewer: Client, editor: Client, row: HistoryRow, people: People, text: str
) -> None:
    ask(reviewer, row, people[Role.EDITOR])
    refused = answer(editor, Question.objects.get(), text)
    assert refused.status_code == 409
    assert text.strip() in refused.content.decode(), "what was typed is not lost"
    assert Question.objects.get().answered_at is None
    assert answer(editor, Question.objects.get(), "x" * 4000).status_code == 303


def test_a_reviewer_notes_the_answer_for_somebody_who_has_left(
    reviewer: Client, row: HistoryRow, people: People
) -> None:
    ask(reviewer, row, people[Role.EDITOR])
    question = Question.objects.get()
    assert answer(reviewer, question, "Found out by telephone.").status_code == 409
    Person.objects.filter(role=Role.EDITOR).update(is_active=False)
    assert answer(reviewer, question, "Found out by telephone.").status_code == 303
    question.refresh_from_db()
    assert question.answered_by == people[Role.REVIEWER]
    assert not Notification.objects.filter(person=people[Role.REVIEWER]).exists()  # she knows


def test_nothing_is_asked_when_its_entry_cannot_be_written(reviewer: Client, row: HistoryRow, people: People) -> None:
    reviewer.raise_request_exception = False
    with unwritable_history():
        assert ask(reviewer, row, people[Role.EDITOR]).status_code == 500
    assert not Question.objects.exists()
    assert ask(reviewer, row, people[Role.EDITOR]).status_code == 303


# --- where they are told ----------------------------------------------------------------------------------------------


def test_open_questions_block_nothing_and_are_named_at_sign_off(
    reviewer: Client, row: HistoryRow, week: Week, people: People
) -> None:
    ask(reviewer, row, people[Role.EDITOR])
    question = Question.objects.get()
    assert "1 question has no answer yet" in said(reviewer.get(address(week)))
    assert sign(reviewer, week).status_code == 303
    assert entries("history.reviewed")[0]["data"]["open_questions"] == [question.pk]
    assert "1 question unanswered" in said(reviewer.get("/"))


def test_the_list_shows_open_questions_first_and_all_when_asked(
    reviewer: Client, editor: Client, row: HistoryRow, people: People
) -> None:
    ask(reviewer, row, people[Role.EDITOR], "One?")
    answer(editor, Question.objects.get())
    ask(reviewer, row, people[Role.EDITOR], "Two?")
    text = said(reviewer.get(reverse("questions")))
    assert "Two?" in text
    assert "One?" not in text
    assert "One?" in said(reviewer.get(reverse("questions"), {"state": "all"}))
    assert reviewer.get(reverse("questions"), {"page": "x", "state": "\x00"}).status_code == 200


def test_both_are_told_by_e_mail_without_the_text(
    reviewer: Client, editor: Client, row: HistoryRow, people: People, settings: Settings
) -> None:
    settings.EMAIL_URL = "smtp://mail.example.test"
    ask(reviewer, row, people[Role.EDITOR])
    run_due()
    question = Question.objects.get()
    (first,) = mail.outbox
    assert first.to == ["editor@example.test"]
    assert first.subject == "Reviewer asks about a change"
    assert f"/history/questions/{question.pk}/" in first.body
    assert "Why so late?" not in first.body
    answer(editor, question)
    run_due()
    assert mail.outbox[1].to == ["reviewer@example.test"]
    assert mail.outbox[1].subject == "Editor answered your question"


def test_a_question_that_is_answered_before_its_e_mail_has_gone_is_not_sent_any_more(
    reviewer: Client, editor: Client, row: HistoryRow, people: People, settings: Settings
) -> None:
    settings.EMAIL_URL = "smtp://mail.example.test"
    ask(reviewer, row, people[Role.EDITOR])
    answer(editor, Question.objects.get())
    run_due()
    assert [each.subject for each in mail.outbox] == ["Editor answered your question"]


@pytest.mark.parametrize("is_off", [True, False])
def test_who_turned_it_off_or_was_deactivated_gets_no_e_mail_that_waited(
    reviewer: Client, editor: Client, row: HistoryRow, people: People, settings: Settings, is_off: bool
) -> None:
    settings.EMAIL_URL = "smtp://mail.example.test"
    never = Choice(is_shown=True, by_mail=ByMail.NEVER)

    def is_gone(person: Person, kind: str) -> None:
        if is_off:
            set_choices(person, {kind: never}, actor=person)
        else:
            Person.objects.filter(pk=person.pk).update(is_active=False)

    ask(reviewer, row, people[Role.ADMIN])
    is_gone(people[Role.ADMIN], "question-asked")
    ask(reviewer, row, people[Role.EDITOR])
    answer(editor, Question.objects.get(to=people[Role.EDITOR]))
    is_gone(people[Role.REVIEWER], "question-answered")
    run_due()
    assert mail.outbox == []


def test_an_act_without_a_person_leads_to_whoever_edits(
    reviewer: Client, align: Connector, week: Week, people: People
) -> None:
    row = HistoryRow.objects.get(entry_seq=act(week, None, align, action="catalogue.refreshed").seq)
    assert set(choices(reviewer, row)) == {"Editor", "Admin"}
