"""Log lines that somebody brings: through the pages, where they are shown first and then confirmed, or at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, tzinfo
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person
from connectors.align.audit_times import DayOrder, in_utc, written_time
from connectors.history.intake import by_hand
from connectors.history.intake.by_hand import ReadOptions
from connectors.history.intake.intake import Clock
from connectors.history.intake.pasted_log import Hour
from connectors.history.intake.storing import IntakeResult
from connectors.models import Intake
from connectors.models.connector import Connector


def send_lines(client: Client, *, slug: str = "acme", **fields: Any) -> HttpResponse:
    """Pasted or uploaded, up to the page that shows what was read; or the refusal."""
    answer = client.post("/history/intake/", {"connector": slug, **fields})
    return answer if answer.status_code != 303 else client.get(answer["Location"])  # type: ignore[return-value]


def import_lines(client: Client, *, slug: str = "acme", also: Any = (), **fields: Any) -> HttpResponse:
    """Sent and confirmed."""
    answer = client.post("/history/intake/", {"connector": slug, **fields})
    if answer.status_code != 303:
        return answer  # type: ignore[return-value]
    return client.post(answer["Location"], {"also": list(also)})  # type: ignore[return-value]


def take_in(
    connector: Connector,
    text: str,
    *,
    intake: Intake,
    actor: Person,
    order: DayOrder | None = None,
    hour: Hour | None = None,
    zone: str = "",
    also: Collection[Connector] = (),
    clock: Clock = timezone.now,
) -> IntakeResult:
    """Read and stored at once, without the pages. Lines of the connectors in `also` go to those, of others nowhere."""
    prepared = by_hand.prepare(connector, text, ReadOptions(order=order, hour=hour, zone=zone))
    return by_hand.keep(prepared, intake=intake, actor=actor, also=also, clock=clock)


def read_time(text: str, zone: tzinfo, order: DayOrder | None = None) -> datetime | None:
    """A time in UTC, or None for a form that is not listed."""
    written = written_time(text, order)
    return in_utc(written.at, zone) if written else None
