"""What is configured for the import of one project, together: which issues, by which rules, and its fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from connectors.jira.jql import Jql
from connectors.models import Connector, Project
from mappings.engine.item_prediction import ItemRules
from mappings.items.prediction.rules import rules_of
from mappings.items.scope.agreed import scope_for
from mappings.items.scope.jql import jql_of


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
    """Raises Refused where the condition that was agreed cannot be asked."""
    scope = scope_for(connector, project)
    rules = rules_of(connector, project, landing=scope.landing)
    return ConfiguredImport(rules=rules, jql=jql_of(project.jira_id, scope))
