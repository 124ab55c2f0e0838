"""Reading Align's lists into the observed values: one list call a scope, never a look at single records.

No transaction spans a call: a scope's list is read whole, then compared and stored in one short transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alignadmin.http.errors import Malformed, RemoteError, SignInRefused
from connectors.align.client import AlignClient
from connectors.align.resources import MappingRecord
from connectors.jobs.threads import DatabaseThreads
from connectors.models import Project
from mappings.edits.reconciling import RECONCILED_FIELDS, reconcile_mapping, type_ids_of
from mappings.engine.families import FAMILIES, Family
from mappings.engine.reconcile import Listing, RemoteRecord, Seen, read_list
from mappings.engine.values import Situation, TypeName
from mappings.models import ChangeState, ForeignRecord, Mapping, PlanState, Scope

Key = tuple[TypeName, int]


@dataclass(frozen=True, kw_only=True)
class ListReading:
    """One scope's list as it was answered, or why there is none. `began_at` is before the first page was asked."""

    scope: Scope
    began_at: datetime
    records: tuple[RemoteRecord, ...] = ()
    error: RemoteError | None = None


@dataclass(frozen=True, kw_only=True)
class ReadingCounts:
    """What a reading said: how many keys it had, how many rows newly drifted, and how many no longer do."""

    rows: int = 0
    found: int = 0
    ended: int = 0


@dataclass
class ProjectVisibility:
    """Which projects this token does not see; asked once for all of those, since a narrow token empties many lists."""

    client: AlignClient
    unseen: set[str] = field(default_factory=set)

    def sees(self, project: Project) -> bool:
        """Raises RemoteError. That it sees a project is asked anew each time: the list was empty only now."""
        if project.wire_key in self.unseen:
            return False
        seen = {each.project_key for each in self.client.projects()}
        in_scope = Project.objects.filter(connector=project.connector_id, in_scope=True)
        self.unseen = {each.wire_key for each in in_scope} - seen
        return project.wire_key not in self.unseen


# --- reading -----------------------------------------------------------------------------------------------------


def read_scope(client: AlignClient, scope: Scope) -> ListReading:
    """Read one list to its end. Never raises for what Align answers: the reading carries the error."""
    began_at = timezone.now()
    place = scope.place
    try:
        answered = client.list_mappings(place.path, project_key=place.project_key if place.sends_project_key else None)
        records = tuple(remote_record(place.family, each) for each in answered)
    except RemoteError as error:
        return ListReading(scope=scope, began_at=began_at, error=error)
    return ListReading(scope=scope, began_at=began_at, records=records)


def remote_record(family: Family, record: MappingRecord) -> RemoteRecord:
    values = {
        "jiraStatusId": record.jira_status_id,
        "alignStateId": record.align_state_id,
        "processStepId": record.process_step_id,
    }
    source_id, target_id = values[family.source_field], values[family.target_field]
    if source_id is None or target_id is None:
        missing = family.source_field if source_id is None else family.target_field
        raise Malformed(f"Align answered a mapping (id {record.id}) without {missing}.")
    names = {
        "jiraStatusId": record.jira_status_name,
        "alignStateId": record.align_state_name,
        "processStepId": record.process_step_name,
    }
    return RemoteRecord(
        remote_id=record.id,
        type_id=record.work_item_type_id,
        source_id=source_id,
        target_id=target_id,
        source_name=names[family.source_field],
        target_name=names[family.target_field],
    )


def read_scopes(client: AlignClient, scopes: Iterable[Scope]) -> Iterator[ListReading]:
    """Read many lists at once, in the order they are answered."""
    with DatabaseThreads(settings.APPLY_THREADS) as threads:
        yield from threads.each_done(lambda scope: read_scope(client, scope), scopes)


def confirmed(client: AlignClient, reading: ListReading, sight: ProjectVisibility | None = None) -> ListReading:
    """Look again where a list says that known records vanished and could be wrong about it.

    Pages by `$skip` can miss a record when the list moves meanwhile, so what vanished from a list of several pages
    must be missing in two complete reads. A list that turned empty is believed only while the token still sees the
    project: one that sees fewer projects gets empty lists, which are no deletions.
    """
    scope = reading.scope
    if reading.error or not scope.known or scope.rows <= len(reading.records):
        return reading
    if not reading.records and scope.project and (unseen := _unseen(scope.project, sight or ProjectVisibility(client))):
        return ListReading(scope=scope, began_at=reading.began_at, error=unseen)
    if max(scope.rows, len(reading.records)) < client.page_size:
        return reading
    again = read_scope(client, scope)
    if again.error:
        return again
    both = {record.remote_id: record for record in (*reading.records, *again.records)}
    return ListReading(scope=scope, began_at=reading.began_at, records=tuple(both.values()))


def _unseen(project: Project, sight: ProjectVisibility) -> RemoteError | None:
    """Why an empty list of this project says nothing; None where it does."""
    try:
        if sight.sees(project):
            return None
    except RemoteError as error:
        return error
    return SignInRefused(f"This credential no longer sees {project.key} in Align, so its mappings are unknown.")


# --- storing -----------------------------------------------------------------------------------------------------


def store(reading: ListReading, *, spare_under_way: bool = False) -> ReadingCounts:
    """Take a reading into the scope's mappings, in one short transaction.

    `spare_under_way`: leave alone the rows that an apply is writing just now. It settles them itself; a list read
    between our write and its answer would show our own change as somebody else's.
    """
    with transaction.atomic():
        scope = Scope.objects.locked().select_related("connector", "project").get(pk=reading.scope.pk)
        if reading.error:
            scope.error = reading.error.sentence
            scope.save(update_fields=["error"])
            return ReadingCounts()
        if scope.observed_at and scope.observed_at > reading.began_at:
            return ReadingCounts(rows=scope.rows)  # a newer reading was stored meanwhile
        stored = list(scope.mappings.locked().order_by("pk"))
        listing = _listing(scope, reading.records, stored)
        found, ended = _store_mappings(scope, listing, stored, reading.began_at, spare_under_way)
        _store_foreign(scope, listing)
        scope.observed_at, scope.error = reading.began_at, ""
        scope.rows, scope.foreign_rows = len(reading.records), len(listing.foreign)
        scope.save(update_fields=["observed_at", "error", "rows", "foreign_rows"])
        return ReadingCounts(rows=len(listing.rows), found=found, ended=ended)


def _under_way(scope: Scope) -> frozenset[int]:
    """Asked after the list was read: what was sent only since then cannot be in it."""
    open_ = scope.changes.filter(
        state__in=[ChangeState.SENDING, ChangeState.UNKNOWN], plan__state=PlanState.APPLYING, mapping__isnull=False
    )
    return frozenset(pk for pk in open_.values_list("mapping_id", flat=True) if pk)


def _listing(scope: Scope, records: Iterable[RemoteRecord], stored: Iterable[Mapping]) -> Listing:
    kept = {(TypeName(m.work_item_type), m.source_id): m.keep_remote_id for m in stored if m.keep_remote_id}
    overrides = type_ids_of(scope.connector, scope.family)
    return read_list(records, family=FAMILIES[scope.family], type_ids=overrides, kept=kept)


def _store_mappings(
    scope: Scope, listing: Listing, stored: Iterable[Mapping], began_at: datetime, spare_under_way: bool
) -> tuple[int, int]:
    """Returns how many rows newly stand differently from what was agreed, and how many no longer do."""
    first_time = scope.observed_at is None
    existing = {(TypeName(m.work_item_type), m.source_id): m for m in stored}
    was_open = {m.pk for m in existing.values() if _is_open(m)}
    # What was written after the page was read is newer than the page.
    older = {key: m for key, m in existing.items() if m.written_at is None or m.written_at < began_at}
    # A record that is there under a type id that no type has is not gone: what it means is unknown.
    renumbered = {record.remote_id for record in listing.foreign}
    sure = {key: m for key, m in older.items() if key in listing.rows or m.remote_id not in renumbered}
    changed = [m for key, m in sure.items() if _take(m, listing.rows.get(key))]
    if changed and spare_under_way:
        spared = _under_way(scope)
        changed = [m for m in changed if m.pk not in spared]
    new = [_new(scope, key, seen, first_time) for key, seen in listing.rows.items() if key not in existing]
    Mapping.objects.bulk_create(new, batch_size=1000)
    fields = ["observed", *RECONCILED_FIELDS, "remote_id", "duplicates", "names_in_align", "keep_remote_id", "version"]
    Mapping.objects.bulk_update(changed, fields, batch_size=500)
    found = sum(_is_open(m) and m.pk not in was_open for m in changed) + sum(map(_is_open, new))
    return found, sum(m.pk in was_open and not _is_open(m) for m in changed)


def _is_open(mapping: Mapping) -> bool:
    return mapping.situation in (Situation.DRIFTED, Situation.CONFLICT)


def _take(mapping: Mapping, seen: Seen | None) -> bool:
    """Set what was seen and settle; True when anything is different."""
    before, names = _observed_values(mapping), mapping.names_in_align
    mapping.observed = None if seen is None else seen.target_id
    mapping.remote_id = None if seen is None else seen.remote_id
    mapping.duplicates = _pairs(seen)
    mapping.names_in_align = _names(seen)
    if not mapping.duplicates:
        mapping.keep_remote_id = None
    reconcile_mapping(mapping)
    if _observed_values(mapping) != before:
        mapping.version += 1
        return True
    return bool(mapping.names_in_align != names)  # a renaming takes no edit back


def _observed_values(mapping: Mapping) -> tuple[object, ...]:
    agreed = mapping.applied, mapping.situation, mapping.drifted_at
    return mapping.observed, mapping.remote_id, mapping.duplicates, *agreed


def _new(scope: Scope, key: Key, seen: Seen, first_time: bool) -> Mapping:
    """A key without a row: in a scope that was never read all three values are what Align says; in one that was
    read before, the record is somebody else's addition."""
    known = seen.target_id if first_time else None
    mapping = Mapping(
        scope=scope,
        work_item_type=key[0],
        source_id=key[1],
        wanted=known,
        applied=known,
        observed=seen.target_id,
        remote_id=seen.remote_id,
        duplicates=_pairs(seen),
        names_in_align=_names(seen),
    )
    return reconcile_mapping(mapping)


def _pairs(seen: Seen | None) -> list[list[int]]:
    return [[each.remote_id, each.target_id] for each in seen.duplicates] if seen else []


def _names(seen: Seen | None) -> dict[str, list[str]]:
    return {str(remote_id): list(names) for remote_id, names in seen.names.items()} if seen else {}


def _store_foreign(scope: Scope, listing: Listing) -> None:
    if scope.foreign_rows:
        scope.foreign_records.all().delete()
    ForeignRecord.objects.bulk_create(
        [
            ForeignRecord(
                scope=scope,
                remote_id=record.remote_id,
                type_id=record.type_id,
                source_id=record.source_id,
                target_id=record.target_id,
            )
            for record in listing.foreign
        ],
        batch_size=1000,
    )
