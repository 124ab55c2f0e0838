"""What apps add to the shell around every page: what needs attention, beside navigation entries too, and alarms.

A page whose address does not name its connector says which one it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """What stops a connector now. Who may mend it gets the button `action` to `href`, everybody else reads `ask`."""

    sentence: str
    href: str
    action: str
    ask: str
    since: datetime | None = None
    style: str = "bad"  # a class of the stylesheet: bad, warn


@dataclass(frozen=True, kw_only=True)
class AttentionCount:
    """Things of one kind that a person could do something about; each whole page of the product counts them."""

    entry: str  # label of the navigation entry that shows the number
    of: Callable[[Any], QuerySet[Any] | int]  # of a person, the rows or their number; 0 for who can do nothing
    words: Callable[[int], str]  # "3 plans to approve or apply"
    page: str  # name of the address that has them


@dataclass(frozen=True, kw_only=True)
class AlarmSource:
    """What may be wrong with the connector of a slug. Each whole page of it counts the rows that `alarms` is made from,
    and asks for these only where there are any.
    """

    rows: Callable[[str], QuerySet[Any]]
    alarms: Callable[[str], list[Alarm]]


# In the order in which they are listed.
ATTENTION: list[AttentionCount] = []
ALARMS: list[AlarmSource] = []


def belongs_to(request: HttpRequest, connector: Any) -> None:
    """For a page that is a connector's although its address does not name it: its alarms are shown there too."""
    request.connector = connector  # type: ignore[attr-defined]
