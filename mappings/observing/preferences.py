"""How long the list of checks goes back."""

from __future__ import annotations

from django.conf import settings

from alignadmin.preferences.declaring import Preference
from alignadmin.preferences.kinds import WholeNumber

CHECKS_KEPT: Preference[int] = Preference(
    key="drift_checks_kept",
    label="Keep the list of drift checks for",
    help=(
        "When each look began and what it found. What was found stays in the history. Older ones are deleted with the "
        "next check, and a longer time does not bring them back."
    ),
    kind=WholeNumber(least=7, most=3650, one="day"),
    start=lambda: int(settings.DRIFT_CHECKS_KEPT_DAYS),
    environment="DRIFT_CHECKS_KEPT_DAYS",
)
