"""The priorities of both systems: read with every refresh of the catalogue, and by the clock once a day.

They serve a comparison alone, so that they cannot be read is kept beside them and stops nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from alignadmin.http.errors import RemoteError, SignInRefused
from alignadmin.http.listing import Records, aside_words
from connectors.align.client import AlignClient
from connectors.align.resources import ConnectorPriority
from connectors.catalogue.upserting import LONGEST_NAME
from connectors.jira.client import JiraClient
from connectors.jira.resources import JiraPriority
from connectors.models import Connector, PriorityList, System

EVERY = timedelta(days=1)
MOST_KEPT = 2000  # records of a list, far more than any site has priorities and types
NAMES = {System.ALIGN: "Priorities in Align", System.JIRA: "Priorities in Jira"}


def read_in_align(connector: Connector, client: Callable[[], AlignClient], at: datetime) -> None:
    """`client`: one of whose refusals nobody concludes anything about the credential."""
    _read(System.ALIGN, [connector], at, lambda: client().priorities(), _of_align)


def read_in_jira(members: Sequence[Connector], jira: JiraClient, at: datetime) -> None:
    """For all connectors that share the site."""
    _read(System.JIRA, members, at, jira.priorities, _of_jira)


def due(members: Sequence[Connector], system: System, at: datetime) -> list[Connector]:
    """Those whose list was not asked for within a day; one that was asked for in the future is due, too."""
    lately = PriorityList.objects.filter(
        connector__in=members, system=system, tried_at__gt=at - EVERY, tried_at__lte=at + EVERY
    )
    known = set(lately.values_list("connector_id", flat=True))
    return [member for member in members if member.pk not in known]


def _read(
    system: System,
    members: Sequence[Connector],
    at: datetime,
    ask: Callable[[], Records[Any]],
    as_kept: Callable[[Any], Mapping[str, Any]],
) -> None:
    try:
        told = ask()
    except SignInRefused:
        raise
    except RemoteError as error:
        for member in members:
            _store(member, system, {"tried_at": at, "error": error.sentence})
        return
    records = [dict(as_kept(each)) for each in list(told)[:MOST_KEPT]]
    aside = aside_words(NAMES[system], told.aside)
    for member in members:
        _store(member, system, {"records": records, "read_at": at, "tried_at": at, "error": aside})


def _store(connector: Connector, system: System, values: Mapping[str, Any]) -> None:
    """Unless a later reading is stored already, or the connector is another one or elsewhere meanwhile."""
    with transaction.atomic():
        stored = Connector.objects.locked().get(pk=connector.pk)
        told_by = ("align_site", "align_connector_id") if system is System.ALIGN else ("jira_site", "jira_kind")
        if any(getattr(stored, name) != getattr(connector, name) for name in told_by):
            return
        found = PriorityList.objects.filter(connector=connector, system=system)
        if not found.filter(tried_at__gt=values["tried_at"]).exists():
            PriorityList.objects.update_or_create(connector=connector, system=system, defaults=dict(values))


def _of_align(told: ConnectorPriority) -> Mapping[str, Any]:
    return {
        "type": told.item_type_id,
        "jira": told.jira_priority_id,
        "name": told.jira_priority_name[:LONGEST_NAME],
        "align": told.priority_id,
    }


def _of_jira(told: JiraPriority) -> Mapping[str, Any]:
    return {"id": told.id, "name": told.name[:LONGEST_NAME]}
