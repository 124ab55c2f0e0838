"""Tells the history what the watch has found changed and no line of Align's log explains, and where to put it back.

A line may come late, so a change is told only when the join's window has passed; a line that comes later still joins
the case that was opened here (connectors.history.mirror.case_lifecycle).
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from connectors.align.audit_sentences import CREATED, DELETED, UPDATED, MappingEvent
from connectors.history.cases import services
from connectors.history.mirror import matching
from connectors.history.mirror.drift_observation import DriftObservation
from connectors.models import Connector, HistoryRow, WorkItemType
from mappings.edits.names import Names, names_for
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.engine.values import Situation
from mappings.models import Mapping
from mappings.observing.causes import by_hand_over, changed_since

FOUND = (*OPEN_SITUATIONS, Situation.ACCEPTED)
AT_ONCE = 2000


def record_unexplained(connector: Connector) -> int:
    """Entries and cases for rows that were found changed and that no line tells; how many were new."""
    rows = _found(connector)
    if not rows:
        return 0
    before = services.last_recorded(connector, min(_seen(row) for row in rows))
    fresh = [row for row in rows if (last := before.get(_place(row))) is None or not _is_recorded(row, last)]
    if not fresh:
        return 0
    since, names = changed_since(connector.pk, fresh), names_for(fresh)
    return services.record_observations(connector, [_observation(row, since[row.pk], names, before) for row in fresh])


def _found(connector: Connector) -> list[Mapping]:
    """Also rows that are accepted: that somebody tolerates a change does not say who made it.

    What another connector in Align lacks nobody has changed: the entry of the hand-over to it tells why.
    """
    rows = Mapping.objects.filter(
        scope__connector=connector,
        scope__error="",
        situation__in=FOUND,
        drifted_at__lte=timezone.now() - matching.window(),
    )
    rows = rows.exclude(by_hand_over(connector))
    return list(rows.select_related("scope__project", "scope__connector").order_by("-drifted_at", "pk")[:AT_ONCE])


def _is_recorded(row: Mapping, last: HistoryRow) -> bool:
    return last.at == row.drifted_at and last.after_id == row.observed


def _observation(
    row: Mapping, since: datetime, names: Names, before: dict[tuple[object, ...], HistoryRow]
) -> DriftObservation:
    scope, last = row.scope, before.get(_place(row))
    # Of a row that was changed a second time, the last value told is what it had before.
    was = last.after_id if last and last.at == row.drifted_at else row.applied
    projects = dict.fromkeys((scope.project.key, scope.project.wire_key)) if scope.project else {}
    return DriftObservation(event=_event(row, was, names), projects=tuple(projects), since=since, at=_seen(row))


def _event(row: Mapping, was: int | None, names: Names) -> MappingEvent:
    scope = row.scope
    family = scope.place.family
    kind, direction = family.kind, family.direction
    return MappingEvent(
        connector_id=scope.connector.number_at(_seen(row)),
        action=CREATED if was is None else DELETED if row.observed is None else UPDATED,
        kind=kind.value,
        direction=direction.value,
        work_item_type=WorkItemType(row.work_item_type).label,
        source_id=row.source_id,
        source_name=names.of(kind, direction, source=row.source_id),
        project_key=scope.place.project_key if scope.place.sends_project_key else None,
        record_id=row.remote_id,
        before_id=was,
        before_name=names.of(kind, direction, target=was),
        after_id=row.observed,
        after_name=names.of(kind, direction, target=row.observed),
    )


def _place(row: Mapping) -> tuple[object, ...]:
    """As DriftObservation.place names it."""
    direction, _, kind = row.scope.family.partition("-")
    project = row.scope.project.key if row.scope.project else ""
    return kind, direction, row.work_item_type, row.source_id, project


def _seen(row: Mapping) -> datetime:
    if row.drifted_at is None:
        raise ValueError(f"mapping {row.pk} has not drifted")
    return row.drifted_at


def way_back(row: HistoryRow) -> str:
    """Where an outside change is put back: its row among the drifted ones, or those that it may be; else nothing."""
    if row.connector is None or row.object_id is None:
        return ""
    rows = Mapping.objects.filter(
        scope__connector=row.connector,
        scope__family=f"{row.direction}-{row.kind}",
        work_item_type=row.work_item_type,
        source_id=row.object_id,
        situation__in=FOUND,
    ).select_related("scope__project")
    keys = [row.project_key] if row.project_stated else row.candidates
    found = [each for each in rows[:100] if not keys or _key_of(each) in keys]
    if not found:
        return ""
    one = {"row": found[0].pk} if len(found) == 1 else {"type": row.work_item_type, "direction": row.direction}
    return f"{reverse('drift', args=[row.connector.slug])}?{urlencode(one)}"


def _key_of(mapping: Mapping) -> str:
    return mapping.scope.project.key if mapping.scope.project else ""
