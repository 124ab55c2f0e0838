"""What is configured for the import of one project, together: which issues, by which rules, and its fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from connectors.jira.jql import Jql, SearchField, is_in
from connectors.models import Connector, Project
from mappings.engine.import_scope import ImportScope
from mappings.engine.item_prediction import ItemRules
from mappings.items.prediction.rules import rules_of


@dataclass(frozen=True, kw_only=True)
class ConfiguredImport:
    """`rules` know nobody of Align yet."""

    rules: ItemRules
    jql: Jql

    @property
    def fingerprint(self) -> str:
        """SHA-256 of both; a rehearsal that went by another one is out of date."""
        return hashlib.sha256(f"{self.rules.fingerprint}\n{self.jql}".encode()).hexdigest()


def configured_import(connector: Connector, project: Project) -> ConfiguredImport:
    scope = ImportScope()
    return ConfiguredImport(
        rules=rules_of(connector, project, landing=scope.landing), jql=jql_of_project(project, scope)
    )


def jql_of_project(project: Project, scope: ImportScope) -> Jql:
    """The condition that somebody typed, within the project; closed issues where they are asked for."""
    own = is_in(SearchField.PROJECT, [project.jira_id])
    still_open = Jql() if scope.with_closed else Jql("statusCategory != Done")
    return own & (Jql(f"({scope.jql})") if scope.jql else Jql()) & still_open
