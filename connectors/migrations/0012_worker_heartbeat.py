"""One row per worker process, written every few seconds: since when nothing was heard of it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connectors", "0011_recognition")]

    operations = [
        migrations.CreateModel(
            name="WorkerHeartbeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("process", models.CharField(max_length=100, unique=True)),
                ("started_at", models.DateTimeField()),
                ("heard_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
