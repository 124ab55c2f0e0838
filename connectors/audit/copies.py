"""Cases, questions, reviews and terms for work item types, compared with the entries that they repeat for the pages.

A time that a table has beside its entry was taken in the same transaction: it may be older by what that waited for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from connectors.audit import case_book, cases, gaps, join, pack_terms, questions, review, trail, withdrawals
from connectors.audit import rows as make
from connectors.audit.case_book import Sighting
from connectors.audit.comparison import archived_seq
from connectors.audit.differences import ALTERED, MISSING, SURPLUS, Difference, Look, Page, Position, told
from connectors.audit.folding import fold
from connectors.audit.grammar import TYPE_IDS
from connectors.audit.models import Case, CaseState, Entry, HistoryRow, Question, Review, Source, TypeLabel
from connectors.models.connector import Connector
from connectors.models.person import Person

SIZE = 500
CASES, QUESTIONS, REVIEWS = "cases", "questions", "reviews"
TERMS, IDS = "terms for work item types", "type ids"
WAITED = timedelta(minutes=1)  # a transaction, at most, between what it notes and its entry
DECIDED = (cases.EXPLAINED, cases.TAKEN_BACK, case_book.CLOSED, trail.LOG_WITHDRAWN)
REOPENING = (case_book.OPENED_AGAIN, trail.LOG_WITHDRAWN)  # what the watch has seen itself stays a case
OF_CASES = (*DECIDED, case_book.OPENED_AGAIN, make.ELSEWHERE)
UNDECIDED: Mapping[str, object] = {"state": CaseState.OPEN, "note": "", "decided_by": "", "decided_at": None}
CLOSING = re.compile(r"Outside change of .*? UTC\. (.*)", re.DOTALL)


def altered(table: str, what: str, name: str, says: object, said: object, seq: int | None = None) -> Difference:
    field = name.replace("_", " ")
    source = f"entry {seq}" if seq else "the history"
    sentence = f"{what[:1].upper()}{what[1:]}: {field} says {told(says)}, {source} says {told(said)}."
    return Difference(kind=ALTERED, table=table, seq=seq, field=field, sentence=sentence)


def compared(
    table: str, what: str, says: Mapping[str, object], said: Mapping[str, object], seq: int | None = None
) -> Iterator[Difference]:
    """Field by field; of `said` those that are there."""
    for name, value in said.items():
        if says[name] != value:
            yield altered(table, what, name, says[name], value, seq)


def is_near(at: datetime | None, told_at: datetime) -> bool:
    return at is not None and timedelta(0) <= told_at - at <= WAITED


def body_of(entry: Entry) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(entry.body)
    return found


# -- cases, by their entries ------------------------------------------------------------------------------------------


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
            found += _is_told(number, by_case.get(number), entry)
    return Page(following=entries[-1].seq if len(entries) == SIZE else None, rows=len(entries), found=found)


def _cases_of(entry: Entry) -> Sequence[int]:
    data = body_of(entry)["data"]
    return data["cases"] if "cases" in data else [data["case"]] if "case" in data else []


def _is_told(number: int, case: Case | None, entry: Entry) -> Iterator[Difference]:
    if case is None:
        yield _no_case(f"entry {entry.seq}, which decided about case {number}", seq=entry.seq)
    elif entry.action == case_book.OPENED_AGAIN:
        if case.decided_seq is not None and case.decided_seq < entry.seq:
            yield altered(CASES, f"case {number}", "state", case.state, CaseState.OPEN, entry.seq)
    elif case.decided_seq is None:
        later = Entry.objects.filter(action__in=REOPENING, seq__gt=entry.seq)
        is_seen = entry.action == trail.LOG_WITHDRAWN and case.entry_seq is not None
        if not is_seen and not any(number in _cases_of(each) for each in later.iterator()):
            yield altered(CASES, f"case {number}", "state", case.state, "decided", entry.seq)
    elif case.decided_seq < entry.seq:
        yield altered(CASES, f"case {number}", "decided_seq", case.decided_seq, entry.seq, entry.seq)


def _no_case(of: str, *, seq: int | None = None, line: int | None = None) -> Difference:
    return Difference(kind=MISSING, table=CASES, seq=seq, line=line, sentence=f"There is no case of {of}.")


# -- cases, by themselves ---------------------------------------------------------------------------------------------


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
    return case.pk in named or (entry.action == trail.LOG_WITHDRAWN and len(named) >= withdrawals.MOST_TOLD)


def _decided(entry: Entry) -> dict[str, object]:
    """What the case says after this entry."""
    body = body_of(entry)
    if entry.action == case_book.CLOSED:
        note = found[1] if (found := CLOSING.fullmatch(body["sentence"])) else body["sentence"]
        state = CaseState.REVERTED if note.startswith("Taken back by ") else CaseState.EXPLAINED
        return {"state": state, "note": note, "decided_by": ""}
    actor = body["actor"] or {}
    by = (actor.get("name") or actor.get("email", ""))[:320]
    if entry.action == trail.LOG_WITHDRAWN:
        return {"state": CaseState.WITHDRAWN, "note": withdrawals.note_of(body["reason"]), "decided_by": by}
    state = CaseState.EXPLAINED if entry.action == cases.EXPLAINED else CaseState.REVERTED
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
        yield from _sighting_compared(case, entries.get(case.entry_seq), row)


def _sighting_compared(case: CaseText, entry: Entry | None, row: HistoryRow | None) -> Iterator[Difference]:
    what = f"case {case.pk}"
    if entry is None or entry.action != make.ELSEWHERE:
        yield altered(CASES, what, "entry_seq", case.entry_seq, "no change that the watch has seen")
        return
    seen = Sighting.of_entry(entry)
    if not is_near(case.opened_at, entry.at):
        yield altered(CASES, what, "opened_at", case.opened_at, entry.at, entry.seq)
    if not case.has_line:
        said = {"at": seen.at, "connector_id": (body_of(entry)["connector"] or {}).get("id")}
        yield from compared(CASES, what, {name: getattr(case, name) for name in said}, said, entry.seq)
    elif row is not None and not seen.is_told_by(row, join.window()):
        yield altered(CASES, what, "line", case.line_id, "something that this line does not tell", entry.seq)


def lines_without_case(after: Position) -> Page:
    """Every outside change has a case; `after` is not needed, as there are none to be gone through one by one."""
    covered = [each for each in Connector.objects.all() if gaps.is_covered_at_all(each)]
    rows = HistoryRow.objects.filter(source=Source.OUTSIDE, connector__in=covered, line__isnull=False, line__case=None)
    lines = list(rows.values_list("line", flat=True))
    found = [_no_case(f"the outside change of line {line}", line=line) for line in lines[:SIZE]]
    return Page(following=None, found=found, more=len(lines) - len(found))


# -- questions --------------------------------------------------------------------------------------------------------


def all_questions(after: Position) -> Page:
    """What was asked and answered last, by the entries; there are not too many to keep in mind."""
    said: dict[int, dict[str, object]] = {}
    asked_at: dict[int, tuple[int, datetime, datetime | None]] = {}
    for entry in Entry.objects.filter(action__in=(questions.ASKED, questions.ANSWERED)).order_by("seq").iterator():
        body, data = body_of(entry), body_of(entry)["data"]
        number, actor = data.get("question"), (body["actor"] or {}).get("id")
        if number is None:
            continue
        if entry.action == questions.ASKED:
            said[number] = {"asked_by": actor, "answered_by": None}
            asked_at[number] = (entry.seq, entry.at, None)
        elif number in said:
            said[number]["answered_by"] = actor
            asked_at[number] = (entry.seq, asked_at[number][1], entry.at)
        if number in said:
            about = {"entry_seq": data["about_entry"], "line": data["about_line"], "to": data["to"]}
            said[number] |= {**about, "text": data["text"], "answer": data["answer"]}
    found: list[Difference] = []
    stored = {each.pk: each for each in Question.objects.select_related("to").iterator(chunk_size=SIZE)}
    for number in sorted(set(said) | set(stored)):
        found += _question_compared(number, stored.get(number), said.get(number), asked_at.get(number))
    return Page(following=None, rows=len(stored), found=found)


def _question_compared(
    number: int,
    question: Question | None,
    said: dict[str, object] | None,
    times: tuple[int, datetime, datetime | None] | None,
) -> Iterator[Difference]:
    what = f"question {number}"
    if question is None:
        yield Difference(
            kind=MISSING, table=QUESTIONS, seq=times[0] if times else None, sentence=f"The {what} is gone."
        )
    elif said is None or times is None:
        if not archived_seq():
            yield Difference(kind=SURPLUS, table=QUESTIONS, sentence=f"No entry says that {what} was asked.")
    else:
        says: dict[str, object] = {
            "entry_seq": question.entry_seq,
            "line": question.line_id,
            "to": question.to.email if question.to else None,
            "text": question.text,
            "answer": question.answer,
            "asked_by": question.asked_by_id,
            "answered_by": question.answered_by_id,
        }
        if question.to_id and not _has_its_address(question, said):
            said = said | {"to": says["to"]}  # it has another address since
        yield from compared(QUESTIONS, what, says, said, times[0])
        for name, at, told_at in (
            ("asked_at", question.asked_at, times[1]),
            ("answered_at", question.answered_at, times[2]),
        ):
            if (at is None) != (told_at is None) or (told_at and not is_near(at, told_at)):
                yield altered(QUESTIONS, what, name, at, told_at, times[0])


def _has_its_address(question: Question, said: Mapping[str, object]) -> bool:
    """Whether the address of then is still somebody's: else whoever was asked has another one by now."""
    return Person.objects.filter(email=said["to"]).exists()


# -- reviews ----------------------------------------------------------------------------------------------------------


def all_reviews(after: Position) -> Page:
    """Of each week the last sign-off."""
    last: dict[str, Entry] = {}
    for entry in Entry.objects.filter(action=review.REVIEWED).order_by("seq").iterator():
        last[body_of(entry)["data"]["week"]] = entry
    stored = {each.week.isoformat(): each for each in Review.objects.all()}
    found: list[Difference] = []
    for week in sorted(set(last) | set(stored)):
        found += _review_compared(week, stored.get(week), last.get(week))
    return Page(following=None, rows=len(stored), found=found)


def _review_compared(week: str, stored: Review | None, entry: Entry | None) -> Iterator[Difference]:
    what = f"the sign-off of the week from {week}"
    if entry is None:
        if stored and stored.entry_seq > archived_seq():
            yield Difference(
                kind=SURPLUS, table=REVIEWS, sentence=f"No entry says that the week from {week} was signed off."
            )
        return
    if stored is None:
        yield Difference(kind=MISSING, table=REVIEWS, seq=entry.seq, sentence=f"{what[:1].upper()}{what[1:]} is gone.")
        return
    body = body_of(entry)
    data, actor = body["data"], body["actor"] or {}
    said = {
        "person_name": actor.get("name") or actor.get("email"),
        "note": body["reason"],
        "until_seq": data["until_seq"],
        "rows": data["rows"],
        "entry_seq": entry.seq,
    }
    yield from compared(REVIEWS, what, {name: getattr(stored, name) for name in said}, said, entry.seq)
    is_gone = stored.person_id is None and not Person.objects.filter(pk=actor.get("id", 0)).exists()
    if stored.person_id != actor.get("id") and not is_gone:
        yield altered(REVIEWS, what, "person", stored.person_id, actor.get("id"), entry.seq)
    if not is_near(stored.at, entry.at):
        yield altered(REVIEWS, what, "at", stored.at, entry.at, entry.seq)


# -- what a site calls work item types, and the ids that it gives them ------------------------------------------------


def all_terms(after: Position) -> Page:
    """What each term means by the last entry about it, and by which lines it was learned."""
    said: dict[tuple[int, str], tuple[int, datetime, dict[str, object]]] = {}
    evidence: dict[tuple[int, str], object] = {}
    for entry in Entry.objects.filter(action__in=(pack_terms.LEARNED, pack_terms.DECIDED)).order_by("seq").iterator():
        body = body_of(entry)
        actor, connector = body["actor"] or {}, body["connector"]["id"]
        for label, told_of in body["data"]["terms"].items():
            key = connector, fold(label)[: pack_terms.LONGEST]
            if entry.action == pack_terms.LEARNED:
                type_, evidence[key] = told_of["type"], told_of["evidence"]
            else:
                type_ = told_of
            by = (actor.get("name") or actor.get("email", ""))[:320]
            says: dict[str, object] = {"label": label[: pack_terms.LONGEST], "work_item_type": type_, "decided_by": by}
            said[key] = entry.seq, entry.at, says
    gone, there = archived_seq(), set(Connector.objects.values_list("pk", flat=True))
    stored = {(each.connector_id, each.folded): each for each in TypeLabel.objects.all()}
    found: list[Difference] = []
    for key in sorted(set(said) | set(stored)):
        if key[0] in there:  # with a connector its terms go
            found += _term_compared(key[1], stored.get(key), said.get(key), evidence.get(key, []), gone)
    return Page(following=None, rows=len(stored), found=found)


def _term_compared(
    term: str,
    stored: TypeLabel | None,
    said: tuple[int, datetime, dict[str, object]] | None,
    evidence: object,
    gone: int,
) -> Iterator[Difference]:
    what = f"the term “{term}”"
    if said is None:
        if not gone:
            yield Difference(kind=SURPLUS, table=TERMS, sentence=f"No entry says what {what} means.")
        return
    seq, at, says = said
    if stored is None:
        yield Difference(kind=MISSING, table=TERMS, seq=seq, sentence=f"What {what} means is gone.")
        return
    yield from compared(TERMS, what, vars(stored), says, seq)
    if stored.evidence != evidence and (evidence or not gone):  # it may have been learned before what is left
        yield altered(TERMS, what, "evidence", stored.evidence, evidence, seq)
    if not is_near(stored.decided_at, at):
        yield altered(TERMS, what, "decided_at", stored.decided_at, at, seq)


def all_type_ids(after: Position) -> Page:
    """Of each connector and family those that were taken over last, else the published ones."""
    said: dict[tuple[int, str], tuple[int, Mapping[str, int]]] = {}
    for entry in Entry.objects.filter(action=pack_terms.TYPE_IDS).order_by("seq").iterator():
        body = body_of(entry)
        said[body["connector"]["id"], body["data"]["family"]] = entry.seq, body["data"]["after"]
    found: list[Difference] = []
    gone, connectors = archived_seq(), list(Connector.objects.order_by("pk"))
    for connector in connectors:
        for family in sorted({*TYPE_IDS, *connector.type_ids}):
            found += _ids_compared(connector, family, said.get((connector.pk, family)), gone)
    return Page(following=None, rows=len(connectors), found=found)


def _ids_compared(
    connector: Connector, family: str, said: tuple[int, Mapping[str, int]] | None, gone: int
) -> Iterator[Difference]:
    if said is None and gone:
        return
    published, own = TYPE_IDS.get(family, {}), connector.type_ids.get(family, {})
    seq, ids = said or (None, published)
    says = {**published, **own} if isinstance(own, dict) else own
    if says != ids or family not in TYPE_IDS:
        yield altered(IDS, f"{connector.slug}, {family}", "type_ids", says, dict(ids), seq)


LOOKS = (
    Look(name="decisions about cases", page=decided_cases),
    Look(name="cases", page=all_cases, count=Case.objects.count),
    Look(name="outside changes without a case", page=lines_without_case),
    Look(name="questions", page=all_questions),
    Look(name="reviews", page=all_reviews),
    Look(name="terms for work item types", page=all_terms),
    Look(name="type ids", page=all_type_ids),
)
