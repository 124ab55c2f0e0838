"""What the two sites know: projects, statuses, process flows, mappings, tokens and Align's audit log."""

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NotRequired, TypedDict

from . import audit
from .families import FAMILIES, STATES, RouteFamily
from .jira_issues.company import Base
from .jira_issues.records import IssueTypeRecord, ProjectRecord, StatusRecord
from .jira_issues.stock import IssueStock
from .objects.stock import Stock
from .store import Store

Record = dict[str, Any]  # a mapping exactly as it goes over the wire
Scope = tuple[int, str, str | None]  # connector, family, project key (None: shared)


class Step(TypedDict):
    id: int
    name: str
    state: int | None


class Flow(TypedDict):
    id: int
    name: str
    level: str
    active: bool
    programmes: list[int]
    steps: list[Step]


class ConnectorRecord(TypedDict):
    id: int
    name: str


class Token(TypedDict):
    """`projects` limits what its owner sees; None means everything.

    `rights` are Align's: "read", "write", both when absent. A `portfolio` makes its owner a reader of the objects of
    that portfolio alone. `permissions` are Jira's: key to true, false or the keys
    of the projects that grant it; true when absent.
    """

    site: str
    token: str
    user: str
    projects: NotRequired[list[str] | None]
    rights: NotRequired[list[str]]
    portfolio: NotRequired[int | None]
    permissions: NotRequired[dict[str, bool | list[str]]]
    global_admin: NotRequired[bool]
    expired: NotRequired[bool]
    language: NotRequired[str]  # of a Jira user, where it is not that of the site
    zone: NotRequired[str]  # of a Jira user, as Europe/Berlin; UTC where it is left out


class World:
    """All reads and writes of the state. `lock` is held by whoever calls, around a whole request."""

    def __init__(self, store: Store, issue_bases: Mapping[str, Callable[[], Base]]) -> None:
        self.store = store
        self.objects = Stock(store)
        self.issues = IssueStock(store, issue_bases)
        self.labels: audit.Labels = audit.PUBLISHED
        self.type_ids = "table"  # the switch: a line of the log carries the id that the record is answered with
        self.pulls_at_once = True
        self.lock = threading.RLock()
        self._index()

    def _index(self) -> None:
        self._scopes: dict[Scope, dict[int, Record]] = {}
        self._keys: dict[tuple[Scope, int, int], list[int]] = {}
        for item in self.store.all("mapping"):
            self._remember(FAMILIES[item["family"]], item["record"])

    # -- catalogue ---------------------------------------------------------------------------------

    def connectors(self) -> list[ConnectorRecord]:
        return sorted(self.store.all("connector"), key=lambda item: item["id"])

    def connector(self, connector_id: int) -> ConnectorRecord | None:
        found: ConnectorRecord | None = self.store.get("connector", str(connector_id))
        return found

    def projects(self) -> list[ProjectRecord]:
        return sorted(self.store.all("project"), key=lambda item: int(item["id"]))

    def project(self, key: str) -> ProjectRecord | None:
        found: ProjectRecord | None = self.store.get("project", key.upper())
        return found

    def statuses(self) -> list[StatusRecord]:
        return sorted(self.store.all("status"), key=lambda item: item["id"])

    def status(self, status_id: int) -> StatusRecord | None:
        found: StatusRecord | None = self.store.get("status", str(status_id))
        return found

    def issue_types(self) -> list[IssueTypeRecord]:
        return sorted(self.store.all("issue_type"), key=lambda item: int(item["id"]))

    def issue_type(self, type_id: str) -> IssueTypeRecord | None:
        found: IssueTypeRecord | None = self.store.get("issue_type", type_id)
        return found

    def flows(self) -> list[Flow]:
        return sorted(self.store.all("flow"), key=lambda item: item["id"])

    def step(self, step_id: int) -> Step | None:
        return next((step for flow in self.flows() for step in flow["steps"] if step["id"] == step_id), None)

    def tokens(self, site: str) -> list[Token]:
        return [token for token in self.store.all("token") if token["site"] == site]

    def target_name(self, stem: str, value: int) -> str | None:
        """Align's name for an id of `jiraStatus`, `alignState` or `processStep`; None if there is none."""
        if stem == "alignState":
            return STATES.get(value)
        if stem == "jiraStatus":
            status = self.status(value)
            return status.get("name_in_align", status["name"]) if status else None
        step = self.step(value)
        return step["name"] if step else None

    # -- mappings ----------------------------------------------------------------------------------

    def mappings(self, scope: Scope) -> list[Record]:
        held = self._scopes.get(scope, {})
        return [held[mapping_id] for mapping_id in sorted(held)]

    def mapping(self, connector: int, family: RouteFamily, mapping_id: int) -> Record | None:
        item = self.store.get("mapping", _mapping_key(connector, family, mapping_id))
        return item["record"] if item else None

    def same_key(self, family: RouteFamily, record: Record) -> Record | None:
        """The record that already holds this record's key, the oldest if there are several."""
        scope = _scope(family, record)
        ids = self._keys.get(_key(family, record))
        return self._scopes[scope][min(ids)] if ids else None

    def create(self, family: RouteFamily, record: Record, *, user: str | None = audit.USER) -> Record:
        """Gives the record its id. `user` None leaves no line in the audit log."""
        record = {"id": self._next_id(f"mapping {family.code}"), **record}
        self._save(family, record)
        self._write_line(record, audit.created(family, record, self.labels, self.type_ids), user)
        return record

    def update(self, family: RouteFamily, before: Record, target: int, *, user: str | None = audit.USER) -> Record:
        name = self.target_name(family.target, target) or "Unknown"
        after = {**before, family.target_id: target, f"{family.target}Name": name}
        self._save(family, after)
        self._write_line(after, audit.updated(family, before, after, self.labels), user)
        return after

    def delete(self, family: RouteFamily, record: Record, *, user: str | None = audit.USER) -> None:
        self.forget(family, record)
        self._write_line(record, audit.deleted(family, record, self.labels), user)

    def forget(self, family: RouteFamily, record: Record) -> None:
        """Without a line in the audit log."""
        self.store.drop("mapping", _mapping_key(record["connectorId"], family, record["id"]))
        del self._scopes[_scope(family, record)][record["id"]]
        self._keys[_key(family, record)].remove(record["id"])

    def rewrite(self, family: RouteFamily, record: Record, **values: object) -> None:
        """Corrects a name or a project key inside a record, as Align does after a configuration pull."""
        self.forget(family, record)
        self._save(family, {**record, **values})

    def all_mappings(self) -> list[tuple[RouteFamily, Record]]:
        return [(FAMILIES[item["family"]], item["record"]) for item in self.store.all("mapping")]

    def _save(self, family: RouteFamily, record: Record) -> None:
        key = _mapping_key(record["connectorId"], family, record["id"])
        self.store.put("mapping", key, {"family": family.code, "record": record})
        self._remember(family, record)

    def _remember(self, family: RouteFamily, record: Record) -> None:
        self._scopes.setdefault(_scope(family, record), {})[record["id"]] = record
        ids = self._keys.setdefault(_key(family, record), [])
        if record["id"] not in ids:
            ids.append(record["id"])

    def _next_id(self, counter: str) -> int:
        """Ids are never given twice, not even after a deletion."""
        value: int = (self.store.get("counter", counter) or 0) + 1
        self.store.put("counter", counter, value)
        return value

    # -- audit log ---------------------------------------------------------------------------------

    def audit_log(self, connector: int) -> list[dict[str, Any]]:
        """Newest first."""
        kind = f"CONFIG {connector}"
        lines = [line for line in self.store.all("audit") if line["type"] == kind]
        return sorted(lines, key=lambda line: -line["id"])

    @property
    def newest_line(self) -> int:
        """The id of the newest line of any connector's log; 0 while there is none."""
        value: int = self.store.get("counter", "audit") or 0
        return value

    def _write_line(self, record: Record, description: str, user: str | None) -> None:
        if user is None:
            return
        line_id = self._next_id("audit")
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {
            "id": line_id,
            "type": f"CONFIG {record['connectorId']}",
            "user": user,
            "timestamp": now,
            "description": description,
        }
        self.store.put("audit", str(line_id), line)

    # -- starting over -----------------------------------------------------------------------------

    def fill(self, buckets: dict[str, Iterable[tuple[str, Any]]]) -> None:
        """Replaces everything by seed data."""
        self.store.clear()
        self.objects.begin("small")
        for bucket, items in buckets.items():
            for key, item in items:
                self.store.put(bucket, key, item)
        self._index()


def new_record(world: World, family: RouteFamily, scope: Scope, type_id: int, source: int, target: int) -> Record:
    """A record without its id, fields in the order of the published samples. Unknown names become 'Unknown'."""
    connector, _, project = scope
    ends = {family.source: source, family.target: target}
    align_stem = family.align_stem
    record: Record = {"connectorId": connector}
    if project is not None:
        record["projectKey"] = project
    record["workItemTypeId"] = type_id
    for stem in ("jiraStatus", align_stem):
        record[f"{stem}Id"] = ends[stem]
        record[f"{stem}Name"] = world.target_name(stem, ends[stem]) or "Unknown"
    return record


def _scope(family: RouteFamily, record: Record) -> Scope:
    return (record["connectorId"], family.code, record.get("projectKey"))


def _key(family: RouteFamily, record: Record) -> tuple[Scope, int, int]:
    return (_scope(family, record), record["workItemTypeId"], record[family.source_id])


def _mapping_key(connector: int, family: RouteFamily, mapping_id: int) -> str:
    return f"{connector}/{family.code}/{mapping_id}"
