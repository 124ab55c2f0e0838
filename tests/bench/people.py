"""Thirty people at work on two web processes at the sizes the product carries, on SQLite and on PostgreSQL.

Each opens a page or sets a dot, thinks for about five seconds, and goes on. HISTORY_ROWS says how long the history is
(a million rows unless said), PEOPLE_SECONDS how long they work. Alone on the machine, or the figures say nothing.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import requests

from tests.bench import databases
from tests.bench.report import Figure, percentile, show
from tests.bench.world import UNLIMITED
from tests.support.processes import Site, csrf

PEOPLE, THINKING = 30, 5.0  # seconds, on average
SECONDS = float(os.environ.get("PEOPLE_SECONDS", "180"))
WARM = 20.0  # seconds that do not count: each process loads its views and templates once
PROCESSES, THREADS = 2, 4
AIM = 300
MATRIX = "/connectors/acme/mappings/"
WIDE = {"scope": "L0041", "kind": "step", "type": "story"}
# What they open, as often as it stands here.
PAGES: Mapping[str, tuple[str, dict[str, str], int]] = {
    "overview": ("/", {}, 3),
    "matrix": (MATRIX, {}, 5),
    "matrix of 300 x 30": (MATRIX, WIDE, 2),
    "plans": ("/plans/", {}, 2),
    "drift": ("/drift/", {}, 2),
    "history": ("/history/", {}, 3),
    "history, searched": ("/history/", {"q": "review type:story"}, 2),
    "connector": ("/connectors/acme/", {}, 1),
    "its projects": ("/connectors/acme/projects/", {}, 1),
    "set-up, its hierarchy": ("/connectors/acme/set-up/types/", {}, 1),
    "set-up, its fields": ("/connectors/acme/set-up/fields/", {}, 1),
    "hierarchy": ("/connectors/acme/hierarchy/", {}, 1),
    "fields": ("/connectors/acme/fields/", {}, 1),
    "search": ("/search/", {"q": "L00"}, 2),
}
TOGGLE, TOGGLES = "toggle of a cell", 5


def main() -> None:
    databases.run("tests.bench.people")


def measure() -> None:
    os.environ.update(UNLIMITED)
    name = databases.set_up()
    site = Site(data_dir=Path(os.environ["DATA_DIR"]), database_url=os.environ.get("DATABASE_URL", ""), extra=UNLIMITED)
    try:
        steps = _fill(site)
        site.start_web(threads=THREADS, processes=PROCESSES)
        seconds, refused = _at_work(site, steps)
    finally:
        site.stop()
    every = [each for found in seconds.values() for each in found]
    figures = [
        Figure(what=f"{what}, p95 of {len(found)}", value=1000 * percentile(found, 95), unit="ms", aim=AIM)
        for what, found in sorted(seconds.items())
    ]
    figures.append(Figure(what="all together, p50", value=1000 * percentile(every, 50), unit="ms"))
    figures.append(Figure(what="answers with 5xx or none at all", value=refused, unit="", aim=0))
    figures.append(Figure(what="requests a second", value=len(every) / SECONDS, unit=""))
    show(f"{PEOPLE} people who think for {THINKING:g} s, {PROCESSES} web processes, {name}", figures)


def _fill(site: Site) -> dict[int, int]:
    """The large data set, read by the product's own jobs, beside a long history.

    Of the wide matrix: which step each status means.
    """
    from alignadmin.due_work import run_due
    from mappings.models import Mapping as Record
    from tests.bench import history_rows, matrix

    site.start_sandbox("--seed", "large", "--rate-limit", "0")
    site.prepare()
    while run_due():
        pass
    matrix.widen()
    history_rows.three_years(databases.ROWS)
    databases.analyzed()
    rows = Record.objects.filter(scope__family="j2a-step", scope__project=None, work_item_type="story")
    return {row.source_id: row.wanted for row in rows if row.wanted is not None}


def _at_work(site: Site, steps: Mapping[int, int]) -> tuple[dict[str, list[float]], int]:
    """Seconds per page of what was asked after the first moments, and how much was not answered."""
    seconds: dict[str, list[float]] = defaultdict(list)
    refused: list[str] = []
    statuses = sorted(steps)
    # Nobody edits what another one edits.
    own = [{status: steps[status] for status in statuses[number::PEOPLE]} for number in range(PEOPLE)]
    sessions = [site.signed_in() for _ in range(PEOPLE)]
    for session in sessions:
        session.headers["X-Beside"] = _beside(session.get(site.url + MATRIX, params=WIDE, timeout=60))

    begins = time.monotonic() + WARM
    ends = begins + SECONDS

    def work(number: int) -> None:
        chance = random.Random(number)
        time.sleep(chance.uniform(0, THINKING))
        while (now := time.monotonic()) < ends:
            what = chance.choices([*PAGES, TOGGLE], [*(each[2] for each in PAGES.values()), TOGGLES])[0]
            began = time.perf_counter()
            problem = _do(what, site, sessions[number], own[number], chance)
            if problem:
                refused.append(f"{what}: {problem}")
            elif now >= begins:
                seconds[what].append(time.perf_counter() - began)
            time.sleep(chance.expovariate(1 / THINKING))

    people = [threading.Thread(target=work, args=[number]) for number in range(PEOPLE)]
    for each in people:
        each.start()
    for each in people:
        each.join()
    print("\n".join(refused[:5]))
    return seconds, len(refused)


def _do(what: str, site: Site, session: requests.Session, steps: dict[int, int], chance: random.Random) -> str:
    """One request, as the browser sends it; empty, or what was wrong with its answer."""
    try:
        if what == TOGGLE:
            status = chance.choice(list(steps))
            seen, steps[status] = steps[status], chance.choice([n for n in range(601, 631) if n != steps[status]])
            form = {**WIDE, "to": "j2a", "direction": "both", "status": status, "seen": seen, "target": steps[status]}
            headers = {"HX-Request": "true", "X-CSRFToken": csrf(session), "Referer": site.url}
            answer = session.post(f"{site.url}{MATRIX}cell/", data=form, headers=headers, timeout=60)
        else:
            path, query, _ = PAGES[what]
            answer = session.get(site.url + path, params=query, timeout=60)
    except requests.RequestException as error:
        return type(error).__name__
    session.headers["X-Beside"] = _beside(answer) or session.headers["X-Beside"]
    return "" if answer.status_code == 200 else f"{answer.status_code} {answer.url}"


def _beside(answer: requests.Response) -> str:
    """What the matrix' script tells of the panels that are shown, so that only others are sent."""
    said = re.search(r'data-beside="([^"]*)"', answer.text)
    return said[1] if said else ""


if __name__ == "__main__":
    if databases.word() == databases.UNDER_POSTGRESQL:
        databases.under_postgresql("tests.bench.people")
    else:
        {databases.HERE: measure}.get(databases.word(), main)()
