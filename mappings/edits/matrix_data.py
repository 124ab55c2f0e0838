"""The facts behind matrices, checks and plans: loaded for many scopes in a fixed number of queries."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from copy import copy
from functools import cached_property
from typing import Any

from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast

from connectors.catalogue.workflows import ListedProject
from connectors.models import Connector, Project
from mappings.edits.catalogue_facts import CatalogueFacts, projects_of_ours, steps_for
from mappings.edits.listed_names import ListedNames, ListedRow, listed_names, names_in_rows
from mappings.edits.matrix_scope import MatrixScope, ScopeAddress
from mappings.edits.unrecognised import StrangeRecord, Unrecognised, by_place, strange_records
from mappings.edits.ways_back import WaysBackOfMany
from mappings.engine.families import FAMILIES, family_of
from mappings.engine.values import (
    Direction,
    DuplicateRecord,
    Kind,
    Row,
    Situation,
    SourceStatus,
    Target,
    TypeName,
    state_targets,
)
from mappings.engine.view import ScopeProject, View
from mappings.engine.words import unknown_status, unknown_target
from mappings.models import Mapping, Scope

MOST_UNKNOWN = 500  # ids that one statement asks for
J2A, A2J = Direction.JIRA_TO_ALIGN, Direction.ALIGN_TO_JIRA
ROW_FIELDS = (
    "scope_id",
    "work_item_type",
    "source_id",
    "wanted",
    "applied",
    "observed",
    "remote_id",
    "duplicates",
    "situation",
    "keep_remote_id",
)
SITUATIONS = {situation.value: situation for situation in Situation}
DUPLICATES = ROW_FIELDS.index("duplicates") - 2  # among the values that follow scope and type


class Facts:
    """Everything the views of `shown` need; make it once, then ask for each view."""

    def __init__(self, connector: Connector, shown: Collection[MatrixScope]) -> None:
        self.connector = connector
        self.shown = shown
        self.types = {each.work_item_type for each in shown}
        self.shares = any(each.project is None and not each.is_ours for each in shown)
        self.shares_ours = any(each.project is None and each.is_ours for each in shown)
        self.own_projects = {each.project.pk: each.project for each in shown if each.project}

    # --- loaded once -----------------------------------------------------------------------------------------

    @cached_property
    def company_managed(self) -> list[ListedProject]:
        """Only for the shared scope's checks, which look at every project's way back."""
        return [each for each in self.catalogue.matches.projects if not each.team_managed] if self.shares else []

    @cached_property
    def company_managed_ours(self) -> list[Project]:
        """Likewise, for what those of ours share."""
        return list(projects_of_ours(self.connector).filter(team_managed=False)) if self.shares_ours else []

    def _sharing(self, shown: MatrixScope) -> Sequence[Project | ListedProject]:
        return self.company_managed_ours if shown.is_ours else self.company_managed

    @cached_property
    def scopes(self) -> dict[ScopeAddress, Scope]:
        """The shared ones, and those of the projects that are shown by themselves."""
        return {
            address: scope for address, scope in self._scopes_read.items() if address[1] in {None, *self.own_projects}
        }

    @cached_property
    def _scopes_read(self) -> dict[ScopeAddress, Scope]:
        """Those, and of the projects that share a matrix those with records of types that nobody knows."""
        found = Scope.objects.filter(connector=self.connector)
        wanted = Q(project=None) | Q(project_id__in=self.own_projects)
        if self.shares:
            wanted |= self.back_of_many[False].lists() & Q(foreign_rows__gt=0)
        loaded: dict[ScopeAddress, Scope] = {}
        for scope in found.filter(wanted):
            # Filled in by hand: a join would carry each project's columns for every one of its scopes.
            scope.connector = self.connector
            if scope.project_id is None or scope.project_id in self.own_projects:
                scope.project = self.own_projects[scope.project_id] if scope.project_id else None
            loaded[scope.family, scope.project_id, scope.is_ours] = scope
        return loaded

    @cached_property
    def back_of_many(self) -> dict[bool, WaysBackOfMany]:
        """The ways back of the projects that a shared scope is for, by whether these are ours."""
        return {is_ours: self._back_of_many(is_ours=is_ours) for is_ours in (False, True)}

    def _back_of_many(self, *, is_ours: bool) -> WaysBackOfMany:
        kinds = {each.kind for each in self.shown if each.project is None and each.is_ours == is_ours}
        return WaysBackOfMany(self.connector, kinds, self.types, is_ours=is_ours)

    @cached_property
    def _rows_read(self) -> list[tuple[Scope, str, Row, str]]:
        """By source: scope, work item type, row, and how Align's records call it, as JSON."""
        needed = {scope.pk: scope for scope in self._needed_scopes()}
        found = Mapping.objects.filter(scope_id__in=needed, work_item_type__in=self.types).order_by("source_id")
        # As text: nearly all are "[]", and to have each of thousands parsed takes longer than to read them. Names are
        # read along for one matrix; of many, to ask for those few that are needed is sooner.
        names = Cast("names_in_align", TextField()) if len(self.shown) == 1 else Value("{}")
        found = found.annotate(duplicates_text=Cast("duplicates", TextField()), names_text=names)
        columns = ["duplicates_text" if name == "duplicates" else name for name in ROW_FIELDS]
        rows: list[tuple[Scope, str, Row, str]] = []
        for scope_id, type_, *values, names_text in found.values_list(*columns, "names_text"):
            text, scope = values[DUPLICATES], needed[scope_id]
            values[DUPLICATES] = json.loads(text) if text != "[]" else ()
            rows.append((scope, type_, _row(values, known=scope.known), names_text))
        return rows

    @cached_property
    def rows(self) -> dict[tuple[int, str], tuple[Row, ...]]:
        """(scope id, work item type) -> its rows by source."""
        found: dict[tuple[int, str], list[Row]] = defaultdict(list)
        for scope, type_, row, _ in self._rows_read:
            found[scope.pk, type_].append(row)
        return {key: tuple(each) for key, each in found.items()}

    def _needed_scopes(self) -> Iterable[Scope]:
        addresses: set[ScopeAddress | None] = set()
        for each in self.shown:
            addresses |= {each.scope_address(J2A, kind) for kind in Kind}
            addresses.add(each.scope_address(A2J))
        return (self.scopes[address] for address in addresses if address in self.scopes)

    @cached_property
    def strange_records(self) -> list[StrangeRecord]:
        return strange_records(self.connector, [*self._needed_scopes(), *self._strange_scopes])

    @cached_property
    def _strange_scopes(self) -> list[Scope]:
        """Of the projects of Align's connector that share a matrix."""
        sharing = {project.pk for project in self.company_managed}
        ways_back = {family_of(each.kind, A2J).code for each in self.shown if each.project is None}
        return [
            scope
            for (code, project_id, _), scope in self._scopes_read.items()
            if scope.foreign_rows and code in ways_back and project_id in sharing
        ]

    @cached_property
    def unrecognised(self) -> Unrecognised:
        return by_place(self.strange_records)

    @cached_property
    def catalogue(self) -> CatalogueFacts:
        return CatalogueFacts(self.connector)

    @cached_property
    def reached(self) -> dict[tuple[int | None, TypeName], frozenset[int]]:
        """(project id or None for the shared scope, type) -> status ids its issue types can have."""
        sharing = [project.pk for project in self.company_managed_ours]
        projects: list[int | None] = [*self.own_projects, *sharing, *((None,) if self.shares else ())]
        return self.catalogue.reached(projects, self.types, named=self._named) if projects else {}

    def _reached(self, shown: MatrixScope) -> frozenset[int]:
        if shown.project is None and shown.is_ours:
            found = (self.reached[project.pk, shown.work_item_type] for project in self.company_managed_ours)
            return frozenset().union(*found)
        return self.reached.get((shown.project.pk if shown.project else None, shown.work_item_type), frozenset())

    @cached_property
    def statuses(self) -> dict[int, SourceStatus]:
        """The statuses that a view of these scopes can mention, by category and name."""
        ids = self._named.union(*self.reached.values())
        found = self.catalogue.statuses(ids)
        listed = self._listed(ids - found.keys()).statuses
        found |= {id_: unknown_status(id_, listed[id_]) for id_ in (ids - found.keys()) & listed.keys()}
        return found

    @cached_property
    def _named(self) -> set[int]:
        """Statuses that a row leads from or to."""
        found: set[int] = set()
        for (scope_id, _), rows in self.rows.items():
            found |= _sources(rows) if self._families[scope_id].startswith(J2A.value) else _values(rows)
        return found.union(*(each.statuses for each in self.back_of_many.values()))

    def _listed(self, unknown: Collection[int]) -> ListedNames:
        """How the records that lead to or come from these call them; others than those at hand are asked last."""
        some = set(sorted(unknown)[:MOST_UNKNOWN])
        found = names_in_rows(self._listed_at_hand(some)) if some else ListedNames()
        some -= found.statuses.keys() | found.steps.keys()
        if not some:
            return found
        lists = Q(scope__in=[scope.pk for scope in self._needed_scopes()])
        for each in self.back_of_many.values():
            lists |= each.rows
        rows = Mapping.objects.filter(lists, Q(source_id__in=some) | Q(observed__in=some))
        return listed_names(rows.filter(observed__isnull=False).select_related("scope")) | found

    def _listed_at_hand(self, ids: Collection[int]) -> Iterator[ListedRow]:
        for scope, _, row, names in self._rows_read:
            if row.observed is not None and (row.source_id in ids or row.observed in ids):
                targets: dict[int | None, int | None] = {row.remote_id: row.observed}
                targets |= {each.remote_id: each.target_id for each in row.duplicates}
                yield ListedRow(scope.family, row.source_id, targets, json.loads(names))

    @cached_property
    def _families(self) -> dict[int, str]:
        return {scope.pk: scope.family for scope in self.scopes.values()}

    @cached_property
    def targets(self) -> dict[tuple[Kind, TypeName], dict[int, Target]]:
        steps = self.catalogue.steps
        states = {target.id: target for target in state_targets()}
        found = {(Kind.STATE, type_): states for type_ in self.types}
        found |= {(Kind.STEP, type_): steps_for(steps, type_) for type_ in self.types}
        self._add_gone_steps(found, {target.id for _, target in steps})
        return found

    def _add_gone_steps(self, found: dict[tuple[Kind, TypeName], dict[int, Target]], known: set[int]) -> None:
        """Steps that records lead to or come from, and that no catalogue has held."""
        gone: dict[TypeName, set[int]] = defaultdict(set)
        for (scope_id, type_), rows in self.rows.items():
            code = self._families[scope_id]
            if FAMILIES[code].kind is Kind.STEP:
                named = _values(rows) if code.startswith(J2A.value) else _sources(rows)
                gone[TypeName(type_)] |= named.difference(known)
        for each in self.back_of_many.values():
            for type_name, ids in each.steps.items():
                gone[type_name] |= ids - known
        names = self._listed(set().union(*gone.values())).steps
        for type_name, ids in gone.items():
            here = {id_: unknown_target(Kind.STEP, id_, names[id_]) for id_ in ids & names.keys()}
            found[Kind.STEP, type_name] |= here

    def with_row(self, mapping: Mapping) -> Facts:
        """The same facts with one row as it is now: after an edit nothing else is different."""
        again, key = copy(self), (mapping.scope_id, mapping.work_item_type)
        scope = next((each for each in self._needed_scopes() if each.pk == mapping.scope_id), None)
        if scope is None and (self.shares or self.shares_ours):  # it may be a way back of one of the projects
            return self._read_again("back_of_many", "_named", "statuses", "targets")
        if scope is None or mapping.work_item_type not in self.types:
            return again
        row = _row([getattr(mapping, name) for name in ROW_FIELDS[2:]], known=scope.known)
        others = (each for each in self.rows.get(key, ()) if each.source_id != row.source_id)
        rows = tuple(sorted([*others, row], key=lambda each: each.source_id))
        vars(again)["rows"] = {**self.rows, key: rows}
        vars(again).pop("_named", None)
        if not self._knows(row, FAMILIES[scope.family].direction):
            vars(again).pop("statuses", None)
        return again

    def was_pending(self, mapping: Mapping) -> bool | None:
        """Whether the row, as it was read, could have gone into a plan; None where it was not read."""
        if self._families.get(mapping.scope_id) is None or mapping.work_item_type not in self.types:
            return None
        rows = self.rows.get((mapping.scope_id, mapping.work_item_type), ())
        row = next((each for each in rows if each.source_id == mapping.source_id), None)
        return row is not None and (row.situation is Situation.EDITED or row.kept_remote_id is not None)

    def _knows(self, row: Row, direction: Direction) -> bool:
        """Whether all statuses that it names are at hand."""
        return (_sources([row]) if direction is J2A else _values([row])) <= self.statuses.keys()

    def read_rows_again(self) -> Facts:
        """The same facts with the rows as they are now."""
        return self._read_again("_rows_read", "rows", "back_of_many", "_named", "statuses", "targets")

    def _read_again(self, *names: str) -> Facts:
        again = copy(self)
        for name in names:
            vars(again).pop(name, None)
        return again

    # --- views -----------------------------------------------------------------------------------------------

    def scope(self, shown: MatrixScope, direction: Direction, kind: Kind | None = None) -> Scope | None:
        address = shown.scope_address(direction, kind)
        return self.scopes.get(address) if address else None

    def rows_of(self, shown: MatrixScope, direction: Direction, kind: Kind | None = None) -> tuple[Row, ...]:
        scope = self.scope(shown, direction, kind)
        return self.rows.get((scope.pk, shown.work_item_type.value), ()) if scope else ()

    def view(self, shown: MatrixScope) -> View:
        j2a_scope, a2j_scope = self.scope(shown, J2A), self.scope(shown, A2J)
        other = Kind.STEP if shown.kind is Kind.STATE else Kind.STATE
        projects = [shown.project] if shown.project else self._sharing(shown)
        return View(
            kind=shown.kind,
            work_item_type=shown.work_item_type,
            project_key=shown.project.key if shown.project else None,
            team_managed=bool(shown.project and shown.project.team_managed),
            is_ours=shown.is_ours,
            projects=tuple(ScopeProject(key=each.key, programme_ids=_programmes(each)) for each in projects),
            statuses=self.statuses,
            reachable=self._reached(shown),
            targets=self.targets[shown.kind, shown.work_item_type],
            j2a=self.rows_of(shown, J2A),
            j2a_known=bool(j2a_scope and j2a_scope.known),
            a2j=self._ways_back(shown),
            counted_back=None if shown.project else self._counted_back(shown),
            counted_lists=0 if shown.project else self.back_of_many[shown.is_ours].lists_read(shown.kind),
            a2j_known=bool(a2j_scope and a2j_scope.known),
            sibling_j2a=self.rows_of(shown, J2A, other),
            sibling_targets=self.targets[other, shown.work_item_type],
            unrecognised=self._strange(j2a_scope, shown),
            unrecognised_back=self._strange_back(shown),
            terminology=self.connector.terminology,
            renamed={each.align_key: each.key for each in projects if each.align_key not in ("", each.key)},
        )

    def _strange(self, scope: Scope | None, shown: MatrixScope) -> MappingOf[int, int]:
        return self.unrecognised.get((scope.pk, shown.work_item_type), {}) if scope and scope.known else {}

    def _strange_back(self, shown: MatrixScope) -> frozenset[int]:
        if shown.project:
            return frozenset(self._strange(self.scope(shown, A2J), shown))
        if shown.is_ours:
            return frozenset()  # nothing of these lists was read
        code = family_of(shown.kind, A2J).code
        scopes = (scope for scope in self._strange_scopes if scope.family == code)
        return frozenset(target_id for scope in scopes for target_id in self._strange(scope, shown))

    def _ways_back(self, shown: MatrixScope) -> dict[str, tuple[Row, ...]]:
        """Align to Jira rows of the project shown by its key; none where its list was never read."""
        scope = self.scope(shown, A2J)
        if shown.project is None or scope is None or scope.observed_at is None:
            return {}
        return {shown.project.key: self.rows_of(shown, A2J)}

    def _counted_back(self, shown: MatrixScope) -> MappingOf[tuple[int, int], int]:
        return self.back_of_many[shown.is_ours].counted(shown.kind, shown.work_item_type)


def row_of(mapping: Mapping) -> Row:
    """One stored row by itself."""
    _, _, *values = (getattr(mapping, name) for name in ROW_FIELDS)
    return _row(values, known=mapping.scope.known)


def _row(values: list[Any], *, known: bool) -> Row:
    source_id, wanted, applied, observed, remote_id, duplicates, situation, kept = values
    stored = SITUATIONS[situation]
    return Row(
        source_id=source_id,
        wanted=wanted,
        applied=applied,
        observed=observed,
        remote_id=remote_id,
        known=known,
        duplicates=tuple(DuplicateRecord(remote_id=r, target_id=t) for r, t in duplicates) if duplicates else (),
        situation=stored if known else Situation.UNKNOWN,
        accepted=stored is Situation.ACCEPTED,
        kept_remote_id=kept,
    )


def _programmes(project: Project | ListedProject) -> frozenset[int]:
    return frozenset() if project.programme_id is None else frozenset({project.programme_id})


def _sources(rows: Iterable[Row]) -> set[int]:
    return {row.source_id for row in rows}


def _values(rows: Iterable[Row]) -> set[int]:
    return {value for row in rows for value in (row.wanted, row.applied, row.observed) if value is not None}
