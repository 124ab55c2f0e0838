"""Query options in the form Jira Align takes them: always with the dollar sign."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.align.query.writing import literal

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
