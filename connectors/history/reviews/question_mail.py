"""E-mails about questions: to whoever was asked, and to the asker once there is an answer.

A worker sends them. One that is lost with a killed worker, or that no mail server takes, is not all: the question
stands on the overview of whoever was asked until it is answered.
"""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from huey.contrib.djhuey import db_task

from alignadmin.accounts.models import Person
from alignadmin.mail.at_once import Delivery, send
from alignadmin.mail.outbox import has_mail
from alignadmin.text import one_line
from connectors.models import Question

TRIES = 3
AGAIN = 600  # seconds


@db_task()  # type: ignore[untyped-decorator]
def tell_asked(pk: int, tries: int = 1) -> Delivery | None:
    question = Question.objects.select_related("asked_by", "to").filter(pk=pk, answered_at=None).first()
    if question is None:
        return None
    delivery = _send(
        question,
        question.to,
        f"{_name(question.asked_by)} asks about a change",
        "connectors/history/reviews/question.txt",
    )
    if _failed(delivery) and tries < TRIES:
        tell_asked.schedule(args=(pk, tries + 1), delay=AGAIN)
    return delivery


@db_task()  # type: ignore[untyped-decorator]
def tell_answered(pk: int, tries: int = 1) -> Delivery | None:
    question = Question.objects.select_related("asked_by", "answered_by").filter(pk=pk).first()
    if question is None:
        return None
    subject = f"{_name(question.answered_by)} answered your question"
    delivery = _send(question, question.asked_by, subject, "connectors/history/reviews/answer.txt")
    if _failed(delivery) and tries < TRIES:
        tell_answered.schedule(args=(pk, tries + 1), delay=AGAIN)
    return delivery


def _send(question: Question, to: Person | None, subject: str, template: str) -> Delivery | None:
    """None where nobody is there to read it. The text itself stays on the page, behind a sign-in."""
    if to is None or not to.is_active:
        return None
    link = settings.PUBLIC_ADDRESS.rstrip("/") + reverse("question", args=[question.pk])
    return send(to, one_line(subject), template, link=link, what=one_line(subject))


def _failed(delivery: Delivery | None) -> bool:
    return delivery is not None and not delivery.has_gone and has_mail()


def _name(person: Person | None) -> str:
    return str(person) if person else "A reviewer"
