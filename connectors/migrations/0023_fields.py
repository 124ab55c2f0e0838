"""The fields of both systems by work item type, how they were read, and findings about them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0022_projects_of_ours"),
    ]

    operations = [
        migrations.AddField(
            model_name="finding",
            name="remote_key",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="finding",
            name="system",
            field=models.CharField(blank=True, choices=[("align", "Jira Align"), ("jira", "Jira")], max_length=5),
        ),
        migrations.AlterField(
            model_name="finding",
            name="kind",
            field=models.CharField(
                choices=[
                    ("status", "status"),
                    ("issue-type", "issue type"),
                    ("project", "project"),
                    ("flow", "process flow"),
                    ("step", "process step"),
                    ("programme", "programme"),
                    ("project-kind", "kind of project"),
                    ("field", "field"),
                    ("field-type", "type of a field"),
                    ("field-option", "option of a field"),
                    ("field-use", "use of a field"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=models.CharField(
                choices=[
                    ("refresh", "Reading projects, statuses and process flows"),
                    ("lists", "Looking for what is new in Jira and Jira Align"),
                    ("observe", "Reading the mappings"),
                    ("apply", "Applying a plan"),
                    ("plan-refresh", "Refreshing a plan"),
                    ("intake", "Reading Align's audit log"),
                    ("probe", "Probing a credential"),
                    ("watch", "Trying the new credential"),
                    ("contract", "Observing API behaviour"),
                    ("pack", "Writing an evidence pack"),
                    ("verify", "Checking the history"),
                    ("query", "Reading what a query finds"),
                    ("in-use", "Counting issues in statuses without a mapping"),
                    ("fields", "Reading the fields of both systems"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="FieldReading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("system", models.CharField(choices=[("align", "Jira Align"), ("jira", "Jira")], max_length=5)),
                (
                    "work_item_type",
                    models.CharField(
                        choices=[("feature", "Feature"), ("story", "Story"), ("task", "Task"), ("defect", "Defect")],
                        max_length=7,
                    ),
                ),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("tried_at", models.DateTimeField()),
                ("error", models.TextField(blank=True)),
                ("remarks", models.TextField(blank=True)),
                ("asked", models.JSONField(blank=True, default=list)),
                ("left_out", models.PositiveIntegerField(default=0)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="field_readings",
                        to="connectors.connector",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connector", "system", "work_item_type"), name="one_reading_of_fields_per_type"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FieldRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("system", models.CharField(choices=[("align", "Jira Align"), ("jira", "Jira")], max_length=5)),
                (
                    "work_item_type",
                    models.CharField(
                        choices=[("feature", "Feature"), ("story", "Story"), ("task", "Task"), ("defect", "Defect")],
                        max_length=7,
                    ),
                ),
                ("key", models.CharField(max_length=255)),
                ("name", models.CharField(max_length=255)),
                ("type", models.CharField(max_length=20)),
                ("spelled", models.CharField(blank=True, max_length=255)),
                ("is_formula", models.BooleanField(default=False)),
                ("is_custom", models.BooleanField(default=False)),
                ("is_required", models.BooleanField(blank=True, null=True)),
                ("is_writable", models.BooleanField(blank=True, null=True)),
                ("options", models.JSONField(blank=True, default=list)),
                ("required_in", models.JSONField(blank=True, default=list)),
                ("position", models.PositiveIntegerField(default=0)),
                ("vanished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="fields", to="connectors.connector"
                    ),
                ),
            ],
            options={
                "ordering": ["position", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connector", "system", "work_item_type", "key"), name="one_row_per_field_of_a_type"
                    )
                ],
            },
        ),
    ]
