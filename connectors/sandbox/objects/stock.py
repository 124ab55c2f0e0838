"""All records of the objects: those of the data set, and over them what was written since.

What is handed out is never changed: a write puts a new record and new mappings in the place of the old ones. So a
reader keeps what it has been given, and needs no lock while it filters.
"""

import threading
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from . import company, company_large
from .fill import work_items
from .table import ObjectRecord

Held = Mapping[str, Mapping[int, ObjectRecord]]  # by object and id, in the order of the ids
# An object's key, and its record as it was and as it is; None: it was made, or deleted.
ItemChange = tuple[str, ObjectRecord | None, ObjectRecord | None]
Changes = Mapping[str, Mapping[int, ObjectRecord | None]]  # the same, of what is written; None: it is deleted

BUCKET = "object"
BASES = {"small": company.data, "large": company_large.data}
_making = threading.Lock()  # of a data set, which all sites of a process share


class NotMade(Exception):
    """The data set is not there yet: `Stock.make` takes its time, so nobody holds the world's lock meanwhile."""


class Memory(Protocol):
    """Where the sandbox keeps its state."""

    def get(self, bucket: str, key: str) -> Any: ...

    def all(self, bucket: str) -> Iterator[Any]: ...

    def put(self, bucket: str, key: str, item: Any) -> None: ...


class Stock:
    """Whoever writes holds the lock of the world."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._made = ""  # the name of the data set that is there
        self._held: Held | None = None
        self._changes: list[ItemChange] = []
        self._work: tuple[Held, Mapping[int, ObjectRecord]] | None = None  # rows of /WorkItems, and of which records

    def begin(self, base: str) -> None:
        """Another data set: small or large. It is made when it is first asked for."""
        self._memory.put("objects", "base", base)
        self._held = None
        self._changes.clear()

    def make(self) -> None:
        """The data set, if it is not there. Of several who ask for it one makes it, and the others wait for that."""
        name = self._name
        with _making:
            BASES[name]()
        self._made = name

    @property
    def held(self) -> Held:
        """Raises NotMade."""
        if self._held is None:
            changes: dict[str, dict[int, ObjectRecord | None]] = {}
            for item in self._memory.all(BUCKET):
                changes.setdefault(item["key"], {})[item["id"]] = item["record"]
            self._held = _with(self._base(), changes)
        return self._held

    @property
    def _name(self) -> str:
        return self._memory.get("objects", "base") or "small"

    def _base(self) -> Held:
        if self._made != self._name:
            raise NotMade
        return BASES[self._name]()

    def work_items(self, held: Held) -> Mapping[int, ObjectRecord]:
        """Made of what a reader holds, so no lock is needed; two readers at once may both make them."""
        known = self._work
        if known is None or known[0] is not held:
            known = self._work = (held, work_items(held))
        return known[1]

    def put(self, key: str, record: ObjectRecord) -> None:
        self.write({key: {record["id"]: record}})

    def write(self, changes: Changes) -> None:
        """All of them at once: each object's records are gone through one time, however many change."""
        held = self.held
        for key, records in changes.items():
            for number, record in records.items():
                self._changes.append((key, held[key].get(number), record))
                self._memory.put(BUCKET, f"{key} {number}", {"key": key, "id": number, "record": record})
        self._held = _with(held, changes)

    def take_changes(self) -> list[ItemChange]:
        """What was written since this was last asked."""
        taken, self._changes = self._changes, []
        return taken

    def next_id(self, key: str) -> int:
        """Ids are never given twice, not even after a deletion."""
        # Of the data set, which never shrinks: whatever was added has set the counter.
        last: int = self._memory.get("counter", f"object {key}") or max(self._base()[key])
        self._memory.put("counter", f"object {key}", last + 1)
        return last + 1


def _with(held: Held, changes: Changes) -> Held:
    """New mappings where something changes, in the order of the ids; the others as they are."""
    after = {**held}
    for key, records in changes.items():
        if not records:
            continue
        kept = {number: records.get(number, record) for number, record in held[key].items()}
        added = {number: records[number] for number in sorted(records) if number not in kept}
        after[key] = {number: record for number, record in (kept | added).items() if record is not None}
    return after
