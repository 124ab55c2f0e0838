"""The sandbox's own Align connector: with the switch connector_moves it imports issues and moves items both ways.

It runs at the end of the step that changed an issue or an item, under the same lock, and looks at nothing else. So both
sides agree for whoever reads after a write, in every run, and a change costs a look-up however many issues there are.

With a source: the status takes part each time an issue is synchronised; one without a mapping shows as 0 - Pending
approval; what is resolved is not moved from Align. Chosen here: only changed values overwrite what Align has, beside
state and step; a deleted issue puts its item into the recycle bin; a step that is set goes before a state; an issue
that is imported brings its parents; what comes from one side is not sent back, so a bounce shows with the next change.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import align, jira, jira_issue_routes, jira_webhooks, seed, users
from .families import FAMILIES, STATES
from .issue_seeds import KINDS, PARENTS
from .jira_call import JiraCall
from .jira_issues.company import kind_of
from .jira_issues.records import Issue, ProjectRecord, is_number
from .jira_issues.stock import IssueChange
from .messages import Json, SandboxRequest
from .objects import changes, custom_fields
from .objects.fill import as_written
from .objects.objects import OBJECTS
from .objects.stock import ItemChange
from .objects.table import ObjectRecord
from .objects.ways import ObjectRefusal, Ways
from .options import Options
from .world import Token, World

USER = "align.connector@sandbox.test"  # who it is in Jira
ITEM_KEYS: Mapping[str, str] = {kind: key for key, kind in KINDS.items()}
RESOLVED = "done"
FROM_JIRA = "Jira"  # what a required custom field gets, as no field of Jira is mapped to it


@dataclass(frozen=True, kw_only=True)
class Move:
    """What the connector did, or could not do, for an issue. `issue`: its key."""

    issue: str
    text: str


def may_follow(request: SandboxRequest) -> bool:
    """Whether a request can change issues or items, so that these have to be there."""
    if request.method in ("GET", "HEAD") or request.path.endswith(("/search", "/search/jql")):
        return False
    of_items = align.serves(request.path) and "/mappings/" not in request.path.lower()
    return of_items or jira.needs_issues(request.path)


def run(
    world: World, options: Options, request: SandboxRequest, issues: list[IssueChange], items: list[ItemChange]
) -> list[Move]:
    """Carries over what a step has changed, under the lock of the world. Jira's webhooks hear of moved issues."""
    server = options.jira != "cloud"
    version = "2" if server else "3"
    call = JiraCall(
        request=request,
        world=world,
        options=options,
        server=server,
        token=Token(site="jira", token="", user=USER),
        root=f"{request.base}/rest/api/{version}",
        version=version,
        language=options.jira_language,
    )
    connector = _Connector(call)
    for before, after in issues:
        connector.to_align(before, after)
    for key, was, item in items:
        if key in KINDS and was is not None and item is not None:
            connector.to_jira(key, was, item)
    world.objects.take_changes()  # its own are not sent back
    world.outbox += jira_webhooks.told(call, world.issues.take_changes())
    return connector.moves


class _Connector:
    """One run. `moves`: what came of it, in this order."""

    def __init__(self, call: JiraCall) -> None:
        self._call = call
        self._world = call.world
        self._now = as_written(dt.datetime.now(dt.UTC))
        self.moves: list[Move] = []

    # -- from Jira to Align ------------------------------------------------------------------------

    def to_align(self, before: Issue | None, after: Issue | None) -> None:
        issue = after or before
        project = self._carried(issue)
        if issue is None or project is None:
            return
        found = self._item(issue["id"])
        if after is None:
            if found is not None:
                self._write(issue, *found, {"isRecycled": True}, "is deleted")
        elif found is None:
            self._imported(after, project)
        else:
            key, item = found
            connector = item["connectorId"] or self._first_connector()
            standing = self._standing(key, after, project, connector, item.get("programId"))
            values = {**self._given(key, before, after), **standing}
            self._write(after, key, item, values, f"is in {self._status(after['status'])}")

    def _carried(self, issue: Issue | None) -> ProjectRecord | None:
        """The project of an issue, if Align's connector has it."""
        project = self._call.project_of.get(issue["project"]) if issue is not None else None
        return project if project is not None and self._call.options.has_in_align(project) else None

    def _item(self, number: int) -> tuple[str, ObjectRecord] | None:
        wanted = str(number)
        for key in KINDS:
            for item in self._world.objects.held[key].values():
                if item["externalId"] == wanted:
                    return key, item
        return None

    def _first_connector(self) -> int:
        return self._world.connectors()[0]["id"]

    def _given(self, key: str, before: Issue | None, after: Issue) -> Json:
        """The values that a change of the issue brings, by the fields of the item; all of them for a new one."""
        old = self._values(key, before) if before is not None else {}
        new = self._values(key, after)
        given = {name: value for name, value in new.items() if name not in old or old[name] != value}
        if key in PARENTS and (before is None or before["parent"] != after["parent"]):
            above = self._above(key, after)
            if above is not None or key != "task":  # a task cannot be without its story
                given[PARENTS[key][1]] = above
        return given

    def _values(self, key: str, issue: Issue) -> Json:
        people = self._world.objects.held["user"].values()
        owner = next((each["id"] for each in people if each["email"] == issue["assignee"]), None)
        values = {"title": issue["summary"], "description": issue["description"], "ownerId": owner}
        return values if key == "task" else {**values, "points": issue["custom"].get("10016")}

    def _above(self, key: str, issue: Issue) -> int | None:
        """The item of the parent, which is imported where Align has none yet."""
        parent = self._world.issues.get(issue["parent"]) if issue["parent"] is not None else None
        project = self._carried(parent)
        if parent is None or project is None:
            return None
        found = self._item(parent["id"])
        if found is None:
            self._imported(parent, project)
            found = self._item(parent["id"])
        return found[1]["id"] if found is not None and found[0] == PARENTS[key][0] else None

    def _standing(
        self, key: str, issue: Issue, project: ProjectRecord, connector: int, program: int | None
    ) -> dict[str, Any]:
        """State and step by the mappings of the status, of the project's own list where it is team-managed."""
        state = self._mapped("j2a_state", connector, project, key, issue["status"])
        values: dict[str, Any] = {"state": state or 0}
        if state is None:
            name = self._status(issue["status"])
            self._say(issue, f"{name} is not mapped for {OBJECTS[key].name}: it shows as {self._state(0)}")
        step = self._mapped("j2a_step", connector, project, key, issue["status"])
        flow = next((each for each in self._world.flows() if any(one["id"] == step for one in each["steps"])), None)
        if flow is not None and flow["active"] and program in flow["programmes"]:
            values["processStepId"] = step
        elif step is not None:
            why = "is gone" if flow is None else "is in no active process flow of its program"
            self._say(issue, f"process step {step} {why}: the step stays as it is")
        return values

    def _imported(self, issue: Issue, project: ProjectRecord) -> None:
        found = self._world.issue_type(issue["type"])
        key = ITEM_KEYS.get(kind_of(found)) if found is not None else None
        if key is None:
            self._say(issue, "its type is none that the connector imports")
            return
        connector = self._first_connector()
        body = {
            **self._given(key, None, issue),
            **self._standing(key, issue, project, connector, project["programme"]),
            **{each.key: FROM_JIRA for each in custom_fields.active(key) if each.required},
            "connectorId": connector,
            "externalId": str(issue["id"]),
            "externalKey": self._call.key_of(issue),
            "externalProject": project["key"],
            "jiraProjectKey": project["key"],
            "isExternal": True,
            "isRecycled": False,
        }
        if key != "task":
            body["programId"] = project["programme"]
        try:
            made = changes.created(self._writing(key), body)
        except ObjectRefusal as refused:
            self._say(issue, f"cannot be imported: {refused.message}")
            return
        self._say(issue, f"is {OBJECTS[key].name} {made['id']} now: {self._state(made['state'])}")

    def _write(self, issue: Issue, key: str, item: ObjectRecord, values: Json, why: str) -> None:
        """Only what differs; a change that makes no difference leaves the item untouched."""
        body = {name: value for name, value in values.items() if item[name] != value}
        if not body:
            return
        try:
            changes.patch(self._writing(key), item, body, "")
        except ObjectRefusal as refused:
            self._say(issue, f"cannot be carried over to {OBJECTS[key].name} {item['id']}: {refused.message}")
            return
        told = ", ".join(f"{name} {self._state(new) if name == 'state' else new}" for name, new in body.items())
        self._say(issue, f"{why}: {OBJECTS[key].name} {item['id']} has {told} now")

    def _writing(self, key: str) -> changes.ObjectWrite:
        return changes.ObjectWrite(
            described=OBJECTS[key],
            stock=self._world.objects,
            ways=Ways(),
            steps=self._world.step_names(),
            user=users.number(seed.ADMIN),
            now=self._now,
        )

    # -- from Align to Jira ------------------------------------------------------------------------

    def to_jira(self, key: str, before: ObjectRecord, after: ObjectRecord) -> None:
        """A state or a step that was set moves the issue, where a mapping says so and a transition leads there."""
        moved = [name for name in ("processStepId", "state") if before[name] != after[name] and after[name] is not None]
        is_renamed = self._call.options.connector_titles == "both" and before["title"] != after["title"]
        known = after["externalId"] if moved or is_renamed else None
        issue = self._world.issues.get(int(known)) if known and is_number(known) else None
        project = self._carried(issue)
        if issue is None or project is None:
            return
        if is_renamed:
            issue = self._renamed(issue, after["title"])
        if not moved:
            return
        wanted = self._wanted(key, project, after, moved)
        if wanted is None:
            where = " and ".join(self._place(name, after) for name in moved)
            self._say(issue, f"{OBJECTS[key].name} {after['id']} is set to {where}, which is not mapped in its project")
        elif wanted != issue["status"]:
            self._transitioned(issue, wanted)

    def _renamed(self, issue: Issue, title: str) -> Issue:
        changed = Issue(**{**issue, "summary": title, "updated": int(dt.datetime.now(dt.UTC).timestamp() * 1000)})
        self._world.issues.put(changed)
        self._say(issue, f"is called {title} now")
        return changed

    def _wanted(self, key: str, project: ProjectRecord, item: ObjectRecord, moved: list[str]) -> int | None:
        connector = item["connectorId"] or self._first_connector()
        codes = {"processStepId": "a2j_step", "state": "a2j_state"}
        found = (self._mapped(codes[name], connector, project, key, item[name]) for name in moved)
        return next((status for status in found if status is not None), None)

    def _transitioned(self, issue: Issue, wanted: int) -> None:
        name = self._status(wanted)
        here = self._world.status(issue["status"])
        if here is not None and here["category"] == RESOLVED:
            self._say(issue, f"is resolved: it stays in {here['name']} and does not go to {name}")
            return
        transition = next(
            (each for each in jira_issue_routes.transitions_of(self._call, issue) if each.to == wanted), None
        )
        if transition is None:
            self._say(issue, f"no transition leads from {self._status(issue['status'])} to {name}")
            return
        refused = jira_issue_routes.refusal(self._call, transition, issue)
        if refused is not None:
            self._say(issue, f"cannot go to {name}: {refused}")
            return
        resolution = jira_issue_routes.resolution_of(None, transition)
        self._world.issues.put(jira_issue_routes.moved(issue, transition, resolution))
        self._say(issue, f"is in {name} now")

    # -- both ways ---------------------------------------------------------------------------------

    def _mapped(self, code: str, connector: int, project: ProjectRecord, key: str, source: int) -> int | None:
        """The target of the stored mapping; of two records of one key the older one counts."""
        family = FAMILIES[code]
        own = not family.to_align or project["style"] == "next-gen"
        name = OBJECTS[key].name
        for type_id in sorted(family.allowed_types(self._call.options.type_ids), reverse=True):
            if family.type_name(type_id) != name:
                continue
            record: Json = {"connectorId": connector, "workItemTypeId": type_id, family.source_id: source}
            found = self._world.same_key(family, {**record, "projectKey": project["key"]} if own else record)
            if found is not None:
                target: int = found[family.target_id]
                return target
        return None

    def _status(self, number: int) -> str:
        found = self._world.status(number)
        return found["name"] if found is not None else str(number)

    def _state(self, number: int) -> str:
        return f"{number} - {STATES.get(number, 'unknown')}"

    def _place(self, name: str, item: ObjectRecord) -> str:
        return self._state(item["state"]) if name == "state" else str(item["processStepName"])

    def _say(self, issue: Issue, note: str) -> None:
        self.moves.append(Move(issue=self._call.key_of(issue), text=note))
