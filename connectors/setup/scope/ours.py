"""Projects of ours: taken over here by an admin, and given back.

Only one that Align's connector was read not to carry can be ours. Its mappings are in lists of ours, kept here alone.
A project that enters Align's list is ours no more with the reading that shows it: connectors.catalogue.align_lists.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.parsing import typed
from alignadmin.text import counted, first_of
from connectors.models import Carried, Connector, Project
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from connectors.ports.extensions import extensions
from connectors.ports.reasons import plain_reason
from connectors.setup.scope.services import MOST_KEPT, MOST_NAMED, planned_sentence

MOST_AT_ONCE = 200
OF_OTHERS = "Some of these projects are not of this connector. Reload the page and choose again."
FIELDS = ["ours_at", "ours_by", "ours_reason"]


# --- rules ------------------------------------------------------------------------------------------------------------


def why_not_ours(project: Project) -> str:
    """Why it cannot be taken over; empty where it can."""
    if project.vanished_at is not None:
        return f"Jira does not show {project.key} any more, so it cannot be taken over."
    if project.carried == Carried.YES:
        return f"Align's connector carries {project.key}: Align moves its items. It can be ours once it left that list."
    if project.carried == Carried.UNKNOWN:
        return (
            f"Whether Align's connector carries {project.key} is not known yet, which counts as carried. Refresh the "
            "connector with a token that sees its projects."
        )
    if not project.in_scope:
        return (
            f"{project.key} is out of scope here: take it into scope first. Choose it among the projects of step 4, "
            "press In scope, then take it over."
        )
    return ""


def word_for(projects: Sequence[Project]) -> str:
    """What has to be typed: the key of one, the number of several."""
    return projects[0].key if len(projects) == 1 else str(len(projects))


def chosen_projects(connector: Connector, ids: Collection[int]) -> list[Project]:
    """Raises Refused for none, for too many, and for those of another connector."""
    if not ids:
        raise Refused("No project was chosen: tick some in the table and press again.")
    if len(ids) > MOST_AT_ONCE:
        raise Refused(f"At most {MOST_AT_ONCE} projects at once: choose fewer.")
    found = list(Project.objects.filter(connector=connector, pk__in=ids).order_by("key", "pk"))
    if len(found) != len(set(ids)):
        raise Refused(OF_OTHERS)
    return found


# --- acts -------------------------------------------------------------------------------------------------------------


def take_over(connector: Connector, ids: Collection[int], *, confirm: str, reason: str, actor: Person) -> list[Project]:
    """Returns those that were not ours before. Raises Refused; then nothing was changed."""
    why = plain_reason(reason)
    with transaction.atomic():
        projects = _locked(connector, ids, confirm)
        changed = [each for each in projects if not each.is_ours]
        _refuse(changed)
        now = timezone.now()
        for each in changed:
            each.ours_at, each.ours_by, each.ours_reason = now, actor, why
        Project.objects.bulk_update(changed, FIELDS, batch_size=500)
        if changed:
            extensions().make_lists_of_ours(connector)
            said = "ours now. Their mappings are kept here, and nothing of them is sent to Align"
            _record(connector, "projects.ours", changed, said, why, actor)
    return changed


def give_back(connector: Connector, ids: Collection[int], *, confirm: str, reason: str, actor: Person) -> list[Project]:
    """Returns those that were ours. Their lists stay, to be looked at. Raises Refused; then nothing was changed.

    A project is not given back while an open plan has changes of its own lists: nobody would see them any more.
    """
    why = plain_reason(reason)
    with transaction.atomic():
        projects = _locked(connector, ids, confirm)
        changed = [each for each in projects if each.is_ours]
        if plans := extensions().plans_of_projects(connector, [each.pk for each in changed]) if changed else []:
            raise Refused(planned_sentence(plans))
        for each in changed:
            each.ours_at, each.ours_by, each.ours_reason = None, None, ""
        Project.objects.bulk_update(changed, FIELDS, batch_size=500)
        if changed:
            said = "not ours any more. The lists of ours stay, to be looked at"
            _record(connector, "projects.ours_ended", changed, said, why, actor)
    return changed


def _locked(connector: Connector, ids: Collection[int], confirm: str) -> list[Project]:
    lock_connected(connector)  # which readings of Align's list lock, too
    projects = chosen_projects(connector, ids)
    word = word_for(projects)
    if typed(confirm).strip() != word:
        raise Refused(f'Type "{word}" to confirm: {"its key" if len(projects) == 1 else "how many projects they are"}.')
    return projects


def _refuse(projects: Sequence[Project]) -> None:
    refused = [sentence for each in projects if (sentence := why_not_ours(each))]
    if refused:
        more = f" And {counted(len(refused) - 1, 'more project')} cannot." if len(refused) > 1 else ""
        raise Refused(f"Nothing was changed. {refused[0]}{more}")


def _record(
    connector: Connector, action: str, changed: Sequence[Project], said: str, reason: str, actor: Person | None
) -> None:
    keys = [each.key for each in changed]
    named = f"{first_of(keys, MOST_NAMED)} {'is' if len(keys) == 1 else 'are'}"
    trail.record(
        AuditRecord(
            action=action,
            actor=actor,
            context=context_of(connector),
            subject=f"connector {connector.slug}",
            sentence=f"{named} {said}.",
            data={"count": len(keys), "projects": keys[:MOST_KEPT]},
            project_key=keys[0] if len(keys) == 1 else "",
            reason=reason,
        )
    )
