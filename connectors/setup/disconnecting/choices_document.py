"""What was chosen for a connector, and its mappings, as one JSON document to keep. Taking it is an entry."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.text import counted
from connectors.models import Connector, Project, TypeLabel
from connectors.ports.audited import context_of
from connectors.ports.extensions import extensions
from connectors.setup.readiness import matches_of

EXPORTED = "connector.exported"
FORMAT, VERSION = "alignadmin.connector", 1
RULES = ("four_eyes", "ticket_pattern", "typed_above", "typed_share", "observe_every")
SAID = ("name", "slug", "align_site", "align_connector_id", "jira_site", "jira_kind", "time_zone", "log_by_hand")


def choices_of(connector: Connector) -> dict[str, Any]:
    """Everything a person decided about it, without a secret and without its mappings."""
    return {
        "connector": {name: getattr(connector, name) for name in SAID},
        "former_numbers": connector.former_numbers,
        "explorer_for_editors": connector.explorer_for_editors,
        "pull_address": connector.pull_address,
        "rules": {name: getattr(connector, name) for name in RULES},
        "type_ids": connector.type_ids,
        "issue_types": matches_of(connector),
        "configuration": extensions().configuration_document(connector),
        "level_names": connector.level_names,
        "terms": decided_terms(connector),
        "projects": list(
            Project.objects.filter(connector=connector, vanished_at=None)
            .annotate(ours=Q(ours_at__isnull=False))
            .order_by("key")
            .values("key", "name", "jira_id", "team_managed", "scope_choice", "carried", "in_scope", "ours")
        ),
    }


def decided_terms(connector: Connector) -> dict[str, str]:
    """What the site's own terms in Align's log mean."""
    rows = TypeLabel.objects.filter(connector=connector).order_by("label")
    return dict(rows.values_list("label", "work_item_type"))


def export(connector: Connector, *, actor: Person) -> io.BytesIO:
    """The document, at its beginning; recorded once it is built."""
    mappings = list(extensions().mappings_document(connector))
    document: Mapping[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": timezone.now().isoformat(timespec="seconds"),
        **choices_of(connector),
        "mappings": mappings,
    }
    file = io.BytesIO(json.dumps(document, indent=1, ensure_ascii=False).encode())
    with transaction.atomic():
        trail.record(
            AuditRecord(
                action=EXPORTED,
                actor=actor,
                context=context_of(connector),
                subject=f"connector {connector.slug}",
                sentence=f"Exported the choices of {connector.name} and {counted(len(mappings), 'mapping')}.",
                data={"mappings": len(mappings), "bytes": file.getbuffer().nbytes},
            )
        )
    return file
