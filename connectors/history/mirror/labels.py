"""A site's own terms for work item types: learned from what is certain, edited by people, and used at once.

A term is learned where a line tells the type id beside it, and where a change of ours and a line are the same in
everything but it. One that could mean two types is left for a person to decide. Each decision is an entry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord, lock_head
from alignadmin.folding import fold
from connectors.align.audit_sentences import WORK_ITEM_TYPES, label_of, parse, stated_type
from connectors.history.mirror import matching, remaking
from connectors.history.mirror.projection import match_key
from connectors.history.mirror.terms import AS_PUBLISHED, Terms, terms_of
from connectors.models import HistoryRow, Source, TypeLabel
from connectors.models.catalogue import WorkItemType
from connectors.models.connector import Connector
from connectors.ports.audited import context_of

LONGEST = 255
MOST_KEPT = 5  # lines of evidence
MOST_TRIED = 1000  # lines whose term is not known, the newest ones
LATE = timedelta(days=1)  # that a line may have been here before our change was told
AT_ONCE = 500
TYPES = tuple(WorkItemType.values)


# -- what is shown -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SiteTerm:
    """A term of the log: what it means (empty: unknown, or none of these), and how that is known."""

    label: str
    work_item_type: str
    how: str
    is_open: bool = False


def terms_shown(connector: Connector) -> list[SiteTerm]:
    """Those that are decided, then those in the log that nobody has decided, the frequent ones first."""
    decided = TypeLabel.objects.filter(connector=connector)
    known = [SiteTerm(label=each.label, work_item_type=each.work_item_type, how=_how(each)) for each in decided]
    rows = HistoryRow.objects.filter(connector=connector, source=Source.OUTSIDE, line__isnull=False)
    unknown = rows.exclude(work_item_type__in=[*TYPES, *(each.folded for each in decided)])
    counted = unknown.values_list("work_item_type").annotate(lines=Count("pk")).order_by("-lines", "work_item_type")
    for term, lines in counted[:20]:
        first = unknown.filter(work_item_type=term).select_related("line").order_by("-at").first()
        label = label_of(first.line.description) if first and first.line else term
        known.append(SiteTerm(label=label, work_item_type="", how=f"In {_lines(lines)}.", is_open=True))
    return known


def _how(found: TypeLabel) -> str:
    if found.decided_by:
        return f"Decided by {found.decided_by}."
    lines = _numbers("line", (each["line"] for each in found.evidence))
    ours = _numbers("entry,entries", (each["entry"] for each in found.evidence if each["entry"]))
    by = f"our own changes ({ours})" if ours else "the type id beside it"
    return f"Learned from {by}, {lines} of Align's log."


def _numbers(word: str, found: Iterable[int]) -> str:
    """ "line 3", "entries 47, 48"."""
    one, _, many = word.partition(",")
    numbers = sorted(set(found))
    return f"{one if len(numbers) == 1 else many or one + 's'} {', '.join(map(str, numbers))}"


def _lines(number: int) -> str:
    return "1 line" if number == 1 else f"{number} lines"


# -- learning ------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class TermEvidence:
    """What speaks for a term: the lines, each with the entry of our change, by the type that they speak for."""

    label: str
    by_type: dict[str, list[dict[str, int | None]]] = field(default_factory=lambda: defaultdict(list))


def learn(connector: Connector, fresh: Sequence[HistoryRow]) -> list[str]:
    """Learn from rows of new lines, not saved yet; rows that are stored and whose term is known now are made again.

    To be called under trail.lock_head. Returns the terms that were learned: then the new rows are to be made again.
    """
    if not fresh:
        return []
    terms, found = terms_of(connector), dict[str, TermEvidence]()
    _from_ids(connector, fresh, terms, found)
    _from_our_changes(connector, fresh, terms, found)
    kept = set(TypeLabel.objects.filter(connector=connector).values_list("folded", flat=True))  # also as published
    learned = [(found[term], *each) for term in sorted(set(found) - kept) if (each := _one(found[term]))]
    if not learned:
        return []
    now = timezone.now()
    TypeLabel.objects.bulk_create(
        TypeLabel(
            connector=connector,
            label=each.label[:LONGEST],
            folded=fold(each.label)[:LONGEST],
            work_item_type=type_,
            evidence=evidence[:MOST_KEPT],
            decided_at=now,
        )
        for each, type_, evidence in learned
    )
    words = "; ".join(f"“{each.label}” is {WorkItemType(type_).label}" for each, type_, _ in learned)
    trail.record(
        AuditRecord(
            action="terms.learned",
            actor=None,
            context=context_of(connector),
            subject=connector.config_name,
            sentence=f"Learned how Align's log calls work item types: {words}.",
            data={
                "terms": {each.label: {"type": type_, "evidence": lines[:MOST_KEPT]} for each, type_, lines in learned}
            },
        )
    )
    remaking.remake(connector, {fold(each.label) for each, *_ in learned})
    return [each.label for each, *_ in learned]


def _one(found: TermEvidence) -> tuple[str, list[dict[str, int | None]]] | None:
    """The one type that everything speaks for."""
    return next(iter(found.by_type.items())) if len(found.by_type) == 1 else None


def _from_ids(connector: Connector, fresh: Iterable[HistoryRow], terms: Terms, found: dict[str, TermEvidence]) -> None:
    """A term beside a type id. One of the published names is believed only where the id is the one that we sent."""
    contrary: dict[str, list[tuple[HistoryRow, str, str]]] = defaultdict(list)
    for row in fresh:
        stated = stated_type(row.line.description) if row.match and row.line else None
        type_ = terms.type_ids[stated.family].get(stated.id) if stated and stated.id is not None else None
        if stated is None or not type_ or _is_decided(stated.label, terms):
            continue
        published = AS_PUBLISHED.get(fold(stated.label))
        if published is None and row.work_item_type == type_:
            _add_evidence(found, stated.label, type_, row.line_id or 0, None)
        elif published and published != type_ == row.work_item_type:
            contrary[row.match].append((row, stated.label, type_))
    _beside_ours(connector, contrary, found)


def _is_decided(label: str, terms: Terms) -> bool:
    term = fold(label)
    return term in terms.labels and terms.labels[term] != AS_PUBLISHED.get(term)


def _from_our_changes(
    connector: Connector, fresh: Sequence[HistoryRow], terms: Terms, found: dict[str, TermEvidence]
) -> None:
    """Lines without a cause whose term is unknown, beside changes of ours without a line."""
    since = min(row.at for row in fresh) - max(LATE, matching.window())
    rows = HistoryRow.objects.filter(connector=connector, source=Source.OUTSIDE, line__isnull=False, at__gte=since)
    stored = rows.exclude(work_item_type__in=TYPES).select_related("line").order_by("-at")[:MOST_TRIED]
    unknown = [row for row in fresh if row.match and row.work_item_type not in TYPES]
    by_match_key: dict[str, list[tuple[HistoryRow, str, str]]] = defaultdict(list)
    for row in [*unknown[:MOST_TRIED], *stored]:
        event = parse(row.line.description, row.line.type).event if row.line else None
        if event and fold(event.work_item_type) not in terms.labels:
            for type_ in TYPES:
                key = match_key(event, connector.number_of_line(event.connector_id, row.at), type_)
                by_match_key[key].append((row, event.work_item_type, type_))
    _beside_ours(connector, by_match_key, found)


def _beside_ours(
    connector: Connector, by_match_key: Mapping[str, list[tuple[HistoryRow, str, str]]], found: dict[str, TermEvidence]
) -> None:
    """Lines that would look like a change of ours, had they this type, and are near enough to be it."""
    reach = matching.window()
    for key, at, seq in _without_line(connector, list(by_match_key)):
        for row, label, type_ in by_match_key[key]:
            if abs(row.at - at) <= reach:
                _add_evidence(found, label, type_, row.line_id or 0, seq)


def _without_line(connector: Connector, keys: Sequence[str]) -> list[tuple[str, datetime, int | None]]:
    rows = HistoryRow.objects.filter(connector=connector, source=Source.OURS, line=None)
    some = (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))
    return [each for part in some for each in rows.filter(match__in=part).values_list("match", "at", "entry_seq")]


def _add_evidence(found: dict[str, TermEvidence], label: str, type_: str, line: int, entry: int | None) -> None:
    found.setdefault(fold(label)[:LONGEST], TermEvidence(label=label)).by_type[type_].append(
        {"line": line, "entry": entry}
    )


# -- deciding ------------------------------------------------------------------------------------------------------


class NotDecided(ValueError):
    """The terms were not stored; the message says why."""


def decide(connector: Connector, meanings: Mapping[str, str], *, actor: Person) -> int:
    """Say what terms mean: a work item type, or with an empty value none of them; how many meanings are new.

    Lines that are here already are matched again.
    """
    changed: dict[str, tuple[str, str]] = {}
    with transaction.atomic():
        lock_head()
        stored = {each.folded: each for each in TypeLabel.objects.filter(connector=connector)}
        for label, type_ in meanings.items():
            term = _checked(label, type_)
            before = stored[term].work_item_type if term in stored else AS_PUBLISHED.get(term)
            if before != type_:
                changed[term] = label, type_
        if not changed:
            return 0
        now = timezone.now()
        for term, (label, type_) in changed.items():
            TypeLabel.objects.update_or_create(
                connector=connector,
                folded=term,
                defaults={
                    "label": label,
                    "work_item_type": type_,
                    "decided_by": str(actor),
                    "decided_at": now,
                },
            )
        words = "; ".join(_meaning(label, type_) for label, type_ in changed.values())
        trail.record(
            AuditRecord(
                action="terms.decided",
                actor=actor,
                context=context_of(connector),
                subject=connector.config_name,
                sentence=f"Said how Align's log calls work item types: {words}.",
                data={"terms": dict(changed.values())},
            )
        )
        remaking.remake(connector, set(changed))
    return len(changed)


def _checked(label: str, type_: str) -> str:
    if type_ not in ("", *TYPES):
        raise NotDecided(f"Align has no work item type {type_}.")
    term = fold(label)
    if not term or len(term) > LONGEST or len(label) > LONGEST or not label.isprintable():
        raise NotDecided(f"A term has between 1 and {LONGEST} letters, on one line.")
    if not type_ and term in AS_PUBLISHED:
        raise NotDecided(f"{label} is one of {', '.join(WORK_ITEM_TYPES)}: say which of them your site means by it.")
    return term


def _meaning(label: str, type_: str) -> str:
    return f"“{label}” is {WorkItemType(type_).label}" if type_ else f"“{label}” is none of Align's four"
