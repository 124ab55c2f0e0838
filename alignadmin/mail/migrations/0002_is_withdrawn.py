from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mail", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="outgoingmail",
            name="is_withdrawn",
            field=models.BooleanField(default=False),
        ),
    ]
