"""Signing weeks off, and what of reviews is still to do.

A sign-off is an entry with what the week was then: its counts, the last entry and the head of the chain, the sample
that was looked at. The Review row only says which entry holds for the week.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, Head, lock_head
from alignadmin.audit.models import Entry
from alignadmin.errors import Refused
from alignadmin.text import counted
from alignadmin.web.navigation import AttentionCount
from connectors.history.intake import gaps
from connectors.history.intake.gaps import CoverageGap
from connectors.history.reviews import samples, weeks
from connectors.history.reviews.own_changes import own_changes
from connectors.history.reviews.samples import Sample
from connectors.history.reviews.weeks import ReviewStatus, Week, WeekLine
from connectors.models import Question, Review
from connectors.models.connector import Connector
from connectors.ports.audited import WEEK_REVIEWED

LONGEST_NOTE = 4000
ROUNDING = timedelta(minutes=2)  # of a pull every minute
MOST_NAMED = 200  # actions and people that an entry counts one by one


def overdue() -> int:
    """How many weeks ended so long ago that they should have been signed."""
    return weeks.review_status().overdue


@dataclass(frozen=True, kw_only=True)
class ToDo:
    """What of reviews the overview tells those who read the history."""

    review_status: ReviewStatus
    open_questions: int

    def __bool__(self) -> bool:
        return bool(self.review_status.open or self.open_questions)


def to_do() -> ToDo:
    return ToDo(review_status=weeks.review_status(), open_questions=open_questions())


def weeks_overdue(person: Person) -> int:
    """Beside the navigation's History, for reviewers."""
    return overdue() if may(person, Right.REVIEW) else 0


OVERDUE = AttentionCount(
    entry="History",
    count=weeks_overdue,
    words=lambda number: f"{counted(number, 'week')} of the history overdue for review",
    page="review",
)


def open_questions() -> int:
    return Question.objects.filter(answered_at=None).count()


# -- signing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SeenWeek:
    """What stood on the page that is signed: the entry of the sign-off before (0: none), and the counts."""

    review: int
    rows: int
    open_cases: int


def sign(week: Week, *, note: str, seen: SeenWeek, sample: int = 0, actor: Person) -> Review:
    """Sign the week off as it was seen; `sample` is the entry of one that was drawn. Raises Refused."""
    note = note.strip()
    with transaction.atomic():
        head = lock_head()  # no row comes in until this is through
        line = weeks.line_of(week, timezone.now())
        _refuse_person(week, actor)
        _refuse_week(line, seen)
        _refuse_note(note, line.open_cases)
        drawn = samples.of_entry(sample, week) if sample else None
        if sample and drawn is None:
            raise Refused("That sample is not of this week. Draw one, then sign.")
        act = _audit_record(line, note, head, drawn, actor)
        review = _save(line, note, head.seq, actor)
        trail.record_all([act])
    return review


def _refuse_person(week: Week, actor: Person) -> None:
    current = Person.objects.filter(pk=actor.pk).first()
    if not may(current, Right.REVIEW):
        raise Refused("You are no longer a reviewer. Nothing was signed.")
    if own := own_changes(actor, week):
        named = "; ".join(f"{row.at:%-d %b, %H:%M} UTC, {row.sentence or row.action}"[:200] for row in own[:5])
        more = f"; and {len(own) - 5} more" if len(own) > 5 else ""
        raise Refused(f"Changes of your own are in this week, so someone else has to sign it: {named}{more}")


def _refuse_week(line: WeekLine, seen: SeenWeek) -> None:
    week, review = line.week, line.review
    if not line.is_over:
        raise Refused(f"The week {week} is not over: it ends on {week.sunday:%A}, 24:00 UTC.")
    if review and review.entry_seq != seen.review:
        raise Refused(f"{review.person_name} signed this week at {review.at:%H:%M} UTC on {review.at:%-d %b %Y}.")
    if review and not line.changed:
        raise Refused(f"{review.person_name} has signed this week, and nothing has changed in it since.")
    if (seen.rows, seen.open_cases) != (line.rows, line.open_cases):
        raise Refused(
            f"The week has changed since you opened it: {line.rows} rows and {line.open_cases} open cases now, "
            f"{seen.rows} and {seen.open_cases} then. Look again, then sign."
        )


def _refuse_note(note: str, open_cases: int) -> None:
    if len(note) > LONGEST_NOTE:
        raise Refused(f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(note):,}.")
    if open_cases and not note:
        raise Refused("There are open cases in this week: say in the note why it can be signed all the same.")


def _save(line: WeekLine, note: str, until_seq: int, actor: Person) -> Review:
    review = line.review or Review(week=line.week.monday)
    review.person, review.person_name, review.at, review.note = actor, str(actor), timezone.now(), note
    review.until_seq, review.rows, review.entry_seq = until_seq, line.rows, until_seq + 1
    review.save()
    return review


def _audit_record(line: WeekLine, note: str, head: Head, sample: Sample | None, actor: Person) -> AuditRecord:
    again = " again" if line.review else ""
    counts = f"{counted(line.rows, 'row')}, {counted(line.outside, 'outside change')}"
    return AuditRecord(
        action=WEEK_REVIEWED,
        actor=actor,
        subject=line.week.subject,
        sentence=f"Signed off the week {line.week}{again}: {counts}, {counted(line.open_cases, 'open case')}.",
        reason=note,
        data=_data(line, head, sample),
    )


def _data(line: WeekLine, head: Head, sample: Sample | None) -> dict[str, Any]:
    week = line.week
    return {
        "week": week.slug,
        "since": week.since.isoformat(),
        "until": week.until.isoformat(),
        "rows": line.rows,
        "outside": line.outside,
        "open_cases": line.open_cases,
        "by_action": _counts(week, "action"),
        "by_person": _counts(week, "person_name"),
        "open_questions": list(questions_of(week).filter(answered_at=None).values_list("pk", flat=True)),
        "gaps": [f"{gap.connector.slug}: {gap}" for gap in gaps_of(week)],
        "until_seq": head.seq,
        "head": head.hash,
        "sample": asdict(sample) if sample else None,
        "before": line.review.entry_seq if line.review else None,
    }


def _counts(week: Week, column: str) -> dict[str, int]:
    found = weeks.rows_of(week).values_list(column).annotate(total=Count("id")).order_by("-total", column)
    return dict(found[:MOST_NAMED])


# -- what belongs to a week -------------------------------------------------------------------------------------------


def questions_of(week: Week) -> QuerySet[Question]:
    """About rows of this week, whenever they were asked."""
    rows = weeks.rows_of(week)
    of_entry, of_line = rows.filter(entry_seq=OuterRef("entry_seq")), rows.filter(line=OuterRef("line"))
    return Question.objects.filter(Exists(of_entry) | Exists(of_line)).order_by("pk")


@dataclass(frozen=True, kw_only=True)
class GapOf:
    """Time of a week for which a connector's log was not taken in."""

    connector: Connector
    gap: CoverageGap

    def __str__(self) -> str:
        return f"{self.gap.since:%-d %b, %H:%M} to {self.gap.until:%-d %b, %H:%M} UTC"


def gaps_of(week: Week) -> list[GapOf]:
    """Of connectors in use, from when each was added; a minute without is how an intake by the minute works."""
    until = min(week.until, timezone.now())
    return [
        GapOf(connector=connector, gap=gap)
        for connector in Connector.objects.filter(is_active=True, created_at__lt=until).order_by("name")
        for gap in gaps.gaps(connector, max(week.since, connector.created_at), until)
        if gap.until - gap.since > ROUNDING
    ]


def sign_off_of(review: Review) -> Mapping[str, Any]:
    """What its entry says; empty when that stands in an archive."""
    entry = Entry.objects.filter(seq=review.entry_seq).first()
    data: Mapping[str, Any] = json.loads(entry.body)["data"] if entry else {}
    return data
