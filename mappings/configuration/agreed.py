"""What is agreed of subjects that keep their lines nowhere else; for them to answer and to be put in force by."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.models import Connector
from mappings.configuration.draft import ROWS_AT_ONCE
from mappings.engine.configuration import LineChange, LineValues
from mappings.models import AgreedLine


def agreed_lines(connector: Connector, subject: str) -> LineValues:
    rows = AgreedLine.objects.filter(connector=connector, subject=subject)
    return dict(rows.values_list("key", "value"))


def store_agreed(connector: Connector, subject: str, changes: Iterable[LineChange]) -> None:
    """In the transaction of the approval."""
    after = {each.key: each.after for each in changes}
    AgreedLine.objects.filter(connector=connector, subject=subject, key__in=after).delete()
    AgreedLine.objects.bulk_create(
        [
            AgreedLine(connector=connector, subject=subject, key=key, value=value)
            for key, value in after.items()
            if value is not None
        ],
        batch_size=ROWS_AT_ONCE,
    )
