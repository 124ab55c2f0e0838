"""What was read by a complete refresh counts as read then, and the clock goes on from there."""

from django.db import migrations
from django.db.models import F, OuterRef, Subquery


def take_over(apps, schema_editor):
    connectors = apps.get_model("connectors", "Connector")
    projects = apps.get_model("connectors", "Project")
    read = connectors.objects.exclude(catalogue_at=None)
    since = F("catalogue_at")
    read.update(jira_lists_at=since, align_lists_at=since, jira_lists_due_at=since, align_lists_due_at=since)
    at = Subquery(read.filter(pk=OuterRef("connector")).values("catalogue_at")[:1])
    projects.objects.filter(in_scope=True, vanished_at=None).update(read_at=at, tried_at=at)


class Migration(migrations.Migration):
    dependencies = [("connectors", "0002_noticed")]

    operations = [migrations.RunPython(take_over, migrations.RunPython.noop)]
