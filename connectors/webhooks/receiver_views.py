"""The receiver: answers at once and says nothing, neither to Jira nor to anybody else who tries an address."""

from __future__ import annotations

import logging

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from alignadmin.accounts.guard import requires
from alignadmin.accounts.rights import Right
from alignadmin.errors import SealError
from alignadmin.parsing import whole
from connectors.models import RefusalReason, Webhook
from connectors.webhooks import refusals
from connectors.webhooks.receiving import (
    LARGEST_BODY,
    LONGEST_IDENTIFIER,
    ArrivedDelivery,
    RefusedDelivery,
    accept,
    webhook_at,
)

log = logging.getLogger(__name__)
STATUS_OF = {
    RefusalReason.SIGNATURE: 403,
    RefusalReason.SITE: 403,
    RefusalReason.SIZE: 413,
    RefusalReason.FORM: 400,
    RefusalReason.BUSY: 503,
}
RETRY_AFTER = "30"  # seconds
# Of the four threads of a process one is for people, whatever Jira sends.
GATE = refusals.Gate(at_once=3, patience=0.1)


@csrf_exempt
@requires(Right.PUBLIC, Right.PUBLIC, ("POST",))
def receive(request: HttpRequest, address: str) -> HttpResponse:
    """1. Whose address it is; nobody's is not found, and leaves nothing. 2. Its size, before a byte is read.
    3. A place, or the answer to come again. 4. The row, or the count of what was refused.
    """
    try:
        webhook = webhook_at(address)
        if webhook is None:
            return HttpResponse(status=404)
        length = whole(request.META.get("CONTENT_LENGTH") or "0")
        if length is None or length > LARGEST_BODY:
            return _refused(webhook, RefusalReason.SIZE)
        if not GATE.enter():
            GATE.turn_away(webhook)
            return _come_again()
        try:
            return _received(request, webhook)
        finally:
            GATE.leave()
    except SealError:  # a key is missing here, which is no fault of the delivery
        log.exception("a delivery could not be checked, because its secret does not open")
        return _come_again()
    except OperationalError:  # locked for too long, or gone: whoever sent it does so again
        log.warning("a delivery could not be stored, because the database did not let it", exc_info=True)
        return _come_again()


def _received(request: HttpRequest, webhook: Webhook) -> HttpResponse:
    try:
        arrived = ArrivedDelivery(
            body=request.body,
            signature=request.headers.get("X-Hub-Signature", ""),
            identifier=request.headers.get("X-Atlassian-Webhook-Identifier", "")[:LONGEST_IDENTIFIER],
        )
    except UnreadablePostError:  # cut off
        return HttpResponse(status=400)
    try:
        accept(webhook, arrived)
    except RefusedDelivery as refused:
        return _refused(webhook, refused.reason)
    except OperationalError:
        GATE.turn_away(webhook)
        raise
    GATE.write_turned_away()
    return HttpResponse(status=200)


def _refused(webhook: Webhook, reason: RefusalReason) -> HttpResponse:
    refusals.count(webhook.pk, reason)
    return HttpResponse(status=STATUS_OF[reason])


def _come_again() -> HttpResponse:
    return HttpResponse(status=503, headers={"Retry-After": RETRY_AFTER})
