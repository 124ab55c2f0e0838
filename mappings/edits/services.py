"""Deciding what is wanted: edits with undo and redo, and what to do about changes made elsewhere.

Each service is one short transaction whose last statement is its audit entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, QuerySet
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from connectors.models import Connector
from connectors.ports.audited import context_of
from mappings.edits.catalogue_facts import CatalogueFacts
from mappings.edits.names import Names, names_for, names_in
from mappings.edits.queries import my_last_edits
from mappings.edits.reconciling import RECONCILED_FIELDS, reconcile_mapping
from mappings.edits.unused import why_unused
from mappings.engine.families import FAMILIES, Family
from mappings.engine.values import ALIGN_STATES, Direction, Kind, TypeName
from mappings.models import Edit, Mapping, Scope


class Overtaken(Refused):
    """Somebody else changed the mapping after the page was drawn; carries the row as it is now."""

    def __init__(self, sentence: str, mapping: Mapping) -> None:
        super().__init__(sentence)
        self.mapping = mapping


@dataclass(frozen=True, kw_only=True)
class MatrixKey:
    """One cell row: a scope, a work item type and a source."""

    scope: Scope
    work_item_type: TypeName
    source_id: int

    @property
    def family(self) -> Family:
        return FAMILIES[self.scope.family]


@dataclass(frozen=True, kw_only=True)
class EditRequest:
    """A wanted value and the one the person saw when deciding it."""

    key: MatrixKey
    wanted: int | None
    seen: int | None


# --- edits -------------------------------------------------------------------------------------------------------


def set_wanted(
    request: EditRequest, *, actor: Person, now: datetime | None = None, catalogue: CatalogueFacts | None = None
) -> Mapping:
    """Set one wanted value. Raises Overtaken when the value is no longer the one that was seen.

    `catalogue`: what the same request of a browser has read already.
    """
    known = catalogue or CatalogueFacts(request.key.scope.connector)
    with transaction.atomic():
        mapping = _apply_request(request, known, actor, now or timezone.now())
        _entry("mapping.edited", [mapping], actor=actor, sentence=_edit_sentence(mapping, request, known))
    return mapping


def set_many(
    requests: Iterable[EditRequest], *, actor: Person, now: datetime | None = None
) -> tuple[list[Mapping], list[str]]:
    """Set what the list view's form says; rows that were overtaken or refused are named, the others kept."""
    now = now or timezone.now()
    changed: list[Mapping] = []
    refused: list[str] = []
    catalogues: dict[int, CatalogueFacts] = {}
    edits = [request for request in requests if request.wanted != request.seen]
    with transaction.atomic():
        _lock_all([request.key for request in edits])
        for request in edits:
            connector = request.key.scope.connector
            known = catalogues.setdefault(connector.pk, CatalogueFacts(connector))
            try:
                changed.append(_apply_request(request, known, actor, now))
            except Overtaken as overtaken:
                if not _is_own(overtaken.mapping, request, actor):  # else the same form was sent twice
                    refused.append(str(overtaken))
            except Refused as refusal:
                refused.append(str(refusal))
        if changed:
            count = f"{len(changed)} mapping{'' if len(changed) == 1 else 's'}"
            _entry("mapping.edited", changed, actor=actor, sentence=f"Edited {count} in the draft.")
    return changed, refused


def undo(connector: Connector, *, actor: Person) -> Mapping:
    """Take back my own last edit, while nobody has changed the mapping since."""
    with transaction.atomic():
        edit, _ = my_last_edits(connector, actor.pk)
        if edit is None:
            raise Refused("There is no edit of yours to undo.")
        mapping = _undone(edit, actor)
        Edit.objects.filter(pk=edit.pk).update(undone=True, version=mapping.version)
        _entry("mapping.edit_undone", [mapping], actor=actor, sentence="Took back an edit of the draft.")
    return mapping


def redo(connector: Connector, *, actor: Person) -> Mapping:
    with transaction.atomic():
        _, edit = my_last_edits(connector, actor.pk)
        if edit is None:
            raise Refused("There is nothing to redo.")
        mapping = _redone(edit, actor)
        Edit.objects.filter(pk=edit.pk).update(undone=False, version=mapping.version)
        _entry("mapping.edit_redone", [mapping], actor=actor, sentence="Made an edit of the draft again.")
    return mapping


def drop_edit(mapping: Mapping, *, seen: int | None, actor: Person, catalogue: CatalogueFacts | None = None) -> Mapping:
    """Take one waiting edit out of the draft: wanted is again what was applied."""
    key = MatrixKey(scope=mapping.scope, work_item_type=TypeName(mapping.work_item_type), source_id=mapping.source_id)
    request = EditRequest(key=key, wanted=mapping.applied, seen=seen)
    return set_wanted(request, actor=actor, catalogue=catalogue)


def _apply_request(request: EditRequest, catalogue: CatalogueFacts, actor: Person, now: datetime) -> Mapping:
    _require_allowed(request, catalogue)
    mapping, has_undone = _locked(request.key, actor)
    if mapping.wanted != request.seen:
        raise Overtaken(_overtaken_sentence(mapping), mapping)
    edit = edit_of(mapping, request.wanted, actor=actor, now=now)
    _save_wanted(mapping, request.wanted, by=actor, at=now, now=now)
    edit.version = mapping.version
    if has_undone:  # a new edit ends what could be redone
        _undone_edits(request.key.scope.connector, actor).delete()
    edit.save()
    return mapping


def edit_of(mapping: Mapping, wanted: int | None, *, actor: Person, now: datetime) -> Edit:
    """What an edit is about to change, and whose that is; not stored. Its version is known when it is done."""
    return Edit(
        mapping=mapping,
        connector_id=mapping.scope.connector_id,
        person=actor,
        before=mapping.wanted,
        before_by_id=mapping.wanted_by_id,
        before_at=mapping.wanted_at,
        after=wanted,
        at=now,
    )


def _is_own(mapping: Mapping, request: EditRequest, actor: Person) -> bool:
    return mapping.wanted == request.wanted and mapping.wanted_by_id == actor.pk


def _undone(edit: Edit, actor: Person) -> Mapping:
    """The value is again what it was, and whose it was: who takes an edit back has decided nothing else."""
    mapping = _as_left(edit, edit.after, actor.pk)
    _save_wanted(mapping, edit.before, by=edit.before_by, at=edit.before_at, now=timezone.now())
    return mapping


def _redone(edit: Edit, actor: Person) -> Mapping:
    mapping, now = _as_left(edit, edit.before, edit.before_by_id), timezone.now()
    _save_wanted(mapping, edit.after, by=actor, at=now, now=now)
    return mapping


def _as_left(edit: Edit, wanted: int | None, wanted_by: int | None) -> Mapping:
    """The edit's row, locked. Raises Overtaken when it is not as the edit, or its undoing, left it."""
    found = Mapping.objects.locked()
    mapping = found.select_related("scope", "wanted_by").get(pk=edit.mapping_id)
    if mapping.wanted != wanted or mapping.wanted_by_id != wanted_by:
        raise Overtaken(_overtaken_sentence(mapping), mapping)
    return mapping


def _lock_all(keys: Sequence[MatrixKey]) -> None:
    """The lists first, then their rows in one order, as a reader of Align's lists does, whatever order a form has."""
    scopes, sources = {key.scope.pk for key in keys}, {key.source_id for key in keys}
    Scope.objects.filter(pk__in=scopes).lock_in_order()
    Mapping.objects.filter(scope__in=scopes, source_id__in=sources).lock_in_order()


def _undone_edits(connector: Connector, person: Person) -> QuerySet[Edit]:
    return Edit.objects.filter(connector=connector, person=person, undone=True)


def _locked(key: MatrixKey, actor: Person) -> tuple[Mapping, bool]:
    """The row for update, made on the first edit of a key that has no record; with the key's connector and project.

    Asked along: whether the person has edits that could be redone.
    """
    undone = Exists(_undone_edits(key.scope.connector, actor))
    found = Mapping.objects.locked().select_related("scope", "wanted_by").annotate(has_undone=undone)
    lookup = {"scope": key.scope, "work_item_type": key.work_item_type, "source_id": key.source_id}
    mapping = found.filter(**lookup).first()
    if mapping is None:
        Scope.objects.locked().get(pk=key.scope.pk)  # else a reading of the list may be making the same row
        try:
            with transaction.atomic():
                Mapping.objects.create(**lookup)
        except IntegrityError:  # somebody's first edit of the same key came in between
            pass
        mapping = found.get(**lookup)
    mapping.scope.connector, mapping.scope.project = key.scope.connector, key.scope.project
    return mapping, mapping.has_undone


def _save_wanted(mapping: Mapping, value: int | None, *, by: Person | None, at: datetime | None, now: datetime) -> None:
    mapping.wanted, mapping.wanted_by, mapping.wanted_at = value, by, at
    mapping.version += 1
    reconcile_mapping(mapping, known=mapping.scope.known, now=now)
    mapping.save(update_fields=["wanted", "wanted_by", "wanted_at", "version", *RECONCILED_FIELDS])


def _require_allowed(request: EditRequest, catalogue: CatalogueFacts) -> None:
    key, family = request.key, request.key.family
    if (unused := why_unused(key.scope)) and not _takes_out(request):
        raise Refused(f"{unused} What waits for it can only be taken out of the draft.")
    if not key.scope.known and not unused:
        raise Refused("This list has not been read from Align, so nobody knows what it holds. Refresh it first.")
    if not family.knows(key.work_item_type):
        raise Refused(f"Align has no {family.direction.label} {family.kind.label.lower()} mapping for this type.")
    status_id, target_id = (
        (key.source_id, request.wanted)
        if family.direction is Direction.JIRA_TO_ALIGN
        else (request.wanted, key.source_id)
    )
    if status_id is not None and not catalogue.statuses([status_id]):
        raise Refused(f"Jira has no status {status_id}. Refresh the catalogue and try again.")
    if target_id is not None and not _target_exists(catalogue, family.kind, target_id):
        raise Refused(f"Align has no {family.kind.label.lower()} {target_id}. Refresh the catalogue and try again.")


def _takes_out(request: EditRequest) -> bool:
    key = request.key
    rows = Mapping.objects.filter(scope=key.scope, work_item_type=key.work_item_type, source_id=key.source_id)
    return rows.filter(applied=request.wanted).exists()


def _target_exists(catalogue: CatalogueFacts, kind: Kind, target_id: int) -> bool:
    if kind is Kind.STATE:
        return target_id in ALIGN_STATES
    return any(step.id == target_id for _, step in catalogue.steps)


def _overtaken_sentence(mapping: Mapping) -> str:
    names = names_for([mapping])
    who, when = mapping.wanted_by or "Somebody", mapping.wanted_at
    at = f" at {when:%H:%M} UTC" if when else ""
    holds = "" if mapping.scope.is_ours else f", Align has {_named(names, mapping, mapping.observed)}"
    return (
        f"{who} changed this mapping{at}. Wanted is now {_named(names, mapping, mapping.wanted)}, applied "
        f"{_named(names, mapping, mapping.applied)}{holds}. "
        "Your edit was not stored."
    )


def _edit_sentence(mapping: Mapping, request: EditRequest, catalogue: CatalogueFacts) -> str:
    family, values = request.key.family, (request.seen, request.wanted)
    statuses = [mapping.source_id] if family.direction is Direction.JIRA_TO_ALIGN else values
    names = names_in(catalogue, [id_ for id_ in statuses if id_ is not None], [mapping])
    source = names.of(family.kind, family.direction, source=mapping.source_id)
    was, now = _named(names, mapping, request.seen), _named(names, mapping, request.wanted)
    type_ = catalogue.connector.terminology.name(request.key.work_item_type)
    where = f"{family.direction.label}{', in a list of ours' if request.key.scope.is_ours else ''}"
    return f"Draft: {type_} {source} from {was} to {now} ({where})."


def _named(names: Names, mapping: Mapping, value: int | None) -> str:
    family = FAMILIES[mapping.scope.family]
    if value is None:
        return "not mapped"
    number = f"{value} " if family.kind is Kind.STATE and family.direction is Direction.JIRA_TO_ALIGN else ""
    return number + names.of(family.kind, family.direction, target=value)


# --- changes made elsewhere --------------------------------------------------------------------------------------


def keep_duplicate(mapping: Mapping, remote_id: int, *, actor: Person) -> Mapping:
    """Of several records of one key, choose the one that stays; a plan then deletes the others."""
    with transaction.atomic():
        found = Mapping.objects.locked().select_related("scope__project")
        row = found.get(pk=mapping.pk)
        targets = {row.remote_id: row.observed, **dict(row.duplicates)}
        if not row.duplicates or remote_id not in targets:
            raise Refused("These records have changed in Align. Look again before choosing.")
        chosen = targets.pop(remote_id)
        follows = row.wanted == row.observed  # nobody wanted anything else: keep agreeing with the kept record
        row.duplicates = [[record, target] for record, target in targets.items()]
        row.remote_id, row.keep_remote_id, row.observed = remote_id, remote_id, chosen
        row.kept_by = actor
        if follows and row.wanted != chosen:
            row.wanted_by, row.wanted_at = actor, timezone.now()
        if follows:
            row.wanted = row.applied = chosen
        row.version += 1
        reconcile_mapping(row)
        row.save()
        _entry("duplicate.chosen", [row], actor=actor, sentence=f"Record {remote_id} stays; the others go by a plan.")
    return row


def _entry(action: str, rows: list[Mapping], *, actor: Person, sentence: str) -> None:
    trail.record_all([_audit_record(action, rows, actor=actor, sentence=sentence)])


def _audit_record(
    action: str,
    rows: list[Mapping],
    *,
    actor: Person,
    sentence: str,
    reason: str = "",
    earlier: Sequence[Person] = (),
) -> AuditRecord:
    scope = rows[0].scope
    data = {
        "rows": [
            {
                "scope": f"{_family_of(row.scope)}:{row.scope.project.key if row.scope.project else ''}",
                "type": row.work_item_type,
                "source": row.source_id,
                "wanted": row.wanted,
                "applied": row.applied,
                "observed": row.observed,
            }
            for row in rows
        ]
    }
    return AuditRecord(
        action=action,
        actor=actor,
        author=actor,
        earlier=[trail.copy_of(each) for each in earlier],
        context=context_of(scope.connector),
        subject=f"{_family_of(scope)}:{rows[0].work_item_type}:{rows[0].source_id}",
        sentence=sentence,
        data=data,
        reason=reason,
    )


def _family_of(scope: Scope) -> str:
    """As entries name it."""
    return f"ours:{scope.family}" if scope.is_ours else scope.family
