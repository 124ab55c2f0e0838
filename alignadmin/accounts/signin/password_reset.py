"""The e-mail with which a forgotten password is set anew.

A worker sends it, so that the answer to the person who asks takes as long and says the same whether or not the address
is known, and whether or not the mail server answers. The link is made there: it never lies in a queue.
"""

from __future__ import annotations

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from huey.contrib.djhuey import db_task

from alignadmin.accounts.models import Person
from alignadmin.mail.at_once import Delivery, send


@db_task()  # type: ignore[untyped-decorator]
def send_link(pk: int) -> Delivery | None:
    """`pk` 0 stands for nobody. Lost with a worker that is killed: the person asks again."""
    person = Person.objects.filter(pk=pk, is_active=True).first()
    if person is None:
        return None
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    return send(person, "Your new password for AlignAdmin", "account/reset.txt", link=link_for(person), hours=hours)


def link_for(person: Person) -> str:
    """Valid for PASSWORD_RESET_TIMEOUT seconds, and until the password, the address or the last sign-in changes."""
    key = {"uidb36": user_pk_to_url_str(person), "key": default_token_generator.make_token(person)}
    return str(settings.PUBLIC_ADDRESS).rstrip("/") + reverse("account_reset_password_from_key", kwargs=key)
