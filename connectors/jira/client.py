"""The part of Jira's REST API that this product reads, on Cloud (version 3) and on Data Center (version 2)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from alignadmin.http.address import split_address, trim_address
from alignadmin.http.errors import Malformed, SignInRefused, reading
from alignadmin.http.fields import Fields, rows_of
from alignadmin.http.listing import Records, refuse_too_many, usable_records
from alignadmin.http.remote import Remote
from alignadmin.http.responses import Wording
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
from connectors.jira.search import CLOUD, DATA_CENTER, Deployment, IssueSearch

Record = TypeVar("Record")
PAGE = 50

JIRA_WORDING = Wording(
    system="Jira",
    sign_in=(
        "On Jira Cloud enter the account's e-mail address and an API token from id.atlassian.com (Security, API "
        "tokens; they expire after a year at most). On Data Center enter user name and password, or a personal "
        "access token from the user's profile."
    ),
    right="The account needs the permission Browse projects in the project, and Administer Jira for site-wide lists.",
    missing="Check the address, whether it is Cloud or Data Center, and that the project still has this key.",
    closed=(
        "A web page came in place of Jira's API: if the site does not open in a browser either, it was closed, moved "
        "or renamed (Atlassian closes Cloud sites that are not paid for or not used). Ask whoever administers it."
    ),
)
_NOT_THE_SITE = ("/rest/", "/browse/", "/secure/", "/projects/", "/plugins/", "/login")


def trim_site(address: str) -> tuple[str, str | None]:
    """The site of a pasted address. Data Center may live below a path and scoped tokens need one, so those are kept."""
    typed = address.strip()
    host = split_address(typed if "://" in typed else f"https://{typed}").hostname or ""
    return trim_address(address, path_ends_at=() if host.endswith(".atlassian.net") else _NOT_THE_SITE)


class JiraClient:
    """One Jira site. After a refused sign-in it sends nothing more: repeated failures lock the account."""

    def __init__(self, remote: Remote, deployment: Deployment) -> None:
        self.deployment = deployment
        self._remote = remote
        self._api = CLOUD if deployment == "cloud" else DATA_CENTER
        self._search = IssueSearch(deployment=deployment, ask=self._ask)
        self._refused: SignInRefused | None = None
        self._is_signed_in = False

    def __repr__(self) -> str:
        return f"JiraClient({self._remote!r}, {self.deployment})"

    @property
    def sent(self) -> int:
        """How many requests have left so far."""
        return self._remote.sent

    def myself(self) -> JiraUser:
        """The test of a credential: many other resources also answer without one, with less in them."""
        with reading("Sign-in at Jira"):
            user = JiraUser.from_json(self._get("myself"))
        if not user.id:
            raise SignInRefused(f"Jira answered, but names nobody who is signed in. {JIRA_WORDING.sign_in}")
        self._is_signed_in = True
        return user

    def server_info(self) -> JiraServer:
        with reading("Server information"):
            return JiraServer.from_json(self._get("serverInfo"))

    def projects(self) -> Records[JiraProject]:
        """All projects the account sees."""
        if self.deployment == "cloud":
            return self._paged("Projects in Jira", "project/search", JiraProject.from_json)
        return self._list("Projects in Jira", "project", JiraProject.from_json)

    def project_statuses(self, key: str) -> Records[IssueTypeStatuses]:
        path = f"project/{quote(key, safe='')}/statuses"
        return self._list(f"Statuses of project {key}", path, IssueTypeStatuses.from_json)

    def statuses(self) -> Records[JiraStatus]:
        return self._list("Statuses", "status", JiraStatus.from_json)

    def issue_types(self) -> Records[JiraIssueType]:
        return self._list("Issue types", "issuetype", JiraIssueType.from_json)

    def priorities(self) -> Records[JiraPriority]:
        if self.deployment == "cloud":
            return self._paged("Priorities", "priority/search", JiraPriority.from_json)
        return self._list("Priorities", "priority", JiraPriority.from_json)

    def count(self, jql: Jql) -> int:
        """How many issues meet it that the account sees. Raises JqlRefused."""
        self._sign_in_first()
        return self._search.count(jql)

    def search(self, jql: Jql, fields: Sequence[str] = ()) -> Iterator[Records[JiraIssue]]:
        """What meets it, page by page, with these fields and without them the ids alone. Raises JqlRefused."""
        self._sign_in_first()
        return self._search.pages(jql, fields)

    def permissions(self, keys: Sequence[str], project_key: str | None = None) -> dict[str, bool]:
        """What the account may do, by permission key: in that project, or anywhere without one.

        Cloud answers BadRequest when it does not know one of the keys; Data Center leaves such a key out.
        NotFound: the account does not see the project.
        """
        self._sign_in_first()
        where = () if project_key is None else (("projectKey", project_key),)
        query = (*where, ("permissions", ",".join(keys)))
        with reading(f"Permissions in {project_key}" if project_key else "Permissions"):
            granted = Fields(self._get("mypermissions", query), what="permissions").part("permissions")
        answered = {key: granted.part(key).truth("havePermission") for key in keys}
        return {key: value for key, value in answered.items() if value is not None}

    def _sign_in_first(self) -> None:
        """With a wrong token a caller is anonymous to Jira: lists answer 200 and empty. Only /myself says 401."""
        if not self._is_signed_in:
            self.myself()

    def _get(self, path: str, query: tuple[tuple[str, str], ...] = ()) -> Any:
        return self._ask(path, query)

    def _ask(self, path: str, query: Sequence[tuple[str, str]] = (), *, method: str = "GET", body: Any = None) -> Any:
        if self._refused is not None:
            raise self._refused
        try:
            return self._remote.request(method, f"{self._api}/{path}", query=query, body=body).data
        except SignInRefused as refused:
            self._refused = refused
            raise

    def _list(self, what: str, path: str, read: Callable[[object], Record]) -> Records[Record]:
        self._sign_in_first()
        with reading(what):
            rows = rows_of(self._get(path))
            refuse_too_many(len(rows))
            return usable_records(rows, read)

    def _paged(self, what: str, path: str, read: Callable[[object], Record]) -> Records[Record]:
        self._sign_in_first()
        with reading(what):
            return usable_records([row for page in self._pages(path) for row in page], read)

    def _pages(self, path: str) -> Iterator[list[Any]]:
        """By `startAt`; Jira may give smaller pages than asked for, so `isLast` or `total` decides, not the size.

        Where neither is told, an empty page does, or the same page again from a site that knows no paging.
        """
        start = 0
        before: list[Any] = []
        while True:
            data = self._get(path, (("startAt", str(start)), ("maxResults", str(PAGE))))
            rows = rows_of(data)
            is_last = _is_last(data, start + len(rows))
            if rows and rows == before:
                if is_last is None:
                    return
                raise Malformed("The pages repeat each other, so the list may not be complete.", permanent=False)
            yield rows
            start += len(rows)
            refuse_too_many(start)
            if is_last or (is_last is None and not rows):
                return
            if not rows:
                raise Malformed("The list says that more follows, but the page is empty.", permanent=False)
            before = rows


def _is_last(data: object, read_so_far: int) -> bool | None:
    """None where the page does not tell; a bare array is the whole list."""
    if not isinstance(data, dict):
        return True
    page = Fields(data, what="page")
    is_last, total = page.truth("isLast"), page.maybe_integer("total")
    if is_last is not None:
        return is_last
    return None if total is None else read_so_far >= total
