"""What is agreed of subjects that keep their lines nowhere else; for them to answer and to be put in force by."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.models import Connector
from mappings.engine.configuration import LineChange, LineValues
from mappings.models import AgreedLine


def agreed_lines(connector: Connector, subject: str) -> LineValues:
    rows = AgreedLine.objects.filter(connector=connector, subject=subject)
    return dict(rows.values_list("key", "value"))


def store_agreed(connector: Connector, subject: str, changes: Iterable[LineChange]) -> None:
    """In the transaction of the approval."""
    gone = []
    for change in changes:
        if change.after is None:
            gone.append(change.key)
        else:
            AgreedLine.objects.update_or_create(
                connector=connector, subject=subject, key=change.key, defaults={"value": change.after}
            )
    AgreedLine.objects.filter(connector=connector, subject=subject, key__in=gone).delete()
