from uuid import uuid4

import django.db.models.deletion
from django.db import migrations, models


def stamp_all(apps, schema_editor):
    """What is there already has a stamp from now on; the triggers that give new ones come after the migrations."""
    connectors = apps.get_model("connectors", "Connector").objects.values_list("pk", flat=True)
    stamps = apps.get_model("connectors", "CatalogueStamp")
    stamps.objects.bulk_create(stamps(connector_id=pk, value=str(uuid4())) for pk in connectors)


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0012_in_use"),
    ]

    operations = [
        migrations.CreateModel(
            name="CatalogueStamp",
            fields=[
                (
                    "connector",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="connectors.connector",
                    ),
                ),
                ("value", models.CharField(max_length=36)),
            ],
        ),
        migrations.RunPython(stamp_all, migrations.RunPython.noop),
    ]
