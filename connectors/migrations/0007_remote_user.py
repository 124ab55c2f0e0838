"""A change of ours is found by Align's user in its line as by any other word: no search reads the lines for it."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from connectors.history.mirror import search_terms

BATCH = 1000


def add_words(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    rows = apps.get_model("connectors", "HistoryRow").objects.using(schema_editor.connection.alias)
    ours = rows.filter(source="alignadmin", line__isnull=False).select_related("line")
    last = 0
    while found := list(ours.filter(pk__gt=last).order_by("pk")[:BATCH]):
        for row in found:
            row.text = search_terms.with_remote(row.text, row.line.user)
        rows.bulk_update(found, ["text"], batch_size=200)
        last = found[-1].pk


class Migration(migrations.Migration):
    # On PostgreSQL, an index cannot be removed in the transaction that changed the rows of its table.
    atomic = False

    dependencies = [("connectors", "0006_fewer_indexes")]

    operations = [
        migrations.RunPython(add_words, migrations.RunPython.noop),
        migrations.RemoveIndex("mirrorline", "connectors__user_795d3c_idx"),
    ]
