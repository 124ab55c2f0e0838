import django.db.models.deletion
from django.conf import settings
from django.core.management import call_command
from django.db import migrations, models


def make_cache_table(apps, schema_editor):
    """Django's own command makes the table; attempts to sign in are counted in it."""
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("audit", "0001_initial"),  # its tables are guarded by what is installed after these
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="IntakeRun",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "intake",
                    models.CharField(
                        choices=[
                            ("endpoint", "read from Align"),
                            ("paste", "pasted"),
                            ("upload", "uploaded"),
                            ("before", "imported before runs were kept"),
                        ],
                        max_length=8,
                    ),
                ),
                ("person_id", models.BigIntegerField(blank=True, null=True)),
                ("person_name", models.CharField(blank=True, max_length=320)),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("readings", models.PositiveIntegerField(default=1)),
                ("covers", models.TextField(default="[]")),
                ("lines", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("seen_again", models.PositiveIntegerField(default=0)),
                ("seen_again_digest", models.CharField(max_length=64)),
                ("withdrawn", models.PositiveIntegerField(default=0)),
                ("text_sha256", models.CharField(blank=True, max_length=64)),
                ("head_seq", models.BigIntegerField()),
                ("head_hash", models.CharField(max_length=64)),
                ("prev", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                ("entry_seq", models.BigIntegerField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="MirrorLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("remote_id", models.BigIntegerField(blank=True, null=True)),
                ("type", models.CharField(max_length=200)),
                ("user", models.CharField(max_length=320)),
                ("at", models.DateTimeField()),
                ("description", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("occurrence", models.PositiveIntegerField(default=1)),
                (
                    "intake",
                    models.CharField(
                        choices=[
                            ("endpoint", "read from Align"),
                            ("paste", "pasted"),
                            ("upload", "uploaded"),
                            ("before", "imported before runs were kept"),
                        ],
                        max_length=8,
                    ),
                ),
                ("recorded_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="WorkerHeartbeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("process", models.CharField(max_length=100, unique=True)),
                ("started_at", models.DateTimeField()),
                ("heard_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="BudgetGate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("system", models.CharField(choices=[("align", "Jira Align"), ("jira", "Jira")], max_length=10)),
                ("origin", models.CharField(max_length=255)),
                ("blocked_until", models.DateTimeField(null=True)),
                ("probe_until", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("system", "origin"), name="one_gate_per_origin")],
            },
        ),
        migrations.CreateModel(
            name="Connector",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=200)),
                ("align_site", models.URLField(max_length=500)),
                ("align_connector_id", models.PositiveIntegerField()),
                ("jira_site", models.URLField(max_length=500)),
                (
                    "jira_kind",
                    models.CharField(
                        choices=[("cloud", "Jira Cloud"), ("datacenter", "Jira Data Center")],
                        default="cloud",
                        max_length=12,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                ("type_ids", models.JSONField(blank=True, default=dict)),
                (
                    "audit_source",
                    models.CharField(
                        choices=[
                            ("untried", "not tried yet"),
                            ("endpoint", "read from Align"),
                            ("none", "pasted or uploaded"),
                        ],
                        default="untried",
                        max_length=10,
                    ),
                ),
                ("log_by_hand", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("catalogue_at", models.DateTimeField(blank=True, null=True)),
                ("catalogue_error", models.TextField(blank=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True)),
                ("intake_at", models.DateTimeField(blank=True, null=True)),
                ("gap_since", models.DateTimeField(blank=True, null=True)),
                ("audit_due_at", models.DateTimeField(blank=True, null=True)),
                ("observe_every", models.PositiveIntegerField(default=900)),
                ("observe_due_at", models.DateTimeField(blank=True, null=True)),
                ("digest_due_at", models.DateTimeField(blank=True, null=True)),
                ("contract_due_at", models.DateTimeField(blank=True, null=True)),
                ("four_eyes", models.BooleanField(default=False)),
                ("ticket_pattern", models.CharField(blank=True, max_length=200)),
                ("typed_above", models.PositiveIntegerField(default=25)),
                ("typed_share", models.PositiveSmallIntegerField(default=10)),
                ("maintenance_since", models.DateTimeField(blank=True, null=True)),
                ("maintenance_until", models.DateTimeField(blank=True, null=True)),
                ("maintenance_reason", models.TextField(blank=True)),
                (
                    "maintenance_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Confirmation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40)),
                ("person_name", models.CharField(max_length=200)),
                ("confirmed_at", models.DateTimeField()),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="confirmations",
                        to="connectors.connector",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Coverage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                (
                    "intake",
                    models.CharField(
                        choices=[
                            ("endpoint", "read from Align"),
                            ("paste", "pasted"),
                            ("upload", "uploaded"),
                            ("before", "imported before runs were kept"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="coverage", to="connectors.connector"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Credential",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(unique=True)),
                ("system", models.CharField(choices=[("align", "Jira Align"), ("jira", "Jira")], max_length=5)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("align-bearer", "Align API token (bearer)"),
                            ("align-basic", "Atlassian API token (user and token)"),
                            ("jira-cloud", "Jira Cloud: e-mail and API token"),
                            ("jira-password", "Jira Data Center: user and password"),
                            ("jira-pat", "Jira Data Center: personal access token"),
                        ],
                        max_length=15,
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        choices=[("pending", "Pending"), ("current", "Current"), ("previous", "Previous")],
                        default="current",
                        max_length=8,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("user", models.CharField(blank=True, max_length=320)),
                ("sealed", models.TextField()),
                ("fingerprint", models.CharField(max_length=16)),
                ("identity", models.CharField(blank=True, max_length=320)),
                ("reason", models.TextField(blank=True)),
                ("replaces_same_user", models.BooleanField(default=False)),
                ("expires_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("switched_at", models.DateTimeField(blank=True, null=True)),
                ("previous_until", models.DateTimeField(blank=True, null=True)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                ("last_answer", models.TextField(blank=True)),
                ("refused_status", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "backup_owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="credentials",
                        to="connectors.connector",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RunWithdrawal",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="withdrawal",
                        serialize=False,
                        to="connectors.intakerun",
                    ),
                ),
                ("person_id", models.BigIntegerField()),
                ("person_name", models.CharField(max_length=320)),
                ("at", models.DateTimeField()),
                ("reason", models.TextField()),
                ("entry_seq", models.BigIntegerField(unique=True)),
            ],
        ),
        migrations.AddField(
            model_name="intakerun",
            name="connector",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="intake_runs", to="connectors.connector"
            ),
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("refresh", "Reading projects, statuses and process flows"),
                            ("observe", "Reading the mappings"),
                            ("apply", "Applying a plan"),
                            ("plan-refresh", "Refreshing a plan"),
                            ("intake", "Reading Align's audit log"),
                            ("probe", "Probing a credential"),
                            ("watch", "Trying the new credential"),
                            ("contract", "Observing API behaviour"),
                            ("pack", "Writing an evidence pack"),
                            ("verify", "Checking the history"),
                        ],
                        max_length=20,
                    ),
                ),
                ("subject", models.CharField(blank=True, max_length=100)),
                ("params", models.JSONField(blank=True, default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[("queued", "Queued"), ("running", "Running"), ("done", "Done"), ("failed", "Failed")],
                        default="queued",
                        max_length=7,
                    ),
                ),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("item", models.CharField(blank=True, max_length=500)),
                ("waits_for", models.CharField(blank=True, max_length=200)),
                ("error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("owner", models.CharField(blank=True, max_length=100)),
                ("epoch", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                (
                    "connector",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="jobs",
                        to="connectors.connector",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CredentialUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("credential_uuid", models.UUIDField()),
                ("version", models.PositiveIntegerField()),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="uses", to="connectors.job"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WithdrawnLine",
            fields=[
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="withdrawal",
                        serialize=False,
                        to="connectors.mirrorline",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="mirrorline",
            name="connector",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="mirror_lines",
                to="connectors.connector",
            ),
        ),
        migrations.AddField(
            model_name="mirrorline",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="brought",
                to="connectors.intakerun",
            ),
        ),
        migrations.CreateModel(
            name="HistoryRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "source",
                    models.CharField(
                        choices=[("alignadmin", "AlignAdmin"), ("align", "Align"), ("outside", "Outside")],
                        max_length=10,
                    ),
                ),
                ("action", models.CharField(max_length=40)),
                ("kind", models.CharField(blank=True, max_length=5)),
                ("direction", models.CharField(blank=True, max_length=3)),
                ("work_item_type", models.CharField(blank=True, max_length=255)),
                ("project_key", models.CharField(blank=True, max_length=255)),
                ("project_stated", models.BooleanField(default=True)),
                ("object_id", models.BigIntegerField(blank=True, null=True)),
                ("object_name", models.TextField(blank=True)),
                ("before_id", models.BigIntegerField(blank=True, null=True)),
                ("before_name", models.TextField(blank=True)),
                ("after_id", models.BigIntegerField(blank=True, null=True)),
                ("after_name", models.TextField(blank=True)),
                ("person_id", models.BigIntegerField(blank=True, null=True)),
                ("person_name", models.CharField(blank=True, max_length=320)),
                ("person_email", models.CharField(blank=True, max_length=320)),
                ("planner_id", models.BigIntegerField(blank=True, null=True)),
                ("planner_name", models.CharField(blank=True, max_length=320)),
                ("approver_id", models.BigIntegerField(blank=True, null=True)),
                ("approver_name", models.CharField(blank=True, max_length=320)),
                ("applier_id", models.BigIntegerField(blank=True, null=True)),
                ("applier_name", models.CharField(blank=True, max_length=320)),
                ("reason", models.TextField(blank=True)),
                ("ticket", models.CharField(blank=True, max_length=100)),
                ("plan", models.BigIntegerField(blank=True, null=True)),
                ("sentence", models.TextField(blank=True)),
                ("entry_seq", models.BigIntegerField(blank=True, null=True, unique=True)),
                ("parsed", models.BooleanField(default=True)),
                (
                    "certainty",
                    models.CharField(
                        blank=True,
                        choices=[("", "not paired"), ("exact", "exact"), ("one-of", "one of several identical")],
                        default="",
                        max_length=6,
                    ),
                ),
                ("identical", models.PositiveIntegerField(default=0)),
                ("candidates", models.JSONField(blank=True, default=list)),
                ("match", models.CharField(blank=True, max_length=64)),
                ("text", models.TextField(blank=True)),
                (
                    "connector",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="connectors.connector",
                    ),
                ),
                (
                    "line",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="row",
                        to="connectors.mirrorline",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Case",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entry_seq", models.BigIntegerField(blank=True, null=True, unique=True)),
                ("at", models.DateTimeField()),
                ("opened_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("explained", "Explained"),
                            ("reverted", "Reverted"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("note", models.TextField(blank=True)),
                ("decided_by", models.CharField(blank=True, max_length=320)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decided_seq", models.BigIntegerField(blank=True, null=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cases", to="connectors.connector"
                    ),
                ),
                (
                    "line",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="case",
                        to="connectors.mirrorline",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OpenRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("readings", models.PositiveIntegerField()),
                ("head_seq", models.BigIntegerField()),
                ("head_hash", models.CharField(max_length=64)),
                (
                    "connector",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="open_run", to="connectors.connector"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PackSchedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, unique=True)),
                ("query", models.TextField()),
                (
                    "every",
                    models.CharField(
                        choices=[("week", "Every Monday"), ("month", "On the first of a month")], max_length=5
                    ),
                ),
                ("recipients", models.TextField(blank=True)),
                ("is_active", models.BooleanField(default=True)),
                ("due_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Pack",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(unique=True)),
                ("query", models.TextField()),
                ("time_zone", models.CharField(max_length=64)),
                ("path", models.TextField(blank=True)),
                ("size", models.BigIntegerField(default=0)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField()),
                ("entry_seq", models.BigIntegerField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="packs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="pack", to="connectors.job"
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="packs",
                        to="connectors.packschedule",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Probe",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("write_key", models.CharField(blank=True, max_length=200)),
                ("write_state", models.CharField(blank=True, max_length=10)),
                ("write_id", models.PositiveBigIntegerField(blank=True, null=True)),
                ("seen", models.PositiveIntegerField(default=0)),
                ("expected", models.PositiveIntegerField(default=0)),
                ("lost", models.JSONField(blank=True, default=list)),
                ("current_refusal", models.TextField(blank=True)),
                (
                    "credential",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="probes", to="connectors.credential"
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ProbeLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
                ("code", models.CharField(max_length=40)),
                ("label", models.CharField(max_length=100)),
                (
                    "state",
                    models.CharField(
                        choices=[("ok", "May"), ("failed", "May not"), ("skipped", "Not tried")], max_length=7
                    ),
                ),
                ("required", models.BooleanField(default=True)),
                ("sentence", models.TextField()),
                (
                    "probe",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="connectors.probe"
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="ProcessFlow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("align_id", models.BigIntegerField()),
                ("name", models.CharField(max_length=255)),
                ("level", models.CharField(blank=True, max_length=20)),
                ("is_active", models.BooleanField(default=True)),
                ("programme_ids", models.JSONField(default=list)),
                ("vanished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="flows", to="connectors.connector"
                    ),
                ),
            ],
            options={
                "ordering": ["-is_active", "name"],
            },
        ),
        migrations.CreateModel(
            name="ProcessStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("align_id", models.BigIntegerField()),
                ("name", models.CharField(max_length=255)),
                ("position", models.PositiveIntegerField(default=0)),
                ("map_to_state", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("vanished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="connectors.connector"
                    ),
                ),
                (
                    "flow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="connectors.processflow"
                    ),
                ),
            ],
            options={
                "ordering": ["flow", "position", "align_id"],
            },
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("jira_id", models.BigIntegerField()),
                ("key", models.CharField(max_length=255)),
                ("name", models.CharField(max_length=255)),
                ("team_managed", models.BooleanField(default=False)),
                ("in_scope", models.BooleanField(default=False)),
                ("programme_id", models.BigIntegerField(blank=True, null=True)),
                ("align_key", models.CharField(blank=True, max_length=255)),
                ("align_error", models.TextField(blank=True)),
                ("vanished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="projects", to="connectors.connector"
                    ),
                ),
            ],
            options={
                "ordering": ["key"],
            },
        ),
        migrations.CreateModel(
            name="IssueType",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("jira_id", models.BigIntegerField()),
                ("name", models.CharField(max_length=255)),
                ("subtask", models.BooleanField(default=False)),
                ("hierarchy_level", models.SmallIntegerField(blank=True, null=True)),
                ("avatar", models.BigIntegerField(blank=True, null=True)),
                ("vanished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="issue_types",
                        to="connectors.connector",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="own_types",
                        to="connectors.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entry_seq", models.BigIntegerField(blank=True, db_index=True, null=True)),
                ("asked_at", models.DateTimeField()),
                ("text", models.TextField()),
                ("answer", models.TextField(blank=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="questions",
                        to="connectors.mirrorline",
                    ),
                ),
                (
                    "to",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="questions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Reminder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("credential_uuid", models.UUIDField()),
                ("expires_on", models.DateField()),
                ("days", models.PositiveSmallIntegerField()),
                ("claimed_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("credential_uuid", "expires_on", "days"), name="each_reminder_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("week", models.DateField(unique=True)),
                ("person_name", models.CharField(max_length=320)),
                ("at", models.DateTimeField()),
                ("note", models.TextField(blank=True)),
                ("until_seq", models.BigIntegerField()),
                ("rows", models.PositiveIntegerField()),
                ("entry_seq", models.BigIntegerField(unique=True)),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("query", models.TextField()),
                ("shared", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="views", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SeenAgain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shown_again",
                        to="connectors.intakerun",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Status",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("jira_id", models.BigIntegerField()),
                ("name", models.CharField(max_length=255)),
                (
                    "category",
                    models.CharField(
                        choices=[("todo", "To do"), ("doing", "In progress"), ("done", "Done")], max_length=5
                    ),
                ),
                ("vanished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="statuses", to="connectors.connector"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="own_statuses",
                        to="connectors.project",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "statuses",
            },
        ),
        migrations.CreateModel(
            name="ReachableStatus",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "issue_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="connectors.issuetype"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reachable", to="connectors.project"
                    ),
                ),
                (
                    "status",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reached", to="connectors.status"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TypeLabel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(max_length=255)),
                ("folded", models.CharField(max_length=255)),
                ("work_item_type", models.CharField(blank=True, max_length=7)),
                ("evidence", models.JSONField(blank=True, default=list)),
                ("decided_by", models.CharField(blank=True, max_length=320)),
                ("decided_at", models.DateTimeField()),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="type_labels",
                        to="connectors.connector",
                    ),
                ),
            ],
            options={
                "ordering": ["folded"],
            },
        ),
        migrations.CreateModel(
            name="TypeMatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "work_item_type",
                    models.CharField(
                        choices=[("feature", "Feature"), ("story", "Story"), ("task", "Task"), ("defect", "Defect")],
                        max_length=7,
                    ),
                ),
                ("issue_type_name", models.CharField(max_length=255)),
                ("issue_type_ids", models.JSONField(blank=True, default=list)),
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="type_matches",
                        to="connectors.connector",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="type_matches",
                        to="connectors.project",
                    ),
                ),
            ],
            options={
                "ordering": ["work_item_type", "issue_type_name"],
            },
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("by_the_clock", models.BooleanField(default=False)),
                ("folder", models.TextField(blank=True)),
                ("chain", models.JSONField(null=True)),
                ("table_index", models.PositiveIntegerField(default=0)),
                ("position", models.JSONField(null=True)),
                ("until_seq", models.BigIntegerField(default=0)),
                ("until_line", models.BigIntegerField(default=0)),
                ("differences", models.PositiveIntegerField(default=0)),
                ("found", models.JSONField(default=list)),
                ("created_at", models.DateTimeField()),
                ("entry_seq", models.BigIntegerField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="verification", to="connectors.job"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="BudgetSlot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("free_at", models.DateTimeField()),
                (
                    "gate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="slots", to="connectors.budgetgate"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["gate", "free_at"], name="slots_by_free_at")],
                "constraints": [models.UniqueConstraint(fields=("gate", "number"), name="one_row_per_slot")],
            },
        ),
        migrations.AddConstraint(
            model_name="connector",
            constraint=models.UniqueConstraint(
                fields=("align_site", "align_connector_id"), name="one_row_per_align_connector"
            ),
        ),
        migrations.AddConstraint(
            model_name="confirmation",
            constraint=models.UniqueConstraint(fields=("connector", "code"), name="one_confirmation_per_code"),
        ),
        migrations.AddIndex(
            model_name="coverage",
            index=models.Index(fields=["connector", "until"], name="connectors__connect_d2d286_idx"),
        ),
        migrations.AddConstraint(
            model_name="credential",
            constraint=models.UniqueConstraint(
                fields=("connector", "system", "stage"), name="one_credential_per_stage"
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["connector", "kind", "-created_at"], name="connectors__connect_bc1a83_idx"),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=("connector", "kind", "subject"),
                name="one_active_job_per_kind_and_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("connector", None), ("state__in", ["queued", "running"])),
                fields=("kind", "subject"),
                name="one_active_job_of_no_connector",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "verify"), ("state", "running")),
                fields=("kind",),
                name="one_verification_at_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="credentialuse",
            index=models.Index(fields=["credential_uuid", "-at"], name="connectors__credent_6b1a78_idx"),
        ),
        migrations.AddConstraint(
            model_name="credentialuse",
            constraint=models.UniqueConstraint(
                fields=("job", "credential_uuid", "version"), name="one_use_per_job_and_version"
            ),
        ),
        migrations.AddIndex(
            model_name="mirrorline",
            index=models.Index(fields=["connector", "at"], name="connectors__connect_0472cf_idx"),
        ),
        migrations.AddIndex(
            model_name="mirrorline",
            index=models.Index(fields=["run", "id"], name="connectors__run_id_210375_idx"),
        ),
        migrations.AddConstraint(
            model_name="mirrorline",
            constraint=models.UniqueConstraint(
                fields=("connector", "digest", "occurrence"), name="one_row_per_mirrored_line"
            ),
        ),
        migrations.AddIndex(
            model_name="historyrow",
            index=models.Index(fields=["-at", "-id", "source"], name="connectors__at_3720d0_idx"),
        ),
        migrations.AddIndex(
            model_name="historyrow",
            index=models.Index(fields=["connector", "-at", "-id"], name="connectors__connect_88c2c1_idx"),
        ),
        migrations.AddIndex(
            model_name="historyrow",
            index=models.Index(fields=["plan"], name="connectors__plan_0937bf_idx"),
        ),
        migrations.AddIndex(
            model_name="historyrow",
            index=models.Index(fields=["connector", "match", "at"], name="connectors__connect_25f95a_idx"),
        ),
        migrations.AddIndex(
            model_name="historyrow",
            index=models.Index(
                condition=models.Q(("parsed", False)), fields=["connector"], name="history_rows_kept_raw"
            ),
        ),
        migrations.AddIndex(
            model_name="historyrow",
            index=models.Index(
                condition=models.Q(("source", "outside")),
                fields=["connector", "object_id"],
                name="history_rows_outside",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["connector", "state", "-at"], name="connectors__connect_51fb4c_idx"),
        ),
        migrations.AddConstraint(
            model_name="probeline",
            constraint=models.UniqueConstraint(fields=("probe", "code"), name="one_line_per_right"),
        ),
        migrations.AddConstraint(
            model_name="processflow",
            constraint=models.UniqueConstraint(fields=("connector", "align_id"), name="one_row_per_flow"),
        ),
        migrations.AddConstraint(
            model_name="processstep",
            constraint=models.UniqueConstraint(fields=("connector", "align_id"), name="one_row_per_step"),
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(fields=["connector", "key"], name="connectors__connect_8ff78a_idx"),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.UniqueConstraint(fields=("connector", "jira_id"), name="one_row_per_jira_project"),
        ),
        migrations.AddConstraint(
            model_name="issuetype",
            constraint=models.UniqueConstraint(fields=("connector", "jira_id"), name="one_row_per_issue_type"),
        ),
        migrations.AddIndex(
            model_name="question",
            index=models.Index(condition=models.Q(("answered_at", None)), fields=["to"], name="questions_to_answer"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(fields=("person", "name"), name="one_view_per_name"),
        ),
        migrations.AddIndex(
            model_name="seenagain",
            index=models.Index(fields=["run", "id"], name="connectors__run_id_4493a5_idx"),
        ),
        migrations.AddConstraint(
            model_name="status",
            constraint=models.UniqueConstraint(fields=("connector", "jira_id"), name="one_row_per_jira_status"),
        ),
        migrations.AddConstraint(
            model_name="reachablestatus",
            constraint=models.UniqueConstraint(
                fields=("project", "issue_type", "status"), name="one_row_per_reachable_status"
            ),
        ),
        migrations.AddConstraint(
            model_name="typelabel",
            constraint=models.UniqueConstraint(fields=("connector", "folded"), name="one_meaning_per_label"),
        ),
        migrations.AddConstraint(
            model_name="typematch",
            constraint=models.UniqueConstraint(
                condition=models.Q(("project", None)),
                fields=("connector", "work_item_type", "issue_type_name"),
                name="one_match_per_connector",
            ),
        ),
        migrations.AddConstraint(
            model_name="typematch",
            constraint=models.UniqueConstraint(
                condition=models.Q(("project__isnull", False)),
                fields=("connector", "project", "work_item_type", "issue_type_name"),
                name="one_match_per_project",
            ),
        ),
        migrations.RunPython(make_cache_table, migrations.RunPython.noop),
    ]
