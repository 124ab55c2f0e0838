"""All issues: those of the data set, and over them what was written since.

What is handed out is never changed: a write puts a new issue and a new mapping in the place of the old ones. So a
reader keeps what it has been given, and needs no lock while it searches.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from .company import Base
from .records import Issue, issue_id

BUCKET, SETTINGS = "issue", "issues"
HeldIssues = Mapping[int, Issue]


class IssueMemory(Protocol):
    """Where the sandbox keeps its state."""

    def get(self, bucket: str, key: str) -> Any: ...

    def all(self, bucket: str) -> Iterator[Any]: ...

    def put(self, bucket: str, key: str, item: Any) -> None: ...


class IssueStock:
    """Whoever writes holds the lock of the world. `bases`: data sets by the names of seeds."""

    def __init__(self, memory: IssueMemory, bases: Mapping[str, Callable[[], Base]]) -> None:
        self._memory = memory
        self._bases = bases
        self._held: HeldIssues | None = None
        # The last writes, for a search that lags behind: when, which issue, and what it was before.
        self._writes: deque[tuple[float, int, Issue | None]] = deque(maxlen=10_000)

    def begin(self, base: str) -> None:
        """Another data set, by the name of a seed. It is made when it is first asked for."""
        self._memory.put(SETTINGS, "base", base)
        self._held = None
        self._writes.clear()

    def prepare(self) -> None:
        """Makes the data set where that was not done yet: without the lock of the world, as it takes a second."""
        _ = self.base

    @property
    def base(self) -> Base:
        made = self._bases.get(self._memory.get(SETTINGS, "base") or "")
        return made() if made else Base()

    @property
    def held(self) -> HeldIssues:
        if self._held is None:
            held = dict(self.base.issues)
            for item in self._memory.all(BUCKET):
                if item["issue"] is None:
                    held.pop(item["id"], None)
                else:
                    held[item["id"]] = item["issue"]
            self._held = held
        return self._held

    def searchable(self, lag: float) -> HeldIssues:
        """The issues as a search knows them: without what was written in the last `lag` seconds."""
        since = time.monotonic() - lag
        late = [(number, before) for at, number, before in reversed(self._writes) if at > since] if lag else []
        if not late:
            return self.held
        known = dict(self.held)
        for number, before in late:
            if before is None:
                known.pop(number, None)
            else:
                known[number] = before
        return known

    def get(self, number: int) -> Issue | None:
        return self.held.get(number)

    def find(self, project_id: str, number: int) -> Issue | None:
        return self.held.get(issue_id(project_id, number))

    def put(self, issue: Issue) -> None:
        self._write(issue["id"], issue)

    def drop(self, number: int) -> None:
        self._write(number, None)

    def _write(self, number: int, issue: Issue | None) -> None:
        held = dict(self.held)
        self._writes.append((time.monotonic(), number, held.get(number)))
        self._memory.put(BUCKET, str(number), {"id": number, "issue": issue})
        if issue is None:
            held.pop(number, None)
        else:
            held[number] = issue
        self._held = held

    def next_number(self, project_id: str) -> int:
        """Numbers are never given twice, not even after a deletion."""
        last: int = self._memory.get("counter", f"issue {project_id}") or self.base.last.get(project_id, 0)
        self._memory.put("counter", f"issue {project_id}", last + 1)
        return last + 1


def made_once(make: Callable[[], Base]) -> Callable[[], Base]:
    """A data set that is made once in a process, also where two threads want it at the same time."""
    lock = threading.Lock()
    made: list[Base] = []

    def base() -> Base:
        with lock:
            if not made:
                made.append(make())
        return made[0]

    return base
