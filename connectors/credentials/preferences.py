"""What an admin sets about credentials: when and whom a reminder tells, and how long a replaced one stays."""

from __future__ import annotations

from django.conf import settings

from alignadmin.preferences.declaring import Preference
from alignadmin.preferences.kinds import DistinctNumbers, MailAddresses, WholeNumber, without_blanks

REMINDER_DAYS: Preference[list[int]] = Preference(
    key="reminder_days",
    label="Remind these days before a credential ends",
    help="With commas between them. Left empty, only on its last day, on which a reminder is sent in any case.",
    kind=DistinctNumbers(least=1, most=365, longest=20, one="day", none="only on the last day"),
    start=lambda: list(settings.REMINDER_DAYS),
    environment="REMINDER_DAYS",
)
REMINDER_RECIPIENTS: Preference[list[str]] = Preference(
    key="reminder_recipients",
    label="Who gets reminders",
    help=(
        "Besides the owner and the back-up owner of a credential: one address a line, at most 20. "
        "When that is nobody at all, every active admin gets them."
    ),
    kind=MailAddresses(),
    start=lambda: without_blanks(settings.REMINDER_RECIPIENTS),
    environment="REMINDER_RECIPIENTS",
)
PREVIOUS_KEPT: Preference[int] = Preference(
    key="previous_kept",
    label="Keep a replaced credential for",
    help="So long it can be brought back; then it is destroyed. This counts for those that are replaced from now on.",
    kind=WholeNumber(least=1, most=30 * 24, one="hour", size=3600),
    start=lambda: int(settings.PREVIOUS_KEPT),
    environment="PREVIOUS_KEPT",
    is_limit=True,
)
