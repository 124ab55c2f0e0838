"""What an approval of an import is about, line by line, and whether what is stored is still that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from mappings.engine.import_plan import import_fingerprint
from mappings.models import ImportAct, ImportLine, ImportRun

ALTERED = (
    "What is stored of this import is not what was approved: somebody or something has altered its lines in the "
    "database. Nothing more is sent of it. Cancel it, look at the database’s log, and plan another one."
)


def approved_facts(line: ImportLine) -> list[Any]:
    """As it was planned: which item is made of it is known later."""
    known = None if line.act == ImportAct.CREATE else line.align_id
    values = _comparable(line.values)
    facts = [line.jira_id, line.act, line.level, values, line.parent_id, line.parent_field, known]
    return [*facts, _comparable(line.later)] if line.later else facts


def _comparable(value: Any) -> Any:
    """A database that keeps JSON by value gives 1e16 back as a whole number."""
    if isinstance(value, dict):
        return {key: _comparable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_comparable(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class ApprovedLines:
    """The lines of a run as they were approved: all of them are checked once, and then those of each batch."""

    def __init__(self, run: ImportRun) -> None:
        self._run = run
        self._digests: dict[int, str] | None = None

    def are(self, batch: Iterable[ImportLine]) -> bool:
        if self._digests is None:
            self._digests = self._checked()
        return all(self._digests.get(each.position) == _digest(each) for each in batch)

    def _checked(self) -> dict[int, str]:
        """By position; empty where the whole has another fingerprint."""
        digests: dict[int, str] = {}

        def facts() -> Iterable[list[Any]]:
            for line in self._run.lines.order_by("position").iterator(500):
                digests[line.position] = _digest(line)
                yield approved_facts(line)

        found = import_fingerprint(self._run.project.jira_id, facts())
        return digests if found == self._run.fingerprint else {}


def _digest(line: ImportLine) -> str:
    return hashlib.sha256(json.dumps(approved_facts(line), sort_keys=True).encode()).hexdigest()
