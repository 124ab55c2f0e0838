"""The words of the history's rows, and the index that finds rows by them."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from connectors.history.mirror import search_index, search_terms

BATCH = 1000


def make_words(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What stood there was text in lower case; its words are the same, and those of the qualifiers come with them."""
    rows = apps.get_model("connectors", "HistoryRow").objects.using(schema_editor.connection.alias)
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        for row in found:
            row.text = search_terms.of_row(row, row.text)
        rows.bulk_update(found, ["text"], batch_size=200)
        last = found[-1].pk


def make_index(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    search_index.install(schema_editor.connection.alias)


class Migration(migrations.Migration):
    # On PostgreSQL, an index cannot be made in the transaction that changed the rows it is for.
    atomic = False

    dependencies = [("connectors", "0004_evidence")]

    operations = [
        migrations.AddIndex("mirrorline", models.Index(fields=["user"], name="connectors__user_795d3c_idx")),
        migrations.AddIndex("historyrow", models.Index(fields=["at", "source"], name="connectors__at_f3fe1c_idx")),
        migrations.RunPython(make_words, migrations.RunPython.noop),
        migrations.RunPython(make_index, migrations.RunPython.noop),
    ]
