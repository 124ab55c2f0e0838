"""What the watch has found changed in Align, as an entry keeps it, and whether a line of Align's log is about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from alignadmin.audit.models import Entry
from alignadmin.folding import fold
from connectors.align.audit_sentences import DELETED, MappingEvent
from connectors.history.mirror import projection as make
from connectors.models import HistoryRow

MAPPING = ("kind", "direction", "work_item_type", "object_id")  # the fields of a row that say which it is about


@dataclass(frozen=True, kw_only=True)
class DriftObservation:
    """What the watch has found changed: between `since`, when the row was surely as known, and `at`."""

    event: MappingEvent
    projects: tuple[str, ...]  # as lines may call the project: its key here and its key in Align
    since: datetime
    at: datetime

    @classmethod
    def of_entry(cls, entry: Entry) -> DriftObservation:
        body = json.loads(entry.body)
        data = body["data"]
        return cls(
            event=MappingEvent(**body["event"]),
            projects=tuple(data["projects"]),
            since=datetime.fromisoformat(data["since"]),
            at=datetime.fromisoformat(body["happened_at"]),
        )

    @property
    def place(self) -> tuple[object, ...]:
        """Which mapping it is, as a row of the history names it."""
        event, project = self.event, self.projects[0] if self.projects else ""
        return event.kind, event.direction, fold(event.work_item_type), event.source_id, project

    @property
    def facts(self) -> dict[str, object]:
        return {"projects": list(self.projects), "since": self.since.isoformat()}

    def matches_line(self, row: HistoryRow, reach: timedelta) -> bool:
        """The line is about this row, leads to where it was found, and can be of then and there."""
        event = self.event
        mine = (event.kind, event.direction, fold(event.work_item_type), event.source_id)
        if mapping_of(row) != mine:
            return False
        if not self.since - reach <= row.at <= self.at + reach:
            return False
        leads_here = row.action == DELETED if event.after_id is None else row.after_id == event.after_id
        return leads_here and self._can_be_here(row)

    def _can_be_here(self, row: HistoryRow) -> bool:
        if row.project_stated:
            return row.project_key in (self.projects or ("",))  # a list that projects share names none
        cut_off = len(row.candidates) >= make.MOST_CANDIDATES
        return not row.candidates or cut_off or not set(row.candidates).isdisjoint(self.projects)


def mapping_of(row: HistoryRow) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in MAPPING)
