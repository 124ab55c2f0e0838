"""What Align's reason for a refusal may be about: the work item type id, or the project's key in the request."""

from __future__ import annotations

import re

from connectors.align.errors import BadRequest, NotFound, RemoteError

# ASP.NET names the field as the body does, or in words.
TYPE_ID = re.compile(r"work\s*item\s*type", re.IGNORECASE)


def names_type_id(text: str) -> bool:
    return bool(TYPE_ID.search(text))


def may_be_the_key(error: RemoteError) -> bool:
    """Whether the project's key may be why: a 409 is about another record, and some reasons name something else."""
    if isinstance(error, NotFound):
        return True
    return isinstance(error, BadRequest) and error.status == 400 and not names_type_id(error.detail)
