"""The link with which an invited person sets a password, and the e-mails that people get about their account.

The link is a secret: it stands in the e-mail or once on the admin's page, and nowhere else.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from alignadmin.accounts.models import Person
from alignadmin.accounts.preferences import INVITATION_AGE
from alignadmin.mail import outbox
from alignadmin.mail.outbox import in_product
from alignadmin.parsing import whole
from alignadmin.text import lasting


class Tokens(PasswordResetTokenGenerator):
    """One token for each invitation: it dies by its use, on deactivation, by the next one, and of age."""

    key_salt = "alignadmin.accounts.people.invitations.Tokens"

    def make_token(self, user: Any) -> str:
        return self._make_token_with_timestamp(user, _seconds(user), self.secret)

    def check_token(self, user: Any, token: str | None) -> bool:
        return self.check_hash(user, hash_of(token or ""))

    def check_hash(self, user: Any, token_hash: str) -> bool:
        """By our own INVITATION_AGE; Django's knows only the hour of a forgotten password."""
        if not token_hash or not user.is_active or user.invited_at is None:
            return False
        if (timezone.now() - user.invited_at).total_seconds() > INVITATION_AGE.value():
            return False
        secrets = [self.secret, *self.secret_fallbacks]
        made = (self._make_token_with_timestamp(user, _seconds(user), secret) for secret in secrets)
        return any(constant_time_compare(hash_of(each), token_hash) for each in made)

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{user.pk}|{user.email}|{user.password}|{user.is_active}|{user.invited_at.timestamp()}|{timestamp}"


def hash_of(token: str) -> str:
    """What is kept of a token between two pages: the table of sessions lets nobody in."""
    return sha256(token.encode()).hexdigest()


def _seconds(person: Person) -> int:
    return int(person.invited_at.timestamp()) if person.invited_at else 0


tokens = Tokens()


def invitation_link(person: Person) -> str:
    """For a person with an open invitation."""
    return in_product(reverse("person-join", args=[uid_of(person), tokens.make_token(person)]))


def uid_of(person: Person) -> str:
    return urlsafe_base64_encode(force_bytes(person.pk))


def invited(uid: str, token_hash: str) -> Person | None:
    """Whose open invitation this is; None for every link that is no good, whatever the reason."""
    try:
        person = Person.objects.filter(pk=whole(urlsafe_base64_decode(uid).decode()) or 0).first()
    except ValueError:
        return None
    return person if person is not None and tokens.check_hash(person, token_hash) else None


# --- e-mail -----------------------------------------------------------------------------------------------------------

INVITATION, FACTOR_REMOVED, TEST = "invitation", "factor-removed", "test"
ABOUT_ACCOUNT = (INVITATION, FACTOR_REMOVED)  # of which a person's page shows the last


def about(person: Person) -> str:
    return f"person {person.pk}"


def send_invitation(person: Person) -> None:
    """In the transaction that opens the invitation. What waits with an older link is not sent any more."""
    withdraw_invitation(person)
    age = INVITATION_AGE.value()
    _queue(
        INVITATION,
        person,
        "Your sign-in to AlignAdmin",
        "alignadmin/accounts/people/invitation.txt",
        lasts=timedelta(seconds=age),
        has_secret_link=True,
        link=invitation_link(person),
        works_for=lasting(age),
    )


def withdraw_invitation(person: Person) -> None:
    outbox.withdraw([INVITATION], about(person))


def send_factor_removed(person: Person, *, actor: Person) -> None:
    """In the transaction that removes it."""
    template = "alignadmin/accounts/people/factor_removed.txt"
    _queue(FACTOR_REMOVED, person, "Your second factor was removed", template, lasts=7 * outbox.DAY, actor=actor)


def send_test(person: Person) -> None:
    """In the place of one that still waits: whoever tests again has mended something."""
    outbox.withdraw([TEST], about(person))
    _queue(TEST, person, "Test e-mail of AlignAdmin", "alignadmin/site/test.txt", lasts=timedelta(hours=1))


def _queue(
    kind: str,
    person: Person,
    subject: str,
    template: str,
    *,
    lasts: timedelta,
    has_secret_link: bool = False,
    **context: Any,
) -> None:
    to = outbox.Recipient(name=str(person), address=person.email)
    context["person"] = person
    outbox.queue(
        kind,
        [to],
        subject,
        template,
        context,
        about=about(person),
        lasts=lasts,
        has_secret_link=has_secret_link,
    )
