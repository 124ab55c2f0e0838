"""What is looked at by the clock in a connector: its lists, its log, and what the app above adds."""

from __future__ import annotations

from django.urls import reverse

from alignadmin.accounts.rights import Right
from connectors.history.intake import intake
from connectors.models import Connector
from connectors.ports.extensions import RegularCheck, extensions


def regular_checks(connector: Connector) -> list[RegularCheck]:
    return [*_lists(connector), *extensions().checks(connector), _log(connector)]


def _lists(connector: Connector) -> list[RegularCheck]:
    href = reverse("connector-projects", args=[connector.slug])
    again = reverse("connector-refresh", args=[connector.slug])
    found = (
        ("Projects, statuses and flows, all of them", connector.catalogue_at, connector.catalogue_error, again),
        ("What is new in Jira", connector.jira_lists_at, connector.jira_lists_error, ""),
        ("What is new in Align", connector.align_lists_at, connector.align_lists_error, ""),
    )
    return [
        RegularCheck(
            label=label, style="bad" if error else "ok" if at else "", sentence=error, at=at, href=href, again=again
        )
        for label, at, error, again in found
    ]


def _log(connector: Connector) -> RegularCheck:
    trouble = intake.trouble(connector)
    said = "Its lines are pasted and uploaded only." if connector.log_by_hand else ""
    return RegularCheck(
        label="Align's audit log",
        style="warn" if trouble else "ok" if connector.intake_at else "",
        sentence=trouble or said,
        at=connector.intake_at,
        href=f"{reverse('history-intake')}?connector={connector.slug}",
        reader=Right.HISTORY,
    )
