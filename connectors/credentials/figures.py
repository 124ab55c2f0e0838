"""Figures of the credentials that active connectors work with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from django.utils import timezone

from alignadmin.figures import Figure, FigureSource, FigureValue, age
from connectors.models import Credential, Stage

OF = ("connector", "system")
REMAINING = Figure(
    name="alignadmin_credential_remaining_seconds",
    help="Seconds until the end of the last day of the current credential, below 0 after it; absent without an "
    "expiry date.",
    labels=OF,
)
AGE = Figure(
    name="alignadmin_credential_age_seconds", help="Seconds since the current credential was stored.", labels=OF
)
REFUSED = Figure(
    name="alignadmin_credential_refused",
    help="Whether the last answer to the current credential was 401 or 403 (1, else 0).",
    labels=OF,
)


def _read(now: datetime) -> Iterator[FigureValue]:
    current = Credential.objects.filter(stage=Stage.CURRENT, connector__is_active=True)
    columns = ("connector__slug", "system", "expires_on", "created_at", "refused_status")
    for slug, system, expires_on, created_at, refused in current.values_list(*columns):
        if expires_on is not None:
            last = datetime.combine(expires_on + timedelta(days=1), time.min, timezone.get_default_timezone())
            yield REMAINING.of((last - now).total_seconds(), slug, system)
        yield AGE.of(age(now, created_at), slug, system)
        yield REFUSED.of(bool(refused in (401, 403)), slug, system)


CREDENTIAL_FIGURES = FigureSource(name="credentials", figures=(REMAINING, AGE, REFUSED), read=_read)
