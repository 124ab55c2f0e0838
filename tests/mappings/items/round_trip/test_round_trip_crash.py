"""Kill -9 around each write of a verification: it comes to its end, and nothing is left changed."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from alignadmin.accounts.models import Role
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Job, JobKind
from mappings.applying.outcomes import MOST_SENDS
from mappings.models import RoundTrip, TripState
from tests.conftest import SignIn
from tests.support.crash import At, dying
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.trip_helpers import active_job, begin, issue, item, prepare

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("processes")]

QUICK = {
    "REQUEST_DEADLINE": 0.6,
    "READ_TIMEOUT": 0.6,
    "SENDING_GRACE": 0.1,
    "ROUND_TRIP_INTERVAL": 0.05,
    "ROUND_TRIP_USUAL_LAG": 20,
    "ROUND_TRIP_LONGEST": 20,
}
POINTS = [
    At("before PUT"),  # the title in Jira
    At("after PUT"),
    At("before POST"),  # its transition
    At("after POST"),
    At("after PATCH"),  # the title in Align
    At("before PATCH", 2),  # its state
    At("after PATCH", 2),
    At("before PUT", 2),  # putting back
    At("after PUT", 2),
    At("after POST", 2),
    At("before the commit of verification.sending", 3),
    At("after the commit of verification.sending", 5),
    At("before the commit of verification.finished"),
    At("after the commit of verification.finished"),
]


def do_trip(job: int) -> None:
    run = runner.claim(str(os.getpid()), job)
    assert run is not None
    runner.execute(run)


def recover() -> None:
    """As a worker that is started anew once the lease has run out."""
    for _ in range(MOST_SENDS):
        jobs = Job.objects.filter(kind=JobKind.ROUND_TRIP, state__in=ACTIVE)
        jobs.update(lease_until=timezone.now() - timedelta(seconds=1))
        for job in jobs:
            runner.run_now(job)


def test_a_kill_around_any_write_leaves_nothing_changed(
    connector: Connector, sandbox: RunningSandbox, signed_in: SignIn, settings: LazySettings
) -> None:
    for name, value in QUICK.items():
        setattr(settings, name, value)
    sandbox.reset(connector_moves="yes", connector_titles="both")
    client = signed_in(Role.ADMIN)
    before = issue(sandbox), item(sandbox)
    with dying(do_trip, environment={name: str(value) for name, value in QUICK.items()}) as die:
        for point in POINTS:
            trip = prepare(client)
            assert begin(client, trip).status_code == 303
            crash = die(point, [active_job(trip).pk])
            assert crash.killed, f"nothing died at {point}: {crash.passed}"
            recover()
            check(trip, str(point))
            assert (issue(sandbox), item(sandbox)) == before, point


def check(trip: RoundTrip, where: str) -> None:
    trip.refresh_from_db()
    said = [(each.side, each.what, each.state, each.detail) for each in trip.writes.all()]
    assert trip.state == TripState.VERIFIED, f"{where}: {trip.state} {trip.error} {trip.left} {said}"
    assert {each.state for each in trip.writes.all()} <= {"done", "failed"}, f"{where}: {said}"
    assert not trip.writes.filter(purpose="change").exclude(state="done").exists(), f"{where}: {said}"
    assert all(each.sends <= MOST_SENDS for each in trip.writes.all()), where
