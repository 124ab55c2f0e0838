"""How long a sign-in counts: limits of the operator, which an admin may only shorten on the settings page."""

from __future__ import annotations

from django.conf import settings

from alignadmin.preferences.declaring import Preference
from alignadmin.preferences.kinds import WholeNumber

DAY = 24 * 60  # minutes

SESSION_IDLE: Preference[int] = Preference(
    key="session_idle",
    label="Sign out after this long without activity",
    help=(
        "What a page asks for by itself is no activity. Sessions that are open now follow within a minute; "
        "one that had ended by the shorter time, and was not opened since, goes on when this is made longer."
    ),
    kind=WholeNumber(least=5, most=DAY, one="minute", size=60),
    start=lambda: int(settings.SESSION_IDLE),
    environment="SESSION_IDLE",
    is_limit=True,
)
SESSION_ABSOLUTE: Preference[int] = Preference(
    key="session_absolute",
    label="Sign out this long after signing in",
    help=(
        "Whether there was activity or not. Sessions that are open now follow within a minute of their next request; "
        "one that had ended by the shorter time, and was not opened since, goes on when this is made longer."
    ),
    kind=WholeNumber(least=30, most=30 * DAY, one="minute", size=60),
    start=lambda: int(settings.SESSION_ABSOLUTE),
    environment="SESSION_ABSOLUTE",
    is_limit=True,
)
FRESH_SIGN_IN: Preference[int] = Preference(
    key="fresh_sign_in",
    label="Ask again who it is this long after signing in",
    help="Before secrets, people and settings are changed, plans are applied, and files are exported.",
    kind=WholeNumber(least=1, most=DAY, one="minute", size=60),
    start=lambda: int(settings.FRESH_SIGN_IN),
    environment="FRESH_SIGN_IN",
    is_limit=True,
)
INVITATION_AGE: Preference[int] = Preference(
    key="invitation_age",
    label="An invitation can be used for",
    help=(
        "From when it was sent. Invitations that were sent before follow, whatever their e-mail says: "
        "made longer, this opens again those that had ended and were not used or replaced."
    ),
    kind=WholeNumber(least=1, most=30 * 24, one="hour", size=3600),
    start=lambda: int(settings.INVITATION_AGE),
    environment="INVITATION_AGE",
    is_limit=True,
)
