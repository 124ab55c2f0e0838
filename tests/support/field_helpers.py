"""Fields of both systems as a reading would have stored them, and forms that pair them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.test import Client
from django.utils import timezone

from connectors.models import Connector, FieldReading, FieldRow, System, WorkItemType
from mappings.configuration import drafting
from mappings.configuration.draft import DraftState
from mappings.configuration.drafting import LineRequest
from mappings.configuration.proposing import approve, propose
from mappings.fields.subject import FieldPairs, value_of

PAGE = "/connectors/acme/fields/"
ALIGN, JIRA = System.ALIGN, System.JIRA
SIZES, LARGE = [("11", "Small"), ("12", "Large")], [("21", "small"), ("22", "Huge")]


def row(owner: Connector, system: str, key: str, type_: str = "text", of: str = "feature", **values: Any) -> FieldRow:
    """`options`: ids with names."""
    options: Sequence[tuple[str, str]] = values.pop("options", ())
    known = {"name": key.title(), "is_custom": key.startswith("customfield"), "is_writable": True, **values}
    shown = [{"id": id_, "name": name} for id_, name in options]
    return FieldRow.objects.create(
        connector=owner, system=system, work_item_type=of, key=key, type=type_, spelled=type_, options=shown, **known
    )


def read(owner: Connector) -> None:
    """As if both sides of all types had been read just now."""
    now = timezone.now()
    FieldReading.objects.bulk_create(
        FieldReading(connector=owner, system=system, work_item_type=type_, read_at=now, tried_at=now)
        for system in System
        for type_ in WorkItemType
    )


def small(owner: Connector) -> Connector:
    """A few fields of features: core ones, a text, a number, a formula and a select of each side."""
    read(owner)
    for system, title in ((ALIGN, "title"), (JIRA, "summary")):
        row(owner, system, title, name=title.title())
    for key, type_, name in (("customfield_1", "text", "Code"), ("customfield_2", "number", "Spend")):
        row(owner, ALIGN, key, type_, name=name)
    row(owner, ALIGN, "customfield_3", "multi select", name="Size", options=SIZES)
    row(owner, ALIGN, "customfield_4", "number", name="Score", is_formula=True, is_writable=False)
    for key, type_, name in (("customfield_51", "text", "Ticket"), ("customfield_52", "number", "Effort")):
        row(owner, JIRA, key, type_, name=name)
    row(owner, JIRA, "customfield_53", "multi select", name="T-shirt", options=LARGE)
    row(owner, JIRA, "customfield_54", "unknown", name="Poem")
    return owner


def chosen(client: Client, align: str, jira: str, direction: str = "", seen: str = "", of: str = "feature") -> Any:
    form = {f"jira:{align}": jira, f"to:{align}": direction, f"seen:{align}": seen}
    return client.post(f"{PAGE}?type={of}", form)


def agree(owner: Connector, editor: Any, admin: Any, **pairs: tuple[str, str]) -> None:
    """By the acts that people do: `customfield_1=("customfield_51", "both")`."""
    state = DraftState(FieldPairs(), owner)
    requests = [
        LineRequest(key=f"feature:{key}", wanted=value_of(*pair), seen=state.value(f"feature:{key}"))
        for key, pair in pairs.items()
    ]
    drafting.set_lines(FieldPairs(), owner, requests, actor=editor)
    seen = DraftState(FieldPairs(), owner).fingerprint
    proposal = propose(FieldPairs(), owner, seen=seen, reason="As agreed", actor=editor)
    approve(proposal, proposal.fingerprint, ticked=True, actor=admin)
