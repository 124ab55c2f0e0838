"""What comparisons came to, as rows: since when a pair stands apart, which links are severed, how long changes take.

Each lot is one transaction that the lease of its job guards, with what the run counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from alignadmin.parsing import plain
from connectors.jobs.runner import Run
from connectors.models import Connector, Project
from mappings.engine.agreement import AgreementOutcome, ApartReason, with_lag
from mappings.items.agreement.comparison import ComparedPair
from mappings.items.agreement.severed import not_in_jira
from mappings.models import AgreementRun, AgreementSetting, ComparedItem, ItemLink

COLUMNS = [
    *(
        "project",
        "issue_key",
        "issue_type_id",
        "level",
        "align_id",
        "outcome",
        "reason",
        "sentence",
        "differences",
        "compared_at",
    ),
    *("jira_updated_at", "item_updated_at", "since", "due_at"),
]
LONGEST = 255
SEARCH_LAGS = timedelta(minutes=10)  # at most, behind what was written
FOUND = (AgreementOutcome.ALIKE, AgreementOutcome.APART)  # both sides are shown


def store(run: Run, kept: AgreementRun, project: Project, pairs: Sequence[ComparedPair], read_at: datetime) -> None:
    """`read_at`: when reading of them began; what was announced since is due all the same. Raises LeaseLost.

    What another job has read since, or has seen as it became later, stays: this was read before, or by a search, which
    lags behind. Of a row that another one makes at the same time, that one's stays.
    """
    now = timezone.now()
    with transaction.atomic():
        run.assert_lease()
        before = _rows(run.connector, [each.issue.id for each in pairs])
        pairs = [each for each in pairs if not _is_overtaken(each, before.get(each.issue.id), read_at)]
        rows = [_row(run.connector, project, each, before.get(each.issue.id), read_at, now) for each in pairs]
        made = sorted((each for each in rows if each._state.adding), key=lambda each: each.jira_id)
        ComparedItem.objects.bulk_create(made, ignore_conflicts=True)
        pairs = _without_lost(run.connector, pairs, made, read_at)
        ComparedItem.objects.bulk_update([each for each in rows if not each._state.adding], COLUMNS)
        sever(
            run.connector, {each.issue.id: each.why for each in pairs if each.outcome is AgreementOutcome.SEVERED}, now
        )
        _make_whole(run.connector, [each for each in pairs if each.outcome in FOUND])
        count(kept, [each.outcome for each in pairs])
        if not project.is_ours:  # an import carries when somebody imports
            _learn(run.connector, [each for each in pairs if _is_carried(each, before.get(each.issue.id))])


def _without_lost(
    connector: Connector, pairs: Sequence[ComparedPair], made: Sequence[ComparedItem], read_at: datetime
) -> list[ComparedPair]:
    """Those of which the row is ours: another job may have made it at the same time."""
    if not made:
        return [*pairs]
    ids = [each.jira_id for each in made]
    rows = ComparedItem.objects.filter(connector=connector, jira_id__in=ids).exclude(compared_at=read_at)
    lost = set(rows.values_list("jira_id", flat=True))
    return [each for each in pairs if each.issue.id not in lost]


def _is_overtaken(pair: ComparedPair, before: ComparedItem | None, read_at: datetime) -> bool:
    if before is None or before.compared_at is None:
        return False
    updated, known = pair.updated_at, before.jira_updated_at
    is_older = updated is not None and known is not None and updated < known
    return before.compared_at > (read_at - SEARCH_LAGS if is_older else read_at)


def _is_compared_since(row: ComparedItem, read_at: datetime) -> bool:
    return row.compared_at is not None and row.compared_at > read_at


def _rows(connector: Connector, ids: Collection[int]) -> dict[int, ComparedItem]:
    """Locked, in the order of their keys."""
    rows = ComparedItem.objects.filter(connector=connector, jira_id__in=ids)
    return {each.jira_id: each for each in rows.locked().order_by("pk")}


def _row(
    connector: Connector,
    project: Project,
    pair: ComparedPair,
    before: ComparedItem | None,
    read_at: datetime,
    now: datetime,
) -> ComparedItem:
    row = before or ComparedItem(connector=connector, jira_id=pair.issue.id)
    is_same = before is not None and (before.outcome, before.reason) == (pair.outcome.value, str(pair.reason))
    row.since = row.since if is_same and row.since else now
    row.project, row.issue_key, row.level, row.align_id = project, pair.issue.key[:LONGEST], pair.level, pair.align_id
    row.issue_type_id = pair.issue.type_id
    row.outcome, row.reason, row.sentence = pair.outcome.value, str(pair.reason), plain(pair.why)
    row.differences = [_storable(each.as_json()) for each in pair.differences]
    row.compared_at, row.jira_updated_at, row.item_updated_at = read_at, pair.updated_at, pair.item_updated_at
    if not _is_announced(row, read_at, now):
        row.due_at = pair.waits_until
    return row


def _is_announced(row: ComparedItem, read_at: datetime, now: datetime) -> bool:
    """Whether it was marked as changed since reading of it began."""
    return row.due_at is not None and read_at <= row.due_at <= now


def _storable(told: Mapping[str, Any]) -> dict[str, str]:
    return {name: plain(str(value)) for name, value in told.items()}


def _is_carried(pair: ComparedPair, before: ComparedItem | None) -> bool:
    """Whether a change was seen to have come over since the comparison before."""
    if pair.outcome is not AgreementOutcome.ALIKE or before is None or before.jira_updated_at is None:
        return False
    return pair.updated_at is not None and before.jira_updated_at < pair.updated_at


def _learn(connector: Connector, carried: Sequence[ComparedPair]) -> None:
    """Behind the rows of pairs, so that no two wait for each other."""
    if not carried:
        return
    setting = AgreementSetting.objects.locked().filter(connector=connector).first()
    if setting is None:
        return
    for each in carried:
        if each.item_updated_at is not None and each.updated_at is not None:
            setting.lags = with_lag(setting.lags, (each.item_updated_at - each.updated_at).total_seconds())
    setting.save(update_fields=["lags"])


def sever(connector: Connector, why: Mapping[int, str], now: datetime) -> None:
    """Links of ours; one that was severed before keeps its time and its words."""
    links = ItemLink.objects.locked().filter(connector=connector, jira_id__in=list(why), severed_at=None)
    for link in links.order_by("pk"):
        link.severed_at, link.severed_why = now, why[link.jira_id]
        link.save(update_fields=["severed_at", "severed_why"])


def _make_whole(connector: Connector, pairs: Sequence[ComparedPair]) -> None:
    """Links that were severed, of which both sides are shown again: an account may have seen less for a while."""
    found = {each.issue.id: each.align_id for each in pairs}
    severed = ItemLink.objects.locked().filter(connector=connector, jira_id__in=list(found), severed_at__isnull=False)
    for link in severed.order_by("pk"):
        if link.align_id == found[link.jira_id]:
            link.severed_at, link.severed_why = None, ""
            link.save(update_fields=["severed_at", "severed_why"])


def count(kept: AgreementRun, outcomes: Sequence[AgreementOutcome]) -> None:
    counts = Counter({**kept.counts})
    counts.update(each.value for each in outcomes)
    kept.counts = dict(counts)
    kept.issues += len(outcomes)
    AgreementRun.objects.filter(pk=kept.pk).update(counts=kept.counts, issues=kept.issues)


def store_requests(kept: AgreementRun, number: int) -> None:
    AgreementRun.objects.filter(pk=kept.pk).update(requests=F("requests") + number)


def store_gone(
    run: Run, kept: AgreementRun, rows: Collection[ComparedItem], items: Collection[tuple[str, int]], read_at: datetime
) -> None:
    """Issues that Jira does not show any more. `items`: level and id of those that Align still has of them.

    A pair of which nothing is left is forgotten; else its link is severed, and the item stays.
    """
    now = timezone.now()
    with transaction.atomic():
        run.assert_lease()
        found = _rows(run.connector, [each.jira_id for each in rows])
        links = ItemLink.objects.filter(connector=run.connector, jira_id__in=list(found), align_id__isnull=False)
        linked = set(links.values_list("jira_id", flat=True))
        severed: dict[int, str] = {}
        for row in [each for each in found.values() if not _is_compared_since(each, read_at)]:
            if (row.level, row.align_id) not in items and row.jira_id not in linked:
                row.delete()
                continue
            severed[row.jira_id] = not_in_jira(row.align_id)
            _put_gone(row, AgreementOutcome.SEVERED, ApartReason.CHANGED_BY_HAND, severed[row.jira_id], read_at, now)
        sever(run.connector, severed, now)
        count(kept, [AgreementOutcome.SEVERED] * len(severed))


def store_outside(run: Run, kept: AgreementRun, rows: Collection[ComparedItem], why: str, read_at: datetime) -> None:
    """Issues that are not among those that are brought to Align (any more): what has an item stands apart."""
    now = timezone.now()
    with transaction.atomic():
        run.assert_lease()
        listed = 0
        for row in _rows(run.connector, [each.jira_id for each in rows]).values():
            if _is_compared_since(row, read_at):
                continue
            if row.align_id is None:
                row.delete()
                continue
            _put_gone(row, AgreementOutcome.APART, ApartReason.OUT_OF_SCOPE, why, read_at, now)
            listed += 1
        count(kept, [AgreementOutcome.APART] * listed)


def _put_gone(
    row: ComparedItem, outcome: AgreementOutcome, reason: ApartReason, why: str, read_at: datetime, now: datetime
) -> None:
    is_same = (row.outcome, row.reason) == (outcome.value, reason.value)
    row.since = row.since if is_same and row.since else now
    row.outcome, row.reason, row.sentence, row.differences = outcome.value, reason.value, why, []
    row.compared_at = read_at
    row.due_at = row.due_at if _is_announced(row, read_at, now) else None
    row.save()
