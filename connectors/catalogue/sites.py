"""Which connectors one reading of a site is good for, and how fast a site may be read by the clock.

Connectors that share a site and sign in as the same account are shown the same: what is read for one of them is stored
for each. Another account may see other projects, so it reads for itself.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Q

from connectors.budget.slots import limits_from_settings
from connectors.models import Connector, Credential, JiraKind, Stage, System

JIRA_PAGE = 50
OTHER_LISTS = 3  # of Jira: statuses, issue types, and who we are still
SIGN_IN = 1  # of each window's reading


def sharing(connector: Connector, system: System) -> list[Connector]:
    """Active ones that were read once, by their keys. Without a credential: none."""
    accounts = _accounts(connector, system)
    if connector.pk not in accounts:
        return []
    same = [pk for pk, account in accounts.items() if account == accounts[connector.pk]]
    ready = Connector.objects.filter(
        pk__in=same, is_active=True, catalogue_at__isnull=False, maintenance_since=None
    ).order_by("pk")
    return list(ready.filter(gap_since=None) if system is System.ALIGN else ready)


def _accounts(connector: Connector, system: System) -> dict[int, tuple[str, str]]:
    """By the connectors of this site: who signs in there; a token without a user is an account of its own."""
    if system is System.JIRA:
        same_site = Q(connector__jira_site=connector.jira_site, connector__jira_kind=connector.jira_kind)
    else:
        same_site = Q(connector__align_site=connector.align_site)
    current = Credential.objects.filter(same_site, system=system, stage=Stage.CURRENT)
    rows = current.values_list("connector_id", "kind", "user", "fingerprint")
    return {pk: (kind, user.casefold() or fingerprint) for pk, kind, user, fingerprint in rows}


# --- the pace ---------------------------------------------------------------------------------------------------------


def share() -> int:
    """Requests in a window of the rate budget that the clock's readings of one site may use."""
    percent: int = settings.CATALOGUE_SHARE
    return max(1, limits_from_settings().for_bulk() * percent // 100)


def window() -> timedelta:
    return timedelta(seconds=settings.BUDGET_WINDOW)


def interval() -> timedelta:
    return timedelta(seconds=settings.CATALOGUE_INTERVAL)


def rotation(projects: int, jira_kind: str) -> timedelta:
    """How long it takes until the statuses of each of so many projects were read, with the lists between."""
    pages = -(-projects // JIRA_PAGE) if jira_kind == JiraKind.CLOUD else 1
    windows = max(1.0, interval() / window())
    left = max(1.0, share() - SIGN_IN - (pages + OTHER_LISTS) / windows)
    return max(interval(), window() * (projects / left))
