"""Issues of Jira that were looked at since a delivery or a poll named them: who wants to know adds itself here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.models import Connector


@dataclass(frozen=True, kw_only=True)
class LookedAtIssue:
    """As Jira showed it just now; its ids are Jira's.

    `is_gone`: deleted, or not shown to our account any more; then the other facts are those of the last look, and None
    where there was none. `what` says in words what is otherwise than at the last look, empty where nothing is.
    """

    issue_id: int
    key: str
    project_id: int | None
    status_id: int | None
    issue_type_id: int | None
    updated_at: datetime | None
    is_gone: bool
    what: str


class IssueListener(Protocol):
    def __call__(self, connector: Connector, issues: Sequence[LookedAtIssue], at: datetime) -> None:
        """In the transaction that stores the looks, so each is heard once; what it raises undoes them.

        It asks no system, and leaves what takes long to a job of its own.
        """


_listeners: list[IssueListener] = []


def on_looked_at(listener: IssueListener) -> None:
    """Once, when the apps are ready; the same one again is no second."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell_looked_at(connector: Connector, issues: Sequence[LookedAtIssue], at: datetime) -> None:
    for listener in _listeners:
        listener(connector, issues, at)
