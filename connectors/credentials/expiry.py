"""How long each credential lasts, in words, and what is wrong with a connector's credentials now.

Days are those of the operator's TIME_ZONE, not of the viewer's, so that everybody reads the same number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from alignadmin.web.navigation import Alarm, AlarmSource
from connectors.models import Connector, Credential, CredentialKind, Stage, System

SOON = 30  # days before the end at which it is drawn as a warning
REFUSED = (401, 403)
OLD = 0.8  # of CREDENTIAL_MAX_AGE_DAYS, likewise


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """`looks` is a class of the stylesheet: ok, warn, bad; `words` go after the credential's name."""

    days_left: int | None
    age_days: int
    style: str
    words: str

    @property
    def has_passed(self) -> bool:
        return self.days_left is not None and self.days_left < 0


def operators_today() -> date:
    return timezone.localdate(timezone=timezone.get_default_timezone())


def deadline(credential: Credential, *, today: date | None = None) -> Deadline:
    """The expiry date is the last day on which the credential is taken to work; without one, its age counts."""
    now = today or operators_today()
    stored = timezone.localdate(credential.created_at, timezone.get_default_timezone())
    age = max((now - stored).days, 0)
    if credential.expires_on is None:
        return _by_age(age)
    left = (credential.expires_on - now).days
    style = "bad" if left <= 0 else "warn" if left <= SOON else "ok"
    return Deadline(days_left=left, age_days=age, style=style, words=_until(left))


def _by_age(age: int) -> Deadline:
    advised = settings.CREDENTIAL_MAX_AGE_DAYS
    words = f"No expiry set, created {_ago(age)}, rotate within {advised} days"
    return Deadline(days_left=None, age_days=age, style="warn" if age >= advised * OLD else "ok", words=words)


def _until(left: int) -> str:
    if left == 0:
        return "expires today"
    return f"expires in {_days(left)}" if left > 0 else f"expired {_days(-left)} ago"


def _ago(age: int) -> str:
    return f"{_days(age)} ago" if age else "today"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def address_of(credential: Credential) -> str:
    return reverse("connector-credential", args=[credential.connector.slug, credential.system])


# --- alarms -----------------------------------------------------------------------------------------------------------


def alarms(connector: Connector, *, today: date | None = None) -> list[Alarm]:
    """One query, or none when the connector's credentials were prefetched."""
    return alarms_among(connector.credentials.all(), today=today)


def alarms_among(credentials: Iterable[Credential], *, today: date | None = None) -> list[Alarm]:
    """At most one line for each current credential of one connector; its other stages carry no work."""
    current = sorted((each for each in credentials if each.stage == Stage.CURRENT), key=lambda each: each.system)
    found = (_alarm(each, today or operators_today()) for each in current)
    return [each for each in found if each is not None]


def alarming(slug: str) -> QuerySet[Credential]:
    """The current credentials of a connector of which `alarms_among` has something to say."""
    ended = Q(connector__gap_since__isnull=False) | Q(refused_status__in=REFUSED) | Q(expires_on__lt=operators_today())
    return Credential.objects.filter(ended, connector__slug=slug, stage=Stage.CURRENT)


def _alarms_of(slug: str) -> list[Alarm]:
    return alarms_among(alarming(slug).select_related("connector").defer("sealed"))


ALARM = AlarmSource(rows=alarming, alarms=_alarms_of)


def _alarm(credential: Credential, today: date) -> Alarm | None:
    """In a gap the current Align token is known to be dead: that it is refused too is no news."""
    connector = credential.connector
    if credential.system == System.ALIGN and connector.gap_since is not None:
        return _gap(credential, connector.gap_since)
    if credential.refused_status in REFUSED:
        return _refused(credential)
    if deadline(credential, today=today).has_passed:
        return _expired(credential, today)
    return None


def _gap(credential: Credential, since: datetime) -> Alarm:
    sentence = (
        f"The Jira Align token of {credential.connector} was replaced by one of the same user and no longer works. "
        "Plans pause until the new one is current."
    )
    return _with_button(credential, sentence, verb="finish replacing", since=since)


def _refused(credential: Credential) -> Alarm:
    system, connector = credential.get_system_display(), credential.connector
    if credential.refused_status == 403:
        sentence = (
            f"{system} forbade the credential of {connector} something: it is blocked, or lacks a right or a scope."
        )
        return _with_button(credential, sentence, verb="check")
    if credential.kind == CredentialKind.JIRA_PASSWORD:
        sentence = (
            f"{system} refused the user and password of {connector} (401). "
            "Nothing more is sent with them, since another refusal may lock the account."
        )
        return _with_button(credential, sentence, verb="mend")
    sentence = f"{system} refuses the credential of {connector} (401). Nothing can be read or changed there."
    return _with_button(credential, sentence, verb="replace")


def _expired(credential: Credential, today: date) -> Alarm:
    words = deadline(credential, today=today).words
    sentence = f"The {credential.get_system_display()} credential of {credential.connector} {words}."
    return _with_button(credential, sentence, verb="replace")


def _with_button(credential: Credential, sentence: str, *, verb: str, since: datetime | None = None) -> Alarm:
    name = f"the {credential.get_system_display()} credential"
    return Alarm(
        sentence=sentence,
        href=address_of(credential),
        action=f"{verb.capitalize()} {name}",
        ask=f"Ask an admin to {verb} {name}.",
        since=since,
    )
