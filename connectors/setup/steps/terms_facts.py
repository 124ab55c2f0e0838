"""What step 1 of a set-up is worked out of, in two queries; the levels of both sides for its page in one more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.align.terminology import LEVELS, own_name
from connectors.catalogue.issue_types import IssueTypes
from connectors.history.mirror.terms import ids_by_family
from connectors.models import Connector, IssueType, PriorityList, System, WorkItemType
from connectors.setup.level_names import log_terms
from connectors.setup.steps.priorities import compare
from connectors.setup.steps.terms_rules import PrioritiesRead, TermsFacts

JIRA_LEVELS = {1: "Epic level", 0: "Base level", -1: "Sub-task level"}
MOST_TYPES = 12  # names of issue types of one level


def terms_of(connector: Connector) -> TermsFacts:
    return TermsFacts(terminology=connector.terminology, log=log_terms(connector), priorities=priorities_of(connector))


def priorities_of(connector: Connector) -> PrioritiesRead:
    """The types are those of Align's published ids, or of the ids that the connector uses."""
    lists = {each.system: each for each in PriorityList.objects.filter(connector=connector)}
    jira, align = lists.get(System.JIRA), lists.get(System.ALIGN)
    ids = ids_by_family(connector.type_ids)["j2a-state"]
    return PrioritiesRead(
        compared=compare(
            jira.records if jira else (),
            align.records if align else (),
            {id_: connector.terminology.name(type_) for id_, type_ in ids.items()},
        ),
        jira_at=jira.read_at if jira else None,
        align_at=align.read_at if align else None,
        trouble=[each.error for each in (jira, align) if each and each.error],
    )


# --- for the page -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class AlignLevel:
    """`stands_for`: names of the Jira issue types that are its items, of a work item type that has mappings."""

    level: str
    name: str
    stands_for: Sequence[str]
    is_mapped: bool


@dataclass(frozen=True, kw_only=True)
class JiraLevel:
    """Names of issue types, each once, since team-managed projects have their own of the same name."""

    label: str
    types: Sequence[str]
    more: int = 0


def align_levels(connector: Connector) -> list[AlignLevel]:
    matches = IssueTypes(connector)
    names = {type_.value: matches.names(type_) for type_ in WorkItemType}
    return [
        AlignLevel(level=level, name=own_name(level), stands_for=names.get(level, ()), is_mapped=level in names)
        for level in LEVELS
    ]


def jira_levels(connector: Connector) -> list[JiraLevel]:
    """From the top down. Data Center tells no level, only which types are of sub-tasks."""
    found: dict[int, dict[str, None]] = {}
    rows = IssueType.objects.filter(connector=connector, vanished_at=None).order_by("jira_id")
    for name, level, is_subtask in rows.values_list("name", "hierarchy_level", "subtask"):
        found.setdefault(level if level is not None else -1 if is_subtask else 0, {})[name] = None
    return [
        JiraLevel(
            label=JIRA_LEVELS.get(level, f"Level {level}"),
            types=list(found[level])[:MOST_TYPES],
            more=max(0, len(found[level]) - MOST_TYPES),
        )
        for level in sorted(found, reverse=True)
    ]
