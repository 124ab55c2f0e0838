"""Kill the worker in mid-apply and start it again: how long until every request is settled and the plan at its end."""

from __future__ import annotations

import signal
import time

from tests.bench.report import Figure, show
from tests.bench.world import base_of_arguments, copied
from tests.support.processes import Site, eventually

CHANGES = 200
LATENCY_MS = 500
KILLS = 3
SCALED = {  # a tenth of the defaults
    "JOB_HEARTBEAT": "1",
    "JOB_HEARTBEAT_PATIENCE": "0.5",
    "JOB_LEASE": "3",
    "READ_TIMEOUT": "1.5",
    "REQUEST_DEADLINE": "2",
    "SENDING_GRACE": "0.5",
}
# With the settings as they come only the lease is waited for longer: a request has settled before it runs out.
LEASE_MORE = 27.0
ALLOWED = 90.0  # seconds


def main() -> None:
    with copied(base_of_arguments(), "--rate-limit", "0", "--latency", str(LATENCY_MS), **SCALED) as site:
        settled = [_killed(site) for _ in range(KILLS)]
    figures = [
        Figure(what=f"kill {number}: {left} requests on their way, until all are settled", value=seconds, unit="s")
        for number, (left, seconds) in enumerate(settled, start=1)
    ]
    slowest = max(seconds for _, seconds in settled) + LEASE_MORE
    what = f"the slowest with the lease as it comes, {LEASE_MORE:.0f} s more"
    figures.append(Figure(what=what, value=slowest, unit="s", aim=ALLOWED))
    show(f"Kill -9 in an apply of {CHANGES} changes, from the worker's restart, durations a tenth of default", figures)


def _killed(site: Site) -> tuple[int, float]:
    """How many requests were on their way at the kill, and seconds from the restart until they were settled."""
    from connectors.models import Connector, Job
    from mappings.models import ChangeState, Plan, Scope
    from tests.bench import acts

    # What the copy brought with it, and the last round's log intake, would only keep the worker busy.
    Job.objects.filter(state__in=["queued", "running"]).delete()
    shared = Scope.objects.get(family="j2a-step", project=None)
    plan = acts.approved(Connector.objects.get(), acts.edit(list(acts.mapped(shared))[:CHANGES]))
    site.start_worker()
    plan = acts.started(plan)
    sending = plan.changes.filter(state=ChangeState.SENDING)
    eventually(lambda: plan.changes.filter(state="done").count() > CHANGES // 4 and sending.exists(), within=60)
    _end(site, signal.SIGKILL)
    left = list(sending.values_list("pk", flat=True))
    began = time.perf_counter()
    site.start_worker()
    eventually(lambda: not sending.filter(pk__in=left).exists(), within=ALLOWED)
    seconds = time.perf_counter() - began
    eventually(lambda: Plan.objects.filter(pk=plan.pk, state="finished").exists(), within=ALLOWED)
    acts.confirmed(plan)
    _end(site, signal.SIGTERM)
    return len(left), seconds


def _end(site: Site, number: signal.Signals) -> None:
    worker = site.children.started.pop()
    assert worker.name == "worker"
    worker.process.send_signal(number)
    worker.process.wait(30)


if __name__ == "__main__":
    main()
