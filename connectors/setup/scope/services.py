"""Choosing which projects are in scope here, and asking Jira again what its account may do in some.

Choosing deletes nothing: out of scope a project is on no matrix and none of its lists is read, and back in scope
everything is there again.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import wake
from alignadmin.errors import Refused
from alignadmin.text import counted, first_of
from connectors.catalogue import sites
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, Project, ScopeChoice, System, scope_of
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from connectors.ports.extensions import PlanLink, extensions

MOST_NAMED = 3
MOST_KEPT = 200  # keys in the data of an entry
WORDS = {
    ScopeChoice.IN: "Took {keys} into scope",
    ScopeChoice.OUT: "Took {keys} out of scope",
    ScopeChoice.ALIGN: "Left it to Align whether {keys} {are} in scope",
}


def choose_scope(connector: Connector, ids: Collection[int], choice: ScopeChoice, *, actor: Person) -> list[Project]:
    """Returns those that were not chosen so before. Raises Refused; then nothing was changed.

    A project does not leave while an open plan has changes of its lists: nobody would see what is still to be sent.
    """
    with transaction.atomic():
        lock_connected(connector)
        found = list(Project.objects.filter(connector=connector, pk__in=ids).order_by("key", "pk"))
        if len(found) != len(set(ids)):
            raise Refused("Some of these projects are not of this connector. Reload the page and choose again.")
        changed = [project for project in found if project.scope_choice != choice]
        if not changed:
            return []
        if kept := [each.key for each in changed if each.is_ours]:
            raise Refused(_ours_sentence(kept))
        leaving = [each.pk for each in changed if each.in_scope and not scope_of(choice, each.carried)]
        if plans := extensions().plans_of_projects(connector, leaving) if leaving else []:
            raise Refused(planned_sentence(plans))
        coming = []
        for project in changed:
            was, project.scope_choice = project.in_scope, choice
            project.in_scope = scope_of(choice, project.carried)
            if project.in_scope and not was:
                project.tried_at = None  # read first of all
                coming.append(project)
        Project.objects.bulk_update(changed, ["scope_choice", "in_scope", "tried_at"], batch_size=500)
        if coming:
            _read_soon(connector)
        _record(connector, changed, choice, actor)
    if coming and connector.is_active:
        check_projects(connector, [project.pk for project in coming], actor=actor)
        wake()
    return changed


def _ours_sentence(keys: Sequence[str]) -> str:
    named, are = first_of(keys, MOST_NAMED), "is" if len(keys) == 1 else "are"
    return f"Nothing was changed: {named} {are} ours. Give them back first, then decide whether they are in scope."


def planned_sentence(plans: Sequence[PlanLink]) -> str:
    named = first_of([plan.sentence for plan in plans], MOST_NAMED)
    """Why the lists of projects that such plans change stay as they are."""
    verb = "has" if len(plans) == 1 else "have"
    return f"Nothing was changed: {named} {verb} changes of these projects. Apply or cancel what is planned first."


def _read_soon(connector: Connector) -> None:
    """The lists of mappings of those that came into scope, where a clock reads them."""
    due = Connector.objects.filter(pk=connector.pk, observe_every__gt=0)
    due.update(observe_due_at=timezone.now())


def _record(connector: Connector, changed: Sequence[Project], choice: ScopeChoice, actor: Person) -> None:
    keys = [project.key for project in changed]
    named = WORDS[choice].format(keys=first_of(keys, MOST_NAMED), are="is" if len(keys) == 1 else "are")
    left = [project.key for project in changed if not project.in_scope]
    stays = " Mappings and history stay." if left and choice != ScopeChoice.IN else ""
    trail.record(
        AuditRecord(
            action="projects.scope",
            actor=actor,
            context=context_of(connector),
            subject=f"connector {connector.slug}",
            sentence=f"{named}.{stays}",
            data={"choice": choice.value, "count": len(keys), "projects": keys[:MOST_KEPT]},
        )
    )


def check_projects(connector: Connector, ids: Collection[int], *, actor: Person) -> Job:
    """In the background: the statuses of those in scope, and what the Jira account may do in each. Raises Refused.

    As many as a share of the rate budget holds; the others are told by the next check.
    """
    if not connector.is_active:
        raise Refused("The connector is deactivated, so nothing is asked of Jira. Activate it first.")
    there = Project.objects.filter(connector=connector, pk__in=ids, vanished_at=None).order_by("key", "pk")
    keys = list(there.values_list("pk", flat=True)[: sites.share()])
    if not keys:
        raise Refused("None of these projects is in Jira any more, so there is nothing to check.")
    mark = zlib.crc32(repr(sorted(keys)).encode())  # another selection is another job
    params = {"projects": keys, "rights": True, "interactive": True}
    return runner.start(
        connector, JobKind.LISTS, actor=actor, subject=f"{System.JIRA.value} check {mark:08x}", params=params
    )


def checked_words(asked: int, job: Job) -> str:
    """ "12 projects are being checked", with what is left for another check."""
    begun = len(job.params.get("projects", ()))
    later = f"; the other {counted(asked - begun, 'project')} by another check" if asked > begun else ""
    return f"{counted(begun, 'project')} {'is' if begun == 1 else 'are'} being checked{later}"
