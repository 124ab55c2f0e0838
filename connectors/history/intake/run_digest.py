"""What binds mirrored lines and runs: the digest over a run's lines in their order, and the hash of each run.

Knows no table, so that a migration makes the same ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

START = "0" * 64
TAG = b"alignadmin.intake-run.v1"
# The columns of a line that its run's digest covers. Its connector is compared with the run's.
COVERED = (
    "id",
    "remote_id",
    "type",
    "user",
    "at",
    "description",
    "digest",
    "occurrence",
    "intake",
    "recorded_at",
)
FACTS = (
    "number",
    "connector_id",
    "intake",
    "person_id",
    "person_name",
    "began_at",
    "ended_at",
    "readings",
    "covers",
    "lines",
    "digest",
    "seen_again",
    "seen_again_digest",
    "withdrawn",
    "text_sha256",
    "head_seq",
    "head_hash",
    "prev",
    "entry_seq",
)
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode


class Digest:
    """SHA-256 over rows of values, one after the other; the rows need not be kept."""

    def __init__(self) -> None:
        self.count = 0
        self._hash = hashlib.sha256(TAG)

    def add(self, values: Iterable[Any]) -> None:
        self.count += 1
        self._hash.update(_encode([_plain(value) for value in values]).encode() + b"\n")

    def hex(self) -> str:
        return self._hash.hexdigest()


def of_lines(lines: Iterable[Any]) -> str:
    """Of lines as objects, in the order of their keys."""
    digest = Digest()
    for line in lines:
        digest.add([getattr(line, name) for name in COVERED])
    return digest.hex()


def of_seen_again(ranges: Iterable[tuple[int, int]]) -> str:
    digest = Digest()
    for each in ranges:
        digest.add(each)
    return digest.hex()


def facts(run: Any) -> dict[str, Any]:
    """The columns of a run as its entry has them."""
    return {name: _plain(getattr(run, name)) for name in FACTS}


def hash_of(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(TAG + json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
