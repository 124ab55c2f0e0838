"""Whose each change of a plan is: edits remember whose value they replaced, changes who decided on theirs.

Of plans from before, the author of a change is whoever edited its row last before it was planned, else who planned it.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BATCH = 500
ANOTHER = {"on_delete": models.SET_NULL, "related_name": "+", "to": settings.AUTH_USER_MODEL, "db_index": False}


def remember_former(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Each edit, the edit whose value it replaced. What was undone before stayed with whoever took it back."""
    edits = apps.get_model("mappings", "Edit").objects.using(schema_editor.connection.alias)
    found = []
    for _, of_row in groupby(edits.order_by("mapping_id", "pk").iterator(), key=lambda edit: edit.mapping_id):
        last = None
        for edit in of_row:
            if edit.undone:
                edit.before_by_id, edit.before_at = edit.person_id, edit.at
                found.append(edit)
                continue
            if last and last.after == edit.before:
                edit.before_by_id, edit.before_at = last.person_id, last.at
                found.append(edit)
            last = edit
    edits.bulk_update(found, ["before_by", "before_at"], batch_size=BATCH)


def date_differences(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Since when a row is not in sync: its first edit from what is applied, or when its drift was seen."""
    rows = apps.get_model("mappings", "Mapping").objects.using(schema_editor.connection.alias)
    edits = apps.get_model("mappings", "Edit").objects.using(schema_editor.connection.alias)
    apart = list(rows.exclude(situation="in_sync"))
    for row in apart:
        first = None
        for edit in edits.filter(mapping_id=row.pk, undone=False).order_by("-pk")[:100]:
            if edit.after != (first.before if first else row.wanted):
                break
            first = edit
            if edit.before == row.applied:
                break
        times = [each for each in (first.at if first else None, row.drifted_at) if each]
        row.apart_since = min(times, default=row.wanted_at)
    rows.bulk_update(apart, ["apart_since"], batch_size=BATCH)


def name_authors(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    edits = apps.get_model("mappings", "Edit").objects.using(alias)
    changes = apps.get_model("mappings", "Change").objects.using(alias)
    people = {each.pk: each for each in apps.get_model("connectors", "Person").objects.using(alias).all()}
    before = edits.filter(
        mapping=models.OuterRef("mapping"), undone=False, at__lte=models.OuterRef("plan__created_at")
    ).order_by("-pk")
    last = 0
    asked = changes.annotate(editor=models.Subquery(before.values("person")[:1])).select_related("plan")
    while found := list(asked.filter(pk__gt=last).order_by("pk")[:BATCH]):
        for change in found:
            author = people[change.editor or change.plan.author_id]
            change.author, change.author_name = author, author.name
            change.author_email, change.author_role = author.email, author.role
        changes.bulk_update(found, ["author", "author_name", "author_email", "author_role"], batch_size=BATCH)
        last = found[-1].pk


class Migration(migrations.Migration):
    # On PostgreSQL, a table cannot be altered in the transaction that changed its rows.
    atomic = False

    dependencies = [
        ("mappings", "0002_trusted_apply"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "change",
            "author",
            models.ForeignKey(
                null=True, on_delete=models.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, db_index=False
            ),
        ),
        migrations.AddField("change", "author_name", models.CharField(blank=True, max_length=200)),
        migrations.AddField("change", "author_email", models.CharField(blank=True, max_length=320)),
        migrations.AddField("change", "author_role", models.CharField(blank=True, max_length=10)),
        migrations.AddField("change", "earlier", models.JSONField(blank=True, default=list)),
        migrations.AddField("edit", "before_by", models.ForeignKey(blank=True, null=True, **ANOTHER)),
        migrations.AddField("edit", "before_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("mapping", "kept_by", models.ForeignKey(blank=True, null=True, **ANOTHER)),
        migrations.AddField("mapping", "former_by", models.ForeignKey(blank=True, null=True, **ANOTHER)),
        migrations.AddField("mapping", "apart_since", models.DateTimeField(blank=True, null=True)),
        migrations.RunPython(remember_former, migrations.RunPython.noop),
        migrations.RunPython(date_differences, migrations.RunPython.noop),
        migrations.RunPython(name_authors, migrations.RunPython.noop),
    ]
