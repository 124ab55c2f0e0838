"""What tests of reviews do: weeks that lie behind, with rows of people, and the pages' forms."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.audit.models import Entry
from connectors.align import audit_sentences
from connectors.align.audit_sentences import CREATED, J2A, MappingEvent
from connectors.history.reviews import weeks
from connectors.history.reviews.quarters import Quarter
from connectors.history.reviews.weeks import Week
from connectors.models import Connector, HistoryRow, Intake, Source
from connectors.ports.audited import context_of
from tests.support import factories, intake_helpers

REVIEWS = "/history/review/"


def past_week(back: int = 2) -> Week:
    """So many weeks before the running one."""
    running = weeks.week_of(timezone.now())
    return Week(monday=running.monday - timedelta(weeks=back))


def act(
    week: Week, actor: Person | None, connector: Connector | None = None, *, action: str = "plan.made", **more: Any
) -> Entry:
    """An act of that week, told now, as a settled change is; its row stands in the week."""
    more = {"sentence": f"{action} by {actor}", "subject": "plan 1", **more}
    with transaction.atomic():
        return trail.record(
            AuditRecord(
                action=action,
                actor=actor,
                context=context_of(connector),
                happened_at=week.since + timedelta(days=1, hours=9),
                **more,
            )
        )


EVENT = MappingEvent(
    connector_id=factories.CONNECTOR_ID,
    action=CREATED,
    kind="state",
    direction=J2A,
    work_item_type="Story",
    source_id=10001,
    source_name="To Do",
    after_id=2,
    after_name="In Progress",
)


def change(week: Week, actor: Person, connector: Connector, **more: Any) -> Entry:
    """`more`: the others of its people."""
    return act(week, actor, connector, action="change.done", event=vars(EVENT), plan=1, **more)


def outside(
    week: Week, connector: Connector, actor: Person, *, user: str = "ext-api", count: int = 1
) -> list[HistoryRow]:
    """Pasted lines of Align's log without a cause here: each opens a case."""
    before = set(HistoryRow.objects.values_list("pk", flat=True))
    at = week.since + timedelta(days=2)
    lines = [f"CONFIG 123\t{user}\t{at + timedelta(minutes=n):%Y-%m-%d %H:%M:%S}\t{written(n)}" for n in range(count)]
    intake_helpers.take_in(connector, "\n".join(lines), intake=Intake.PASTE, actor=actor)
    return list(HistoryRow.objects.filter(source=Source.OUTSIDE).exclude(pk__in=before).order_by("at"))


def written(number: int) -> str:
    return audit_sentences.write(replace(EVENT, source_id=20000 + number, source_name=f"Status {number}"))


def explain(row: HistoryRow, actor: Person) -> None:
    client = Client()
    client.force_login(actor)
    case = row.line.case if row.line else None
    assert case is not None
    answer = client.post(reverse("case", args=[case.pk]), {"note": "Agreed with the team.", "state": "explained"})
    assert answer.status_code in (200, 303), answer.content


def address(week: Week, act: str = "") -> str:
    return reverse(f"review-{act or 'week'}", args=[week.slug])


def form_of(client: Client, week: Week, sample: int = 0) -> dict[str, str]:
    """The hidden fields of the sign-off as the page has them."""
    page = client.get(address(week), {"sample": sample} if sample else {}).context["page"]
    fields = {
        "seen": page.review.entry_seq if page.review else 0,
        "rows": page.line.rows,
        "cases": page.line.open_cases,
    }
    return {name: str(value) for name, value in (fields | ({"sample": sample} if sample else {})).items()}


def sign(client: Client, week: Week, note: str = "", sample: int = 0, **form: str) -> Any:
    return client.post(address(week, "sign"), form_of(client, week, sample) | {"note": note} | form)


def first_entry(at: datetime, actor: Person) -> None:
    """Reviews begin in that week."""
    with transaction.atomic():
        trail.record(
            AuditRecord(
                action="person.signed_in",
                actor=actor,
                subject=f"person {actor.pk}",
                sentence="Signed in.",
                happened_at=at,
            )
        )


def quarter_address(quarter: Quarter, act: str = "") -> str:
    return reverse(f"review-quarter{'-' if act else ''}{act}", args=[quarter.slug])


def quiet_form(client: Client, quarter: Quarter, note: str = "Looked at every change.") -> dict[str, str]:
    """The form of the quiet weeks as the page has it."""
    return {"weeks": client.get(quarter_address(quarter)).context["page"].seen, "note": note}
