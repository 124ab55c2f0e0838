"""The widest matrix, 300 statuses and 30 steps with both directions: the page, a toggle, and the browser's share."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import requests

from tests.bench.report import Figure, percentile, show
from tests.bench.world import base_of_arguments, copied
from tests.environment import PASSWORD
from tests.support.processes import Site, csrf

if TYPE_CHECKING:
    from mappings.models import Mapping

PAGES, TOGGLES, VISITS = 40, 60, 7
PROJECT = "L0041"
ADDRESS = {"scope": PROJECT, "kind": "step", "type": "story"}
PATH = "/connectors/acme/mappings/"


def main() -> None:
    with copied(base_of_arguments(), "--rate-limit", "0") as site:
        rows, columns = widen()
        site.start_web()
        session = site.signed_in()
        figures = [*_page(site, session), *_queries(), *_toggles(site, session), *_browser(site)]
    show(f"Matrix of {rows} statuses x {columns} steps, both directions", figures)


def widen() -> tuple[int, int]:
    """Let one project's stories reach every shared status, and give each step of the long flow a way back."""
    from connectors.models import IssueType, ProcessStep, Project, ReachableStatus, Status
    from mappings.models import Mapping, Scope

    project = Project.objects.get(key=PROJECT)
    statuses = list(Status.objects.filter(jira_id__gte=20001, jira_id__lt=20301))
    issue_type = IssueType.objects.filter(name="Story", pk__in=project.reachable.values("issue_type")).get()
    ReachableStatus.objects.filter(project=project).delete()
    ReachableStatus.objects.bulk_create(
        ReachableStatus(project=project, issue_type=issue_type, status=status) for status in statuses
    )
    steps = list(ProcessStep.objects.filter(flow__name="Long flow"))
    scope = Scope.objects.get(family="a2j-step", project=project)
    Mapping.objects.filter(scope=scope, work_item_type="story").delete()
    Mapping.objects.bulk_create(
        Mapping(
            scope=scope,
            work_item_type="story",
            source_id=step.align_id,
            **dict.fromkeys(("wanted", "applied", "observed"), status.jira_id),
        )
        for step, status in zip(steps, statuses[::10], strict=True)
    )
    return len(statuses), len(steps)


def _page(site: Site, session: requests.Session) -> list[Figure]:
    def get() -> requests.Response:
        return session.get(site.url + PATH, params=ADDRESS, timeout=30)

    seconds = _timed(get, PAGES)
    with session.get(site.url + PATH, params=ADDRESS, stream=True, timeout=30) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        size = len(answer.raw.read(decode_content=False))
    return [
        Figure(what="page, server p50", value=1000 * percentile(seconds, 50), unit="ms", aim=120),
        Figure(what="page, server p95", value=1000 * percentile(seconds, 95), unit="ms"),
        Figure(what="page, gzipped", value=size / 1000, unit="kB", aim=60),
    ]


def _queries() -> list[Figure]:
    """Of a page, and of a toggle with what its transaction takes: BEGIN, locks, COMMIT. A worker is heard, as where the
    product runs: one that is silent costs a page a query."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tests.bench import acts
    from tests.support import factories

    factories.worker_alive()
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(acts.admin())
    with CaptureQueriesContext(connection) as of_page:
        answer = client.get(PATH, ADDRESS)
    assert answer.status_code == 200
    form = next(_forms(_mapped(TOGGLES + 1)[TOGGLES:]))
    headers = {"HX-Request": "true", "X-Beside": beside(answer.content.decode())}
    with CaptureQueriesContext(connection) as of_toggle:
        answer = client.post(f"{PATH}cell/", form, headers=headers)
    assert answer.status_code == 200
    return [
        Figure(what="page, queries", value=len(of_page), unit="", aim=15),
        Figure(what="toggle of a cell, queries", value=len(of_toggle), unit="", aim=15),
    ]


def _toggles(site: Site, session: requests.Session) -> list[Figure]:
    """Each sets another dot of the same status, with the headers that the page's script sends."""
    page = session.get(site.url + PATH, params=ADDRESS, timeout=30)
    forms, sizes = _forms(_mapped(TOGGLES)), []
    headers = {"HX-Request": "true", "X-CSRFToken": csrf(session), "Referer": site.url, "X-Beside": beside(page.text)}

    def toggle() -> requests.Response:
        url = f"{site.url}{PATH}cell/"
        with session.post(url, data=next(forms), headers=headers, stream=True, timeout=30) as answer:
            sizes.append(len(answer.raw.read(decode_content=False)))
        return answer

    def follow() -> None:
        headers["X-Beside"] = beside(session.get(site.url + PATH, params=ADDRESS, timeout=30).text)

    seconds = _timed(toggle, TOGGLES, between=follow)
    return [
        Figure(what="toggle of a cell, server p50", value=1000 * percentile(seconds, 50), unit="ms", aim=40),
        Figure(what="toggle of a cell, server p95", value=1000 * percentile(seconds, 95), unit="ms", aim=80),
        Figure(what="toggle of a cell, gzipped p95", value=percentile(sizes, 95) / 1000, unit="kB", aim=6),
    ]


def _mapped(number: int) -> list[Mapping]:
    from mappings.models import Mapping

    rows = Mapping.objects.filter(scope__family="j2a-step", scope__project=None, work_item_type="story")
    return list(rows.order_by("pk")[:number])


def _forms(rows: Iterable[Mapping]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {
            **ADDRESS,
            "to": "j2a",
            "direction": "both",
            "status": row.source_id,
            "seen": row.wanted,
            "target": 601 + row.pk % 30,
        }


def beside(html: str) -> str:
    """What a page says of itself, and its script sends with an edit."""
    found = re.search(r'data-beside="([\w-]+)"', html)
    assert found, "no matrix"
    return found[1]


def _timed(
    send: Callable[[], requests.Response], times: int, *, between: Callable[[], None] = lambda: None
) -> list[float]:
    """Seconds of each; what is done `between` is not measured."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        answer = send()
        seconds.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.url
        between()
    return seconds


def _browser(site: Site) -> list[Figure]:
    """Usable: loaded, and two frames drawn after that, so that scripts have run and the grid is on the screen."""
    from tests.support.browser import running_browser, sign_in, watched_page

    drawn = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    address = requests.Request("GET", site.url + PATH, params=ADDRESS).prepare().url or ""
    seconds = []
    with running_browser() as browser, watched_page(browser) as (page, complaints):
        sign_in(page, site.url, "admin@demo.test", PASSWORD)
        for _ in range(VISITS):
            began = time.perf_counter()
            page.goto(address)
            page.evaluate(drawn)
            seconds.append(time.perf_counter() - began)
        complaints.check()
    return [Figure(what="page usable in Chromium, median", value=percentile(seconds, 50), unit="s", aim=0.8)]


if __name__ == "__main__":
    main()
