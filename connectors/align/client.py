"""The part of Jira Align's REST API 2.0 that this product uses: one connector, what it contains, and its mappings."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from alignadmin.http.address import trim_address
from alignadmin.http.fields import Fields, rows_of
from alignadmin.http.remote import Remote
from alignadmin.http.responses import Answer
from alignadmin.parsing import whole
from connectors.align.audit_lines import AuditNames, id_of, lines_of, names_in
from connectors.align.errors import BadRequest, Malformed, RemoteError, SignInRefused
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
        lines = lines_of(self._audit_rows(since, after_id), since=since, now=datetime.now(UTC))
        return [line for line in lines if since is None or line.timestamp is None or line.timestamp >= since]

    def _audit_rows(self, since: datetime | None, after_id: int | None) -> list[Any]:
        """Asked for by the seed's names; where a site refuses those, by its own; where it refuses any, all of it."""
        path = f"{self._connector}/auditlog"
        try:
            return self._audit_pages(path, _audit_query(AuditNames(time="timestamp", id="id"), since, after_id))
        except BadRequest as refused:
            if refused.status != 400:
                raise
        names = names_in(self._page(path, Query().page(top=1)))
        if names is None:
            return self._audit_pages(path, Query())
        try:
            return self._audit_pages(path, _audit_query(names, since, after_id))
        except BadRequest:
            return self._audit_pages(path, Query())

    def _audit_pages(self, path: str, query: Query) -> list[Any]:
        return [row for page in self._pages_by_skip(path, query, id_in=id_of) for row in page]

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

    def _pages_by_skip(
        self, path: str, query: Query, *, id_in: Callable[[object], int | None] | None = None
    ) -> Iterator[list[Any]]:
        """Until a page is not full: lists tell no count, so a last page that is exactly full costs one more request.

        `id_in` is for the one list whose rows may have no ids, in which then no overlap shows.
        """
        seen: set[int] = set()
        skip = 0
        while True:
            page = self._page(path, query.page(top=self._page_size, skip=skip))
            _refuse_overlap(page, seen, id_in)
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


def _refuse_overlap(page: list[Any], seen: set[int], id_in: Callable[[object], int | None] | None = None) -> list[int]:
    """A record that comes twice means that another one was missed, or that the site ignores the paging."""
    if id_in:
        ids = [number for row in page if (number := id_in(row)) is not None]
    else:
        ids = [Fields(row, what="list").integer("id") for row in page]
    if len(set(ids)) < len(ids) or not seen.isdisjoint(ids):
        raise Malformed("The pages of the list overlap: it changed while it was read. Read it again.", permanent=False)
    seen.update(ids)
    return ids


def _audit_query(names: AuditNames, since: datetime | None, after_id: int | None) -> Query:
    query = Query()
    if since is not None:
        query = query.where(names.time, "ge", since)
    if after_id is not None and names.id:
        query = query.where(names.id, "gt", after_id)
    return query.ordered(names.id or names.time)


def _id_in(answer: Answer) -> int | None:
    """The id of a created record: an object with an id, a bare id as number or text, or the Location's last part."""
    data: object = answer.data.get("id") if isinstance(answer.data, dict) else answer.data
    location = urlsplit(answer.headers.get("location", "")).path
    for candidate in (data, answer.text, location.rstrip("/").rpartition("/")[2]):
        if (number := whole(candidate)) is not None:
            return number
    return None
