"""The links that a browser has followed, in its session: the hash of each, so that no address and no row holds a token.

{"12": {"hash": SHA-256 in hexadecimal digits, "browser": a random mark, "notes": sentences for the page after}}
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from alignadmin.accounts.models import Person
from connectors.models import LinkOutcome, OwnerLink

KEPT = "owner_links"
MOST = 5  # the ones followed last
MARK_BYTES = 32


def keep(request: HttpRequest, link: OwnerLink) -> None:
    """A stranger's session gets another key, which nobody can have given to their browser before."""
    if not isinstance(request.user, Person):
        request.session.cycle_key()
    others = {pk: each for pk, each in _kept(request.session).items() if pk != str(link.pk)}
    mine = _kept(request.session).get(str(link.pk)) or {"browser": secrets.token_urlsafe(MARK_BYTES), "notes": []}
    request.session[KEPT] = dict([*others.items(), (str(link.pk), mine | {"hash": link.token_hash})][-MOST:])


def hash_kept(session: SessionBase, link: int) -> str:
    return str(_of(session, link).get("hash", ""))


def mark_of(session: SessionBase, link: int) -> str:
    return str(_of(session, link).get("browser", ""))


def notes_of(session: SessionBase, link: int) -> list[str]:
    return list(_of(session, link).get("notes", []))


def keep_notes(session: SessionBase, link: int, notes: Sequence[str]) -> None:
    session[KEPT] = _kept(session) | {str(link): _of(session, link) | {"notes": list(notes)}}


def has_used(session: SessionBase, link: OwnerLink) -> bool:
    """By the row, since of two clicks at once the second does not see what the first has left in the session."""
    mark = mark_of(session, link.pk)
    return bool(mark) and link.outcome == LinkOutcome.USED and link.used_in == mark


def _kept(session: SessionBase) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = session.get(KEPT, {})
    return found


def _of(session: SessionBase, link: int) -> dict[str, Any]:
    return _kept(session).get(str(link), {})
