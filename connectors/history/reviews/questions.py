"""Questions about a row of the history: a reviewer asks whoever made the change, who answers once or more.

Question and answers are entries; the Question row is what pages list, with the answers one below the other.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.rights import Right, may
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.errors import Refused
from alignadmin.parsing import plain
from alignadmin.text import counted
from alignadmin.web.navigation import AttentionCount
from connectors.history.reviews import question_mail
from connectors.models import HistoryRow, Question
from connectors.ports.audited import QUESTION_ANSWERED, QUESTION_ASKED, context_of

LONGEST = 4000
LONGEST_ANSWERS = 40_000  # of one question, together
MOST_OPEN = 50  # that one person has asked, or has to answer: more is a conversation, not a question
MOST_PEOPLE = 200


# -- whom, and what there is ------------------------------------------------------------------------------------------


def of_row(row: HistoryRow) -> list[Question]:
    """Also those asked while the row was only a line of Align's log."""
    named = Q(entry_seq=row.entry_seq) if row.entry_seq else Q()
    if row.line_id:
        named |= Q(line=row.line_id)
    if not named:
        return []
    return list(Question.objects.filter(named).select_related("asked_by", "to", "answered_by").order_by("pk"))


def row_of(question: Question) -> HistoryRow | None:
    named = Q(entry_seq=question.entry_seq) if question.entry_seq else Q(line=question.line_id)
    return HistoryRow.objects.filter(named).select_related("connector", "line").first()


def people_for(row: HistoryRow, asker: Person) -> list[Person]:
    """Whom to ask: its author first, then the others of its people; where none of them is here, whoever edits."""
    people = [each for each in _people_of(row) if each.pk != asker.pk]
    if people:
        return people
    editors = Person.objects.filter(role__in=[Role.EDITOR, Role.ADMIN], is_active=True).exclude(pk=asker.pk)
    return list(editors.order_by("name", "email")[:MOST_PEOPLE])


def _people_of(row: HistoryRow) -> list[Person]:
    numbers = (row.person_id, row.planner_id, row.approver_id, row.applier_id)
    keys = list(dict.fromkeys(number for number in numbers if number))
    return sorted(Person.objects.filter(pk__in=keys, is_active=True), key=lambda each: keys.index(each.pk))


def to_answer(person: Person) -> QuerySet[Question]:
    """The oldest first."""
    return Question.objects.filter(to=person, answered_at=None).select_related("asked_by").order_by("pk")


TO_YOU = AttentionCount(
    entry="Overview",
    of=to_answer,
    words=lambda number: f"{counted(number, 'question')} to you",
    page="overview",
)


def may_read(question: Question, person: Person) -> bool:
    return question.to_id == person.pk or may(person, Right.HISTORY)


def may_answer(question: Question, person: Person) -> bool:
    """Who was asked; when they are not here any more, a reviewer notes what else was found out."""
    if question.to_id == person.pk:
        return True
    gone = question.to is None or not question.to.is_active
    return gone and question.answered_at is None and may(person, Right.REVIEW)


# -- asking -----------------------------------------------------------------------------------------------------------


def ask(row: HistoryRow, to: int, text: str, *, actor: Person) -> Question:
    """Raises Refused."""
    text = _checked(text, "A question")
    with transaction.atomic():
        lock_head()
        person = next((each for each in people_for(row, actor) if each.pk == to), None)
        if person is None:
            raise Refused("This person cannot be asked about this row. Choose one of the list.")
        _refuse_more(row, person, text, actor)
        question = Question.objects.create(
            entry_seq=row.entry_seq,
            line_id=None if row.entry_seq else row.line_id,
            asked_by=actor,
            asked_at=timezone.now(),
            to=person,
            text=text,
        )
        question_mail.queue_asked_mail(question)
        _entry(QUESTION_ASKED, question, row, f"Asked {person}: {text}", actor)
    return question


def _refuse_more(row: HistoryRow, person: Person, text: str, actor: Person) -> None:
    waiting = Question.objects.filter(answered_at=None)
    if waiting.filter(asked_by=actor).count() >= MOST_OPEN:
        raise Refused(f"{MOST_OPEN} of your questions are open. Wait for answers before you ask more.")
    if waiting.filter(to=person).count() >= MOST_OPEN:
        raise Refused(f"{person} has {MOST_OPEN} questions to answer. Wait for answers, or ask someone else.")
    if any(each.text == text and each.to_id == person.pk and each.answered_at is None for each in of_row(row)):
        raise Refused(f"{person} has been asked this about this row, and the answer is awaited.")


# -- answering --------------------------------------------------------------------------------------------------------


def answer(question: Question, text: str, *, actor: Person) -> Question:
    """A later answer is put below the ones before. Raises Refused."""
    text = _checked(text, "An answer")
    with transaction.atomic():
        lock_head()
        found = Question.objects.select_related("to", "asked_by").get(pk=question.pk)
        current = Person.objects.get(pk=actor.pk)
        if not current.is_active or not may_answer(found, current):
            raise Refused(f"{found.to or 'Somebody else'} was asked this, and answers it.")
        _add(found, text, actor)
        question_mail.queue_answered_mail(found)
        _entry(QUESTION_ANSWERED, found, row_of(found), f"Answered {found.asked_by or 'a reviewer'}: {text}", actor)
    return found


def _add(question: Question, text: str, actor: Person) -> None:
    now = timezone.now()
    before = f"{question.answer}\n\n{now:%-d %b %Y, %H:%M} UTC: " if question.answer else ""
    if len(before) + len(text) > LONGEST_ANSWERS:
        raise Refused("The answers to this question fill its page. Let the reviewer ask a new one.")
    if text in question.answer.split("\n\n"):
        raise Refused("This answer is here already.")
    question.answer, question.answered_by, question.answered_at = before + text, actor, now
    question.save(update_fields=["answer", "answered_by", "answered_at"])


# -- common -----------------------------------------------------------------------------------------------------------


def _checked(text: str, what: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise Refused(f"{what} needs some words.")
    if len(text) > LONGEST:
        raise Refused(f"{what} has at most {LONGEST:,} characters; this one has {len(text):,}.")
    return plain(text)


def _entry(action: str, question: Question, row: HistoryRow | None, sentence: str, actor: Person) -> None:
    trail.record(
        AuditRecord(
            action=action,
            actor=actor,
            context=context_of(row.connector if row else None),
            subject=f"question {question.pk}",
            sentence=sentence,
            plan=row.plan if row else None,
            data={
                "question": question.pk,
                "about_entry": question.entry_seq,
                "about_line": question.line_id,
                "to": question.to.email if question.to else None,
                "text": question.text,
                "answer": question.answer,
            },
        )
    )
