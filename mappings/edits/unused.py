"""Why a list is read no more, in words: the same rule as that of the lists in use, see mappings.observing.scopes."""

from __future__ import annotations

from connectors.models import Carried, Project, ScopeChoice
from mappings.engine.families import FAMILIES
from mappings.engine.values import Direction
from mappings.models import Scope


def why_unused(scope: Scope) -> str:
    """Empty while it is in use. What Align holds there now may be of another project, made anew under the same key."""
    project = scope.project
    if project is None:
        return ""
    if scope.is_ours and not project.is_ours:
        return former_sentence(project)
    if project.is_ours and not scope.is_ours:
        return f"Project {project.key} is ours, so its mappings are in lists of ours. Those in Align are not read."
    if gone := why_gone(project):
        return gone
    if FAMILIES[scope.family].direction is Direction.JIRA_TO_ALIGN and not project.team_managed:
        return (
            f"Project {project.key} is company-managed now: it follows the mappings that all company-managed "
            "projects share, and the list of its own is read no more."
        )
    return ""


def former_sentence(project: Project) -> str:
    return f"Project {project.key} is not ours any more, so its lists of ours do not count. They stay to be looked at."


def is_gone(scope: Scope) -> bool:
    """Its project is, which is one of the reasons."""
    return scope.project is not None and bool(why_gone(scope.project))


def why_gone(project: Project) -> str:
    if project.vanished_at is not None:
        return f"Jira no longer shows project {project.key}, so its lists are no longer read."
    if project.is_ours:
        return ""
    if project.scope_choice == ScopeChoice.OUT:
        return f"Project {project.key} is out of scope here, so its lists are not read. An admin can take it back in."
    if project.carried == Carried.NO or not project.in_scope:
        return f"Project {project.key} is no longer in this connector, so its lists are no longer read."
    return ""
