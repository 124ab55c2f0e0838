"""The card of pending edits beside a matrix: what it lists, and how an edit changes that without another reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zlib import crc32

from django.db.models import Case, Count, IntegerField, QuerySet, Subquery, Value, When, Window
from django.db.models.functions import Coalesce

from alignadmin.accounts.models import Person
from connectors.models import Connector
from mappings.edits.catalogue_facts import projects_in_scope
from mappings.edits.queries import waiting_edits
from mappings.matrix.lines import EDIT_FIELDS
from mappings.models import Mapping

MOST_EDITS = 50  # listed beside the grid; the plan form lists them all
ENTRY_FIELDS = ("pk", "wanted", "observed", "wanted_by_id", "wanted_at")


class PendingEntry(NamedTuple):
    """What the card says of a mapping, without names."""

    mapping_id: int
    wanted: int | None
    observed: int | None
    person_id: int | None
    at: datetime | None


@dataclass(frozen=True)
class Pending:
    """What the card lists, in its order, and the number of all edits."""

    entries: tuple[PendingEntry, ...]
    number: int
    sharing: int | None = None  # company-managed projects, where they were counted along

    @property
    def left_out(self) -> int:
        return self.number - len(self.entries)

    @property
    def has_more(self) -> bool:
        return self.left_out > 0

    @property
    def digest(self) -> str:
        at = [entry.at.timestamp() if entry.at else None for entry in self.entries]
        said = [entry[:4] for entry in self.entries]
        return f"{crc32(repr((said, at, self.number)).encode()):08x}"

    def after(self, mapping: Mapping, *, was_pending: bool, person: Person) -> Pending | None:
        """With one mapping as it is now; None where that needs one that is not listed here, or another order.

        An edit of one's own goes to the top, since it is one's newest; one that is no longer pending goes away.
        """
        others = tuple(entry for entry in self.entries if entry.mapping_id != mapping.pk)
        if not mapping.waits:
            return Pending(others, self.number - 1, self.sharing) if was_pending and not self.has_more else None
        entry = _entry(mapping)
        is_newest = entry.at is not None and all(each.at is None or each.at < entry.at for each in others)
        if entry.person_id != person.pk or not is_newest:
            return None
        return Pending((entry, *others)[:MOST_EDITS], self.number + (not was_pending), self.sharing)


def listed(connector: Connector, person: Person) -> list[Mapping]:
    """Mine first, the newest first; each with the number of all, and with what a line says of it."""
    found = _ordered(connector, person).select_related("scope__project", "wanted_by")
    mappings: list[Mapping] = list(found.only(*EDIT_FIELDS).annotate(number=Window(Count("pk")))[:MOST_EDITS])
    for mapping in mappings:
        mapping.scope.connector = connector
    return mappings


def pending_in(mappings: Iterable[Mapping]) -> Pending:
    """Of `listed`."""
    entries = tuple(_entry(mapping) for mapping in mappings)
    return Pending(entries, next((mapping.number for mapping in mappings), 0))  # type: ignore[attr-defined]


def read_pending(connector: Connector, person: Person) -> Pending:
    """By itself, with the number of projects that share mappings, which the draft's bar tells of an edit."""
    columns = _ordered(connector, person).annotate(number=Window(Count("pk")), sharing=_sharing(connector))
    rows = list(columns.values_list(*ENTRY_FIELDS, "number", "sharing")[:MOST_EDITS])
    if not rows:
        return Pending((), 0)
    return Pending(tuple(PendingEntry(*row[:5]) for row in rows), *rows[0][5:])


def _ordered(connector: Connector, person: Person) -> QuerySet[Mapping]:
    mine = Case(When(wanted_by=person, then=0), default=1)
    return waiting_edits(connector).select_related(None).order_by(mine, "-wanted_at", "-pk")


def _sharing(connector: Connector) -> Coalesce:
    shared = projects_in_scope(connector).filter(team_managed=False).order_by().values("connector")
    number = Subquery(shared.annotate(number=Count("pk")).values("number"), output_field=IntegerField())
    return Coalesce(number, Value(0))


def _entry(mapping: Mapping) -> PendingEntry:
    return PendingEntry(mapping.pk, mapping.wanted, mapping.observed, mapping.wanted_by_id, mapping.wanted_at)
