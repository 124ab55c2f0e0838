"""Apply 200 changes at 100 ms remote latency, in one list and over 40 projects, beside a plain sequential script."""

from __future__ import annotations

from tests.bench.report import Figure, show
from tests.bench.scripts import sequential
from tests.bench.world import base_of_arguments, copied
from tests.support.processes import Site

CHANGES = 200
PROJECTS = 40
LATENCY_MS = 100


def main() -> None:
    with copied(base_of_arguments(), "--rate-limit", "0", "--latency", str(LATENCY_MS)) as site:
        figures = [
            *_compared(site, "one list of {} rows", _one_list("j2a-step"), aim=5),
            *_compared(site, "one list of {} rows", _one_list("j2a-state"), aim=5),
            *_compared(site, f"{PROJECTS} projects", _many_projects()),
        ]
    show(f"Apply {CHANGES} changes at {LATENCY_MS} ms remote latency", figures)


def _one_list(family: str) -> list[int]:
    from mappings.models import Scope
    from tests.bench import acts

    shared = Scope.objects.get(family=family, project=None)
    return acts.edit(list(acts.mapped(shared))[:CHANGES])


def _many_projects() -> list[int]:
    from mappings.models import Scope
    from tests.bench import acts

    scopes = list(Scope.objects.filter(family="a2j-state", rows__gte=CHANGES // PROJECTS).order_by("-id")[:PROJECTS])
    assert len(scopes) == PROJECTS
    return acts.edit([row for scope in scopes for row in list(acts.mapped(scope))[: CHANGES // PROJECTS]])


def _compared(site: Site, where: str, mapping_ids: list[int], aim: float | None = None) -> list[Figure]:
    from django.utils import timezone

    from alignadmin.due_work import run_due
    from connectors.models import Connector
    from tests.bench import acts

    assert len(mapping_ids) == CHANGES
    plan = acts.started(acts.approved(Connector.objects.get(), mapping_ids))
    began = timezone.now()
    run_due()
    assert acts.confirmed(plan) == CHANGES
    plan.refresh_from_db()
    assert plan.finished_at is not None
    # What follows is the log's intake, which an admin does not wait for.
    seconds = (plan.finished_at - began).total_seconds()
    script = sequential(acts.undoing_calls(plan, site.sandbox_url))
    assert script.failed == script.refused == 0
    first = plan.changes.select_related("scope").first()
    where = where.format(first.scope.rows if first and first.scope else 0)
    return [
        Figure(what=f"{where}: AlignAdmin, lists read before and after", value=seconds, unit="s"),
        Figure(what=f"{where}: sequential script, writes only", value=script.seconds, unit="s"),
        Figure(what=f"{where}: times faster", value=script.seconds / seconds, unit="x", aim=aim, at_least=True),
    ]


if __name__ == "__main__":
    main()
