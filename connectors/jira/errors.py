"""What Jira alone refuses."""

import re
from collections.abc import Sequence
from typing import Self

from alignadmin.http.errors import BadRequest, RemoteError
from connectors.jira.issue_resources import JiraTransition
from connectors.jira.resources import JiraStatus

# "(line 1, character 17)", in whatever language the account has.
_PLACE = re.compile(r"\(\D*(\d{1,9}),\D*(\d{1,9})\)")


class JqlRefused(BadRequest):
    """Jira does not take a query. `line` and `character` say where, counted from 1; None where it does not tell."""

    line: int | None = None
    character: int | None = None

    @classmethod
    def of(cls, refused: BadRequest) -> "JqlRefused":
        found = cls(refused.sentence, status=refused.status, detail=refused.detail)
        if place := _PLACE.search(refused.detail):
            found.line, found.character = int(place[1]), int(place[2])
        return found


class NotReached(RemoteError):
    """An issue could not be brought to a status.

    `stands_in` is where it is now, None where that could not be read; `taken` the transitions that were made.
    `detail` is Jira's own reason where it refused a transition.
    """

    stands_in: JiraStatus | None = None
    taken: tuple[JiraTransition, ...] = ()

    @classmethod
    def at(
        cls, sentence: str, *, stands_in: JiraStatus | None, taken: Sequence[JiraTransition], detail: str = ""
    ) -> Self:
        found = cls(sentence, detail=detail)
        found.stands_in, found.taken = stands_in, tuple(taken)
        return found
