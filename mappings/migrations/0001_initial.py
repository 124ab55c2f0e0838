import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("connectors", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Plan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "To approve"),
                            ("approved", "Approved"),
                            ("applying", "Applying"),
                            ("paused", "Paused"),
                            ("finished", "Finished"),
                            ("cancelled", "Cancelled"),
                            ("replaced", "Replaced"),
                        ],
                        default="draft",
                        max_length=9,
                    ),
                ),
                ("reason", models.TextField()),
                ("ticket", models.CharField(blank=True, max_length=100)),
                ("fingerprint", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("unchanged", models.PositiveIntegerField(default=0)),
                ("refused", models.JSONField(blank=True, default=list)),
                ("warnings", models.JSONField(blank=True, default=list)),
                ("api_calls", models.PositiveIntegerField(default=0)),
                ("seconds", models.FloatField(default=0)),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("approved_fingerprint", models.CharField(blank=True, max_length=64)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("control", models.CharField(blank=True, max_length=6)),
                ("emergency_reason", models.TextField(blank=True)),
                (
                    "applier",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "approver",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="plans", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="plans", to="connectors.connector"
                    ),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="replaced_by",
                        to="mappings.plan",
                    ),
                ),
                (
                    "restores",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="restored_by",
                        to="mappings.plan",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Scope",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "family",
                    models.CharField(
                        choices=[
                            ("j2a-state", "j2a-state"),
                            ("a2j-state", "a2j-state"),
                            ("j2a-step", "j2a-step"),
                            ("a2j-step", "a2j-step"),
                        ],
                        max_length=9,
                    ),
                ),
                ("observed_at", models.DateTimeField(blank=True, null=True)),
                ("rows", models.PositiveIntegerField(default=0)),
                ("foreign_rows", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="scopes", to="connectors.connector"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scopes",
                        to="connectors.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Mapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "work_item_type",
                    models.CharField(
                        choices=[("feature", "Feature"), ("story", "Story"), ("task", "Task"), ("defect", "Defect")],
                        max_length=7,
                    ),
                ),
                ("source_id", models.BigIntegerField()),
                ("wanted", models.BigIntegerField(blank=True, null=True)),
                ("applied", models.BigIntegerField(blank=True, null=True)),
                ("observed", models.BigIntegerField(blank=True, null=True)),
                ("remote_id", models.BigIntegerField(blank=True, null=True)),
                ("duplicates", models.JSONField(blank=True, default=list)),
                ("names_in_align", models.JSONField(blank=True, default=dict)),
                ("keep_remote_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "situation",
                    models.CharField(
                        choices=[
                            ("unknown", "unknown"),
                            ("in_sync", "in_sync"),
                            ("edited", "edited"),
                            ("drifted", "drifted"),
                            ("accepted", "accepted"),
                            ("conflict", "conflict"),
                        ],
                        default="in_sync",
                        max_length=8,
                    ),
                ),
                ("waits", models.BooleanField(default=False)),
                ("wanted_at", models.DateTimeField(blank=True, null=True)),
                ("apart_since", models.DateTimeField(blank=True, null=True)),
                ("written_at", models.DateTimeField(blank=True, null=True)),
                ("accepted_value", models.BigIntegerField(blank=True, null=True)),
                ("accepted_until", models.DateTimeField(blank=True, null=True)),
                ("accepted_reason", models.TextField(blank=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("drifted_at", models.DateTimeField(blank=True, null=True)),
                ("version", models.PositiveIntegerField(default=0)),
                (
                    "accepted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "former_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "kept_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "wanted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "scope",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mappings", to="mappings.scope"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ForeignRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("remote_id", models.BigIntegerField()),
                ("type_id", models.IntegerField()),
                ("source_id", models.BigIntegerField()),
                ("target_id", models.BigIntegerField()),
                (
                    "scope",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="foreign_records", to="mappings.scope"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField()),
                ("action", models.CharField(max_length=6)),
                (
                    "family",
                    models.CharField(
                        choices=[
                            ("j2a-state", "j2a-state"),
                            ("a2j-state", "a2j-state"),
                            ("j2a-step", "j2a-step"),
                            ("a2j-step", "a2j-step"),
                        ],
                        max_length=9,
                    ),
                ),
                ("project_key", models.CharField(blank=True, max_length=255)),
                (
                    "work_item_type",
                    models.CharField(
                        choices=[("feature", "Feature"), ("story", "Story"), ("task", "Task"), ("defect", "Defect")],
                        max_length=7,
                    ),
                ),
                ("source_id", models.BigIntegerField()),
                ("source_name", models.CharField(max_length=255)),
                ("before", models.BigIntegerField(blank=True, null=True)),
                ("before_name", models.CharField(blank=True, max_length=255)),
                ("after", models.BigIntegerField(blank=True, null=True)),
                ("after_name", models.CharField(blank=True, max_length=255)),
                ("author_name", models.CharField(blank=True, max_length=200)),
                ("author_email", models.CharField(blank=True, max_length=320)),
                ("author_role", models.CharField(blank=True, max_length=10)),
                ("earlier", models.JSONField(blank=True, default=list)),
                ("remote_id", models.BigIntegerField(blank=True, null=True)),
                ("is_spare", models.BooleanField(default=False)),
                ("method", models.CharField(max_length=6)),
                ("path", models.CharField(max_length=500)),
                ("query", models.JSONField(blank=True, default=list)),
                ("body", models.JSONField(blank=True, null=True)),
                ("sentence", models.TextField()),
                ("expected_line", models.TextField()),
                ("event", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "planned"),
                            ("sending", "sending"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("stale", "stale"),
                            ("unknown", "unknown"),
                            ("cancelled", "cancelled"),
                        ],
                        default="planned",
                        max_length=9,
                    ),
                ),
                ("detail", models.TextField(blank=True)),
                ("confirmed", models.BooleanField(null=True)),
                ("sends", models.PositiveSmallIntegerField(default=0)),
                ("overwrote_name", models.CharField(blank=True, max_length=255)),
                ("overwrote", models.BigIntegerField(blank=True, null=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "mapping",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="changes",
                        to="mappings.mapping",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="mappings.plan"
                    ),
                ),
                (
                    "scope",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="changes",
                        to="mappings.scope",
                    ),
                ),
            ],
            options={
                "ordering": ["plan", "position"],
            },
        ),
        migrations.CreateModel(
            name="ContractFact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "family",
                    models.CharField(
                        choices=[
                            ("j2a-state", "j2a-state"),
                            ("a2j-state", "a2j-state"),
                            ("j2a-step", "j2a-step"),
                            ("a2j-step", "a2j-step"),
                        ],
                        max_length=9,
                    ),
                ),
                ("name", models.CharField(max_length=20)),
                ("value", models.JSONField()),
                ("seen_at", models.DateTimeField()),
                ("before", models.JSONField(blank=True, null=True)),
                ("changed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contract_facts",
                        to="connectors.connector",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("connector", "family", "name"), name="one_row_per_fact")
                ],
            },
        ),
        migrations.CreateModel(
            name="DriftCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("log", "Align's audit log"), ("lists", "every list")], max_length=5),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("scopes", models.PositiveIntegerField(default=0)),
                ("unknown", models.PositiveIntegerField(default=0)),
                ("requests", models.PositiveIntegerField(default=0)),
                ("found", models.PositiveIntegerField(default=0)),
                ("ended", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drift_checks",
                        to="connectors.connector",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["connector", "-started_at"], name="mappings_dr_connect_eaaea6_idx")],
            },
        ),
        migrations.CreateModel(
            name="Edit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("before", models.BigIntegerField(blank=True, null=True)),
                ("before_at", models.DateTimeField(blank=True, null=True)),
                ("after", models.BigIntegerField(blank=True, null=True)),
                ("version", models.PositiveIntegerField()),
                ("undone", models.BooleanField(default=False)),
                ("at", models.DateTimeField()),
                (
                    "before_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="edits", to="connectors.connector"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "mapping",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="edits", to="mappings.mapping"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["connector", "person", "-id"], name="mappings_ed_connect_018234_idx")],
            },
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["applying", "paused"])),
                fields=("connector",),
                name="one_apply_per_connector",
            ),
        ),
        migrations.AddConstraint(
            model_name="scope",
            constraint=models.UniqueConstraint(
                condition=models.Q(("project", None)),
                fields=("connector", "family"),
                name="one_shared_scope_per_family",
            ),
        ),
        migrations.AddConstraint(
            model_name="scope",
            constraint=models.UniqueConstraint(
                condition=models.Q(("project__isnull", False)),
                fields=("connector", "family", "project"),
                name="one_scope_per_family_and_project",
            ),
        ),
        migrations.AddIndex(
            model_name="mapping",
            index=models.Index(fields=["situation", "scope"], name="mappings_by_situation"),
        ),
        migrations.AddIndex(
            model_name="mapping",
            index=models.Index(condition=models.Q(("waits", True)), fields=["scope"], name="mappings_waiting"),
        ),
        migrations.AddConstraint(
            model_name="mapping",
            constraint=models.UniqueConstraint(
                fields=("scope", "work_item_type", "source_id"), name="one_mapping_per_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="foreignrecord",
            constraint=models.UniqueConstraint(fields=("scope", "remote_id"), name="one_row_per_foreign_record"),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["plan", "state"], name="mappings_ch_plan_id_9d0c2a_idx"),
        ),
        migrations.AddConstraint(
            model_name="change",
            constraint=models.UniqueConstraint(fields=("plan", "position"), name="one_change_per_position"),
        ),
    ]
