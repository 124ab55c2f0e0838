"""What Jira alone refuses."""

import re

from alignadmin.http.errors import BadRequest

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
