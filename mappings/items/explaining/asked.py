"""What a person asks to have explained: an issue by its key or Jira's id, or an item by its level and Align's id."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.urls import reverse
from django.utils.http import urlencode

from alignadmin.errors import Refused
from alignadmin.parsing import typed, whole
from connectors.align.terminology import LEVELS
from connectors.jira.client import IssueRef
from connectors.models import Connector

LONGEST = 255
_KEY = re.compile(r"[A-Z][A-Z0-9_]*-[1-9][0-9]*", re.IGNORECASE | re.ASCII)
HOW = (
    "Type the key of an issue, as ABC-12, Jira’s id of it, or choose a level and type the id of the item in Jira Align."
)


@dataclass(frozen=True, kw_only=True)
class AskedItem:
    """Of the two one is set: `issue`, a key in capitals or Jira's id; or `level` with `align_id`."""

    issue: IssueRef = ""
    level: str = ""
    align_id: int = 0

    @property
    def project_key(self) -> str:
        """Of an issue asked for by its key; it may have moved since."""
        return self.issue.rpartition("-")[0] if isinstance(self.issue, str) else ""


def is_issue_key(text: str) -> bool:
    return len(text) <= LONGEST and _KEY.fullmatch(text) is not None


def asked_item(text: str, level: str) -> AskedItem:
    """Raises Refused with what to type instead."""
    asked = typed(text)
    number = whole(asked)
    if level:
        if level not in LEVELS:
            raise Refused(f"There is no such level in Jira Align. {HOW}")
        if not number:
            raise Refused("An item of Jira Align is named by its id, a whole number. For a key choose “Issue of Jira”.")
        return AskedItem(level=level, align_id=number)
    if number:
        return AskedItem(issue=number)
    if is_issue_key(asked):
        return AskedItem(issue=asked.upper())
    shown = f"“{asked[:60]}{'…' if len(asked) > 60 else ''}” is no key of an issue. " if asked else ""
    raise Refused(f"{shown}{HOW}")


def explain_url(connector: Connector, item: str, level: str = "") -> str:
    query = urlencode({"item": item, **({"level": level} if level else {})})
    return f"{reverse('explain', args=[connector.slug])}?{query}"
