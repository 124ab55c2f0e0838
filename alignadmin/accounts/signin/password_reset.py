"""The e-mail with which a forgotten password is set anew.

The answer to the person who asks takes as long and says the same whether or not the address is known: for an unknown
one an e-mail to nobody is made and queued. Its link is sealed while it waits for the worker.
"""

from __future__ import annotations

from datetime import timedelta

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.mail import outbox
from alignadmin.mail.outbox import in_product

PASSWORD_RESET = "password-reset"  # noqa: S105  (a kind of e-mail)


def send_link(person: Person | None) -> None:
    """None stands for nobody: the same work, and nothing is sent."""
    to = [outbox.Recipient(name=person.name, address=person.email)] if person else []
    somebody = person or Person(pk=0)
    outbox.queue(
        PASSWORD_RESET,
        to,
        "Your new password for AlignAdmin",
        "account/reset.txt",
        {"person": somebody, "link": link_for(somebody), "hours": settings.PASSWORD_RESET_TIMEOUT // 3600},
        lasts=timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
        has_secret_link=True,
    )


def link_for(person: Person) -> str:
    """Valid for PASSWORD_RESET_TIMEOUT seconds, and until the password, the address or the last sign-in changes."""
    key = {"uidb36": user_pk_to_url_str(person), "key": default_token_generator.make_token(person)}
    return in_product(reverse("account_reset_password_from_key", kwargs=key))
