"""The job "progress": reads a program's linked items and their issues, adds them up, and keeps the sums.

Both clients refuse to write. A worker that takes it over begins anew: nothing is kept before its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.parsing import plain
from alignadmin.text import counted
from connectors.align.client import AlignClient
from connectors.align.query import Q, query_of
from connectors.credentials import clients
from connectors.jobs import runner
from connectors.jobs.runner import Run
from connectors.models import JobKind, Project, in_scope_here
from connectors.ports.audited import context_of
from mappings.engine.item_rules import CarriedPair
from mappings.engine.progress import GroupSum, ProgressItem, TeamIteration, roll_up, team_iterations, whole
from mappings.items.prediction.rules import rules_of
from mappings.items.progress.reading import LEVELS, POINTS, AlignItems, ProgressReader
from mappings.items.progress.services import forget_older
from mappings.models import ItemLink, ProgressReading

MOST_APART = 100  # items that are named
MOST_UNREAD = 20  # sentences that are kept
LONGEST = 255
GROUPS: Mapping[str, Callable[[ProgressItem], int | None]] = {
    "release": lambda each: each.release,
    "epic": lambda each: each.epic,
    "feature": lambda each: each.feature,
}


@runner.handler(JobKind.PROGRESS)
def read_progress(run: Run) -> None:
    """1. Align's items of the program, and what they hang below. 2. Jira's statuses of those in the program increment
    that was chosen. 3. The sums, kept at once with an entry, in place of those of the same choice before.
    """
    found = ProgressReading.objects.filter(job=run.job).first()
    if found is None or found.finished_at is not None:  # ended by a worker that was killed before the job was
        return
    ProgressRun(run=run, found=found).work()


@dataclass(kw_only=True)
class ProgressRun:
    run: Run
    found: ProgressReading

    def work(self) -> None:
        connector, found = self.run.connector, self.found
        jira = clients.jira_client(connector, job=self.run.job, on_wait=self.run.waits_for)
        align = clients.align_client(connector, job=self.run.job, on_wait=self.run.waits_for, notes_forbidden=False)
        projects = list(Project.objects.filter(in_scope_here(), connector=connector).order_by("key"))
        pairs = self._points(projects)
        reader = ProgressReader(
            align=align,
            jira=jira,
            program=found.program_id,
            keys=frozenset(key for each in projects for key in (each.key, each.wire_key)),
            links=self._links(),
            pairs=pairs,
            said=lambda what: self.run.progress(what),
        )
        read = reader.of_align()
        chosen = [each for each in read.items if found.release_id is None or each.release == found.release_id]
        if found.release_id is not None:
            read.left_out["other-release"] = len(read.items) - len(chosen)
        items = reader.with_jira(chosen)
        found.program_name = _name_of(align, "program", found.program_id)
        if found.release_id is not None:
            known = read.names["release"].get(found.release_id) or _name_of(align, "release", found.release_id)
            found.release_name = plain(known)[:LONGEST]
        found.projects = sorted({each.key.rpartition("-")[0] for each in items})
        found.points_field = ", ".join(dict.fromkeys(each.jira_name for each in pairs.values()))[:LONGEST]
        found.items = len(items)
        found.requests = jira.sent + align.sent
        found.left_out = {reason: number for reason, number in read.left_out.items() if number}
        found.unread = list(dict.fromkeys(map(plain, reader.unread)))[:MOST_UNREAD]
        found.sums = self._sums(items, read)
        self._keep()

    def _points(self, projects: Sequence[Project]) -> dict[str, CarriedPair]:
        """The pairs are the same for all projects."""
        if not projects:
            return {}
        rules = rules_of(self.run.connector, projects[0])
        found = {}
        for level in LEVELS:
            some = (each for each in rules.pairs.get(level, ()) if each.align == POINTS and not each.stopped)
            if (pair := next(some, None)) is not None:
                found[level] = pair
        return found

    def _links(self) -> dict[tuple[str, int], tuple[str, int]]:
        rows = ItemLink.objects.filter(connector=self.run.connector, level__in=LEVELS, align_id__isnull=False)
        found = rows.values_list("level", "align_id", "issue_key", "jira_id")
        return {(level, id_): (key, jira_id) for level, id_, key, jira_id in found if id_}

    # --- sums ---------------------------------------------------------------------------------------------------------

    def _sums(self, items: Sequence[ProgressItem], read: AlignItems) -> dict[str, Any]:
        # What was done in iterations before the program increment counts for velocities, as Align sees it.
        chosen = {(each.level, each.id) for each in items}
        others = [each for each in read.items if (each.level, each.id) not in chosen]
        teams = team_iterations(items, read.iterations, timezone.now().date(), others)
        apart = [each for each in items if each.is_apart]
        groups = {
            kind: [_group(each, read.names[kind]) for each in roll_up(items, group)] for kind, group in GROUPS.items()
        }
        groups["release"].sort(key=lambda each: (each["id"] is None, each["name"], each["id"]))
        return {
            "whole": _group(whole(items), {}),
            **groups,
            "teams": [_team(each, read) for each in teams],
            "apart": [_apart(each) for each in apart[:MOST_APART]],
        }

    def _keep(self) -> None:
        found = self.found
        found.finished_at = timezone.now()
        apart = found.sums["whole"]["apart"]
        said = f"Read the progress of program {found.program_id}: {counted(found.items, 'linked item')}, "
        with transaction.atomic():
            self.run.assert_lease()
            found.save()
            forget_older(found)
            trail.record(
                AuditRecord(
                    action="progress.finished",
                    actor=found.person,
                    context=context_of(self.run.connector),
                    subject=f"program {found.program_id}",
                    sentence=f"{said}{apart} of them not alike on both sides.",
                    data={
                        "program": found.program_id,
                        "release": found.release_id,
                        "items": found.items,
                        "apart": apart,
                        "left_out": found.left_out,
                        "requests": found.requests,
                    },
                )
            )


def _name_of(align: AlignClient, kind: str, id_: int) -> str:
    rows = align.objects.page(query_of(kind).select("id", "title").where(Q("id").eq(id_)).top(1))
    title = rows[0].get("title") if rows else ""
    return plain(title)[:LONGEST] if isinstance(title, str) else ""


def _group(sums: GroupSum, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "id": sums.id,
        "name": plain(names.get(sums.id, ""))[:LONGEST] if sums.id is not None else "",
        "number": sums.number,
        "apart": sums.apart,
        "align": sums.align.as_json(),
        "jira": sums.jira.as_json(),
    }


def _team(each: TeamIteration, read: AlignItems) -> dict[str, Any]:
    dates = read.iterations.get(each.iteration)
    ends = dates.ends if dates else None
    return {
        "team": each.team,
        "team_name": plain(read.names["team"].get(each.team or 0, ""))[:LONGEST],
        "iteration": each.iteration,
        "iteration_name": plain(read.names["iteration"].get(each.iteration, ""))[:LONGEST],
        "ends": ends.isoformat() if ends else "",
        "number": each.number,
        "planned": round(each.planned, 2),
        "done_align": round(each.done_align, 2),
        "done_jira": round(each.done_jira, 2),
        "velocity": None if each.velocity is None else round(each.velocity, 1),
        "past": each.past,
        "is_over": each.is_over,
    }


def _apart(each: ProgressItem) -> dict[str, Any]:
    return {
        "key": plain(each.key)[:LONGEST],
        "level": each.level,
        "id": each.id,
        "title": plain(each.title)[:LONGEST],
        "align": each.align.value,
        "jira": each.jira.value,
    }
