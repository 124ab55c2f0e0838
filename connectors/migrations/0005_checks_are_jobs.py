from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def give_each_check_a_job(apps: Any, schema_editor: Any) -> None:
    """With what the check itself has said so far; one under way goes on where it was."""
    jobs, checks = apps.get_model("connectors", "Job").objects, apps.get_model("connectors", "Verification").objects
    for check in checks.all():
        check.job = jobs.create(
            kind="verify",
            subject=f"check {check.pk}",
            state="queued" if check.state == "running" else check.state,
            requested_by_id=check.asked_by_id,
            done=check.done,
            total=check.total,
            error=check.error,
            started_at=check.started_at,
            finished_at=check.finished_at,
        )
        check.save(update_fields=["job"])


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0004_packs_lose_their_lease"),
    ]

    operations = [
        migrations.AddField(
            model_name="verification",
            name="job",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="verification", to="connectors.job"
            ),
        ),
        migrations.RunPython(give_each_check_a_job, migrations.RunPython.noop),
    ]
