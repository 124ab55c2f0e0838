"""Sending an e-mail at once, without the outbox: for what has not moved there yet."""

from __future__ import annotations

import logging
import smtplib
import socket
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from alignadmin.mail.outbox import has_mail

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How an e-mail fared; `trouble` is why it did not go out, empty when the mail server took it."""

    trouble: str = ""

    @property
    def has_gone(self) -> bool:
        return not self.trouble


NO_SERVER = Delivery(trouble="no mail server is set")


class Addressee(Protocol):
    @property
    def pk(self) -> int: ...
    @property
    def email(self) -> str: ...


def send(person: Addressee, subject: str, template: str, **context: Any) -> Delivery:
    """Outside every transaction: a mail server may take its time."""
    if not has_mail():
        return NO_SERVER
    text = render_to_string(template, {"person": person, "site": settings.PUBLIC_ADDRESS, **context})
    try:
        EmailMessage(subject, text, to=[person.email]).send()
    except OSError as error:  # of which the errors of smtplib are a kind
        # Neither the text nor what the server answered, which may repeat it.
        log.warning("An e-mail to person %s was not sent: %s.", person.pk, type(error).__name__)
        return Delivery(trouble=_why(error))
    return Delivery()


def _why(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "the mail server refused the user and password of EMAIL_URL"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "the mail server refused the address"
    if isinstance(error, smtplib.SMTPException):
        return f"the mail server refused it ({type(error).__name__})"
    if isinstance(error, TimeoutError):
        return f"the mail server did not answer within {settings.EMAIL_TIMEOUT} s"
    if isinstance(error, socket.gaierror):
        return "the name of the mail server is not known"
    return f"the mail server cannot be reached ({type(error).__name__})"
