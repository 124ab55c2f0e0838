"""Use of a secret: entered before it is opened, one entry per job and version, and what a refusal leads to."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test import Client

from alignadmin import sealing
from alignadmin.accounts.models import Person, Role
from alignadmin.audit import verification
from alignadmin.audit.models import ChainHead, Entry
from alignadmin.http.errors import Forbidden, SignInRefused
from connectors.align.client import AlignClient
from connectors.credentials import clients
from connectors.credentials.clients import LockedOut, NoCredential
from connectors.credentials.values import SecretData, seal_secret
from connectors.history.mirror.projection import row_of
from connectors.jira.client import JiraClient
from connectors.jobs import runner
from connectors.jobs.threads import DatabaseThreads
from connectors.models import (
    Connector,
    Credential,
    CredentialKind,
    CredentialUse,
    HistoryRow,
    Job,
    JobKind,
    JobState,
    Stage,
    System,
)
from connectors.setup.services import store_credential
from tests.conftest import SignIn
from tests.support.sandbox_fixture import ADMIN, ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
SECOND_TOKEN = "the-second-token"


def stored(system: System = System.ALIGN, stage: Stage = Stage.CURRENT) -> Credential:
    return Credential.objects.get(system=system, stage=stage)


def entries(action: str = "credential.used") -> list[dict[str, Any]]:
    found = Entry.objects.filter(action=action).order_by("seq")
    return [json.loads(entry.body) for entry in found]


def job_of(owner: Connector, *, actor: Person | None = None, kind: JobKind = JobKind.OBSERVE) -> Job:
    return Job.objects.create(connector=owner, kind=kind, requested_by=actor)


def replace(owner: Connector, secret: str, *, actor: Person, system: System = System.ALIGN) -> Credential:
    kind = CredentialKind.ALIGN_BEARER if system is System.ALIGN else CredentialKind.JIRA_CLOUD
    return store_credential(owner, SecretData(system=system, kind=kind, user=ADMIN, secret=secret), actor=actor)


def staged(owner: Connector, secret: str) -> Credential:
    made = Credential(
        uuid=uuid4(), connector=owner, system=System.ALIGN, kind=CredentialKind.ALIGN_BEARER, stage=Stage.PENDING
    )
    seal_secret(made, secret)
    made.save()
    return made


# --- entries ----------------------------------------------------------------------------------------------------------


def test_a_job_enters_once_per_secret_who_used_it_for_what(bare_connector: Connector, admin: Person) -> None:
    job = job_of(bare_connector, actor=admin)
    for _ in range(2):  # a reader and a writer, or the same job taken over by another worker
        clients.align_client(bare_connector, job=job).connector()
    clients.jira_client(bare_connector, job=job).myself()
    align, jira = entries()
    current = stored()
    assert align["actor"]["id"] == admin.pk
    assert align["subject"] == f"credential {current.uuid}"
    assert align["data"] == {
        "system": "align",
        "stage": "current",
        "version": 1,
        "fingerprint": current.fingerprint,
        "job": job.pk,
        "kind": "observe",
    }
    assert jira["data"]["system"] == "jira"
    assert CredentialUse.objects.filter(job=job).count() == 2
    assert verification.verify().ok


def test_every_job_that_reads_or_writes_enters_its_use(connector: Connector) -> None:
    """The refresh reads both systems, what follows it only Align."""
    kinds = {(each["data"]["kind"], each["data"]["system"]) for each in entries()}
    assert {("refresh", "align"), ("refresh", "jira"), ("observe", "align")} <= kinds
    assert len(entries()) == CredentialUse.objects.count()


def test_uses_have_no_row_of_their_own_in_the_history(connector: Connector) -> None:
    assert entries()
    assert not HistoryRow.objects.filter(action="credential.used").exists()
    assert all(row_of(entry) is None for entry in Entry.objects.filter(action="credential.used"))


def test_two_workers_at_once_enter_it_once(bare_connector: Connector) -> None:
    job = job_of(bare_connector)

    def use(_: int) -> None:
        with closing(connection):
            clients.align_client(bare_connector, job=Job.objects.get(pk=job.pk))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(use, range(12)))
    assert len(entries()) == CredentialUse.objects.count() == 1


def test_when_the_entry_cannot_be_written_the_secret_stays_sealed_and_nothing_is_sent(
    bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    job = job_of(bare_connector)
    ChainHead.objects.update(seq=F("seq") - 1)  # the next entry would take a number that is taken
    with pytest.raises(IntegrityError):
        clients.align_client(bare_connector, job=job)
    ended = runner.run_now(runner.start(bare_connector, JobKind.REFRESH, actor=None))
    assert ended.state == JobState.FAILED
    assert sandbox.journal() == []
    assert not CredentialUse.objects.exists()
    ChainHead.objects.update(seq=F("seq") + 1)
    assert runner.run_now(runner.start(bare_connector, JobKind.REFRESH, actor=None)).state == JobState.DONE


def test_it_is_entered_even_if_the_secret_then_does_not_open(
    bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    Credential.objects.update(version=9)
    with pytest.raises(sealing.DoesNotOpen):
        clients.align_client(bare_connector, job=job_of(bare_connector))
    assert len(entries()) == 1
    assert sandbox.journal() == []


def test_a_thread_that_does_not_wait_for_the_disk_waits_for_this(bare_connector: Connector, admin: Person) -> None:
    """Otherwise a secret might have been used of which a power failure takes the entry away."""
    modes: list[int] = []

    def watch(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith('INSERT INTO "audit_entry"') and connection.vendor == "sqlite":
            modes.append(mode())
        return execute(sql, *arguments)

    def mode() -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous")
            return int(cursor.fetchone()[0])

    def use(client: AlignClient) -> int:
        with connection.execute_wrapper(watch):
            client.connector()
        return mode() if connection.vendor == "sqlite" else 1

    client = clients.align_client(bare_connector, job=job_of(bare_connector))
    replace(bare_connector, ALIGN_TOKEN, actor=admin)
    with DatabaseThreads(1) as threads:
        assert threads.submit(use, client).result() == 1
    assert len(entries()) == 2
    assert modes == ([2] if connection.vendor == "sqlite" else [])


# --- trials -----------------------------------------------------------------------------------------------------------


def test_the_button_enters_who_tested_what_and_the_answer_is_noted(
    bare_connector: Connector, signed_in: SignIn, admin: Person
) -> None:
    assert signed_in(Role.ADMIN).post("/connectors/acme/test/").status_code == 303
    tested = entries("credential.tested")
    assert [(each["actor"]["id"], each["data"]["system"]) for each in tested] == [
        (admin.pk, "align"),
        (admin.pk, "jira"),
    ]
    assert HistoryRow.objects.filter(action="credential.tested").count() == 2
    assert stored().used_at is not None


def test_without_its_entry_the_button_sends_nothing(
    bare_connector: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    client = signed_in(Role.ADMIN)
    ChainHead.objects.update(seq=F("seq") - 1)
    with pytest.raises(IntegrityError):
        client.post("/connectors/acme/test/")
    assert sandbox.journal() == []


# --- another secret in mid-job ----------------------------------------------------------------------------------------


def test_a_switch_reaches_a_job_under_way_at_its_next_call(
    bare_connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    job = job_of(bare_connector)
    client = clients.align_client(bare_connector, job=job)
    client.connector()
    sandbox.edit("add_token", site="align", token=SECOND_TOKEN, user="second@sandbox.test")
    replace(bare_connector, SECOND_TOKEN, actor=admin)
    client.connector()
    assert stored().used_at is not None
    assert [each["data"]["version"] for each in entries()] == [1, 2]
    sandbox.edit("revoke_token", site="align", token=ALIGN_TOKEN)
    assert client.connector().id == 123
    assert len(entries()) == 2


def test_all_threads_of_a_job_go_on_with_the_new_secret_and_enter_it_once(
    bare_connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    client = clients.align_client(bare_connector, job=job_of(bare_connector))
    sandbox.edit("add_token", site="align", token=SECOND_TOKEN)
    replace(bare_connector, SECOND_TOKEN, actor=admin)
    sandbox.edit("revoke_token", site="align", token=ALIGN_TOKEN)
    with DatabaseThreads(8) as threads:
        names = list(threads.each_done(lambda _: client.connector().id, range(24)))
    assert names == [123] * 24
    assert [each["data"]["version"] for each in entries()] == [1, 2]


@contextmanager
def answered_late(sandbox: RunningSandbox, client: AlignClient | JiraClient, **fault: Any) -> Iterator[Future[Any]]:
    """A call that is at the site while the block runs."""
    sandbox.faults({"path": "/rest/", "times": 1, "latency_ms": 800, **fault})

    def call() -> Any:
        with closing(connection):
            return client.connector() if isinstance(client, AlignClient) else client.myself()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(call)
        time.sleep(0.3)
        yield future


def test_a_call_that_is_refused_while_the_secret_is_replaced_goes_again(
    bare_connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    client = clients.align_client(bare_connector, job=job_of(bare_connector))
    sandbox.edit("add_token", site="align", token=SECOND_TOKEN)
    with answered_late(sandbox, client, status=401) as answer:
        replace(bare_connector, SECOND_TOKEN, actor=admin)
    assert answer.result().id == 123
    assert stored().last_answer == ""
    assert [each["data"]["version"] for each in entries()] == [1, 2]


def test_what_the_old_secret_is_told_says_nothing_about_the_new_one(
    bare_connector: Connector, sandbox: RunningSandbox, admin: Person
) -> None:
    """At Jira nothing goes again by itself: what was read before the refusal is not to be trusted."""
    with answered_late(sandbox, clients.jira_client(bare_connector), status=401) as answer:
        replace(bare_connector, JIRA_TOKEN, actor=admin, system=System.JIRA)
    with pytest.raises(SignInRefused):
        answer.result()
    bare_connector.refresh_from_db()
    assert stored(System.JIRA).last_answer == bare_connector.last_error == ""


def test_a_refusal_of_what_is_previous_by_now_is_noted_there_alone(
    bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    old = stored()
    with answered_late(sandbox, clients.align_client(bare_connector), status=403) as answer:
        Credential.objects.filter(pk=old.pk).update(stage=Stage.PREVIOUS)
    with pytest.raises(Forbidden):
        answer.result()
    bare_connector.refresh_from_db()
    assert stored(stage=Stage.PREVIOUS).refused_status == 403
    assert bare_connector.last_error == ""


@pytest.mark.parametrize(("secret", "is_good"), [(JIRA_TOKEN, True), ("a-dead-token", False)])
def test_at_jira_a_new_secret_is_proven_before_lists_are_read_with_it(
    bare_connector: Connector, sandbox: RunningSandbox, admin: Person, secret: str, is_good: bool
) -> None:
    """With a dead one we would be anonymous, and every list shorter without a word."""
    client = clients.jira_client(bare_connector)
    before = len(client.projects())
    replace(bare_connector, secret, actor=admin, system=System.JIRA)
    sandbox.clear_journal()
    if is_good:
        assert len(client.projects()) == before
    else:
        with pytest.raises(SignInRefused):
            client.projects()
        assert stored(System.JIRA).refused_status == 401
    asked = [entry["path"] for entry in sandbox.journal()]
    assert asked[0] == "/rest/api/2/myself"
    assert len(asked) == (2 if is_good else 1)


# --- exactly this one -------------------------------------------------------------------------------------------------


def test_a_pinned_remote_uses_and_notes_its_own_credential_alone(
    bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    pending = staged(bare_connector, "a-dead-token")
    job = job_of(bare_connector)
    with clients.credential_remote(pending, job=job) as remote, pytest.raises(SignInRefused):
        AlignClient(remote, bare_connector.align_connector_id).connector()
    pending.refresh_from_db()
    bare_connector.refresh_from_db()
    assert pending.refused_status == 401
    assert "(401)" in pending.last_answer
    assert (stored().used_at, bare_connector.last_error, bare_connector.answered_at) == (None, "", None)
    assert [each["data"]["stage"] for each in entries()] == ["pending"]
    assert len(sandbox.journal()) == 1


def test_a_pinned_remote_sends_nothing_once_its_credential_is_discarded(
    bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    pending = staged(bare_connector, ALIGN_TOKEN)
    with clients.credential_remote(pending) as remote:
        client = AlignClient(remote, bare_connector.align_connector_id)
        assert client.connector().id == 123
        pending.delete()
        sandbox.clear_journal()
        with pytest.raises(NoCredential, match="discarded meanwhile"):
            client.connector()
    assert sandbox.journal() == []


# --- never again after a refused password -----------------------------------------------------------------------------


@pytest.fixture
def at_data_center(bare_connector: Connector, sandbox: RunningSandbox) -> Connector:
    """Signed in there with user and password."""
    sandbox.reset(jira="server")
    Connector.objects.update(jira_kind="datacenter")
    Credential.objects.filter(system=System.JIRA).update(kind=CredentialKind.JIRA_PASSWORD)
    bare_connector.refresh_from_db()
    return bare_connector


def change_password(sandbox: RunningSandbox) -> None:
    sandbox.edit("regenerate_token", site="jira", token=JIRA_TOKEN, new_token="changed-at-the-site")
    sandbox.clear_journal()


def test_a_refused_password_is_never_sent_again_by_itself(
    at_data_center: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    client = clients.jira_client(at_data_center)
    assert client.myself()
    change_password(sandbox)
    with pytest.raises(SignInRefused):
        client.projects()
    assert stored(System.JIRA).refused_status == 401
    with pytest.raises(LockedOut, match="Try once more"):
        clients.jira_client(at_data_center, job=job_of(at_data_center))
    ended = runner.run_now(runner.start(at_data_center, JobKind.REFRESH, actor=None))
    assert "Nothing was sent: Jira refused this password" in ended.error
    assert "CAPTCHA" in ended.error
    assert "Nothing was sent" in press_test(signed_in(Role.ADMIN))
    assert len(sandbox.journal(containing="/rest/api/")) == 1
    assert not [each for each in entries() if each["data"]["system"] == "jira"]
    assert [each["data"]["system"] for each in entries("credential.tested")] == ["align"]


def press_test(client: Client) -> str:
    return client.post("/connectors/acme/test/", follow=True).content.decode()


def test_the_button_sends_a_refused_password_once(
    at_data_center: Connector, sandbox: RunningSandbox, signed_in: SignIn
) -> None:
    change_password(sandbox)
    client = signed_in(Role.ADMIN)
    assert "refused the sign-in (401)" in press_test(client)
    assert "Nothing was sent" in press_test(client)
    assert len(sandbox.journal(containing="/rest/api/")) == 1


def test_a_client_that_is_refused_in_mid_job_sends_at_most_two_in_all_its_threads(
    at_data_center: Connector, sandbox: RunningSandbox
) -> None:
    client = clients.jira_client(at_data_center)
    keys = [project.key for project in client.projects()]
    change_password(sandbox)

    def read(key: str) -> str:
        try:
            client.project_statuses(key)
        except (SignInRefused, LockedOut) as error:
            return type(error).__name__
        return "read"

    with DatabaseThreads(8) as threads:
        answers = list(threads.each_done(read, keys * 2))
    assert "read" not in answers
    assert 1 <= len(sandbox.journal(containing="/rest/api/")) <= 2


def test_a_captcha_is_a_refused_sign_in_too_and_says_what_to_do(
    at_data_center: Connector, sandbox: RunningSandbox
) -> None:
    denied = {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=https://jira.test/login.jsp"}
    sandbox.faults({"path": "/rest/api/", "status": 403, "headers": denied})
    with pytest.raises(SignInRefused, match="wants a CAPTCHA"):
        clients.jira_client(at_data_center).myself()
    assert "Sign in once in a browser" in stored(System.JIRA).last_answer
    sandbox.faults()
    sandbox.clear_journal()
    with pytest.raises(LockedOut):
        clients.jira_client(at_data_center)
    assert sandbox.journal() == []


def test_a_missing_right_locks_nothing(at_data_center: Connector, sandbox: RunningSandbox) -> None:
    sandbox.faults({"path": "/rest/api/", "status": 403, "times": 1})
    client = clients.jira_client(at_data_center)
    with pytest.raises(Forbidden):
        client.myself()
    assert stored(System.JIRA).refused_status == 403
    assert client.myself()
    assert stored(System.JIRA).refused_status is None


def test_another_credential_ends_the_lock(at_data_center: Connector, sandbox: RunningSandbox, admin: Person) -> None:
    change_password(sandbox)
    with pytest.raises(SignInRefused):
        clients.jira_client(at_data_center).myself()
    typed = SecretData(system=System.JIRA, kind=CredentialKind.JIRA_PASSWORD, user=ADMIN, secret="changed-at-the-site")
    store_credential(at_data_center, typed, actor=admin)
    assert clients.jira_client(at_data_center).myself()


def test_an_answer_that_was_under_way_does_not_unlock_a_refused_password(
    at_data_center: Connector, sandbox: RunningSandbox
) -> None:
    with answered_late(sandbox, clients.jira_client(at_data_center)) as answer:
        Credential.objects.filter(system=System.JIRA).update(refused_status=401, last_answer="refused")
    assert answer.result()
    assert stored(System.JIRA).refused_status == 401
    with pytest.raises(LockedOut):
        clients.jira_client(at_data_center)


def test_no_secret_is_opened_inside_a_transaction_that_could_undo_its_entry(bare_connector: Connector) -> None:
    job = job_of(bare_connector)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        clients.align_client(bare_connector, job=job)
    assert clients.align_client(bare_connector, job=job).connector().id == 123
