"""What records about connectors carry: the connector and the mapping event as entries keep them; known actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.align.audit_sentences import MappingEvent
from connectors.models.connector import Connector

CHANGE_SENT, CHANGE_DONE, CREDENTIAL_USED = "change.sent", "change.done", "credential.used"
QUESTION_ASKED, QUESTION_ANSWERED, WEEK_REVIEWED = "question.asked", "question.answered", "history.reviewed"
TERMS_LEARNED, TERMS_DECIDED, TYPE_IDS_TAKEN = "terms.learned", "terms.decided", "contract.type_ids"
LOG_READ, LOG_TAKEN_IN, LOG_WITHDRAWN = "log.read", "log.taken-in", "log.withdrawn"


def context_of(connector: Connector | None) -> Mapping[str, Any] | None:
    """As it is called now; an entry says it for good."""
    if connector is None:
        return None
    context: dict[str, Any] = {
        "id": connector.pk,
        "slug": connector.slug,
        "name": connector.name,
        "align_site": connector.align_site,
        "align_connector_id": connector.align_connector_id,
    }
    # Only of a connector that was made anew, so that the entries of all others are what they always were.
    return {**context, "former_numbers": connector.former_numbers} if connector.former_numbers else context


def event_fields(event: MappingEvent | None) -> Mapping[str, Any] | None:
    return vars(event) if event else None
