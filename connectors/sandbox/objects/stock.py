"""All records of the objects: those of the data set, and over them what was written since.

What is handed out is never changed: a write puts a new record and new mappings in the place of the old ones. So a
reader keeps what it has been given, and needs no lock while it filters.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from . import company, company_large
from .fill import work_items
from .table import Record

Held = Mapping[str, Mapping[int, Record]]  # by object and id, in the order of the ids

BUCKET = "object"
BASES = {"small": company.data, "large": company_large.data}


class Memory(Protocol):
    """Where the sandbox keeps its state."""

    def get(self, bucket: str, key: str) -> Any: ...

    def all(self, bucket: str) -> Iterator[Any]: ...

    def put(self, bucket: str, key: str, item: Any) -> None: ...


class Stock:
    """Whoever writes holds the lock of the world."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._held: Held | None = None
        self._work: tuple[Held, Mapping[int, Record]] | None = None  # the rows of /WorkItems, and of which records

    def begin(self, base: str) -> None:
        """Another data set: small or large. It is made when it is first asked for."""
        self._memory.put("objects", "base", base)
        self._held = None

    @property
    def held(self) -> Held:
        if self._held is None:
            held = dict(self._base())
            for item in sorted(self._memory.all(BUCKET), key=lambda item: int(item["id"])):
                held[item["key"]] = _with(held[item["key"]], item["id"], item["record"])
            self._held = held
        return self._held

    def _base(self) -> Held:
        return BASES[self._memory.get("objects", "base") or "small"]()

    def work_items(self, held: Held) -> Mapping[int, Record]:
        """Made of what a reader holds, so no lock is needed; two readers at once may both make them."""
        known = self._work
        if known is None or known[0] is not held:
            known = self._work = (held, work_items(held))
        return known[1]

    def put(self, key: str, record: Record) -> None:
        self._write(key, record["id"], record)

    def drop(self, key: str, number: int) -> None:
        self._write(key, number, None)

    def _write(self, key: str, number: int, record: Record | None) -> None:
        held = self.held
        self._memory.put(BUCKET, f"{key} {number}", {"key": key, "id": number, "record": record})
        self._held = {**held, key: _with(held[key], number, record)}

    def next_id(self, key: str) -> int:
        """Ids are never given twice, not even after a deletion."""
        # Of the data set, which never shrinks: whatever was added has set the counter.
        last: int = self._memory.get("counter", f"object {key}") or max(self._base()[key])
        self._memory.put("counter", f"object {key}", last + 1)
        return last + 1


def _with(records: Mapping[int, Record], number: int, record: Record | None) -> dict[int, Record]:
    if record is None:
        return {each: kept for each, kept in records.items() if each != number}
    return {**records, number: record}
