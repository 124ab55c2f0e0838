"""The part of Jira Align's REST API 2.0 that this product uses: one connector, what it contains, and its mappings."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from alignadmin.http.address import trim_address
from alignadmin.http.errors import reading
from alignadmin.http.listing import Records
from alignadmin.http.remote import Remote
from alignadmin.parsing import plain as plain_text
from connectors.align.answers import API, created_id
from connectors.align.audit_lines import AuditNames, id_of, lines_of, names_in
from connectors.align.errors import BadRequest, RemoteError, SignInRefused
from connectors.align.list_reading import PAGE, Checked, ListAt, ListReader, Paging
from connectors.align.object_client import ObjectClient
from connectors.align.odata import Query, plain
from connectors.align.paging import MAPPING_LISTS, LearnedCaps, PageCaps, list_name
from connectors.align.resources import (
    AlignProcessFlow,
    AlignUser,
    AuditLine,
    ConnectorInfo,
    ConnectorPriority,
    ConnectorProject,
    MappingRecord,
    WriteAnswer,
    WriteRequest,
)

PROJECT_FAMILY, FLOW_FAMILY = "projects", "valuestreams"
BY_ID = Query().ordered("id")
FLOWS = ListAt(name="Process flows", path=f"{API}/ValueStreams", family=FLOW_FAMILY, query=BY_ID)


def trim_site(address: str) -> tuple[str, str | None]:
    """The site of a pasted address or full API address, and a note when something was dropped or added."""
    return trim_address(address)


class AlignClient:
    """One connector of one Align site. All lists are complete: they are paged to their end."""

    def __init__(self, remote: Remote, connector_id: int, *, caps: PageCaps | None = None) -> None:
        """`caps`: what is known of the pages of this site; without, it is learned anew."""
        self.connector_id = connector_id
        self.caps: PageCaps = LearnedCaps() if caps is None else caps
        self._remote = remote
        self._lists = ListReader(remote, self.caps)
        self._connector = f"{API}/connectors/{connector_id}"

    def __repr__(self) -> str:
        return f"AlignClient({self._remote!r}, connector {self.connector_id})"

    @property
    def sent(self) -> int:
        """How many requests have left so far."""
        return self._remote.sent

    @property
    def pages_are_smaller(self) -> bool:
        """Whether this site was found to answer fewer records at once than was known, since this client was made."""
        return self._lists.pages_are_smaller

    @property
    def objects(self) -> ObjectClient:
        """The site's objects, over the same connection."""
        return ObjectClient(self._remote, connector_id=self.connector_id, caps=self.caps)

    def connectors(self) -> Records[ConnectorInfo]:
        at = ListAt(name="Connectors", path=f"{API}/connectors", family="connectors", query=BY_ID)
        return self._lists.records(at, ConnectorInfo.from_json)

    def connector(self) -> ConnectorInfo:
        with reading(f"Connector {self.connector_id}"):
            return ConnectorInfo.from_json(self._remote.request("GET", self._connector).data, id_=self.connector_id)

    def projects(self) -> Records[ConnectorProject]:
        return self._lists.records(self._project_list, ConnectorProject.from_json)

    def checked_projects(self, found: Records[ConnectorProject], known: Iterable[int]) -> Checked[ConnectorProject]:
        """`known`: Align's own ids of those that were there before."""
        return self._lists.checked(self._project_list, ConnectorProject.from_json, found, known)

    def priorities(self) -> Records[ConnectorPriority]:
        """What Jira's priorities become in Align, by item type. No document says how to change them: read alone."""
        at = ListAt(name="Priorities in Align", path=f"{self._connector}/priorities", family="priorities", query=BY_ID)
        return self._lists.records(at, ConnectorPriority.from_json)

    def value_streams(self) -> Records[AlignProcessFlow]:
        return self._lists.records(FLOWS, AlignProcessFlow.from_json)

    def checked_flows(self, found: Records[AlignProcessFlow], known: Iterable[int]) -> Checked[AlignProcessFlow]:
        return self._lists.checked(FLOWS, AlignProcessFlow.from_json, found, known)

    @property
    def _project_list(self) -> ListAt:
        return ListAt(name="Projects in Align", path=f"{self._connector}/projects", family=PROJECT_FAMILY, query=BY_ID)

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
        self,
        path: str,
        *,
        project_key: str | None = None,
        type_id: int | None = None,
        paging: Paging = Paging.SKIP,
        to_the_end: bool = False,
    ) -> Records[MappingRecord]:
        """All records of a family. `path` is below the connector: `mappings/states`, `projects/PROJ/mappings/states`.

        Without `project_key` the parameter is not sent, which gives the records shared by company-managed projects.
        `to_the_end`: until a page is empty, where no record is known yet whose absence would tell of a shorter page.
        """
        at = self._mappings(path, project_key, type_id)
        return self._lists.records(at, MappingRecord.from_json, paging=paging, to_the_end=to_the_end)

    def checked_mappings(
        self, path: str, found: Records[MappingRecord], known: Iterable[int], *, project_key: str | None = None
    ) -> Checked[MappingRecord]:
        """What became of the known records of this list that it did not show."""
        return self._lists.checked(self._mappings(path, project_key), MappingRecord.from_json, found, known)

    def look(self, path: str, *, project_key: str | None = None, top: int = PAGE, skip: int = 0) -> list[Any]:
        """One page of a mapping list exactly as it is answered, to see what this site's lists are like."""
        at = self._mappings(path, project_key)
        with reading(at.name):
            return self._lists.page(at, at.query.page(top=top, skip=skip))

    def _mappings(self, path: str, project_key: str | None, type_id: int | None = None) -> ListAt:
        query = plain((("ProjectKey", project_key), ("WorkItemTypeId", type_id))).ordered("id")
        name = list_name(path, project_key)
        return ListAt(name=name, path=f"{self._connector}/{path}", family=MAPPING_LISTS, query=query)

    def audit_log(self, *, since: datetime | None = None, after_id: int | None = None) -> list[AuditLine]:
        """Lines of the connector, oldest first. The resource is not documented: NotFound where a site lacks it."""
        with reading("Audit log"):
            lines = lines_of(self._audit_rows(since, after_id), since=since, now=datetime.now(UTC))
        return [line for line in lines if since is None or line.timestamp is None or line.timestamp >= since]

    def _audit_rows(self, since: datetime | None, after_id: int | None) -> list[Any]:
        """Asked for by the seed's names; where a site refuses those, by its own; where it refuses any, all of it."""
        try:
            return self._audit_pages(_audit_query(AuditNames(time="timestamp", id="id"), since, after_id))
        except BadRequest as refused:
            if refused.status != 400:
                raise
        names = names_in(self._lists.page(self._audit_list(Query()), Query().page(top=1)))
        if names is None:
            return self._audit_pages(Query())
        try:
            return self._audit_pages(_audit_query(names, since, after_id))
        except BadRequest:
            return self._audit_pages(Query())

    def _audit_pages(self, query: Query) -> list[Any]:
        return [row for page in self._lists.pages(self._audit_list(query), id_in=id_of) for row in page]

    def _audit_list(self, query: Query) -> ListAt:
        return ListAt(name="Audit log", path=f"{self._connector}/auditlog", family="auditlog", query=query)

    def send(self, request: WriteRequest) -> WriteAnswer:
        """Sends one planned write, once. OutcomeUnknown means: read before sending again."""
        path = f"{self._connector}/{request.path.lstrip('/')}"
        answer = self._remote.request(request.method, path, query=request.query, body=request.body)
        return WriteAnswer(status=answer.status, remote_id=created_id(answer), text=plain_text(answer.text[:300]))


def _audit_query(names: AuditNames, since: datetime | None, after_id: int | None) -> Query:
    query = Query()
    if since is not None:
        query = query.where(names.time, "ge", since)
    if after_id is not None and names.id:
        query = query.where(names.id, "gt", after_id)
    return query.ordered(names.id or names.time)
