"""When a list of Jira Align is at its end: lists tell no count, and how many records a page holds is the site's choice.

The largest page that a site ever answered of a kind of list is what it is known to give at once (its cap). A shorter
page ends a list; one as long, and the first one ever, may be cut off, so one more is asked for.
"""

import re
import threading
from typing import Protocol

# One kind of list: Align documents one number of records at once for all four families. Companies make the lists of
# their projects alike: counted by themselves, all as long as the longest, each would look cut off, be asked for twice.
MAPPING_LISTS = "mappings"
_PROJECT = re.compile(r"^projects/[^/]+/mappings/")
_NAMES = {
    "mappings/states": "State mappings, Jira to Align",
    "mappings/process-steps": "Process step mappings, Jira to Align",
    "projects/*/mappings/states": "State mappings, Align to Jira",
    "projects/*/mappings/process-steps": "Process step mappings, Align to Jira",
}


class PageCaps(Protocol):
    """What a site is known to answer at once, by kind of list; shared by threads."""

    def of(self, family: str) -> int:
        """0: no page with a record was received yet."""

    def raise_to(self, family: str, size: int) -> None:
        """A page of this size was received."""

    def forget(self, family: str) -> None:
        """It proved to be too large: the site answers fewer now."""


class LearnedCaps:
    """PageCaps that are known as long as the process holds them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._caps: dict[str, int] = {}

    def of(self, family: str) -> int:
        return self._caps.get(family, 0)

    def raise_to(self, family: str, size: int) -> None:
        with self._lock:
            self._caps[family] = max(size, self.of(family))

    def forget(self, family: str) -> None:
        with self._lock:
            self._caps.pop(family, None)


def list_name(path: str, project_key: str | None = None) -> str:
    """What people call a list of mappings, by its path below the connector."""
    key = project_key or (path.split("/")[1] if _PROJECT.match(path) else "")
    name = _NAMES.get(_PROJECT.sub("projects/*/mappings/", path.strip("/")), path)
    return f"{name}, of {key}" if key else name


def is_last(caps: PageCaps, family: str, size: int, *, to_the_end: bool) -> bool:
    """Whether a page of this size ends its list; what it shows of the site is kept. `to_the_end`: only an empty one."""
    known = caps.of(family)
    if size > known:
        caps.raise_to(family, size)
    return size == 0 or (size < known and not to_the_end)
