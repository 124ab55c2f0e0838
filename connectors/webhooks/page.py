"""What the page of a webhook shows: its state, how it is set up, and its inbox page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from alignadmin.errors import Refused
from alignadmin.parsing import text_in, whole
from connectors.models import Connector, DeliveryVerdict, InboxDelivery, JiraKind, Registration, Webhook
from connectors.webhooks import services
from connectors.webhooks.announcement import ISSUE_EVENTS
from connectors.webhooks.health import WebhookHealth, health_of
from connectors.webhooks.inbox import waiting_age

PER_PAGE = 50
LATE_WORK = timedelta(minutes=2)
NO_HTTPS = (
    "Jira Cloud delivers to an https address that it can reach from the internet, and this installation’s address "
    "({address}, PUBLIC_ADDRESS) is none. AlignAdmin asks Jira for changes every minute instead."
)


@dataclass(frozen=True, kw_only=True)
class InboxFilters:
    """As they stand in the address; what is no filter is left out. `before` is the id that the page ends before."""

    verdict: str = ""
    issue: str = ""
    event: str = ""
    before: int | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> InboxFilters:
        verdict, event = text_in(data, "verdict"), text_in(data, "event")
        return cls(
            verdict=verdict if verdict in DeliveryVerdict.values else "",
            issue=text_in(data, "issue").strip().upper()[:255],
            event=event if event in ISSUE_EVENTS else "",
            before=whole(text_in(data, "before")),
        )

    def applied(self, rows: QuerySet[InboxDelivery]) -> QuerySet[InboxDelivery]:
        if self.verdict:
            rows = rows.filter(verdict=self.verdict)
        if self.event:
            rows = rows.filter(event=self.event)
        if self.issue:
            rows = rows.filter(issue_key=self.issue)
        return rows

    @property
    def is_any(self) -> bool:
        return bool(self.verdict or self.issue or self.event)

    def query(self, **changes: Any) -> str:
        kept = {"verdict": self.verdict, "issue": self.issue, "event": self.event, **changes}
        return urlencode({name: value for name, value in kept.items() if value})


class WebhookPage:
    """`webhook` is None before it is set up."""

    def __init__(self, connector: Connector, data: Mapping[str, Any], now: datetime) -> None:
        self.connector, self.now = connector, now
        self.webhook: Webhook | None = services.of(connector)
        self.filters = InboxFilters.read(data)
        self.verdicts = DeliveryVerdict.choices
        self.events = ISSUE_EVENTS

    @cached_property
    def health(self) -> WebhookHealth | None:
        return health_of(self.webhook, self.now) if self.webhook else None

    @property
    def is_there(self) -> bool:
        return self.webhook is not None and self.webhook.ended_at is None

    @property
    def is_cloud(self) -> bool:
        return self.connector.jira_kind == JiraKind.CLOUD

    @property
    def unreachable(self) -> str:
        return why_unreachable(self.connector)

    @property
    def is_under_way(self) -> bool:
        return self.webhook is not None and self.webhook.registration in services.UNDER_WAY

    @property
    def is_registered(self) -> bool:
        return self.webhook is not None and self.webhook.registration == Registration.REGISTERED

    @cached_property
    def scope_moved(self) -> bool:
        """Whether other projects count now than those whose issues it was registered for."""
        return self.is_there and self.webhook is not None and self.webhook.jql != services.jql_of(self.connector)

    @cached_property
    def work_is_late(self) -> bool:
        age = waiting_age(self.webhook, self.now) if self.webhook else None
        return age is not None and age > LATE_WORK

    @cached_property
    def canary_heard_at(self) -> datetime | None:
        return services.canary_heard_at(self.webhook) if self.webhook else None

    @cached_property
    def _rows(self) -> list[InboxDelivery]:
        if self.webhook is None:
            return []
        rows = self.filters.applied(InboxDelivery.objects.filter(webhook=self.webhook)).defer("sealed_body")
        if self.filters.before is not None:
            rows = rows.filter(id__lt=self.filters.before)
        return list(rows.order_by("-id")[: PER_PAGE + 1])

    @property
    def rows(self) -> list[InboxDelivery]:
        return self._rows[:PER_PAGE]

    @property
    def older(self) -> str:
        """The address of the next page; empty on the last one."""
        if len(self._rows) <= PER_PAGE:
            return ""
        query = self.filters.query(before=self._rows[PER_PAGE - 1].pk)
        return f"{reverse('webhook', args=[self.connector.slug])}?{query}#inbox"


def why_unreachable(connector: Connector) -> str:
    """Empty where nothing is known to be in the way. A Jira that is itself reached by http is within this network."""
    is_https = urlsplit(settings.PUBLIC_ADDRESS).scheme == "https"
    if connector.jira_kind != JiraKind.CLOUD or is_https or urlsplit(connector.jira_site).scheme == "http":
        return ""
    return NO_HTTPS.format(address=settings.PUBLIC_ADDRESS)


def window(webhook: Webhook, data: Mapping[str, Any]) -> list[InboxDelivery]:
    """The deliveries of a form: one by `delivery`, or those from `from` until `until`, in UTC. Raises Refused."""
    rows = InboxDelivery.objects.filter(webhook=webhook, replay_of=None).exclude(verdict=DeliveryVerdict.TAKEN)
    rows = rows.exclude(verdict=DeliveryVerdict.DUPLICATE).defer("sealed_body").order_by("id")
    if "delivery" in data:
        number = whole(text_in(data, "delivery"))
        rows = rows.filter(pk=number) if number is not None else rows.none()
    else:
        since, until = _moment(text_in(data, "from")), _moment(text_in(data, "until"))
        if since is None or until is None:
            raise Refused("Give both times, as 2026-12-01T09:30. Nothing was replayed.")
        if until <= since:
            raise Refused("The window ends before it begins. Nothing was replayed.")
        rows = rows.filter(received_at__gte=since, received_at__lt=until)
    return list(rows[: services.MOST_REPLAYED + 1])


def _moment(text: str) -> datetime | None:
    from_form = text.strip()
    try:
        return datetime.fromisoformat(f"{from_form}+00:00") if len(from_form) in (16, 19) else None
    except ValueError:
        return None
