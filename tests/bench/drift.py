"""A check of 2,000 projects for changes made elsewhere: by the log where Align has that endpoint, and by every list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import requests

from tests.bench.report import Figure, show, timed
from tests.bench.world import base_of_arguments, copied
from tests.support.processes import Site

if TYPE_CHECKING:
    from connectors.models import Connector
    from mappings.models import DriftCheck, Mapping

PROJECTS = 20  # in each of them, one mapping is changed elsewhere
BULK, WINDOW = 480, 60  # requests in seconds that the real limit leaves to work that no person waits for


def main() -> None:
    with copied(base_of_arguments(), "--rate-limit", "0") as site:
        figures = [*_by_the_log(site), *_by_every_list(site)]
    show("Drift check of 2,000 projects, without a rate limit in the way", figures)


def _by_the_log(site: Site) -> list[Figure]:
    from connectors.models import AuditSource, Connector

    connector = Connector.objects.get()
    assert connector.audit_source == AuditSource.ENDPOINT
    quiet, quiet_seconds = _intake(connector)
    rows = _team_rows()
    for row in rows:
        _change(site, row)
    told, seconds = _intake(connector)
    assert _drifted(rows) == len(rows)
    return [
        Figure(what="with the endpoint, nothing changed: lists read", value=quiet, unit="requests", aim=0),
        Figure(what="with the endpoint, nothing changed", value=quiet_seconds, unit="s"),
        Figure(what=f"with the endpoint, {PROJECTS} changes: lists read", value=told, unit="requests", aim=PROJECTS),
        Figure(what=f"with the endpoint, {PROJECTS} changes: until they show", value=seconds, unit="s", aim=5),
    ]


def _by_every_list(site: Site) -> list[Figure]:
    from connectors.models import AuditSource, Connector
    from mappings.models import Scope

    Connector.objects.update(audit_source=AuditSource.NONE)
    connector = Connector.objects.get()
    rows = _rows_of_projects()
    for row in rows:
        _change(site, row)
    check, seconds = _whole(connector)
    assert (check.unknown, check.error, check.found) == (0, "", len(rows))
    assert _drifted(rows) == len(rows)
    fewest = sum(rows // 100 + 1 for rows in Scope.objects.values_list("rows", flat=True))
    paced = max(0, check.requests - BULK) / BULK * WINDOW
    return [
        Figure(what="without it: lists", value=check.scopes, unit=""),
        Figure(what="without it: requests, as few as its pages", value=check.requests, unit="", aim=fewest),
        Figure(what=f"without it, until {PROJECTS} changes show and all else is known", value=seconds, unit="s"),
        Figure(what=f"the same at {BULK} requests in {WINDOW} s, by reckoning", value=paced, unit="s", aim=900),
    ]


def _intake(connector: Connector) -> tuple[int, float]:
    """How many lists were read, and how long the whole intake took."""
    from connectors.jobs import runner
    from connectors.models import JobKind
    from mappings.models import CheckKind, DriftCheck

    known = DriftCheck.objects.filter(kind=CheckKind.LOG, scopes__gt=0).count()
    with timed() as watch:
        job = runner.run_now(runner.start(connector, JobKind.INTAKE, actor=None))
    assert job.state == "done", job.error
    made = DriftCheck.objects.filter(kind=CheckKind.LOG, scopes__gt=0).order_by("pk")[known:]
    return sum(check.requests for check in made), watch.seconds


def _whole(connector: Connector) -> tuple[DriftCheck, float]:
    from connectors.jobs import runner as jobs
    from mappings.drift import watch
    from mappings.models import CheckKind, DriftCheck

    with timed() as clock:
        job = jobs.run_now(watch.start_check(connector, None))
    assert job.state == "done", job.error
    return DriftCheck.objects.filter(kind=CheckKind.LISTS).latest("pk"), clock.seconds


def _team_rows() -> list[Mapping]:
    """One of each team-managed project, whose statuses tell the project of a line."""
    from mappings.models import Scope
    from tests.bench import acts

    scopes = Scope.objects.filter(family="j2a-state", project__isnull=False, rows__gt=0).order_by("id")[:PROJECTS]
    return [next(iter(acts.mapped(scope))) for scope in scopes]


def _rows_of_projects() -> list[Mapping]:
    from mappings.models import Scope
    from tests.bench import acts

    scopes = Scope.objects.filter(family="a2j-step", rows__gt=0).order_by("-id")[:PROJECTS]
    return [next(iter(acts.mapped(scope))) for scope in scopes]


def _change(site: Site, row: Mapping) -> None:
    """Somebody else gives the record the target of a neighbour."""
    from mappings.models import Mapping

    others = Mapping.objects.filter(scope=row.scope).exclude(observed=row.observed).exclude(observed=None)
    edit = {
        "action": "update_mapping",
        "family": row.scope.family.replace("-", "_"),
        "project": row.scope.project.key if row.scope.project else None,
        "id": row.remote_id,
        "target": others.values_list("observed", flat=True)[0],
    }
    answer = requests.post(f"{site.sandbox_url}/_sandbox/edit", json=edit, timeout=60)
    assert answer.ok, answer.text


def _drifted(rows: Sequence[Mapping]) -> int:
    from mappings.models import Mapping

    return Mapping.objects.filter(pk__in=[row.pk for row in rows], situation="drifted").count()


if __name__ == "__main__":
    main()
