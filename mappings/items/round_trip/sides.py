"""Both sides of a verification: how an issue and its item are read, and the only requests that change them.

The clients that may write are made here and by its job alone: a project that Align's connector carries is written to by
nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from alignadmin.http.errors import BadRequest, Forbidden, Malformed, NotFound
from alignadmin.http.fields import Fields
from connectors.align.client import AlignClient
from connectors.align.object_values import replacing
from connectors.align.objects import OBJECTS
from connectors.align.query import query_of
from connectors.credentials import clients
from connectors.jira.client import IssueRef, JiraClient
from connectors.jira.issue_resources import JiraTransition
from connectors.jira.jql import SearchField, is_in, issues_of, updated_within
from connectors.jira.reaching import next_transition
from connectors.jira.writing import JiraWriter
from connectors.jobs.runner import Run
from mappings.engine.items import IssueFacts
from mappings.items.prediction.issues import OF_ITSELF, facts_of
from mappings.models import TripSubject, TripWrite

MADE_WITHIN = 60  # minutes in which a throw-away issue without an answer is looked for


@dataclass(frozen=True, kw_only=True)
class SeenItem:
    """`key`: of the issue that Align says it came from. `is_recycled`: in the recycle bin.

    One that never had a state shows 0 - Pending approval.
    """

    id: int
    title: str
    state: int
    key: str
    is_recycled: bool


def read_issue(jira: JiraClient, issue: IssueRef) -> IssueFacts:
    """Raises NotFound, or Malformed where type, status or project cannot be read."""
    return facts_of(jira.issue(issue, OF_ITSELF))


def read_item(align: AlignClient, level: str, item: int) -> SeenItem:
    """Raises NotFound."""
    row = Fields(align.objects.get(query_of(level), item), what=f"{OBJECTS[level].name} {item}")
    return SeenItem(
        id=row.integer("id"),
        title=row.text("title"),
        state=row.maybe_integer("state") or 0,
        key=row.text("externalKey"),
        is_recycled=row.truth("isRecycled") is True,
    )


def statuses_behind(jira: JiraClient, issue: IssueFacts, status: int) -> Collection[int] | None:
    """Where an issue of the same project and type that is in that status already can go; None where none tells."""
    there = issues_of([issue.project_id], [issue.type_id]) & is_in(SearchField.STATUS, [status])
    try:
        for each in jira.sample(there, (), most=1):
            return {way.to.id for way in jira.transitions(each.id) if way.is_available is not False}
    except (BadRequest, Forbidden, NotFound, Malformed):
        pass
    return None


def number_in(value: object) -> int:
    """Of a status or a state, as a write keeps it."""
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is the number of no status")
    return value


@dataclass(kw_only=True)
class TripSides:
    """With clients that may write, in the bulk share of the budget."""

    jira: JiraWriter
    align: AlignClient

    @classmethod
    def of(cls, job: Run) -> TripSides:
        """Raises NoCredential or DoesNotOpen."""
        return cls(
            jira=clients.jira_writer(job.connector, job=job.job, on_wait=job.waits_for),
            align=clients.align_client(job.connector, job=job.job, on_wait=job.waits_for, read_only=False),
        )

    def issue(self, issue: IssueRef) -> IssueFacts:
        return read_issue(self.jira, issue)

    def item(self, level: str, item: int) -> SeenItem:
        return read_item(self.align, level, item)

    # --- writing ------------------------------------------------------------------------------------------------------

    def change_issue(self, issue: IssueRef, write: TripWrite) -> None:
        """To its value of after, a status by its one transition."""
        if write.what == TripSubject.TITLE:
            self.jira.edit_issue(issue, {"summary": write.after})
        else:
            self.jira.transition(issue, number_in(write.transition))

    def next_transition(self, issue: IssueRef, status: int, *, been: Collection[int]) -> JiraTransition:
        """Raises NotReached."""
        return next_transition(self.jira, issue, status, been=been)

    def change_item(self, level: str, item: int, write: TripWrite) -> None:
        name = "title" if write.what == TripSubject.TITLE else "state"
        self.align.objects.patch(OBJECTS[level], item, replacing({name: write.after}))

    def make_issue(self, project: int, issue_type: int, title: str) -> tuple[int, str]:
        """Its id and key."""
        made = self.jira.create_issue(project, issue_type, {"summary": title})
        return made.id, made.key

    def delete_issue(self, issue: IssueRef) -> None:
        self.jira.delete_issue(issue)

    # --- what got no answer -------------------------------------------------------------------------------------------

    def made_issue(self, project: int, issue_type: int, title: str) -> tuple[int, str] | None:
        """Id and key of the throw-away issue of this title, whose number no other verification has."""
        there = issues_of([project], [issue_type]) & updated_within(MADE_WITHIN)
        for page in self.jira.search(there, ("summary",)):
            for each in page:
                if each.fields.get("summary") == title:
                    return each.id, each.key
        return None

    def is_there(self, issue: IssueRef) -> bool:
        try:
            self.jira.issue(issue)
        except NotFound:
            return False
        return True

    def item_is_there(self, level: str, item: int) -> bool:
        """Whether it is, outside the recycle bin."""
        try:
            return not self.item(level, item).is_recycled
        except NotFound:
            return False
        except Malformed:
            return True
