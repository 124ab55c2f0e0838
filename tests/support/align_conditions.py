"""Conditions by chance that the builder can say of one of Align's objects: the same for the same number."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

from connectors.align.objects import OBJECTS, AlignObject, FieldType
from connectors.align.query import EACH, Condition, Q, tree
from connectors.align.query.builder import ValueOf

TEXTS = ("", "Test", "O'Brien", "R&D", "a b", "''", "100 %", "#1", "x=y,z", "naïve ü", "not null", "(", "a\nb")
FIRST = datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)
MOST_DEEP = 3


class ConditionsByChance:
    """`keys`: of the objects that are asked."""

    def __init__(self, number: int, keys: tuple[str, ...]) -> None:
        self._chance = random.Random(number)
        self.asked: AlignObject = OBJECTS[self._chance.choice(keys)]

    def condition(self) -> Condition:
        return self._joined(lambda: self._any() if self._often(4) else self._leaf(self.asked, Q), 0)

    def _joined(self, leaf: Callable[[], Condition], depth: int) -> Condition:
        way = self._chance.choice(("and", "or", "not", "null", "leaf", "leaf")) if depth < MOST_DEEP else "leaf"
        if way == "leaf":
            return leaf()
        if way == "not":
            return ~self._joined(leaf, depth + 1)
        if way == "null":
            inner = self._joined(leaf, depth + 1)
            return self._chance.choice((inner.is_unknown, inner.is_known))()
        parts = [self._joined(leaf, depth + 1) for _ in range(self._chance.randint(2, 3))]
        return reduce(lambda one, other: one & other if way == "and" else one | other, parts)

    def _any(self) -> Condition:
        if not self.asked.filterable:
            return self._leaf(self.asked, Q)
        name = self._chance.choice(self.asked.filterable)
        entity = self.asked.entity_named(name)
        if entity is None:
            return Q(name).any(self._joined(lambda: self._compared(EACH, self._number), 2))
        target = OBJECTS[entity.target]
        return Q(name).any(self._joined(lambda: self._leaf(target, EACH.__getitem__), 2))

    def _leaf(self, asked: AlignObject, of: Callable[[str], ValueOf]) -> Condition:
        """On one field; `of` makes it of the object, or of the element."""
        fields = [each for each in asked.fields.values() if not each.type.is_list and each.name not in asked.excluded]
        field = self._chance.choice(fields)
        value = of(field.name)
        if self._often(8):
            return self._compared(value, lambda: None, orders=("eq", "ne"))
        match field.type:
            case FieldType.TRUTH:
                return value
            case FieldType.TEXT:
                return self._text(value)
            case FieldType.DATE if self._often(3):
                return self._compared(value.year(), lambda: self._chance.randint(1990, 2030))
            case FieldType.DATE:
                return self._compared(value, self._date)
            case _:
                return self._compared(self._calculated(value), self._number)

    def _compared(
        self, value: ValueOf, other: Callable[[], Any], orders: tuple[str, ...] = tree.COMPARISONS
    ) -> Condition:
        compared: Condition = getattr(value, self._chance.choice(orders))(other())
        return compared

    def _text(self, value: ValueOf) -> Condition:
        name = self._chance.choice((*tree.COMPARISONS, *tree.FUNCTIONS))
        found: Condition = getattr(value, name)(self._chance.choice(TEXTS))
        return found

    def _calculated(self, value: ValueOf) -> ValueOf:
        while self._often(4):
            value = getattr(value, self._chance.choice(tree.CALCULATIONS))(self._chance.randint(1, 9))
        return value

    def _number(self) -> int | Decimal | float:
        return self._chance.choice((0, -1, 7, 10**9, Decimal("2.50"), 0.5, -3.25))

    def _date(self) -> datetime:
        return FIRST + timedelta(days=self._chance.randint(0, 9999), microseconds=self._chance.choice((0, 120_000)))

    def _often(self, one_in: int) -> bool:
        return self._chance.randrange(one_in) == 0
