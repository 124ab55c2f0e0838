"""How many SQL queries a page costs each role, at every address, against counts that were written down before.

A difference of one is a difference: a query that was saved is written down as well, or the next one more goes unseen.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.recent_sign_in import SEEN
from connectors.models import WorkerHeartbeat
from tests import SAMPLES
from tests.support.address_world import ADDRESSES, Address, World, send, world
from tests.support.page_forms import taken_back

__all__ = ["world"]
pytestmark = pytest.mark.once
FILE = SAMPLES / "query_counts.json"
WRITES = "WRITE_QUERY_COUNTS"
COMMAND = f"env {WRITES}=1 .venv/bin/python -m pytest -q tests/alignadmin/test_query_counts.py"
SIGNED_OUT = "signed out"
# A test is one transaction, so that each `atomic` of the product is a savepoint here; and of its clock only PostgreSQL
# is asked.
NOT_COUNTED = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "SELECT clock_timestamp()")
Counts = dict[str, dict[str, int]]  # address, role: number of queries


def test_a_page_costs_as_many_queries_as_were_written_down(world: World, people: dict[Role, Person]) -> None:
    counted = count(world, people)
    assert len(counted) > 50
    if os.environ.get(WRITES):
        FILE.write_text(as_text(counted))
    found = list(differences(json.loads(FILE.read_text()), counted))
    assert not found, "\n".join([*found, f"If this is meant, write the counts down anew and commit them: {COMMAND}"])


def test_one_query_more_or_less_is_named_and_so_is_an_address_that_came_or_went() -> None:
    before = {"plans": {"admin": 9, "viewer": 8}, "gone": {"admin": 1}}
    after = {"plans": {"admin": 10, "viewer": 7}, "new": {"admin": 2}}
    assert list(differences(before, after)) == [
        "gone, admin: 1 before, none now",
        "new, admin: none before, 2 now",
        "plans, admin: 9 before, 10 now",
        "plans, viewer: 8 before, 7 now",
    ]
    assert list(differences(after, after)) == []
    assert json.loads(as_text(after)) == after


def count(world: World, people: dict[Role, Person]) -> Counts:
    """Of every address that takes a GET, also where the answer is a refusal: that has its price, too.

    1. A first round, not counted, fills what a process or a session remembers. A worker is heard all the time: one that
       is silent costs a query. Activity, which costs two queries once a
       minute, is noted as if it were an hour later: on a busy machine the pages take longer than that minute. Which
       connector a person saw last is written when it is another one.
    2. Each request is taken back, so that the next one finds the same world.
    """
    Person.objects.update(last_connector=world.parameters["slug"])
    WorkerHeartbeat.objects.update(heard_at=timezone.now() + timedelta(hours=1))
    clients = {role.value: Client() for role in Role}
    for role in Role:
        clients[role.value].force_login(people[role])
        clients[role.value].get("/accounts/")
        session = clients[role.value].session
        session[SEEN] = time.time() + 3600
        session.save()
    clients[SIGNED_OUT] = Client()
    first_round = {name: _queries(clients[Role.ADMIN.value], address, world) for name, address in ADDRESSES.items()}
    return {
        name: {role: _queries(client, ADDRESSES[name], world) or 0 for role, client in sorted(clients.items())}
        for name in sorted(ADDRESSES)
        if first_round[name] is not None
    }


def _queries(client: Client, address: Address, world: World) -> int | None:
    """None where the address takes no GET."""
    with taken_back(client), CaptureQueriesContext(connection) as queries:
        answer = send(client, "GET", address, world)
        if answer.streaming:
            answer.getvalue()
    assert answer.status_code < 500 or address.name == "readyz", address.name
    if answer.status_code == 405:
        return None
    return sum(not query["sql"].startswith(NOT_COUNTED) for query in queries)


def differences(before: Counts, after: Counts) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, {}), after.get(name, {})
        for role in sorted(old.keys() | new.keys()):
            if old.get(role) != new.get(role):
                yield f"{name}, {role}: {old.get(role, 'none')} before, {new.get(role, 'none')} now"


def as_text(counted: Counts) -> str:
    """JSON with one line for each address."""
    lines = [f"  {json.dumps(name)}: {json.dumps(counted[name])}" for name in sorted(counted)]
    return "{\n" + ",\n".join(lines) + "\n}\n"
