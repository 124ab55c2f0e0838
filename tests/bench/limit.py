"""Apply 1,200 changes against the rate limit, everything scaled to a tenth, beside a plain concurrent script."""

from __future__ import annotations

import requests

from tests.bench.report import Figure, show, timed
from tests.bench.scripts import Outcome, concurrent
from tests.bench.world import base_of_arguments, copied
from tests.processes import Site

CHANGES = 1200
THREADS = 12
WINDOW = 6.0
SLOTS, RESERVED = 54, 6
SCALED = {
    "APPLY_READ_MAX_AGE": "6",
    "BUDGET_BLOCK": "6",
    "BUDGET_GRACE": "0.2",
    "BUDGET_RESERVED": str(RESERVED),
    "BUDGET_SLOTS": str(SLOTS),
    "BUDGET_WINDOW": str(WINDOW),
}


def main() -> None:
    with copied(base_of_arguments(), "--rate-limit", "60/6", "--block", "6", **SCALED) as site:
        _measure(site)


def _measure(site: Site) -> None:
    from alignadmin.tasks import run_due
    from connectors.models import Connector
    from mappings.models import Scope
    from tests.bench import acts

    shared = Scope.objects.filter(family__startswith="j2a", project=None).order_by("-rows")
    mapping_ids = acts.edit([row for scope in shared for row in acts.mapped(scope)][:CHANGES])
    plan = acts.started(acts.approved(Connector.objects.get(), mapping_ids))
    with timed() as watch:
        run_due()
    assert acts.confirmed(plan) == CHANGES
    journal = requests.get(f"{site.sandbox_url}/_sandbox/journal", timeout=60).json()
    script = concurrent(acts.undoing_calls(plan, site.sandbox_url), threads=THREADS, pause=WINDOW)
    show(
        f"Apply {CHANGES:,} changes at 60 requests in 6 s with a block of 6 s",
        [*_ours(watch.seconds, [entry["status"] for entry in journal]), *_scripts(script)],
    )


def _ours(seconds: float, statuses: list[int]) -> list[Figure]:
    """The least time: after one full window at once, each further window lets as many requests through."""
    least = (len(statuses) - 1) // (SLOTS - RESERVED) * WINDOW
    whole = (len(statuses) - 1) // SLOTS * WINDOW
    return [
        Figure(what="AlignAdmin", value=seconds, unit="s"),
        Figure(what="its requests, list reads included", value=len(statuses), unit=""),
        Figure(what="its answers 429", value=statuses.count(429), unit="", aim=0),
        Figure(
            what=f"its time by the least of its {SLOTS - RESERVED} bulk slots", value=seconds / least, unit="x", aim=1.1
        ),
        Figure(what=f"its time by the least of all {SLOTS} slots", value=seconds / whole, unit="x"),
    ]


def _scripts(script: Outcome) -> list[Figure]:
    return [
        Figure(what=f"plain script of {THREADS} threads, writes only", value=script.seconds, unit="s"),
        Figure(what="its answers 429", value=script.refused, unit=""),
        Figure(what="its changes that failed", value=script.failed, unit=""),
    ]


if __name__ == "__main__":
    main()
