"""A pasted or uploaded run that was wrong is withdrawn: nothing is deleted, but what only it has shown does not count.

Pairs, cases, rows and covered time are as if it had never come in; taking the same lines in again brings them back.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.bulk_insert import insert
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.audit.models import Entry
from alignadmin.errors import Refused
from connectors.history.intake import gaps, runs
from connectors.history.mirror import case_lifecycle, matching, search_terms
from connectors.history.mirror import projection as make
from connectors.history.mirror.case_lifecycle import Voided
from connectors.models import (
    Case,
    Certainty,
    HistoryRow,
    Intake,
    IntakeRun,
    MirrorLine,
    RunWithdrawal,
    SeenAgain,
    Source,
    WithdrawnLine,
)
from connectors.models.connector import Connector
from connectors.ports.audited import LOG_WITHDRAWN, context_of

AT_ONCE = 500
LONGEST_REASON = 4000
MOST_LISTED = 1000  # cases that the entry names
BY_HAND = (Intake.PASTE, Intake.UPLOAD)


@dataclass(frozen=True, kw_only=True)
class WithdrawalEffect:
    """What a withdrawal did: lines that do not count any more, of those the run has shown, and cases."""

    ended: int
    shown: int
    closed: int
    voided: Sequence[Voided]

    @property
    def sentence(self) -> str:
        """For people; said before, it is of what would be."""
        kept = self.shown - self.ended
        parts = [f"{_counted(self.ended, 'line')} no longer {'counts' if self.ended == 1 else 'count'}."]
        if kept:
            parts.append(f"{_counted(kept, 'line')} still {'counts' if kept == 1 else 'count'}: other runs show them.")
        if self.closed:
            parts.append(f"{_counted(self.closed, 'outside change')} ended as withdrawn.")
        if opened := sum(each.is_open for each in self.voided):
            parts.append(f"{_counted(opened, 'explanation')} spoke of such a line: open again.")
        return " ".join(parts)


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A run as its pages show it."""

    run: IntakeRun

    @property
    def withdrawal(self) -> RunWithdrawal | None:
        return getattr(self.run, "withdrawal", None)

    @property
    def stretches(self) -> list[tuple[datetime, datetime]]:
        return [(since, until) for since, until, _ in runs.stretches(self.run)]

    @property
    def who(self) -> str:
        return self.run.person_name or "AlignAdmin"


def preview(run: IntakeRun) -> WithdrawalEffect:
    """What a withdrawal would do now."""
    shown, lines = _shown_only_by(run)
    cases = list(_cases(lines))
    closed = sum(case.entry_seq is None for case in cases)
    return WithdrawalEffect(ended=len(lines), shown=shown, closed=closed, voided=[])


def outcome(run: IntakeRun) -> WithdrawalEffect | None:
    """What its withdrawal did, as the entry of that says; None when it stands, or when the entry was archived."""
    withdrawal = RunView(run=run).withdrawal
    entry = Entry.objects.filter(seq=withdrawal.entry_seq).first() if withdrawal else None
    if entry is None:
        return None
    data = json.loads(entry.body)["data"]
    voided = [Voided(**each | {"at": datetime.fromisoformat(each["at"])}) for each in data["voided"]]
    return WithdrawalEffect(ended=data["ended"], shown=data["shown"], closed=data["closed"], voided=voided)


def why_not(run: IntakeRun) -> str:
    """Why this run cannot be withdrawn; empty where it can be."""
    if run.intake == Intake.ENDPOINT:
        return (
            "These lines were read from Align itself, by no person who could have taken the wrong text or zone, and "
            "the next reading would show them again. So they cannot be withdrawn."
        )
    if run.intake == Intake.BEFORE:
        return "These lines came in before runs were kept: which of them came together is no longer known."
    done = RunWithdrawal.objects.filter(pk=run.pk).first()
    if done:
        return f"{done.person_name} has withdrawn this on {done.at:%-d %b %Y, %H:%M} UTC: {done.reason}"
    return ""


def withdraw(run: IntakeRun, reason: str, *, actor: Person) -> WithdrawalEffect:
    """Raises Refused. What else shows a line keeps it."""
    reason = make.safe(reason).strip()
    if not reason:
        raise Refused("Say why, in a few words: whoever reads the history will ask.")
    if len(reason) > LONGEST_REASON:
        raise Refused(f"The reason is longer than {LONGEST_REASON} characters: shorten it, or point to a ticket.")
    with transaction.atomic():
        lock_head()
        if why := why_not(run):
            raise Refused(why)
        shown, lines = _shown_only_by(run)
        _take_out(run.connector, lines)
        gaps.cover_anew(run.connector, Intake(run.intake), _still_covered(run))
        seq = lock_head().seq + 1
        note = withdrawal_note(reason)
        cases = list(_cases(lines))
        voided = case_lifecycle.void(cases, note, _name(actor), seq)
        closed = sum(case.entry_seq is None for case in cases)
        outcome = WithdrawalEffect(ended=len(lines), shown=shown, closed=closed, voided=voided)
        withdrawal = RunWithdrawal.objects.create(
            run=run, person_id=actor.pk, person_name=_name(actor), at=timezone.now(), reason=reason, entry_seq=seq
        )
        trail.record_all([_audit_record(withdrawal, outcome, cases, actor)])
    return outcome


def withdrawal_note(reason: str) -> str:
    """What the cases that ended with it say."""
    return f"The taking-in that brought its line was withdrawn: {reason}"


def _audit_record(
    withdrawal: RunWithdrawal, outcome: WithdrawalEffect, cases: Sequence[Case], actor: Person
) -> AuditRecord:
    run = withdrawal.run
    what = f"what was {run.get_intake_display()} on {run.ended_at:%-d %b %Y, %H:%M} UTC by {run.person_name}"
    return AuditRecord(
        action=LOG_WITHDRAWN,
        actor=actor,
        context=context_of(run.connector),
        subject=run.connector.config_name,
        sentence=f"Withdrew {what} (run {run.number}). {outcome.sentence} Reason: {withdrawal.reason}",
        reason=withdrawal.reason,
        data={
            "withdrawal": runs.withdrawal_facts(withdrawal),
            "ended": outcome.ended,
            "shown": outcome.shown,
            "closed": outcome.closed,
            "cases": [case.pk for case in cases[:MOST_LISTED]],
            "voided": [_as_data(each) for each in outcome.voided[:MOST_LISTED]],
        },
    )


def _as_data(voided: Voided) -> dict[str, Any]:
    return vars(voided) | {"at": voided.at.isoformat()}


def _name(person: Person) -> str:
    return (person.name or person.email)[:320]


def _counted(number: int, what: str) -> str:
    return f"{number} {what if number == 1 else what + 's'}"


# -- which lines ------------------------------------------------------------------------------------------------------


def _shown_only_by(run: IntakeRun) -> tuple[int, list[MirrorLine]]:
    """How many lines the run has shown, and those that count now and will not without it."""
    counts: dict[str, int] = defaultdict(int)
    for first, last in SeenAgain.objects.filter(run=run).values_list("first", "last"):
        _count(MirrorLine.objects.filter(pk__range=(first, last)), counts)
    _count(MirrorLine.objects.filter(run=run), counts)
    found: list[MirrorLine] = []
    for some in _some(sorted(counts)):
        counted = runs.counted_occurrences(run.connector_id, some, without=run.pk)
        there = MirrorLine.objects.filter(connector=run.connector, digest__in=some, withdrawal=None)
        found += [line for line in there.order_by("pk") if line.occurrence > counted[line.digest]]
    return sum(counts.values()), found


def _count(lines: QuerySet[MirrorLine], counts: dict[str, int]) -> None:
    for digest, occurrence in lines.values_list("digest", "occurrence").iterator(chunk_size=AT_ONCE):
        counts[digest] = max(occurrence, counts[digest])


def _still_covered(run: IntakeRun) -> list[tuple[datetime, datetime]]:
    return runs.joined(runs.covered(run.connector, without=run.pk)[run.intake])


def _cases(lines: Sequence[MirrorLine]) -> Iterator[Case]:
    for some in _some([line.pk for line in lines]):
        yield from Case.objects.filter(line__in=some).order_by("pk")


# -- out of the history, and back -------------------------------------------------------------------------------------


def _take_out(connector: Connector, lines: Sequence[MirrorLine]) -> None:
    """Their rows go; changes of ours that they were paired with look for another line."""
    insert([WithdrawnLine(line=line) for line in lines])
    match_keys: set[str] = set()
    for some in _some([line.pk for line in lines]):
        shown = HistoryRow.objects.filter(line__in=some)
        match_keys |= set(shown.exclude(match="").values_list("match", flat=True))
        for row in shown.filter(source=Source.OURS):
            row.line, row.certainty, row.identical = None, Certainty.NONE, 0
            row.text = search_terms.with_remote(row.text, "")
            row.save(update_fields=["line", "certainty", "identical", "text"])
        HistoryRow.objects.filter(line__in=some).delete()
    matching.pair_lines(connector, match_keys, span=matching.around(line.at for line in lines))


def count_again(connector: Connector, counts: Mapping[str, int]) -> list[MirrorLine]:
    """Bring withdrawn lines back of which a new run has shown as many, by digest; their rows are the caller's part."""
    if not WithdrawnLine.objects.filter(line__connector=connector).exists():
        return []
    found: list[MirrorLine] = []
    for some in _some(sorted(counts)):
        withdrawn = MirrorLine.objects.filter(connector=connector, digest__in=some).exclude(withdrawal=None)
        found += [line for line in withdrawn.order_by("pk") if line.occurrence <= counts[line.digest]]
    for keys in _some([line.pk for line in found]):
        WithdrawnLine.objects.filter(pk__in=keys).delete()
    return found


def _some(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
