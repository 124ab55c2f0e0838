"""Each taking-in of Align's log is a run, and each line names its own; what came in before is one run per connector."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone

from connectors.history.intake import run_digest

INTAKES = [
    ("endpoint", "read from Align"),
    ("paste", "pasted"),
    ("upload", "uploaded"),
    ("before", "taken in before runs were kept"),
]
LINES = "connectors_mirrorline"
AT_ONCE = 2000


def make_runs(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """One for each connector with lines or covered time: the digest says what is there now, and cannot say more."""
    alias = schema_editor.connection.alias
    connectors = apps.get_model("connectors", "Connector").objects.using(alias)
    lines = apps.get_model("connectors", "MirrorLine").objects.using(alias)
    coverage = apps.get_model("connectors", "Coverage").objects.using(alias)
    _lift_triggers(schema_editor)
    before = None
    for connector in connectors.order_by("pk"):
        own = lines.filter(connector=connector)
        if own.exists() or coverage.filter(connector=connector).exists():
            before = _make_run(apps, alias, connector, own, before)
            own.update(run=before)
    if schema_editor.connection.vendor == "postgresql":
        # Else the column cannot be altered below while a reference waits to be checked.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _make_run(apps: Any, alias: str, connector: Any, own: Any, before: Any) -> Any:
    heads = apps.get_model("connectors", "ChainHead").objects.using(alias)
    head = heads.select_for_update(no_key=True).filter(pk=1).first() or heads.create(pk=1)
    now = timezone.now()
    covered = apps.get_model("connectors", "Coverage").objects.using(alias).filter(connector=connector)
    stretches = covered.order_by("since", "until", "pk").values_list("since", "until", "intake")
    digest = run_digest.Digest()
    for values in own.order_by("pk").values_list(*run_digest.COVERED).iterator(chunk_size=AT_ONCE):
        digest.add(values)
    times = own.aggregate(first=models.Min("recorded_at"), last=models.Max("recorded_at"))
    made = apps.get_model("connectors", "IntakeRun")(
        number=before.number + 1 if before else 1,
        connector=connector,
        intake="before",
        began_at=times["first"] or now,
        ended_at=times["last"] or now,
        readings=1,
        covers=json.dumps([[_told(since), _told(until), intake] for since, until, intake in stretches]),
        lines=digest.count,
        digest=digest.hex(),
        seen_again=0,
        seen_again_digest=run_digest.of_seen_again([]),
        head_seq=head.seq,
        head_hash=head.hash,
        prev=before.hash if before else run_digest.START,
        entry_seq=head.seq + 1,
    )
    facts = run_digest.facts(made)
    made.hash = run_digest.hash_of(facts)
    made.save(using=alias, force_insert=True)
    _append(apps, alias, head, connector, now, facts | {"hash": made.hash})
    return made


def _append(apps: Any, alias: str, head: Any, connector: Any, now: Any, run: dict[str, Any]) -> None:
    """An entry as the trail makes them; readings of the endpoint have no row of the history."""
    from alignadmin.audit import trail

    body = trail.canonical(
        {
            "seq": head.seq + 1,
            "at": now.isoformat(),
            "action": "log.read",
            "actor": None,
            "approver": None,
            "connector": {
                "id": connector.pk,
                "slug": connector.slug,
                "name": connector.name,
                "align_site": connector.align_site,
                "align_connector_id": connector.align_connector_id,
            },
            "subject": f"CONFIG {connector.align_connector_id}",
            "sentence": f"Lines of Align's audit log taken in before runs were kept: {run['lines']} here.",
            "plan": None,
            "project_key": "",
            "reason": "",
            "ticket": "",
            "happened_at": None,
            "event": None,
            "data": {"run": run},
        }
    )
    entry = apps.get_model("connectors", "Entry")(
        seq=head.seq + 1, prev=head.hash, hash=trail.digest(head.hash, body), body=body, at=now, action="log.read"
    )
    entry.save(using=alias, force_insert=True)
    head.seq, head.hash = entry.seq, entry.hash
    head.save(using=alias, update_fields=["seq", "hash"])


def _told(at: Any) -> str:
    return at.astimezone(UTC).isoformat()


def _lift_triggers(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Lines are never changed but here; the triggers are installed again after the migration."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {LINES}_no_update")
    else:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {LINES}_no_change ON {LINES}")


class Migration(migrations.Migration):
    # On PostgreSQL, an index cannot be made in the transaction that changed the rows it is for.
    atomic = False

    dependencies = [("connectors", "0008_four_people")]

    operations = [
        migrations.AlterField(
            "case",
            "state",
            models.CharField(
                choices=[
                    ("open", "Open"),
                    ("explained", "Explained"),
                    ("reverted", "Taken back"),
                    ("withdrawn", "Withdrawn"),
                ],
                default="open",
                max_length=9,
            ),
        ),
        migrations.AlterField("coverage", "intake", models.CharField(choices=INTAKES, max_length=8)),
        migrations.AlterField("mirrorline", "intake", models.CharField(choices=INTAKES, max_length=8)),
        migrations.CreateModel(
            "IntakeRun",
            [
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("intake", models.CharField(choices=INTAKES, max_length=8)),
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
                (
                    "connector",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="intake_runs",
                        to="connectors.connector",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            "OpenRun",
            [
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="open_run",
                        to="connectors.connector",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            "SeenAgain",
            [
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
            options={"indexes": [models.Index(fields=["run", "id"], name="connectors__run_id_4493a5_idx")]},
        ),
        migrations.CreateModel(
            "RunWithdrawal",
            [
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
        migrations.CreateModel(
            "WithdrawnLine",
            [
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
            "mirrorline",
            "run",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="brought",
                to="connectors.intakerun",
            ),
        ),
        migrations.RunPython(make_runs, migrations.RunPython.noop, atomic=True),
        migrations.AlterField(
            "mirrorline",
            "run",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="brought",
                to="connectors.intakerun",
            ),
        ),
        migrations.AddIndex("mirrorline", models.Index(fields=["run", "id"], name="connectors__run_id_210375_idx")),
    ]
