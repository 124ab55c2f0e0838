"""What an admin sets about daily e-mails."""

from __future__ import annotations

from django.conf import settings

from alignadmin.preferences.declaring import Preference
from alignadmin.preferences.kinds import OneOf

DIGEST_HOUR: Preference[int] = Preference(
    key="digest_hour",
    label="Send daily e-mails after",
    help=(
        "Only when there is something to say. A digest of drift that is due next keeps its time, and the one after it "
        "comes a day later at least. Notifications may come twice on the day on which this is changed."
    ),
    kind=OneOf(choices=[(hour, f"{hour:02}:00 UTC") for hour in range(24)]),
    start=lambda: int(settings.DIGEST_HOUR) % 24,
    environment="DIGEST_HOUR",
)
