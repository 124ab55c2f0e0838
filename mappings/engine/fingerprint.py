"""What an approval is about: a fingerprint over the requests of a plan, whether just planned or stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol


class Request(Protocol):
    """What a fingerprint needs of a change, whether just planned or stored."""

    @property
    def key(self) -> str: ...
    @property
    def before(self) -> int | None: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query(self) -> Iterable[Sequence[str]]: ...
    @property
    def body(self) -> Mapping[str, int | str] | None: ...


def fingerprint_of(connector_id: int, changes: Iterable[Request]) -> str:
    """SHA-256 over keys, before values and requests: what an approval is about, and nothing else."""
    facts = sorted(_canonical(connector_id, change) for change in changes)
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _canonical(connector_id: int, change: Request) -> str:
    fact = {
        "connector": connector_id,
        "key": change.key,
        "before": change.before,
        "method": change.method,
        "path": change.path,
        "query": [list(pair) for pair in change.query],
        "body": None if change.body is None else dict(change.body),
    }
    return json.dumps(fact, sort_keys=True, separators=(",", ":"))
