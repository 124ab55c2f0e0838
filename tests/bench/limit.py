"""Apply 5,000 changes against the rate limit, with three tenths of its times, beside a plain concurrent script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from tests.bench.report import Figure, show
from tests.bench.scripts import Outcome, concurrent
from tests.bench.world import base_of_arguments, copied
from tests.support.processes import Site

if TYPE_CHECKING:  # Django is set up only when the copy is there
    from mappings.models import Mapping

CHANGES = 5000
OF_THE_SCRIPT = 1800  # three windows' worth: it only repeats itself
THREADS = 12
SCALE = 0.3
WINDOW = 60 * SCALE
SLOTS, RESERVED = 540, 60
BULK = SLOTS - RESERVED
SCALED = {
    "APPLY_READ_MAX_AGE": str(60 * SCALE),
    "BUDGET_BLOCK": str(60 * SCALE),
    "BUDGET_GRACE": str(2 * SCALE),
    "BUDGET_RESERVED": str(RESERVED),
    "BUDGET_SLOTS": str(SLOTS),
    "BUDGET_WINDOW": str(WINDOW),
    "SITE_LIMIT": "2000",  # of this sandbox, in 60 s
}


def main() -> None:
    limits = ("--rate-limit", f"600/{WINDOW:g}", "--block", f"{WINDOW:g}")
    with copied(base_of_arguments(), *limits, **SCALED) as site:
        _measure(site)


def _measure(site: Site) -> None:
    from alignadmin.due_work import run_due
    from connectors.models import Connector
    from tests.bench import acts

    plan = acts.started(acts.approved(Connector.objects.get(), acts.edit(_rows())))
    run_due()
    assert acts.confirmed(plan) == CHANGES
    plan.refresh_from_db()
    assert plan.started_at is not None
    assert plan.finished_at is not None
    seconds = (plan.finished_at - plan.started_at).total_seconds()
    journal = requests.get(f"{site.sandbox_url}/_sandbox/journal", timeout=60).json()
    ours = _ours(seconds, plan.api_calls, plan.seconds, [entry["status"] for entry in journal])
    script = concurrent(acts.undoing_calls(plan, site.sandbox_url)[:OF_THE_SCRIPT], threads=THREADS, pause=WINDOW)
    figures = [*ours, *_scripts(script)]
    show(f"Apply {CHANGES:,} changes at 600 requests in {WINDOW:g} s with a block of {WINDOW:g} s", figures)


def _rows() -> list[Mapping]:
    """Those of the shared lists, then of projects' lists from the longest on."""
    from mappings.models import Scope
    from tests.bench import acts

    rows: list[Mapping] = []
    shared, own = Scope.objects.filter(project=None), Scope.objects.exclude(project=None)
    for scope in (*shared.order_by("-rows"), *own.order_by("-rows", "pk")):
        found = list(acts.mapped(scope))
        # A row is edited to another row's target of its type.
        types = {kind for kind in {row.work_item_type for row in found} if len(_targets(found, kind)) > 1}
        rows += [row for row in found if row.work_item_type in types]
        if len(rows) >= CHANGES:
            break
    return rows[:CHANGES]


def _targets(rows: list[Mapping], kind: str) -> set[int | None]:
    return {row.observed for row in rows if row.work_item_type == kind}


def _ours(seconds: float, calls: int, told: float, statuses: list[int]) -> list[Figure]:
    """The least time of n requests is floor((n - 1) / slots) windows: the first burst takes all slots at once, and
    each further window lets as many through. n = pages of the lists before each batch + changes + pages at the end.
    """
    least = (calls - 1) // BULK * WINDOW
    whole = (calls - 1) // SLOTS * WINDOW
    return [
        Figure(what="AlignAdmin", value=seconds, unit="s"),
        Figure(what="told before", value=told, unit="s"),
        Figure(what=f"changes a second, of {BULK / WINDOW:.1f}", value=CHANGES / seconds, unit=""),
        Figure(what="requests that it needs, list reads included", value=calls, unit=""),
        Figure(what="requests that it sent, the log's tail included", value=len(statuses), unit=""),
        Figure(what="its answers 429", value=statuses.count(429), unit="", aim=0),
        Figure(what=f"its time by the least of its {BULK} bulk slots", value=seconds / least, unit="x", aim=1.1),
        Figure(what=f"its time by the least of all {SLOTS} slots", value=seconds / whole, unit="x"),
    ]


def _scripts(script: Outcome) -> list[Figure]:
    return [
        Figure(
            what=f"plain script of {THREADS} threads, {OF_THE_SCRIPT:,} writes only", value=script.seconds, unit="s"
        ),
        Figure(what="its changes a second", value=OF_THE_SCRIPT / script.seconds, unit=""),
        Figure(what="its answers 429", value=script.refused, unit=""),
        Figure(what="its changes that failed", value=script.failed, unit=""),
    ]


if __name__ == "__main__":
    main()
