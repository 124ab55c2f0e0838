"""What the explorer's pages show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.urls import reverse
from django.utils.http import urlencode

from alignadmin.accounts.models import Person
from alignadmin.parsing import text_in, whole
from connectors.align.objects import OBJECTS, AlignObject, NamedBy, object_at
from connectors.align.query import EVERYTHING, AlignQuery
from connectors.align.query.request import LINK
from connectors.explorer import lookups, saved, services
from connectors.explorer.as_rows import fields_of
from connectors.explorer.fields import ConditionRow, QueryFields, fields_in, orderable, usual_columns
from connectors.explorer.lookups import FoundName
from connectors.explorer.operators import conditions_on
from connectors.explorer.results import curl
from connectors.explorer.typed import QueryCost, QueryReading, cost_of, read
from connectors.explorer.wording import field_label
from connectors.models import Connector, QueryRun


@dataclass(frozen=True, kw_only=True)
class NamedChoice:
    """An option of a select, or a box to tick."""

    name: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class ExampleQuery:
    """`pairs`: as they stand in an address of the form."""

    name: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def in_address(self) -> str:
        return urlencode(self.pairs)


def _example(name: str, asked: str, columns: str, *pairs: tuple[str, str]) -> ExampleQuery:
    chosen = tuple(("column", column) for column in columns.split())
    return ExampleQuery(name=name, pairs=(("object", asked), *chosen, *pairs, ("top", str(services.USUAL))))


EXAMPLES = (
    _example(
        "Features of PI 1 owned by me",
        "feature",
        "id title state points priority",
        ("field.0", "releaseId"),
        ("op.0", "eq"),
        ("value.0", "1"),
        ("field.1", "ownerId"),
        ("op.1", "eq"),
        ("value.1", "me"),
        ("order.0", "priority"),
    ),
    _example(
        "Blocked stories, newest first",
        "story",
        "id title blockedReason teamId lastUpdatedDate",
        ("field.0", "isBlocked"),
        ("op.0", "yes"),
        ("order.0", "lastUpdatedDate"),
        ("desc.0", "yes"),
    ),
    _example(
        "Features without an owner",
        "feature",
        "id title state programId",
        ("field.0", "ownerId"),
        ("op.0", "empty"),
    ),
    _example(
        "Epics of PI 1 or PI 2",
        "epic",
        "id title state releaseIds",
        ("field.0", "releaseIds"),
        ("op.0", "has"),
        ("value.0", "1"),
        ("field.1", "releaseIds"),
        ("op.1", "has"),
        ("value.1", "2"),
        ("match", "any"),
    ),
    _example("Program increments", "release", "id title shortName startDate endDate", ("order.0", "startDate")),
)


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """A run as it stands in the list of one's own."""

    run: QueryRun

    @property
    def name(self) -> str:
        asked = object_at(self.run.query.partition("?")[0])
        return asked.plural if asked else "Query"

    @property
    def options(self) -> str:
        return self.run.query.partition("?")[2]


@dataclass
class ExplorerPage:
    """The form, or a typed query; `uuid` is of the run that its button starts, so that a second click starts none."""

    connector: Connector
    person: Person
    fields: QueryFields
    reading: QueryReading | None = None
    choices: Mapping[int, list[FoundName]] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)
    uuid: UUID = field(default_factory=uuid4)
    renamed: int | None = None  # the saved query whose new name was refused

    @property
    def is_typed(self) -> bool:
        return self.reading is not None

    @cached_property
    def query(self) -> AlignQuery | None:
        return self.reading.query if self.reading else self.fields.query

    @cached_property
    def text(self) -> str:
        return self.query.text() if self.query else ""

    @cached_property
    def cost(self) -> QueryCost | None:
        return cost_of(self.query) if self.query else None

    @property
    def curl(self) -> str:
        return curl(self.connector.align_site, self.connector.align_connector_id, self.query) if self.query else ""

    @property
    def lists(self) -> list[tuple[str, list[AlignObject]]]:
        named = [("Work, people and time", NamedBy.TABLE), ("Named by Align's article", NamedBy.ARTICLE)]
        named += [("Read by public clients", NamedBy.CLIENTS)]
        return [(label, _sorted(each for each in OBJECTS.values() if each.named_by is by)) for label, by in named]

    @cached_property
    def askable(self) -> list[NamedChoice]:
        """The fields that can stand in a condition; of custom fields those with options, and those that do."""
        named = [NamedChoice(name=each.name, label=field_label(each)) for each in conditions_on(self.fields.asked)]
        chosen = {row.custom_key for row in self.fields.filled if row.custom_key}
        custom = {key: known.label for key, known in self.known_custom.items() if known.options or key in chosen}
        custom = {**custom, **{key: key for key in chosen if key not in custom}}
        return [*named, *(NamedChoice(name=key, label=f"{label} (custom field)") for key, label in custom.items())]

    @cached_property
    def orderable(self) -> list[NamedChoice]:
        fields = self.fields.asked.fields
        return [NamedChoice(name=name, label=field_label(fields[name])) for name in orderable(self.fields.asked)]

    @cached_property
    def columns(self) -> list[NamedChoice]:
        """What tells which record it is first; then the table's other fields, and custom fields with known labels."""
        chosen, known = set(self.fields.columns), self.fields.asked.fields
        of_table = [(name, field_label(known[name])) for name in (*usual_columns(self.fields.asked), *known)]
        named = dict([*of_table, (LINK, "Link to the record"), *self.custom.items()])
        unknown = {name: name for name in self.fields.columns if name not in named}
        return [
            NamedChoice(name=name, label=label, chosen=name in chosen) for name, label in {**named, **unknown}.items()
        ]

    @cached_property
    def known_custom(self) -> dict[str, lookups.KnownCustomField]:
        return lookups.known_custom(self.connector, self.fields.asked)

    @property
    def custom(self) -> dict[str, str]:
        """Their labels, by key."""
        return {key: known.label for key, known in self.known_custom.items()}

    @property
    def may_have_custom(self) -> bool:
        """Whether their labels can be asked for."""
        return self.fields.asked.has_custom_fields and not self.custom

    @cached_property
    def entities(self) -> list[NamedChoice]:
        all_of_them = self.fields.expanded == EVERYTHING
        chosen = self.fields.expanded
        return [
            NamedChoice(name=name, label=name, chosen=all_of_them or name in chosen)
            for name in self.fields.asked.entities
        ]

    @cached_property
    def names(self) -> dict[int, str]:
        return lookups.remembered(self.connector, self.fields.filled)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Each condition with what a look-up has found for it."""
        return [
            {
                "row": row,
                "problem": self.problems.get(row.number) or row.problem,
                "choices": [
                    {"name": each.name, "id": each.id, "address": self._chosen(row.number, each.id)}
                    for each in self.choices.get(row.number, [])
                ],
                "name": self.names.get(row.number, ""),
                "options": row.options or self._options(row),
            }
            for row in self.fields.rows
        ]

    def _options(self, row: ConditionRow) -> list[tuple[str, str]]:
        """Of a custom field; with the value that stands there, which may be none of them any more."""
        known = self.known_custom.get(row.custom_key)
        if known is None or not known.options:
            return []
        values = dict.fromkeys((*known.options, row.value) if row.value else known.options)
        return [(value, value) for value in values]

    def _chosen(self, number: int, id_: int) -> str:
        fields = self.fields.with_value(number, str(id_))
        return f"{reverse('explorer', args=[self.connector.slug])}?{fields.in_address}"

    @property
    def typed_address(self) -> str:
        """The same query as a text."""
        base = reverse("explorer", args=[self.connector.slug])
        return f"{base}?{urlencode({'q': self.text or '/' + self.fields.asked.path + '?'})}"

    @property
    def rows_address(self) -> str:
        """The same query by rows; where the form cannot say it, a fresh one of the same object."""
        return rows_address(self.connector, self.query) if self.query else self._fresh(self.fields.asked.key)

    @property
    def loses_by_rows(self) -> bool:
        return self.is_typed and self.query is not None and fields_of(self.query) is None

    def _fresh(self, asked: str) -> str:
        return f"{reverse('explorer', args=[self.connector.slug])}?{urlencode({'object': asked, 'before': 'none'})}"

    # -- beside the form -----------------------------------------------------------------------------------------------

    @property
    def examples(self) -> tuple[ExampleQuery, ...]:
        return EXAMPLES

    @cached_property
    def saved(self) -> list[saved.SavedQueryLine]:
        return saved.seen_by(self.person, self.connector)

    @cached_property
    def runs(self) -> list[RunLine]:
        return [RunLine(run=run) for run in services.of(self.person, self.connector)[:8]]


def rows_address(connector: Connector, query: AlignQuery) -> str:
    found = fields_of(query)
    said = found.in_address if found else urlencode({"object": query.asked.key, "before": "none"})
    return f"{reverse('explorer', args=[connector.slug])}?{said}"


def page_of(connector: Connector, person: Person, data: Mapping[str, Any], typed: str | None) -> ExplorerPage:
    fields = fields_in(data)
    caret = whole(text_in(data, "caret"), most=len(typed)) if typed and "caret" in data else None
    return ExplorerPage(connector, person, fields, reading=None if typed is None else read(typed, caret=caret))


def _sorted(objects: Any) -> list[AlignObject]:
    return sorted(objects, key=lambda each: each.plural)
