"""The weeks that are reviewed: Monday to Sunday in UTC, from the one of the first entry on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from connectors.history.search.periods import MINUTE
from connectors.models import HistoryRow, Review

OVERDUE = timedelta(days=7)  # after its end: a reviewer who looks once a week is never late
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, order=True)
class Week:
    monday: date

    def __str__(self) -> str:
        """ "2 to 8 Mar 2026", with as much of the first day as differs from the last."""
        first, last = self.monday, self.sunday
        form = "%-d %b %Y" if first.year != last.year else "%-d %b" if first.month != last.month else "%-d"
        return f"{first.strftime(form)} to {last:%-d %b %Y}"

    @property
    def sunday(self) -> date:
        return self.monday + 6 * DAY

    @property
    def since(self) -> datetime:
        return datetime.combine(self.monday, time.min, UTC)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return self.since + 7 * DAY

    @property
    def before(self) -> Week:
        return Week(monday=self.monday - 7 * DAY)

    @property
    def after(self) -> Week:
        return Week(monday=self.monday + 7 * DAY)

    @property
    def slug(self) -> str:
        return self.monday.isoformat()

    @property
    def subject(self) -> str:
        return f"week {self.slug}"

    @property
    def number(self) -> str:
        year, week, _ = self.monday.isocalendar()
        return f"{year}-W{week:02}"

    @property
    def query(self) -> str:
        """Exactly its rows in the history's search, whatever the zone of whoever follows the link."""
        return f"since:{self.since:{MINUTE}} until:{self.until - timedelta(minutes=1):{MINUTE}}"

    def is_over(self, now: datetime) -> bool:
        return self.until <= now

    def is_late(self, now: datetime) -> bool:
        return self.until + OVERDUE < now


def week_of(at: datetime) -> Week:
    day = at.astimezone(UTC).date()
    return Week(monday=day - timedelta(days=day.weekday()))


def read(text: str, now: datetime) -> Week | None:
    """The week that begins on this day, "2026-03-02"; None for what is none, and for one that nobody reviews."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    week = Week(monday=day)
    return week if day.weekday() == 0 and first(now) <= week <= week_of(now) else None


def first(now: datetime) -> Week:
    """The one of the first entry; lines of Align's log may be older, from before anybody looked here."""
    ours = HistoryRow.objects.filter(entry_seq__isnull=False).order_by("entry_seq")
    return week_of(ours.values_list("at", flat=True).first() or now)


def rows_of(week: Week) -> QuerySet[HistoryRow]:
    return HistoryRow.objects.filter(at__gte=week.since, at__lt=week.until)


# -- one week with its counts -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class WeekLine:
    """A week with its counts as they are now (connectors.history.reviews.week_counts)."""

    week: Week
    rows: int
    outside: int
    open_cases: int
    explained_cases: int
    open_questions: int
    answered_questions: int
    review: Review | None
    now: datetime

    @property
    def is_over(self) -> bool:
        return self.week.is_over(self.now)

    @property
    def is_late(self) -> bool:
        return self.review is None and self.week.is_late(self.now)

    @property
    def changed(self) -> int:
        """By how many rows it has grown since it was signed: late lines. It shrinks where lines found their cause."""
        return self.rows - self.review.rows if self.review else 0

    @property
    def is_to_sign(self) -> bool:
        """Whether it can be signed by somebody now, for the first time or again."""
        return self.is_over and (self.review is None or self.changed != 0)

    @property
    def is_quiet(self) -> bool:
        """Nothing in it is open, so that it may be signed together with others."""
        return self.is_to_sign and not (self.open_cases or self.open_questions)


# -- how far ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ReviewStatus:
    """How far the reviews have come."""

    until: date | None  # every week up to this Sunday is signed
    open: int  # weeks that are over and not signed, the overdue ones among them
    overdue: int
    oldest: Week | None  # the first that is not signed


def review_status(now: datetime | None = None) -> ReviewStatus:
    now = now or timezone.now()
    start, running = first(now), week_of(now)
    signed = set(Review.objects.filter(week__gte=start.monday).values_list("week", flat=True))
    count = (running.monday - start.monday).days // 7
    unsigned = [
        week for each in range(count) if (week := Week(monday=start.monday + each * 7 * DAY)).monday not in signed
    ]
    oldest = unsigned[0] if unsigned else None
    last = (oldest or running).before
    return ReviewStatus(
        until=last.sunday if last >= start else None,
        open=len(unsigned),
        overdue=sum(week.is_late(now) for week in unsigned),
        oldest=oldest,
    )
