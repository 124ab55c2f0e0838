"""`manage.py mappings pull|show|plan|apply`: the main job from a command line.

Exit codes: 0 done or nothing to do, 1 failure, 2 (of `plan`) something would change.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState
from mappings import planning
from mappings.applying.outcomes import state_counts
from mappings.edits.names import names_of
from mappings.edits.queries import waiting_edits
from mappings.engine.plan import Planning
from mappings.matrix.lines import source_name, value_name, where_of
from mappings.models import Mapping, Plan

WOULD_CHANGE = 2


class Command(BaseCommand):
    help = "Read, show, plan and apply the mappings of a connector."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        for name, words in (
            ("pull", "read every list from Align"),
            ("show", "print the stored mappings"),
            ("plan", "say what would be sent; exit code 2 when something would"),
        ):
            act = acts.add_parser(name, help=words)
            act.add_argument("connector", help="the connector's slug")
            if name == "plan":
                act.add_argument("--as", dest="person", help="e-mail of the author: stores the plan")
                act.add_argument("--reason", default="", help="why; needed to store the plan")
                act.add_argument("--ticket", default="")
        act = acts.add_parser("apply", help="apply an approved plan and wait until it ends")
        act.add_argument("--plan", type=int, required=True, dest="pk")
        act.add_argument("--as", dest="person", required=True, help="e-mail of an admin")
        act.add_argument("--reason", required=True, help="why now; recorded in the history")
        act.add_argument("--confirm", default="", help="the connector's slug, for deletes and large plans")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['act']}")(**options)
        except Refused as refused:
            raise CommandError(str(refused)) from refused

    # --- acts --------------------------------------------------------------------------------------------------

    def _pull(self, connector: str, **_: Any) -> None:
        found = _connector(connector)
        job = runner.run_now(runner.start(found, JobKind.OBSERVE, actor=None))
        _require_done(job)
        rows = Mapping.objects.filter(scope__connector=found, scope__is_ours=False).count()
        self.stdout.write(f"Read {job.done} lists; {rows} mappings found.")

    def _show(self, connector: str, **_: Any) -> None:
        found = _connector(connector)
        names = names_of(found)
        rows = Mapping.objects.filter(scope__connector=found).select_related("scope__project")
        for row in rows.order_by("scope_id", "work_item_type", "source_id").iterator():
            values = " | ".join(
                f"{label} {value_name(row, value, names)}"
                for label, value in (("wanted", row.wanted), ("applied", row.applied), ("Align", row.observed))
            )
            situation = row.situation if row.scope.known else "unknown"
            self.stdout.write(f"{where_of(row)}: {source_name(row, names)} ({row.source_id}): {values} [{situation}]")

    def _plan(self, connector: str, person: str | None, reason: str, ticket: str, **_: Any) -> None:
        found = _connector(connector)
        if person:
            self._store(found, _person(person, Right.EDIT), reason, ticket)
        else:
            self._print(planning.preview(found))

    def _store(self, connector: Connector, actor: Person, reason: str, ticket: str) -> None:
        # Of lists of ours nothing is sent: those edits are planned on their page.
        chosen = list(waiting_edits(connector).filter(scope__is_ours=False).values_list("pk", flat=True))
        try:
            plan = planning.make_plan(connector, chosen, actor=actor, reason=reason, ticket=ticket)
        except planning.NothingToDo as nothing:
            self.stdout.write(str(nothing))
            return
        for change in plan.changes.all():
            self.stdout.write(f"{change.action}: {change.sentence}")
        self.stdout.write(f"Plan {plan.pk} is stored; fingerprint {plan.fingerprint[:16]}.")
        sys.exit(WOULD_CHANGE)

    def _print(self, planned: Planning) -> None:
        for change in planned.changes:
            self.stdout.write(f"{change.action.value}: {change.sentence}")
        for refused in planned.refused:
            self.stdout.write(f"refused ({refused.code}): {refused.sentence}")
        if planned.changes:
            sys.exit(WOULD_CHANGE)
        self.stdout.write("Nothing to do: Align already has the wanted values.")

    def _apply(self, pk: int, person: str, reason: str, confirm: str, **_: Any) -> None:
        actor = _person(person, Right.APPROVE)
        plan = Plan.objects.select_related("connector").filter(pk=pk).first()
        if plan is None:
            raise CommandError(f"There is no plan {pk}.")
        planning.start_apply(plan, typed=confirm, reason=reason, actor=actor)
        job = Job.objects.filter(connector=plan.connector, kind=JobKind.APPLY, subject=str(plan.pk)).latest("id")
        _require_done(runner.run_now(job))
        counts = state_counts(plan)
        self.stdout.write(f"Plan {plan.pk}: " + ", ".join(f"{n} {state}" for state, n in sorted(counts.items())))
        if set(counts) != {"done"}:
            raise CommandError("Not every change was applied; see the plan's page.")


def _connector(slug: str) -> Connector:
    found = Connector.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Connector.objects.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f'There is no connector "{slug}". Known: {known}.')
    return found


def _person(email: str, right: Right) -> Person:
    found = Person.objects.filter(email=email.lower(), is_active=True).first()
    if found is None or not may(found, right):
        raise CommandError(f"{email} may not do this, or is not an active person here.")
    return found


def _require_done(job: Job) -> None:
    if job.state != JobState.DONE:
        raise CommandError(job.error or "The job did not finish.")
