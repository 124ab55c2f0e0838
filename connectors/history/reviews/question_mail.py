"""E-mails about questions: to whoever was asked, and to the asker once there is an answer.

The text itself stays on the page, behind a sign-in. An e-mail that no mail server takes is not all: the question
stands on the overview of whoever was asked until it is answered.
"""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.mail import outbox
from alignadmin.text import one_line
from connectors.models import Question

ASKED, ANSWERED = "question-asked", "question-answered"


def queue_asked_mail(question: Question) -> None:
    """In the transaction that asks it."""
    subject = f"{_name(question.asked_by)} asks about a change"
    _queue(ASKED, question, question.to, subject, "connectors/history/reviews/question.txt")


def queue_answered_mail(question: Question) -> None:
    """In the transaction that answers it. Nobody is asked any more what is answered."""
    outbox.withdraw([ASKED], _about(question))
    subject = f"{_name(question.answered_by)} answered your question"
    _queue(ANSWERED, question, question.asked_by, subject, "connectors/history/reviews/answer.txt")


def _queue(kind: str, question: Question, to: Person | None, subject: str, template: str) -> None:
    """Nothing where nobody is there to read it."""
    if to is None or not to.is_active:
        return
    link = settings.PUBLIC_ADDRESS.rstrip("/") + reverse("question", args=[question.pk])
    recipient = outbox.Recipient(name=str(to), address=to.email)
    context = {"person": to, "link": link, "what": one_line(subject)}
    about = _about(question)
    outbox.queue(kind, [recipient], subject, template, context, about=about, stream=about)


def _about(question: Question) -> str:
    return f"question {question.pk}"


def _name(person: Person | None) -> str:
    return str(person) if person else "A reviewer"
