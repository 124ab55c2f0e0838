"""`/metrics`: who gets it, that each figure tells what the database holds, and that one that fails stops no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from alignadmin import figures
from alignadmin.accounts.models import Person
from alignadmin.audit import checkpoints
from alignadmin.audit.models import CheckpointDelivery
from alignadmin.figures import Figure, FigureSource, FigureValue
from alignadmin.http.address import origin_of
from alignadmin.mail.models import OutgoingMail
from alignadmin.site import metrics
from connectors.budget.slots import database_budget
from connectors.models import Connector, Coverage, Credential, Job, JobState, Project
from mappings.models import Change, Mapping, Plan, Scope
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)
OUTSIDE = "198.51.100.7"
Labels = frozenset[tuple[str, str]]


def scraped(client: Client, **meta: Any) -> dict[str, dict[Labels, float]]:
    answer = client.get("/metrics", **meta)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert "no-store" in answer["Cache-Control"]
    families = text_string_to_metric_families(answer.content.decode())
    found: dict[str, dict[Labels, float]] = {}
    for sample in (each for family in families for each in family.samples):
        of_name = found.setdefault(sample.name, {})
        assert frozenset(sample.labels.items()) not in of_name, f"{sample.name} is there twice"
        of_name[frozenset(sample.labels.items())] = sample.value
    return found


def of(found: dict[str, dict[Labels, float]], name: str, **labels: str) -> float:
    return found[f"alignadmin_{name}"][frozenset(labels.items())]


# -- who gets it -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meta", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": OUTSIDE}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": OUTSIDE}, 403),  # by a proxy that nobody named
        ({"REMOTE_ADDR": OUTSIDE, "HTTP_AUTHORIZATION": "Bearer a-long-token"}, 200),
        ({"REMOTE_ADDR": OUTSIDE, "HTTP_AUTHORIZATION": "Bearer a-long-toke"}, 403),
        ({"REMOTE_ADDR": OUTSIDE, "HTTP_AUTHORIZATION": "Bearer "}, 403),
        ({"REMOTE_ADDR": OUTSIDE, "QUERY_STRING": "token=a-long-token"}, 403),
    ],
)
def test_it_is_for_this_machine_and_for_who_knows_the_token(
    client: Client, settings: Settings, meta: dict[str, Any], status: int
) -> None:
    settings.READY_TOKEN = "a-long-token"
    settings.SECURE_SSL_REDIRECT = True  # behind the proxy that ends TLS
    answer = client.get("/metrics", **meta)
    assert answer.status_code == status
    assert bool(answer.content) is (status == 200)


# -- what it tells -----------------------------------------------------------------------------------------------------


def test_names_are_ours_alone_and_each_has_a_help_and_bounded_labels(client: Client) -> None:
    """Nothing of the process that happens to answer: another one would tell another number."""
    lines = client.get("/metrics").content.decode().splitlines()
    names = {line.split()[2] for line in lines if line.startswith("# HELP")}
    known = metrics.figures()
    assert names == {each.name for each in known}
    assert len(names) == len(known) > 20, "a name is there twice"
    assert all(line.startswith(("#", "alignadmin_")) for line in lines)
    allowed = {"connector", "kind", "place", "site", "source", "state", "system", "way"}
    for each in known:
        assert each.help.endswith("."), each.name
        assert set(each.labels) <= allowed, each.name
        assert each.name.endswith("_total") is each.only_rises, each.name
        assert each.name.endswith("_seconds") is each.help.startswith("Seconds"), each.name


def test_each_figure_is_what_the_database_holds(
    client: Client, bare_connector: Connector, admin: Person, settings: Settings
) -> None:
    settings.CHECKPOINT_INTERVAL = 3600.0
    now, slug = timezone.now(), bare_connector.slug
    of_site = {"system": "align", "site": origin_of(bare_connector.align_site)}
    before(client, bare_connector)
    furnish(bare_connector, admin, now)
    found = scraped(client)
    expected: list[tuple[str, dict[str, str], float]] = [
        ("workers", {}, 1),
        ("jobs", {"kind": "refresh", "state": "queued"}, 1),
        ("jobs", {"kind": "observe", "state": "running"}, 1),
        ("jobs_failed", {"kind": "intake"}, 1),
        ("leases_overdue", {}, 1),
        ("budget_slots", of_site, settings.BUDGET_SLOTS),
        ("budget_slots_for_work", of_site, settings.BUDGET_SLOTS - settings.BUDGET_RESERVED),
        ("budget_slots_used", of_site, 2),
        ("rate_limited_total", of_site, 1),
        ("mail_unsent", {}, 1),
        ("mail_failed", {}, 2),
        ("checkpoint_late", {}, 1),
        ("checkpoints_undelivered", {"place": "folder"}, 1),
        ("credential_refused", {"connector": slug, "system": "align"}, 1),
        ("credential_refused", {"connector": slug, "system": "jira"}, 0),
        ("connector_active_in_align", {"connector": slug}, 0),
        ("align_messages", {"connector": slug}, 2),
        ("mappings_drifted", {"connector": slug}, 1),
        ("applies", {"connector": slug, "state": "applying"}, 1),
        ("applies", {"connector": slug, "state": "paused"}, 0),
        ("changes_unanswered", {"connector": slug}, 2),
    ]
    assert [(name, labels, of(found, name, **labels)) for name, labels, _ in expected] == expected
    ages: list[tuple[str, dict[str, str], float]] = [
        ("worker_heard_age_seconds", {}, 0),
        ("queue_age_seconds", {}, 1000),
        ("budget_blocked_seconds", of_site, 60),
        ("mail_unsent_age_seconds", {}, 1000),
        ("checkpoint_age_seconds", {}, 0),
        ("checkpoints_undelivered_age_seconds", {"place": "folder"}, 0),
        ("signing_key_age_seconds", {}, 0),
        ("credential_age_seconds", {"connector": slug, "system": "align"}, 86_400),
        ("catalogue_age_seconds", {"connector": slug, "system": "align"}, 1000),
        ("catalogue_age_seconds", {"connector": slug, "system": "jira"}, 0),
        ("log_age_seconds", {"connector": slug, "way": "endpoint"}, 1000),
        ("drift_age_seconds", {"connector": slug}, 1000),
        ("drift_pace_seconds", {"connector": slug}, bare_connector.observe_every),
        ("apply_age_seconds", {"connector": slug}, 1000),
    ]
    for name, labels, seconds in ages:
        assert seconds - 1 <= of(found, name, **labels) <= seconds + 30, name
    assert 3 * 86_400 < of(found, "credential_remaining_seconds", connector=slug, system="align") <= 4 * 86_400 + 7200
    assert set(found["alignadmin_scrape_errors"].values()) == {0}
    told = {name for name, *_ in expected + ages} | {"credential_remaining_seconds", "scrape_errors", "lists_unknown"}
    assert {f"alignadmin_{name}" for name in told} == {each.name for each in metrics.figures()}


ABSENT = {f"alignadmin_{name}_age_seconds" for name in ("catalogue", "drift", "log")}


def test_ages_that_no_clock_keeps_down_are_absent(
    client: Client, bare_connector: Connector, settings: Settings
) -> None:
    now, mine = timezone.now(), Connector.objects.filter(pk=bare_connector.pk)
    mine.update(catalogue_at=now - timedelta(days=1), align_active=False, align_told_at=now - timedelta(days=2))
    found = scraped(client)
    assert found.keys() >= ABSENT
    assert "alignadmin_connector_active_in_align" not in found, "what it told two days ago says nothing of now"
    for log_by_hand, problem, way in ((False, "", "hand"), (False, "answered 500", "endpoint"), (True, "odd", "hand")):
        mine.update(audit_source="none", log_by_hand=log_by_hand, audit_problem=problem)
        assert of(scraped(client), "log_age_seconds", connector=bare_connector.slug, way=way) >= 0
    settings.CATALOGUE_INTERVAL = 0
    assert ABSENT - scraped(client).keys() == {"alignadmin_catalogue_age_seconds"}
    settings.CATALOGUE_INTERVAL = 300
    mine.update(maintenance_since=now)
    assert ABSENT - scraped(client).keys() == {"alignadmin_catalogue_age_seconds", "alignadmin_drift_age_seconds"}


def before(client: Client, owner: Connector) -> None:
    """An installation that has done nothing yet has its figures, too."""
    found = scraped(client)
    assert of(found, "queue_age_seconds") == of(found, "mail_unsent_age_seconds") == 0
    assert of(found, "budget_slots_used", system="align", site=origin_of(owner.align_site)) == 0
    assert "alignadmin_connector_active_in_align" not in found
    assert not ABSENT & found.keys(), "before the first refresh of its catalogue nothing of it is late"
    Job.objects.all().delete()


def furnish(owner: Connector, admin: Person, now: datetime) -> None:
    earlier = now - timedelta(seconds=1000)
    factories.worker_alive()
    queued = Job.objects.create(connector=owner, kind="refresh")
    Job.objects.filter(pk=queued.pk).update(created_at=now - timedelta(days=1), queued_at=earlier)  # it was given back
    Job.objects.create(connector=owner, kind="observe", state=JobState.RUNNING, lease_until=earlier)
    Job.objects.create(connector=owner, kind="intake", state=JobState.FAILED, finished_at=earlier)
    Job.objects.create(connector=owner, kind="intake", state=JobState.FAILED, finished_at=now - timedelta(hours=2))
    budget = database_budget("align", origin_of(owner.align_site))
    tickets = [budget.take(deadline=1.0, patience=0) for _ in range(2)]
    for ticket in tickets:  # refused together: one block
        budget.blocked(ticket, 75.0)
    a_mail(queued_at=earlier)
    a_mail(queued_at=earlier, tries=3, failed_at=now)
    a_mail(queued_at=earlier, failed_at=now)  # its time was over before a mail server was there
    a_mail(queued_at=earlier, failed_at=now, tries=1, about="somebody", is_withdrawn=True)
    checkpoints.make(checkpoints.HOUR, now=now - timedelta(hours=3))
    made = checkpoints.make(checkpoints.COMMAND)
    CheckpointDelivery.objects.update(delivered_at=now)
    made.deliveries.update(delivered_at=None)
    made.deliveries.create(place="url")  # of the settings no more
    current = Credential.objects.filter(connector=owner, system="align")
    yesterday = now - timedelta(days=1)
    current.update(refused_status=401, created_at=yesterday, expires_on=timezone.localdate() + timedelta(days=3))
    Connector.objects.filter(pk=owner.pk).update(
        align_active=False, align_told_at=earlier, align_message="off", align_lists_at=earlier, catalogue_at=now
    )
    Project.objects.create(connector=owner, jira_id=1, key="A", name="A", in_scope=True, align_error="no programme")
    Project.objects.create(connector=owner, jira_id=2, key="B", name="B", in_scope=False, align_error="not ours")
    Coverage.objects.create(connector=owner, since=earlier, until=earlier, intake="endpoint")
    scope = Scope.objects.create(connector=owner, family="j2a-state", observed_at=earlier)
    Mapping.objects.create(scope=scope, work_item_type="story", source_id=1, situation="drifted")
    plan = Plan.objects.create(
        connector=owner, author=admin, state="applying", created_at=now, seen_at=now, started_at=earlier
    )
    for position, (state, sent_at) in enumerate(
        [("sending", now), ("sending", earlier), ("unknown", now), ("done", earlier)]
    ):
        Change.objects.create(
            plan=plan, position=position, family="j2a-state", work_item_type="story", source_id=1, state=state,
            sent_at=sent_at,
        )  # fmt: skip


def a_mail(**values: Any) -> None:
    later = timezone.now() + timedelta(days=1)
    OutgoingMail.objects.create(
        kind="test", recipients=[], message_id="<x@localhost>", expires_at=later, next_try_at=later, **values
    )


def test_a_source_that_fails_is_counted_and_the_others_are_told(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    odd = Figure(name="alignadmin_odd", help="Odd things.", labels=("kind",))
    caplog.set_level("CRITICAL")

    def breaks(now: datetime) -> Iterator[FigureValue]:
        yield odd.of(1, "x")
        raise DatabaseError("no such table")

    def mislabelled(now: datetime) -> list[FigureValue]:
        return [odd.of(1), Figure(name="alignadmin_unknown", help="").of(1)]

    broken = [FigureSource(name=each.__name__, figures=(odd,), read=each) for each in (breaks, mislabelled)]
    monkeypatch.setattr(figures, "_sources", [broken[0], *figures.sources(), broken[1]])
    found = scraped(client)
    errors = {dict(labels)["source"] for labels, value in found["alignadmin_scrape_errors"].items() if value}
    assert errors == {"breaks", "mislabelled"}
    assert "alignadmin_odd" not in found
    assert of(found, "queue_age_seconds") == 0


def test_a_scrape_takes_as_many_queries_for_many_connectors_as_for_one(
    client: Client, bare_connector: Connector
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            scraped(client)
        return len(captured)

    scraped(client)
    few = queries()
    names = [f"{'x' * 40}-{number}" for number in range(30)]
    Connector.objects.bulk_create(
        Connector(slug=name, name=name, align_site=f"https://{name}.example", align_connector_id=1, jira_site="odd")
        for name in names
    )
    assert queries() == few <= 28
    assert of(scraped(client), "budget_slots_used", system="align", site=f"{names[7]}.example") == 0
