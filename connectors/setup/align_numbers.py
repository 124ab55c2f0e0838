"""Which connector has, or had before it was made anew in Align, a number of an Align site."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html

from alignadmin.errors import Refused
from connectors.models import Connector
from connectors.models.connector import with_former_number

AGAIN = "connect it again"


def why_taken_linked(site: str, number: int, *, by_other_than: int | None = None) -> str:
    """The same for a page, with a link to the one that is to be connected again."""
    taken = why_taken(site, number, by_other_than=by_other_than)
    there = Connector.objects.filter(align_site=site, align_connector_id=number, disconnected_at__isnull=False).first()
    if not taken or there is None:
        return taken
    before, _, after = taken.rpartition(AGAIN)
    return format_html('{}<a href="{}">{}</a>{}', before, reverse("connector-again", args=[there.slug]), AGAIN, after)


def why_taken(site: str, number: int, *, by_other_than: int | None = None) -> str:
    """The connector of this site that has the number or had it; empty where none but the given one does."""
    others = [each for each in Connector.objects.filter(align_site=site).order_by("pk") if each.pk != by_other_than]
    if other := next((each for each in others if each.align_connector_id == number), None):
        if other.disconnected_at:
            return f"Connector {number} of this site is {other.name} ({other.slug}), which is disconnected: {AGAIN}."
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
