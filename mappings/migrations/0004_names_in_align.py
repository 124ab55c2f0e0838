"""How Align's lists call what they hold; filled by the next look at each list."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mappings", "0003_authors")]

    operations = [
        migrations.AddField("mapping", "names_in_align", models.JSONField(blank=True, default=dict)),
    ]
