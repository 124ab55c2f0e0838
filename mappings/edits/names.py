"""Names of sources and targets, as the catalogue has them now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

from connectors.models import Connector, ProcessStep
from connectors.models import Status as CatalogueStatus
from mappings.edits.catalogue_facts import CatalogueFacts
from mappings.edits.listed_names import listed_names, marked
from mappings.engine.values import ALIGN_STATES, Direction, Kind
from mappings.models import Mapping


@dataclass(frozen=True)
class Names:
    """Names of statuses and steps by id."""

    statuses: MappingOf[int, str]
    steps: MappingOf[int, str]

    def of(self, kind: Kind, direction: Direction, *, source: int | None = None, target: int | None = None) -> str:
        """The name of a source or of a target, by what it is in this family; empty for None."""
        to_align = direction is Direction.JIRA_TO_ALIGN
        id_, is_status = (source, to_align) if source is not None else (target, not to_align)
        if id_ is None:
            return ""
        if is_status:
            return self.statuses.get(id_, f"Status {id_}")
        if kind is Kind.STATE:
            return ALIGN_STATES.get(id_, f"State {id_}")
        return self.steps.get(id_, f"Step {id_}")


def names_of(connector: Connector, rows: Iterable[Mapping] = ()) -> Names:
    """All of the catalogue; of what it does not hold, the names that the records of these rows have in Align."""
    statuses = dict(CatalogueStatus.objects.filter(connector=connector).values_list("jira_id", "name"))
    steps = dict(ProcessStep.objects.filter(connector=connector).values_list("align_id", "name"))
    return _completed(statuses, steps, rows)


def _completed(statuses: dict[int, str], steps: dict[int, str], rows: Iterable[Mapping]) -> Names:
    listed = listed_names(rows).without(statuses, steps)
    return Names(statuses=statuses | marked(listed.statuses), steps=steps | marked(listed.steps))


def names_for(mappings: Sequence[Mapping]) -> Names:
    """Only the names that sentences about these rows need; all are of one connector."""
    if not mappings:
        return Names(statuses={}, steps={})
    connector_id = mappings[0].scope.connector_id
    values = (value for row in mappings for value in (row.source_id, row.wanted, row.applied, row.observed))
    ids = {value for value in values if value is not None}
    statuses = CatalogueStatus.objects.filter(connector_id=connector_id, jira_id__in=ids)
    steps = ProcessStep.objects.filter(connector_id=connector_id, align_id__in=ids)
    return _completed(
        dict(statuses.values_list("jira_id", "name")), dict(steps.values_list("align_id", "name")), mappings
    )


def names_in(catalogue: CatalogueFacts, ids: Iterable[int], rows: Iterable[Mapping]) -> Names:
    """Names of these statuses and of all steps; of what the catalogue does not hold, as these rows' records call it."""
    statuses = {id_: status.name for id_, status in catalogue.statuses(ids).items()}
    return _completed(statuses, {step.id: step.name for _, step in catalogue.steps}, rows)
