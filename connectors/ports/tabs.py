"""The tabs of a connector's page: each is a page with an address of its own, and rooms above this one add theirs."""

from __future__ import annotations

from dataclasses import dataclass

from alignadmin.accounts.rights import Right


@dataclass(frozen=True, kw_only=True)
class ConnectorTab:
    """`page` is the name of an address that takes the slug of the connector and nothing else."""

    label: str
    page: str
    right: Right = Right.SEE


# In the order in which they stand. A room of another app adds its own when the apps are ready.
TABS = [
    ConnectorTab(label="Overview", page="connector"),
    ConnectorTab(label="Projects", page="connector-projects"),
    ConnectorTab(label="Types", page="connector-types"),
    ConnectorTab(label="Credentials", page="connector-credentials"),
    ConnectorTab(label="Checks", page="connector-checks"),
    ConnectorTab(label="Webhook", page="webhook", right=Right.ITEMS),
    ConnectorTab(label="Settings", page="connector-settings"),
]


def add(tab: ConnectorTab, *, before: str) -> None:
    """Before the tab with that label; one that is there already is replaced, since apps may be made ready twice."""
    TABS[:] = [each for each in TABS if each.page != tab.page]
    TABS.insert(next(place for place, each in enumerate(TABS) if each.label == before), tab)
