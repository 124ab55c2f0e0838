"""A whole query: of which object, with which fields, entities, conditions and order.

The dollar sign stands before every option but `expand`, as Align's article asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from connectors.align.objects import OBJECTS, AlignObject
from connectors.align.query import builder, tree
from connectors.align.query.checking import CUSTOM, checked, unknown_field
from connectors.align.query.errors import QueryRefused, Rule, Span
from connectors.align.query.keeping import OPTION, KeepRule, checked_keep, keep_text
from connectors.align.query.writing import condition_text

EVERYTHING = ("true",)  # expand=true: all entities of the object, as the examples of the article have it
MOST_BYTES = 64_000  # of all options as they are sent; no source says what a site takes
LINK = "self"  # each record's own address, which is no field of the table


@dataclass(frozen=True, kw_only=True)
class SortKey:
    """`descending`: the largest first. `at`: where it was typed."""

    field: str
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.field} desc" if self.descending else self.field


@dataclass(frozen=True, kw_only=True)
class AlignQuery:
    """Immutable; every method gives a new one. It is checked by `checked`, which `pairs` and `text` go through.

    expanded: names of entities, or EVERYTHING. most: how many records at most, of all pages together; None: all.
    kept: which of the records that were read are wanted; not sent, as Align filters by no custom field.
    """

    asked: AlignObject
    selected: tuple[str, ...] = ()
    expanded: tuple[str, ...] = ()
    condition: tree.Condition | None = None
    order: tuple[SortKey, ...] = ()
    most: int | None = None
    skipped: int | None = None
    kept: tuple[KeepRule, ...] = ()

    # -- building ------------------------------------------------------------------------------------------------------

    def select(self, *names: str) -> AlignQuery:
        return replace(self, selected=(*self.selected, *names))

    def expand(self, *names: str) -> AlignQuery:
        """Entities by name; without a name all there are."""
        return replace(self, expanded=(*self.expanded, *names) if names else EVERYTHING)

    def where(self, condition: builder.Condition) -> AlignQuery:
        """One more condition, joined with and."""
        before, more = self.condition, condition.condition
        return replace(self, condition=more if before is None else tree.both(before, more))

    def ordered(self, field: str, *, descending: bool = False) -> AlignQuery:
        """After the orders before it: it decides among those that are equal so far."""
        return replace(self, order=(*self.order, SortKey(field=field, descending=descending)))

    def top(self, most: int) -> AlignQuery:
        return replace(self, most=most)

    def skip(self, skipped: int) -> AlignQuery:
        return replace(self, skipped=skipped)

    def keep(self, *rules: KeepRule) -> AlignQuery:
        return replace(self, kept=(*self.kept, *rules))

    # -- checking and writing ------------------------------------------------------------------------------------------

    def checked(self) -> AlignQuery:
        """The same with its names as they are sent. Raises QueryRefused."""
        expanded = expanded_of(self.asked, self.expanded)
        entities = frozenset(self.asked.entities if expanded == EVERYTHING else expanded)
        found = replace(
            self,
            expanded=expanded,
            selected=tuple(dict.fromkeys(selected_of(self.asked, name, entities) for name in self.selected)),
            condition=None if self.condition is None else checked(self.condition, self.asked, entities),
            order=tuple(replace(key, field=sorted_by(self.asked, key.field)) for key in self.order),
            kept=checked_keep(self.asked, self.kept),
        )
        for name, number in (("$top", self.most), ("$skip", self.skipped)):
            if number is not None and (isinstance(number, bool) or number < 0):
                raise QueryRefused(Rule.UNREADABLE, f"{name} is a whole number from 0 on.", part=str(number))
        if (size := len(urlencode(found._options()))) > MOST_BYTES:
            raise QueryRefused(
                Rule.TOO_LONG,
                f"The query has {size:,} bytes as it is sent, and at most {MOST_BYTES:,} are. Ask for fewer fields, or "
                "in several queries.",
            )
        return found

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The options as they are sent, in the order of the article. Raises QueryRefused."""
        return self.checked()._options()

    def text(self) -> str:
        """As a person reads and types it: the address below the API, and the options, not encoded, with `keep`."""
        pairs = (*self.pairs(), (OPTION, keep_text(self.kept)))
        options = "&".join(f"{name}={value}" for name, value in pairs if value)
        return f"/{self.asked.path}?{options}" if options else f"/{self.asked.path}"

    def encoded(self) -> str:
        """The options as they stand in an address."""
        return urlencode(self.pairs(), quote_via=quote, safe="$,/:()'")

    def _options(self) -> tuple[tuple[str, str], ...]:
        options = (
            ("$select", ",".join(self.selected)),
            ("expand", ",".join(self.expanded)),
            ("$filter", "" if self.condition is None else condition_text(self.condition)),
            ("$orderby", ",".join(map(str, self.order))),
            ("$top", "" if self.most is None else str(self.most)),
            ("$skip", "" if self.skipped is None else str(self.skipped)),
        )
        return tuple((name, value) for name, value in options if value)


def query_of(key: str) -> AlignQuery:
    """A query of the object with this key of the table."""
    return AlignQuery(asked=OBJECTS[key])


# -- single names, also for what is typed ------------------------------------------------------------------------------


def expanded_of(asked: AlignObject, names: Sequence[str], *, at: Span | None = None) -> tuple[str, ...]:
    if not names or tuple(name.lower() for name in names) == EVERYTHING:
        return EVERYTHING if names else ()
    return tuple(dict.fromkeys(_expanded(asked, name, at) for name in names))


def _expanded(asked: AlignObject, name: str, at: Span | None) -> str:
    entity = asked.entity_named(name)
    if entity is None:
        there = f"there are {', '.join(asked.entities)}; or true for all" if asked.entities else "there are none"
        raise QueryRefused(
            Rule.UNKNOWN_FIELD,
            f"“{name[:60]}” is nothing that expand adds to {asked.plural.lower()}: {there}.",
            part=name,
            at=at,
        )
    return entity.name


def selected_of(asked: AlignObject, name: str, entities: frozenset[str], *, at: Span | None = None) -> str:
    if asked.field_named(name) is not None:
        return asked.spelled(name)
    entity = asked.entity_named(name)
    if entity is not None and entity.name in entities:
        return entity.name
    if name.lower() == LINK or (asked.has_custom_fields and name.lower().startswith(CUSTOM)):
        return name.lower()
    sentence = unknown_field(asked, name) if name != "*" else "Without $select all fields are answered: leave it out."
    if entity is not None:
        sentence = (
            f"{entity.name} is only there if the query adds it: write expand={entity.name} or expand=true as well."
        )
    raise QueryRefused(Rule.NOT_EXPANDED if entity else Rule.UNKNOWN_FIELD, sentence, part=name, at=at)


def sorted_by(asked: AlignObject, name: str, *, at: Span | None = None) -> str:
    field = asked.field_named(name)
    if field is not None and not field.type.is_list:
        return asked.spelled(name)
    rule, sentence = Rule.UNKNOWN_FIELD, unknown_field(asked, name)
    if field is not None:
        rule, sentence = Rule.LIST, f"{field.name} is a list, which nothing can be ordered by."
    elif "/" in name or asked.entity_named(name) is not None:
        rule, sentence = Rule.SUB_LEVEL, f"{name} is of another object; order by a field of {asked.plural.lower()}."
    elif name.lower().startswith(CUSTOM):
        sentence = f"{name}: Align's documents know no order by custom fields."
    raise QueryRefused(rule, sentence, part=name, at=at)
