"""Rows chosen for a plan, with the matrix they belong to, their problems, and what each would send."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace

from connectors.models import Connector
from mappings.edits.catalogue_facts import projects_in_scope, projects_of_ours
from mappings.edits.key_on_write import keyed_methods, learned
from mappings.edits.matrix_data import Facts, row_of
from mappings.edits.matrix_scope import MatrixScope
from mappings.edits.names import Names, names_of
from mappings.edits.queries import waiting_edits
from mappings.edits.unused import why_unused
from mappings.engine import plan as engine
from mappings.engine.checks import Problem, RowKey, by_row, check
from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction, Kind, Row, TypeName
from mappings.models import Mapping
from mappings.planning.names_in_align import names_in_lists

Asked = tuple[MatrixScope, Direction]


@dataclass(frozen=True)
class RowSelection:
    """A row chosen for a plan, with its matrix and its problems; `unused` says why its list is read no more."""

    mapping: Mapping
    shown: MatrixScope
    row: Row
    problems: tuple[Problem, ...] = ()
    unused: str = ""


def preview(connector: Connector, mapping_ids: Collection[int] | None = None) -> engine.Planning:
    """What a plan of these rows (default: all that wait for Align) would send; stores nothing."""
    if mapping_ids is None:
        mapping_ids = waiting_edits(connector).filter(scope__is_ours=False).values_list("pk", flat=True)
    return engine.plan(drafts(connector, choose(connector, list(mapping_ids))))


def choose(connector: Connector, mapping_ids: Collection[int] | None = None) -> list[RowSelection]:
    waiting = waiting_edits(connector)
    mappings = list(waiting if mapping_ids is None else waiting.filter(pk__in=set(mapping_ids)))
    shown = {mapping.pk: _shown(mapping) for mapping in mappings}
    facts = Facts(connector, set(shown.values()))
    asked = {(shown[mapping.pk], mapping.direction) for mapping in mappings}
    found = {(each, about): by_row(check(facts.view(each), about)) for each, about in asked}
    rows = {each: {row.source_id: row for row in facts.rows_of(*each)} for each in asked}
    return [_choice(mapping, shown[mapping.pk], rows, found) for mapping in mappings]


def _shown(mapping: Mapping) -> MatrixScope:
    family = FAMILIES[mapping.scope.family]
    return MatrixScope(family.kind, TypeName(mapping.work_item_type), mapping.scope.project, mapping.scope.is_ours)


def _choice(
    mapping: Mapping,
    shown: MatrixScope,
    rows: MappingOf[Asked, MappingOf[int, Row]],
    found: MappingOf[Asked, MappingOf[RowKey, list[Problem]]],
) -> RowSelection:
    # The facts of its matrix are then those of another list, which may hold another row of the same status.
    if unused := why_unused(mapping.scope):
        return RowSelection(mapping=mapping, shown=shown, row=row_of(mapping), unused=unused)
    asked = (shown, mapping.direction)
    problems = found[asked].get((mapping.direction, mapping.source_id), ())
    return RowSelection(mapping=mapping, shown=shown, row=rows[asked][mapping.source_id], problems=tuple(problems))


def drafts(connector: Connector, choices: Iterable[RowSelection]) -> Iterable[engine.Draft]:
    choices, known = list(choices), learned(connector)
    names = names_of(connector, [choice.mapping for choice in choices])
    in_align = names_in_lists({choice.mapping.scope_id for choice in choices})
    kinds = {choice.mapping.scope.is_ours for choice in choices}
    shared = {is_ours: _sharing(connector, is_ours=is_ours) for is_ours in kinds}
    for choice in choices:
        listed_names = in_align[choice.mapping.scope_id].of(choice.mapping)
        project = choice.mapping.scope.project
        count = 1 if project else shared[choice.mapping.scope.is_ours]
        draft = _draft(connector, choice, names, listed_names, count)
        yield replace(draft, keyed=keyed_methods(known, choice.mapping.direction, project))


def _sharing(connector: Connector, *, is_ours: bool) -> int:
    """How many company-managed projects share a list."""
    projects = projects_of_ours(connector) if is_ours else projects_in_scope(connector)
    return projects.filter(team_managed=False).count()


def _draft(
    connector: Connector, choice: RowSelection, names: Names, names_in_align: engine.NamesInAlign, project_count: int
) -> engine.Draft:
    place, row, type_ = choice.mapping.scope.place, choice.row, choice.shown.work_item_type
    kind, direction = place.family.kind, place.family.direction
    overrides = {TypeName(t): id_ for t, id_ in connector.type_ids.get(place.family.code, {}).items()}
    return engine.Draft(
        connector_id=connector.align_connector_id,
        place=place,
        work_item_type=type_,
        type_id=place.family.with_type_ids(overrides)[type_],
        row=row,
        source_name=names.of(kind, direction, source=row.source_id),
        before_name=names.of(kind, direction, target=row.observed),
        after_name=names.of(kind, direction, target=row.wanted),
        target_names=_duplicate_names(row, kind, direction, names),
        names_in_align=names_in_align,
        project_count=project_count,
        problems=choice.problems,
        unused=choice.unused,
        terminology=connector.terminology,
    )


def _duplicate_names(row: Row, kind: Kind, direction: Direction, names: Names) -> dict[int, str]:
    return {each.target_id: names.of(kind, direction, target=each.target_id) for each in row.duplicates}
