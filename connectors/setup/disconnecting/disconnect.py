"""Disconnecting a connector: what ends, what stays, what stands against it, and the act itself.

Nothing is changed in Align or in Jira. Here the credentials are destroyed, so that no request can leave any more; the
row stays, and with it mappings, plans and history, which are read as before. Connecting again takes the same row up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.search import writing
from alignadmin.text import counted
from connectors.credentials.owner_links import links
from connectors.credentials.rotation.locking import entry, named
from connectors.models import (
    ACTIVE,
    Connector,
    Credential,
    HistoryRow,
    Job,
    JobState,
    OwnerLink,
    Pack,
    PackState,
)
from connectors.ports.audited import context_of
from connectors.ports.connected import disconnected_sentence
from connectors.ports.extensions import PlanLink, extensions
from connectors.ports.reasons import plain_reason
from connectors.setup.disconnecting.choices_document import EXPORTED
from connectors.setup.search_names import CONNECTORS
from connectors.setup.writing_tests import has_written, is_to_write
from connectors.webhooks import services as webhooks

DISCONNECTED = "connector.disconnected"
STOPPED = "Stopped: the connector was disconnected."


@dataclass(frozen=True, kw_only=True)
class DisconnectPreview:
    """What a page shows before it: what is in the way, what would be destroyed and stopped, what was exported when."""

    plans: Sequence[PlanLink]
    busy: str  # a test that writes to Align and is not over, or a webhook in Jira; empty: none
    credentials: Sequence[Credential]
    owner_links: Sequence[OwnerLink]
    jobs: Sequence[Job]
    edits: int  # not planned yet; they stay
    exported_at: datetime | None
    pack: Pack | None  # the newest one that is ready and holds the whole history of the connector

    @property
    def can_go_on(self) -> bool:
        return not self.plans and not self.busy


def preview(connector: Connector) -> DisconnectPreview:
    return DisconnectPreview(
        plans=extensions().open_plans(connector),
        busy=_why_busy(connector) or webhooks.why_not_disconnected(connector),
        credentials=list(Credential.objects.filter(connector=connector).defer("sealed").order_by("system", "stage")),
        owner_links=list(links.open_links().filter(connector=connector)),
        jobs=list(connector.jobs.filter(state__in=ACTIVE).order_by("pk")),
        edits=extensions().drift([connector])[connector.pk].edits,
        exported_at=_exported_at(connector),
        pack=_pack_of(connector),
    )


def pack_query(connector: Connector) -> str:
    """The search of the history that finds all of it."""
    return f"connector:{connector.slug}"


def _exported_at(connector: Connector) -> datetime | None:
    rows = HistoryRow.objects.filter(connector=connector, action=EXPORTED)
    return rows.order_by("-at", "-pk").values_list("at", flat=True).first()


def _pack_of(connector: Connector) -> Pack | None:
    made = Pack.objects.filter(query=pack_query(connector)).select_related("job").order_by("-pk")
    return next((each for each in made[:20] if each.state is PackState.DONE), None)


def disconnect(connector: Connector, *, reason: str, actor: Person) -> Connector:
    """Raises Refused, and then nothing was changed; when the same person has just done it, their second click is none.

    1. Behind the connector's row: no plan may be open. 2. Links for owners, credentials and proposals of configuration
    end, each with an entry.
    3. The connector is disconnected. 4. Once that is committed, its jobs are stopped: one that runs holds its own row
    while it waits for the connector's. Until then, and for whatever starts in between, the missing credential does it.
    """
    plain = plain_reason(reason)
    with transaction.atomic():
        found = Connector.objects.locked().get(pk=connector.pk)
        if found.disconnected_at is not None:
            if (found.disconnected_by_id, found.disconnected_reason) == (actor.pk, plain):
                stop_jobs(found)  # the first click may have been cut off before it came to that
                return found
            raise Refused(f"{disconnected_sentence(found)} Nothing more was changed.")
        _refuse_open(found)
        withdrawn = links.end_disconnected(found, actor=actor)
        wiped = _wipe(found, plain, actor)
        ended = [f"{counted(withdrawn, 'link')} for owners of tokens withdrawn."] if withdrawn else []
        ended += extensions().disconnect(found, actor)
        ended += ["Its maintenance ended with it."] if found.maintenance_since else []
        if webhooks.end_disconnected(found):
            ended.append("Its webhook receives nothing any more; delete it in Jira, under System > Webhooks.")
        _mark(found, plain, actor)
        _record(found, wiped, ended, plain, actor)
    stop_jobs(found)
    return found


def stop_jobs(connector: Connector) -> int:
    """Those that wait never begin; whoever runs one has lost it, and stops before its next request or write.

    None where the connector was connected again meanwhile: its jobs are those of the new connection.
    """
    here = Job.objects.filter(connector=connector, connector__disconnected_at=connector.disconnected_at)
    active = here.filter(state__in=ACTIVE)
    values = {"waits_for": "", "lease_until": None, "finished_at": timezone.now()}
    return active.update(state=JobState.FAILED, error=STOPPED, **values)


def _refuse_open(connector: Connector) -> None:
    if plans := extensions().open_plans(connector):
        raise Refused(
            f"{counted(len(plans), 'plan is', 'plans are')} open, so nothing was changed: {plans[0].sentence}. "
            "Finish or cancel it, then disconnect."
        )
    if busy := _why_busy(connector) or webhooks.why_not_disconnected(connector):
        raise Refused(busy)


def _why_busy(connector: Connector) -> str:
    """What has written to Align and is to be deleted there again needs the credential that would be destroyed."""
    if not has_written(connector) and not is_to_write(connector):
        return ""
    return (
        f"A test that writes one mapping to connector {connector.align_connector_id} and deletes it again is not over: "
        "wait until it has ended, or discard that credential on its page, then disconnect."
    )


def _wipe(connector: Connector, reason: str, actor: Person) -> list[str]:
    """Every stage of both systems; what they were called."""
    wiped = []
    for each in Credential.objects.filter(connector=connector).order_by("pk"):
        each.connector = connector
        each.delete()
        stage = each.get_stage_display().lower()
        entry("credential.wiped", each, actor, f"Destroyed the {stage} {named(each)}.", reason=reason, stage=each.stage)
        wiped.append(f"{stage} {named(each)}")
    return wiped


def _mark(connector: Connector, reason: str, actor: Person) -> None:
    values = {
        "is_active": False,
        "disconnected_at": timezone.now(),
        "disconnected_by": actor,
        "disconnected_reason": reason,
        "last_error": "",
        "gap_since": None,
        "maintenance_since": None,
        "maintenance_until": None,
        "maintenance_reason": "",
        "maintenance_by": None,
    }
    for name, value in values.items():
        setattr(connector, name, value)
    connector.save(update_fields=list(values))
    writing.write(CONNECTORS, [connector.pk])


def _record(connector: Connector, wiped: Sequence[str], ended: Sequence[str], reason: str, actor: Person) -> None:
    """`ended`: sentences about what ended besides the credentials."""
    told = " ".join([*ended, "Nothing was changed in Jira Align or Jira."])
    trail.record(
        AuditRecord(
            action=DISCONNECTED,
            actor=actor,
            context=context_of(connector),
            subject=f"connector {connector.slug}",
            sentence=(
                f"Disconnected {connector.name}: {counted(len(wiped), 'credential')} destroyed, nothing is read or "
                f"applied any more. {told}"
            ),
            data={"credentials": list(wiped), "ended": list(ended)},
            reason=reason,
        )
    )
