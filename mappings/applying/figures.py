"""Figures of applies under way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q

from alignadmin.figures import Figure, FigureSource, FigureValue, age
from connectors.models import Connector
from mappings.models import UNDER_WAY, Change, ChangeState, Plan

APPLIES = Figure(
    name="alignadmin_applies", help="Plans that are being applied, or are paused.", labels=("connector", "state")
)
AGE = Figure(
    name="alignadmin_apply_age_seconds",
    help="Seconds since the apply under way was started, pauses included; 0: none is.",
    labels=("connector",),
)
CHANGES_UNANSWERED = Figure(
    name="alignadmin_changes_unanswered",
    help="Changes of applies under way that have no answer and await none: nobody knows whether Align took them.",
    labels=("connector",),
)


def _read(now: datetime) -> Iterator[FigureValue]:
    plans = {
        slug: (state, started_at)
        for slug, state, started_at in Plan.objects.filter(state__in=UNDER_WAY)
        .order_by()
        .values_list("connector__slug", "state", "started_at")
    }
    # A request that may still be answered is none of them.
    over = now - timedelta(seconds=settings.REQUEST_DEADLINE + settings.SENDING_GRACE)
    lost = Q(state=ChangeState.UNKNOWN) | Q(state=ChangeState.SENDING, sent_at__lt=over)
    open_changes = Change.objects.filter(lost, plan__state__in=UNDER_WAY).order_by()
    unanswered = dict(open_changes.values_list("plan__connector__slug").annotate(Count("pk")))
    for slug in Connector.objects.filter(is_active=True).order_by("slug").values_list("slug", flat=True):
        state, started_at = plans.get(slug, ("", None))
        for each in UNDER_WAY:
            yield APPLIES.of(state == each, slug, each)
        yield AGE.of(age(now, started_at) if started_at else 0, slug)
        yield CHANGES_UNANSWERED.of(unanswered.get(slug, 0), slug)


APPLY_FIGURES = FigureSource(name="applies", figures=(APPLIES, AGE, CHANGES_UNANSWERED), read=_read)
