"""Reading Align's lists into the observed values: one list call a scope, never a look at single records.

No transaction spans a call: a scope's list is read whole, then compared and stored in one short transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from connectors import remotes
from connectors.align.client import AlignClient
from connectors.align.resources import MappingRecord
from connectors.http.errors import Malformed, RemoteError, SignInRefused
from connectors.jobs import JobFailed, Run
from connectors.models import Connector, Project
from connectors.threads import DatabaseThreads
from mappings.engine.families import FAMILIES, Family
from mappings.engine.reconcile import Listing, RemoteRecord, Seen, read_list
from mappings.engine.values import Direction, WorkItemType
from mappings.models import ForeignRecord, Mapping, Scope
from mappings.rows import settle_mapping, type_ids_of

PAGE = 100
Key = tuple[WorkItemType, int]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One scope's list as it was answered, or why there is none. `began_at` is before the first page was asked."""

    scope: Scope
    began_at: datetime
    records: tuple[RemoteRecord, ...] = ()
    error: RemoteError | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an observation of scopes found, in numbers."""

    scopes: int = 0
    rows: int = 0
    failed: int = 0


# --- which lists there are ---------------------------------------------------------------------------------------


def ensure_scopes(connector: Connector) -> list[Scope]:
    """Every scope the connector has now: shared ones, and those of each project in scope."""
    projects = list(Project.objects.filter(connector=connector, in_scope=True, vanished_at=None))
    places = [(code, project) for code, family in FAMILIES.items() for project in _projects_of(family, projects)]
    existing = {(scope.family, scope.project_id) for scope in Scope.objects.filter(connector=connector)}
    Scope.objects.bulk_create(
        [
            Scope(connector=connector, family=code, project=project)
            for code, project in places
            if (code, project.pk if project else None) not in existing
        ],
        ignore_conflicts=True,
    )
    wanted = {(code, project.pk if project else None) for code, project in places}
    scopes = Scope.objects.filter(connector=connector).select_related("project", "connector").order_by("pk")
    return [scope for scope in scopes if (scope.family, scope.project_id) in wanted]


def _projects_of(family: Family, projects: Sequence[Project]) -> Iterator[Project | None]:
    if family.direction is Direction.ALIGN_TO_JIRA:
        yield from projects
        return
    yield None
    yield from (project for project in projects if project.team_managed)


# --- reading -----------------------------------------------------------------------------------------------------


def read_scope(client: AlignClient, scope: Scope) -> Reading:
    """Read one list to its end. Never raises for what Align answers: the reading carries the error."""
    began_at = timezone.now()
    place = scope.place
    try:
        answered = client.list_mappings(place.path, project_key=place.project_key if place.sends_project_key else None)
        records = tuple(_record(place.family, each) for each in answered)
    except RemoteError as error:
        return Reading(scope=scope, began_at=began_at, error=error)
    return Reading(scope=scope, began_at=began_at, records=records)


def _record(family: Family, record: MappingRecord) -> RemoteRecord:
    values = {
        "jiraStatusId": record.jira_status_id,
        "alignStateId": record.align_state_id,
        "processStepId": record.process_step_id,
    }
    source_id, target_id = values[family.source_field], values[family.target_field]
    if source_id is None or target_id is None:
        missing = family.source_field if source_id is None else family.target_field
        raise Malformed(f"Align answered a mapping (id {record.id}) without {missing}.")
    return RemoteRecord(remote_id=record.id, type_id=record.work_item_type_id, source_id=source_id, target_id=target_id)


def read_scopes(client: AlignClient, scopes: Iterable[Scope]) -> Iterator[Reading]:
    """Read many lists at once, in the order they are answered."""
    with DatabaseThreads(settings.APPLY_THREADS) as threads:
        yield from threads.each_done(lambda scope: read_scope(client, scope), scopes)


def confirmed(client: AlignClient, reading: Reading) -> Reading:
    """Look again where a list says that known records vanished and could be wrong about it.

    Pages by `$skip` can miss a record when the list moves meanwhile, so what vanished from a list of several pages
    must be missing in two complete reads. A list that turned empty is believed only while the token still sees the
    project: one that sees fewer projects gets empty lists, which are no deletions.
    """
    scope = reading.scope
    if reading.error or not scope.known or scope.rows <= len(reading.records):
        return reading
    if not reading.records and scope.project and not _sees(client, scope.project):
        sentence = f"This credential no longer sees {scope.project.key} in Align, so its mappings are unknown."
        return Reading(scope=scope, began_at=reading.began_at, error=SignInRefused(sentence))
    if max(scope.rows, len(reading.records)) < PAGE:
        return reading
    again = read_scope(client, scope)
    if again.error:
        return again
    both = {record.remote_id: record for record in (*reading.records, *again.records)}
    return Reading(scope=scope, began_at=reading.began_at, records=tuple(both.values()))


def _sees(client: AlignClient, project: Project) -> bool:
    return any(each.project_key == project.wire_key for each in client.projects())


# --- storing -----------------------------------------------------------------------------------------------------


def store(reading: Reading) -> int:
    """Take a reading into the scope's mappings; returns how many keys it had. One short transaction."""
    with transaction.atomic():
        scope = (
            Scope.objects.select_for_update(of=("self",))
            .select_related("connector", "project")
            .get(pk=reading.scope.pk)
        )
        if reading.error:
            scope.error = reading.error.sentence
            scope.save(update_fields=["error"])
            return 0
        if scope.observed_at and scope.observed_at > reading.began_at:
            return scope.rows  # a newer reading was stored meanwhile
        listing = _listing(scope, reading.records)
        _store_mappings(scope, listing, reading.began_at)
        _store_foreign(scope, listing)
        scope.observed_at, scope.error = reading.began_at, ""
        scope.rows, scope.foreign_rows = len(reading.records), len(listing.foreign)
        scope.save(update_fields=["observed_at", "error", "rows", "foreign_rows"])
        return len(listing.rows)


def _listing(scope: Scope, records: Iterable[RemoteRecord]) -> Listing:
    chosen = scope.mappings.exclude(keep_remote_id=None)
    kept = {(WorkItemType(m.work_item_type), m.source_id): m.keep_remote_id for m in chosen if m.keep_remote_id}
    overrides = type_ids_of(scope.connector, scope.family)
    return read_list(records, family=FAMILIES[scope.family], type_ids=overrides, kept=kept)


def _store_mappings(scope: Scope, listing: Listing, began_at: datetime) -> None:
    first_time = scope.observed_at is None
    existing = {(WorkItemType(m.work_item_type), m.source_id): m for m in scope.mappings.select_for_update()}
    changed: list[Mapping] = []
    for key, mapping in existing.items():
        # What was written after the page was read is newer than the page.
        is_older = mapping.written_at is None or mapping.written_at < began_at
        if is_older and _take(mapping, listing.rows.get(key)):
            changed.append(mapping)
    new = [_new(scope, key, seen, first_time) for key, seen in listing.rows.items() if key not in existing]
    Mapping.objects.bulk_create(new, batch_size=1000)
    fields = ["observed", "applied", "situation", "waits", "remote_id", "duplicates", "keep_remote_id", "version"]
    Mapping.objects.bulk_update(changed, fields, batch_size=500)


def _take(mapping: Mapping, seen: Seen | None) -> bool:
    """Set what was seen and settle; True when anything is different."""
    before = _observed_values(mapping)
    mapping.observed = None if seen is None else seen.target_id
    mapping.remote_id = None if seen is None else seen.remote_id
    mapping.duplicates = _pairs(seen)
    if not mapping.duplicates:
        mapping.keep_remote_id = None
    settle_mapping(mapping)
    if _observed_values(mapping) == before:
        return False
    mapping.version += 1
    return True


def _observed_values(mapping: Mapping) -> tuple[object, ...]:
    return mapping.observed, mapping.applied, mapping.remote_id, mapping.duplicates, mapping.situation


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
    )
    return settle_mapping(mapping)


def _pairs(seen: Seen | None) -> list[list[int]]:
    return [[each.remote_id, each.target_id] for each in seen.duplicates] if seen else []


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


# --- the job -----------------------------------------------------------------------------------------------------


def observe_connector(run: Run) -> None:
    """Read every list of the connector, or those named in the job's params as `scopes`."""
    scopes = ensure_scopes(run.connector)
    only = run.job.params.get("scopes")
    if only:
        scopes = [scope for scope in scopes if scope.pk in only]
    interactive = bool(run.job.params.get("interactive"))
    client = remotes.align_client(run.connector, job=run.job, interactive=interactive, on_wait=run.waits_for)
    outcome = observe_scopes(client, scopes, run)
    if scopes and outcome.failed == len(scopes):
        raise JobFailed(f"None of the {len(scopes)} lists could be read. {_first_error(scopes)}")


def observe_scopes(client: AlignClient, scopes: Sequence[Scope], run: Run) -> Outcome:
    rows = failed = 0
    run.progress("reading mapping lists", done=0, total=len(scopes))
    for done, reading in enumerate(read_scopes(client, scopes), start=1):
        sure = confirmed(client, reading)
        rows += store(sure)
        failed += sure.error is not None
        run.progress(str(reading.scope.place.path), done=done)
    return Outcome(scopes=len(scopes), rows=rows, failed=failed)


def _first_error(scopes: Sequence[Scope]) -> str:
    scope = Scope.objects.filter(pk__in=[scope.pk for scope in scopes[:50]]).exclude(error="").first()
    return scope.error if scope else ""
