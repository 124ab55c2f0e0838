"""What is looked at by the clock in a connector's mappings, for the checks on its page."""

from __future__ import annotations

from django.db.models import Max
from django.urls import reverse

from alignadmin.accounts.rights import Right
from alignadmin.text import counted
from connectors.models import Connector
from connectors.ports.extensions import RegularCheck
from mappings.contract import facts
from mappings.drift.address import DriftAddress, Tab, drift_url, in_use_url
from mappings.drift.status import WatchStatus, status
from mappings.in_use.lines import last_round
from mappings.models import ContractFact


def checks(connector: Connector) -> list[RegularCheck]:
    return [_lists(connector, status(connector)), _contract(connector), _in_use(connector)]


def _lists(connector: Connector, watch: WatchStatus) -> RegularCheck:
    last = watch.last
    sentence = watch.why
    if last and not watch.why:
        sentence = f"{counted(last.scopes, 'list')} read, {counted(last.found, 'new change')} made elsewhere found."
    return RegularCheck(
        label="Mappings in Align",
        style="bad" if last and last.error else "" if watch.why else "ok",
        sentence=sentence,
        at=last.finished_at if last else None,
        href=DriftAddress(connector=connector, tab=Tab.CHECKS).url if last else drift_url(connector),
        again=reverse("drift-check", args=[connector.slug]),
    )


def _contract(connector: Connector) -> RegularCheck:
    changed = len(facts.unacknowledged(connector.slug))
    seen_at = ContractFact.objects.filter(connector=connector).aggregate(at=Max("seen_at"))["at"]
    sentence = "Align answers as before." if seen_at else ""
    return RegularCheck(
        label="Align's API behaviour",
        style="warn" if changed else "ok" if seen_at else "",
        sentence=f"{counted(changed, 'change')} to take note of." if changed else sentence,
        at=seen_at,
        href=reverse("connector-contract", args=[connector.slug]),
        again=reverse("contract-look", args=[connector.slug]),
        right=Right.CONFIGURE,
    )


def _in_use(connector: Connector) -> RegularCheck:
    last = last_round(connector)
    at = last.finished_at if last else None
    error = last.error if last else ""
    sentence = "Each status without a mapping was counted." if at else ""
    return RegularCheck(
        label="Issues in statuses without a mapping",
        style="bad" if error else "ok" if at else "",
        sentence=error or sentence,
        at=at,
        href=in_use_url(connector),
    )
