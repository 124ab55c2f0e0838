import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0009_intake_runs"),
    ]

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
    ]
