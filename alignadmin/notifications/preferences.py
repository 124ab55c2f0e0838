"""What an admin sets about daily e-mails."""

from __future__ import annotations

from django.conf import settings

from alignadmin.preferences.declaring import Preference
from alignadmin.preferences.kinds import OneOf

DIGEST_HOUR: Preference[int] = Preference(
    key="digest_hour",
    label="Send daily e-mails after",
    help="Once a day at most, and only when there is something to say. A digest that is due next keeps its time.",
    kind=OneOf(choices=[(hour, f"{hour:02}:00 UTC") for hour in range(24)]),
    start=lambda: int(settings.DIGEST_HOUR) % 24,
    environment="DIGEST_HOUR",
)
