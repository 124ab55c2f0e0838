"""Whether an item is still as an import made it, and stands above nothing else: asked of Align, 100 items at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from alignadmin.errors import Refused
from connectors.align.custom_fields import flat
from connectors.align.object_client import ObjectClient, Row
from connectors.align.objects import OBJECTS
from connectors.align.query import Q, query_of
from connectors.align.query.checking import CUSTOM
from connectors.align.terminology import Terminology
from mappings.engine.item_differences import comparable
from mappings.engine.item_prediction import PARENT_FIELDS
from mappings.items.comparing.sight import HIDDEN, shows_programme
from mappings.items.importing.resolving import moment_of
from mappings.items.importing.stored_values import restored
from mappings.models import UndoLine

AT_ONCE = 100
CLOCKS_DIFFER = timedelta(minutes=5)  # Align's and ours
PROGRAM = "programId"
RECYCLED, STAMPS = "isRecycled", ("createdBy", "lastUpdatedBy", "lastUpdatedDate")
GONE = "Jira Align has it no more, or in its recycle bin already."
# By a parent's level: the levels below it with the field that names it.
BELOW: Mapping[str, Sequence[tuple[str, str]]] = {
    above: [(child, name) for (child, each), name in PARENT_FIELDS.items() if each == above]
    for above in {above for _, above in PARENT_FIELDS}
}


@dataclass(kw_only=True)
class UntouchedItems:
    """`own`: by level, ids of the items that go. Those that turn out to stay are taken out of it by the caller.
    `programs`: ids of those into which the import brought its items.
    """

    objects: ObjectClient
    called: Terminology
    own: Mapping[str, set[int]]
    programs: Collection[int] = ()
    rows: dict[tuple[str, int], Row] = field(default_factory=dict)

    def read(self, lines: Sequence[UndoLine]) -> None:
        """ceil(n/100) requests per level, and one for a programme of which items are missing. Raises RemoteError, and
        Refused where it is hidden.
        """
        by_level: dict[str, list[UndoLine]] = defaultdict(list)
        for line in lines:
            by_level[line.level].append(line)
        for level, those in by_level.items():
            fields = list(dict.fromkeys(("id", RECYCLED, *STAMPS, *self._compared(level, those))))
            for start in range(0, len(those), AT_ONCE):
                ids = [each.align_id for each in those[start : start + AT_ONCE]]
                query = query_of(level).select(*fields).where(one_of_ids("id", ids)).top(len(ids))
                self.rows.update({(level, row["id"]): flat(row) for row in self.objects.rows(query)})

        if all((each.level, each.align_id) in self.rows for each in lines):
            return
        for number in sorted(self.programs):
            if not shows_programme(self.objects, number):
                raise Refused(HIDDEN.format(what="these items", number=number))

    def is_gone(self, line: UndoLine) -> bool:
        row = self.rows.get((line.level, line.align_id))
        return row is None or row.get(RECYCLED) is True

    def why_touched(self, line: UndoLine, since: datetime) -> str:
        """`since`: when we wrote it last. Empty where it is as it was sent."""
        row = self.rows.get((line.level, line.align_id))
        if row is None:
            return ""
        changed = [
            name
            for name, value in restored(line.sent).items()
            if name in row and comparable(row[name]) != comparable(value)
        ]
        if changed:
            return f"It was changed in Jira Align since: {', '.join(sorted(changed))}."
        by, maker = row.get("lastUpdatedBy"), row.get("createdBy")
        if by is not None and maker is not None:
            return "" if by == maker else f"User {by} of Jira Align has changed it since."
        at = moment_of(row, "lastUpdatedDate")
        if at is not None and at > since + CLOCKS_DIFFER:
            return f"It was changed in Jira Align on {at:%Y-%m-%d %H:%M} UTC."
        return ""

    def below(self, lines: Sequence[UndoLine]) -> dict[tuple[str, int], str]:
        """By item, what stands below it and does not go with it. Raises RemoteError."""
        found: dict[tuple[str, int], str] = {}
        for level in {each.level for each in lines}:
            ids = [each.align_id for each in lines if each.level == level]
            for child, name in BELOW.get(level, ()):
                for start in range(0, len(ids), AT_ONCE):
                    for row in self._children(child, name, ids[start : start + AT_ONCE]):
                        said = f"{self.called.name(child)} {row['id']} stands below it and is not of this import."
                        found.setdefault((level, row[name]), said)
        return found

    def _children(self, child: str, name: str, ids: Sequence[int]) -> list[Row]:
        query = query_of(child).select("id", name, RECYCLED).where(one_of_ids(name, ids))
        own, above = self.own.get(child, set()), set(ids)
        return [
            row
            for row in self.objects.rows(query)
            if row.get(RECYCLED) is not True and row.get(name) in above and row["id"] not in own
        ]

    def _compared(self, level: str, lines: Sequence[UndoLine]) -> list[str]:
        table = OBJECTS[level].fields
        names = {name for each in lines for name in each.sent}
        return sorted(name for name in names if name in table or name.lower().startswith(CUSTOM))


def programs_of(sent: Iterable[Mapping[str, Any]]) -> frozenset[int]:
    """`sent`: what left for each item. One that hangs below another item tells none."""
    return frozenset(number for each in sent if isinstance(number := each.get(PROGRAM), int))


def one_of_ids(name: str, ids: Collection[int]) -> Any:
    return reduce(or_, (Q(name).eq(each) for each in ids))
