"""What is agreed for the issues of a project as the engine's rules, in a number of queries that grows with nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q

from alignadmin.folding import fold
from connectors.align.objects import OBJECTS, AlignObject, FieldType
from connectors.align.terminology import LEVELS
from connectors.field_types.value_types import ValueType
from connectors.models import Connector, PriorityList, Project, System, WorkItemType
from mappings.configuration.agreed import agreed_lines
from mappings.edits.reconciling import type_ids_of
from mappings.engine.configuration import line_key, split_line_key
from mappings.engine.families import J2A_STATE, J2A_STEP
from mappings.engine.field_checks import FieldChecks
from mappings.engine.field_pairs import (
    SUBJECT,
    FieldDirection,
    FieldPair,
    FieldSide,
    SideField,
    by_itself,
    core_pairs,
)
from mappings.engine.import_scope import Landing
from mappings.engine.item_prediction import AlignPartners, CarriedPair, ItemRules, RequiredField
from mappings.engine.values import TypeName
from mappings.fields.sides import BothSides, sides_of_pairs
from mappings.fields.subject import pairs_of
from mappings.hierarchy.facts import HierarchyFacts
from mappings.models import Mapping as MappingRow

PRIORITY = "priority"
# Of levels whose fields nobody has read, as those above the work item types: what Jira has of every issue.
_OF_EVERY_LEVEL = (
    ("title", "Title", "summary", "Summary", ValueType.TEXT),
    ("description", "Description", "description", "Description", ValueType.RICH_TEXT),
    ("ownerId", "Owner", "assignee", "Assignee", ValueType.USER),
)


def rules_of(
    connector: Connector,
    project: Project,
    *,
    landing: Landing | None = None,
    partners: AlignPartners | None = None,
) -> ItemRules:
    """`partners`: who and what Align has, as far as it was asked (see .partners)."""
    called = connector.terminology
    states, steps = _statuses(connector, project)
    pairs, required = _pairs(connector)
    return ItemRules(
        levels=_levels(connector, project),
        pairs=pairs,
        states=states,
        steps=steps,
        landing=landing or Landing(),
        required=required,
        called=called,
        partners=partners or AlignPartners(),
    )


# --- hierarchy --------------------------------------------------------------------------------------------------------


def _levels(connector: Connector, project: Project) -> dict[str, str]:
    """Folded names of issue types; what a project has of its own goes before what is shared."""
    facts = HierarchyFacts(connector)
    agreed = facts.agreed
    own = {level: agreed.get(line_key(str(project.jira_id), level)) for level in LEVELS}
    shared = facts.shared(agreed)
    found: dict[str, str] = {}
    for level, names in own.items():
        for name in names or ():
            found.setdefault(fold(name), level)
    for level in LEVELS:
        for name in shared[level] if own[level] is None else ():
            found.setdefault(fold(name), level)
    return found


# --- statuses ---------------------------------------------------------------------------------------------------------


def _statuses(connector: Connector, project: Project) -> tuple[dict[tuple[str, int], int], dict[tuple[str, int], int]]:
    """States and steps as they are in force: of a project of ours in the lists of ours, else in Align's."""
    in_list = Q(scope__project=project) if project.team_managed else Q(scope__project=None)
    rows = MappingRow.objects.filter(
        in_list,
        scope__connector=connector,
        scope__is_ours=project.is_ours,
        scope__family__in=(J2A_STATE.code, J2A_STEP.code),
        applied__isnull=False,
    )
    states: dict[tuple[str, int], int] = {}
    steps: dict[tuple[str, int], int] = {}
    for family, type_, status, target in rows.values_list("scope__family", "work_item_type", "source_id", "applied"):
        if target is not None:
            (states if family == J2A_STATE.code else steps)[type_, status] = target
    return states, steps


# --- fields -----------------------------------------------------------------------------------------------------------


def _pairs(connector: Connector) -> tuple[dict[str, list[CarriedPair]], dict[str, list[RequiredField]]]:
    agreed = agreed_lines(connector, SUBJECT)
    keys = {value["jira"] for value in agreed.values() if value} | {split_line_key(key)[1] for key in agreed}
    sides = sides_of_pairs(connector, keys)
    priorities = _priorities(connector)
    pairs, required = {}, {}
    for level in LEVELS:
        both = sides[WorkItemType(level)] if level in WorkItemType.values else BothSides()
        chosen = pairs_of(agreed, level)
        found = list(_of_level(level, both, chosen)) or list(_usual(level))
        pairs[level] = [_with_priorities(each, priorities.get(level, {})) for each in found]
        required[level] = [
            RequiredField(key=each.key, name=each.name)
            for each in both.align
            if each.is_required and not each.is_gone and not by_itself(each)
        ]
    return pairs, required


def _of_level(level: str, both: BothSides, chosen: Sequence[FieldPair]) -> Iterator[CarriedPair]:
    """Those that write to Align: the core ones, then what was chosen with why one of them stands still."""
    for align, jira in core_pairs(both.align, both.jira):
        yield _carried(level, align, jira, FieldDirection.BOTH)
    problems = FieldChecks(both.align, both.jira, chosen).problems()
    stopped = {each.align: each.sentence for each in reversed(problems) if each.stops_its_pair}
    of_align = {each.key: each for each in both.align}
    of_jira = {each.key: each for each in both.jira}
    for pair in chosen:
        if FieldSide.ALIGN not in pair.direction.writes:
            continue
        there, source = of_align.get(pair.align), of_jira.get(pair.jira)
        if there is None or source is None or pair.align in stopped:
            yield _still(pair, there, source, stopped.get(pair.align, "it was not read yet."))
        else:
            yield _carried(level, there, source, pair.direction, pair.options)


def _still(pair: FieldPair, align: SideField | None, jira: SideField | None, why: str) -> CarriedPair:
    return CarriedPair(
        align=pair.align,
        align_name=align.name if align else pair.align,
        jira=pair.jira,
        jira_name=jira.name if jira else pair.jira,
        type=align.told.type if align else ValueType.UNKNOWN,
        direction=pair.direction,
        stopped=why,
    )


def _carried(
    level: str,
    align: SideField,
    jira: SideField,
    direction: FieldDirection,
    options: Sequence[tuple[str, str]] = (),
) -> CarriedPair:
    names = {each.id: each.name for each in align.options}
    target, is_whole = _of_table(OBJECTS[level], align.key)
    return CarriedPair(
        align=align.key,
        align_name=align.name,
        jira=jira.key,
        jira_name=jira.name,
        type=align.told.type,
        direction=direction,
        target=target,
        is_custom=align.is_custom,
        is_whole=is_whole,
        options={other: (one, names.get(one, one)) for one, other in options},
    )


def _of_table(asked: AlignObject, key: str) -> tuple[str, bool]:
    """Whose id the field holds, and whether it takes whole numbers alone."""
    field = asked.fields.get(key)
    return (field.target, field.type is FieldType.WHOLE) if field else ("", False)


def _usual(level: str) -> Iterator[CarriedPair]:
    for align, align_name, jira, jira_name, type_ in _OF_EVERY_LEVEL:
        target, _ = _of_table(OBJECTS[level], align)
        yield CarriedPair(
            align=align,
            align_name=align_name,
            jira=jira,
            jira_name=jira_name,
            type=type_,
            direction=FieldDirection.BOTH,
            target=target,
        )


def _with_priorities(pair: CarriedPair, priorities: Mapping[str, tuple[str, str]]) -> CarriedPair:
    if pair.align != PRIORITY:
        return pair
    return replace(pair, options={**priorities, **pair.options})


def _priorities(connector: Connector) -> dict[str, dict[str, tuple[str, str]]]:
    """Level -> Jira's priority -> Align's number of it, as Align's connector makes it. Its item types are those of
    the mappings of states; of a type that it tells nothing of, what it makes of stories and features counts.
    """
    of_align = PriorityList.objects.filter(connector=connector, system=System.ALIGN)
    records: Sequence[Mapping[str, Any]] = next(iter(of_align.values_list("records", flat=True)), [])
    type_ids = J2A_STATE.with_type_ids(type_ids_of(connector, J2A_STATE.code))
    by_type: dict[int, dict[str, tuple[str, str]]] = {}
    for each in records:
        if each["align"] is not None:
            number = str(each["align"])
            by_type.setdefault(each["type"], {})[str(each["jira"])] = (number, f"{number} ({each['name']})")
    usual = by_type.get(type_ids[TypeName.STORY], {}) or by_type.get(type_ids[TypeName.FEATURE], {})
    return {type_.value: by_type.get(id_, usual) for type_, id_ in type_ids.items()}
