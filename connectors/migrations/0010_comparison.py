"""Checks of the whole history are kept; what is compared from now on is put right where it was stale."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F, OuterRef, Subquery

ELSEWHERE = "mapping.changed_elsewhere"


def refresh_words(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Of changes elsewhere that a line has told since: they were still found as outside changes."""
    rows = apps.get_model("connectors", "HistoryRow").objects.using(schema_editor.connection.alias)
    for row in rows.filter(action=ELSEWHERE, source="alignadmin", text__contains=":source:outside"):
        kept = [word for word in row.text.split() if not word.startswith((":action:", ":source:"))]
        told = [":action:mapping", ":action:mapping_changed_elsewhere", ":source:alignadmin"]
        rows.filter(pk=row.pk).update(text=" ".join([*told, *kept]))


def date_cases(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """A case that went to another line that looks the same kept the time of the first."""
    alias = schema_editor.connection.alias
    lines = apps.get_model("connectors", "MirrorLine").objects.using(alias).filter(pk=OuterRef("line_id"))
    cases = apps.get_model("connectors", "Case").objects.using(alias).filter(line__isnull=False)
    cases.exclude(at=F("line__at")).update(at=Subquery(lines.values("at")[:1]))


class Migration(migrations.Migration):
    # On PostgreSQL, a table cannot be altered in the transaction that changed its rows.
    atomic = False

    dependencies = [("connectors", "0009_intake_runs")]

    operations = [
        migrations.CreateModel(
            name="Verification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("by_the_clock", models.BooleanField(default=False)),
                ("folder", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Under way"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=7,
                    ),
                ),
                ("chain", models.JSONField(null=True)),
                ("look", models.PositiveIntegerField(default=0)),
                ("position", models.JSONField(null=True)),
                ("until_seq", models.BigIntegerField(default=0)),
                ("until_line", models.BigIntegerField(default=0)),
                ("done", models.PositiveBigIntegerField(default=0)),
                ("total", models.PositiveBigIntegerField(default=0)),
                ("item", models.CharField(blank=True, max_length=100)),
                ("differences", models.PositiveIntegerField(default=0)),
                ("found", models.JSONField(default=list)),
                ("error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("entry_seq", models.BigIntegerField(null=True)),
                ("owner", models.CharField(blank=True, max_length=100)),
                ("epoch", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveField(
            model_name="chainhead",
            name="verified_at",
        ),
        migrations.RemoveField(
            model_name="chainhead",
            name="verified_seq",
        ),
        migrations.RemoveField(
            model_name="chainhead",
            name="wrong_seq",
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("action", "history.verified")), fields=["-seq"], name="entries_of_checks"
            ),
        ),
        migrations.AddField(
            model_name="verification",
            name="asked_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="verification",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("state",), name="one_verification_at_a_time"
            ),
        ),
        migrations.RunPython(refresh_words, migrations.RunPython.noop),
        migrations.RunPython(date_cases, migrations.RunPython.noop),
    ]
