"""What this product reads of Jira's REST API, on Cloud (version 3) and on Data Center (version 2)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from alignadmin.http.address import split_address, trim_address
from alignadmin.http.errors import Malformed, NotFound, reading
from alignadmin.http.fields import Fields
from alignadmin.http.listing import Records, SetAside, usable_records
from alignadmin.http.remote import Remote
from connectors.jira.connection import JiraConnection, in_address, rows_under
from connectors.jira.dialect import AGILE, DIALECTS, Deployment, Dialect, ListPath, WebhookResource
from connectors.jira.issue_resources import JiraField, JiraTransition, WritableField, writable_fields
from connectors.jira.jql import Jql
from connectors.jira.resources import (
    IssueTypeStatuses,
    JiraIssue,
    JiraIssueType,
    JiraPriority,
    JiraProject,
    JiraServer,
    JiraStatus,
    JiraUser,
)
from connectors.jira.search import IssueSearch
from connectors.jira.site_resources import JiraBoard, JiraFilter, JiraSprint, JiraWebhook

Answered = TypeVar("Answered")
IssueRef = int | str  # the id of an issue, or its key
MOST_USERS = 50

_NOT_THE_SITE = ("/rest/", "/browse/", "/secure/", "/projects/", "/plugins/", "/login")


def trim_site(address: str) -> tuple[str, str | None]:
    """The site of a pasted address. Data Center may live below a path and scoped tokens need one, so those are kept."""
    typed = address.strip()
    host = split_address(typed if "://" in typed else f"https://{typed}").hostname or ""
    return trim_address(address, path_ends_at=() if host.endswith(".atlassian.net") else _NOT_THE_SITE)


class JiraClient:
    """One Jira site, to be read: it has nothing that writes, see JiraWriter.

    After a refused sign-in it sends nothing more: repeated failures lock the account. Which permission of Jira each
    call needs is in connectors/jira/rights.py.
    """

    def __init__(self, remote: Remote, deployment: Deployment) -> None:
        self.deployment = deployment
        self._connection = JiraConnection(remote, DIALECTS[deployment])
        self._search = IssueSearch(connection=self._connection)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.remote!r}, {self.deployment})"

    @property
    def sent(self) -> int:
        """How many requests have left so far."""
        return self._connection.remote.sent

    @property
    def dialect(self) -> Dialect:
        """How people and long texts are written into a field here."""
        return self._connection.dialect

    # -- the site ------------------------------------------------------------------------------------------------------

    def myself(self) -> JiraUser:
        """The test of a credential: many other resources also answer without one, with less in them."""
        return self._connection.myself()

    def server_info(self) -> JiraServer:
        with reading("Server information"):
            return JiraServer.from_json(self._connection.ask("serverInfo"))

    def projects(self) -> Records[JiraProject]:
        """All projects the account sees."""
        return self._connection.listed("Projects in Jira", self.dialect.projects, JiraProject.from_json)

    def projects_with(self, ids: Sequence[int]) -> Records[JiraProject]:
        """Of these ids, the projects that the account sees; on Data Center the others, too."""
        step = self.dialect.project_ids_at_once
        if not step:
            return self.projects()
        found: list[JiraProject] = []
        aside: list[SetAside] = []
        for first in range(0, len(ids), step):
            query = [("id", str(each)) for each in ids[first : first + step]]
            some = self._connection.listed("Projects in Jira", self.dialect.projects, JiraProject.from_json, query)
            found, aside = [*found, *some], [*aside, *some.aside]
        return Records(found, aside)

    def project_statuses(self, key: str) -> Records[IssueTypeStatuses]:
        where = ListPath(path=f"project/{in_address(key)}/statuses")
        return self._connection.listed(f"Statuses of project {key}", where, IssueTypeStatuses.from_json)

    def statuses(self) -> Records[JiraStatus]:
        return self._connection.listed("Statuses", ListPath(path="status"), JiraStatus.from_json)

    def issue_types(self) -> Records[JiraIssueType]:
        return self._connection.listed("Issue types", ListPath(path="issuetype"), JiraIssueType.from_json)

    def priorities(self) -> Records[JiraPriority]:
        return self._connection.listed("Priorities", self.dialect.priorities, JiraPriority.from_json)

    def fields(self) -> Records[JiraField]:
        """All fields that issues have here, custom ones with them."""
        return self._connection.listed("Fields", ListPath(path="field"), JiraField.from_json)

    def users(self, text: str, *, most: int = MOST_USERS) -> Records[JiraUser]:
        """Those whose name or address has the text, `most` of them at most: for somebody who looks for one."""
        query = ((self.dialect.users_by, text), ("maxResults", str(most)))
        return self._connection.listed("Users", ListPath(path="user/search"), JiraUser.listed_from_json, query)

    def permissions(self, keys: Sequence[str], project_key: str | None = None) -> dict[str, bool]:
        """What the account may do, by permission key: in that project, or anywhere without one.

        Cloud answers BadRequest when it does not know one of the keys; Data Center leaves such a key out.
        NotFound: the account does not see the project.
        """
        self._connection.sign_in_first()
        where = () if project_key is None else (("projectKey", project_key),)
        query = (*where, ("permissions", ",".join(keys)))
        with reading(f"Permissions in {project_key}" if project_key else "Permissions"):
            granted = Fields(self._connection.ask("mypermissions", query), what="permissions").part("permissions")
        answered = {key: granted.part(key).truth("havePermission") for key in keys}
        return {key: value for key, value in answered.items() if value is not None}

    def webhooks(self) -> Records[JiraWebhook]:
        """All that administrators have registered, whoever it was."""
        return self._on_webhooks(lambda where: self._connection.listed("Webhooks", where.listed, JiraWebhook.from_json))

    def _on_webhooks(self, act: Callable[[WebhookResource], Answered]) -> Answered:
        """At the first of the addresses that this site has: one that it does not have answers 404 and does nothing."""
        *first, last = self.dialect.webhooks
        for where in first:
            try:
                return act(where)
            except NotFound:
                continue
        return act(last)

    # -- boards --------------------------------------------------------------------------------------------------------

    def boards(self, project: int | str | None = None) -> Records[JiraBoard]:
        """All boards that the account sees, or those of a project, by its id or key."""
        query = () if project is None else (("projectKeyOrId", str(project)),)
        return self._connection.listed(
            "Boards", ListPath(path=f"{AGILE}/board", is_paged=True), JiraBoard.from_json, query
        )

    def board_filter(self, board: int) -> JiraFilter:
        """The saved filter whose issues a board shows: two requests. NotFound: it is not shared with the account."""
        self._connection.sign_in_first()
        with reading(f"Filter of board {board}"):
            about = Fields(self._connection.ask(f"{AGILE}/board/{board}/configuration"), what="configuration")
            number = about.part("filter").integer("id")
            return JiraFilter.from_json(self._connection.ask(f"filter/{number}"))

    def sprints(self, board: int, states: Sequence[str] = ()) -> Records[JiraSprint]:
        """Those of a board, in all states or in these. BadRequest: the board has no sprints, as one of kanban."""
        where = ListPath(path=f"{AGILE}/board/{board}/sprint", is_paged=True)
        query = (("state", ",".join(states)),) if states else ()
        return self._connection.listed(f"Sprints of board {board}", where, JiraSprint.from_json, query)

    # -- issues --------------------------------------------------------------------------------------------------------

    def count(self, jql: Jql) -> int:
        """How many issues meet it that the account sees. Raises JqlRefused."""
        self._connection.sign_in_first()
        return self._search.count(jql)

    def search(self, jql: Jql, fields: Sequence[str] = ()) -> Iterator[Records[JiraIssue]]:
        """What meets it, page by page, with these fields and without them the ids alone. Raises JqlRefused."""
        self._connection.sign_in_first()
        return self._search.pages(jql, fields)

    def sample(self, jql: Jql, fields: Sequence[str], *, most: int) -> Records[JiraIssue]:
        """At most `most` issues that meet it, in one request. Raises JqlRefused."""
        self._connection.sign_in_first()
        return self._search.first(jql, fields, most=most)

    def issue(self, issue: IssueRef, fields: Sequence[str] = ()) -> JiraIssue:
        """With these fields, and without them its id and key alone. An issue that was moved has its new key.

        NotFound: there is none, or the account does not see it.
        """
        query = (("fields", ",".join(fields) or "id"),)
        return self._read(f"Issue {issue}", f"issue/{in_address(issue)}", JiraIssue.from_json, query)

    def transitions(self, issue: IssueRef) -> Records[JiraTransition]:
        """Those from the status in which the issue is now; none for who may not move it."""
        return self._read(
            f"Transitions of {issue}",
            f"issue/{in_address(issue)}/transitions",
            lambda data: usable_records(
                rows_under(data, "transitions", what="a list of transitions"), JiraTransition.from_json
            ),
            (("expand", "transitions.fields"),),
        )

    def create_types(self, project: int | str) -> Records[JiraIssueType]:
        """The types of which an issue can be made in a project, by its id or key. NotFound: no such project."""
        what = f"Issue types for a new issue in {project}"
        where = ListPath(path=_createmeta(project), is_paged=True, also=("issueTypes",))
        return self._in_either_way(
            lambda: self._connection.listed(what, where, JiraIssueType.from_json),
            lambda: self._read_old(what, project, (), lambda types: usable_records(types, JiraIssueType.from_json)),
        )

    def create_fields(self, project: int | str, issue_type: int) -> Records[WritableField]:
        """What a new issue of a type takes. NotFound: no such project, or the type is not one of it."""
        what = f"Fields of a new issue in {project}"
        where = ListPath(path=f"{_createmeta(project)}/{issue_type}", is_paged=True, also=("fields",))
        query = (("issuetypeIds", str(issue_type)), ("expand", "projects.issuetypes.fields"))
        return self._in_either_way(
            lambda: self._connection.listed(what, where, WritableField.from_json),
            lambda: self._read_old(what, project, query, _fields_of_the_only),
        )

    def edit_fields(self, issue: IssueRef) -> Records[WritableField]:
        """What an edit of the issue takes; none for who may not edit it."""

        def read(data: object) -> Records[WritableField]:
            answered = Fields(data, what="the fields of an edit")
            if not answered.is_part("fields"):
                raise Malformed('The field "fields" is not an object.')
            return writable_fields(answered.mapping("fields"))

        return self._read(f"Fields of an edit of {issue}", f"issue/{in_address(issue)}/editmeta", read)

    def _in_either_way(self, new: Callable[[], Answered], old: Callable[[], Answered]) -> Answered:
        """What both do not find is not there, and the new way tells it best, unless the site has the old one alone."""
        try:
            return new()
        except NotFound as missing:
            if not self.dialect.old_create_fields:
                raise
            try:
                return old()
            except NotFound as also_missing:
                raise (missing if also_missing.status else also_missing) from None

    def _read_old(
        self,
        what: str,
        project: int | str,
        query: tuple[tuple[str, str], ...],
        read: Callable[[Sequence[Any]], Answered],
    ) -> Answered:
        """What a new issue takes as Data Center before 8.4 tells it, for all projects at once, from 9 on not at all."""
        by = "projectIds" if isinstance(project, int) else "projectKeys"

        def read_types(data: object) -> Answered:
            projects = rows_under(data, "projects", what="projects")
            types = [type_ for each in projects for type_ in rows_under(each, "issuetypes", what="a project")]
            if not types:
                raise NotFound("Jira knows no such project or issue type, or the account may make no issues there.")
            return read(types)

        return self._read(what, self.dialect.old_create_fields, read_types, ((by, str(project)), *query))

    def _read(
        self, what: str, path: str, read: Callable[[object], Answered], query: Sequence[tuple[str, str]] = ()
    ) -> Answered:
        self._connection.sign_in_first()
        with reading(what):
            return read(self._connection.ask(path, query))


def _createmeta(project: int | str) -> str:
    return f"issue/createmeta/{in_address(project)}/issuetypes"


def _fields_of_the_only(types: Sequence[Any]) -> Records[WritableField]:
    return writable_fields(Fields(types[0], what="issue type").mapping("fields"))
