"""What people do with a webhook: set it up, register and remove it, change its secret, prove it, replay deliveries.

Nothing here asks Jira: what is to be sent is written down first, and a job sends it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.due_work import wake
from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.jira.jql import SearchField, is_in
from connectors.jobs import runner
from connectors.models import (
    ACTIVE,
    Connector,
    InboxDelivery,
    Job,
    JobKind,
    Registration,
    WatchedIssue,
    Webhook,
    WebhookSecret,
    WebhookSecretKind,
)
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from connectors.webhooks import sealed
from connectors.webhooks.announcement import ISSUE_KEY
from connectors.webhooks.polling import in_scope

FORMER_GOOD_FOR = timedelta(hours=24)
REGISTER, REMOVE, CANARY = "register", "remove", "canary"  # subjects of jobs
UNDER_WAY = (Registration.SENDING, Registration.REMOVING)
MOST_REPLAYED = 1000


def of(connector: Connector) -> Webhook | None:
    return Webhook.objects.filter(connector=connector).first()


def jql_of(connector: Connector) -> str:
    """Of the issues that count; by ids, which stay when a project's key changes. Empty without a project in scope."""
    projects = in_scope(connector)
    return str(is_in(SearchField.PROJECT, projects)) if projects else ""


def set_up(connector: Connector, *, is_signed: bool, actor: Person) -> Webhook:
    """A new address with a new secret, in place of one that was removed. Raises Refused."""
    with transaction.atomic():
        found = lock_connected(connector)
        jql = jql_of(found)
        if not jql:
            raise Refused("No project is in scope, so the webhook would hear of nothing. Choose projects in step 4.")
        webhook = of(found)
        if webhook is not None and webhook.ended_at is None:
            return webhook
        if webhook is not None and webhook.jira_id is not None:
            _refuse_busy(webhook)
            raise Refused(
                "The former webhook is still in Jira. Delete it there, under System > Webhooks, and try again."
            )
        address = sealed.random_text()
        values = {
            "address_hash": sealed.address_hash(address),
            "is_signed": is_signed,
            "registration": Registration.BY_HAND,
            "jira_id": None,
            "jql": jql,
            "error": "",
            "created_at": timezone.now(),
            "created_by": actor,
            "counts_from": None,
            "polled_at": None,
            "poll_due_at": None,
            "told_at": None,
            "ended_at": None,
        }
        webhook, _ = Webhook.objects.update_or_create(connector=found, defaults=values)
        sealed.store(webhook, WebhookSecretKind.ADDRESS, address)
        if is_signed:
            sealed.store(webhook, WebhookSecretKind.CURRENT, sealed.random_text())
        words = "with a secret that Jira signs by" if is_signed else "without one: its address alone is compared"
        record_of(webhook, actor, "webhook.set-up", f"Set up the webhook of {found.name}, {words}.")
    wake()
    return webhook


def secrets_of(webhook: Webhook) -> dict[WebhookSecretKind, str]:
    """Opened, for the page that gives them out. Raises DoesNotOpen."""
    rows = WebhookSecret.objects.filter(webhook=webhook)
    return {WebhookSecretKind(each.kind): sealed.opened(each) for each in rows}


def register(webhook: Webhook, *, actor: Person) -> None:
    """Have it registered in Jira, or anew where it is. Written down before anything is sent. Raises Refused."""
    with transaction.atomic():
        found = _locked(webhook)
        _refuse_busy(found)
        jql = jql_of(found.connector)
        if not jql:
            raise Refused("No project is in scope, so the webhook would hear of nothing. Choose projects in step 4.")
        found.registration, found.error, found.jql = Registration.SENDING, "", jql
        found.save(update_fields=["registration", "error", "jql"])
        record_of(found, actor, "webhook.registering", f"Approved the registration of a webhook in Jira, for: {jql}")
    runner.start(webhook.connector, JobKind.INBOX, actor=actor, subject=REGISTER)


def remove(webhook: Webhook, *, actor: Person) -> None:
    """Nothing is received any more from now on; what was registered through the API is deleted in Jira by a job."""
    with transaction.atomic():
        found = _locked(webhook)
        _refuse_busy(found)
        is_registered = found.jira_id is not None
        end(found, timezone.now())
        told = "It is deleted in Jira." if is_registered else "Delete it in Jira as well, under System > Webhooks."
        record_of(found, actor, "webhook.removed", f"Removed the webhook of {found.connector.name}. {told}")
    if is_registered:
        runner.start(webhook.connector, JobKind.INBOX, actor=actor, subject=REMOVE)


def end(webhook: Webhook, now: datetime) -> None:
    """In the caller's transaction, with the row locked. Its address and secrets are destroyed."""
    WebhookSecret.objects.filter(webhook=webhook).delete()
    webhook.ended_at, webhook.canary_key = now, ""
    # A hash that no address has: the same one never comes back.
    webhook.address_hash = sealed.address_hash(f"ended {uuid4()}")
    webhook.registration = Registration.REMOVING if webhook.jira_id is not None else Registration.BY_HAND
    webhook.save(update_fields=["ended_at", "canary_key", "address_hash", "registration"])


def why_not_disconnected(connector: Connector) -> str:
    """What stands against destroying the credential by which it can still be deleted in Jira; empty where nothing."""
    found = of(connector)
    if found is None or found.jira_id is None:
        return ""
    if found.ended_at is not None:
        return "Its webhook is being deleted in Jira: wait until that has ended, then disconnect."
    return (
        "Its webhook is registered in Jira, where only this connector’s token can delete it: remove the webhook on its "
        "page, then disconnect."
    )


def end_disconnected(connector: Connector) -> bool:
    """In the transaction that disconnects it; what was entered by hand then sends to nobody. Whether one ended."""
    found = Webhook.objects.locked().filter(connector=connector, ended_at=None).first()
    if found is not None:
        end(found, timezone.now())
    return found is not None


def forget_jira(connector: Connector) -> None:
    """In the transaction that leads the connector to another Jira: nothing of the former one counts any more."""
    end_disconnected(connector)
    Webhook.objects.filter(connector=connector).update(jira_id=None, jira_base="", registration=Registration.BY_HAND)
    WatchedIssue.objects.filter(connector=connector).delete()


def change_secret(webhook: Webhook, *, actor: Person) -> None:
    """The former one is good for a day more. One that was registered here is registered anew. Raises Refused."""
    with transaction.atomic():
        found = _locked(webhook)
        _refuse_busy(found)
        if not found.is_signed:
            raise Refused("This Jira does not sign, so there is no secret. Remove the webhook to get another address.")
        former = WebhookSecret.objects.filter(
            webhook=found, kind=WebhookSecretKind.FORMER, valid_until__gt=timezone.now()
        )
        if found.jira_id is None and former.exists():
            raise Refused(
                "The secret was changed within the last 24 hours. Enter that one in Jira before making another."
            )
        if found.jira_id is not None and not jql_of(found.connector):
            raise Refused("No project is in scope, so it could not be registered anew. Choose projects in step 4.")
        current = WebhookSecret.objects.get(webhook=found, kind=WebhookSecretKind.CURRENT)
        until = timezone.now() + FORMER_GOOD_FOR
        sealed.store(found, WebhookSecretKind.FORMER, sealed.opened(current), until)
        sealed.store(found, WebhookSecretKind.CURRENT, sealed.random_text())
        sentence = "Made a new secret of the webhook; the former one is good for 24 hours."
        record_of(found, actor, "webhook.secret", sentence)
    if webhook.jira_id is not None:
        register(webhook, actor=actor)


def choose_canary(webhook: Webhook, key: str, *, actor: Person) -> None:
    """The issue that may be labelled to prove the webhook; empty turns it off. Raises Refused."""
    key = key.strip().upper()
    if key and not ISSUE_KEY.fullmatch(key):
        raise Refused("This is no key of an issue: one looks like PAY-123.")
    with transaction.atomic():
        found = _locked(webhook)
        if found.canary_key == key:
            return
        found.canary_key, found.canary_at = key, None
        found.save(update_fields=["canary_key", "canary_at"])
        words = f"{key} may be labelled to prove the webhook" if key else "No issue is labelled to prove the webhook"
        record_of(found, actor, "webhook.canary-chosen", f"{words}.")


def send_canary(webhook: Webhook, *, actor: Person) -> None:
    """Raises Refused. The label is added and removed by a job; whether it was heard, the inbox says."""
    with transaction.atomic():
        found = _locked(webhook)
        if not found.canary_key:
            raise Refused("Choose the issue first that may be labelled.")
        found.canary_at, found.error = timezone.now(), ""
        found.save(update_fields=["canary_at", "error"])
        sentence = f"Approved adding a label to {found.canary_key} and removing it again, to prove the webhook."
        record_of(found, actor, "webhook.canary", sentence)
    runner.start(webhook.connector, JobKind.INBOX, actor=actor, subject=CANARY)


def canary_heard_at(webhook: Webhook) -> datetime | None:
    """When a delivery about its issue came in, since the label was sent last."""
    if webhook.canary_at is None:
        return None
    rows = InboxDelivery.objects.filter(webhook=webhook, issue_key=webhook.canary_key, replay_of=None)
    return rows.filter(received_at__gte=webhook.canary_at).order_by("id").values_list("received_at", flat=True).first()


# --- the inbox --------------------------------------------------------------------------------------------------------


def replay(webhook: Webhook, chosen: Callable[[], list[InboxDelivery]], *, actor: Person) -> int:
    """Have the issues of these deliveries looked at once more, each delivery as a row of its own. Raises Refused.

    Jira is asked as it is now, so a replay of what was looked at already changes nothing.
    """
    with transaction.atomic():
        found = _locked(webhook)
        rows = chosen()
        if not rows:
            raise Refused("No delivery is in this window.")
        if len(rows) > MOST_REPLAYED:
            raise Refused(f"More than {MOST_REPLAYED:,} deliveries are in this window. Choose a shorter one.")
        now = timezone.now()
        made = [
            InboxDelivery(
                webhook=found,
                received_at=now,
                sent_at=each.sent_at,
                updated_at=each.updated_at,
                event=each.event,
                issue_id=each.issue_id,
                issue_key=each.issue_key,
                body_hash=each.body_hash,
                size=each.size,
                replay_of=each,
            )
            for each in rows
        ]
        InboxDelivery.objects.bulk_create(made)
        record_of(found, actor, "webhook.replayed", f"Replayed {counted(len(made), 'delivery', 'deliveries')}.")
    wake()
    return len(made)


# --- what all share ---------------------------------------------------------------------------------------------------


def _locked(webhook: Webhook) -> Webhook:
    """Behind the connector's row, of one that still receives. Raises Refused."""
    connector = lock_connected(webhook.connector)
    found = Webhook.objects.locked().get(pk=webhook.pk)
    found.connector = connector
    if found.ended_at is not None:
        raise Refused("This webhook was removed, so nothing was changed. Reload the page.")
    return found


def _refuse_busy(webhook: Webhook) -> None:
    """A job that was given up leaves its state behind, and does not stand in the way."""
    own = Job.objects.filter(connector=webhook.connector, kind=JobKind.INBOX, subject__in=[REGISTER, REMOVE])
    if webhook.registration in UNDER_WAY and own.filter(state__in=ACTIVE).exists():
        raise Refused(f"{webhook.get_registration_display()}: wait until that has ended.")


def record_of(webhook: Webhook, actor: Person | None, action: str, sentence: str) -> None:
    connector = webhook.connector
    trail.record(
        AuditRecord(
            action=action,
            actor=actor,
            context=context_of(connector),
            subject=f"connector {connector.slug}",
            sentence=sentence,
            data={"registration": webhook.registration, "jira_id": webhook.jira_id, "jql": webhook.jql},
        )
    )
