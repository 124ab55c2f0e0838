"""Reading an issue and its item now, for the page that explains them: by the people's reserve, in a bounded number of
requests, each side for itself. What one side refuses is said there, and the other is read all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused, SealError
from alignadmin.http.errors import BadRequest, NotFound, RemoteError
from connectors.align.client import AlignClient
from connectors.align.custom_fields import flat
from connectors.align.query import Q, query_of
from connectors.align.terminology import LEVELS
from connectors.credentials import usage
from connectors.credentials.clients import align_client, current_credential, jira_client
from connectors.jira import JiraClient, JqlRefused
from connectors.jira.issue_resources import JiraTransition
from connectors.jira.jql import Jql, SearchField, is_in
from connectors.jira.reaching import ASKED, KnownWays, ways_from
from connectors.jira.resources import JiraIssue
from connectors.models import Connector, IssueType, Project, Status, System, WatchedIssue
from mappings.engine.item_differences import FieldDifference, differences
from mappings.engine.item_prediction import ItemRules, predict
from mappings.engine.items import IssueFacts, Loss, LossCode, PredictedItem
from mappings.items.comparing.real_items import compared_fields, selected_fields
from mappings.items.explaining.asked import AskedItem
from mappings.items.prediction.asked import configured_import
from mappings.items.prediction.issues import IssueReading, ParentReading, epic_link_of, facts_of
from mappings.items.prediction.partners import partners_of
from mappings.items.prediction.rules import rules_of
from mappings.models import ItemLink

PATIENCE = 5.0  # seconds for a slot of the rate budget
LONGEST_WAIT = 20.0  # seconds after which nothing further is asked
MOST_LOOKS = 4  # at other issues, for what lies behind a status: two requests each
OF_PARTNERS = (LossCode.USER_MISSING, LossCode.PARTNER_MISSING)  # not known while Align tells nothing
RECYCLED = "isRecycled"
LATE = "This was not read any more: the systems answer too slowly. Try again in a moment."


@dataclass(kw_only=True)
class ItemReading:
    """What was found of one issue and its item. `jira_problem`, `align_problem`: why a side is not there.

    `seen_at`: Jira could not be asked, and `issue` is as it was looked at then, without its fields. `stored`: nothing
    of Jira is known but what our link says. `records`: those that Align has, two where it has two of one key.
    """

    connector: Connector
    asked: AskedItem
    project: Project | None = None
    link: ItemLink | None = None
    watched: WatchedIssue | None = None
    rules: ItemRules | None = None
    scope_problem: str = ""
    # Jira
    issue: IssueFacts | None = None
    seen_at: datetime | None = None
    jira_problem: str = ""
    in_scope: bool | None = None  # it meets the condition of the issues to import; None: not asked, or not known
    transitions: Sequence[JiraTransition] | None = None
    transitions_problem: str = ""
    ways: KnownWays | None = None
    # Align
    level: str = ""  # at which the item was found, else the one that the hierarchy wants
    records: Sequence[Mapping[str, Any]] = ()
    align_problem: str = ""
    partners_known: bool = False
    parent_ids: Mapping[int, int] = field(default_factory=dict)
    # together
    predicted: PredictedItem | None = None
    compared: Sequence[FieldDifference] = ()
    requests: int = 0

    @property
    def record(self) -> Mapping[str, Any] | None:
        return self.records[0] if len(self.records) == 1 else None

    @property
    def is_recycled(self) -> bool:
        return any(each.get(RECYCLED) is True for each in self.records)

    @property
    def state_now(self) -> int | None:
        state = self.record.get("state") if self.record else None
        return state if isinstance(state, int) and not isinstance(state, bool) else None


def read_item(connector: Connector, asked: AskedItem, *, actor: Person, steps: Mapping[int, str]) -> ItemReading:
    """1. What is stored of it: link, last look, project. 2. The item, where it was asked for by Align's id.
    3. The issue with its parent and transitions. 4. Who and what Align has of its names, and the item by its key.
    5. Both beside each other.
    """
    return _ItemReader(ItemReading(connector=connector, asked=asked), actor).read(steps)


class _ItemReader:
    def __init__(self, found: ItemReading, actor: Person) -> None:
        self.found, self.actor = found, actor
        self.connector = found.connector
        self.began = time.monotonic()
        self.parents: dict[int, IssueFacts] = {}
        self.looks = 0

    def read(self, steps: Mapping[int, str]) -> ItemReading:
        found = self.found
        self._stored()
        jira, align = self._jira(), self._align()
        if found.asked.level and align is not None:
            found.align_problem = _said(lambda: self._item_by_id(align, found.asked.level, found.asked.align_id))
        if jira is not None:
            found.jira_problem = _said(lambda: self._issue(jira))
        if found.issue is None:
            self._as_last_seen()
        if jira is not None and found.issue is not None and not found.jira_problem:
            found.transitions_problem = self._in_time(lambda: self._moves(jira, found.issue))
        if align is not None and not found.align_problem:
            found.align_problem = self._in_time(lambda: self._item(align))
        self._beside(steps)
        found.requests = sum(each.sent for each in (jira, align) if each is not None)
        return found

    # --- what is stored -----------------------------------------------------------------------------------------------

    def _stored(self) -> None:
        found, asked = self.found, self.found.asked
        links = ItemLink.objects.filter(connector=self.connector)
        looks = WatchedIssue.objects.filter(connector=self.connector)
        if asked.level:
            found.link = links.filter(level=asked.level, align_id=asked.align_id).first()
        elif isinstance(asked.issue, int):
            found.link = links.filter(jira_id=asked.issue).first()
            found.watched = looks.filter(jira_id=asked.issue).first()
        else:
            found.link = links.filter(issue_key=asked.issue).order_by("-pk").first()
            found.watched = looks.filter(key=asked.issue).order_by("-looked_at").first()
            found.project = Project.objects.filter(connector=self.connector, key=asked.project_key).first()

    def _jira(self) -> JiraClient | None:
        """None where there is no signing in, which is that side's problem."""
        try:
            self._enter(System.JIRA)
            return jira_client(self.connector, interactive=True, tries=1, patience=PATIENCE)
        except (RemoteError, Refused, SealError) as error:
            self.found.jira_problem = str(error)
            return None

    def _align(self) -> AlignClient | None:
        """Likewise; whether a token may see these items says nothing of what the connector needs it for."""
        try:
            self._enter(System.ALIGN)
            return align_client(self.connector, interactive=True, tries=1, patience=PATIENCE, notes_forbidden=False)
        except (RemoteError, Refused, SealError) as error:
            self.found.align_problem = str(error)
            return None

    def _enter(self, system: System) -> None:
        if not self.connector.is_active:
            raise Refused(f"{self.connector} is deactivated, so nothing is asked of it.")
        usage.record_explaining(current_credential(self.connector, system), actor=self.actor)

    # --- Jira ---------------------------------------------------------------------------------------------------------

    def _issue(self, jira: JiraClient) -> None:
        """Its fields are those of the pairs, which are the same for all projects."""
        found = self.found
        ref = self._issue_ref()
        if ref is None:
            return
        some = found.project or Project.objects.filter(connector=self.connector).order_by("pk").first()
        rules = rules_of(self.connector, some) if some else ItemRules()
        reading = IssueReading(jira=jira, rules=rules, epic_link=epic_link_of(self.connector))
        issue = facts_of(jira.issue(ref, reading.fields), reading.epic_link)
        if found.project is None or found.project.jira_id != issue.project_id:
            found.project = Project.objects.filter(connector=self.connector, jira_id=issue.project_id).first()
        found.issue = issue
        self._know(issue.id)
        if found.project is None:
            found.rules = ItemRules()
            return
        found.rules = rules_of(self.connector, found.project)
        around = self._scope(found.project)
        if not self._is_late():
            (found.issue,), self.parents = _with_parents(reading, found.project, around, issue)
        if found.project.is_ours and not found.scope_problem and not self._is_late():
            try:
                found.in_scope = jira.count(is_in(SearchField.KEY, [issue.key]) & around) > 0
            except JqlRefused as refused:
                found.scope_problem = str(refused)

    def _scope(self, project: Project) -> Jql:
        """Of a project of ours the issues to import are what becomes an item; Align's connector carries all."""
        if project.is_ours:
            try:
                return configured_import(self.connector, project).jql
            except Refused as refused:
                self.found.scope_problem = str(refused)
        return is_in(SearchField.PROJECT, [project.jira_id])

    def _issue_ref(self) -> int | str | None:
        """By Jira's id where one is known, since a key may have gone to another issue. Of an item without a link by
        the key that it says it comes from.
        """
        found, asked = self.found, self.found.asked
        if not asked.level:
            return asked.issue
        if found.link is not None:
            return found.link.jira_id
        key = found.record.get("externalKey") if found.record else None
        return key if isinstance(key, str) and key else None

    def _know(self, issue_id: int) -> None:
        """By the id that Jira told: a key may be one that the issue had before."""
        found = self.found
        if found.link is None or found.link.jira_id != issue_id:
            found.link = ItemLink.objects.filter(connector=self.connector, jira_id=issue_id).first() or (
                found.link if found.asked.level else None
            )
        found.watched = WatchedIssue.objects.filter(connector=self.connector, jira_id=issue_id).first()

    def _as_last_seen(self) -> None:
        """The rules of a status can be told without Jira; of its fields nothing is known."""
        found = self.found
        if found.watched is None and found.link is not None:
            found.watched = WatchedIssue.objects.filter(connector=self.connector, jira_id=found.link.jira_id).first()
        watched = found.watched
        if watched is None or not found.jira_problem:
            return
        names = Status.objects.filter(connector=self.connector, jira_id=watched.status_id).values_list(
            "name", flat=True
        )
        types = IssueType.objects.filter(connector=self.connector, jira_id=watched.issue_type_id)
        found.project = Project.objects.filter(connector=self.connector, jira_id=watched.project_id).first()
        found.rules = rules_of(self.connector, found.project) if found.project else ItemRules()
        found.seen_at = watched.looked_at
        found.issue = IssueFacts(
            id=watched.jira_id,
            key=watched.key,
            project_id=watched.project_id,
            type_id=watched.issue_type_id,
            type_name=types.values_list("name", flat=True).first() or str(watched.issue_type_id),
            status_id=watched.status_id,
            status_name=names.first() or str(watched.status_id),
            title="",
        )

    def _moves(self, jira: JiraClient, issue: IssueFacts | None) -> None:
        if issue is None:
            return
        found = self.found
        found.transitions = list(jira.transitions(issue.id))
        if not self._is_late():
            told = jira.issue(issue.id, ASKED) if any(each not in issue.values for each in ASKED) else None
            at = told or JiraIssue(id=issue.id, key=issue.key, fields=issue.values)
            found.ways = ways_from(jira, at, found.transitions, may_look=self._may_look)

    def _may_look(self) -> bool:
        self.looks += 1
        return self.looks <= MOST_LOOKS and not self._is_late()

    # --- Align --------------------------------------------------------------------------------------------------------

    def _item_by_id(self, align: AlignClient, level: str, id_: int) -> None:
        found = self.found
        found.level = level
        asked = query_of(level).select(*selected_fields(self._any_rules(), level), RECYCLED)
        found.records = [flat(align.objects.get(asked, id_))]

    def _item(self, align: AlignClient) -> None:
        found, rules = self.found, self._any_rules()
        if found.issue is not None and found.seen_at is None and not self._is_late():
            found.rules = rules.with_partners(partners_of(align, rules, [found.issue]))
            found.partners_known = True
        if not found.records:
            self._find_item(align, rules)
        parent = predict(found.issue, rules, self.parents).parent if found.issue else None
        if parent is None or self._is_late():
            return
        linked = ItemLink.objects.filter(connector=self.connector, jira_id=parent.issue_id, align_id__isnull=False)
        ids: list[int] = [each.align_id for each in linked if each.align_id is not None]
        if not ids:
            ids = [each["id"] for each in self._by_key(align, parent.level, parent.issue_key, ItemRules())]
        if len(ids) == 1:
            found.parent_ids = {parent.issue_id: ids[0]}

    def _find_item(self, align: AlignClient, rules: ItemRules) -> None:
        """By our link, else by the issue's key at the level that the hierarchy wants, else at the others."""
        found = self.found
        link = found.link
        if link is not None and link.align_id is not None:
            self._item_by_id(align, link.level, link.align_id)
            return
        key = found.issue.key if found.issue else found.asked.issue
        if not isinstance(key, str) or not key:
            return
        wanted = rules.level_of(found.issue.type_name) if found.issue else ""
        for level in dict.fromkeys((*filter(None, (wanted,)), *LEVELS)):
            if self._is_late():
                raise Refused(LATE)
            found.records = self._by_key(align, level, key, rules)
            if found.records:
                found.level = level
                return

    def _by_key(self, align: AlignClient, level: str, key: str, rules: ItemRules) -> list[dict[str, Any]]:
        query = query_of(level).select(*selected_fields(rules, level), RECYCLED).where(Q("externalKey").eq(key))
        try:
            rows = align.objects.page(query.top(3))
        except BadRequest as refused:
            raise Refused(
                "This Jira Align does not look for items by the key of an issue. Choose the level, and type the id "
                f"that the item has in Jira Align. {refused.sentence}"
            ) from refused
        return [flat(each) for each in rows if each.get("externalKey") == key and isinstance(each.get("id"), int)]

    def _any_rules(self) -> ItemRules:
        """Those of the issue's project; while that is not known those of any, since pairs are the same for all."""
        if self.found.rules is None:
            some = self.found.project or Project.objects.filter(connector=self.connector).order_by("pk").first()
            self.found.rules = rules_of(self.connector, some) if some else ItemRules()
        return self.found.rules

    # --- together -----------------------------------------------------------------------------------------------------

    def _beside(self, steps: Mapping[int, str]) -> None:
        found = self.found
        if found.issue is None or found.rules is None:
            return
        item = predict(found.issue, found.rules, self.parents)
        if found.seen_at is not None:
            item = _of_status_alone(item)
        elif not found.partners_known:
            item = _without(item, OF_PARTNERS)
        found.predicted = item
        found.level = found.level or item.level
        if found.record is not None and item.level and item.level == found.level:
            asked = compared_fields(found.rules, item.level) if found.partners_known else ()
            found.compared = differences(item, found.record, asked, found.parent_ids, steps)

    # --- within time --------------------------------------------------------------------------------------------------

    def _is_late(self) -> bool:
        return time.monotonic() - self.began > LONGEST_WAIT

    def _in_time(self, read: Callable[[], None]) -> str:
        return LATE if self._is_late() else _said(read)


def _said(read: Callable[[], None]) -> str:
    """Why it could not be read; empty where it was."""
    try:
        read()
    except NotFound as error:
        return f"It is not there, or not shown to our account. {error.sentence}"
    except RemoteError as error:
        return error.sentence
    except (Refused, SealError) as error:
        return str(error)
    return ""


def _with_parents(
    reading: IssueReading, project: Project, scope: Jql, issue: IssueFacts
) -> tuple[list[IssueFacts], dict[int, IssueFacts]]:
    return ParentReading(reading=reading, project=project, scope=scope).of([issue])


def _without(item: PredictedItem, codes: Sequence[LossCode]) -> PredictedItem:
    kept: list[Loss] = [each for each in item.losses if each.code not in codes]
    return PredictedItem(
        issue=item.issue,
        level=item.level,
        fields=item.fields,
        parent=item.parent,
        state=item.state,
        step=item.step,
        losses=kept,
    )


def _of_status_alone(item: PredictedItem) -> PredictedItem:
    """Of an issue of which nothing else is known: no field, no parent, and no loss of either."""
    kept = [each for each in item.losses if each.code in (LossCode.STATUS_NOT_MAPPED, LossCode.TYPE_NOT_MAPPED)]
    return PredictedItem(issue=item.issue, level=item.level, state=item.state, step=item.step, losses=kept)
