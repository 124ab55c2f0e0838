"""Terms of a site for work item types, and issue types by their ids; rows of the history that are read otherwise."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    # On PostgreSQL, a table cannot be altered in the transaction that changed its rows.
    atomic = False

    dependencies = [("connectors", "0007_remote_user")]

    operations = [
        migrations.AlterField("historyrow", "work_item_type", models.CharField(blank=True, max_length=255)),
        migrations.CreateModel(
            name="TypeLabel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(max_length=255)),
                ("folded", models.CharField(max_length=255)),
                ("work_item_type", models.CharField(blank=True, max_length=7)),
                ("evidence", models.JSONField(blank=True, default=list)),
                ("decided_by", models.CharField(blank=True, max_length=320)),
                ("decided_at", models.DateTimeField()),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=models.deletion.CASCADE, related_name="type_labels", to="connectors.connector"
                    ),
                ),
            ],
            options={
                "ordering": ["folded"],
                "constraints": [models.UniqueConstraint(fields=("connector", "folded"), name="one_meaning_per_label")],
            },
        ),
    ]
