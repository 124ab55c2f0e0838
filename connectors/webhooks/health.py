"""How a webhook is: what was heard, how late, what was refused, and what it did not announce.

It is called connected for what was heard of it, never for having been registered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from django.db.models import Count, QuerySet, Sum

from connectors.models import DeliveryVerdict, InboxDelivery, MissedChange, RefusalReason, RefusedDeliveries, Webhook

GRACE = timedelta(seconds=60)  # in which a delivery is on its way: what polling found first is not missed yet
LATELY = timedelta(days=1)
MISSED_DAYS = 7
GAPS_OF = 200  # deliveries that say what is usual
SHORTEST_GAP = timedelta(hours=1)
LAGS_OF = 1000
MOST_NAMED = 20  # issues of a day


class WebhookState(StrEnum):
    """The badge; each has a shape of its own, since colours alone say nothing to some."""

    NOT_HEARD = "not-heard"
    CONNECTED = "connected"
    SILENT = "silent"
    ENDED = "ended"

    @property
    def words(self) -> str:
        return _WORDS[self]

    @property
    def shape(self) -> str:
        return {"not-heard": "○", "connected": "●", "silent": "▲", "ended": "■"}[self]

    @property
    def style(self) -> str:
        return {"not-heard": "", "connected": "info", "silent": "warn", "ended": ""}[self]


_WORDS = {
    WebhookState.NOT_HEARD: "Webhook not heard yet",
    WebhookState.CONNECTED: "Webhook connected",
    WebhookState.SILENT: "Webhook silent",
    WebhookState.ENDED: "Webhook removed",
}


@dataclass(frozen=True, kw_only=True)
class MissedDay:
    day: date
    keys: Sequence[str]
    number: int

    @property
    def more(self) -> int:
        return self.number - len(self.keys)


@dataclass(frozen=True, kw_only=True)
class WebhookHealth:
    """Counts are of the last day, missed changes of a week. `why` says in a sentence what the state rests on."""

    state: WebhookState
    why: str
    heard_at: datetime | None
    usual_gap: timedelta
    lag_p95: timedelta | None
    verdicts: dict[DeliveryVerdict, int]
    refused: dict[RefusalReason, int]
    missed: Sequence[MissedDay]

    @property
    def duplicates(self) -> int:
        return self.verdicts.get(DeliveryVerdict.DUPLICATE, 0)

    @property
    def missed_number(self) -> int:
        return sum(each.number for each in self.missed)

    @property
    def refused_lines(self) -> list[tuple[str, int]]:
        return [(reason.label, number) for reason, number in self.refused.items()]


def state_of(webhook: Webhook, now: datetime) -> tuple[WebhookState, str]:
    """With the sentence that says what it rests on."""
    return _state(webhook, last_heard(webhook), usual_gap(webhook), now)


def health_of(webhook: Webhook, now: datetime) -> WebhookHealth:
    heard_at = last_heard(webhook)
    gap = usual_gap(webhook)
    state, why = _state(webhook, heard_at, gap, now)
    own = InboxDelivery.objects.filter(webhook=webhook, received_at__gt=now - LATELY).order_by()
    verdicts = dict(own.values_list("verdict").annotate(Count("pk")))
    refused = RefusedDeliveries.objects.filter(webhook=webhook, hour__gt=now - LATELY).order_by("reason")
    return WebhookHealth(
        state=state,
        why=why,
        heard_at=heard_at,
        usual_gap=gap,
        lag_p95=_lag_p95(webhook, now),
        verdicts={DeliveryVerdict(verdict): number for verdict, number in verdicts.items()},
        refused={
            RefusalReason(reason): number for reason, number in refused.values_list("reason").annotate(Sum("number"))
        },
        missed=missed_days(webhook, now),
    )


def last_heard(webhook: Webhook) -> datetime | None:
    """A duplicate is no sign of life: anybody who holds one may send it again."""
    rows = _heard(webhook).values_list("received_at", flat=True)
    return rows.first()


def _heard(webhook: Webhook) -> QuerySet[InboxDelivery]:
    rows = InboxDelivery.objects.filter(webhook=webhook, replay_of=None)
    return rows.exclude(verdict=DeliveryVerdict.DUPLICATE).order_by("-id")


def usual_gap(webhook: Webhook) -> timedelta:
    """One and a half times the longest pause between its last deliveries, and never under an hour."""
    times = list(_heard(webhook).values_list("received_at", flat=True)[:GAPS_OF])
    gaps = [later - earlier for later, earlier in pairwise(times)]
    return max([SHORTEST_GAP, *(each * 1.5 for each in gaps)])


def missed(webhook: Webhook, now: datetime) -> QuerySet[MissedChange]:
    return MissedChange.objects.filter(webhook=webhook, announced_at=None, found_at__lte=now - GRACE)


def _state(webhook: Webhook, heard_at: datetime | None, gap: timedelta, now: datetime) -> tuple[WebhookState, str]:
    if webhook.ended_at is not None:
        return WebhookState.ENDED, "Nothing is received any more. What it delivered is kept for 30 days."
    if heard_at is None:
        return WebhookState.NOT_HEARD, "No delivery has come in yet, so nothing proves that it works."
    unannounced = missed(webhook, now).filter(updated_at__gt=heard_at).count()
    if unannounced:
        changes = "1 change was" if unannounced == 1 else f"{unannounced} changes were"
        return (
            WebhookState.SILENT,
            f"{changes} found by polling since it was last heard, and it announced none of them.",
        )
    if now - heard_at > gap:
        return WebhookState.SILENT, "It has been silent for longer than is usual for this site."
    return WebhookState.CONNECTED, "A delivery was heard within the usual time."


def _lag_p95(webhook: Webhook, now: datetime) -> timedelta | None:
    """From when Jira sent, by its clock, until it came in, by ours; None without a delivery of the last day."""
    rows = _heard(webhook).filter(received_at__gt=now - LATELY).exclude(sent_at=None)
    times = rows.values_list("received_at", "sent_at")[:LAGS_OF]
    lags = sorted(received - sent for received, sent in times if sent is not None)
    return max(timedelta(0), lags[min(len(lags) - 1, int(len(lags) * 0.95))]) if lags else None


def missed_days(webhook: Webhook, now: datetime) -> list[MissedDay]:
    """Days of UTC, the newest first."""
    rows = missed(webhook, now).filter(updated_at__gt=now - timedelta(days=MISSED_DAYS)).order_by("-updated_at")
    keys: dict[date, list[str]] = {}
    numbers: Counter[date] = Counter()
    for key, updated_at in rows.values_list("issue_key", "updated_at")[:5000]:
        day = updated_at.date()
        numbers[day] += 1
        named = keys.setdefault(day, [])
        if key not in named and len(named) < MOST_NAMED:
            named.append(key)
    return [MissedDay(day=day, keys=named, number=numbers[day]) for day, named in keys.items()]
