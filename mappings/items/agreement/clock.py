"""What the agreement check does by the clock, for each connector where it is switched on; of several workers one does.

A sample each hour, all of it once a day at a quiet hour and slice by slice, Align's changes each minute, and what is
due.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from alignadmin.due_work import due_work, last_hour
from connectors.jobs import runner
from connectors.models import ACTIVE, Job, JobKind
from mappings.items.agreement import notices
from mappings.items.agreement.job import CHANGED, POLL, SAMPLED, WHOLE
from mappings.models import AgreementKind, AgreementRun, AgreementSetting, ComparedItem

SAMPLE_EVERY = timedelta(hours=1)
DAY = timedelta(days=1)


def _ready(subject: str, now: datetime) -> QuerySet[AgreementSetting]:
    """Switched on, of a connector that works, not put off by a failure, and without such a job at work."""
    busy = Job.objects.filter(
        connector=OuterRef("connector"), kind=JobKind.AGREEMENT, subject=subject, state__in=ACTIVE
    )
    # A poll of Align has a time of its own, which a failure of it puts off.
    not_put_off = Q() if subject == POLL else Q(work_after=None) | Q(work_after__lte=now)
    works = Q(connector__is_active=True, connector__maintenance_since=None, connector__disconnected_at=None)
    found = AgreementSetting.objects.filter(not_put_off & works, ~Exists(busy), is_on=True)
    return found.select_related("connector").order_by("pk")


def _start(
    subject: str,
    column: str,
    every: timedelta,
    following: Callable[[datetime], datetime],
) -> int:
    """Those that are due, with the next time in the same statement. Far ahead: the clock went back."""
    now = timezone.now()
    due = Q(**{column: None}) | Q(**{f"{column}__lte": now}) | Q(**{f"{column}__gt": now + every + every})
    started = 0
    for setting in _ready(subject, now).filter(due):
        with transaction.atomic():
            if AgreementSetting.objects.filter(due, pk=setting.pk).update(**{column: following(now)}):
                runner.start(setting.connector, JobKind.AGREEMENT, actor=None, subject=subject)
                started += 1
    return started


@due_work
def start_changed() -> int:
    """What was announced, polled, or is looked at again since its change may have come over."""
    now = timezone.now()
    due = ComparedItem.objects.filter(connector=OuterRef("connector"), due_at__lte=now)
    found = list(_ready(CHANGED, now).filter(Exists(due)))
    for setting in found:
        runner.start(setting.connector, JobKind.AGREEMENT, actor=None, subject=CHANGED)
    return len(found)


@due_work
def start_samples() -> int:
    return _start(SAMPLED, "sample_due_at", SAMPLE_EVERY, lambda now: now + SAMPLE_EVERY)


@due_work
def start_polls() -> int:
    if not settings.AGREEMENT_POLL_INTERVAL:
        return 0
    every = timedelta(seconds=settings.AGREEMENT_POLL_INTERVAL)
    return _start(POLL, "poll_due_at", every, lambda now: now + every)


@due_work
def start_whole() -> int:
    """Also the further slices of one that has begun, and once a day the word that one did not end."""
    now = timezone.now()
    open_ = AgreementRun.objects.filter(connector=OuterRef("connector"), kind=AgreementKind.WHOLE, finished_at=None)
    begun = list(_ready(WHOLE, now).filter(Exists(open_)))
    for setting in begun:
        if setting.whole_due_at is not None and setting.whole_due_at <= now:
            AgreementSetting.objects.filter(pk=setting.pk).update(whole_due_at=next_night(now))
            notices.tell_not_ended(setting.connector)
        runner.start(setting.connector, JobKind.AGREEMENT, actor=None, subject=WHOLE)
    return len(begun) + _start(WHOLE, "whole_due_at", DAY, next_night)


def next_night(now: datetime) -> datetime:
    return last_hour(now, settings.AGREEMENT_HOUR) + DAY
