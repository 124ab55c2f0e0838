"""Locking rows, one way for every table: until the transaction ends, not in the way of those who refer to them."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import connections, models

Row = TypeVar("Row", bound=models.Model, covariant=True)


class LockableQuerySet(models.QuerySet[Row]):
    def locked(self, *, skip_locked: bool = False) -> Self:
        """These rows, locked when they are read; what is selected along with them is not.

        On PostgreSQL the key stays free: whoever refers to a row looks at it when they commit, and holds the head of
        the history then; a lock of the whole row would be a deadlock. SQLite locks nothing, and writes one at a time.
        """
        return self.select_for_update(of=("self",), no_key=True, skip_locked=skip_locked)

    def lock_in_order(self) -> None:
        """Lock these rows in the order of their keys, for a transaction that takes them in another one afterwards.

        Two that take the same rows in different orders, or after one of them has the head of the history, wait for each
        other for ever: PostgreSQL then ends one of them.
        """
        if connections[self.db].features.has_select_for_update:
            list(self.locked().order_by("pk").values_list("pk"))
