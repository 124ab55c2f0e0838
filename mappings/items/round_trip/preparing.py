"""Finding the issue and the item that somebody typed: both systems are read once, by the people's reserve."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused, SealError
from alignadmin.http.errors import NotFound, RemoteError
from alignadmin.parsing import whole
from connectors.align.client import AlignClient
from connectors.credentials import clients, usage
from connectors.jira.client import JiraClient
from connectors.models import Carried, Connector, Project, Status, StatusCategory, System, in_scope_here
from connectors.webhooks.announcement import ISSUE_KEY
from mappings.engine.item_differences import state_words
from mappings.engine.item_prediction import ItemRules
from mappings.engine.items import IssueFacts
from mappings.items.comparing.real_items import RealItems
from mappings.items.prediction.rules import rules_of
from mappings.items.round_trip.mapped import status_mappings
from mappings.items.round_trip.moves import chosen_transition
from mappings.items.round_trip.planning import TripFacts
from mappings.items.round_trip.sides import SeenItem, read_issue, read_item, statuses_behind
from mappings.models import ItemLink

PATIENCE = 10.0  # seconds for a slot of the rate budget
NO_KEY = "This is no key of an issue, as PAY-123, and no number of an item of Jira Align."
SCOPE = "is not in scope here, so nothing is written to its issues. Choose it in step 4 of the set-up first."


@dataclass(frozen=True, kw_only=True)
class PreparedItem:
    project: Project
    level: str
    facts: TripFacts


@dataclass(frozen=True, kw_only=True)
class PreparedIssue:
    """The type of which a throw-away issue can be made."""

    project: Project
    level: str
    type_id: int
    type_name: str


@dataclass(kw_only=True)
class Preparing:
    """What is typed is found by clients that do not write, and by Refused it is said why it cannot be used."""

    connector: Connector
    jira: JiraClient
    align: AlignClient

    @classmethod
    def of(cls, connector: Connector, *, actor: Person) -> Preparing:
        try:
            for system in (System.JIRA, System.ALIGN):
                credential = clients.current_credential(connector, system)
                usage.record_lookup(credential, actor=actor, what="an issue and its item")
            return cls(
                connector=connector,
                jira=clients.jira_client(connector, interactive=True, tries=1, patience=PATIENCE),
                align=clients.align_client(connector, interactive=True, patience=PATIENCE, notes_forbidden=False),
            )
        except (RemoteError, SealError) as error:
            raise Refused(str(error)) from error

    def of_typed(self, typed: str, level: str) -> PreparedItem:
        """`typed`: the key of an issue, or with `level` the number of an item."""
        try:
            key = typed.strip().upper()
            if ISSUE_KEY.fullmatch(key):
                return self._of_issue(key)
            number = whole(key)
            if number is None:
                raise Refused(NO_KEY)
            if not level:
                raise Refused("Numbers of Jira Align are of one type each: choose the type of the item as well.")
            return self._of_item(level, number)
        except RemoteError as error:
            raise Refused(error.sentence) from error

    def of_new(self, project: Project) -> PreparedIssue:
        """Of a project that Align carries, whose connector makes the item."""
        if project.carried == Carried.NO:
            raise Refused(
                f"Nothing makes an item of a new issue of {project.key}, since it is ours: choose an imported one."
            )
        rules = rules_of(self.connector, project)
        try:
            offered = self.jira.create_types(project.jira_id)
            usable = [each for each in offered if not each.is_subtask and rules.level_of(each.name)]
            for each in sorted(usable, key=lambda each: (rules.level_of(each.name) != "story", each.id)):
                needed = [
                    field.name
                    for field in self.jira.create_fields(project.jira_id, each.id)
                    if field.must_be_given and field.id not in ("summary", "project", "issuetype")
                ]
                if not needed:
                    return PreparedIssue(
                        project=project, level=rules.level_of(each.name), type_id=each.id, type_name=each.name
                    )
        except RemoteError as error:
            raise Refused(error.sentence) from error
        raise Refused(
            f"No issue can be made in {project.key} with a title alone: each type that stands for a level of Jira "
            "Align requires more, or the account may make none. Choose an issue that is there."
        )

    # --- finding ------------------------------------------------------------------------------------------------------

    def _of_item(self, level: str, number: int) -> PreparedItem:
        called = self.connector.terminology.name(level)
        try:
            item = read_item(self.align, level, number)
        except NotFound:
            raise Refused(f"Jira Align shows no {called} {number} to this connector’s account.") from None
        links = ItemLink.objects.filter(connector=self.connector, level=level, align_id=number)
        key = item.key or links.values_list("issue_key", flat=True).first() or ""
        if not ISSUE_KEY.fullmatch(key):
            raise Refused(f"{called} {number} comes from no issue of Jira, so there is nothing to verify with it.")
        found = self._of_issue(key)
        if (found.level, found.facts.item.id) != (level, number):
            other = f"{self.connector.terminology.name(found.level)} {found.facts.item.id}"
            raise Refused(f"{called} {number} says that it comes from {key}, whose item is {other}.")
        return found

    def _of_issue(self, key: str) -> PreparedItem:
        try:
            issue = read_issue(self.jira, key)
        except NotFound:
            raise Refused(f"Jira shows no issue {key} to this connector’s account.") from None
        projects = Project.objects.filter(in_scope_here(), connector=self.connector, jira_id=issue.project_id)
        project = projects.first()
        if project is None:
            raise Refused(f"The project of {issue.key} {SCOPE}")
        rules = rules_of(self.connector, project)
        level = rules.level_of(issue.type_name)
        if not level:
            raise Refused(f"{issue.type_name} stands for no level of Jira Align, so {issue.key} has no item.")
        facts = self.facts_of(project, level, issue, self._item_of(project, level, issue, rules))
        self._refuse_apart(project, facts)
        return PreparedItem(project=project, level=level, facts=facts)

    def facts_of(self, project: Project, level: str, issue: IssueFacts, item: SeenItem) -> TripFacts:
        """What both sides hold, and where the issue can go. Raises RemoteError."""
        ends = Status.objects.filter(connector=self.connector, category=StatusCategory.DONE)
        mappings, is_carried = status_mappings(project, level), project.carried != Carried.NO
        offered = self.jira.transitions(issue.id)
        there = chosen_transition(
            offered,
            status=issue.status_id,
            state=item.state,
            to_align=mappings.to_align,
            is_carried=is_carried,
        )
        reachable: Collection[int] | None = None
        if is_carried and there.target is None:
            reachable = {each.to.id for each in offered if each.is_available is not False}
        elif is_carried and there.target is not None:
            reachable = statuses_behind(self.jira, issue, there.target)
        return TripFacts(
            issue=issue,
            item=item,
            there=there,
            mappings=mappings,
            ends=set(ends.values_list("jira_id", flat=True)),
            reachable=reachable,
        )

    def _item_of(self, project: Project, level: str, issue: IssueFacts, rules: ItemRules) -> SeenItem:
        called = self.connector.terminology.name(level)
        ids = self.item_ids(project, level, issue, rules)
        if not ids:
            missing = "Its project was not imported yet." if project.is_ours else "Align’s connector has made none yet."
            raise Refused(f"{issue.key} has no {called} in Jira Align that is known here. {missing}")
        if len(ids) > 1:
            both = " and ".join(str(each) for each in ids)
            raise Refused(f"{issue.key} has more than one {called} in Jira Align: {both}. Choose another issue.")
        try:
            return read_item(self.align, level, ids[0])
        except NotFound:
            raise Refused(f"{called} {ids[0]} of {issue.key} is not in Jira Align any more.") from None

    def item_ids(self, project: Project, level: str, issue: IssueFacts, rules: ItemRules) -> list[int]:
        """Of ours by their link, else by the issue's key in Align."""
        if project.carried == Carried.NO:
            links = ItemLink.objects.filter(connector=self.connector, jira_id=issue.id, align_id__isnull=False)
            return [each for each in links.values_list("align_id", flat=True) if each is not None]
        items = RealItems(objects=self.align.objects, project=project, rules=rules)
        return sorted(each["id"] for each in items.records(level, [issue.key]).get(issue.key, []))

    def _refuse_apart(self, project: Project, facts: TripFacts) -> None:
        """What differs before could not be told from what a verification leaves, nor be put back as it was."""
        if project.carried == Carried.NO:
            return
        issue, item = facts.issue, facts.item
        if issue.title.strip() != item.title.strip():
            raise Refused(
                f"{issue.key} and its item have different titles already, so what comes over could not be told. "
                "Choose an issue whose item agrees with it."
            )
        expected = facts.mappings.to_align.get(issue.status_id)
        if expected is not None and expected != item.state:
            raise Refused(
                f"{issue.key} is in {issue.status_name}, which shows as {state_words(expected)}, but its item shows "
                f"{state_words(item.state)} already. Choose an issue whose item agrees with it."
            )
