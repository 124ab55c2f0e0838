"""Scheduled packs: the week or month before, packed again and again; a period that was missed is caught up.

`due_at` names the period and is the claim: one worker moves it on in the transaction that queues the pack.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.due_work import due_work
from alignadmin.errors import Refused
from connectors.history.packs import mail, selection, services
from connectors.history.packs.selection import BadQuery
from connectors.history.search import query_language
from connectors.models import Every, Pack, PackSchedule

log = logging.getLogger(__name__)

ZONE = "UTC"  # of the periods, as of the weeks of reviews
HOUR = 1  # on the first day after a period: by then its last lines of Align's log have come in
MOST_SCHEDULES = 100
MOST_RECIPIENTS = 20


@dataclass(frozen=True, kw_only=True)
class SchedulePeriod:
    """Whole days, both ends included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first:%-d %b %Y} to {self.last:%-d %b %Y}"


# -- periods ----------------------------------------------------------------------------------------------------------


def next_due(every: str, after: datetime) -> datetime:
    """The first moment after this one at which a period has ended."""
    day = after.astimezone(UTC).date()
    while True:
        at = datetime(day.year, day.month, day.day, HOUR, tzinfo=UTC)
        if at > after and (day.weekday() == 0 if every == Every.WEEK else day.day == 1):
            return at
        day += timedelta(days=1)


def period_before(every: str, due_at: datetime) -> SchedulePeriod:
    """That is packed at such a moment."""
    last = due_at.astimezone(UTC).date() - timedelta(days=1)
    first = last - timedelta(days=6) if every == Every.WEEK else last.replace(day=1)
    return SchedulePeriod(first=first, last=last)


def query_of(schedule: PackSchedule, period: SchedulePeriod) -> str:
    found = query_language.with_terms(
        query_language.parse(schedule.query), since=str(period.first), until=str(period.last)
    )
    return query_language.write(found)


@dataclass(frozen=True, kw_only=True)
class PackTrouble:
    pack: Pack
    sentence: str  # why there is no pack, or why nobody has got it


def troubles() -> list[PackTrouble]:
    """The last pack of each schedule that is on, where it has failed or could not be sent."""
    last = Pack.objects.filter(schedule=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    newest = PackSchedule.objects.filter(is_active=True).annotate(last=Subquery(last)).values("last")
    packs = list(Pack.objects.filter(pk__in=newest).select_related("schedule", "job").order_by("pk"))
    mails = mail.mail_of(packs)
    found = [(pack, pack.error or (mails[pack.pk].trouble if pack.pk in mails else "")) for pack in packs]
    return [PackTrouble(pack=pack, sentence=sentence) for pack, sentence in found if sentence]


# -- what admins do ---------------------------------------------------------------------------------------------------


def add(name: str, query: str, every: Every, recipients: Sequence[str], *, actor: Person) -> PackSchedule:
    """Raises Refused and selection.BadQuery."""
    if selection.has_dates(query):
        raise Refused("Leave since: and until: out of the filter: a schedule packs the period before it is due.")
    chosen = selection.select(query, ZONE)
    with transaction.atomic():
        lock_head()
        if PackSchedule.objects.filter(name=name).exists():
            raise Refused(f"There is a schedule “{name}” already. Choose another name.")
        if PackSchedule.objects.count() >= MOST_SCHEDULES:
            raise Refused(f"There are {MOST_SCHEDULES} schedules already. Delete one first.")
        made = PackSchedule.objects.create(
            name=name,
            query=chosen.query,
            every=every,
            recipients="\n".join(recipients),
            created_by=actor,
            due_at=next_due(every, timezone.now()),
        )
        _record("pack.scheduled", made, f"{every.label}: {chosen.words}", actor, recipients=list(recipients))
    return made


def pause(schedule: PackSchedule, *, actor: Person) -> None:
    _switch(schedule, on=False, actor=actor)


def resume(schedule: PackSchedule, *, actor: Person) -> None:
    """From the next period on; those that ended in the pause are not packed."""
    _switch(schedule, on=True, actor=actor)


def _switch(schedule: PackSchedule, *, on: bool, actor: Person) -> None:
    values: dict[str, Any] = {"is_active": on}
    if on:
        values["due_at"] = next_due(schedule.every, timezone.now())
    with transaction.atomic():
        if PackSchedule.objects.filter(pk=schedule.pk, is_active=not on).update(**values):
            word = "resumed" if on else "paused"
            _record(f"pack.schedule_{word}", schedule, word.capitalize(), actor)


def delete(schedule: PackSchedule, *, actor: Person) -> None:
    """The packs it has made stay."""
    with transaction.atomic():
        found = PackSchedule.objects.locked().filter(pk=schedule.pk).first()
        if found is None:
            return
        mail.withdraw(found)
        PackSchedule.objects.filter(pk=found.pk).delete()
        _record("pack.schedule_deleted", found, "Deleted", actor)


def _record(action: str, schedule: PackSchedule, what: str, actor: Person, **data: Any) -> None:
    said: Mapping[str, Any] = {"schedule": schedule.name, "query": schedule.query, "every": schedule.every, **data}
    trail.record(
        AuditRecord(
            action=action,
            actor=actor,
            subject=f"pack schedule {schedule.name}",
            sentence=f"Scheduled packs “{schedule.name}”. {what}.",
            data=said,
        )
    )


# -- by the clock -----------------------------------------------------------------------------------------------------


@due_work
def ask_due() -> int:
    """A pack for each period that has ended, the oldest first."""
    due = PackSchedule.objects.filter(is_active=True, due_at__lte=timezone.now()).order_by("due_at")
    return sum(_ask(schedule) for schedule in due)


def _ask(schedule: PackSchedule) -> bool:
    period = period_before(schedule.every, schedule.due_at)
    try:
        chosen = selection.select(query_of(schedule, period), ZONE)
    except BadQuery as error:  # a connector it names is gone
        return _give_up(schedule, period, str(error))
    with transaction.atomic():
        if not _moved_on(schedule):
            return False
        services.queue(chosen, asked_by=None, actor=None, schedule=schedule)
    return True


def _moved_on(schedule: PackSchedule) -> bool:
    """The conditional update is the claim: of several workers one asks."""
    mine = PackSchedule.objects.filter(pk=schedule.pk, due_at=schedule.due_at, is_active=True)
    return bool(mine.update(due_at=next_due(schedule.every, schedule.due_at)))


def _give_up(schedule: PackSchedule, period: SchedulePeriod, why: str) -> bool:
    with transaction.atomic():
        if not _moved_on(schedule):
            return False
        services.store_failed(query_of(schedule, period), ZONE, why, schedule)
        trail.record(
            AuditRecord(
                action="pack.not_asked",
                actor=None,
                subject=f"pack schedule {schedule.name}",
                sentence=f"The scheduled pack “{schedule.name}” of {period} could not be asked for. {why}",
                data={"schedule": schedule.name, "query": schedule.query, "why": why},
            )
        )
    return True
