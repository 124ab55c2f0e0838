"""Deliveries that are refused: counted by the hour and the reason, and nothing else of them is kept.

What is turned away because too many come at once is counted in the process, and written with the next that is taken: a
write for each of them would be one more of what there is too much of.
"""

from __future__ import annotations

import threading
from collections import Counter

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from connectors.models import RefusalReason, RefusedDeliveries, Webhook


def count(webhook_id: int, reason: RefusalReason, number: int = 1) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    rows = RefusedDeliveries.objects.filter(webhook_id=webhook_id, hour=hour, reason=reason)
    if rows.update(number=F("number") + number):
        return
    try:
        with transaction.atomic():
            RefusedDeliveries.objects.create(webhook_id=webhook_id, hour=hour, reason=reason, number=number)
    except IntegrityError:  # another one was first in this hour
        rows.update(number=F("number") + number)


class Gate:
    """At most so many deliveries of a process are worked on at once: its other threads are for people."""

    def __init__(self, *, at_once: int, patience: float) -> None:
        """`patience`: seconds that one waits for its turn."""
        self._places = threading.BoundedSemaphore(at_once)
        self._patience = patience
        self._lock = threading.Lock()
        self._turned_away: Counter[int] = Counter()

    def enter(self) -> bool:
        return self._places.acquire(timeout=self._patience)

    def leave(self) -> None:
        self._places.release()

    def turn_away(self, webhook: Webhook) -> None:
        with self._lock:
            self._turned_away[webhook.pk] += 1

    def write_turned_away(self) -> None:
        """What was not written yet, of all webhooks."""
        if not self._turned_away:
            return
        with self._lock:
            waiting, self._turned_away = self._turned_away, Counter()
        for webhook_id, number in waiting.items():
            count(webhook_id, RefusalReason.BUSY, number)
