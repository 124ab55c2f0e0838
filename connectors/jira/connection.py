"""The signed-in way to one Jira site: a request below its API, and lists read to their proven end.

After a refused sign-in nothing more is sent: repeated failures lock the account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from alignadmin.http.errors import Malformed, SignInRefused, reading
from alignadmin.http.fields import Fields, rows_of
from alignadmin.http.listing import Records, refuse_too_many, usable_records
from alignadmin.http.remote import Remote
from alignadmin.http.responses import Wording
from connectors.jira.dialect import Dialect, ListPath
from connectors.jira.resources import JiraUser

Record = TypeVar("Record")
Query = Sequence[tuple[str, str]]
PAGE = 50

JIRA_WORDING = Wording(
    system="Jira",
    sign_in=(
        "On Jira Cloud enter the account's e-mail address and an API token from id.atlassian.com (Security, API "
        "tokens; they expire after a year at most). On Data Center enter user name and password, or a personal "
        "access token from the user's profile."
    ),
    right="The account needs the permission Browse projects in the project, and Administer Jira for site-wide lists.",
    scope=(
        "Scopes are chosen when a token is made: make a new one at id.atlassian.com (Security, API tokens) with the "
        "scope that is missing, and store it in place of this one."
    ),
    missing="Check the address, whether it is Cloud or Data Center, and, of a project, that it still has this key.",
    closed=(
        "A web page came in place of Jira's API: if the site does not open in a browser either, it was closed, moved "
        "or renamed (Atlassian closes Cloud sites that are not paid for or not used). Ask whoever administers it."
    ),
    no_site=(
        "So Atlassian answers where there is no open site: this one was closed (as Cloud sites are that are not paid "
        "for or not used) or renamed, or its address is mistyped. If it opens in a browser, try again later; else ask "
        "whoever administers it."
    ),
    hosts=("www.atlassian.com", "admin.atlassian.com", "start.atlassian.com", "my.atlassian.com"),
)


class JiraConnection:
    """May be shared by threads."""

    def __init__(self, remote: Remote, dialect: Dialect) -> None:
        self.remote = remote
        self.dialect = dialect
        self._refused: SignInRefused | None = None
        self._is_signed_in = False

    def myself(self) -> JiraUser:
        with reading("Sign-in at Jira"):
            user = JiraUser.from_json(self.ask("myself"))
        if not user.id:
            raise SignInRefused(f"Jira answered, but names nobody who is signed in. {JIRA_WORDING.sign_in}")
        self._is_signed_in = True
        return user

    def sign_in_first(self) -> None:
        """With a wrong token a caller is anonymous to Jira: lists answer 200 and empty. Only /myself says 401."""
        if not self._is_signed_in:
            self.myself()

    def ask(self, path: str, query: Query = (), *, method: str = "GET", body: Any = None) -> Any:
        """JSON there and back; a path without a slash in front is below the API."""
        if self._refused is not None:
            raise self._refused
        where = path if path.startswith("/") else f"{self.dialect.api}/{path}"
        try:
            return self.remote.request(method, where, query=query, body=body).data
        except SignInRefused as refused:
            self._refused = refused
            raise

    def listed(
        self, what: str, where: ListPath, read: Callable[[object], Record], query: Query = ()
    ) -> Records[Record]:
        """The whole list; `what` is said in front of whatever fails."""
        self.sign_in_first()
        with reading(what):
            if where.is_paged:
                rows = [row for page in self._pages(where, query) for row in page]
            else:
                rows = rows_of(self.ask(where.path, query), also=where.also)
                refuse_too_many(len(rows))
            return usable_records(rows, read)

    def _pages(self, where: ListPath, query: Query) -> Iterator[list[Any]]:
        """By their start; Jira may give smaller pages than asked for, so `isLast` or `total` decides, not the size.

        Where neither is told, an empty page does, or the same page again from a site that knows no paging.
        """
        start = 0
        before: list[Any] = []
        while True:
            data = self.ask(where.path, (*query, (where.starts_with, str(start)), (where.size, str(PAGE))))
            rows = rows_of(data, also=where.also)
            is_last = _is_last(data, start + len(rows), tells_end=where.tells_end)
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


def rows_under(data: object, name: str, *, what: str) -> list[Any]:
    """The array of this name in an answer; without one it does not say that there are none."""
    answered = Fields(data, what=what)
    if not answered.has_items(name):
        raise Malformed(f'The field "{name}" is not a list.')
    return answered.items(name)


def in_address(name: int | str) -> str:
    """As one part of an address."""
    return quote(str(name), safe="")


def _is_last(data: object, read_so_far: int, *, tells_end: bool) -> bool | None:
    """None where the page does not tell."""
    if not isinstance(data, dict):
        return True if tells_end else None
    page = Fields(data, what="page")
    is_last, total = page.truth("isLast"), page.maybe_integer("total")
    if is_last is not None:
        return is_last
    return None if total is None else read_so_far >= total
