"""E-mails about questions: to whoever was asked, and to the asker once there is an answer.

The text itself stays on the page, behind a sign-in. An e-mail that no mail server takes is not all: the question
stands on the overview of whoever was asked until it is answered.
"""

from __future__ import annotations

from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right
from alignadmin.mail import outbox, sending
from alignadmin.mail.outbox import in_product
from alignadmin.notifications.choices import wanting_mail_at_once
from alignadmin.notifications.kinds import NotificationKind
from alignadmin.notifications.services import mark_done
from alignadmin.notifications.telling import News, facts_for, tell, why_not_sent
from alignadmin.text import one_line
from connectors.models import Question

ASKED, ANSWERED = "question-asked", "question-answered"
TO_ANSWER = NotificationKind(
    key=ASKED,
    label="A question to you",
    explanation="A reviewer asks about a change in the history. It also stands on your overview until it is answered.",
    right=Right.SEE,
)
ANSWER = NotificationKind(
    key=ANSWERED,
    label="An answer to a question of yours",
    explanation="Whoever you asked about a change has answered.",
    right=Right.SEE,
)
sending.before_sending(ASKED)(why_not_sent)
sending.before_sending(ANSWERED)(why_not_sent)


def queue_asked_mail(question: Question) -> None:
    """In the transaction that asks it."""
    subject = f"{_name(question.asked_by)} asks about a change"
    _queue(TO_ANSWER, question, question.to, subject, "connectors/history/reviews/question.txt")


def queue_answered_mail(question: Question) -> None:
    """In the transaction that answers it. Nobody is asked any more what is answered.

    A reviewer may have noted the answer herself, for somebody who has left: she knows.
    """
    outbox.withdraw([ASKED], _about(question))
    mark_done(TO_ANSWER, [_about(question)])
    if question.answered_by_id == question.asked_by_id:
        return
    subject = f"{_name(question.answered_by)} answered your question"
    _queue(ANSWER, question, question.asked_by, subject, "connectors/history/reviews/answer.txt")


def _queue(kind: NotificationKind, question: Question, to: Person | None, subject: str, template: str) -> None:
    """Nothing where nobody is there to read it, and no e-mail at once to who turned these off."""
    if to is None or not to.is_active:
        return
    address, about = reverse("question", args=[question.pk]), _about(question)
    # A question is told once; of its answers each, since a later one is put below those before.
    told = about if kind is TO_ANSWER else f"{about} at {question.answered_at}"
    details = "Read and answer it on its page." if kind is TO_ANSWER else "Read it on the question's page."
    news = News(kind=kind, about=told, title=f"{one_line(subject)} in the history", details=details, address=address)
    tell(news, [to], sends_mail=False)
    if not wanting_mail_at_once([to], kind):
        return
    recipient = outbox.Recipient(name=str(to), address=to.email)
    context = {
        "person": to,
        "link": in_product(address),
        "what": one_line(subject),
        "choices": in_product(reverse("notifications")),
    }
    facts = facts_for(to, kind)
    outbox.queue(kind.key, [recipient], subject, template, context, about=about, stream=about, facts=facts)


def _about(question: Question) -> str:
    return f"question {question.pk}"


def _name(person: Person | None) -> str:
    return str(person) if person else "A reviewer"
