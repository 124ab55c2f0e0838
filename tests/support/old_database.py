"""Makes a database as an earlier version left it: its tables, then the rows that it had written (tests/samples).

    python -m tests.support.old_database

The rows were taken from that version itself: edits, plans, an apply, pasted lines in several scripts and terms.
"""

from __future__ import annotations

import json
from typing import Any

import django
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor

from tests import SAMPLES

AT = dict.fromkeys(("audit", "accounts", "connectors", "mappings"), "0001_initial")
ROWS = SAMPLES / "at_0001.jsonl"


def make() -> None:
    executor = MigrationExecutor(connection)
    of_others = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] not in AT]
    targets = [*AT.items(), *of_others]
    state = executor.migrate(targets)
    filled: list[type[models.Model]] = []
    with transaction.atomic():
        for model in state.apps.get_models():
            for field in model._meta.concrete_fields:
                field.auto_now_add = field.auto_now = False  # type: ignore[attr-defined]
        for line in ROWS.read_text().splitlines():
            label, values = json.loads(line)
            model = state.apps.get_model(label)
            model(**{name: _read(model, name, value) for name, value in values.items()}).save(force_insert=True)
            filled.append(model)
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(dict.fromkeys(filled))):
            cursor.execute(statement)


def _read(model: type[models.Model], name: str, value: Any) -> Any:
    """As a column takes it; `name` may be that of a key to another table."""
    field = next(each for each in model._meta.concrete_fields if each.attname == name)
    return value if isinstance(field, models.JSONField | models.ForeignKey) else field.to_python(value)


if __name__ == "__main__":
    django.setup()
    make()
