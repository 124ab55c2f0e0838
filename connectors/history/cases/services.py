"""Outside changes that somebody has to explain: which there are, and what people say about them.

Opening them, and closing those that find a cause, is the join's part (see case_book).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.errors import Refused
from alignadmin.text import counted
from alignadmin.web.navigation import AttentionCount
from connectors.history.mirror import case_lifecycle, matching
from connectors.history.mirror import projection as make
from connectors.history.mirror.drift_observation import DriftObservation
from connectors.models import Case, CaseState, HistoryRow
from connectors.models.connector import Connector
from connectors.ports.audited import context_of, event_fields
from connectors.ports.extensions import extensions

EXPLAINED, TAKEN_BACK = "case.explained", "case.taken-back"
AT_ONCE = 5000  # cases explained by one note
LONGEST_NOTE = 4000


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A case with its row of the history: the line's, or that of what only the watch has seen."""

    case: Case
    row: HistoryRow | None

    @property
    def sentence(self) -> str:
        if self.row:
            return self.row.sentence
        return self.case.line.description if self.case.line else ""

    @property
    def is_seen_only(self) -> bool:
        return self.case.line_id is None

    @property
    def way_back(self) -> str:
        if self.row is None or self.case.state != CaseState.OPEN:
            return ""
        return extensions().way_back(self.row)


# -- which there are -----------------------------------------------------------------------------------------------


def open_cases(connector: Connector) -> int:
    return Case.objects.filter(connector=connector, state=CaseState.OPEN).count()


def waiting_for(person: Person) -> QuerySet[Case] | int:
    """Beside the navigation's History: of active connectors, for those who may explain them."""
    if not may(person, Right.EXPLAIN):
        return 0
    return Case.objects.filter(state=CaseState.OPEN, connector__is_active=True)


NOT_EXPLAINED = AttentionCount(
    entry="History",
    of=waiting_for,
    words=lambda number: f"{counted(number, 'outside change')} not explained",
    page="cases",
)


def select(*, state: str = "", connector: Connector | None = None, until: datetime | None = None) -> QuerySet[Case]:
    """Newest first; `until` leaves those out that happened later."""
    found = Case.objects.select_related("connector", "line").order_by("-at", "-pk")
    if state:
        found = found.filter(state=state)
    if connector:
        found = found.filter(connector=connector)
    return found.filter(at__lte=until) if until else found


def with_rows(cases: Iterable[Case]) -> list[Outside]:
    """In two queries, however many they are."""
    chosen = list(cases)
    by_line = _rows("line_id", [case.line_id for case in chosen])
    by_seq = _rows("entry_seq", [case.entry_seq for case in chosen if case.line_id is None])
    return [
        Outside(case=case, row=by_line.get(case.line_id) if case.line_id else by_seq.get(case.entry_seq))
        for case in chosen
    ]


def _rows(field: str, keys: Iterable[int | None]) -> Mapping[int | None, HistoryRow]:
    found = HistoryRow.objects.filter(**{f"{field}__in": [key for key in keys if key]})
    return {getattr(row, field): row for row in found.select_related("connector", "line").defer("text")}


def of_row(row: HistoryRow) -> Case | None:
    """The case of a row of the history; None for one that is no outside change."""
    if row.line_id:
        return Case.objects.filter(line=row.line_id).first()
    return Case.objects.filter(entry_seq=row.entry_seq).first() if row.entry_seq else None


# -- what people say -----------------------------------------------------------------------------------------------


def explain(cases: Sequence[int], note: str, *, actor: Person) -> int:
    """Say why these changes were made; one entry for each connector. Raises Refused."""
    return _decide(cases, note, CaseState.EXPLAINED, actor)


def take_back(case: int, reason: str, *, actor: Person) -> None:
    """Say that somebody has put the mapping back elsewhere. Raises Refused."""
    _decide([case], reason, CaseState.REVERTED, actor)


def _decide(chosen: Sequence[int], note: str, state: CaseState, actor: Person) -> int:
    note = make.safe(note).strip()
    if not note:
        raise Refused("Say why, in a few words: an explanation without a note explains nothing.")
    if len(note) > LONGEST_NOTE:
        raise Refused(f"The note is longer than {LONGEST_NOTE} characters: shorten it, or point to a ticket.")
    if len(chosen) > AT_ONCE:
        raise Refused(f"At most {AT_ONCE} cases are explained by one note: choose fewer, and send the rest after them.")
    with transaction.atomic():
        head = lock_head()
        cases = list(_still_open(chosen))
        if not cases:
            raise Refused(_why_none(chosen))
        acts: list[AuditRecord] = []
        now = timezone.now()
        for connector, own in _by_connector(cases).items():
            _close(own, state, note, actor, now, head.seq + len(acts) + 1)
            acts.append(_audit_record(connector, own, note, state, actor))
        trail.record_all(acts)
    return len(cases)


def _still_open(chosen: Sequence[int]) -> QuerySet[Case]:
    rows = Case.objects.locked().filter(pk__in=chosen, state=CaseState.OPEN)
    return rows.select_related("connector", "line").order_by("pk")


def _why_none(chosen: Sequence[int]) -> str:
    there = Case.objects.filter(pk__in=chosen).first() if len(chosen) == 1 else None
    if there is None:
        return "None of the selected cases is still open: reload the page to see what happened to them."
    who = there.decided_by or "AlignAdmin"
    return f"This case is no longer open: {there.get_state_display().lower()} by {who}. Load the page again."


def _by_connector(cases: Iterable[Case]) -> dict[Connector, list[Case]]:
    found: dict[Connector, list[Case]] = {}
    for case in cases:
        found.setdefault(case.connector, []).append(case)
    return found


def _close(cases: Sequence[Case], state: CaseState, note: str, actor: Person, now: datetime, seq: int) -> None:
    Case.objects.filter(pk__in=[case.pk for case in cases]).update(
        state=state, note=note, decided_by=(actor.name or actor.email)[:320], decided_at=now, decided_seq=seq
    )


def _audit_record(
    connector: Connector, cases: Sequence[Case], note: str, state: CaseState, actor: Person
) -> AuditRecord:
    outside = with_rows(cases[:1])[0]
    of = f"the outside change of {cases[0].at:%-d %b %Y, %H:%M} UTC ({outside.sentence})"
    if len(cases) > 1:
        of = f"{len(cases)} outside changes"
    said = "Explained" if state == CaseState.EXPLAINED else "Marked as taken back:"
    return AuditRecord(
        action=EXPLAINED if state == CaseState.EXPLAINED else TAKEN_BACK,
        actor=actor,
        context=context_of(connector),
        subject=f"case {cases[0].pk}" if len(cases) == 1 else f"{len(cases)} cases",
        sentence=f"{said} {of}: {note}",
        data={"cases": [case.pk for case in cases], "lines": [case.line_id for case in cases]},
        reason=note,
    )


# -- what only the watch has seen ----------------------------------------------------------------------------------


def record_observations(connector: Connector, observations: Sequence[DriftObservation]) -> int:
    """Record those changes that no line tells: an entry and an open case each; how many were new.

    Recorded once: an observation with the time, the row and the value of one that was recorded is that one.
    """
    if not observations:
        return 0
    with transaction.atomic():
        head = lock_head()
        recorded = _recorded(connector, observations)
        new = [seen for seen in observations if _key(seen) not in recorded]
        fresh = case_lifecycle.without_line(connector, new, matching.window())
        now = timezone.now()
        Case.objects.bulk_create(
            [
                Case(connector=connector, entry_seq=head.seq + place, at=seen.at, opened_at=now)
                for place, seen in enumerate(fresh, start=1)
            ],
            batch_size=500,
        )
        trail.record_all([_observation_record(connector, seen) for seen in fresh])
    return len(fresh)


def last_recorded(connector: Connector, at: datetime) -> dict[tuple[object, ...], HistoryRow]:
    """The newest row of what was told of each mapping from then on; keys as DriftObservation.place."""
    found: dict[tuple[object, ...], HistoryRow] = {}
    for row in _recorded_rows(connector, at).order_by("entry_seq"):
        found[row.kind, row.direction, row.work_item_type, row.object_id, row.project_key] = row
    return found


def _recorded_rows(connector: Connector, since: datetime) -> QuerySet[HistoryRow]:
    seen = Case.objects.filter(connector=connector, entry_seq__isnull=False).values("entry_seq")
    return HistoryRow.objects.filter(connector=connector, at__gte=since, entry_seq__in=seen).defer("text")


def _recorded(connector: Connector, observations: Sequence[DriftObservation]) -> set[tuple[object, ...]]:
    return {
        (row.kind, row.direction, row.work_item_type, row.object_id, row.project_key, row.at, row.after_id)
        for row in _recorded_rows(connector, min(seen.at for seen in observations))
    }


def _key(seen: DriftObservation) -> tuple[object, ...]:
    return (*seen.place, seen.at, seen.event.after_id)


def _observation_record(connector: Connector, seen: DriftObservation) -> AuditRecord:
    what = make.in_words(seen.event)
    return AuditRecord(
        action=make.ELSEWHERE,
        actor=None,
        context=context_of(connector),
        subject=seen.event.source_name or str(seen.event.source_id),
        sentence=f"Seen when Align's lists were read, and told by no line of its log: {what}",
        data=seen.facts,
        event=event_fields(seen.event),
        project_key=seen.projects[0] if seen.projects else "",
        happened_at=seen.at,
    )
