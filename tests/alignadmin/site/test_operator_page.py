"""The operator's page: what is wrong stands first, empty states say so, and no secret and no markup gets in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from alignadmin import sealing
from alignadmin.accounts.models import Role
from alignadmin.audit import checkpoints
from alignadmin.http.address import origin_of
from alignadmin.mail.models import OutgoingMail
from connectors.budget import peaks
from connectors.budget.slots import database_budget
from connectors.jobs import clock
from connectors.jobs.work_threads import WorkThreads
from connectors.models import (
    BudgetGate,
    BudgetPeak,
    BudgetSlot,
    Connector,
    Credential,
    Job,
    JobState,
    Project,
    ReportedChange,
    WorkerHeartbeat,
)
from tests.conftest import SignIn
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)
HOSTILE = "</td><script>alert(1)</script>" + "x" * 400


@pytest.fixture
def boss(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


def shown(client: Client, **headers: str) -> str:
    answer = client.get("/operator/", headers=headers)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_an_installation_without_trouble_says_so_and_refreshes_while_it_is_seen(boss: Client) -> None:
    factories.worker_alive()
    page = shown(boss)
    for sentence in (
        "Nothing needs your attention.",
        "No job is queued or running.",
        "No job has failed.",
        "No active connector leads to a site.",
        "No e-mail waits, and none has failed.",
        "No connector is active.",
        "In the last 90 days it has said nothing different.",
    ):
        assert sentence in page
    assert 'hx-trigger="every 30s" hx-swap="outerHTML" data-while-visible' in page
    fragment = shown(boss, **{"HX-Request": "true"})
    assert fragment.startswith('<div id="_operator"')
    assert "<nav" not in fragment


def test_what_is_wrong_stands_first_and_leads_to_its_part(
    boss: Client, bare_connector: Connector, settings: Settings
) -> None:
    now, owner = timezone.now(), bare_connector
    Job.objects.all().delete()
    long_ago = now - timedelta(days=1, hours=1)
    queued = Job.objects.create(connector=owner, kind="refresh")
    Job.objects.filter(pk=queued.pk).update(queued_at=now - timedelta(hours=2))
    Job.objects.create(connector=owner, kind="observe", state=JobState.RUNNING, lease_until=long_ago)
    for ended in (now, now, long_ago):
        Job.objects.create(connector=owner, kind="intake", state=JobState.FAILED, finished_at=ended, error=HOSTILE)
    budget = database_budget("align", origin_of(owner.align_site))
    budget.blocked(budget.take(deadline=1.0, patience=0), 75.0)
    later = now + timedelta(days=1)
    mail = {"recipients": [{"name": "", "address": "a@example.test"}], "expires_at": later, "next_try_at": later}
    OutgoingMail.objects.create(kind="reminder", about=HOSTILE[:80], queued_at=now, error="it failed", **mail)
    OutgoingMail.objects.bulk_create(OutgoingMail(kind="test", queued_at=now, **mail) for _ in range(20))
    OutgoingMail.objects.create(kind="test", queued_at=now, failed_at=now, error="given up behind them", **mail)
    checkpoints.make(checkpoints.COMMAND).deliveries.update(error="the disk is full")
    Credential.objects.filter(connector=owner, system="jira").update(refused_status=401)
    Connector.objects.filter(pk=owner.pk).update(align_active=False, align_told_at=now, align_message=HOSTILE)
    project = Project.objects.create(connector=owner, jira_id=1, key="A", name="A", in_scope=True, align_error="off")
    ReportedChange.objects.create(
        connector=owner, project=project, field="errorMessage", before="", after=HOSTILE, at=now
    )
    ReportedChange.objects.create(connector=owner, field="isActive", before="true", after="told-now", at=now)
    ReportedChange.objects.create(connector=owner, field="isActive", after="long-ago", at=now - timedelta(days=91))
    page = shown(boss)
    assert "long-ago" not in page
    assert "told-now" in page.partition("said differently of connectors")[2].partition("differently of projects")[0]
    assert "<script>alert" not in page
    first, _, rest = page.partition('id="workers"')
    for sentence in (
        "No worker is heard: start one.",
        "1 job was left by a worker, and none goes on yet.",
        "A job waits for too long: start another worker.",
        "2 jobs failed in the last 24 hours.",
        "refuses requests for their number: everybody waits.",
        "2 e-mails were tried and not sent.",
        "1 checkpoint could not leave this database.",
        "Jira refuses the credential of Acme (401).",
        "Align says that Acme is not active.",
    ):
        assert sentence in first, sentence
    assert first.index('class="tag bad"') < first.index('class="tag warn"')
    assert "the disk is full" in rest
    assert "given up behind them" in rest
    assert "a@example.test" not in page
    assert ", project <bdi>A</bdi>" in rest
    assert checkpoints.public_keys()[0].key_id in rest
    assert sealing.key_fingerprints()["test"] in rest
    assert settings.SEAL_KEYS[0].partition(":")[2] not in page


def test_it_takes_as_many_queries_for_many_connectors_as_for_one(boss: Client, bare_connector: Connector) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(boss, **{"HX-Request": "true"})
        return len(captured)

    Job.objects.create(connector=bare_connector, kind="intake", state=JobState.FAILED, finished_at=timezone.now())
    few = queries()
    for number in range(12):
        other = Connector.objects.create(
            slug=f"n{number}", name=f"N {number}", align_site=f"https://n{number}.example", align_connector_id=1,
            jira_site="https://jira.example", align_message="off",
        )  # fmt: skip
        Job.objects.create(connector=other, kind="intake", state=JobState.FAILED, finished_at=timezone.now())
        ReportedChange.objects.create(connector=other, field="errorMessage", after="off", at=timezone.now())
    assert queries() == few


def test_the_budget_of_the_last_hours_is_noted_by_its_highest_and_drawn(
    boss: Client, bare_connector: Connector, settings: Settings
) -> None:
    settings.BUDGET_SLOTS, settings.BUDGET_RESERVED = 10, 2
    now, origin = timezone.now(), origin_of(bare_connector.align_site)
    peaks.note(now)
    assert not BudgetPeak.objects.exists(), "an idle worker writes nothing"
    budget = database_budget("align", origin)
    tickets = [budget.take(deadline=1.0, patience=0) for _ in range(4)]
    peaks.note(timezone.now())
    BudgetSlot.objects.filter(pk=tickets[0].slot_id).update(free_at=now)
    peaks.note(timezone.now())
    budget.blocked(tickets[1], 600.0)
    peaks.note(timezone.now())
    assert BudgetPeak.objects.order_by("-used").first().used == 4  # type: ignore[union-attr]
    assert BudgetPeak.objects.filter(was_blocked=True).exists()
    gate = BudgetGate.objects.get(system="align")
    assert gate.refusals == 1
    BudgetPeak.objects.create(gate=gate, at=now - timedelta(hours=3), used=10)
    BudgetPeak.objects.create(gate=gate, at=now - timedelta(hours=7), used=9)
    page = shown(boss)
    assert page.count('class="peak') >= 2
    assert 'height="48.0"' in page
    assert ">9<" not in page.partition('id="budget"')[2].partition('id="mail"')[0]
    assert 'class="peak blocked"' in page
    peaks.note(now + peaks.KEPT + timedelta(hours=1))
    assert not BudgetPeak.objects.filter(at__lt=now).exists()


def test_a_copy_that_no_mail_server_took_says_why_and_all_workers_are_counted(
    boss: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHECKPOINT_FOLDER, settings.CHECKPOINT_RECIPIENTS = "", ["a@example.test"]
    now = timezone.now()
    made = checkpoints.make(checkpoints.COMMAND)
    OutgoingMail.objects.create(
        kind=checkpoints.CHECKPOINT_MAIL, about=checkpoints.mail_about(made.number), queued_at=now, recipients=[],
        expires_at=now + timedelta(days=1), next_try_at=now, error="it refused us",
    )  # fmt: skip
    WorkerHeartbeat.objects.bulk_create(
        WorkerHeartbeat(process=f"here:{number}", started_at=now, heard_at=now) for number in range(23)
    )
    page = shown(boss)
    assert "The mail server did not take it: it refused us." in page
    assert '<h2 id="workers">Workers</h2><span class="count">23</span>' in page


def test_a_peak_that_cannot_be_noted_does_not_stop_the_clock(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked = []

    def fails() -> None:
        raise DatabaseError("no such table")

    monkeypatch.setattr(clock, "AT_EACH_TICK", [fails, lambda: looked.append(1)])
    clock.tick(WorkThreads(1, lambda: None))
    assert looked
    assert "fails failed, which the clock calls at each tick" in caplog.text
