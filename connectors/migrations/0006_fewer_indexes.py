"""Fewer indexes: each is written with every row of the history, and some were beginnings of others."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0005_search"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="historyrow",
            name="connectors__at_a9674a_idx",
        ),
        migrations.RemoveIndex(
            model_name="historyrow",
            name="connectors__source_36141c_idx",
        ),
        migrations.RemoveIndex(
            model_name="historyrow",
            name="connectors__at_f3fe1c_idx",
        ),
        migrations.AlterField(
            model_name="historyrow",
            name="connector",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="connectors.connector",
            ),
        ),
        migrations.AlterField(
            model_name="mirrorline",
            name="connector",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="mirror_lines",
                to="connectors.connector",
            ),
        ),
        migrations.AddIndex(
            model_name="historyrow",
            index=models.Index(fields=["-at", "-id", "source"], name="connectors__at_3720d0_idx"),
        ),
        migrations.AddIndex(
            model_name="historyrow",
            index=models.Index(
                condition=models.Q(("source", "outside")),
                fields=["connector", "object_id"],
                name="history_rows_outside",
            ),
        ),
    ]
