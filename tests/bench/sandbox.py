"""The stand-in's lists of a large company: 100 rows by a filter over all of its 20,000 items of work."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import requests

from tests.bench.report import Figure, percentile, show, timed
from tests.bench.world import make_base

ITEMS, TIMES = 20_000, 40  # times that each filter is asked
WITHIN = 150.0  # milliseconds
TOKEN = "sandbox-align-token"  # the sandbox documents it; it opens nothing else
# Each finds a hundred at least, so that all are full pages.
FILTERS = (
    "contains(title, 'invoices') and not (state eq 2)",
    "startswith(title, 'Show') or ownerId eq null",
    "year(lastUpdatedDate) eq 2026 and programId ne null and lastUpdatedDate ge 2026-01-01T00:00:00Z",
    "itemId mul 2 gt 10000 and (state eq 1 or state eq 3)",
)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="alignadmin-bench-sandbox-") as directory:
        site = make_base(Path(directory) / "data")
        site.data_dir.mkdir(exist_ok=True)
        try:
            site.start_sandbox("--seed", "large", "--rate-limit", "0")
            _measure(f"{site.sandbox_url}/rest/align/api/2/workitems", site.children.started[0].process.pid)
        finally:
            site.stop()


def _measure(address: str, pid: int) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {TOKEN}"
    with timed() as first:
        assert len(_asked(session, address, {"$skip": str(ITEMS - 1)})) == 1, "there are as many items as it is said"
    before = _processor(pid)
    seconds = [_seconds(session, address, text) for text in FILTERS for _ in range(TIMES)]
    processor = _processor(pid) - before
    show(
        f"Sandbox: lists of 100 by {len(FILTERS)} filters over {ITEMS:,} items of work, {len(seconds)} requests",
        [
            Figure(what="p50", value=1000 * percentile(seconds, 50), unit="ms"),
            Figure(what="p95", value=1000 * percentile(seconds, 95), unit="ms", aim=WITHIN),
            Figure(what="the slowest", value=1000 * max(seconds), unit="ms"),
            Figure(what="time of the processor, mean", value=1000 * processor / len(seconds), unit="ms"),
            Figure(what="the very first request, for which the company is made", value=first.seconds, unit="s"),
        ],
    )


def _processor(pid: int) -> float:
    """Seconds that the sandbox has had of it, as Linux counts them: what a busy machine adds is not in it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _seconds(session: requests.Session, address: str, text: str) -> float:
    options = {"$filter": text, "$orderby": "lastUpdatedDate desc,id", "$top": "100"}
    with timed() as watch:
        found = _asked(session, address, options)
    assert len(found) == 100, f"{text} finds {len(found)}"
    return watch.seconds


def _asked(session: requests.Session, address: str, options: dict[str, str]) -> list[object]:
    answer = session.get(address, params=options, timeout=60)
    assert answer.status_code == 200, answer.text
    found: list[object] = answer.json()
    return found


if __name__ == "__main__":
    main()
