from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def give_each_pack_a_job(apps: Any, schema_editor: Any) -> None:
    """With what the pack itself has said so far; one under way is written again."""
    jobs, packs = apps.get_model("connectors", "Job").objects, apps.get_model("connectors", "Pack").objects
    for pack in packs.all():
        pack.job = jobs.create(
            kind="pack",
            subject=str(pack.uuid),
            state="queued" if pack.state == "running" else pack.state,
            requested_by_id=pack.asked_by_id,
            error=pack.error if pack.state == "failed" else "",
            started_at=pack.finished_at,
            finished_at=pack.finished_at,
        )
        pack.mail_error = pack.error if pack.state == "done" else ""
        pack.send_at = pack.lease_until if pack.state == "done" else None
        pack.save(update_fields=["job", "mail_error", "send_at"])


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0002_job_kinds"),
    ]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="connector",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="jobs",
                to="connectors.connector",
            ),
        ),
        migrations.AddField(
            model_name="pack",
            name="job",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="pack", to="connectors.job"
            ),
        ),
        migrations.AddField(
            model_name="pack",
            name="send_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="pack",
            name="mail_error",
            field=models.TextField(blank=True, default=""),
            preserve_default=False,
        ),
        migrations.RunPython(give_each_pack_a_job, migrations.RunPython.noop),
    ]
