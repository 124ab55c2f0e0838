"""The scope in force of projects: part by part their own line, else the one that all share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.models import Connector, Project
from mappings.configuration.agreed import agreed_lines
from mappings.engine.configuration import LineValues, line_key
from mappings.engine.import_scope import SHARED, SUBJECT, ImportScope, Landing

JQL, CLOSED, LANDING = "jql", "closed", "landing"  # the parts of a place
PARTS = (JQL, CLOSED, LANDING)


def scope_for(connector: Connector, project: Project) -> ImportScope:
    return scopes_for(connector, [project])[project.jira_id]


def scopes_for(connector: Connector, projects: Iterable[Project]) -> dict[int, ImportScope]:
    """By Jira's id, in one query."""
    values = agreed_lines(connector, SUBJECT)
    return {each.jira_id: scope_at(values, str(each.jira_id)) for each in projects}


def scope_at(values: LineValues, place: str) -> ImportScope:
    """`values`: any state of the subject, agreed or wanted; `place`: a project's id in Jira, or SHARED."""
    jql = _value(values, place, JQL)
    return ImportScope(
        jql=jql if isinstance(jql, str) else "",
        with_closed=_value(values, place, CLOSED) is True,
        landing=landing_of(_value(values, place, LANDING)),
    )


def landing_of(value: Any) -> Landing:
    """Stored as {"program": {"id": 11, "name": "Payments"}, ...}; what is absent is nowhere in particular."""
    given: Mapping[str, Any] = value if isinstance(value, dict) else {}
    ids = {part: (given.get(part) or {}).get("id") for part in ("program", "release", "team")}
    return Landing(program_id=ids["program"], release_id=ids["release"], team_id=ids["team"])


def _value(values: LineValues, place: str, part: str) -> Any:
    own = values.get(line_key(place, part))
    return values.get(line_key(SHARED, part)) if own is None else own
