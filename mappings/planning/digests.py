"""A digest over everything that people read of a plan's changes: its entry has it, so that no edit of a row is unseen.

The fingerprint that is approved covers what is sent; this covers the names and sentences beside it, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from mappings.models import PLANNED_FIELDS, Change


def digest_of(changes: Iterable[Change]) -> str:
    """In the order of their positions."""
    found = hashlib.sha256()
    for change in changes:
        values = [getattr(change, name) for name in PLANNED_FIELDS]
        found.update(json.dumps(values, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    return found.hexdigest()
