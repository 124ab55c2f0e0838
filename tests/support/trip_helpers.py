"""Live verifications over HTTP: prepared, consented to, run by their job, and looked at hop by hop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from django.test import Client

from connectors.jobs import runner
from connectors.models import Job, JobKind, JobState
from mappings.models import RoundTrip
from tests.support.people_helpers import said
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox

PAGE = "/connectors/acme/verify/"
QUICK = {"ROUND_TRIP_INTERVAL": 0.02, "ROUND_TRIP_USUAL_LAG": 0.1, "ROUND_TRIP_LONGEST": 0.15}


def prepare(client: Client, item: str = "PAY-2", **more: str) -> RoundTrip:
    answer = client.post(PAGE, {"item": item, "title_back": "on", **more})
    assert answer.status_code == 303, said(answer)
    return RoundTrip.objects.latest("pk")


def begin(client: Client, trip: RoundTrip, **more: str) -> Any:
    form = {"fingerprint": trip.fingerprint, "agreed": "on", **more}
    return client.post(f"/verifications/{trip.pk}/approve/", form)


def active_job(trip: RoundTrip) -> Job:
    return Job.objects.get(kind=JobKind.ROUND_TRIP, subject=str(trip.pk), state__in=[JobState.QUEUED, JobState.RUNNING])


def work(trip: RoundTrip, *, meanwhile: Callable[[str], None] | None = None) -> RoundTrip:
    """Its job comes to its end; `meanwhile` is told what it is at, each time that is written."""
    run = runner.claim("a test", active_job(trip).pk)
    assert run is not None
    if meanwhile is not None:
        act, usual = meanwhile, runner.PROGRESS_EVERY
        runner.PROGRESS_EVERY = 0.0
        run.report = lambda item, _done: act(item)
        try:
            runner.execute(run)
        finally:
            runner.PROGRESS_EVERY = usual
    else:
        runner.execute(run)
    trip.refresh_from_db()
    return trip


def verified(client: Client, item: str = "PAY-2", *, meanwhile: Callable[[str], None] | None = None) -> RoundTrip:
    trip = prepare(client, item)
    assert begin(client, trip).status_code == 303
    return work(trip, meanwhile=meanwhile)


def hops(trip: RoundTrip) -> dict[str, str]:
    return {each.code: each.state for each in trip.hops.all()}


def reason(trip: RoundTrip, code: str) -> str:
    return str(trip.hops.get(code=code).reason)


def jira(sandbox: RunningSandbox, method: str, path: str, payload: object = None) -> Any:
    url = f"{sandbox.url}/rest/api/2{path}"
    answer = requests.request(method, url, json=payload, auth=(ADMIN, JIRA_TOKEN), timeout=10)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


def issue(sandbox: RunningSandbox, key: str = "PAY-2") -> tuple[str, str]:
    """Its title and the name of its status."""
    fields = jira(sandbox, "GET", f"/issue/{key}")["fields"]
    return fields["summary"], fields["status"]["name"]


def item(sandbox: RunningSandbox, number: int = 1, path: str = "stories") -> tuple[str, int]:
    """Its title and its state."""
    found = sandbox.align("GET", f"/{path}/{number}").json()
    return found["title"], found["state"]
