"""Whether Align shows a programme to our account: where it hides one its items are hidden, as if all were deleted."""

from __future__ import annotations

from connectors.align.object_client import ObjectClient
from connectors.align.query import Q, query_of

HIDDEN = (
    "Jira Align does not show the program of {what} to our account, so nobody knows what became of what it does not "
    "show. Let the account of Align’s token see program {number} again, then try once more."
)


def shows_programme(objects: ObjectClient, number: int) -> bool:
    """In one request. Raises RemoteError."""
    query = query_of("program").select("id").where(Q("id").eq(number)).top(1)
    return any(row.get("id") == number for row in objects.rows(query))
