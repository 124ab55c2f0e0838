"""Terms of a site for work item types, and issue types by their ids; rows of the history that are read otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from connectors.history.mirror import projection, search_terms
from alignadmin.folding import fold
from connectors.align.audit_sentences import MappingEvent, parse
from connectors.history.mirror.terms import AS_PUBLISHED, Terms, ids_by_family

BATCH = 2000
KNOWN = ("", *AS_PUBLISHED.values())
NAMES = ("object_name", "before_name", "after_name")
TEXTS = (*NAMES, "sentence", "reason", "person_name")


def keep_choices_by_id(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What was chosen by name is kept by the ids that have it in the catalogue."""
    alias = schema_editor.connection.alias
    types = apps.get_model("connectors", "IssueType").objects.using(alias)
    for match in apps.get_model("connectors", "TypeMatch").objects.using(alias):
        named = types.filter(connector_id=match.connector_id, name=match.issue_type_name).order_by("jira_id")
        match.issue_type_ids = list(named.values_list("jira_id", flat=True))
        match.save(update_fields=["issue_type_ids"])


def remake_rows(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Words inside scripts without spaces; looks of names that fold otherwise; types by their ids, and not cut off.

    All rows are looked at, few are changed: where a name is plain and a type known, nothing is read otherwise.
    """
    table = apps.get_model("connectors", "HistoryRow").objects.using(schema_editor.connection.alias)
    entries = apps.get_model("connectors", "Entry").objects.using(schema_editor.connection.alias)
    fields = ["work_item_type", "match", "text"]
    last, columns = 0, table.order_by("pk").values_list("pk", *fields, *NAMES)
    while found := list(columns.filter(pk__gt=last)[:BATCH]):
        last = found[-1][0]
        odd = [pk for pk, *told in found if _may_be_read_otherwise(*told)]
        if odd:
            whole = table.filter(pk__in=odd).select_related("line", "connector")
            table.bulk_update([row for row in whole if _read_again(row, entries)], fields, batch_size=200)


def _may_be_read_otherwise(work_item_type: str, match: str, text: str, *names: str) -> bool:
    is_odd = bool(match) and not (work_item_type in KNOWN and all(map(_is_plain, names)))
    return is_odd or (not text.isascii() and search_terms.UNSPACED.search(text) is not None)


def _read_again(row: Any, entries: Any) -> bool:
    before = row.work_item_type, row.match, row.text
    if row.match and not (row.work_item_type in KNOWN and all(_is_plain(getattr(row, name)) for name in NAMES)):
        _look_again(row, entries)
    if search_terms.UNSPACED.search(row.text) or row.work_item_type != before[0]:
        row.text = _words_again(row)
    return before != (row.work_item_type, row.match, row.text)


def _is_plain(name: str) -> bool:
    return name.isascii() or " ".join(name.split()).casefold() == fold(name)


def _look_again(row: Any, entries: Any) -> None:
    if row.entry_seq is not None:
        body = json.loads(entries.get(seq=row.entry_seq).body)
        row.match = projection.match_of_ours(MappingEvent(**body["event"]))
        return
    event = parse(row.line.description, row.line.type).event
    if event is not None:
        terms = Terms(labels=AS_PUBLISHED, type_ids=ids_by_family(row.connector.type_ids))
        row.work_item_type = terms.type_of(event)[:255]
        row.match = projection.look_of(event, row.connector.align_connector_id, terms.type_of(event))


OF_OTHERS = (":remote:", ":planner:", ":approver:", ":applier:")  # words that stand in no column of the row


def _words_again(row: Any) -> str:
    """The words that are there, cut as they are cut now, and those of the texts that were cut off at their length."""
    kept = [word for word in row.text.split(" ") if word.startswith(OF_OTHERS)]
    plain: Iterable[str] = (word for word in row.text.split(" ") if not word.startswith(":"))
    whole = " ".join([*plain, *(getattr(row, name) for name in TEXTS), row.line.description if row.line else ""])
    return " ".join(dict.fromkeys([*search_terms.of_row(row, projection.safe(whole)).split(" "), *kept]))


class Migration(migrations.Migration):
    # On PostgreSQL, a table cannot be altered in the transaction that changed its rows.
    atomic = False

    dependencies = [("connectors", "0010_comparison")]

    operations = [
        migrations.AlterField("historyrow", "work_item_type", models.CharField(blank=True, max_length=255)),
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
                        on_delete=models.deletion.CASCADE, related_name="type_labels", to="connectors.connector"
                    ),
                ),
            ],
            options={
                "ordering": ["folded"],
                "constraints": [models.UniqueConstraint(fields=("connector", "folded"), name="one_meaning_per_label")],
            },
        ),
        migrations.AddField("issuetype", "hierarchy_level", models.SmallIntegerField(blank=True, null=True)),
        migrations.AddField("issuetype", "avatar", models.BigIntegerField(blank=True, null=True)),
        migrations.AddField(
            "issuetype",
            "project",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=models.deletion.CASCADE,
                related_name="own_types",
                to="connectors.project",
            ),
        ),
        migrations.AddField("typematch", "issue_type_ids", models.JSONField(blank=True, default=list)),
        migrations.RunPython(keep_choices_by_id, migrations.RunPython.noop),
        migrations.RunPython(remake_rows, migrations.RunPython.noop),
    ]
