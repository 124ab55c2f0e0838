from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mappings", "0003_key_turned"),
    ]

    operations = [
        migrations.AddField(
            model_name="scope",
            name="read_anew_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
