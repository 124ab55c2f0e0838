"""How long what a query found stays."""

from __future__ import annotations

from django.conf import settings

from alignadmin.preferences.declaring import Preference
from alignadmin.preferences.kinds import WholeNumber

QUERY_ROWS_KEPT: Preference[int] = Preference(
    key="query_rows_kept",
    label="Keep the rows of a query for",
    help=(
        "After its end; the query itself and its count stay listed for 30 days. Rows that are older are deleted within "
        "minutes, and a longer time does not bring them back."
    ),
    kind=WholeNumber(least=5, most=7 * 24 * 60, one="minute", size=60),
    start=lambda: int(settings.QUERY_ROWS_KEPT),
    environment="QUERY_ROWS_KEPT",
)
