"""Which connector has, or had before it was made anew in Align, a number of an Align site."""

from __future__ import annotations

from alignadmin.errors import Refused
from connectors.models import Connector
from connectors.models.connector import with_former_number


def why_taken(site: str, number: int, *, by_other_than: int | None = None) -> str:
    """The connector of this site that has the number or had it; empty where none but the given one does."""
    others = [each for each in Connector.objects.filter(align_site=site).order_by("pk") if each.pk != by_other_than]
    if other := next((each for each in others if each.align_connector_id == number), None):
        return f"Connector {number} of this Jira Align site is already here: {other.name} ({other.slug})."
    if former := with_former_number(others, number):
        return (
            f"Connector {number} of this Jira Align site is what {former.name} ({former.slug}) was before it was made "
            "anew in Jira Align: its history is there."
        )
    return ""


def refuse_taken(connector: Connector) -> None:
    """Once its row is written: whoever gave a number up meanwhile is seen by then. Raises Refused."""
    if taken := why_taken(connector.align_site, connector.align_connector_id, by_other_than=connector.pk):
        raise Refused(taken)
