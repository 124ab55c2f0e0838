"""The boards of one project, asked of Jira when somebody presses for them; nothing of them is stored.

A board's filter says which issues it shows, which is proposed as JQL; its sprints can become iterations in Align.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused, SealError
from alignadmin.http.errors import BadRequest, Forbidden, NotFound, RemoteError
from connectors.credentials import usage
from connectors.credentials.clients import current_credential, jira_client
from connectors.jira.client import JiraClient
from connectors.jira.site_resources import JiraBoard, JiraSprint
from connectors.models import Connector, Project, System

MOST_BOARDS = 5  # asked closer at once: three requests each, for which a page waits
MOST_SPRINTS = 8  # named of a board
PATIENCE = 10.0  # seconds for a slot of the rate budget
NOT_ENDED = ("active", "future")


@dataclass(frozen=True, kw_only=True)
class ShownBoard:
    """`jql` is empty where it is not told, and `jql_note` says why; `sprints` are those that have not ended."""

    board: JiraBoard
    jql: str = ""
    jql_note: str = ""
    sprints: Sequence[JiraSprint] = ()
    sprints_note: str = ""

    @property
    def named(self) -> Sequence[JiraSprint]:
        return self.sprints[:MOST_SPRINTS]

    @property
    def more(self) -> int:
        return len(self.sprints) - len(self.named)


@dataclass(frozen=True, kw_only=True)
class ShownBoards:
    """`others` are named alone, since only the first few are asked closer."""

    boards: Sequence[ShownBoard]
    others: Sequence[JiraBoard]


def look_at_boards(connector: Connector, project: Project, *, actor: Person) -> ShownBoards:
    """By the people's reserve of the rate budget. Raises Refused with what Jira said of all of them."""
    try:
        usage.record_lookup(current_credential(connector, System.JIRA), actor=actor, what="boards")
        jira = jira_client(connector, interactive=True, tries=1, patience=PATIENCE)
        boards = list(jira.boards(project.jira_id))
        return ShownBoards(boards=[_shown(jira, board) for board in boards[:MOST_BOARDS]], others=boards[MOST_BOARDS:])
    except (RemoteError, SealError) as error:
        said = error.sentence if isinstance(error, RemoteError) else str(error)
        raise Refused(f"The boards of {project.key} could not be read. {said}") from error


def _shown(jira: JiraClient, board: JiraBoard) -> ShownBoard:
    """One that does not tell its filter or its sprints is shown with why."""
    jql, jql_note, sprints, sprints_note = "", "", [], ""
    try:
        jql = jira.board_filter(board.id).jql
    except (NotFound, Forbidden):
        jql_note = "Its filter is not shared with this Jira user: share it in Jira, Filters, or type the JQL yourself."
    try:
        sprints = list(jira.sprints(board.id, NOT_ENDED))
        sprints_note = "" if sprints else "It has no sprint that has not ended."
    except BadRequest:
        sprints_note = "It has no sprints, as it is a Kanban board."
    except (NotFound, Forbidden):
        sprints_note = "Its sprints are not shown to this Jira user."
    return ShownBoard(board=board, jql=jql, jql_note=jql_note, sprints=sprints, sprints_note=sprints_note)
