"""From edited rows to the exact requests of a plan, in the order in which they are applied.

A plan is data: what is reviewed here is what is sent, and nothing is worked out again at apply time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from connectors.align.audit_sentences import CREATED, DELETED, UPDATED, MappingEvent, write
from connectors.align.terminology import ALIGNS_OWN, Terminology
from mappings.engine import sentences
from mappings.engine.checks import Problem
from mappings.engine.families import KEPT, ListAddress
from mappings.engine.values import Row, Severity, Situation, TypeName


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


METHODS: Mapping[Action, str] = {Action.CREATE: "POST", Action.UPDATE: "PUT", Action.DELETE: "DELETE"}
AUDIT_ACTIONS: Mapping[Action, str] = {Action.CREATE: CREATED, Action.UPDATE: UPDATED, Action.DELETE: DELETED}


@dataclass(frozen=True, kw_only=True, slots=True)
class NamesInAlign:
    """Names as Align's lists tell them: of source and target by record id; elsewhere in the list by their own ids."""

    records: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    sources: Mapping[int, str] = field(default_factory=dict)
    targets: Mapping[int, str] = field(default_factory=dict)

    def as_listed(self, event: MappingEvent) -> MappingEvent:
        """The event as Align will tell it; what no list has named keeps our name."""
        source, before = self.records.get(event.record_id or 0, ("", ""))
        return replace(
            event,
            source_name=source or _of(self.sources, event.source_id) or event.source_name,
            before_name=before or event.before_name,
            after_name=_of(self.targets, event.after_id) or event.after_name,
        )


def _of(names: Mapping[int, str], id_: int | None) -> str:
    return "" if id_ is None else names.get(id_, "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A chosen row with what a plan says about it.

    Names are plain ("Dev complete", "In Review"): of the source, of the value before (observed) and after (wanted).
    `target_names` are needed only where further records are to be deleted. `names_in_align` says of each record how
    Align's list calls its source and target: so its log will, whatever they are called here. `project_count` is how
    many projects a shared place serves. `problems` are those of this row; an error among them refuses it. `unused` says
    why its list is read no more, which refuses it, too.
    """

    connector_id: int
    place: ListAddress
    work_item_type: TypeName
    type_id: int
    row: Row
    source_name: str
    before_name: str = ""
    after_name: str = ""
    target_names: Mapping[int, str] = field(default_factory=dict)
    names_in_align: NamesInAlign = field(default_factory=NamesInAlign)
    project_count: int = 0
    problems: tuple[Problem, ...] = ()
    unused: str = ""
    keyed: frozenset[str] = frozenset()  # methods that this site takes only with the project's key
    terminology: Terminology = ALIGNS_OWN


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedChange:
    """One request. `path` is below /connectors/{id}; `key` names the row, which duplicates of a record share.

    Of a list of ours nothing is sent: it has no path and no line to expect, and its body is what is kept.
    """

    action: Action
    place: ListAddress
    work_item_type: TypeName
    source_id: int
    source_name: str
    before: int | None
    before_name: str
    after: int | None
    after_name: str
    remote_id: int | None
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: Mapping[str, int | str] | None
    sentence: str
    event: MappingEvent
    expected_line: str
    key: str
    is_spare: bool = False  # deletes a further record; the key's own record stays or has a change of its own


@dataclass(frozen=True, kw_only=True)
class UnplannableRow:
    key: str
    code: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Planning:
    """`unchanged` counts the rows that need nothing: planning again after an apply gives only those."""

    changes: tuple[PlannedChange, ...]
    refused: tuple[UnplannableRow, ...]
    unchanged: int


REFUSALS: Mapping[Situation, str] = {
    Situation.UNKNOWN: "This mapping's list has not been read, so nobody knows what Align holds: refresh first.",
    Situation.DRIFTED: "Somebody changed this mapping elsewhere: adopt, restore or accept that first.",
    Situation.CONFLICT: "This mapping was edited here and changed elsewhere: choose theirs or mine first.",
}
NO_RECORD_ID = "Align's record of this mapping has no id, so it cannot be addressed: refresh first."


def row_key(place: ListAddress, work_item_type: TypeName, source_id: int) -> str:
    """ "j2a-state:PROJ1:story:10013"; nothing between the colons where all company-managed projects share it.

    Of a list of ours it begins with "ours:".
    """
    return (
        f"{'ours:' if place.is_ours else ''}{place.family.code}:{place.project_key or ''}:{work_item_type}:{source_id}"
    )


# --- planning --------------------------------------------------------------------------------------------------


def plan(drafts: Iterable[Draft]) -> Planning:
    """Plan the rows that differ. Pure: the same drafts give the same changes, in the order they are applied."""
    changes: list[PlannedChange] = []
    refused: list[UnplannableRow] = []
    unchanged = 0
    for draft in drafts:
        if (refusal := _refusal(draft)) is not None:
            refused.append(refusal)
        elif planned := list(_changes(draft)):
            changes += planned
        else:
            unchanged += 1
    return Planning(changes=order_changes(changes), refused=tuple(refused), unchanged=unchanged)


def _refusal(draft: Draft) -> UnplannableRow | None:
    row = draft.row
    key = row_key(draft.place, draft.work_item_type, row.source_id)
    if draft.unused:
        sentence = f"{draft.unused} Take the edit of {draft.source_name} out of the draft."
        return UnplannableRow(key=key, code="list-unused", sentence=sentence)
    if row.situation in REFUSALS:
        return UnplannableRow(key=key, code=row.situation.value, sentence=REFUSALS[row.situation])
    if not _differs(row):
        return None
    for problem in draft.problems:
        if problem.severity is Severity.ERROR:
            return UnplannableRow(key=key, code=problem.code, sentence=problem.sentence)
    if row.observed is not None and row.remote_id is None and not draft.place.is_ours:
        return UnplannableRow(key=key, code="no-record-id", sentence=NO_RECORD_ID)
    return None


def _differs(row: Row) -> bool:
    return row.situation is Situation.EDITED or _spare_records(row)


def _spare_records(row: Row) -> bool:
    """Further records to delete, an admin having chosen the one that stays. A tolerated value is left alone."""
    chosen = bool(row.duplicates) and not row.has_open_duplicates
    return chosen and row.situation in (Situation.IN_SYNC, Situation.EDITED)


def _changes(draft: Draft) -> Iterator[PlannedChange]:
    row = draft.row
    if row.situation is Situation.EDITED:
        yield _main_change(draft)
    if _spare_records(row):
        for spare in row.duplicates:
            yield _spare_change(draft, spare.remote_id, spare.target_id)


def _main_change(draft: Draft) -> PlannedChange:
    row, place, type_ = draft.row, draft.place, draft.work_item_type
    source = sentences.source_words(place, row.source_id, draft.source_name)
    if row.wanted is None:
        sentence = sentences.mapping_removed(place, type_, source, draft.project_count, draft.terminology)
        return _change(draft, Action.DELETE, row.remote_id, row.observed, draft.before_name, sentence)
    after = sentences.target_words(place, draft.after_name)
    sentence = sentences.mapping_set(place, type_, source, after, draft.project_count, draft.terminology)
    # `is None`, never truth: an observed 0 is a record to update, not a gap to fill.
    if row.observed is None:
        return _change(draft, Action.CREATE, None, None, "", sentence)
    return _change(draft, Action.UPDATE, row.remote_id, row.observed, draft.before_name, sentence)


def _spare_change(draft: Draft, remote_id: int, target_id: int) -> PlannedChange:
    place = draft.place
    name = draft.target_names.get(target_id, str(target_id))
    sentence = sentences.duplicate_removed(
        place,
        draft.work_item_type,
        sentences.source_words(place, draft.row.source_id, draft.source_name),
        sentences.target_words(place, name),
        None if draft.row.wanted is None else draft.row.remote_id,
        draft.terminology,
    )
    change = _change(draft, Action.DELETE, remote_id, target_id, name, sentence)
    return replace(change, is_spare=True)


def _change(
    draft: Draft, action: Action, remote_id: int | None, before: int | None, before_name: str, sentence: str
) -> PlannedChange:
    place, source_id, is_ours = draft.place, draft.row.source_id, draft.place.is_ours
    after = None if action is Action.DELETE else draft.row.wanted
    after_name = "" if after is None else draft.after_name
    method, with_key = KEPT if is_ours else METHODS[action], METHODS[action] in draft.keyed
    path = "" if is_ours else place.path if remote_id is None else f"{place.path}/{remote_id}"
    event = _event(draft, action, remote_id, before=(before, before_name), after=(after, after_name))
    return PlannedChange(
        action=action,
        place=place,
        work_item_type=draft.work_item_type,
        source_id=source_id,
        source_name=draft.source_name,
        before=before,
        before_name=before_name,
        after=after,
        after_name=after_name,
        remote_id=remote_id,
        method=method,
        path=path,
        query=() if is_ours else place.write_query(with_key=with_key),
        body=None
        if after is None
        else place.body(type_id=draft.type_id, source_id=source_id, target_id=after, with_key=with_key),
        sentence=sentence,
        event=event,
        expected_line="" if is_ours else write(event),
        key=row_key(place, draft.work_item_type, source_id),
    )


def _event(
    draft: Draft,
    action: Action,
    remote_id: int | None,
    *,
    before: tuple[int | None, str],
    after: tuple[int | None, str],
) -> MappingEvent:
    family = draft.place.family
    event = MappingEvent(
        connector_id=draft.connector_id,
        action=AUDIT_ACTIONS[action],
        kind=family.kind.value,
        direction=family.direction.value,
        work_item_type=draft.work_item_type.label,
        source_id=draft.row.source_id,
        source_name=draft.source_name,
        project_key=draft.place.project_key,
        record_id=remote_id,
        type_id=draft.type_id,
        before_id=before[0],
        before_name=before[1],
        after_id=after[0],
        after_name=after[1],
    )
    return draft.names_in_align.as_listed(event)


def order_changes(changes: Iterable[PlannedChange]) -> tuple[PlannedChange, ...]:
    """Whole scopes one after the other, the shared ones first; within a row the kept record before the spare ones."""
    return tuple(sorted(changes, key=_order))


def _order(change: PlannedChange) -> tuple[str, str, str, int, bool, int]:
    project = change.place.project_key or ""
    removed = change.action is Action.DELETE
    remote_id = 0 if change.remote_id is None else change.remote_id
    return (project, change.place.family.code, change.work_item_type, change.source_id, removed, remote_id)
