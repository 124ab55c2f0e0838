"""How long the file of an evidence pack stays."""

from __future__ import annotations

from django.conf import settings

from alignadmin.preferences.declaring import Preference
from alignadmin.preferences.kinds import WholeNumber

PACK_KEPT: Preference[int] = Preference(
    key="pack_kept",
    label="Keep an evidence pack that somebody requested for",
    help=(
        "Then its file is deleted; the history keeps what was in it and who downloaded it. "
        "Packs of a schedule stay. Files that are older are deleted within minutes, and a longer time does not bring "
        "them back."
    ),
    kind=WholeNumber(least=1, most=365, one="day", size=86_400),
    start=lambda: int(settings.PACK_KEPT),
    environment="PACK_KEPT",
)
