"""Live verifications over HTTP, against a sandbox whose Align connector moves items both ways, or does not."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from alignadmin.accounts.models import Role
from connectors.models import Connector
from mappings.models import TripState
from tests.conftest import SignIn
from tests.support.ours_helpers import writes
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.trip_helpers import QUICK, hops, issue, item, prepare, verified

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(connector: Connector, signed_in: SignIn, settings: LazySettings) -> Client:
    for name, value in QUICK.items():
        setattr(settings, name, value)
    return signed_in(Role.ADMIN)


@pytest.fixture
def moving(sandbox: RunningSandbox, admin: Client) -> RunningSandbox:
    """Its Align connector works, and carries titles both ways."""
    sandbox.reset(connector_moves="yes", connector_titles="both")
    sandbox.clear_journal()
    return sandbox


def test_a_change_is_followed_both_ways_and_put_back(moving: RunningSandbox, admin: Client) -> None:
    before = issue(moving), item(moving)
    print(before)
    trip = prepare(admin)
    print([(w.side, w.what, w.before_words, w.after_words) for w in trip.writes.all()], hops(trip))
    moving.clear_journal()
    trip = verified(admin)
    print(trip.state, trip.error, hops(trip), trip.left, [(w.side, w.what, w.purpose, w.before_words, w.after_words, w.state, w.detail) for w in trip.writes.all()])
    print([h.reason for h in trip.hops.all()])
    print([(w["method"], w["path"]) for w in writes(moving)], moving.journal("CONNECTOR"))
    assert trip.state == TripState.VERIFIED
    assert (issue(moving), item(moving)) == before
