"""The condition that issues meet which are brought over."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.jira.jql import Jql, SearchField, is_in
from connectors.jira.typed_jql import typed_condition
from mappings.engine.import_scope import ImportScope

NOT_DONE = Jql("statusCategory != Done")  # Jira's own category, which every status has


def jql_of(project_id: int, scope: ImportScope) -> Jql:
    """What was typed only narrows it. Raises Refused, as a check does before it is agreed on."""
    return jql_of_all([project_id], scope)


def jql_of_all(project_ids: Iterable[int], scope: ImportScope) -> Jql:
    """Of projects that have one scope. Raises Refused, and ValueError without a project."""
    open_ones = Jql() if scope.with_closed else NOT_DONE
    return is_in(SearchField.PROJECT, project_ids) & typed_condition(scope.jql) & open_ones
