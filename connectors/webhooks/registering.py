"""The jobs that write to Jira: registering the webhook, removing it, and the label of the canary.

Each was written down by the click that approved it. A registration whose answer was lost is looked for by its address
before it is sent again, so there is never a second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from django.db import transaction

from alignadmin.http.errors import BadRequest, NotFound, OutcomeUnknown, RemoteError
from connectors.credentials.clients import jira_writer
from connectors.jira.client import JiraClient
from connectors.jira.dialect import WebhookWish
from connectors.jira.site_resources import JiraWebhook
from connectors.jira.writing import NEVER_SIGNED, JiraWriter
from connectors.jobs.runner import JobFailed, Run
from connectors.models import Registration, Webhook, WebhookSecret, WebhookSecretKind
from connectors.webhooks.announcement import ISSUE_EVENTS
from connectors.webhooks.receiving import public_address
from connectors.webhooks.services import record_of, secrets_of

NAME = "AlignAdmin"
LABEL = "alignadmin-canary"


def register(run: Run) -> None:
    """1. What stands in Jira under our address is looked up: it has an older secret or scope, and goes on delivering.
    2. The new one is sent, and looked for without an answer; found or not, that is what is stored. 3. The older ones
    are deleted, so that no change between the two is missed.
    """
    webhook = Webhook.objects.select_related("connector").get(connector=run.connector)
    if webhook.registration != Registration.SENDING or webhook.ended_at is not None:  # stored by a worker since killed
        return
    jira = jira_writer(run.connector, job=run.job, on_wait=run.waits_for)
    held = secrets_of(webhook)
    url = public_address(held[WebhookSecretKind.ADDRESS])
    try:
        run.progress("looking for an earlier registration")
        before = [each.id for each in _ours(jira, url)]
    except RemoteError as error:
        _store(run, webhook, Registration.FAILED, error.sentence)
        raise
    try:
        run.progress("registering the webhook in Jira")
        made = _registered_beside(jira, webhook, url, held.get(WebhookSecretKind.CURRENT, ""), before)
    except OutcomeUnknown as unknown:
        found = _look_again(jira, url, before)
        if found is None:
            _store(run, webhook, Registration.UNKNOWN, str(unknown))
            raise JobFailed(str(unknown)) from unknown
        made = found
    except RemoteError as error:
        _store(run, webhook, Registration.FAILED, error.sentence)
        raise
    webhook.jira_id = made.id
    _store(run, webhook, Registration.REGISTERED, "")
    run.progress("deleting the earlier registration")
    _delete(jira, before)


def _registered_beside(jira: JiraWriter, webhook: Webhook, url: str, secret: str, before: Sequence[int]) -> JiraWebhook:
    """A Jira that takes no second one of an address has the older ones deleted first."""
    try:
        return _registered(jira, webhook, url, secret)
    except BadRequest:
        if not before:
            raise
    _delete(jira, before)
    return _registered(jira, webhook, url, secret)


def _delete(jira: JiraWriter, ids: Sequence[int]) -> None:
    """Those that are gone already are as good as deleted."""
    for each in ids:
        with suppress(NotFound):
            jira.delete_webhook(each)


def _registered(jira: JiraWriter, webhook: Webhook, url: str, secret: str) -> JiraWebhook:
    """With a secret, and without one at a Jira that does not sign, which the webhook then says of itself."""
    wish = WebhookWish(name=NAME, url=url, events=ISSUE_EVENTS, jql=webhook.jql, secret=secret)
    try:
        return jira.register_webhook(wish)
    except BadRequest as refused:
        if not secret or NEVER_SIGNED not in refused.sentence:
            raise
    webhook.is_signed = False
    unsigned = WebhookWish(name=NAME, url=url, events=ISSUE_EVENTS, jql=webhook.jql)
    return jira.register_webhook(unsigned)


def _ours(jira: JiraClient, url: str) -> list[JiraWebhook]:
    return [each for each in jira.webhooks() if each.url == url]


def _look_again(jira: JiraClient, url: str, before: Sequence[int]) -> JiraWebhook | None:
    try:
        return next((each for each in _ours(jira, url) if each.id not in before), None)
    except RemoteError:
        return None


def _store(run: Run, webhook: Webhook, registration: Registration, error: str) -> None:
    with transaction.atomic():
        run.assert_lease()
        found = Webhook.objects.locked().get(pk=webhook.pk)
        found.connector = webhook.connector
        found.registration, found.error = registration, error
        found.jira_id, found.is_signed = webhook.jira_id, webhook.is_signed
        columns = ["registration", "error", "jira_id", "is_signed"]
        if registration == Registration.REGISTERED:
            found.counts_from = found.counts_from or run.job.started_at
            columns.append("counts_from")
            if not found.is_signed:
                WebhookSecret.objects.filter(webhook=found).exclude(kind=WebhookSecretKind.ADDRESS).delete()
        found.save(update_fields=columns)
        said = {
            Registration.REGISTERED: "Registered the webhook in Jira.",
            Registration.FAILED: f"The webhook was not registered in Jira: {error}",
            Registration.UNKNOWN: "Whether the webhook was registered in Jira is not known.",
        }[registration]
        record_of(found, run.actor, f"webhook.{registration.value}", said)


def remove(run: Run) -> None:
    """One that is gone from Jira already is removed as well."""
    webhook = Webhook.objects.select_related("connector").get(connector=run.connector)
    if webhook.registration != Registration.REMOVING or webhook.jira_id is None:
        return
    jira = jira_writer(run.connector, job=run.job, on_wait=run.waits_for)
    error = ""
    try:
        jira.delete_webhook(webhook.jira_id)
    except NotFound:
        pass
    except RemoteError as failed:
        error = f"{failed.sentence} Delete it in Jira, under System > Webhooks."
    with transaction.atomic():
        run.assert_lease()
        found = Webhook.objects.locked().get(pk=webhook.pk)
        found.connector = webhook.connector
        found.registration, found.jira_id, found.error = Registration.BY_HAND, None, error
        found.save(update_fields=["registration", "jira_id", "error"])
        said = f"The webhook could not be deleted in Jira: {error}" if error else "Deleted the webhook in Jira."
        record_of(found, run.actor, "webhook.deleted", said)
    if error:
        raise JobFailed(error)


def canary(run: Run) -> None:
    """Adds a label to the chosen issue and removes it again: two changes that the webhook has to announce."""
    webhook = Webhook.objects.select_related("connector").get(connector=run.connector)
    if not webhook.canary_key or webhook.ended_at is not None:
        return
    jira = jira_writer(run.connector, job=run.job, on_wait=run.waits_for)
    try:
        run.progress(f"labelling {webhook.canary_key}")
        try:
            jira.edit_issue(webhook.canary_key, {}, {"labels": [{"add": LABEL}]})
        finally:
            jira.edit_issue(webhook.canary_key, {}, {"labels": [{"remove": LABEL}]})
    except RemoteError as error:
        Webhook.objects.filter(pk=webhook.pk).update(error=error.sentence)
        raise
