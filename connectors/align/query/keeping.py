"""Conditions on custom fields, by which records are chosen once they were read: Align's documents know no such filter.

They stand in a typed query as `keep=customfield_90791 eq 'Monday'`, with `and` between several, and are never sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connectors.align.objects import AlignObject
from connectors.align.query import tree
from connectors.align.query.checking import CUSTOM
from connectors.align.query.errors import QueryRefused, Rule, Span
from connectors.align.query.reading import read_filter
from connectors.align.query.writing import literal

OPTION = "keep"
HOW = (
    "keep compares custom fields with texts or with null, by eq or ne, and with and between them: "
    f"{OPTION}=customfield_90791 eq 'Monday'."
)


@dataclass(frozen=True, kw_only=True)
class KeepRule:
    """One custom field has this value, or an option of this value; `value` None: it is empty. `is_not`: the opposite.

    Options are compared by their values, as a record and editmeta number them differently.
    """

    key: str
    value: str | None
    is_not: bool = False

    def __str__(self) -> str:
        return f"{self.key} {'ne' if self.is_not else 'eq'} {literal(self.value)}"

    def fits(self, values: Sequence[str]) -> bool:
        """`values`: what the field holds, as texts; of a list each of its options."""
        if self.value is None:
            return bool(values) is self.is_not
        return (self.value.casefold() in (each.casefold() for each in values)) is not self.is_not


def keep_text(rules: Iterable[KeepRule]) -> str:
    return " and ".join(map(str, rules))


def read_keep(asked: AlignObject, typed: str, *, offset: int = 0) -> tuple[KeepRule, ...]:
    """Raises QueryRefused with the place."""
    found = read_filter(typed, offset=offset)
    rules = tuple(_rule(part) for part in tree.parts_of(found, tree.All))
    return checked_keep(asked, rules, at=(offset, offset + len(typed)))


def _rule(part: tree.Condition) -> KeepRule:
    match part:
        case tree.Compares("eq" | "ne" as operator, tree.Field(name), tree.Constant(value)):
            if name.lower().startswith(CUSTOM) and isinstance(value, str | int | Decimal | None):
                text = value if value is None or isinstance(value, str) else str(value)
                return KeepRule(key=name.lower(), value=text, is_not=operator == "ne")
    raise QueryRefused(Rule.NOT_SUPPORTED, HOW, at=part.at)


def checked_keep(asked: AlignObject, rules: tuple[KeepRule, ...], *, at: Span | None = None) -> tuple[KeepRule, ...]:
    if rules and not asked.has_custom_fields:
        raise QueryRefused(Rule.UNKNOWN_FIELD, f"{asked.plural} have no custom fields.", part=OPTION, at=at)
    return rules
