"""Which fields values are carried to or from, so that only differences of these ask for somebody."""

from __future__ import annotations

from functools import cached_property

from connectors.models import Connector, Finding, FindingChange, FindingKind, System
from mappings.engine.configuration import split_line_key
from mappings.engine.field_pairs import CORE, SUBJECT
from mappings.models import AgreedLine

OF_FIELDS = frozenset({FindingKind.FIELD, FindingKind.FIELD_TYPE, FindingKind.FIELD_OPTION, FindingKind.FIELD_USE})
NOT_IN_USE = "no pair has it"
REQUIRED = "required"  # as a finding says it of a field that may not be left empty any more


def is_of_field(finding: Finding) -> bool:
    return finding.kind in OF_FIELDS


class FieldsInUse:
    """Read once, when it is first asked for."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector

    @cached_property
    def keys(self) -> frozenset[tuple[str, str]]:
        """System and key of each field that pairs by itself or that somebody has paired."""
        lines = AgreedLine.objects.filter(connector=self.connector, subject=SUBJECT).values_list("key", "value")
        paired = [(split_line_key(key)[1], value["jira"]) for key, value in lines]
        core = [(each.align, each.jira) for each in CORE]
        both = [*paired, *core]
        return frozenset(
            {(System.ALIGN.value, align) for align, _ in both} | {(System.JIRA.value, jira) for _, jira in both}
        )

    def uses(self, finding: Finding) -> bool:
        """What is required now needs a source, whether it has had a pair or not."""
        if finding.kind == FindingKind.FIELD_USE and finding.after == REQUIRED:
            return True
        if finding.change == FindingChange.NEW:
            return False
        return (finding.system, finding.remote_key) in self.keys
