"""Programs, program increments and teams by what a person types: an id, or a part of the name. Align is asked.

By the people's reserve of the rate budget, at most one request for each of the three. Where Align cannot be asked, an
id is taken as it is, and marked so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alignadmin.accounts.models import Person
from alignadmin.errors import SealError
from alignadmin.http.errors import NotFound, RemoteError
from alignadmin.parsing import whole
from connectors.align.client import AlignClient
from connectors.align.query import Q, query_of
from connectors.credentials import usage
from connectors.credentials.clients import align_client, current_credential
from connectors.models import Connector, System
from mappings.items.scope.subject import LANDS

PATIENCE = 10.0  # seconds for a slot of the rate budget
MOST_SHOWN = 10
LONGEST_TYPED = 100


@dataclass(frozen=True, kw_only=True)
class FoundLanding:
    """`value`: of the line, with what was found. By part: why it was not, and what there is to choose from."""

    value: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    choices: dict[str, Sequence[tuple[int, str]]] = field(default_factory=dict)


def find_landing(
    connector: Connector, typed: Mapping[str, str], known: Mapping[str, Any], *, actor: Person
) -> FoundLanding:
    """`known`: the value that is wanted now; what is named there as it is typed is not asked for again."""
    found = FoundLanding()
    asked = {}
    for part in LANDS:
        text, now = typed.get(part, ""), known.get(part)
        if now and not now.get("unread") and text in (str(now["id"]), now["name"]):
            found.value[part] = now
        elif len(text) > LONGEST_TYPED:
            found.problems[part] = f"This has {len(text):,} characters; {LONGEST_TYPED} are the most."
        elif text:
            asked[part] = text
    if not asked:
        return found
    if not connector.is_active:
        for part, text in asked.items():
            _take_unread(found, part, text, "The connector is deactivated, so Align is not asked.")
        return found
    try:
        usage.record_lookup(current_credential(connector, System.ALIGN), actor=actor, what="where items land")
        client = align_client(connector, interactive=True, patience=PATIENCE)
    except (RemoteError, SealError) as error:
        for part, text in asked.items():
            _take_unread(found, part, text, str(error))
        return found
    for part, text in asked.items():
        _find(client, found, part, text)
    return found


def _find(client: AlignClient, found: FoundLanding, part: str, text: str) -> None:
    try:
        rows = _rows(client, part, text)
    except RemoteError as error:
        _take_unread(found, part, text, error.sentence)
        return
    if len(rows) > 1 and len(exact := [each for each in rows if each["name"].casefold() == text.casefold()]) == 1:
        rows = exact
    if len(rows) == 1:
        found.value[part] = rows[0]
    elif not rows:
        found.problems[part] = f"Jira Align shows no {LANDS[part].lower()} “{text}”. Check the name; case may matter."
    else:
        more = ", or type more of the name" if len(rows) == MOST_SHOWN else ""
        found.problems[part] = f"{len(rows)} match “{text}”: choose one{more}."
        found.choices[part] = [(each["id"], each["name"]) for each in rows]


def _take_unread(found: FoundLanding, part: str, text: str, why: str) -> None:
    if number := whole(text):
        found.value[part] = {"id": number, "name": str(number), "unread": True}
    else:
        found.problems[part] = f"The name could not be looked up; an id can be saved as it is. {why}"


def _rows(client: AlignClient, part: str, text: str) -> list[dict[str, Any]]:
    label = "name" if part == "team" else "title"
    columns = ("id", label, "programId", "programIds") if part == "team" else ("id", label)
    number = whole(text)
    query = query_of(part).select(*columns)
    if number is not None:
        try:
            answers = [client.objects.get(query, number)]
        except NotFound:
            return []
    else:
        answers = client.objects.page(query.where(Q(label).contains(text)).ordered(label).top(MOST_SHOWN))
    return [_row(part, label, each) for each in answers if type(each.get("id")) is int]


def _row(part: str, label: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": answer["id"], "name": str(answer.get(label) or answer["id"])}
    if part == "team":
        several = answer.get("programIds")
        row["programs"] = [answer.get("programId"), *(several if isinstance(several, list) else [])]
    return row
