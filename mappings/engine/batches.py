"""Changes in their order, packed into the batches in which they are applied: whole scopes together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TypeVar

from mappings.engine.plan import PlannedChange, order_changes

BATCH_LIMIT = 100

Batch = tuple[PlannedChange, ...]
Item = TypeVar("Item")


def batches(changes: Iterable[PlannedChange], limit: int = BATCH_LIMIT) -> tuple[Batch, ...]:
    return pack(order_changes(changes), scope_of=lambda change: change.place, limit=limit)


def pack(
    ordered: Iterable[Item], *, scope_of: Callable[[Item], object], limit: int = BATCH_LIMIT
) -> tuple[tuple[Item, ...], ...]:
    """Batches of at most `limit` changes, whole scopes together.

    A scope is split only if it alone is larger, and then shares no batch.
    """
    if limit < 1:
        raise ValueError("A batch holds at least one change.")
    done: list[tuple[Item, ...]] = []
    open_batch: list[Item] = []
    for _, group in groupby(ordered, key=scope_of):
        scope = list(group)
        if open_batch and len(open_batch) + len(scope) > limit:
            done.append(tuple(open_batch))
            open_batch = []
        if len(scope) > limit:
            done += [tuple(scope[start : start + limit]) for start in range(0, len(scope), limit)]
        else:
            open_batch += scope
    return (*done, tuple(open_batch)) if open_batch else tuple(done)
