import uuid
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="OutgoingMail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("kind", models.CharField(max_length=40)),
                ("about", models.CharField(blank=True, max_length=80)),
                ("stream", models.CharField(blank=True, max_length=80)),
                ("recipients", models.JSONField()),
                ("subject", models.CharField(max_length=500)),
                ("body", models.TextField(blank=True)),
                ("is_sealed", models.BooleanField(default=False)),
                ("attachment", models.BinaryField(null=True)),
                ("attachment_name", models.CharField(blank=True, max_length=200)),
                ("attachment_type", models.CharField(blank=True, max_length=100)),
                ("message_id", models.CharField(max_length=300)),
                ("facts", models.JSONField(default=dict)),
                ("queued_at", models.DateTimeField(db_index=True)),
                ("expires_at", models.DateTimeField()),
                ("next_try_at", models.DateTimeField()),
                ("claim", models.UUIDField(blank=True, null=True)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("failed_at", None), ("sent_at", None)),
                        fields=["next_try_at"],
                        name="mail_waiting",
                    ),
                    models.Index(
                        condition=models.Q(("failed_at", None), ("sent_at", None)),
                        fields=["stream", "id"],
                        name="mail_streams",
                    ),
                    models.Index(fields=["about", "-id"], name="mail_about"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sent_at", None), ("failed_at", None), _connector="OR"),
                        name="mail_ends_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("failed_at", None), ("sent_at", None)),
                            models.Q(("attachment", None), ("body", ""), ("subject", "")),
                            _connector="OR",
                        ),
                        name="mail_keeps_no_text_that_has_gone",
                    ),
                ],
            },
        ),
    ]
