"""The part of Jira Align's REST API 2.0 that this product uses: one connector, what it contains, and its mappings."""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from alignadmin.http.address import trim_address
from alignadmin.http.fields import Fields, rows_of
from alignadmin.http.remote import Remote
from alignadmin.http.responses import Answer
from alignadmin.parsing import whole
from connectors.align.errors import Malformed, RemoteError, SignInRefused
from connectors.align.odata import Query, plain
from connectors.align.resources import (
    AlignProcessFlow,
    AlignUser,
    AuditLine,
    ConnectorInfo,
    ConnectorProject,
    MappingRecord,
    WriteAnswer,
    WriteRequest,
)

API = "/rest/align/api/2"
PAGE = 100  # default and maximum of the mapping lists

Record = TypeVar("Record")


class Paging(Enum):
    """SKIP can miss a record when another is deleted meanwhile; AFTER_ID cannot, where the site honours it."""

    SKIP = "skip"
    AFTER_ID = "after id"


def trim_site(address: str) -> tuple[str, str | None]:
    """The site of a pasted address or full API address, and a note when something was dropped or added."""
    return trim_address(address)


class AlignClient:
    """One connector of one Align site. All lists are complete: they are paged to their end."""

    def __init__(self, remote: Remote, connector_id: int, *, page: int = PAGE) -> None:
        """`page`: the most records that this site answers at once, where that is known to be fewer than PAGE."""
        self.connector_id = connector_id
        self._page_size = min(page, PAGE)
        self._remote = remote
        self._connector = f"{API}/connectors/{connector_id}"

    def __repr__(self) -> str:
        return f"AlignClient({self._remote!r}, connector {self.connector_id})"

    @property
    def sent(self) -> int:
        """How many requests have left so far."""
        return self._remote.sent

    @property
    def page_size(self) -> int:
        return self._page_size

    def connectors(self) -> list[ConnectorInfo]:
        return self._list(f"{API}/connectors", Query(), ConnectorInfo.from_json)

    def connector(self) -> ConnectorInfo:
        return ConnectorInfo.from_json(self._remote.request("GET", self._connector).data)

    def projects(self) -> list[ConnectorProject]:
        return self._list(f"{self._connector}/projects", Query(), ConnectorProject.from_json)

    def value_streams(self) -> list[AlignProcessFlow]:
        return self._list(f"{API}/ValueStreams", Query(), AlignProcessFlow.from_json)

    def whoami(self) -> AlignUser | None:
        """The owner of the token, from an undocumented resource; None where the site does not tell, for any reason.

        Only a refused sign-in is raised: that says something of the token.
        """
        try:
            return AlignUser.from_json(self._remote.request("GET", f"{API}/users/current").data)
        except SignInRefused:
            raise
        except RemoteError:
            return None

    def list_mappings(
        self, path: str, *, project_key: str | None = None, type_id: int | None = None, paging: Paging = Paging.SKIP
    ) -> list[MappingRecord]:
        """All records of a family. `path` is below the connector: `mappings/states`, `projects/PROJ/mappings/states`.

        Without `project_key` the parameter is not sent, which gives the records shared by company-managed projects.
        """
        query = plain((("ProjectKey", project_key), ("WorkItemTypeId", type_id)))
        return self._list(f"{self._connector}/{path}", query, MappingRecord.from_json, paging=paging)

    def look(self, path: str, *, project_key: str | None = None, top: int = PAGE, skip: int = 0) -> list[Any]:
        """One page of a mapping list exactly as it is answered, to see what this site's lists are like."""
        query = plain((("ProjectKey", project_key),)).ordered("id")
        return self._page(f"{self._connector}/{path}", query.page(top=top, skip=skip))

    def audit_log(self, *, since: datetime | None = None, after_id: int | None = None) -> list[AuditLine]:
        """Lines of the connector, oldest first. The resource is not documented: NotFound where a site lacks it."""
        query = Query()
        if since is not None:
            query = query.where("timestamp", "ge", since)
        if after_id is not None:
            query = query.where("id", "gt", after_id)
        return self._list(f"{self._connector}/auditlog", query, AuditLine.from_json)

    def send(self, request: WriteRequest) -> WriteAnswer:
        """Sends one planned write, once. OutcomeUnknown means: read before sending again."""
        path = f"{self._connector}/{request.path.lstrip('/')}"
        answer = self._remote.request(request.method, path, query=request.query, body=request.body)
        return WriteAnswer(status=answer.status, remote_id=_id_in(answer), text=answer.text[:300])

    def _list(
        self, path: str, query: Query, read: Callable[[object], Record], *, paging: Paging = Paging.SKIP
    ) -> list[Record]:
        pages = self._pages_by_skip if paging is Paging.SKIP else self._pages_after_id
        return [read(row) for page in pages(path, query.ordered("id")) for row in page]

    def _pages_by_skip(self, path: str, query: Query) -> Iterator[list[Any]]:
        """Until a page is not full: lists tell no count, so a last page that is exactly full costs one more request."""
        seen: set[int] = set()
        skip = 0
        while True:
            page = self._page(path, query.page(top=self._page_size, skip=skip))
            _refuse_overlap(page, seen)
            yield page
            if len(page) < self._page_size:
                return
            skip += len(page)

    def _pages_after_id(self, path: str, query: Query) -> Iterator[list[Any]]:
        seen: set[int] = set()
        following = query
        while True:
            page = self._page(path, following.page(top=self._page_size))
            ids = _refuse_overlap(page, seen)
            if ids != sorted(ids):
                raise Malformed("The list is not in the requested order of ids, so it may not be complete.")
            yield page
            if len(page) < self._page_size:
                return
            following = query.where("id", "gt", ids[-1])

    def _page(self, path: str, query: Query) -> list[Any]:
        return rows_of(self._remote.request("GET", path, query=query.pairs()).data, what=path.removeprefix(API))


def _refuse_overlap(page: list[Any], seen: set[int]) -> list[int]:
    """A record that comes twice means that another one was missed, or that the site ignores the paging."""
    ids = [Fields(row, what="list").integer("id") for row in page]
    if len(set(ids)) < len(ids) or not seen.isdisjoint(ids):
        raise Malformed("The pages of the list overlap: it changed while it was read. Read it again.", permanent=False)
    seen.update(ids)
    return ids


def _id_in(answer: Answer) -> int | None:
    """The id of a created record: an object with an id, a bare id as number or text, or the Location's last part."""
    data: object = answer.data.get("id") if isinstance(answer.data, dict) else answer.data
    location = urlsplit(answer.headers.get("location", "")).path
    for candidate in (data, answer.text, location.rstrip("/").rpartition("/")[2]):
        if (number := whole(candidate)) is not None:
            return number
    return None
