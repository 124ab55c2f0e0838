from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def as_one_kind(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """All mapping lists of a site are one kind of list: what was known of each family becomes the largest of them."""
    caps = apps.get_model("connectors", "PageCap").objects.using(schema_editor.connection.alias)
    largest: dict[str, int] = {}
    for site, size in caps.filter(family__contains="mappings/").values_list("site", "largest"):
        largest[site] = max(size, largest.get(site, 0))
    caps.filter(family__contains="mappings/").delete()
    caps.bulk_create([caps.model(site=site, family="mappings", largest=size) for site, size in largest.items()])


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0009_explorer"),
    ]

    operations = [migrations.RunPython(as_one_kind, migrations.RunPython.noop)]
