"""Signing weeks off, and what of reviews is still to do.

A sign-off is an entry with what the week was then: its counts, the last entry and the head of the chain, the sample
that was looked at. The Review row only says which entry holds for the week.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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
from connectors.history.reviews import drafts, samples, week_counts, weeks
from connectors.history.reviews.notes import lines_of_browser, refuse_long_note
from connectors.history.reviews.own_changes import own_changes
from connectors.history.reviews.samples import Sample
from connectors.history.reviews.week_gaps import gaps_of_weeks
from connectors.history.reviews.weeks import ReviewStatus, Week, WeekLine
from connectors.models import HistoryRow, Question, Review
from connectors.ports.audited import WEEK_REVIEWED

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
    of=weeks_overdue,
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
    note = lines_of_browser(note)
    with transaction.atomic():
        head = lock_head()  # no row comes in until this is through
        line = week_counts.line_of(week, timezone.now())
        _refuse_person(week, actor)
        _refuse_week(line, seen)
        _refuse_note(note, line.open_cases)
        drawn = samples.of_entry(sample, week) if sample else None
        if sample and drawn is None:
            raise Refused("That sample is not of this week. Draw one, then sign.")
        return store([line], note, head, sample=drawn, actor=actor)[0]


def _refuse_person(week: Week, actor: Person) -> None:
    refuse_no_reviewer(actor)
    if own := own_changes(actor, week):
        named = "; ".join(f"{row.at:%-d %b, %H:%M} UTC, {row.sentence or row.action}"[:200] for row in own[:5])
        more = f"; and {len(own) - 5} more" if len(own) > 5 else ""
        raise Refused(f"Changes of your own are in this week, so someone else has to sign it: {named}{more}")


def refuse_no_reviewer(actor: Person) -> None:
    """Asked within the transaction: a right may have been taken back since the page was drawn."""
    if not may(Person.objects.filter(pk=actor.pk).first(), Right.REVIEW):
        raise Refused("You are no longer a reviewer. Nothing was signed.")


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
    refuse_long_note(note)
    if open_cases and not note:
        raise Refused("There are open cases in this week: say in the note why it can be signed all the same.")


def store(
    lines: Sequence[WeekLine], note: str, head: Head, *, sample: Sample | None = None, actor: Person
) -> list[Review]:
    """The reviews and an entry of each, as the end of the caller's transaction, which holds the lock of `head`."""
    now, chosen = timezone.now(), [line.week for line in lines]
    actions, people, gaps_of = _counts(chosen, "action"), _counts(chosen, "person_name"), gaps_of_weeks(chosen)
    reviews = [
        Review(
            week=line.week.monday,
            person=actor,
            person_name=str(actor),
            at=now,
            note=note,
            until_seq=head.seq,
            rows=line.rows,
            entry_seq=head.seq + place,
        )
        for place, line in enumerate(lines, start=1)
    ]
    stored = Review.objects.bulk_create(
        reviews,
        update_conflicts=True,
        unique_fields=["week"],
        update_fields=["person", "person_name", "at", "note", "until_seq", "rows", "entry_seq"],
    )
    drafts.forget(chosen)
    records = []
    for line in lines:
        data = _data(line, head, sample) | {
            "by_action": actions[line.week],
            "by_person": people[line.week],
            "gaps": [f"{gap.connector.slug}: {gap}" for gap in gaps_of[line.week]],
        }
        together = {"together": [week.slug for week in chosen]} if len(chosen) > 1 else {}
        records.append(_audit_record(line, note, data | together, actor))
    trail.record_all(records)
    return stored


def _audit_record(line: WeekLine, note: str, data: Mapping[str, Any], actor: Person) -> AuditRecord:
    again = " again" if line.review else ""
    counts = f"{counted(line.rows, 'row')}, {counted(line.outside, 'outside change')}"
    return AuditRecord(
        action=WEEK_REVIEWED,
        actor=actor,
        subject=line.week.subject,
        sentence=f"Signed off the week {line.week}{again}: {counts}, {counted(line.open_cases, 'open case')}.",
        reason=note,
        data=data,
    )


def _data(line: WeekLine, head: Head, sample: Sample | None) -> dict[str, Any]:
    week = line.week
    open_questions = questions_of(week).filter(answered_at=None) if line.open_questions else Question.objects.none()
    return {
        "week": week.slug,
        "since": week.since.isoformat(),
        "until": week.until.isoformat(),
        "rows": line.rows,
        "outside": line.outside,
        "open_cases": line.open_cases,
        "open_questions": list(open_questions.values_list("pk", flat=True)),
        "until_seq": head.seq,
        "head": head.hash,
        "sample": asdict(sample) if sample else None,
        "before": line.review.entry_seq if line.review else None,
    }


def _counts(chosen: Sequence[Week], column: str) -> dict[Week, dict[str, int]]:
    """Of each week its most frequent values."""
    found: dict[Week, Counter[str]] = {week: Counter() for week in chosen}
    for week, each in week_counts.by_day(HistoryRow.objects.order_by(), chosen, column)(total=Count("id")):
        found[week][each[column]] += each["total"]
    return {
        week: dict(sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_NAMED])
        for week, counts in found.items()
    }


# -- what belongs to a week -------------------------------------------------------------------------------------------


def questions_of(week: Week) -> QuerySet[Question]:
    """About rows of this week, whenever they were asked."""
    rows = weeks.rows_of(week)
    of_entry, of_line = rows.filter(entry_seq=OuterRef("entry_seq")), rows.filter(line=OuterRef("line"))
    return Question.objects.filter(Exists(of_entry) | Exists(of_line)).order_by("pk")


def sign_off_of(review: Review) -> Mapping[str, Any]:
    """What its entry says; empty when that stands in an archive."""
    entry = Entry.objects.filter(seq=review.entry_seq).first()
    data: Mapping[str, Any] = json.loads(entry.body)["data"] if entry else {}
    return data
