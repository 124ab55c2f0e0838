"""Inserts new rows where the history grows by thousands: entries, mirrored lines, and the rows of both.

Half the time of an append was Django's `bulk_create`: it asks each field for the database's form of each value, and for
PostgreSQL it makes arrays, in which every quote of a text is escaped one by one. Plain text and numbers need neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Field, Model

M = TypeVar("M", bound=Model)
MOST_VALUES = 32_000  # of one statement; SQLite takes 32,766
AS_THEY_ARE = frozenset({str, int, bool, type(None)})


def insert(made: Sequence[M]) -> Sequence[M]:
    """Insert objects of one model, none of which is stored yet, and set the keys that the database gives them."""
    if made:
        fields = made[0]._meta.concrete_fields
        given = [field for field in fields if not (field.primary_key and made[0].pk is None)]
        size = MOST_VALUES // len(given)
        for start in range(0, len(made), size):
            _insert(made[start : start + size], given)
    return made


def _insert(some: Sequence[Model], fields: Sequence[Field[Any, Any]]) -> None:
    quote, meta = connection.ops.quote_name, some[0]._meta
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(some))
    has_keys = len(fields) == len(meta.concrete_fields)
    returning = "" if has_keys else f" RETURNING {quote(str(meta.pk.column))}"
    with connection.cursor() as cursor:
        cursor.execute(
            # Only names of our own tables and columns are put into the text, and places for values.
            f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES {places}{returning}",  # noqa: S608  # nosec B608
            [_native(field, field.pre_save(each, True)) for each in some for field in fields],
        )
        if not has_keys:
            for each, (key,) in zip(some, cursor.fetchall(), strict=True):
                each.pk = key
    for each in some:
        each._state.adding, each._state.db = False, connection.alias


def _native(field: Field[Any, Any], value: Any) -> Any:
    return value if type(value) in AS_THEY_ARE else field.get_db_prep_save(value, connection)
