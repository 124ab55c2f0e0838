from django.db import migrations

# By hand, as Django compares a JSON column with a parameter, for which SQLite uses no partial index.
CREATE = (
    """CREATE INDEX IF NOT EXISTS mappings_of_several_records ON mappings_mapping (scope_id) WHERE duplicates <> '[]'"""
)


class Migration(migrations.Migration):
    dependencies = [
        ("mappings", "0009_rehearsal"),
    ]

    operations = [
        migrations.RunSQL(CREATE, "DROP INDEX IF EXISTS mappings_of_several_records"),
    ]
