"""Names instead of ids: people, program increments and others are found in Align by what a person types.

A page asks for at most three names at once, by the people's reserve, and remembers for an hour what an id is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from django.core.cache import cache

from alignadmin.accounts.models import Person
from alignadmin.http.errors import RemoteError
from alignadmin.parsing import whole
from connectors.align.client import AlignClient
from connectors.align.objects import OBJECTS, AlignObject
from connectors.align.query import AlignQuery, Q, query_of
from connectors.credentials import usage
from connectors.credentials.clients import align_client, current_credential
from connectors.explorer.fields import ConditionRow, QueryFields
from connectors.explorer.operators import ME
from connectors.models import Connector, System

MOST_AT_ONCE = 3  # requests for which a page waits
PATIENCE = 10.0  # seconds for a slot of the rate budget
MOST_SHOWN = 10
REMEMBERED = 3600  # seconds
LONGEST = 100
MOST_OPTIONS = 500


@dataclass(frozen=True, kw_only=True)
class FoundName:
    id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class KnownCustomField:
    """`options`: the values of a list; they alone are the same in a record and in editmeta, their ids are not."""

    label: str
    options: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LookedUp:
    """The fields with the ids that were found; for rows where that was not one record alone, what there is."""

    fields: QueryFields
    choices: dict[int, list[FoundName]] = field(default_factory=dict)  # by the row's number
    problems: dict[int, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return not self.fields.lookups and not self.problems


def look_up(connector: Connector, fields: QueryFields, *, actor: Person) -> LookedUp:
    """One request for each name. What Align refuses stands at its row."""
    wanted = fields.lookups
    if not wanted:
        return LookedUp(fields=fields)
    found = LookedUp(fields=fields)
    try:
        usage.record_lookup(current_credential(connector, System.ALIGN), actor=actor)
        client = align_client(connector, interactive=True, patience=PATIENCE)
    except RemoteError as error:
        return replace(found, problems={row.number: str(error) for row in wanted})
    for count, row in enumerate(wanted):
        if count >= MOST_AT_ONCE:
            found.problems[row.number] = f"{MOST_AT_ONCE} names are looked up at once: press the button again."
            continue
        found = _looked_up(connector, client, found, row, actor)
    return found


def _looked_up(
    connector: Connector, client: AlignClient, found: LookedUp, row: ConditionRow, actor: Person
) -> LookedUp:
    target = OBJECTS[row.field.target] if row.field else OBJECTS["user"]
    is_me = target.key == "user" and row.value.strip().lower() == ME
    try:
        names = _by_mail(client, actor) if is_me else _by_name(client, target, row.value.strip()[:LONGEST])
    except RemoteError as error:
        found.problems[row.number] = str(error)
        return found
    remember(connector, target, names)
    if len(names) == 1:
        return replace(found, fields=found.fields.with_value(row.number, str(names[0].id)))
    if not names:
        found.problems[row.number] = _none_found(target, row.value.strip()[:LONGEST], actor if is_me else None)
    else:
        more = ", or type more of the name" if len(names) == MOST_SHOWN else ""
        found.problems[row.number] = f"{len(names)} names match: choose one{more}."
        found.choices[row.number] = names
    return found


def _none_found(target: AlignObject, typed: str, me: Person | None) -> str:
    if me is not None:
        return f"Jira Align shows no user with your e-mail address, {me.email}. Type a name or an id in place of “me”."
    return f"Jira Align shows nothing called “{typed}” among {target.plural.lower()}. Check the name; case may matter."


def _by_mail(client: AlignClient, person: Person) -> list[FoundName]:
    query = query_of("user").select("id", "fullName").where(Q("email").eq(person.email)).top(2)
    return _names(client, query, "fullName")


def _by_name(client: AlignClient, target: AlignObject, typed: str) -> list[FoundName]:
    """Whole words of a person's name may stand in two fields, as first and last name."""
    label = target.label_field
    condition = Q(label).contains(typed)
    if target.key == "user":
        condition = condition | Q("email").startswith(typed)
    query = query_of(target.key).select("id", label).where(condition).ordered(label).top(MOST_SHOWN)
    return _names(client, query, label)


def _names(client: AlignClient, query: AlignQuery, label: str) -> list[FoundName]:
    rows = client.objects.page(query)
    return [
        FoundName(id=row["id"], name=str(row.get(label) or row["id"])) for row in rows if type(row.get("id")) is int
    ]


# -- what an id is called ---------------------------------------------------------------------------------------------


def remember(connector: Connector, target: AlignObject, names: Iterable[FoundName]) -> None:
    for each in names:
        cache.set(_key(connector, target.key, each.id), each.name[:LONGEST], REMEMBERED)


def remembered(connector: Connector, rows: Iterable[ConditionRow]) -> dict[int, str]:
    """By the row's number: what its id is called, where somebody has looked that up lately."""
    keys = {
        row.number: _key(connector, row.field.target, id_)
        for row in rows
        if row.field and row.field.target and (id_ := whole(row.value)) is not None
    }
    found = cache.get_many(keys.values()) if keys else {}
    return {number: found[key] for number, key in keys.items() if key in found}


def _key(connector: Connector, target: str, id_: int) -> str:
    return f"explorer|{connector.pk}|{target}|{id_}"


# -- custom fields ----------------------------------------------------------------------------------------------------


def look_up_custom(connector: Connector, asked: AlignObject, *, actor: Person) -> None:
    """Their labels and options, for the hour after. At most three requests. Raises RemoteError."""
    usage.record_lookup(current_credential(connector, System.ALIGN), actor=actor)
    client = align_client(connector, interactive=True, patience=PATIENCE)
    found = client.objects.custom_fields(asked)
    told = {key: (meta.label[:LONGEST], meta.options[:MOST_OPTIONS]) for key, meta in found.fields.items()}
    cache.set(_custom_key(connector, asked), told, REMEMBERED)


def known_custom(connector: Connector, asked: AlignObject) -> dict[str, KnownCustomField]:
    """By key; empty where nobody has asked lately."""
    found = cache.get(_custom_key(connector, asked)) if asked.has_custom_fields else None
    if not isinstance(found, dict):
        return {}
    return {key: KnownCustomField(label=label, options=tuple(options)) for key, (label, options) in found.items()}


def _custom_key(connector: Connector, asked: AlignObject) -> str:
    return f"explorer|{connector.pk}|custom-fields|{asked.key}"
