"""What a delivery says, read out of its body: pure, and never believed, only looked up in Jira."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

ISSUE_EVENTS = ("jira:issue_created", "jira:issue_updated", "jira:issue_deleted")
DELETED = "jira:issue_deleted"
LONGEST_EVENT = 60
ISSUE_KEY = re.compile(r"[A-Z][A-Z0-9_]{0,200}-[0-9]{1,18}")
_ID = re.compile(r"[0-9]{1,18}")
_LATEST_MS = 32503680000000  # the year 3000: what is beyond is no time


class NotReadable(Exception):
    """The body is nothing that a webhook of Jira sends."""


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """`host` is the host and port of the site that the issue says it is of, in small letters; empty: it does not say.

    `issue_id` is None for an event that is about no issue. `sent_at` and `updated_at`, when the issue changed, are by
    Jira's clock.
    """

    event: str
    issue_id: int | None
    issue_key: str
    host: str
    sent_at: datetime | None
    updated_at: datetime | None


def read(body: bytes) -> Announcement:
    """Raises NotReadable."""
    try:
        data = json.loads(body.decode())
    except (ValueError, RecursionError) as error:  # not UTF-8 and not JSON are both values
        raise NotReadable from error
    if not isinstance(data, dict):
        raise NotReadable
    event = data.get("webhookEvent")
    if not isinstance(event, str) or not 0 < len(event) <= LONGEST_EVENT or not event.isprintable():
        raise NotReadable
    issue = data.get("issue")
    issue = issue if isinstance(issue, dict) else {}
    fields = issue.get("fields")
    updated_at = _written_moment(fields.get("updated")) if isinstance(fields, dict) else None
    sent_at = _moment(data.get("timestamp"))
    number, key = str(issue.get("id", "")), str(issue.get("key", ""))
    issue_id = int(number) if _ID.fullmatch(number) else None
    if event in ISSUE_EVENTS and issue_id is None:
        raise NotReadable
    return Announcement(
        event=event,
        issue_id=issue_id,
        issue_key=key if ISSUE_KEY.fullmatch(key) else "",
        host=host_of(issue.get("self")),
        sent_at=sent_at,
        updated_at=sent_at if event == DELETED else updated_at or sent_at,  # a deletion changes no field
    )


def host_of(address: Any) -> str:
    try:
        return urlsplit(address).netloc.lower() if isinstance(address, str) else ""
    except ValueError:
        return ""


def _moment(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LATEST_MS:
        return None
    return datetime.fromtimestamp(value / 1000, tz=UTC)


def _written_moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
