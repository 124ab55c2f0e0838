"""What follows from entries that were just appended: their rows, and what those pair with in Align's log."""

from __future__ import annotations

from collections.abc import Sequence

from alignadmin.audit.bulk_insert import insert
from alignadmin.audit.models import Entry
from connectors.history.mirror import matching
from connectors.history.mirror.projection import row_of


def project(entries: Sequence[Entry]) -> None:
    """A listener of the trail: in the transaction of the act, behind the head's lock."""
    made = insert([row for entry in entries if (row := row_of(entry))])
    matching.after_ours(made)
