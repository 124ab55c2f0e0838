"""Boards, sprints and webhooks of a site as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from alignadmin.http.errors import Malformed
from alignadmin.http.fields import Fields
from alignadmin.parsing import whole
from connectors.jira.dialect import JQL_OF_ISSUES


@dataclass(frozen=True, kw_only=True)
class JiraBoard:
    """`kind` is `scrum`, `kanban` or `simple`. `project_id`: where it is; Data Center does not tell."""

    id: int
    name: str
    kind: str
    project_id: int | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="board")
        return cls(
            id=row.integer("id"),
            name=row.text("name"),
            kind=row.text("type"),
            project_id=row.part("location").maybe_integer("projectId"),
        )


@dataclass(frozen=True, kw_only=True)
class JiraFilter:
    """A search that somebody saved; `jql` may order its issues at the end."""

    id: int
    name: str
    jql: str

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="filter")
        return cls(id=row.integer("id"), name=row.text("name"), jql=row.text("jql"))


@dataclass(frozen=True, kw_only=True)
class JiraSprint:
    """`state` is `future`, `active` or `closed`; times are in UTC, and None where they are not set or not readable."""

    id: int
    name: str
    state: str
    goal: str
    board_id: int | None
    starts_at: datetime | None
    ends_at: datetime | None
    completed_at: datetime | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        row = Fields(data, what="sprint")
        return cls(
            id=row.integer("id"),
            name=row.text("name"),
            state=row.text("state").lower(),
            goal=row.text("goal"),
            board_id=row.maybe_integer("originBoardId"),
            starts_at=_moment(row.text("startDate")),
            ends_at=_moment(row.text("endDate")),
            completed_at=_moment(row.text("completeDate")),
        )


@dataclass(frozen=True, kw_only=True)
class JiraWebhook:
    """`jql` is empty where it hears of every issue. Its address may hold what nobody else should know, as a path that
    cannot be guessed, so it is in no `repr`. Its secret is never answered.
    """

    id: int
    name: str
    url: str = field(repr=False)
    events: tuple[str, ...]
    jql: str
    is_active: bool | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """In both forms: with `filters` and `enabled`, from Data Center 10 on with `configuration` and `active`."""
        row = Fields(data, what="webhook")
        return cls(
            id=_id_of(row),
            name=row.text("name"),
            url=row.text("url"),
            events=row.texts("events"),
            jql=row.part("filters").text(JQL_OF_ISSUES) or row.part("configuration").text("FILTERS"),
            is_active=row.truth("enabled", "active"),
        )


def _id_of(row: Fields) -> int:
    """Where there is no `id`, it is the end of the webhook's own address."""
    if row.has("id"):
        return row.integer("id")
    number = whole(row.text("self").rstrip("/").rpartition("/")[2])
    if number is None:
        raise Malformed('The field "self" names no webhook.')
    return number


def _moment(text: str) -> datetime | None:
    """One without a zone is in UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
