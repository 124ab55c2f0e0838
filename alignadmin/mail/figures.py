"""Figures of the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Min, QuerySet

from alignadmin.figures import Figure, FigureSource, FigureValue, age
from alignadmin.mail.models import WAITING, OutgoingMail

LATELY = timedelta(days=1)

UNSENT = Figure(name="alignadmin_mail_unsent", help="E-mails that wait to be sent.")
UNSENT_AGE = Figure(
    name="alignadmin_mail_unsent_age_seconds", help="Seconds since the oldest of them was queued; 0: none."
)
FAILED = Figure(
    name="alignadmin_mail_failed",
    help="E-mails that were given up, or whose time was over, within the last 24 hours; withdrawn ones left out.",
)


def _read(now: datetime) -> Iterator[FigureValue]:
    waiting = OutgoingMail.objects.filter(WAITING).aggregate(count=Count("pk"), oldest=Min("queued_at"))
    yield UNSENT.of(waiting["count"])
    yield UNSENT_AGE.of(age(now, waiting["oldest"]) if waiting["oldest"] else 0)
    yield FAILED.of(given_up(now).count())


def given_up(now: datetime) -> QuerySet[OutgoingMail]:
    """Those that somebody should have got: also untried ones whose time was over, and no withdrawn ones."""
    return OutgoingMail.objects.filter(failed_at__gte=now - LATELY, is_withdrawn=False)


MAIL_FIGURES = FigureSource(name="mail", figures=(UNSENT, UNSENT_AGE, FAILED), read=_read)
