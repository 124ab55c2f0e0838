"""Reading Align's lists into the observed values: one list call a scope, never a look at single records.

No transaction spans a call: a scope's list is read whole, then compared and stored in one short transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from alignadmin.http.errors import Malformed, RemoteError, SignInRefused
from alignadmin.http.errors import reading as while_reading
from alignadmin.http.listing import Records, SetAside, aside_words, refuse_unusable
from connectors.align.client import AlignClient
from connectors.align.paging import list_name
from connectors.align.resources import MappingRecord
from connectors.jobs.threads import DatabaseThreads
from connectors.models import Project, has_lists
from mappings.edits.reconciling import RECONCILED_FIELDS, reconcile_mapping, type_ids_of
from mappings.edits.unused import why_unused
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
    number: int | None = None  # of the connector in Align that was asked
    records: Records[RemoteRecord] = field(default_factory=Records)
    error: RemoteError | None = None
    answered: Records[MappingRecord] = field(default_factory=Records)  # what `records` were made of
    unseen: frozenset[int] = frozenset()  # known records that it does not show, and that nobody may call gone

    @property
    def kept(self) -> frozenset[int]:
        """Ids of records that are there though none of `records` is it."""
        return self.unseen | {each.id for each in self.records.aside if each.id is not None}

    @property
    def remark(self) -> str:
        """What of the list is not to be taken as it stands, in words; empty where all is."""
        parts = [aside_words(self.name, self.records.aside)]
        if self.unseen:
            number = "1 record is" if len(self.unseen) == 1 else f"{len(self.unseen):,} records are"
            parts.append(f"{self.name}: {number} not shown by the list and not known to be gone, so kept as last seen.")
        return " ".join(filter(None, parts))

    @property
    def name(self) -> str:
        place = self.scope.place
        return list_name(place.path, place.project_key)


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
        asked = Project.objects.filter(has_lists(), connector=project.connector_id)
        self.unseen = {each.wire_key for each in asked} - seen
        return project.wire_key not in self.unseen


# --- reading -----------------------------------------------------------------------------------------------------


def read_scope(client: AlignClient, scope: Scope) -> ListReading:
    """Read one list to its end. Never raises for what Align answers: the reading carries the error.

    One that is used no more is not asked for: by its key another project may answer.
    """
    began_at = timezone.now()
    if unused := why_unused(scope):
        return ListReading(scope=scope, began_at=began_at, number=client.connector_id, error=RemoteError(unused))
    try:
        answered = client.list_mappings(scope.place.path, project_key=_sent_key(scope), to_the_end=not scope.known)
        return _reading(client, scope, began_at, answered)
    except RemoteError as error:
        return ListReading(scope=scope, began_at=began_at, number=client.connector_id, error=error)


def _sent_key(scope: Scope) -> str | None:
    return scope.place.project_key if scope.place.sends_project_key else None


def _reading(
    client: AlignClient,
    scope: Scope,
    began_at: datetime,
    answered: Records[MappingRecord],
    unseen: frozenset[int] = frozenset(),
) -> ListReading:
    """Raises Malformed for a list of which no record can be used."""
    family, records, aside = scope.place.family, [], list(answered.aside)
    for each in answered:
        try:
            records.append(remote_record(family, each))
        except Malformed as error:
            aside.append(SetAside(id=each.id, names=frozenset(), reason=error.sentence))
    usable = Records(records, aside)
    with while_reading(list_name(scope.place.path, scope.place.project_key)):
        refuse_unusable(usable)
    return ListReading(
        scope=scope,
        began_at=began_at,
        number=client.connector_id,
        records=usable,
        answered=answered,
        unseen=unseen,
    )


def remote_record(family: Family, record: MappingRecord) -> RemoteRecord:
    values = {
        "jiraStatusId": record.jira_status_id,
        "alignStateId": record.align_state_id,
        "processStepId": record.process_step_id,
    }
    source_id, target_id = values[family.source_field], values[family.target_field]
    if source_id is None or target_id is None:
        missing = family.source_field if source_id is None else family.target_field
        raise Malformed(f'The field "{missing}" is missing or no id.')
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

    A page that was cut off, or one that moved while the list was read, misses records; so each that is missing is
    asked for by itself before it is gone. A list that turned empty is believed only while the token still sees the
    project: one that sees fewer projects gets empty lists, which are no deletions.
    """
    scope = reading.scope
    if reading.error or not scope.known or not scope.rows:
        return reading
    known = _known_ids(scope)
    if known <= {record.remote_id for record in reading.records} | reading.kept:
        return reading
    if (
        not reading.answered
        and scope.project
        and (unseen := _unseen(scope.project, sight or ProjectVisibility(client)))
    ):
        return replace(reading, records=Records(), answered=Records(), error=unseen)
    try:
        found = client.checked_mappings(scope.place.path, reading.answered, known, project_key=_sent_key(scope))
        return _reading(client, scope, reading.began_at, found.records, found.unseen)
    except RemoteError as error:
        return replace(reading, records=Records(), answered=Records(), error=error)


def _known_ids(scope: Scope) -> set[int]:
    """Of all records that the last reading of the list, or a write since, has shown."""
    rows = Mapping.objects.filter(scope=scope, observed__isnull=False, remote_id__isnull=False)
    pairs = list(rows.values_list("remote_id", "duplicates"))
    return {id_ for id_, _ in pairs if id_ is not None} | {each[0] for _, duplicates in pairs for each in duplicates}


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
    between our write and its answer would show our own change as somebody else's. What was read of a connector that
    was made anew in Align meanwhile is not the list of this one.
    """
    with transaction.atomic():
        scope = Scope.objects.locked().select_related("project").get(pk=reading.scope.pk)
        connector = scope.connector  # read once the list is locked, so that it is not older
        if reading.number not in (None, connector.align_connector_id):
            return ReadingCounts(rows=scope.rows)
        if reading.error:
            scope.error = reading.error.sentence
            scope.save(update_fields=["error"])
            return ReadingCounts()
        if scope.observed_at and scope.observed_at > reading.began_at:
            return ReadingCounts(rows=scope.rows)  # a newer reading was stored meanwhile
        stored = list(scope.mappings.locked().order_by("pk"))
        listing = _listing(scope, reading.records, stored)
        judged = [each for each in stored if not _is_kept(each, listing, reading.kept)]
        anew_at = connector.anew_at
        is_anew = bool(anew_at and scope.observed_at and scope.observed_at <= anew_at)
        if is_anew:
            _forget_former_drift(listing, judged)
        found, ended = _store_mappings(scope, listing, judged, reading.began_at, spare_under_way)
        _store_foreign(scope, listing)
        if is_anew:
            scope.read_anew_at = timezone.now()
        scope.observed_at, scope.error, scope.remark = reading.began_at, "", reading.remark
        scope.rows, scope.foreign_rows = len(reading.records), len(listing.foreign)
        scope.save(update_fields=["observed_at", "error", "remark", "rows", "foreign_rows", "read_anew_at"])
        return ReadingCounts(rows=len(listing.rows), found=found, ended=ended)


def _forget_former_drift(listing: Listing, stored: Iterable[Mapping]) -> None:
    """A row that had drifted in the former connector and holds something else in the new one differs since now."""
    for mapping in stored:
        seen = listing.rows.get((TypeName(mapping.work_item_type), mapping.source_id))
        if mapping.observed != (seen.target_id if seen else None):
            mapping.drifted_at = None


def _is_kept(mapping: Mapping, listing: Listing, kept: frozenset[int]) -> bool:
    """No usable record has its key, and its own is there, or may be: then it stays as it was seen last."""
    key = TypeName(mapping.work_item_type), mapping.source_id
    return key not in listing.rows and mapping.observed is not None and mapping.remote_id in kept


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
