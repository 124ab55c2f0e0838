"""A digest over everything that people read of a plan's changes: its entry has it, so that no edit of a row is unseen.

The fingerprint that is approved covers what is sent; this covers the names and sentences beside it, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from mappings.models import Change

# What never changes of a change once it is planned. Its mapping and its scope may go, and are copied into these.
TOLD = (
    "position",
    "action",
    "family",
    "project_key",
    "work_item_type",
    "source_id",
    "source_name",
    "before",
    "before_name",
    "after",
    "after_name",
    "author_id",
    "author_name",
    "author_email",
    "author_role",
    "earlier",
    "remote_id",
    "is_spare",
    "method",
    "path",
    "query",
    "body",
    "sentence",
    "expected_line",
    "event",
)


def digest_of(changes: Iterable[Change]) -> str:
    """In the order of their positions."""
    found = hashlib.sha256()
    for change in changes:
        told = [getattr(change, name) for name in TOLD]
        found.update(json.dumps(told, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    return found.hexdigest()
