"""What an operator's watch and an admin's pages are told: a worker that is not heard, keys, tables and a queue."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from alignadmin import sealing
from alignadmin.accounts.models import Role
from connectors.jobs import heartbeat
from connectors.models import Connector, Credential, Job, JobState, WorkerHeartbeat
from tests.conftest import SignIn
from tests.support import factories
from tests.support.processes import Site, eventually, migrated_site

pytestmark = pytest.mark.django_db
READY, PAGE = "/readyz", "/"
QUICK = {"WORKER_SILENT_AFTER": "3", "JOB_HEARTBEAT": "1"}


@pytest.fixture
def heard(db: None) -> WorkerHeartbeat:
    return factories.worker_alive()


def silent_for(row: WorkerHeartbeat, **time: float) -> None:
    WorkerHeartbeat.objects.filter(pk=row.pk).update(heard_at=timezone.now() - timedelta(**time))


def part(client: Client, name: str, *, status: int = 503) -> dict[str, Any]:
    answer = client.get(READY)
    assert answer.status_code == status, answer.content
    found: dict[str, Any] = answer.json()["parts"][name]
    assert found["ok"] is (status == 200)
    return found


# -- what is looked at -------------------------------------------------------------------------------------------------


def test_everything_in_order_is_200_with_its_figures(client: Client, heard: WorkerHeartbeat) -> None:
    answer = client.get(READY)
    assert answer.status_code == 200, answer.content
    parts = answer.json()["parts"]
    assert list(parts) == ["database", "migrations", "keys", "worker", "queue"]
    assert all(each["ok"] for each in parts.values())
    assert parts["worker"]["processes"] == 1
    assert parts["worker"]["heard_seconds_ago"] <= 5
    assert parts["queue"]["waiting"] == 0


def test_a_silent_worker_is_503_and_says_since_when(client: Client, heard: WorkerHeartbeat) -> None:
    silent_for(heard, minutes=20)
    told = part(client, "worker")
    assert re.search(r"No worker has reported since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", told["says"])
    assert told["processes"] == 0
    assert 1199 <= told["heard_seconds_ago"] <= 1205


def test_of_two_workers_one_that_is_heard_is_enough(client: Client, heard: WorkerHeartbeat) -> None:
    silent_for(heard, minutes=20)
    now = timezone.now()
    WorkerHeartbeat.objects.create(process="here:2", started_at=now, heard_at=now)
    assert part(client, "worker", status=200)["processes"] == 1


def test_an_installation_that_never_had_a_worker_is_not_ready(client: Client) -> None:
    assert "No worker has reported yet" in part(client, "worker")["says"]


def test_keys_that_open_nothing_are_told(client: Client, heard: WorkerHeartbeat, bare_connector: Connector) -> None:
    assert part(client, "keys", status=200)
    Credential.objects.update(sealed=sealing.seal("x", bound_to="elsewhere").replace("v1:test:", "v1:gone:"))
    assert 'SEAL_KEYS lacks the key "gone"' in part(client, "keys")["says"]


def test_a_job_that_nobody_takes_up_is_told(
    client: Client, heard: WorkerHeartbeat, bare_connector: Connector, settings: Settings
) -> None:
    job = Job.objects.create(connector=bare_connector, kind="refresh", subject="late")
    assert part(client, "queue", status=200)["waiting"] >= 1
    Job.objects.filter(pk=job.pk).update(queued_at=timezone.now() - timedelta(seconds=settings.QUEUE_LATE_AFTER + 60))
    assert "A job has waited for 96" in part(client, "queue")["says"]
    Job.objects.update(state=JobState.RUNNING)
    assert part(client, "queue", status=200)["waiting"] == 0


# -- who is told -------------------------------------------------------------------------------------------------------

OUTSIDE = "198.51.100.7"
TOLD: list[tuple[int, dict[str, str], bool]] = [
    (0, {"REMOTE_ADDR": "127.0.0.1"}, True),
    (0, {"REMOTE_ADDR": "::1"}, True),
    (0, {"REMOTE_ADDR": "::ffff:127.0.0.1"}, True),
    (0, {"REMOTE_ADDR": OUTSIDE}, False),
    # A proxy on this machine that the operator has not named: everybody seems to come from here.
    (0, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": OUTSIDE}, False),
    (0, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
    (0, {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=127.0.0.1"}, False),
    (1, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": OUTSIDE}, False),
    (1, {"REMOTE_ADDR": "10.0.0.3", "HTTP_X_FORWARDED_FOR": f"127.0.0.1, {OUTSIDE}"}, False),
    (1, {"REMOTE_ADDR": "127.0.0.1"}, True),  # asked at the web process itself
    # Through a proxy nobody is at this machine, whatever the proxy adds, leaves out or was told.
    (1, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": OUTSIDE}, False),
    (1, {"REMOTE_ADDR": "127.0.0.1", "HTTP_VIA": "1.1 proxy"}, False),
    (1, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_HOST": "localhost"}, False),
    (1, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
    (1, {"REMOTE_ADDR": "10.0.0.3", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
    (2, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
    (2, {"REMOTE_ADDR": "10.0.0.3", "HTTP_X_FORWARDED_FOR": f"127.0.0.1, {OUTSIDE}, 10.0.0.2"}, False),
]


@pytest.mark.parametrize(("proxies", "meta", "is_told"), TOLD)
def test_details_are_for_this_machine_and_others_get_the_code_alone(
    client: Client, heard: WorkerHeartbeat, settings: Settings, proxies: int, meta: dict[str, Any], is_told: bool
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    for status in (200, 503):
        answer = client.get(READY, **meta)
        assert answer.status_code == status
        assert bool(answer.content) is is_told
        silent_for(heard, minutes=20)


@pytest.mark.parametrize(
    ("said", "is_told"),
    [
        ("Bearer a-long-token", True),
        ("Bearer a-long-toke", False),
        ("bearer", False),
        ("Bearer ", False),
        ("Bearer ä", False),
        ("", False),
    ],
)
def test_the_token_of_the_settings_gets_the_details_from_anywhere(
    client: Client, heard: WorkerHeartbeat, settings: Settings, said: str, is_told: bool
) -> None:
    settings.READY_TOKEN = "a-long-token"
    answer = client.get(READY, REMOTE_ADDR=OUTSIDE, HTTP_AUTHORIZATION=said)
    assert bool(answer.content) is is_told


def test_without_a_token_in_the_settings_no_token_is_right(
    client: Client, heard: WorkerHeartbeat, settings: Settings
) -> None:
    assert client.get(READY, REMOTE_ADDR=OUTSIDE, HTTP_AUTHORIZATION="Bearer ").content == b""


def test_behind_tls_both_checks_are_answered_without_a_redirect(
    client: Client, heard: WorkerHeartbeat, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
    assert client.get(READY).status_code == 200
    assert client.get("/accounts/login/").status_code == 301


# -- pages -------------------------------------------------------------------------------------------------------------

SILENT = "No worker has reported since"


def test_every_page_of_an_admin_says_since_when_no_worker_was_heard(signed_in: SignIn, heard: WorkerHeartbeat) -> None:
    client = signed_in(Role.ADMIN)
    pages = (PAGE, "/connectors/", "/history/", "/plans/", "/settings/", "/accounts/2fa/")
    assert not any(SILENT in client.get(page).content.decode() for page in pages)
    silent_for(heard, minutes=20)
    since = WorkerHeartbeat.objects.get().heard_at
    for page in pages:
        shown = client.get(page).content.decode()
        assert f'{SILENT} <time datetime="{since:%Y-%m-%dT%H:%M:%SZ}"' in shown, page


def test_other_roles_are_not_told_what_they_cannot_mend(signed_in: SignIn, heard: WorkerHeartbeat) -> None:
    silent_for(heard, minutes=20)
    assert SILENT in signed_in(Role.ADMIN).get(PAGE).content.decode()
    for role in (Role.VIEWER, Role.EDITOR, Role.REVIEWER):
        assert SILENT not in signed_in(role).get(PAGE).content.decode()


def test_before_the_first_worker_pages_say_that_none_was_heard_yet(signed_in: SignIn) -> None:
    assert "No worker has reported yet." in signed_in(Role.ADMIN).get(PAGE).content.decode()


# -- the row -----------------------------------------------------------------------------------------------------------


def test_a_process_has_one_row_and_rows_of_last_week_go(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    old = timezone.now() - timedelta(days=8)
    WorkerHeartbeat.objects.create(process="gone:1", started_at=old, heard_at=old)
    monkeypatch.setattr(heartbeat, "_beaten_at", None)
    heartbeat.beat()
    heartbeat.beat()
    (row,) = WorkerHeartbeat.objects.all()
    assert row.process.endswith(f":{os.getpid()}")
    assert heartbeat.silence() is None


def test_beats_between_two_intervals_write_nothing(
    db: None, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(heartbeat, "_beaten_at", None)
    heartbeat.beat()
    with django_assert_num_queries(0):
        heartbeat.beat()


def test_a_clock_that_ticks_slowly_is_not_taken_for_silence(db: None, settings: Settings) -> None:
    settings.TICK = 120.0
    now = timezone.now()
    WorkerHeartbeat.objects.create(process="here:1", started_at=now, heard_at=now - timedelta(seconds=300))
    assert heartbeat.silence() is None


# -- real processes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def own_site(processes: None, tmp_path: Path) -> Iterator[Site]:
    with migrated_site(tmp_path / "var", **QUICK) as made:
        made.start_web()
        yield made


def status_of(site: Site) -> int:
    return requests.get(f"{site.url}{READY}", timeout=10).status_code


def test_workers_that_start_and_die_are_seen_from_outside(own_site: Site) -> None:
    """Two on one database: the death of one changes nothing, that of both is told within seconds."""
    assert status_of(own_site) == 503
    for number in (1, 2):
        own_site.start_worker()
        eventually(lambda number=number: processes(own_site) == number, what=f"worker {number}")  # type: ignore[misc]
    assert status_of(own_site) == 200
    first, second = (child for child in own_site.children.started if child.name == "worker")
    os.kill(first.process.pid, signal.SIGKILL)
    eventually(lambda: processes(own_site) == 1, what="the end of one worker")
    assert status_of(own_site) == 200
    os.kill(second.process.pid, signal.SIGKILL)
    eventually(lambda: status_of(own_site) == 503, what="the end of both")
    own_site.command("createadmin", "dana@example.test", "--password-stdin", stdin="for-tests-and-the-demo-only\n")
    assert SILENT in own_site.signed_in("dana@example.test").get(f"{own_site.url}/", timeout=10).text
    own_site.start_worker()
    eventually(lambda: status_of(own_site) == 200, what="a new worker")


def processes(site: Site) -> int:
    found: int = requests.get(f"{site.url}{READY}", timeout=10).json()["parts"]["worker"]["processes"]
    return found


def test_a_database_that_was_emptied_is_not_green(own_site: Site) -> None:
    assert requests.get(f"{own_site.url}/healthz", timeout=10).status_code == 200
    own_site.sql("DELETE FROM django_migrations WHERE app = 'sessions'")
    told = requests.get(f"{own_site.url}{READY}", timeout=10).json()["parts"]
    assert "lacks a migration of this version, beginning with sessions.0001_initial" in told["migrations"]["says"]
    own_site.sql("ALTER TABLE audit_chainhead RENAME TO gone", "DROP TABLE django_migrations")
    assert requests.get(f"{own_site.url}/healthz", timeout=10).status_code == 503
    answer = requests.get(f"{own_site.url}{READY}", timeout=10)
    assert answer.status_code == 503
    assert answer.json()["parts"]["migrations"]["says"] == "The database has no tables yet: run manage.py migrate."
    assert "keys" not in answer.json()["parts"], "what cannot be known is not told"


def test_no_crawler_is_let_in(client: Client) -> None:
    answer = client.get("/robots.txt")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.content.decode().split("\n") == ["User-agent: *", "Disallow: /", ""]
