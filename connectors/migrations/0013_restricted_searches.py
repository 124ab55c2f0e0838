"""A search that somebody who sees all of the history shares stays with those who do, also when its owner no longer does."""

from django.db import migrations, models

SEE_ALL = ["admin", "reviewer"]  # today's roles with the right, as they are stored


def restrict(apps, schema_editor):
    apps.get_model("connectors", "SavedView").objects.filter(person__role__in=SEE_ALL).update(restricted=True)


class Migration(migrations.Migration):
    dependencies = [("connectors", "0012_in_use")]

    operations = [
        migrations.AddField("savedview", "restricted", models.BooleanField(default=False)),
        migrations.RunPython(restrict, migrations.RunPython.noop),
    ]
