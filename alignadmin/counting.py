"""Numbers of many tables by one statement: what a page counts around itself costs it one way to the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet


def count_all(asked: Iterable[QuerySet[Any] | int]) -> list[int]:
    """How many rows each has, in the order asked; a number stands for itself. No query where nothing is to be read.

    Of what only has to be there or not, a slice of one row is enough.
    """
    numbers: list[int | None] = []
    statements: list[str] = []
    values: list[Any] = []
    for each in asked:
        found = None if isinstance(each, int) else _selected(each)
        numbers.append(each if isinstance(each, int) else 0 if found is None else None)
        if found is not None:
            # Made by Django, with places for values; only the counting is put around it.
            statements.append(f"(SELECT COUNT(*) FROM ({found[0]}) AS counted)")  # noqa: S608  # nosec B608
            values.extend(found[1])
    counted = iter(_row(statements, values))
    return [next(counted) if number is None else number for number in numbers]


def _selected(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]] | None:
    """The statement that reads their keys, with its values; None where it is known that there are none."""
    try:
        unordered = rows if rows.query.is_sliced else rows.order_by()
        return unordered.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return None


def _row(statements: list[str], values: list[Any]) -> tuple[int, ...]:
    if not statements:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(statements)}", values)  # nosec B608
        return tuple(cursor.fetchone())
