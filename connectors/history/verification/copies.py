"""Questions, reviews and terms for work item types, compared with the entries that they repeat for the pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from alignadmin.accounts.models import Person
from alignadmin.audit.models import Entry
from alignadmin.folding import fold
from connectors.align.audit_sentences import TYPE_IDS
from connectors.history.mirror import labels
from connectors.history.verification import case_copies
from connectors.history.verification.comparison import archived_seq
from connectors.history.verification.field_comparison import altered, body_of, compared, is_near
from connectors.models import Question, Review, TypeLabel
from connectors.models.connector import Connector
from connectors.ports.audited import (
    QUESTION_ANSWERED,
    QUESTION_ASKED,
    TERMS_DECIDED,
    TERMS_LEARNED,
    TYPE_IDS_TAKEN,
    WEEK_REVIEWED,
)
from connectors.ports.differences import MISSING, SURPLUS, Difference, Page, Position, TableComparison

SIZE = 500
QUESTIONS, REVIEWS = "questions", "reviews"
TERMS, IDS = "terms for work item types", "type ids"


# -- questions --------------------------------------------------------------------------------------------------------


def all_questions(after: Position) -> Page:
    """What was asked and answered last, by the entries; there are not too many to keep in mind."""
    said: dict[int, dict[str, object]] = {}
    asked_at: dict[int, tuple[int, datetime, datetime | None]] = {}
    for entry in Entry.objects.filter(action__in=(QUESTION_ASKED, QUESTION_ANSWERED)).order_by("seq").iterator():
        body, data = body_of(entry), body_of(entry)["data"]
        number, actor = data.get("question"), (body["actor"] or {}).get("id")
        if number is None:
            continue
        if entry.action == QUESTION_ASKED:
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
        for name, at, stated_at in (
            ("asked_at", question.asked_at, times[1]),
            ("answered_at", question.answered_at, times[2]),
        ):
            if (at is None) != (stated_at is None) or (stated_at and not is_near(at, stated_at)):
                yield altered(QUESTIONS, what, name, at, stated_at, times[0])


def _has_its_address(question: Question, said: Mapping[str, object]) -> bool:
    """Whether the address of then is still somebody's: else whoever was asked has another one by now."""
    return Person.objects.filter(email=said["to"]).exists()


# -- reviews ----------------------------------------------------------------------------------------------------------


def all_reviews(after: Position) -> Page:
    """Of each week the last sign-off."""
    last: dict[str, Entry] = {}
    for entry in Entry.objects.filter(action=WEEK_REVIEWED).order_by("seq").iterator():
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
    for entry in Entry.objects.filter(action__in=(TERMS_LEARNED, TERMS_DECIDED)).order_by("seq").iterator():
        body = body_of(entry)
        actor, connector = body["actor"] or {}, body["connector"]["id"]
        for label, stated in body["data"]["terms"].items():
            key = connector, fold(label)[: labels.LONGEST]
            if entry.action == TERMS_LEARNED:
                type_, evidence[key] = stated["type"], stated["evidence"]
            else:
                type_ = stated
            by = (actor.get("name") or actor.get("email", ""))[:320]
            says: dict[str, object] = {"label": label[: labels.LONGEST], "work_item_type": type_, "decided_by": by}
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
    for entry in Entry.objects.filter(action=TYPE_IDS_TAKEN).order_by("seq").iterator():
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


COMPARISONS = (
    *case_copies.COMPARISONS,
    TableComparison(name="questions", page=all_questions),
    TableComparison(name="reviews", page=all_reviews),
    TableComparison(name="terms for work item types", page=all_terms),
    TableComparison(name="type ids", page=all_type_ids),
)
