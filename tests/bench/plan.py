"""A plan over 100,000 rows of which 1,000 differ, until its Change rows are written."""

from __future__ import annotations

import resource

from tests.bench.report import Figure, show, timed
from tests.bench.world import base_of_arguments, copied

DIFFERENT = 1000


def main() -> None:
    with copied(base_of_arguments(), "--rate-limit", "0"):
        _measure()


def _measure() -> None:
    from connectors.models import Connector
    from mappings import planning
    from mappings.edits import queries
    from mappings.models import Mapping, Scope
    from tests.bench import acts

    connector = Connector.objects.get()
    scopes = Scope.objects.filter(connector=connector, family="a2j-state", rows__gt=0).order_by("id")
    rows = [mapping for scope in scopes[:DIFFERENT] for mapping in list(acts.mapped(scope))[:1]]
    assert len(acts.edit(rows)) == DIFFERENT
    before = _peak_mb()
    with timed() as watch:
        waiting = list(queries.waiting_edits(connector).values_list("pk", flat=True))
        plan = planning.make_plan(connector, waiting, actor=acts.admin(), reason=acts.REASON)
    assert plan.changes.count() == DIFFERENT
    show(
        f"Plan over {Mapping.objects.count():,} rows of which {DIFFERENT:,} differ",
        [
            Figure(what="until the Change rows are written", value=watch.seconds, unit="s", aim=3),
            Figure(what="peak memory of the process", value=_peak_mb(), unit="MB", aim=300),
            Figure(what="of it, before planning", value=before, unit="MB"),
        ],
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
