"""What step 6 of a set-up is worked out of: how both sides' fields were read, the pairs in force and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.align.terminology import ALIGNS_OWN, Terminology
from connectors.models import Connector, FieldReading, System, WorkItemType
from mappings.configuration.agreed import agreed_lines
from mappings.edits.catalogue_facts import projects_in_scope
from mappings.engine.configuration import split_line_key
from mappings.engine.field_checks import FieldChecks, FieldProblem
from mappings.engine.field_pairs import SUBJECT, core_pairs
from mappings.fields.sides import sides_of_pairs
from mappings.fields.subject import pairs_of


@dataclass(frozen=True, kw_only=True)
class TypePairs:
    """Of one work item type. `core` pair by themselves; `problems` are of what is in force."""

    work_item_type: WorkItemType
    core: int
    chosen: int
    problems: Sequence[FieldProblem] = ()

    @property
    def stopped(self) -> list[FieldProblem]:
        return [each for each in self.problems if each.stops_its_pair]

    @property
    def sourceless(self) -> list[FieldProblem]:
        """Fields that a new item must have and that nothing gives a value."""
        return [each for each in self.problems if each.is_error and not each.stops_its_pair]


@dataclass(frozen=True, kw_only=True)
class FieldSetupFacts:
    """`read_at`: of the list that was not read for longest; None: one was never read. `error`: why one was not."""

    slug: str
    read_at: datetime | None = None
    error: str = ""
    remark: str = ""
    types: Sequence[TypePairs] = ()
    carried: int = 0  # projects in scope whose items Align's own connector moves
    is_active: bool = True
    terminology: Terminology = ALIGNS_OWN


def facts_of_fields(connector: Connector, *, for_states: bool = False) -> FieldSetupFacts:
    """In one query where they were never read, else in four. `for_states`: see `guide_of`."""
    readings = list(FieldReading.objects.filter(connector=connector).order_by("system", "work_item_type"))
    known = FieldSetupFacts(slug=connector.slug, is_active=connector.is_active, terminology=connector.terminology)
    if not readings:
        return known
    times = [each.read_at for each in readings if each.read_at is not None]
    is_whole = len(times) == len(System) * len(WorkItemType)
    read = replace(
        known,
        read_at=min(times) if is_whole else None,
        error=next((f"{each.get_system_display()}: {each.error}" for each in readings if each.error), ""),
        remark=next((f"{each.get_system_display()}: {each.remarks}" for each in readings if each.remarks), ""),
    )
    if for_states:
        # Until all were read, the step is not done, whatever their pairs are.
        return replace(read, types=_types(connector)) if is_whole and not read.error else read
    return replace(read, types=_types(connector), carried=projects_in_scope(connector).count())


def _types(connector: Connector) -> list[TypePairs]:
    values = agreed_lines(connector, SUBJECT)
    keys = {split_line_key(key)[1] for key in values} | {value["jira"] for value in values.values()}
    found = []
    for type_, both in sides_of_pairs(connector, keys).items():
        pairs = pairs_of(values, type_)
        found.append(
            TypePairs(
                work_item_type=type_,
                core=len(core_pairs(both.align, both.jira)),
                chosen=len(pairs),
                problems=FieldChecks(both.align, both.jira, pairs).problems(),
            )
        )
    return found
