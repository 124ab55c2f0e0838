"""What applying a plan costs: its requests to Align, and the time they take within the rate budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mappings.engine.batches import Batch
from mappings.engine.families import ListAddress
from mappings.engine.plan import Action

PAGE_SIZE = 100


def list_pages(rows: int, page: int = PAGE_SIZE) -> int:
    """Requests that reading one list takes: a last page that is exactly full needs one more to prove the end."""
    return max(1, -(-rows // page)) + (1 if rows and rows % page == 0 else 0)


def request_count(planned: Sequence[Batch], rows_per_list: Mapping[ListAddress, int], page: int | None = None) -> int:
    """Requests of an undisturbed apply: lists before each batch, one per change, lists again at the end.

    `rows_per_list` counts ALL records of a list as last observed, whatever their type; changes move it on the way.
    `page`: the largest page of such a list that the site is known to answer.
    """

    def reads(place: ListAddress) -> int:
        return list_pages(rows[place], page or PAGE_SIZE)

    rows = {change.place: rows_per_list.get(change.place, 0) for batch in planned for change in batch}
    requests = 0
    for batch in planned:
        requests += sum(reads(place) for place in {change.place for change in batch}) + len(batch)
        for change in batch:
            rows[change.place] += (change.action is Action.CREATE) - (change.action is Action.DELETE)
    return requests + sum(reads(place) for place in rows)


def duration_estimate(
    requests: int,
    *,
    slots: int = 540,
    free: int | None = None,
    window: float = 60.0,
    latency: float = 0.1,
    workers: int = 12,
) -> float:
    """Seconds that `requests` take: at once while slots are free, then one window of waiting per `slots`.

    `free` slots are there at the start (all, unless told). A slot comes back `window` seconds after its answer.
    """
    first = min(slots if free is None else free, slots)
    rest = max(0, requests - first)
    windows = -(-rest // slots)
    # The last window's requests are sent at the workers' pace; earlier windows last at least as long as the wait.
    tail = rest - (windows - 1) * slots if windows else requests
    full = max(window + latency, slots * latency / workers)
    return windows * full + tail * latency / workers
