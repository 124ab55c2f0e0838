"""Findings: what a reading shows to be otherwise than before, kept in the transaction that stores the reading.

A first reading finds nothing, since nothing was known. Things are compared by the ids of Jira and Align, never by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db.models import prefetch_related_objects

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from connectors.catalogue.known import KNOWN, Known, Reach, Things, reached
from connectors.catalogue.upserting import ROWS_AT_ONCE, batches
from connectors.models import Connector, Finding, FindingChange, FindingKind, Project, Status, System
from connectors.ports.audited import context_of

CHANGED = "catalogue.changed"
LONGEST = 255
MOST_NAMED = 3  # in the sentence of an entry; its data has more of them
MOST_KEPT = 200
IN_ALIGN = (FindingKind.FLOW, FindingKind.STEP, FindingKind.PROGRAMME)
COMES = (FindingChange.NEW, FindingChange.BACK)
MANY = {  # of kinds whose plural is no added s
    FindingKind.STATUS: "statuses",
    FindingKind.PROJECT_KIND: "kinds of project",
    FindingKind.FIELD_TYPE: "types of fields",
    FindingKind.FIELD_OPTION: "options of fields",
    FindingKind.FIELD_USE: "uses of fields",
}


@dataclass(frozen=True, kw_only=True)
class SiteReading:
    """One reading of a connector's site: for whom it is stored, when it began, and who asked for it."""

    connector: Connector
    began_at: datetime
    actor: Person | None = None

    @property
    def is_first(self) -> bool:
        return self.connector.catalogue_at is None


@contextmanager
def noticed(reading: SiteReading, *kinds: FindingKind) -> Iterator[None]:
    """Keep what the block changes in these tables. To be entered in the transaction that stores the reading."""
    if reading.is_first:
        yield
        return
    found: list[Finding] = []
    with _collected(reading, kinds, found):
        yield
    record(reading, found)


@contextmanager
def noticed_in_projects(reading: SiteReading, projects: Collection[Project]) -> Iterator[None]:
    """Likewise which statuses these projects' issue types reach, of those that were read before."""
    if reading.is_first:
        yield
        return
    read = [project.pk for project in projects if project.read_at is not None]
    found: list[Finding] = []
    before = reached(read)
    with _collected(reading, (FindingKind.STATUS, FindingKind.ISSUE_TYPE), found):
        yield
    after = reached(read)
    found += _in_projects(reading, after - before, FindingChange.NEW)
    found += _in_projects(reading, before - after, FindingChange.GONE)
    record(reading, found)


@contextmanager
def _collected(reading: SiteReading, kinds: Collection[FindingKind], found: list[Finding]) -> Iterator[None]:
    before = {kind: KNOWN[kind](reading.connector) for kind in kinds}
    yield
    for kind in kinds:
        found += _differences(reading, kind, before[kind], KNOWN[kind](reading.connector))


def record(reading: SiteReading, found: Collection[Finding]) -> None:
    """Store them, end those that they contradict, and append one entry for all."""
    if not found:
        return
    _end_opposites(reading, found)
    Finding.objects.bulk_create(found, batch_size=ROWS_AT_ONCE)
    prefetch_related_objects(list(found)[:MOST_KEPT], "project")
    trail.record(_audit_record(reading, found))


def _end_opposites(reading: SiteReading, found: Collection[Finding]) -> None:
    """What is new is not gone any more, and what is gone is no longer new; gone from the site is gone everywhere."""
    comes = {(each.kind, each.remote_id, each.project_id) for each in found if each.change in COMES}
    goes = {(each.kind, each.remote_id, each.project_id) for each in found if each.change == FindingChange.GONE}
    if not comes and not goes:
        return
    open_ = Finding.objects.filter(connector=reading.connector, ended_at=None).order_by()
    ended = []
    for pk, kind, change, remote_id, project in open_.values_list("pk", "kind", "change", "remote_id", "project_id"):
        about = (kind, remote_id, project)
        is_gone = about in goes or (kind, remote_id, None) in goes
        if about in comes if change == FindingChange.GONE else is_gone:
            ended.append(pk)
    for some in batches(ended):
        Finding.objects.filter(pk__in=some).update(ended_at=reading.began_at)


# --- what differs -----------------------------------------------------------------------------------------------------


def _differences(reading: SiteReading, kind: FindingKind, before: Things, after: Things) -> Iterator[Finding]:
    for remote_id, now in after.items():
        was = before.get(remote_id)
        change = _coming_or_going(was, now)
        if change is FindingChange.NEW and now.is_of_unread:
            continue
        if change is not None:
            yield _finding(reading, kind, change, remote_id, now, project_id=_told_with(kind, now))
        elif was is not None and not now.is_gone:
            yield from _renamed(reading, kind, remote_id, was, now)
            yield from _moved(reading, remote_id, was, now)


def _coming_or_going(was: Known | None, now: Known) -> FindingChange | None:
    if was is None:
        return None if now.is_gone else FindingChange.NEW
    if was.is_gone == now.is_gone:
        return None
    return FindingChange.GONE if now.is_gone else FindingChange.BACK


def _told_with(kind: FindingKind, known: Known) -> int | None:
    """A status is told in the site's list; in which project, once that is read."""
    return known.project_id if kind is FindingKind.PROJECT else None


def _renamed(reading: SiteReading, kind: FindingKind, remote_id: int, was: Known, now: Known) -> Iterator[Finding]:
    for old, new in zip(was.names, now.names, strict=True):
        if old != new:
            yield _finding(
                reading, kind, FindingChange.RENAMED, remote_id, now, before=old, after=new, project_id=now.project_id
            )


def _moved(reading: SiteReading, remote_id: int, was: Known, now: Known) -> Iterator[Finding]:
    for kind, place in now.places.items():
        old = was.places[kind]
        if old.key != place.key and old.words and place.words:
            words = {"before": old.words, "after": place.words}
            yield _finding(reading, kind, FindingChange.MOVED, remote_id, now, project_id=now.project_id, **words)


def _finding(
    reading: SiteReading,
    kind: FindingKind,
    change: FindingChange,
    remote_id: int,
    known: Known,
    *,
    project_id: int | None,
    before: str = "",
    after: str = "",
) -> Finding:
    return Finding(
        connector=reading.connector,
        kind=kind,
        change=change,
        remote_id=remote_id,
        project_id=project_id,
        name=known.names[0],
        before=before[:LONGEST],
        after=after[:LONGEST],
        found_at=reading.began_at,
    )


def _in_projects(reading: SiteReading, pairs: Reach, change: FindingChange) -> list[Finding]:
    if not pairs:
        return []
    statuses = Status.objects.in_bulk({status for _, status in pairs})
    return [
        Finding(
            connector=reading.connector,
            kind=FindingKind.STATUS,
            change=change,
            remote_id=statuses[status].jira_id,
            project_id=project,
            name=statuses[status].name,
            found_at=reading.began_at,
        )
        for project, status in sorted(pairs)
    ]


# --- words ------------------------------------------------------------------------------------------------------------


def words_of(finding: Finding, *, where: str = "", since: str = "") -> str:
    """ "Waiting for vendor (10777) is new in PROJ since 09:12", without what it leads to."""
    id_, when = finding.remote_key or finding.remote_id, f" since {since}" if since else ""
    name = f"{finding.name} ({id_})"
    place = where or _place(finding)
    if finding.change == FindingChange.RENAMED:
        return f"{finding.before} ({id_}) is called {finding.after}{when}"
    if finding.change == FindingChange.MOVED:
        return f"{name} is {finding.after}{when}, and was {finding.before}"
    if finding.change == FindingChange.GONE:
        return f"{name} is gone from {place}{when}"
    return f"{name} is {finding.change} in {place}{when}"


def _place(finding: Finding) -> str:
    in_project = finding.kind == FindingKind.STATUS and finding.project is not None
    return finding.project.key if in_project and finding.project else _site(finding)


def _site(finding: Finding) -> str:
    if finding.system:
        return System(finding.system).label
    return "Jira Align" if finding.kind in IN_ALIGN else "Jira"


def _audit_record(reading: SiteReading, found: Collection[Finding]) -> AuditRecord:
    counts = Counter((FindingKind(each.kind), each.change) for each in found)
    if len(found) <= MOST_NAMED:
        said = "; ".join(words_of(each) for each in found)
    else:
        said = ", ".join(f"{_counted(kind, number)} {change}" for (kind, change), number in counts.items())
    kept = ("kind", "change", "remote_id", "name", "before", "after")
    rows = [
        {name: getattr(each, name) for name in kept} | _project_of(each) | _field_of(each)
        for each in list(found)[:MOST_KEPT]
    ]
    return AuditRecord(
        action=CHANGED,
        actor=reading.actor,
        context=context_of(reading.connector),
        subject="catalogue",
        sentence=f"Read from Jira and Jira Align: {said}.",
        data={"count": len(found), "findings": rows},
    )


def _counted(kind: FindingKind, number: int) -> str:
    return f"{number} {kind.label if number == 1 else MANY.get(kind, f'{kind.label}s')}"


def _field_of(finding: Finding) -> dict[str, str]:
    return {"field": finding.remote_key, "system": finding.system} if finding.remote_key else {}


def _project_of(finding: Finding) -> dict[str, str]:
    return {"project": finding.project.key} if finding.project else {}
