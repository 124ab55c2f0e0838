"""Telling admins that a webhook has become silent: once, until it is heard again."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from alignadmin.accounts.models import Person, Role
from alignadmin.accounts.rights import Right
from alignadmin.notifications.kinds import NotificationKind
from alignadmin.notifications.telling import News, tell
from alignadmin.text import one_line
from connectors.models import Webhook
from connectors.webhooks.health import WebhookState, health_of

SILENT = NotificationKind(
    key="webhook-silent",
    label="A webhook is silent",
    explanation="Nothing came in for longer than is usual for the site, or changes that nothing announced.",
    right=Right.CONFIGURE,
)


def tell_silence(webhook: Webhook, now: datetime) -> None:
    """In the transaction that stores a poll, with the webhook's row locked."""
    found = health_of(webhook, now)
    if found.state is not WebhookState.SILENT:
        if webhook.told_at is not None:
            Webhook.objects.filter(pk=webhook.pk).update(told_at=None)
        return
    if webhook.told_at is not None:
        return
    Webhook.objects.filter(pk=webhook.pk).update(told_at=now)
    since = f"{found.heard_at:%Y-%m-%d %H:%M:%S}" if found.heard_at else "ever"
    news = News(
        kind=SILENT,
        about=f"webhook {webhook.pk} silent since {since}",
        title=f"The webhook of {one_line(webhook.connector.name)} is silent",
        details=f"{found.why} Polling goes on meanwhile. Look in Jira under System > Webhooks whether it is enabled.",
        address=reverse("webhook", args=[webhook.connector.slug]),
    )
    tell(news, Person.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk"))
