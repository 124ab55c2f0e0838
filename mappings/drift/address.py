"""The address of the drift page: which connector, tab, filters, page and row; read once, written into every link."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from alignadmin.parsing import text_in, whole
from connectors.models import Connector, WorkItemType
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.engine.values import Direction, Situation

SHARED = "-"  # as the filter's project: the lists that company-managed projects share
SIZES = (100, 1000)
UNKNOWN = Situation.UNKNOWN.value


class Tab(StrEnum):
    """The values are in the address."""

    OPEN = "open"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    FOUND = "found"
    IN_USE = "in-use"
    CHECKS = "checks"

    @property
    def label(self) -> str:
        return LABELS[self.value]


LABELS = {
    "open": "To decide",
    "unknown": "Unknown",
    "accepted": "Accepted",
    "found": "New and gone",
    "in-use": "In use, not mapped",
    "checks": "Checks",
}


@dataclass(frozen=True, kw_only=True)
class DriftAddress:
    """What the page shows, read from the query string and written back into links and forms."""

    connector: Connector
    tab: Tab = Tab.OPEN
    project: str = ""
    work_item_type: str = ""
    direction: str = ""
    situation: str = ""
    size: int = SIZES[0]
    row: int | None = None
    page: str = ""

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What is not as by default, as form fields and query."""
        pairs = [
            ("tab", self.tab.value if self.tab is not Tab.OPEN else ""),
            *self.filters,
            ("size", str(self.size) if self.size != SIZES[0] else ""),
            ("row", str(self.row or "")),
            ("page", self.page),
        ]
        return [(name, value) for name, value in pairs if value]

    @property
    def filters(self) -> list[tuple[str, str]]:
        return [
            ("project", self.project),
            ("type", self.work_item_type),
            ("direction", self.direction),
            ("situation", self.situation),
        ]

    @property
    def is_filtered(self) -> bool:
        return any(value for _, value in self.filters)

    @property
    def query(self) -> str:
        """Without the page, which a pager adds."""
        return urlencode(self.but(page="", row=None).fields)

    @property
    def url(self) -> str:
        path = reverse("drift", args=[self.connector.slug])
        return f"{path}?{urlencode(self.fields)}" if self.fields else path

    def but(self, **changes: object) -> DriftAddress:
        return replace(self, **changes)  # type: ignore[arg-type]


def read_address(connector: Connector, data: QueryDict) -> DriftAddress:
    """What is not known falls back to the default."""

    def one_of(name: str, known: Iterable[str]) -> str:
        value = text_in(data, name)
        return value if value in set(known) else ""

    size = text_in(data, "size")
    return DriftAddress(
        connector=connector,
        tab=Tab(one_of("tab", Tab) or Tab.OPEN),
        project=text_in(data, "project")[:255],
        work_item_type=one_of("type", WorkItemType.values),
        direction=one_of("direction", Direction),
        situation=one_of("situation", [*OPEN_SITUATIONS, UNKNOWN]),
        size=next((each for each in SIZES if str(each) == size), SIZES[0]),
        row=whole(data.get("row")),
        page=text_in(data, "page")[:9],
    )


def drift_url(connector: Connector) -> str:
    return reverse("drift", args=[connector.slug])


def found_url(connector: Connector) -> str:
    return DriftAddress(connector=connector, tab=Tab.FOUND).url


def in_use_url(connector: Connector) -> str:
    return DriftAddress(connector=connector, tab=Tab.IN_USE).url
