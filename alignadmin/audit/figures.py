"""Figures of checkpoints: how old the last one is, what has not left this database, and the key that signs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min

from alignadmin.audit.checkpoints import is_late, latest, places
from alignadmin.audit.models import CheckpointDelivery, SigningKey
from alignadmin.figures import Figure, FigureSource, FigureValue, age

CHECKPOINT_AGE = Figure(
    name="alignadmin_checkpoint_age_seconds", help="Seconds since the last signed checkpoint; absent before the first."
)
CHECKPOINT_LATE = Figure(
    name="alignadmin_checkpoint_late",
    help="Whether two intervals have passed without the checkpoint of the clock (1, else 0); 0 where it makes none.",
)
UNDELIVERED = Figure(
    name="alignadmin_checkpoints_undelivered",
    help="Checkpoints that have not arrived at a place outside this database, of those that the settings name.",
    labels=("place",),
)
UNDELIVERED_AGE = Figure(
    name="alignadmin_checkpoints_undelivered_age_seconds",
    help="Seconds since the oldest of them was made; 0: none.",
    labels=("place",),
)
SIGNING_KEY_AGE = Figure(
    name="alignadmin_signing_key_age_seconds", help="Seconds since the key that signs checkpoints was made."
)


def _read(now: datetime) -> Iterator[FigureValue]:
    if last := latest():
        yield CHECKPOINT_AGE.of(age(now, last.at))
    yield CHECKPOINT_LATE.of(is_late(now))
    waiting = CheckpointDelivery.objects.filter(delivered_at=None).order_by().values_list("place")
    found = {place: (count, oldest) for place, count, oldest in waiting.annotate(Count("pk"), Min("checkpoint__at"))}
    for place in places():
        count, oldest = found.get(place, (0, None))
        yield UNDELIVERED.of(count, place)
        yield UNDELIVERED_AGE.of(age(now, oldest) if oldest else 0, place)
    made_at = SigningKey.objects.filter(retired_at=None).order_by("-pk").values_list("created_at", flat=True).first()
    if made_at:
        yield SIGNING_KEY_AGE.of(age(now, made_at))


AUDIT_FIGURES = FigureSource(
    name="audit", figures=(CHECKPOINT_AGE, CHECKPOINT_LATE, UNDELIVERED, UNDELIVERED_AGE, SIGNING_KEY_AGE), read=_read
)
