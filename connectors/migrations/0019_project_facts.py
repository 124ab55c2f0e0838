"""One flag of a project becomes facts kept apart: what Align's list said of it, and what is decided here."""

import django.db.models.deletion
from django.db import migrations, models


def take_over(apps, schema_editor):
    """What was in scope was carried. That the others are not is known only where Align's list was read to its end."""
    projects = apps.get_model("connectors", "Project").objects
    projects.filter(in_scope=True).update(carried="yes")
    projects.filter(in_scope=False).exclude(connector__catalogue_at=None).update(carried="no")


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0018_terminology"),
    ]

    operations = [
        migrations.CreateModel(
            name="AlignOnlyProject",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("align_id", models.BigIntegerField()),
                ("key", models.CharField(max_length=255)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("programme_id", models.BigIntegerField(blank=True, null=True)),
            ],
            options={
                "ordering": ["key"],
            },
        ),
        migrations.AddField(
            model_name="project",
            name="carried",
            field=models.CharField(
                choices=[("unknown", "not known yet"), ("yes", "yes"), ("no", "no")], default="unknown", max_length=7
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="category",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="project",
            name="left_align_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="rights",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="project",
            name="rights_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="rights_error",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="project",
            name="scope_choice",
            field=models.CharField(
                choices=[("align", "as Align carries"), ("in", "in scope"), ("out", "out of scope")],
                default="align",
                max_length=5,
            ),
        ),
        migrations.RunPython(take_over, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("in_scope", True), ("scope_choice", "in")),
                    models.Q(("in_scope", False), ("scope_choice", "out")),
                    models.Q(("carried", "yes"), ("in_scope", True), ("scope_choice", "align")),
                    models.Q(("carried", "no"), ("in_scope", False), ("scope_choice", "align")),
                    models.Q(("carried", "unknown"), ("scope_choice", "align")),
                    _connector="OR",
                ),
                name="scope_as_chosen_or_carried",
            ),
        ),
        migrations.AddField(
            model_name="alignonlyproject",
            name="connector",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="align_only_projects",
                to="connectors.connector",
            ),
        ),
        migrations.AddConstraint(
            model_name="alignonlyproject",
            constraint=models.UniqueConstraint(fields=("connector", "align_id"), name="one_row_per_align_only_project"),
        ),
    ]
