"""What a project kept in lists of ours, as edits of the lists of Align that count for it now.

Only of its own lists: what company-managed projects of ours share stays theirs, and Align's shared mappings count for
the project as for all others.
"""

from __future__ import annotations

from collections.abc import Iterator

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.models import Project
from mappings.edits.services import EditRequest, MatrixKey, set_many
from mappings.edits.unused import why_gone, why_unused
from mappings.engine.values import TypeName
from mappings.models import Mapping, Scope


def copy_from_ours(project: Project, *, actor: Person) -> tuple[int, list[str]]:
    """How many mappings were edited in the draft, and why others were not. Raises Refused where none can be."""
    if project.is_ours:
        raise Refused(f"{project.key} is ours: its lists of ours count, so there is nowhere to copy them to.")
    if gone := why_gone(project):
        raise Refused(f"{gone} There is no list of Align to copy to.")
    requests = list(_requests(project))
    if not requests:
        raise Refused(
            f"Nothing to copy: the lists of Align of {project.key} are wanted to hold what its own lists held."
        )
    changed, refused = set_many(requests, actor=actor)
    if refused and not changed:
        more = f" And {counted(len(refused) - 1, 'more mapping')} for a reason like that." if len(refused) > 1 else ""
        raise Refused(refused[0] + more)
    return len(changed), refused


def _requests(project: Project) -> Iterator[EditRequest]:
    scopes = list(Scope.objects.filter(project=project).select_related("connector", "project").order_by("family"))
    there = {scope.family: scope for scope in scopes if not scope.is_ours and not why_unused(scope)}
    of_ours = {scope.pk: scope.family for scope in scopes if scope.is_ours and scope.family in there}
    wanted_there = {
        (row.scope.family, row.work_item_type, row.source_id): row.wanted
        for row in Mapping.objects.filter(scope__in=there.values()).select_related("scope")
    }
    kept = Mapping.objects.filter(scope__in=of_ours, observed__isnull=False).order_by("work_item_type", "source_id")
    for row in kept:
        family = of_ours[row.scope_id]
        seen = wanted_there.get((family, row.work_item_type, row.source_id))
        if seen != row.observed:
            type_ = TypeName(row.work_item_type)
            key = MatrixKey(scope=there[family], work_item_type=type_, source_id=row.source_id)
            yield EditRequest(key=key, wanted=row.observed, seen=seen)
