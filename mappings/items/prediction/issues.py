"""Issues of Jira as the engine's values: read by JQL or by their keys, with just the fields that the rules need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from alignadmin.http.errors import Malformed
from alignadmin.http.fields import Fields
from connectors.jira import JiraClient, JqlRefused
from connectors.jira.jql import Jql, SearchField, is_in
from connectors.jira.resources import JiraIssue
from connectors.models import Connector, FieldRow, Project, System, in_scope_here
from mappings.engine.item_prediction import ItemRules
from mappings.engine.items import IssueFacts

AT_ONCE = 100
OF_ITSELF = ("summary", "issuetype", "status", "parent", "project")  # of every issue, whatever is paired
EPIC_LINK = "gh-epic-link"
Lotted = TypeVar("Lotted", str, int)


def epic_link_of(connector: Connector) -> str:
    """Jira's id of the field that holds the key of an issue's epic; empty where none was read."""
    rows = FieldRow.objects.filter(connector=connector, system=System.JIRA, vanished_at=None)
    found = rows.filter(spelled__endswith=EPIC_LINK).order_by("pk").values_list("key", flat=True)
    return found.first() or ""


@dataclass(frozen=True, kw_only=True)
class IssueReading:
    """`epic_link`: see `epic_link_of`; Cloud tells an epic as a parent, too. `unread` counts what could not be read.

    `more`: further fields of Jira, whose values the issues then hold as well.
    """

    jira: JiraClient
    rules: ItemRules
    epic_link: str = ""
    unread: list[str] = field(default_factory=list)
    more: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*OF_ITSELF, *self.more, *filter(None, (self.epic_link,)), *self.rules.fields)))

    def by_jql(self, jql: Jql) -> Iterator[list[IssueFacts]]:
        """Page by page. Raises JqlRefused."""
        for page in self.jira.search(jql, self.fields):
            self.unread.extend(each.reason for each in page.aside)
            yield self._facts(page)

    def by_keys(self, keys: Iterable[Lotted], around: Jql | None = None) -> Iterator[list[IssueFacts]]:
        """By keys or ids, in lots of 100, within a condition. One that Jira shows no more is asked for by itself, and
        not found. Raises JqlRefused where it is the condition that Jira cannot read.
        """
        for lot in lots(sorted(set(keys))):
            yield from self._lot(lot, around or Jql())

    def _lot(self, keys: Sequence[Lotted], around: Jql) -> Iterator[list[IssueFacts]]:
        try:
            yield from list(self.by_jql(is_in(SearchField.KEY, keys) & around))
        except JqlRefused:
            if len(keys) == 1:
                if around.text and self._is_shown(keys):
                    raise
                return
            half = len(keys) // 2
            yield from self._lot(keys[:half], around)
            yield from self._lot(keys[half:], around)

    def _is_shown(self, keys: Sequence[Lotted]) -> bool:
        """Without the condition around it."""
        try:
            return any(self.jira.search(is_in(SearchField.KEY, keys), OF_ITSELF))
        except JqlRefused:
            return False

    def _facts(self, page: Iterable[JiraIssue]) -> list[IssueFacts]:
        found = []
        for issue in page:
            try:
                found.append(facts_of(issue, self.epic_link))
            except Malformed as error:
                self.unread.append(f"{issue.key or issue.id}: {error.sentence}")
        return found


def facts_of(issue: JiraIssue, epic_link: str = "") -> IssueFacts:
    """Raises Malformed where type, status or project cannot be read."""
    row = Fields(issue.fields, what=f"issue {issue.key or issue.id}")
    type_, status = row.part("issuetype"), row.part("status")
    parent = row.part("parent")
    linked = issue.fields.get(epic_link) if epic_link else None
    return IssueFacts(
        id=issue.id,
        key=issue.key,
        project_id=row.part("project").integer("id"),
        type_id=type_.integer("id"),
        type_name=type_.text("name"),
        status_id=status.integer("id"),
        status_name=status.text("name"),
        title=row.text("summary"),
        parent_id=parent.maybe_integer("id"),
        parent_key=parent.text("key") or (linked if isinstance(linked, str) else ""),
        values=issue.fields,
    )


@dataclass(frozen=True, kw_only=True)
class ParentReading:
    """Which of the issues above are brought over themselves: they are asked for in lots of 100.

    `scope`: the condition of the project's own issues. Of other projects those in scope here count.
    """

    reading: IssueReading
    project: Project
    scope: Jql

    def of(self, issues: Sequence[IssueFacts]) -> tuple[list[IssueFacts], dict[int, IssueFacts]]:
        """The issues with the ids of their parents, and these, by id, with the issues themselves."""
        known = {each.key: each for each in issues}
        asked = {each.parent_key for each in issues if each.parent_key} - known.keys()
        bare = replace(self.reading, rules=ItemRules())
        found = [each for lot in bare.by_keys(asked) for each in lot]
        own = {each.key for each in found if each.project_id == self.project.jira_id}
        within = {each.key for lot in bare.by_keys(own, self.scope) for each in lot} if own else set()
        others = self._in_scope({each.project_id for each in found} - {self.project.jira_id})
        parents = [each for each in found if each.key in within or each.project_id in others]
        by_key = {**{each.key: each for each in parents}, **known}
        with_ids = [
            replace(each, parent_id=by_key[each.parent_key].id)
            if each.parent_id is None and each.parent_key in by_key
            else each
            for each in issues
        ]
        return with_ids, {each.id: each for each in [*parents, *with_ids]}

    def _in_scope(self, project_ids: set[int]) -> set[int]:
        if not project_ids:
            return set()
        rows = Project.objects.filter(in_scope_here(), connector=self.project.connector_id, jira_id__in=project_ids)
        return set(rows.values_list("jira_id", flat=True))


def lots(keys: Sequence[Lotted], size: int = AT_ONCE) -> Iterator[Sequence[Lotted]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def spread(issues: Sequence[IssueFacts], number: int) -> list[IssueFacts]:
    """As many of them in turn from each type and status, so that rare ones are among them; in a fixed order."""
    groups: dict[tuple[str, str], list[IssueFacts]] = {}
    for each in sorted(issues, key=lambda each: each.id):
        groups.setdefault((each.type_name, each.status_name), []).append(each)
    ordered = [groups[key] for key in sorted(groups)]
    found: list[IssueFacts] = []
    for place in range(max(map(len, ordered), default=0)):
        found += [group[place] for group in ordered if place < len(group)]
        if len(found) >= number:
            break
    return found[:number]
