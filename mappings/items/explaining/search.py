"""An issue's key that is typed into the search leads to the page that explains it, without anything being read."""

from __future__ import annotations

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.search.kinds import FoundPlace
from connectors.models import Project, in_scope_here
from mappings.items.explaining.asked import explain_url, is_issue_key

ITEMS, PLURAL = "item", "Items"
MOST = 5  # connectors whose Jira has a project of that key


def find_items(text: str, person: Person) -> list[FoundPlace]:
    """One of each connector in whose scope the project of the key is; one query, and none for another text."""
    key = text.strip()
    if not is_issue_key(key) or not may(person, Right.ITEMS):
        return []
    key = key.upper()
    projects = Project.objects.filter(
        in_scope_here(), key=key.rpartition("-")[0], connector__disconnected_at=None
    ).select_related("connector")
    return [
        FoundPlace(label=f"Explain {key}", where=each.connector.name, href=explain_url(each.connector, key))
        for each in projects.order_by("connector__name")[:MOST]
    ]
