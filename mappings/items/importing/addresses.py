"""Where an issue and an item stand in their own systems, as links of pages and lists."""

from __future__ import annotations

from urllib.parse import quote

from connectors.align.answers import API
from connectors.align.objects import OBJECTS
from connectors.models import Connector


def align_item(connector: Connector, level: str, align_id: int | None) -> str:
    """Of the record itself, as Align's answers call it: no source says where its page is. Empty without an id."""
    if align_id is None or level not in OBJECTS:
        return ""
    return f"{connector.align_site}{API}/{OBJECTS[level].path}/{align_id}"


def jira_issue(connector: Connector, key: str) -> str:
    return f"{connector.jira_site}/browse/{quote(key, safe='')}"
