from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0007_alerts"),
    ]

    operations = [
        migrations.AddField(
            model_name="connector",
            name="former_numbers",
            field=models.JSONField(blank=True, default=list),
        ),
    ]
