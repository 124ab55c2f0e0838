"""Every address of the product, and one thing of each kind that an address can name, so that all can be asked.

The resolver says which addresses there are; a new one that names a new kind of thing fails until it is made here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.rights import Right
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from connectors.align.query import query_of
from connectors.explorer import saved
from connectors.explorer import services as queries
from connectors.history.intake import waiting
from connectors.history.intake.by_hand import ReadOptions
from connectors.history.packs import schedules, services
from connectors.history.reviews import quarters, weeks
from connectors.jobs import runner
from connectors.models import Case, Every, HistoryRow, Intake, JobKind, Project, System
from connectors.ports.audited import context_of
from mappings.engine.agreement import AgreementOutcome
from mappings.hierarchy.subject import HIERARCHY
from mappings.models import Change, ComparedItem, ConfigurationProposal, ImportRun, Mapping, Plan, RoundTrip, Scope
from tests.support import factories

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
SAFE = ("GET", "HEAD")
# For parameters of tests that go through all addresses: who asks makes no difference to the database.
EVERYBODY = [Role.ADMIN, *(pytest.param(role, marks=pytest.mark.once) for role in Role if role != Role.ADMIN)]


@dataclass(frozen=True)
class Address:
    """One URL pattern: its name, its route, e.g. `connectors/<slug:slug>/`, and the names in it."""

    name: str
    route: str
    parameters: tuple[str, ...]
    callback: Any

    @property
    def is_rest(self) -> bool:
        return self.route.startswith("api/")


def addresses(patterns: list[Any] | None = None, prefix: str = "") -> Iterator[Address]:
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            parameters = (*entry.pattern.converters, *entry.pattern.regex.groupindex)
            yield Address(
                entry.name or "", prefix + str(entry.pattern), tuple(dict.fromkeys(parameters)), entry.callback
            )


def rule_of(callback: Any) -> tuple[Right, Right | None, tuple[str, ...]]:
    """As `requires` has left it on a page's view, or as a REST view declares it."""
    if hasattr(callback, "rule"):
        rule: tuple[Right, Right | None, tuple[str, ...]] = callback.rule
        return rule
    view = getattr(callback, "cls", None)
    assert view is not None, f"{callback} has no rule: decorate it with alignadmin.accounts.guard.requires"
    handlers = getattr(callback, "actions", None) or {name: name for name in view.http_method_names}
    methods = tuple(name.upper() for name, handler in handlers.items() if hasattr(view, handler))
    return view.right, None, tuple(name for name in methods if name in METHODS and name != "HEAD")


def answers(address: Address, method: str) -> bool:
    return method in rule_of(address.callback)[2]


ADDRESSES = {address.name: address for address in addresses()}


@dataclass(frozen=True)
class World:
    """One object of each kind that an address can name."""

    parameters: dict[str, Any]
    forms: dict[str, dict[str, Any]]

    def url(self, address: Address) -> str:
        chosen = {
            name: self.parameters.get(f"{address.name}.{name}", self.parameters.get(name))
            for name in address.parameters
        }
        chosen = {name: value for name, value in chosen.items() if name != "format"}
        return reverse(address.name, kwargs=chosen)


@pytest.fixture
def world(db: None, people: dict[Role, Person]) -> World:
    """Nothing listens at the connector's site, so that an allowed act that would call it fails at once."""
    factories.worker_alive()
    connector = factories.connector("http://127.0.0.1:9", actor=people[Role.ADMIN])
    scope = Scope.objects.create(connector=connector, family="j2a-state", observed_at=timezone.now())
    mapping = Mapping.objects.create(scope=scope, work_item_type="story", source_id=10001)
    plan = Plan.objects.create(
        connector=connector,
        author=people[Role.EDITOR],
        reason="a test",
        fingerprint="0" * 64,
        created_at=timezone.now(),
        seen_at=timezone.now(),
    )
    proposal = ConfigurationProposal.objects.create(
        connector=connector,
        subject=HIERARCHY.code,
        author=people[Role.EDITOR],
        reason="a test",
        fingerprint="0" * 64,
        created_at=timezone.now(),
    )
    Change.objects.create(plan=plan, position=0, family="j2a-state", work_item_type="story", source_id=10001)
    with transaction.atomic():
        trail.record(
            AuditRecord(
                action="plan.made",
                actor=people[Role.EDITOR],
                context=context_of(connector),
                subject="plan",
                sentence="Planned.",
                plan=plan.pk,
            )
        )
    row = HistoryRow.objects.latest("id")
    outside = Case.objects.create(
        connector=connector, entry_seq=row.entry_seq, at=timezone.now(), opened_at=timezone.now()
    )
    pack = services.ask("", actor=people[Role.ADMIN], time_zone="UTC")
    lines = "CONFIG 123\tJira Align System\t2026-11-20 12:00:00\tCONFIG Updated"
    sent = waiting.put(connector, lines, ReadOptions(), intake=Intake.PASTE, actor=people[Role.ADMIN])
    schedule = schedules.add("Weekly", "", Every.WEEK, [], actor=people[Role.ADMIN])
    job = runner.start(connector, JobKind.REFRESH, actor=people[Role.ADMIN])
    query = query_of("feature").top(5)
    run = queries.run(connector, query, actor=people[Role.ADMIN])
    of_mapping = {"mapping": mapping.pk, "seen": ""}
    project = Project.objects.create(connector=connector, jira_id=1, key="PROJ")
    severed = ComparedItem.objects.create(
        connector=connector, project=project, jira_id=1, issue_key="PROJ-1", outcome=AgreementOutcome.SEVERED
    )
    planned = ImportRun.objects.create(
        connector=connector, project=project, author=people[Role.EDITOR], reason="Moves", created_at=timezone.now()
    )
    trip = RoundTrip.objects.create(
        connector=connector,
        project=project,
        author=people[Role.ADMIN],
        type_name="Story",
        level="story",
        created_at=timezone.now(),
    )
    return World(
        parameters={
            "slug": connector.slug,
            "pk": plan.pk,
            "command": "cancel",
            "position": 0,
            "system": System.ALIGN.value,
            "connector-job.pk": job.pk,
            "setup-boards.pk": project.pk,
            "rehearsal.project": project.pk,
            **{f"{name}.pk": people[Role.VIEWER].pk for name in ADDRESSES if name.startswith("person")},
            **{f"{name}.pk": proposal.pk for name in ADDRESSES if name.startswith("configuration-")},
            **{f"{name}.pk": planned.pk for name in ADDRESSES if name.startswith("import-")},
            **{f"{name}.pk": trip.pk for name in ADDRESSES if name.startswith("verification")},
            "subject": HIERARCHY.code,
            "address": "x" * 64,
            "webhook-body.pk": factories.inbox_delivery(connector).pk,
            "history-person.pk": people[Role.EDITOR].pk,
            "uid": "MQ",
            "token": "no-such-token",
            "link": 0,
            "account_reset_password_from_key.uidb36": "1",
            "account_reset_password_from_key.key": "no-such-key",
            "row": row.number,
            "view": 1,
            "run": factories.intake_run(connector).pk,
            "week": weeks.week_of(timezone.now()).slug,
            "quarter": quarters.quarter_of(weeks.week_of(timezone.now())).slug,
            "case": outside.pk,
            "pack": pack.uuid,
            "query_run": run.uuid,
            "query": saved.save(connector, "Five", query.text(), shared=False, actor=people[Role.ADMIN]).pk,
            "form": "csv",
            "topic": "mapping",
            "picture": "pictures/history.png",
            "history-intake-preview.key": sent.pk,
            "schedule": schedule.pk,
            "switch": "pause",
            "group": "mail",
            "step": "key",
            "setup-step.step": "projects",
            "api-connectors-detail.slug": connector.slug,
            "api-connectors-detail.pk": connector.pk,
            "api-setup-detail.slug": connector.slug,
            "api-mappings-detail.pk": mapping.pk,
            "api-compared-items-detail.pk": severed.pk,
            "api-history-detail.number": row.number,
        },
        forms={
            "matrix-drop": of_mapping,
            "matrix-decide": of_mapping,
            "matrix-keep": of_mapping,
            "agreement-link": {"issue": severed.issue_key},
        },
    )


def send(
    client: Client,
    method: str,
    address: Address,
    world: World,
    *,
    query: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    **more: Any,
) -> HttpResponse:
    """`form` goes with a POST, besides what the world knows of the address; `more` as the client's methods take it."""
    client.raise_request_exception = False
    url = world.url(address) + (f"?{urlencode(query)}" if query else "")
    if method in SAFE:
        return client.generic(method, url, **more)  # type: ignore[return-value]
    if method == "POST":
        return client.post(url, world.forms.get(address.name, {}) | (form or {}), **more)  # type: ignore[return-value]
    return client.generic(method, url, b"{}", "application/json", **more)  # type: ignore[return-value]
