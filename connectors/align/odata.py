"""Query options as Jira Align takes them, always with the dollar sign, and values as they stand in a filter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Query:
    """Immutable; every method gives a new one. `plain` are the PascalCase parameters of the resource itself."""

    plain: Pairs = ()
    top: int | None = None
    skip: int | None = None
    conditions: tuple[str, ...] = ()
    order: str | None = None

    def where(self, field: str, operator: str, value: int | str | datetime) -> "Query":
        """One more condition, joined with `and`."""
        condition = f"{field} {operator} {literal(value)}"
        return replace(self, conditions=(*self.conditions, condition))

    def page(self, *, top: int, skip: int | None = None) -> "Query":
        return replace(self, top=top, skip=skip)

    def ordered(self, by: str) -> "Query":
        return replace(self, order=by)

    def pairs(self) -> Pairs:
        options = (
            ("$top", None if self.top is None else str(self.top)),
            ("$skip", None if self.skip is None else str(self.skip)),
            ("$filter", " and ".join(self.conditions) or None),
            ("$orderby", self.order),
        )
        return (*self.plain, *((name, value) for name, value in options if value is not None))


def plain(parameters: Sequence[tuple[str, str | int | None]]) -> Query:
    """A query of the resource's own parameters; those that are None are left out altogether."""
    return Query(plain=tuple((name, str(value)) for name, value in parameters if value is not None))


def literal(value: int | Decimal | str | datetime | None) -> str:
    """Texts in single quotes, one inside doubled; dates without quotes, in UTC."""
    if value is None:
        return "null"
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
        return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
