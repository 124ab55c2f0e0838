"""What a person has sent and not confirmed: kept for an hour, for that person alone, and imported once.

The claim is a conditional update in the transaction that stores the lines; a second one waits for its end and finds
the run. What was never confirmed goes by the clock, and so does what is left of a confirmed one.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import due_work
from connectors.align.audit_times import DayOrder
from connectors.history.intake import by_hand
from connectors.history.intake.by_hand import AlreadyImported, PreparedIntake, ReadOptions
from connectors.history.intake.intake import Clock
from connectors.history.intake.pasted_log import Hour
from connectors.history.intake.storing import IntakeResult
from connectors.models import Intake, IntakeRun, WaitingIntake
from connectors.models.connector import Connector

LIFETIME = timedelta(hours=1)
MOST_WAITING = 3  # of one person: the oldest goes for the next
LONGEST_NAME = 255


def put(
    connector: Connector,
    text: str,
    options: ReadOptions,
    *,
    intake: Intake,
    actor: Person,
    file_name: str = "",
    file_kind: str = "",
    file_sha256: str = "",
    now: datetime | None = None,
) -> WaitingIntake:
    """Keep it until it is confirmed, discarded or an hour old. Raises what `by_hand.prepare` does, keeping nothing."""
    by_hand.prepare(connector, text, options)
    with transaction.atomic():
        mine = WaitingIntake.objects.filter(person=actor)
        kept = list(mine.order_by("-created_at", "key").values_list("pk", flat=True)[: MOST_WAITING - 1])
        mine.exclude(pk__in=kept).delete()
        return WaitingIntake.objects.create(
            person=actor,
            connector=connector,
            intake=intake,
            packed=zlib.compress(text.encode("utf-8", "surrogatepass"), 3),
            order=options.order or "",
            hour=options.hour or "",
            zone=options.zone,
            file_name=file_name[:LONGEST_NAME],
            file_kind=file_kind[:120],
            file_sha256=file_sha256,
            created_at=now or timezone.now(),
        )


def of(person: Person, key: UUID, *, now: datetime | None = None) -> WaitingIntake | None:
    """The person's own that is not too old; nobody else's."""
    young = (now or timezone.now()) - LIFETIME
    return (
        WaitingIntake.objects.select_related("connector", "person")
        .filter(pk=key, person=person, created_at__gt=young)
        .first()
    )


def prepared(waiting: WaitingIntake) -> PreparedIntake:
    """Its lines as they would be imported now. Raises what `by_hand.prepare` raises."""
    text = zlib.decompress(waiting.packed).decode("utf-8", "surrogatepass")
    options = ReadOptions(
        order=DayOrder(waiting.order) if waiting.order else None,
        hour=Hour(waiting.hour) if waiting.hour else None,
        zone=waiting.zone,
    )
    found = by_hand.prepare(waiting.connector, text, options)
    found.data.update(
        {name: value for name, value in (("name", waiting.file_name), ("sha256", waiting.file_sha256)) if value}
    )
    return found


def confirm(
    waiting: WaitingIntake,
    *,
    actor: Person,
    also: Collection[str] = (),
    clock: Clock = timezone.now,
) -> IntakeResult:
    """Import it, once; `also` are the slugs of connectors to which their lines go. Raises AlreadyImported."""
    if waiting.imported_at:
        raise AlreadyImported
    ready = prepared(waiting)

    def claim() -> None:
        here = WaitingIntake.objects.filter(pk=waiting.pk, person=actor, imported_at=None)
        if not here.update(imported_at=clock(), packed=b""):
            raise AlreadyImported

    def done(result: IntakeResult) -> None:
        owner = IntakeRun.objects.filter(pk=result.run).values_list("connector__slug", flat=True).first()
        WaitingIntake.objects.filter(pk=waiting.pk).update(run_number=result.run, run_slug=owner or "")

    return by_hand.keep(
        ready,
        intake=Intake(waiting.intake),
        actor=actor,
        also=[each.connector for each in ready.others if each.connector and each.connector.slug in also],
        claim=claim,
        done=done,
        clock=clock,
    )


def discard(waiting: WaitingIntake, *, actor: Person) -> None:
    """Nothing was imported, so nothing of it is in the history."""
    WaitingIntake.objects.filter(pk=waiting.pk, person=actor, imported_at=None).delete()


@due_work
def forget_old() -> int:
    return WaitingIntake.objects.filter(created_at__lte=timezone.now() - LIFETIME).delete()[0]
