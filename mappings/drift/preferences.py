"""What an admin sets about the e-mails of the drift watch."""

from __future__ import annotations

from django.conf import settings

from alignadmin.preferences.declaring import Preference
from alignadmin.preferences.kinds import MailAddresses, without_blanks
from connectors.credentials.preferences import REMINDER_RECIPIENTS


def _recipients_of_the_operator() -> list[str]:
    """Without any of its own the digest goes to whoever gets reminders, by choice or by the environment."""
    own = settings.DIGEST_RECIPIENTS
    return REMINDER_RECIPIENTS.value() if own is None else without_blanks(own)


DIGEST_RECIPIENTS: Preference[list[str]] = Preference(
    key="digest_recipients",
    label="Who gets the digest and alerts about new statuses",
    help=(
        "One address a line, at most 20; left empty, nobody. "
        "As long as nothing is set here or by the operator, it is whoever gets reminders."
    ),
    kind=MailAddresses(),
    start=_recipients_of_the_operator,
    environment="DIGEST_RECIPIENTS",
    follows=REMINDER_RECIPIENTS.label,
)
