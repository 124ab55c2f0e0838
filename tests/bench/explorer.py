"""A query of 10,000 rows as its person waits for it, the worker's memory meanwhile, and of one with 100,000 rows.

Web, worker and sandbox run as processes; the page is asked again as often as it tells a browser to. The 100,000 rows
are of a site that makes them as it is asked: the sandbox's company has no list so long.
"""

from __future__ import annotations

import re
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from tests.bench.report import Figure, percentile, show
from tests.bench.sandbox import TOKEN
from tests.bench.world import make_base
from tests.support.processes import Site, csrf, eventually
from tests.support.scripted_server import Reply, Seen, serving

if TYPE_CHECKING:  # Django is set up only when the installation is there
    from connectors.models import Connector, QueryRun

ROWS, MANY = 10_000, 100_000
RUNS = 5
FIRST_ROWS_WITHIN, MEGABYTES_MORE = 1.0, 60.0
ASKS_EVERY = re.compile(r'hx-trigger="every (\d+)(m?s)"')
COLUMNS = "id,title,description,state,points,ownerId,programId,releaseId,lastUpdatedDate"
WITHIN = 600.0


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="alignadmin-bench-explorer-") as directory:
        site = make_base(Path(directory) / "data")
        site.migrate()
        try:
            site.start_sandbox("--seed", "large", "--rate-limit", "0")
            with serving(_endless) as endless:
                _measure(site, endless.address)
        finally:
            site.stop()


def _measure(site: Site, endless: str) -> None:
    from connectors.models import Connector
    from tests.support import factories

    actor = factories.person(email="admin@demo.test")
    company = factories.connector(site.sandbox_url, actor=actor)
    long = factories.connector(endless, actor=actor, slug="long", name="Long")
    # Nothing but queries is due.
    Connector.objects.update(jira_lists_due_at=None, align_lists_due_at=None, projects_due_at=None)
    site.start_web()
    site.start_worker()
    session = site.signed_in()
    _company_made(site)
    time.sleep(5)  # the worker has come to its rest
    idle = _megabytes(site, "VmRSS")
    waits = [_first_rows(site, session, company) for _ in range(RUNS)]
    some = _megabytes(site, "VmHWM")
    whole = _whole(site, session, long, MANY)
    many = _megabytes(site, "VmHWM")
    show(
        f"Explorer: {RUNS} queries of {ROWS:,} rows one after the other, then one of {MANY:,}",
        [
            Figure(what="from the first answer to rows on the page, median", value=percentile(waits, 50), unit="s"),
            Figure(what="the slowest of them", value=max(waits), unit="s", aim=FIRST_ROWS_WITHIN),
            Figure(what="the worker before the first", value=idle, unit="MB"),
            Figure(what=f"the most above that, {ROWS:,} rows", value=some - idle, unit="MB", aim=MEGABYTES_MORE),
            Figure(what=f"the most above that, {MANY:,} rows", value=many - idle, unit="MB", aim=MEGABYTES_MORE),
            Figure(what=f"{MANY:,} rows read and kept in", value=whole, unit="s"),
        ],
    )


def _company_made(site: Site) -> None:
    """The sandbox makes its company when it is first asked."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    address = f"{site.sandbox_url}/rest/align/api/2/stories?$top=1"
    requests.get(address, headers=headers, timeout=60).raise_for_status()


def _first_rows(site: Site, session: requests.Session, connector: Connector) -> float:
    """Seconds from the answer with the first rows to the answer of the page that shows them."""
    requests.delete(f"{site.sandbox_url}/_sandbox/journal", timeout=60).raise_for_status()
    address = _run(site, session, connector, f"/stories?$select={COLUMNS}&$orderby=lastUpdatedDate&$top={ROWS}")
    shown = 0.0
    while not shown:
        answer = session.get(address, timeout=30)
        if re.search(r"<tbody>\s*<tr", answer.text):
            shown = time.time()
        else:
            time.sleep(_pause(answer.text))
    first = requests.get(f"{site.sandbox_url}/_sandbox/journal", timeout=60).json()[0]
    assert first["path"].endswith("/stories"), first
    found = _ended(ROWS)
    assert found.requests >= ROWS // 100
    return shown - datetime.fromisoformat(first["at"]).timestamp()


def _pause(page: str) -> float:
    """Seconds until the page asks again."""
    found = ASKS_EVERY.search(page)
    assert found is not None, "the run has ended without rows"
    return int(found[1]) / (1000 if found[2] == "ms" else 1)


def _whole(site: Site, session: requests.Session, connector: Connector, rows: int) -> float:
    _run(site, session, connector, f"/stories?$select={COLUMNS}&$top={rows}")
    found = _ended(rows)
    assert found.job.started_at is not None
    assert found.job.finished_at is not None
    return (found.job.finished_at - found.job.started_at).total_seconds()


def _run(site: Site, session: requests.Session, connector: Connector, query: str) -> str:
    """The address of its page."""
    address = f"{site.url}/connectors/{connector.slug}/explorer/"
    session.get(address, timeout=30)
    form = {"act": "run", "q": query, "csrfmiddlewaretoken": csrf(session)}
    answer = session.post(address, data=form, headers={"Referer": address}, timeout=30, allow_redirects=False)
    assert answer.status_code == 303, answer.text[:2000]
    return site.url + answer.headers["Location"]


def _ended(rows: int) -> QueryRun:
    """The last run, once it is at its end."""
    from connectors.models import QueryRun

    def ended() -> QueryRun | None:
        found = QueryRun.objects.select_related("job").latest("pk")
        return None if found.is_active else found

    found = eventually(ended, within=WITHIN, what="the end of the run")
    assert (found.job.state, found.rows) == ("done", rows), found.job.error
    return found


def _endless(seen: Seen) -> Reply:
    """A list of stories without an end."""
    first, count = int(seen.query.get("$skip", "0")), int(seen.query.get("$top", "100"))
    return Reply(data=[_story(number) for number in range(first + 1, first + min(count, 100) + 1)])


def _story(number: int) -> dict[str, object]:
    return {
        "id": number,
        "title": f"Show orders {number}",
        "description": "Agreed with the business owner. " * 5,
        "state": number % 6,
        "points": number % 20 / 2,
        "ownerId": number % 500,
        "programId": number % 50,
        "releaseId": number % 8,
        "lastUpdatedDate": "2026-03-02T08:00:00Z",
    }


def _megabytes(site: Site, line: str) -> float:
    """Of the worker's memory, as Linux counts it: VmRSS now, or VmHWM, the most that it ever had."""
    worker = next(each for each in site.children.started if each.name == "worker")
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    found = re.search(rf"^{line}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
