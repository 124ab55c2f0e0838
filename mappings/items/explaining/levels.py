"""Which rule of the hierarchy says what an issue's type becomes, and who approved it last."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from alignadmin.folding import fold
from connectors.align.terminology import LEVELS
from connectors.models import Connector, Project
from mappings.engine.configuration import line_key
from mappings.engine.hierarchy import SHARED
from mappings.hierarchy.facts import SUBJECT, HierarchyFacts
from mappings.models import ConfigurationProposal, ProposalState

MOST_PROPOSALS = 50  # the newest, in which a line is looked for


@dataclass(frozen=True, kw_only=True)
class LevelRule:
    """`level` is empty where the type stands for none. Not `is_decided`: as Jira tells it, since nobody chose."""

    type_name: str
    level: str
    place: str
    is_decided: bool
    href: str
    approved: ApprovedLine | None


@dataclass(frozen=True, kw_only=True)
class ApprovedLine:
    who: str
    at: datetime | None
    href: str


def level_rule(connector: Connector, project: Project, type_name: str) -> LevelRule:
    facts = HierarchyFacts(connector)
    agreed, own = facts.agreed, str(project.jira_id)
    shared = facts.shared(agreed)
    asked = fold(type_name)
    level, place, is_decided = "", SHARED, False
    for each in LEVELS:
        names = agreed.get(line_key(own, each))
        if names is not None and asked in map(fold, names):
            level, place, is_decided = each, own, True
            break
    else:
        for each in LEVELS:
            if agreed.get(line_key(own, each)) is None and asked in map(fold, shared[each]):
                level, is_decided = each, agreed.get(line_key(SHARED, each)) is not None
                break
    keys = [line_key(place, level)] if level else [line_key(some, each) for some in (own, SHARED) for each in LEVELS]
    return LevelRule(
        type_name=type_name,
        level=connector.terminology.name(level) if level else "",
        place=f"project {project.key}" if place == own else "shared by all projects",
        is_decided=is_decided,
        href=reverse("hierarchy", args=[connector.slug]),
        approved=last_approval(connector, SUBJECT, keys) if is_decided else None,
    )


def last_approval(connector: Connector, subject: str, keys: Collection[str]) -> ApprovedLine | None:
    """The newest proposal in force with one of these lines."""
    approved = ConfigurationProposal.objects.filter(connector=connector, subject=subject, state=ProposalState.APPROVED)
    for each in approved.select_related("author").order_by("-decided_at", "-pk")[:MOST_PROPOSALS]:
        found = next((line for line in each.lines if line["key"] in keys), None)
        if found is not None:
            who = found["author"].get("name") or str(each.author)
            return ApprovedLine(who=who, at=each.decided_at, href=reverse("configuration-proposal", args=[each.pk]))
    return None
