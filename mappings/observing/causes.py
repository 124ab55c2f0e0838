"""Which line of Align's log caused a drift: found in the joined mirror, in a fixed number of queries for all rows.

Only lines without a change of ours are looked at. None is named where the log has none: a drift without a line is told
as such, since the log may not be read at all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q

from connectors.align.audit_sentences import CREATED, DELETED, UPDATED
from connectors.history.mirror import matching
from connectors.models import Connector, HistoryRow, Source
from mappings.models import CheckKind, DriftCheck, Mapping, Scope

# How far a drift may lie behind the moment it was seen where no check before it is known.
FARTHEST = timedelta(days=1)
Key = tuple[str, str, int | None]  # family, work item type, source


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A line of Align's log. Not `is_certain`: it does not tell the project, so it may be another project's."""

    at: datetime
    who: str  # as Align names it
    line: str
    row: str  # number of the history row
    is_certain: bool


def cause_of(mappings: Iterable[Mapping]) -> dict[int, Cause]:
    """By the mappings' keys; those whose drift no line tells are left out."""
    drifted = [mapping for mapping in mappings if mapping.drifted_at is not None]
    scopes = Scope.objects.select_related("project").in_bulk({mapping.scope_id for mapping in drifted})
    by_connector: dict[int, list[Mapping]] = defaultdict(list)
    for mapping in drifted:
        by_connector[scopes[mapping.scope_id].connector_id].append(mapping)
    found: dict[int, Cause] = {}
    for connector_id, rows in by_connector.items():
        found |= _causes(connector_id, rows, scopes)
    return found


def _causes(connector_id: int, mappings: Sequence[Mapping], scopes: dict[int, Scope]) -> dict[int, Cause]:
    since = changed_since(connector_id, mappings)
    lines = _lines(connector_id, mappings, min(since.values()))
    causes: dict[int, Cause] = {}
    for mapping in mappings:
        scope = scopes[mapping.scope_id]
        candidates = [
            line
            for line in lines[scope.family, mapping.work_item_type, mapping.source_id]
            if line.at >= since[mapping.pk] and _explains(line, mapping, scope)
        ]
        if candidates:
            causes[mapping.pk] = _likeliest(candidates, mapping)
    return causes


def why_anew(mapping: Mapping) -> str:
    """Of a row that differs since the first reading after its connector was made anew in Align; else empty."""
    anew_at, read_at, seen = mapping.scope.connector.anew_at, mapping.scope.read_anew_at, mapping.drifted_at
    if not (anew_at and read_at and seen and anew_at <= seen <= read_at):
        return ""
    former, number = mapping.scope.connector.former_numbers[-1][0], mapping.scope.connector.align_connector_id
    return f"The connector was made anew in Jira Align: {number} does not hold what {former} held."


def by_hand_over(connector: Connector) -> Q:
    """Of rows, the same as a condition."""
    if connector.anew_at is None:
        return Q(pk__in=())
    return Q(drifted_at__gte=connector.anew_at, drifted_at__lte=F("scope__read_anew_at"))


def changed_since(connector_id: int, mappings: Sequence[Mapping]) -> dict[int, datetime]:
    """When each row's list was surely still as agreed: the last complete check that ended before the drift was seen."""
    seen = {mapping.pk: mapping.drifted_at for mapping in mappings if mapping.drifted_at is not None}
    whole = DriftCheck.objects.filter(connector=connector_id, kind=CheckKind.LISTS, unknown=0, error="")
    ended = whole.filter(finished_at__lte=max(seen.values())).order_by("finished_at")
    times = [(end, start) for end, start in ended.values_list("finished_at", "started_at") if end]
    reach = matching.window()
    since: dict[int, datetime] = {}
    for pk, drifted_at in seen.items():
        place = bisect_right(times, drifted_at, key=lambda each: each[0])
        since[pk] = (times[place - 1][1] if place else drifted_at - FARTHEST) - reach
    return since


def _lines(connector_id: int, mappings: Sequence[Mapping], since: datetime) -> dict[Key, list[HistoryRow]]:
    sources = {mapping.source_id for mapping in mappings}
    rows = HistoryRow.objects.filter(connector=connector_id, source=Source.OUTSIDE, at__gte=since, line__isnull=False)
    found: dict[Key, list[HistoryRow]] = defaultdict(list)
    for row in rows.filter(object_id__in=sources).select_related("line").defer("text"):
        found[f"{row.direction}-{row.kind}", row.work_item_type, row.object_id].append(row)
    return found


def _explains(row: HistoryRow, mapping: Mapping, scope: Scope) -> bool:
    """The line ends where the row now is, in a list that can be this one, and was written before that was read."""
    if row.action == DELETED:
        leads_here = mapping.observed is None
    else:
        leads_here = row.action in (CREATED, UPDATED) and row.after_id is not None and row.after_id == mapping.observed
    was_seen = scope.observed_at is None or row.at <= scope.observed_at + matching.window()
    return leads_here and was_seen and _can_be_of(row, scope)


def _can_be_of(row: HistoryRow, scope: Scope) -> bool:
    keys = {scope.project.key, scope.project.wire_key} if scope.project else {""}
    if row.project_stated:
        return row.project_key in keys
    # More projects than are named as candidates would have been cut off.
    named = set(row.candidates)
    return not named or len(named) >= matching.MOST_CANDIDATES or not named.isdisjoint(keys)


def _likeliest(candidates: Iterable[HistoryRow], mapping: Mapping) -> Cause:
    """The newest; before all others one that tells its project, then one that starts at what was agreed."""
    best = max(candidates, key=lambda row: (row.project_stated, row.before_id == mapping.applied, row.at, row.pk))
    assert best.line is not None  # noqa: S101  # what was read is limited to rows with one
    return Cause(
        at=best.at,
        who=best.person_name,
        line=best.line.description,
        row=best.number,
        is_certain=best.project_stated or len(best.candidates) == 1,
    )
