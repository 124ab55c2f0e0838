"""How a run of a query ended is stored as one thing, and how many rows it read beside how many it keeps."""

from django.db import migrations, models
from django.db.models import F


def store_outcomes(apps, schema_editor):
    """As pages worked it out until now."""
    runs = apps.get_model("connectors", "QueryRun").objects
    runs.update(read=F("rows"))
    ended = runs.filter(entry_seq__isnull=False)
    ended.update(outcome="complete")
    ended.filter(stopped_at__isnull=False).update(outcome="stopped")
    ended.filter(is_cut=True).update(outcome="as-many")
    ended.filter(job__state="failed").update(outcome="failed")


class Migration(migrations.Migration):
    dependencies = [("connectors", "0010_mapping_lists")]

    operations = [
        migrations.AddField(
            model_name="queryrun",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("complete", "Complete"),
                    ("as-many", "As many as were asked for"),
                    ("stopped", "Stopped"),
                    ("failed", "Failed"),
                ],
                default="",
                max_length=10,
            ),
            preserve_default=False,
        ),
        migrations.AddField(model_name="queryrun", name="read", field=models.PositiveIntegerField(default=0)),
        migrations.RunPython(store_outcomes, migrations.RunPython.noop),
        migrations.RemoveField(model_name="queryrun", name="is_cut"),
    ]
