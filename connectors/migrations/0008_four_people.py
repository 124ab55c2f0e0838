"""Who planned and who applied what stands in the history, and the numbers of people here beside their names.

What entries of before say of them is read from the entries; who had decided on the values, these do not say.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from connectors.history.mirror import projection as make

BATCH = 1000
NUMBERS, NAMES = ("person_id", "planner_id", "approver_id", "applier_id"), ("planner_name", "applier_name")


def fill(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """One plain update each: Django's `bulk_update` takes ten times as long for thousands of rows."""
    connection = schema_editor.connection
    rows = apps.get_model("connectors", "HistoryRow").objects.using(connection.alias).exclude(entry_seq=None)
    entries = apps.get_model("connectors", "Entry").objects.using(connection.alias)
    columns = ", ".join(f"{name} = %s" for name in (*NUMBERS, *NAMES, "text"))
    last = 0
    while found := list(rows.filter(entry_seq__gt=last).order_by("entry_seq")[:BATCH]):
        last = found[-1].entry_seq
        bodies = dict(entries.filter(seq__in=[row.entry_seq for row in found]).values_list("seq", "body"))
        told = [(row, json.loads(bodies[row.entry_seq])) for row in found if row.entry_seq in bodies]
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE connectors_historyrow SET {columns} WHERE id = %s",  # noqa: S608  # nosec B608
                [_values(row, body) for row, body in told],
            )


def _values(row: Any, body: dict[str, Any]) -> list[Any]:
    people = make.people_of(body)
    text = " ".join(dict.fromkeys([*row.text.split(" "), *make.words_of_people(people, body["action"])]))
    named = {"planner_name": people.planner, "applier_name": people.applier}
    four = (people.person, people.planner, people.approver, people.applier)
    names = [make.safe(copy.get("name", ""))[:320] for copy in named.values()]
    return [*(copy.get("id") for copy in four), *names, text, row.pk]


def number_archived(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Of rows whose entries have left the database, the person is known by the e-mail alone."""
    alias = schema_editor.connection.alias
    rows = apps.get_model("connectors", "HistoryRow").objects.using(alias)
    unknown = rows.filter(entry_seq__isnull=False, person_id=None).exclude(person_email="")
    for number, email in apps.get_model("connectors", "Person").objects.using(alias).values_list("pk", "email"):
        unknown.filter(person_email=email).update(person_id=number)


def _number() -> models.BigIntegerField:
    return models.BigIntegerField(blank=True, null=True)


def _name() -> models.CharField:
    return models.CharField(blank=True, max_length=320)


class Migration(migrations.Migration):
    # On PostgreSQL, a table cannot be altered in the transaction that changed its rows.
    atomic = False

    dependencies = [("connectors", "0007_remote_user")]

    operations = [
        *(migrations.AddField("historyrow", name, _number()) for name in NUMBERS),
        *(migrations.AddField("historyrow", name, _name()) for name in NAMES),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(number_archived, migrations.RunPython.noop),
    ]
