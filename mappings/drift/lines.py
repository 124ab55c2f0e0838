"""What pages and e-mails say of one row that was changed elsewhere, and of one list."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from mappings.drift.address import DriftAddress
from mappings.drift.decisions import SeenRow, seen
from mappings.edits.names import Names, names_for
from mappings.engine.families import FAMILIES
from mappings.engine.values import Situation
from mappings.matrix.lines import OpenLine, open_line
from mappings.models import Mapping, Scope
from mappings.observing.causes import Cause, cause_of, why_anew

SOON = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class DriftLine:
    """One row that was changed elsewhere, with what is known about who did it."""

    values: OpenLine
    seen: SeenRow
    cause: Cause | None
    anew: str  # that it differs because its connector was made anew in Align, where no line tells a cause
    href: str  # this row alone on the page

    @property
    def mapping(self) -> Mapping:
        return self.values.mapping

    @property
    def is_conflict(self) -> bool:
        return self.values.is_conflict

    @property
    def is_accepted(self) -> bool:
        return self.mapping.situation == Situation.ACCEPTED

    @property
    def is_known(self) -> bool:
        return self.mapping.scope.known

    @property
    def ends_soon(self) -> bool:
        until = self.mapping.accepted_until
        return self.is_accepted and until is not None and until <= timezone.now() + SOON

    @property
    def was_accepted_until(self) -> datetime | None:
        """When it was tolerated before, until a time that is over."""
        until = self.mapping.accepted_until
        return until if until and not self.is_accepted and until <= timezone.now() else None


def drift_lines(rows: Sequence[Mapping], address: DriftAddress) -> list[DriftLine]:
    """A number of queries that does not grow with the rows."""
    names, causes = names_for(rows), cause_of(rows)
    return [_line(row, names, causes, address) for row in rows]


def _line(row: Mapping, names: Names, causes: MappingOf[int, Cause], address: DriftAddress) -> DriftLine:
    cause = causes.get(row.pk)
    return DriftLine(
        values=open_line(row, names),
        seen=seen(row),
        cause=cause,
        anew="" if cause else why_anew(row),
        href=address.but(row=row.pk).url,
    )


def list_name(scope: Scope) -> str:
    family = FAMILIES[scope.family]
    where = f"project {scope.project.key}" if scope.project else "shared by company-managed projects"
    return f"{family.kind.label}s, {family.direction.label}, {where}"
