"""Cases, compared with the entries that decided about them and with the lines or entries that they are about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from alignadmin.audit.models import Entry
from connectors.history.cases import services
from connectors.history.intake import gaps, withdrawals
from connectors.history.mirror import case_lifecycle, matching
from connectors.history.mirror import projection as make
from connectors.history.mirror.drift_observation import DriftObservation
from connectors.history.verification.comparison import archived_seq
from connectors.history.verification.field_comparison import altered, body_of, compared, is_near
from connectors.models import Case, CaseState, HistoryRow, Source
from connectors.models.connector import Connector
from connectors.ports.audited import (
    LOG_WITHDRAWN,
)
from connectors.ports.differences import MISSING, SURPLUS, Difference, Page, Position, TableComparison

SIZE = 500
CASES = "cases"
DECIDED = (services.EXPLAINED, services.TAKEN_BACK, case_lifecycle.CLOSED, LOG_WITHDRAWN)
REOPENING = (case_lifecycle.OPENED_AGAIN, LOG_WITHDRAWN)  # what the watch has seen itself stays a case
OF_CASES = (*DECIDED, case_lifecycle.OPENED_AGAIN, make.ELSEWHERE)
UNDECIDED: Mapping[str, object] = {"state": CaseState.OPEN, "note": "", "decided_by": "", "decided_at": None}
CLOSING = re.compile(r"Outside change of .*? UTC\. (.*)", re.DOTALL)


def decided_cases(after: Position) -> Page:
    """Each entry of a case is what the case says, or an earlier one of it."""
    start = int(after or 0)
    entries = list(Entry.objects.filter(action__in=OF_CASES, seq__gt=start).order_by("seq")[:SIZE])
    by_case = Case.objects.in_bulk({number for entry in entries for number in _cases_of(entry)})
    seen = set(Case.objects.filter(entry_seq__in=[each.seq for each in entries]).values_list("entry_seq", flat=True))
    found: list[Difference] = []
    for entry in entries:
        if entry.action == make.ELSEWHERE and entry.seq not in seen:
            found.append(_no_case(f"the change that entry {entry.seq} tells", seq=entry.seq))
        for number in _cases_of(entry):
            found += _decision_repeated(number, by_case.get(number), entry)
    return Page(following=entries[-1].seq if len(entries) == SIZE else None, rows=len(entries), found=found)


def _cases_of(entry: Entry) -> Sequence[int]:
    data = body_of(entry)["data"]
    return data["cases"] if "cases" in data else [data["case"]] if "case" in data else []


def _decision_repeated(number: int, case: Case | None, entry: Entry) -> Iterator[Difference]:
    if case is None:
        yield _no_case(f"entry {entry.seq}, which decided about case {number}", seq=entry.seq)
    elif entry.action == case_lifecycle.OPENED_AGAIN:
        if case.decided_seq is not None and case.decided_seq < entry.seq:
            yield altered(CASES, f"case {number}", "state", case.state, CaseState.OPEN, entry.seq)
    elif case.decided_seq is None:
        later = Entry.objects.filter(action__in=REOPENING, seq__gt=entry.seq)
        is_seen = entry.action == LOG_WITHDRAWN and case.entry_seq is not None
        if not is_seen and not any(number in _cases_of(each) for each in later.iterator()):
            yield altered(CASES, f"case {number}", "state", case.state, "decided", entry.seq)
    elif case.decided_seq < entry.seq:
        yield altered(CASES, f"case {number}", "decided_seq", case.decided_seq, entry.seq, entry.seq)


def _no_case(of: str, *, seq: int | None = None, line: int | None = None) -> Difference:
    return Difference(kind=MISSING, table=CASES, seq=seq, line=line, sentence=f"There is no case of {of}.")


def all_cases(after: Position) -> Page:
    start = int(after or 0)
    stored = Case.objects.filter(pk__gt=start).order_by("pk").values_list(*CaseText._fields)
    some = list(map(CaseText._make, stored[:SIZE]))
    entries = Entry.objects.in_bulk({seq for case in some for seq in (case.decided_seq, case.entry_seq) if seq})
    rows = HistoryRow.objects.filter(line__in=[case.line_id for case in some if case.line_id])
    kinds = rows.values_list("line_id", "source", "entry_seq")
    outside = {line for line, source, seq in kinds if (source, seq) == (Source.OUTSIDE, None)}
    seen = {case.line_id for case in some if case.line_id and case.entry_seq}  # first, and told by a line later
    by_line = {row.line_id: row for row in rows.filter(line__in=seen).defer("text")} if seen else {}
    gone = archived_seq()
    found: list[Difference] = []
    for case in some:
        found += _decision_compared(case, entries, gone)
        found += _change_compared(case, entries, outside, by_line.get(case.line_id), gone)
    return Page(following=some[-1].pk if len(some) == SIZE else None, rows=len(some), found=found)


class CaseText(NamedTuple):
    """Of a case what is compared, where thousands are read."""

    pk: int
    connector_id: int
    at: datetime
    opened_at: datetime
    state: str
    note: str
    decided_by: str
    decided_at: datetime | None
    decided_seq: int | None
    entry_seq: int | None
    line_id: int | None
    line__connector_id: int | None
    line__at: datetime
    line__recorded_at: datetime

    @property
    def has_line(self) -> bool:
        return self.line__connector_id is not None


def _decision_compared(case: CaseText, entries: Mapping[int, Entry], gone: int) -> Iterator[Difference]:
    what = f"case {case.pk}"
    says = {name: getattr(case, name) for name in UNDECIDED}
    if case.decided_seq is None:
        yield from compared(CASES, what, says, UNDECIDED)
    elif entry := entries.get(case.decided_seq):
        if entry.action not in DECIDED or not _is_among(case, entry):
            yield altered(CASES, what, "decided_seq", case.decided_seq, "nothing of this case", entry.seq)
            return
        yield from compared(CASES, what, says, _decided(entry), entry.seq)
        if not is_near(case.decided_at, entry.at):
            yield altered(CASES, what, "decided_at", case.decided_at, entry.at, entry.seq)
    elif case.decided_seq > gone:
        yield altered(CASES, what, "decided_seq", case.decided_seq, "no such entry")


def _is_among(case: CaseText, entry: Entry) -> bool:
    """A withdrawal of thousands of lines does not name every case that it ended."""
    named = _cases_of(entry)
    return case.pk in named or (entry.action == LOG_WITHDRAWN and len(named) >= withdrawals.MOST_LISTED)


def _decided(entry: Entry) -> dict[str, object]:
    """What the case says after this entry."""
    body = body_of(entry)
    if entry.action == case_lifecycle.CLOSED:
        note = found[1] if (found := CLOSING.fullmatch(body["sentence"])) else body["sentence"]
        state = CaseState.REVERTED if note.startswith("Taken back by ") else CaseState.EXPLAINED
        return {"state": state, "note": note, "decided_by": ""}
    actor = body["actor"] or {}
    by = (actor.get("name") or actor.get("email", ""))[:320]
    if entry.action == LOG_WITHDRAWN:
        return {"state": CaseState.WITHDRAWN, "note": withdrawals.withdrawal_note(body["reason"]), "decided_by": by}
    state = CaseState.EXPLAINED if entry.action == services.EXPLAINED else CaseState.REVERTED
    return {"state": state, "note": body["reason"], "decided_by": by}


def _change_compared(
    case: CaseText, entries: Mapping[int, Entry], outside: Collection[int | None], row: HistoryRow | None, gone: int
) -> Iterator[Difference]:
    """The line or the entry that the case is about, and what it repeats of it."""
    what = f"case {case.pk}"
    if not case.has_line and case.entry_seq is None:
        yield Difference(kind=SURPLUS, table=CASES, sentence=f"Case {case.pk} is about no line and no entry.")
    if case.has_line:
        if case.connector_id != case.line__connector_id:
            yield altered(CASES, what, "connector", case.connector_id, case.line__connector_id)
        if case.at != case.line__at:
            yield altered(CASES, what, "at", case.at, case.line__at)
        if case.entry_seq is None and case.opened_at < case.line__recorded_at:
            yield altered(CASES, what, "opened_at", case.opened_at, f"{case.line__recorded_at} or later")
        if case.state == CaseState.OPEN and case.line_id not in outside:
            sentence = f"Case {case.pk} is open, but its line {case.line_id} is no outside change."
            yield Difference(kind=SURPLUS, table=CASES, line=case.line_id, sentence=sentence)
    if case.entry_seq and case.entry_seq > gone:
        yield from _compare_observation(case, entries.get(case.entry_seq), row)


def _compare_observation(case: CaseText, entry: Entry | None, row: HistoryRow | None) -> Iterator[Difference]:
    what = f"case {case.pk}"
    if entry is None or entry.action != make.ELSEWHERE:
        yield altered(CASES, what, "entry_seq", case.entry_seq, "no change that the watch has seen")
        return
    seen = DriftObservation.of_entry(entry)
    if not is_near(case.opened_at, entry.at):
        yield altered(CASES, what, "opened_at", case.opened_at, entry.at, entry.seq)
    if not case.has_line:
        said = {"at": seen.at, "connector_id": (body_of(entry)["connector"] or {}).get("id")}
        yield from compared(CASES, what, {name: getattr(case, name) for name in said}, said, entry.seq)
    elif row is not None and not seen.matches_line(row, matching.window()):
        yield altered(CASES, what, "line", case.line_id, "something that this line does not tell", entry.seq)


def lines_without_case(after: Position) -> Page:
    """Every outside change has a case; `after` is not needed, as there are none to be gone through one by one."""
    covered = [each for each in Connector.objects.all() if gaps.is_covered_at_all(each)]
    rows = HistoryRow.objects.filter(source=Source.OUTSIDE, connector__in=covered, line__isnull=False, line__case=None)
    lines = list(rows.values_list("line", flat=True))
    found = [_no_case(f"the outside change of line {line}", line=line) for line in lines[:SIZE]]
    return Page(following=None, found=found, more=len(lines) - len(found))


COMPARISONS = (
    TableComparison(name="decisions about cases", page=decided_cases),
    TableComparison(name="cases", page=all_cases, count=Case.objects.count),
    TableComparison(name="outside changes without a case", page=lines_without_case),
)
